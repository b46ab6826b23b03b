// Parameters of a machine: those that it declares, and warmup, draws and chains, which always
// exist.
#include <cmath>

#include "runtime/host/handles.h"
#include "runtime/host/words.h"

namespace borel::host {

namespace {

constexpr double largest = 1e15;

struct Always {
  const char* name;
  double lower, fallback;
  std::int64_t Counts::*count;
};
constexpr Always always[] = {{"warmup", 0, 1000, &Counts::warmup},
                             {"draws", 0, 1000, &Counts::draws},
                             {"chains", 1, 4, &Counts::chains}};

// warmup and draws of a machine that makes so many steps.
bool is_fixed(const borel_instance& instance, std::string_view name) {
  return steps_of(instance) >= 0 && (name == "warmup" || name == "draws");
}

std::int32_t find_parameter(const borel_machine& machine, std::string_view name) {
  for (std::int32_t i = 0; i < machine.parameter_count; ++i) {
    if (name == machine.parameters[i].name) {
      return i;
    }
  }
  return -1;
}

void set_count(std::string_view name, double value, Counts& counts) {
  for (const Always& entry : always) {
    if (name == entry.name) {
      const double held = value < largest ? value : largest;
      counts.*entry.count = static_cast<std::int64_t>(held > 0 ? held : 0);
    }
  }
}

borel_code unknown(const borel_instance& instance, const char* name, const Reporter& report) {
  const borel_machine& machine = *instance.program->machine;
  Text text, list;
  NearestName nearest(name);
  const auto add = [&](const char* known) {
    nearest.consider(known);
    list << (list.empty() ? "" : ", ") << known;
  };
  for (std::int32_t i = 0; i < machine.parameter_count; ++i) {
    add(machine.parameters[i].name);
  }
  for (const Always& entry : always) {
    if (find_parameter(machine, entry.name) < 0 && !is_fixed(instance, entry.name)) {
      add(entry.name);
    }
  }
  text << "no parameter `" << name << "`";
  if (nearest.best().empty()) {
    text << "; there are " << list.view();
  } else {
    text << "; did you mean `" << nearest.best() << "`?";
  }
  return report.bad_argument(text, name);
}

}  // namespace

std::int64_t steps_of(const borel_instance& instance) {
  const borel_machine* machine = instance.program->machine;
  if (machine == nullptr || machine->steps == nullptr) {
    return -1;
  }
  const std::int64_t steps = machine->steps(instance.memory.data());
  return steps > 0 ? steps : 0;
}

borel_code apply_setting(const borel_instance& instance, const borel_setting& setting,
                         Array<double>& values, Counts& counts, const Reporter& report) {
  const borel_machine& machine = *instance.program->machine;
  if (setting.name == nullptr) {
    return report.bad_argument("the name of a setting is null");
  }
  if (is_fixed(instance, setting.name)) {
    return report.bad_argument(Text() << "the machine makes " << steps_of(instance)
                                      << " steps, by its data: it has no parameter `"
                                      << setting.name << "`",
                               setting.name);
  }
  const std::int32_t declared = find_parameter(machine, setting.name);
  bool is_int = true;
  double lower = 0, upper = largest;
  const borel_span* span = nullptr;
  if (declared >= 0) {
    const borel_parameter& parameter = machine.parameters[declared];
    is_int = parameter.type != BOREL_REAL;
    lower = parameter.lower;
    upper = parameter.upper;
    span = &parameter.span;
  } else {
    const Always* found = nullptr;
    for (const Always& entry : always) {
      found = says(setting.name, entry.name) ? &entry : found;
    }
    if (found == nullptr) {
      return unknown(instance, setting.name, report);
    }
    lower = found->lower;
  }
  const double value = setting.value;
  if (!(value >= lower && value <= upper) || (is_int && value != std::floor(value))) {
    Text text;
    text << "parameter `" << setting.name << "`: found " << value << ", expected "
         << (is_int ? "an integer" : "a number");
    if (std::isfinite(lower) && std::isfinite(upper)) {
      text << " from " << lower << " to " << upper;
    } else if (std::isfinite(lower)) {
      text << " of at least " << lower;
    } else if (std::isfinite(upper)) {
      text << " of at most " << upper;
    }
    return report(BOREL_BAD_ARGUMENT, text, setting.name, span);
  }
  if (declared >= 0) {
    values[static_cast<std::size_t>(declared)] = value;
  }
  set_count(setting.name, value, counts);
  return BOREL_SUCCESS;
}

borel_code apply_settings(const borel_instance& instance, std::int32_t count,
                          const borel_setting* settings, Array<double>& values, Counts& counts,
                          const Reporter& report) {
  const borel_machine& machine = *instance.program->machine;
  if (count < 0 || (count > 0 && settings == nullptr)) {
    return report.bad_argument("the settings are null, or fewer than none");
  }
  if (!values.resize(static_cast<std::size_t>(machine.parameter_count))) {
    return report.no_memory();
  }
  for (const Always& entry : always) {
    counts.*entry.count = static_cast<std::int64_t>(entry.fallback);
  }
  const std::int64_t steps = steps_of(instance);
  if (steps >= 0) {
    counts.chains = 1;
  }
  for (std::int32_t i = 0; i < machine.parameter_count; ++i) {
    const borel_parameter& parameter = machine.parameters[i];
    values[static_cast<std::size_t>(i)] = parameter.fallback;
    set_count(parameter.name, parameter.fallback, counts);
  }
  if (steps >= 0) {
    counts.warmup = 0;
    counts.draws = steps;
  }
  for (std::int32_t i = 0; i < count; ++i) {
    if (const borel_code code = apply_setting(instance, settings[i], values, counts, report)) {
      return code;
    }
  }
  return BOREL_SUCCESS;
}

}  // namespace borel::host

#include "runtime/core/parameters.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "runtime/core/names.h"

namespace borel::runtime {

Parameters::Parameters(const borel_machine& machine, std::int64_t steps) : steps_(steps) {
  for (int i = 0; i < machine.parameter_count; ++i) {
    const borel_parameter& p = machine.parameters[i];
    entries_.push_back(
        {p.name, p.type != BOREL_REAL, p.lower, p.upper, p.fallback, SourceSpan(p.span), false});
    values_.push_back(p.fallback);
  }
  const struct {
    const char* name;
    double lower, fallback;
  } always[] = {{"warmup", 0, steps < 0 ? 1000. : 0.},
                {"draws", 0, steps < 0 ? 1000. : static_cast<double>(steps)},
                {"chains", 1, steps < 0 ? 4. : 1.}};
  constexpr double largest = 1e15;
  for (const auto& p : always) {
    if (!has(p.name)) {
      entries_.push_back({p.name, true, p.lower, largest, p.fallback, {}, false});
      values_.push_back(p.fallback);
    } else if (is_fixed(p.name)) {
      values_[static_cast<std::size_t>(find(p.name) - values_.data())] = p.fallback;
    }
  }
}

const double* Parameters::find(std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name == name) {
      return &values_[i];
    }
  }
  return nullptr;
}

bool Parameters::is_fixed(std::string_view name) const {
  return steps_ >= 0 && (name == "warmup" || name == "draws");
}

double Parameters::get(std::string_view name, double fallback) const {
  const double* value = find(name);
  return value != nullptr ? *value : fallback;
}

std::int64_t Parameters::get_int(std::string_view name, std::int64_t fallback) const {
  const double* value = find(name);
  return value != nullptr ? static_cast<std::int64_t>(*value) : fallback;
}

Failure Parameters::set(std::string_view name, double value) {
  const double* slot = find(name);
  if (slot == nullptr) {
    std::vector<std::string> names;
    std::string list;
    for (const Entry& entry : entries_) {
      if (is_fixed(entry.name)) {
        continue;
      }
      names.push_back(entry.name);
      list += (list.empty() ? "" : ", ") + entry.name;
    }
    const std::string near = nearest_name(name, names);
    return Error{ErrorKind::parameter,
                 "no parameter `" + std::string(name) + "`" +
                     (near.empty() ? "; there are " + list : "; did you mean `" + near + "`?"),
                 {},
                 {}};
  }
  if (is_fixed(name)) {
    return Error{ErrorKind::parameter,
                 "the machine makes " + std::to_string(steps_) +
                     " steps, by its data: it has no parameter `" + std::string(name) + "`",
                 {},
                 {}};
  }
  const std::size_t i = static_cast<std::size_t>(slot - values_.data());
  Entry& entry = entries_[i];
  const bool whole = !entry.is_int || value == std::floor(value);
  if (!(value >= entry.lower && value <= entry.upper) || !whole) {
    std::string expected = entry.is_int ? "an integer" : "a number";
    if (std::isfinite(entry.lower) && std::isfinite(entry.upper)) {
      expected += " from " + number_text(entry.lower) + " to " + number_text(entry.upper);
    } else if (std::isfinite(entry.lower)) {
      expected += " of at least " + number_text(entry.lower);
    } else if (std::isfinite(entry.upper)) {
      expected += " of at most " + number_text(entry.upper);
    }
    return Error{
        ErrorKind::parameter,
        "parameter `" + entry.name + "`: found " + number_text(value) + ", expected " + expected,
        entry.span,
        {}};
  }
  values_[i] = value;
  entry.changed = true;
  return {};
}

Failure Parameters::set(std::string_view name, std::string_view text) {
  double value = std::numeric_limits<double>::quiet_NaN();
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return Error{
        ErrorKind::parameter,
        "parameter `" + std::string(name) + "`: `" + std::string(text) + "` is not a number",
        {},
        {}};
  }
  return set(name, value);
}

}  // namespace borel::runtime

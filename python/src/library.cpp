#include "library.h"

#include <nanobind/stl/string.h>

namespace borel::python {

namespace nb = nanobind;

namespace {

nb::list describe_dims(const borel_program& program, const borel_input& input) {
  nb::list dims;
  for (std::int32_t d = 0; d < input.rank; ++d) {
    const borel_dim& dim = input.dims[d];
    const char* symbol = dim.symbol >= 0 ? program.sizes[dim.symbol].name : nullptr;
    dims.append(nb::make_tuple(symbol, dim.offset));
  }
  return dims;
}

nb::dict describe_input(const borel_program& program, const borel_input& input) {
  nb::dict out;
  out["name"] = input.name;
  out["type"] = input.type;
  out["column_major"] = input.layout == BOREL_COLUMN_MAJOR && input.rank >= 2;
  out["dims"] = describe_dims(program, input);
  out["default"] = nb::none();
  if (input.fallback != nullptr) {
    if (input.type == BOREL_REAL) {
      out["default"] = *static_cast<const double*>(input.fallback);
    } else {
      out["default"] = *static_cast<const std::int64_t*>(input.fallback);
    }
  }
  out["span"] = describe_span(input.span);
  return out;
}

nb::object describe_machine(const borel_machine* machine) {
  if (machine == nullptr) {
    return nb::none();
  }
  nb::list parameters, statistics;
  for (std::int32_t i = 0; i < machine->parameter_count; ++i) {
    const borel_parameter& p = machine->parameters[i];
    nb::dict parameter;
    parameter["name"] = p.name;
    parameter["is_int"] = p.type == BOREL_INT;
    parameter["lower"] = p.lower;
    parameter["upper"] = p.upper;
    parameter["default"] = p.fallback;
    parameters.append(parameter);
  }
  for (std::int32_t i = 0; i < machine->statistic_count; ++i) {
    statistics.append(nb::str(machine->statistics[i]));
  }
  nb::dict out;
  out["name"] = machine->name;
  out["model"] = machine->model;
  out["parameters"] = parameters;
  out["statistics"] = statistics;
  return out;
}

}  // namespace

Library::Library(const std::string& path) {
  const borel_logger logger = {this, &Library::log};
  handle_.emplace(borel::Library::load(path, nullptr, &logger));
}

void Library::log(void* context, borel_log_level level, const char* message) {
  if (level < BOREL_LOG_WARNING) {
    return;
  }
  Library& self = *static_cast<Library*>(context);
  try {
    const std::lock_guard<std::mutex> lock(self.mutex_);
    self.messages_.emplace_back(message);
  } catch (const std::bad_alloc&) {
    // Without memory for a warning there is no warning.
  }
}

std::vector<std::string> Library::take_messages() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(messages_, {});
}

nb::dict Library::describe() const {
  const borel_program& p = program();
  nb::list sizes, inputs, models;
  for (std::int32_t i = 0; i < p.size_count; ++i) {
    sizes.append(nb::str(p.sizes[i].name));
  }
  for (std::int32_t i = 0; i < p.input_count; ++i) {
    inputs.append(describe_input(p, p.inputs[i]));
  }
  for (std::int32_t i = 0; i < p.model_count; ++i) {
    models.append(nb::str(p.models[i].name));
  }
  nb::dict out;
  out["name"] = p.name;
  out["cpu"] = p.target_cpu;
  out["hash"] = p.source_hash;
  out["sizes"] = sizes;
  out["inputs"] = inputs;
  out["models"] = models;
  out["machine"] = describe_machine(p.machine);
  return out;
}

nb::object describe_span(const borel_span& span) {
  if (span.file == nullptr) {
    return nb::none();
  }
  return nb::make_tuple(span.file, span.line, span.column);
}

}  // namespace borel::python

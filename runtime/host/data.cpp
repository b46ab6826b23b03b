// Inputs from the caller's memory, and the storage of those that are copied.
#include "runtime/host/handles.h"
#include "runtime/host/words.h"

namespace borel::host {

void clear_value(Value& value) {
  value.source = Value::none;
  value.memory = nullptr;
}

void* stage_value(const borel_allocator& allocator, Value& value, std::int64_t count) {
  const auto is_free = [](const Shared* shared) {
    return shared != nullptr && shared->is_sole_owner();
  };
  // Of the two storages the one that neither these data nor an instance need.
  if (!is_free(value.spare) && value.source != Value::copied && is_free(value.storage)) {
    Shared* const other = value.spare;
    value.spare = value.storage;
    value.storage = other;
  }
  if (!is_free(value.spare)) {
    Shared::drop(value.spare);
    value.spare = Shared::create(allocator);
  }
  if (value.spare == nullptr || !value.spare->block.reserve(8 * static_cast<std::size_t>(count))) {
    return nullptr;
  }
  return value.spare->block.data();
}

void commit_value(Value& value, std::int32_t rank, const std::int64_t* dims, std::int64_t count) {
  Shared* const written = value.spare;
  value.spare = value.storage;
  value.storage = written;
  value.source = Value::copied;
  value.memory = written->block.data();
  value.rank = rank;
  for (std::int32_t d = 0; d < rank; ++d) {
    value.dims[d] = dims[d];
  }
  value.count = count;
}

std::int32_t find_input(const borel_program& program, std::string_view name) {
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    if (name == program.inputs[i].name) {
      return i;
    }
  }
  return -1;
}

std::int32_t find_size(const borel_program& program, std::string_view name) {
  for (std::int32_t i = 0; i < program.size_count; ++i) {
    if (name == program.sizes[i].name) {
      return i;
    }
  }
  return -1;
}

namespace {

borel_code unknown_name(const borel_program& program, const char* name, const Reporter& report) {
  Text text;
  text << "the program has no input `" << name << "`";
  NearestName nearest(name);
  Text list;
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    nearest.consider(program.inputs[i].name);
    list << (i == 0 ? "" : ", ") << program.inputs[i].name;
  }
  for (std::int32_t i = 0; i < program.size_count; ++i) {
    nearest.consider(program.sizes[i].name);
  }
  if (!nearest.best().empty()) {
    text << "; did you mean `" << nearest.best() << "`?";
  } else if (!list.empty()) {
    text << "; there are " << list.view();
  }
  return report.bad_argument(text, name);
}

// A call that sets a value: from doubles or from int64_t, borrowed or copied.
struct Setter {
  borel_data* data;
  const char* name;
  const void* memory;
  bool is_real, copies;
  std::int32_t rank;
  const std::int64_t* dims;
  std::int64_t count = 1;  // elements, from the dimensions

  borel_code operator()(borel_error** error) {
    if (data == nullptr) {
      return null_handle(error, "the data handle");
    }
    const Reporter report = reporter(data->library, error);
    if (name == nullptr) {
      return report.bad_argument("the name is null");
    }
    if (const borel_code code = count_elements(report)) {
      return code;
    }
    const borel_program& program = *data->library->program;
    if (const std::int32_t i = find_input(program, name); i >= 0) {
      return set_input(program, i, report);
    }
    if (const std::int32_t i = find_size(program, name); i >= 0) {
      return set_size(program, i, report);
    }
    return unknown_name(program, name, report);
  }

  borel_code count_elements(const Reporter& report) {
    if (rank < 0 || rank > BOREL_MAX_RANK) {
      return report.bad_argument(Text() << "`" << name << "`: the rank " << rank
                                        << " is not one from 0 to " << BOREL_MAX_RANK,
                                 name);
    }
    if (rank > 0 && dims == nullptr) {
      return report.bad_argument(Text() << "`" << name << "`: the dimensions are null", name);
    }
    for (std::int32_t d = 0; d < rank; ++d) {
      if (dims[d] < 0) {
        return report.bad_argument(
            Text() << "`" << name << "`: a dimension is " << dims[d] << ", below 0", name);
      }
    }
    bool is_empty = false;
    for (std::int32_t d = 0; d < rank; ++d) {
      is_empty = is_empty || dims[d] == 0;
    }
    count = is_empty ? 0 : 1;
    for (std::int32_t d = 0; d < rank; ++d) {
      if (!is_empty && (__builtin_mul_overflow(count, dims[d], &count) ||
                        count > static_cast<std::int64_t>(max_bytes / 8))) {
        return report.bad_argument(Text() << "`" << name << "`: more elements than memory can have",
                                   name);
      }
    }
    if (memory == nullptr && count > 0) {
      return report.bad_argument(Text() << "`" << name << "`: the values are null", name);
    }
    return BOREL_SUCCESS;
  }

  borel_code set_input(const borel_program& program, std::int32_t i, const Reporter& report) {
    const borel_input& input = program.inputs[i];
    const bool wants_real = input.type == BOREL_REAL;
    if (is_real && !wants_real) {
      return report(BOREL_BAD_DATA,
                    Text() << "`" << name << "`: found real numbers, expected "
                           << (input.type == BOREL_BOOL ? "0 or 1" : "integers"),
                    name, &input.span);
    }
    if (!is_real && wants_real && !copies) {
      return report(BOREL_BAD_DATA,
                    Text() << "`" << name
                           << "`: found integers, expected real numbers; borel_data_copy_int "
                              "converts them",
                    name, &input.span);
    }
    Value& value = data->values[static_cast<std::size_t>(i)];
    if (!copies) {
      value.source = Value::borrowed;
      value.memory = memory;
      value.rank = rank;
      for (std::int32_t d = 0; d < rank; ++d) {
        value.dims[d] = dims[d];
      }
      value.count = count;
      return BOREL_SUCCESS;
    }
    void* to = stage_value(data->library->allocator, value, count);
    if (to == nullptr) {
      return report.no_memory();
    }
    if (is_real == wants_real) {
      if (count > 0) {
        std::memcpy(to, memory, 8 * static_cast<std::size_t>(count));
      }
    } else {
      for (std::int64_t e = 0; e < count; ++e) {
        static_cast<double*>(to)[e] =
            static_cast<double>(static_cast<const std::int64_t*>(memory)[e]);
      }
    }
    commit_value(value, rank, dims, count);
    return BOREL_SUCCESS;
  }

  borel_code set_size(const borel_program& program, std::int32_t i, const Reporter& report) {
    if (is_real || rank != 0) {
      const Text found = is_real ? Text("a real number") : shape_text(dims, rank);
      return report(BOREL_BAD_DATA,
                    Text() << "`" << name << "`: found " << found.view()
                           << ", expected a size: an integer of at least 0",
                    name, &program.sizes[i].span);
    }
    Value& value = data->values[size_slot(program, i)];
    value.source = Value::copied;
    value.dims[0] = *static_cast<const std::int64_t*>(memory);
    return BOREL_SUCCESS;
  }
};

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_data_create(const borel_library* library, borel_data** data, borel_error** error) {
  if (library == nullptr) {
    return null_handle(error, "the library");
  }
  const Reporter report = reporter(library, error);
  if (data == nullptr) {
    return report.bad_argument("the place for the data handle is null");
  }
  const borel_allocator& allocator = library->allocator;
  borel_data* made = create<borel_data>(allocator, library);
  const std::size_t count = size_slot(*library->program, library->program->size_count);
  const std::size_t functions = static_cast<std::size_t>(library->program->external_count);
  if (made == nullptr || !made->values.resize(count) || !made->staged.resize(count) ||
      !made->functions.resize(functions)) {
    borel_data_free(made);
    return report.no_memory();
  }
  for (std::size_t i = 0; i < functions; ++i) {
    made->functions[i] = {};
  }
  *data = made;
  return BOREL_SUCCESS;
}

void borel_data_free(borel_data* data) {
  if (data == nullptr) {
    return;
  }
  for (const Value& value : data->values) {
    Shared::drop(value.storage);
    Shared::drop(value.spare);
  }
  destroy(data->library->allocator, data);
}

borel_code borel_data_real(borel_data* data, const char* name, const double* values, int32_t rank,
                           const int64_t* dims, borel_error** error) {
  return Setter{data, name, values, true, false, rank, dims}(error);
}
borel_code borel_data_int(borel_data* data, const char* name, const int64_t* values, int32_t rank,
                          const int64_t* dims, borel_error** error) {
  return Setter{data, name, values, false, false, rank, dims}(error);
}
borel_code borel_data_copy_real(borel_data* data, const char* name, const double* values,
                                int32_t rank, const int64_t* dims, borel_error** error) {
  return Setter{data, name, values, true, true, rank, dims}(error);
}
borel_code borel_data_copy_int(borel_data* data, const char* name, const int64_t* values,
                               int32_t rank, const int64_t* dims, borel_error** error) {
  return Setter{data, name, values, false, true, rank, dims}(error);
}

borel_code borel_data_function(borel_data* data, const char* name, const borel_function* function,
                               borel_error** error) {
  if (data == nullptr) {
    return null_handle(error, "the data");
  }
  const Reporter report = reporter(data->library, error);
  if (name == nullptr || function == nullptr || function->value == nullptr) {
    return report.bad_argument("the name or the function is null");
  }
  const borel_program& program = *data->library->program;
  for (std::int32_t i = 0; i < program.external_count; ++i) {
    const borel_external& wanted = program.externals[i];
    if (!says(wanted.name, name)) {
      continue;
    }
    if (wanted.has_gradient != 0 && function->gradient == nullptr) {
      return report(
          BOREL_BAD_ARGUMENT,
          Text() << "the function `" << name << "` lacks its gradient, which the program declares",
          name, &wanted.span);
    }
    data->functions[static_cast<std::size_t>(i)] = *function;
    return BOREL_SUCCESS;
  }
  return report(BOREL_BAD_ARGUMENT, Text() << "the program asks for no function `" << name << "`",
                name);
}

void borel_data_clear(borel_data* data) {
  if (data == nullptr) {
    return;
  }
  for (Value& value : data->values) {
    clear_value(value);
  }
  data->unused.clear();
}

}  // extern "C"

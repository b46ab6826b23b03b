// Libraries: a program that is whole, of this ABI, and made for this processor.
#include "runtime/host/library.h"

#include "runtime/core/cpu_level.h"

namespace borel::host {

namespace {

constexpr std::int32_t max_count = 1 << 24;  // of anything that a descriptor lists

template <class T>
bool is_list(std::int32_t count, const T* list) {
  return count >= 0 && count <= max_count && (count == 0 || list != nullptr);
}

bool is_dim(const borel_program& program, const borel_dim& dim) {
  return dim.symbol >= -1 && dim.symbol < program.size_count;
}

bool is_whole(const borel_program& program, const borel_input& input) {
  bool whole = input.name != nullptr && input.type >= BOREL_BOOL && input.type <= BOREL_INDEX &&
               input.rank >= 0 && input.rank <= BOREL_MAX_RANK;
  whole = whole && (input.type != BOREL_INDEX || is_dim(program, input.index_bound));
  whole = whole && (input.fallback == nullptr || input.rank == 0);
  for (std::int32_t d = 0; whole && d < input.rank; ++d) {
    whole = is_dim(program, input.dims[d]);
  }
  return whole;
}

bool is_whole(const borel_model& model) {
  if (model.name == nullptr || model.dimension == nullptr || model.draw_size == nullptr ||
      model.site_shape == nullptr || !is_list(model.site_count, model.sites)) {
    return false;
  }
  std::int32_t kind = BOREL_LATENT;
  for (std::int32_t i = 0; i < model.site_count; ++i) {
    const borel_site& site = model.sites[i];
    if (site.name == nullptr || site.rank < 0 || site.rank > BOREL_MAX_RANK || site.kind < kind) {
      return false;
    }
    kind = site.kind;
  }
  return true;
}

bool is_whole(const borel_program& program, const borel_machine& machine) {
  bool whole = machine.model >= 0 && machine.model < program.model_count &&
               is_list(machine.parameter_count, machine.parameters) &&
               is_list(machine.statistic_count, machine.statistics) &&
               machine.state_size != nullptr && machine.init != nullptr &&
               machine.step != nullptr && machine.draw != nullptr &&
               (machine.statistic_count == 0 || machine.info != nullptr);
  for (std::int32_t i = 0; whole && i < machine.parameter_count; ++i) {
    whole = machine.parameters[i].name != nullptr;
  }
  for (std::int32_t i = 0; whole && i < machine.statistic_count; ++i) {
    whole = machine.statistics[i] != nullptr;
  }
  return whole;
}

// What is missing or names something that is not there; null when nothing is.
const char* find_defect(const borel_program& program) {
  if (program.name == nullptr || program.instance_size == nullptr || program.bind == nullptr) {
    return "it lacks a name or bind";
  }
  if (!is_list(program.size_count, program.sizes) ||
      !is_list(program.input_count, program.inputs) ||
      !is_list(program.model_count, program.models) ||
      !is_list(program.place_count, program.places) ||
      !is_list(program.external_count, program.externals)) {
    return "a list is missing";
  }
  for (std::int32_t i = 0; i < program.external_count; ++i) {
    if (program.externals[i].name == nullptr) {
      return "a function of the host lacks its name";
    }
  }
  for (std::int32_t i = 0; i < program.size_count; ++i) {
    if (program.sizes[i].name == nullptr) {
      return "a size lacks its name";
    }
  }
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    if (!is_whole(program, program.inputs[i])) {
      return "an input is broken";
    }
  }
  for (std::int32_t i = 0; i < program.model_count; ++i) {
    if (!is_whole(program.models[i])) {
      return "a model is broken";
    }
  }
  if (program.machine != nullptr && !is_whole(program, *program.machine)) {
    return "the machine is broken";
  }
  return nullptr;
}

}  // namespace

borel_code check_program(const borel_program& program, const Reporter& report) {
  // The first two fields keep their places in every version; nothing else may be read before them.
  if (program.abi_version != BOREL_ABI_VERSION) {
    return report(BOREL_BAD_PROGRAM, Text() << "the program was compiled for version "
                                            << program.abi_version
                                            << " of the runtime's interface; this is version "
                                            << BOREL_ABI_VERSION << "; compile it again");
  }
  if (program.struct_size != sizeof(borel_program)) {
    return report(BOREL_BAD_PROGRAM, Text()
                                         << "the program's descriptor has " << program.struct_size
                                         << " bytes where this runtime's has "
                                         << static_cast<std::int64_t>(sizeof(borel_program))
                                         << "; compile it again");
  }
  const std::string_view target = text_or_empty(program.target_cpu);
  if (!runtime::cpu_runs(target, {})) {
    Text text;
    text << "the program was compiled for the CPU `" << target << "`; this is ";
    if (const int here = runtime::host_cpu_level(); here > 0) {
      text << "one of level x86-64-v" << here;
    } else {
      text << "another kind of machine";
    }
    return report(BOREL_BAD_PROGRAM,
                  text << "; compile it again here, or for a common level such as x86-64-v3");
  }
  if (const char* defect = find_defect(program)) {
    return report(BOREL_BAD_PROGRAM, Text() << "the program's descriptor is broken: " << defect);
  }
  return BOREL_SUCCESS;
}

borel_code check_services(const borel_allocator* allocator, const borel_logger* logger,
                          borel_library** library, borel_error** error) {
  const Reporter report{default_allocator(), error};
  if (library == nullptr) {
    return null_handle(error, "the place for the library");
  }
  if (allocator != nullptr && (allocator->allocate == nullptr || allocator->release == nullptr)) {
    return report.bad_argument("the allocator lacks a function");
  }
  if (logger != nullptr && logger->log == nullptr) {
    return report.bad_argument("the logger lacks its function");
  }
  return BOREL_SUCCESS;
}

borel_code open_library(const borel_program* program, const borel_allocator* allocator,
                        const borel_logger* logger, borel_library** library, borel_error** error) {
  if (const borel_code code = check_services(allocator, logger, library, error)) {
    return code;
  }
  if (program == nullptr) {
    return null_handle(error, "the program");
  }
  const borel_allocator chosen = allocator != nullptr ? *allocator : default_allocator();
  const Reporter report{chosen, error};
  if (const borel_code code = check_program(*program, report)) {
    return code;
  }
  const borel_logger no_logger = {nullptr, nullptr};
  void* memory = allocate(chosen, sizeof(borel_library), alignof(borel_library));
  borel_library* made = memory == nullptr
                            ? nullptr
                            : new (memory)
                                  borel_library{chosen, logger != nullptr ? *logger : no_logger,
                                                program, nullptr, nullptr};
  if (made == nullptr) {
    return report.no_memory();
  }
  *library = made;
  return BOREL_SUCCESS;
}

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_library_open(const borel_program* program, const borel_allocator* allocator,
                              const borel_logger* logger, borel_library** library,
                              borel_error** error) {
  return open_library(program, allocator, logger, library, error);
}

const borel_program* borel_library_program(const borel_library* library) {
  return library == nullptr ? nullptr : library->program;
}

void borel_library_free(borel_library* library) {
  if (library == nullptr) {
    return;
  }
  void* const file = library->file;
  void (*const close)(void*) = library->close;
  destroy(library->allocator, library);
  if (file != nullptr) {
    close(file);
  }
}

}  // extern "C"

// Instances: a program bound to data.
#include "runtime/host/handles.h"

namespace borel::host {

namespace {

borel_code bind_data(borel_data& data, borel_instance& instance, const Reporter& report) {
  instance.is_bound = false;
  ++instance.generation;
  if (const borel_code code = bind_inputs(data, instance, report)) {
    return code;
  }
  const borel_program& program = *instance.program;
  const borel_array* arrays = instance.arrays.data();
  const std::int64_t* sizes = instance.sizes.data();
  const std::int64_t bytes = program.instance_size(arrays, sizes);
  if (bytes < 0) {
    return report(BOREL_BAD_DATA, Text("the sizes of the data are too large"));
  }
  borel_workspace raw{};
  if (!instance.memory.reserve(static_cast<std::size_t>(bytes)) ||
      !prepare_workspace(raw, instance.workspace)) {
    return report.no_memory();
  }
  borel_status status = BOREL_OK;
  const borel_code code = run_call(
      raw, instance.workspace, report, status,
      [&](borel_workspace* ws) { return program.bind(arrays, sizes, ws, instance.memory.data()); },
      [] {});
  if (code != BOREL_SUCCESS) {
    return code;
  }
  if (status != BOREL_OK) {
    // Sizes that only the program can compare are still the data's.
    return report_fault(report, program, raw.fault,
                        raw.fault.kind == BOREL_FAULT_SHAPE ? BOREL_BAD_DATA : BOREL_RUN_FAILED);
  }
  instance.is_bound = true;
  return BOREL_SUCCESS;
}

const borel_model* find(const borel_instance* instance, std::int32_t model) {
  const bool exists = instance != nullptr && instance->is_bound && model >= 0 &&
                      model < instance->program->model_count;
  return exists ? &instance->program->models[model] : nullptr;
}

// Elements of all observed sites, or only how many draws they are.
std::int64_t observed_elements(const borel_instance& instance, const borel_model& model,
                               bool draws_only) {
  std::int64_t all = 0;
  for (std::int32_t i = 0; i < model.site_count; ++i) {
    const borel_site& site = model.sites[i];
    if (site.kind != BOREL_OBSERVED) {
      continue;
    }
    std::int64_t dims[BOREL_MAX_RANK] = {}, offset = -1, count = 1;
    model.site_shape(instance.memory.data(), i, dims, &offset);
    for (std::int32_t d = 0; d < (draws_only ? site.draw_rank : site.rank); ++d) {
      count *= dims[d];
    }
    all += count;
  }
  return all;
}

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_bind(borel_data* data, borel_instance** instance, borel_error** error) {
  if (data == nullptr) {
    return null_handle(error, "the data handle");
  }
  const Reporter report = reporter(data->library, error);
  if (instance == nullptr) {
    return report.bad_argument("the place for the instance is null");
  }
  const borel_library* library = data->library;
  const borel_allocator& allocator = library->allocator;
  borel_instance* made = create<borel_instance>(allocator, library);
  if (made == nullptr) {
    return report.no_memory();
  }
  const borel_code code = bind_data(*data, *made, report);
  if (code != BOREL_SUCCESS) {
    borel_instance_free(made);
    return code;
  }
  *instance = made;
  return BOREL_SUCCESS;
}

borel_code borel_rebind(borel_instance* instance, borel_data* data, borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  if (data == nullptr) {
    return report.bad_argument("the data handle is null");
  }
  if (data->library != instance->library) {
    return report.bad_argument("the data were made for another library than the instance");
  }
  return bind_data(*data, *instance, report);
}

void borel_instance_free(borel_instance* instance) {
  if (instance != nullptr) {
    drop_inputs(*instance);
    destroy(instance->library->allocator, instance);
  }
}

const borel_program* borel_instance_program(const borel_instance* instance) {
  return instance == nullptr ? nullptr : instance->program;
}

int32_t borel_instance_model(const borel_instance* instance) {
  const bool has_machine = instance != nullptr && instance->program->machine != nullptr;
  return has_machine ? instance->program->machine->model : -1;
}

int64_t borel_instance_steps(const borel_instance* instance) {
  return instance == nullptr || !instance->is_bound ? -1 : steps_of(*instance);
}

int32_t borel_find_model(const borel_instance* instance, const char* name) {
  if (instance == nullptr || name == nullptr) {
    return -1;
  }
  for (std::int32_t i = 0; i < instance->program->model_count; ++i) {
    if (says(instance->program->models[i].name, name)) {
      return i;
    }
  }
  return -1;
}

int64_t borel_dimension(const borel_instance* instance, int32_t model) {
  const borel_model* found = find(instance, model);
  return found == nullptr ? -1 : found->dimension(instance->memory.data());
}

int64_t borel_draw_size(const borel_instance* instance, int32_t model) {
  const borel_model* found = find(instance, model);
  return found == nullptr ? -1 : found->draw_size(instance->memory.data());
}

int64_t borel_observed_size(const borel_instance* instance, int32_t model) {
  const borel_model* found = find(instance, model);
  return found == nullptr ? -1 : observed_elements(*instance, *found, false);
}

int64_t borel_term_count(const borel_instance* instance, int32_t model) {
  const borel_model* found = find(instance, model);
  return found == nullptr ? -1 : observed_elements(*instance, *found, true);
}

int32_t borel_site_count(const borel_instance* instance, int32_t model) {
  const borel_model* found = find(instance, model);
  return found == nullptr ? -1 : found->site_count;
}

borel_code borel_describe_site(const borel_instance* instance, int32_t model, int32_t site,
                               borel_site_info* info, borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  const borel_model* found = find(instance, model);
  if (found == nullptr) {
    return report.bad_argument(instance->is_bound ? Text() << "there is no model " << model
                                                  : Text("the instance is not bound"));
  }
  if (site < 0 || site >= found->site_count) {
    return report.bad_argument(Text() << "model `" << found->name << "` has no site " << site
                                      << ": there are " << found->site_count);
  }
  if (info == nullptr) {
    return report.bad_argument("the place for the site is null");
  }
  const void* memory = instance->memory.data();
  std::int64_t draw_offset = 0, observed_offset = 0, term_offset = 0;
  borel_site_info described{};
  for (std::int32_t i = 0; i <= site; ++i) {
    const borel_site& from = found->sites[i];
    described = {from.name, from.support == nullptr ? "" : from.support,
                 from.kind, from.type,
                 from.rank, from.layout,
                 {},        1,
                 0,         -1,
                 0,         from.draw_rank,
                 -1,        -1,
                 1};
    found->site_shape(memory, i, described.dims, &described.u_offset);
    for (std::int32_t d = 0; d < from.rank; ++d) {
      described.elements *= described.dims[d];
      described.terms *= d < from.draw_rank ? described.dims[d] : 1;
    }
    for (std::int32_t d = from.rank; d < BOREL_MAX_RANK; ++d) {
      described.dims[d] = 0;
    }
    described.draw_offset = from.kind == BOREL_OBSERVED ? -1 : draw_offset;
    if (from.kind == BOREL_OBSERVED) {
      described.observed_offset = observed_offset;
      described.term_offset = term_offset;
      observed_offset += described.elements;
      term_offset += described.terms;
    } else {
      described.terms = 0;
      draw_offset += described.elements;
    }
  }
  if (described.kind != BOREL_LATENT || described.u_offset < 0) {
    described.u_offset = -1;  // observed, derived or discrete
  } else {
    // Up to the next site that has some, or the end.
    std::int64_t end = found->dimension(memory);
    for (std::int32_t i = found->site_count - 1; i > site; --i) {
      std::int64_t dims[BOREL_MAX_RANK] = {}, offset = -1;
      found->site_shape(memory, i, dims, &offset);
      end = found->sites[i].kind == BOREL_LATENT && offset >= 0 ? offset : end;
    }
    described.u_elements = end - described.u_offset;
  }
  *info = described;
  return BOREL_SUCCESS;
}

}  // extern "C"

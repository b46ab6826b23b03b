// Workspaces, and the calls of a model's functions with them.
#include <cmath>
#include <limits>

#include "runtime/host/model_call.h"

namespace borel::host {

bool prepare_workspace(borel_workspace& raw, Block& space) {
  constexpr std::size_t first = std::size_t{1} << 14;
  if (!space.reserve(first)) {
    return false;
  }
  raw = {};
  raw.begin = space.data();
  raw.end = raw.begin + space.capacity();
  clear_faults(raw);
  return true;
}

borel_code grow_workspace(borel_workspace& raw, Block& space, const Reporter& report) {
  const std::int64_t needed = raw.needed;
  if (needed <= raw.end - raw.begin) {
    return report(BOREL_BAD_PROGRAM, Text() << "the program wants " << needed
                                            << " bytes of workspace, which it already has");
  }
  if (static_cast<std::uint64_t>(needed) > max_bytes ||
      !space.reserve(static_cast<std::size_t>(needed))) {
    return report.no_memory();
  }
  raw.begin = space.data();
  raw.end = raw.begin + space.capacity();
  return BOREL_SUCCESS;
}

void clear_faults(borel_workspace& raw) {
  raw.rejections = 0;
  raw.fault = {BOREL_FAULT_NONE, -1, -1, std::numeric_limits<double>::quiet_NaN()};
}

borel_code report_not_finite(borel_worker& worker, const borel_model& model, const double* u,
                             double value, std::string_view before, const Reporter& report) {
  const void* instance = worker.instance->memory.data();
  const std::int64_t rejections = worker.raw.rejections;
  borel_fault cause{};
  borel_status status = BOREL_OK;
  const auto ask = [&](auto function) -> borel_code {
    clear_faults(worker.raw);
    if (const borel_code code =
            run_call(worker.raw, worker.space, report, status, function, [] {})) {
      return code;
    }
    if (worker.raw.fault.kind != BOREL_FAULT_NONE) {
      cause = worker.raw.fault;
    }
    return BOREL_SUCCESS;
  };
  borel_code code = BOREL_SUCCESS;
  if (model.log_density != nullptr) {
    double again = 0;
    code = ask([&](borel_workspace* ws) { return model.log_density(instance, ws, u, &again); });
  }
  if (code == BOREL_SUCCESS && model.diagnose != nullptr) {
    // Term by term: better than what the fast way can tell.
    code = ask([&](borel_workspace* ws) { return model.diagnose(instance, ws, u); });
  }
  clear_faults(worker.raw);
  worker.raw.rejections = rejections;
  if (code != BOREL_SUCCESS) {
    return code;
  }
  Text text;
  text << before << value;
  if (cause.kind == BOREL_FAULT_NONE) {
    return report(BOREL_RUN_FAILED, text);
  }
  return report_fault(report, *worker.instance->program, cause, BOREL_RUN_FAILED,
                      (text << ": ").view());
}

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The whole way of a density: everything is checked and told.
borel_code evaluate(borel_worker* worker, std::int32_t index, bool jacobian, bool with_gradient,
                    const double* u, double* log_density, double* gradient, borel_error** error) {
  return with_model(worker, index, error, [&](const ModelCall& call) -> borel_code {
    const borel_model& model = *call.model;
    const auto value = jacobian ? model.log_density : model.log_density_plain;
    const auto both = jacobian ? model.log_density_gradient : model.log_density_gradient_plain;
    if (with_gradient ? both == nullptr : value == nullptr) {
      return not_supported(call, with_gradient ? "the gradient" : "the log density");
    }
    if (is_missing(call, u) || log_density == nullptr ||
        (with_gradient && is_missing(call, gradient))) {
      return call.report.bad_argument("the point or the place for a result is null");
    }
    const borel_code code = run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return with_gradient ? both(call.instance, ws, u, log_density, gradient)
                           : value(call.instance, ws, u, log_density);
    });
    if (code != BOREL_SUCCESS || *log_density < infinity) {
      return code;
    }
    return report_not_finite(call.worker, model, u, *log_density, "the log density is ",
                             call.report);
  });
}

// The model of a call with nothing to complain of; null otherwise.
inline const borel_model* quick_model(const borel_worker* worker, std::int32_t index) {
  if (worker == nullptr || !worker->instance->is_bound) {
    return nullptr;
  }
  const borel_program& program = *worker->instance->program;
  const bool exists =
      static_cast<std::uint32_t>(index) < static_cast<std::uint32_t>(program.model_count);
  return exists ? &program.models[index] : nullptr;
}

// The site that an element of u belongs to.
const borel_site* site_of(const ModelCall& call, std::int64_t element) {
  const borel_site* found = nullptr;
  for (std::int32_t i = 0; i < call.model->site_count; ++i) {
    if (call.model->sites[i].kind != BOREL_LATENT) {
      break;
    }
    std::int64_t dims[BOREL_MAX_RANK] = {}, offset = -1;
    call.model->site_shape(call.instance, i, dims, &offset);
    if (offset >= 0 && offset <= element) {
      found = &call.model->sites[i];
    }
  }
  return found;
}

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_worker_create(const borel_instance* instance, borel_worker** worker,
                               borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  if (worker == nullptr) {
    return report.bad_argument("the place for the worker is null");
  }
  const borel_allocator& allocator = instance->library->allocator;
  borel_worker* made = create<borel_worker>(allocator, instance);
  if (made == nullptr || !prepare_workspace(made->raw, made->space)) {
    borel_worker_free(made);
    return report.no_memory();
  }
  *worker = made;
  return BOREL_SUCCESS;
}

void borel_worker_free(borel_worker* worker) {
  if (worker != nullptr) {
    destroy(worker->instance->library->allocator, worker);
  }
}

// The two that samplers call in their innermost loop go straight to the program; whatever is out of
// the ordinary is done again by evaluate().
borel_code borel_log_density(borel_worker* worker, int32_t model, int32_t jacobian, const double* u,
                             double* log_density, borel_error** error) {
  const borel_model* quick = quick_model(worker, model);
  if (quick != nullptr && u != nullptr && log_density != nullptr) {
    const auto function = jacobian != 0 ? quick->log_density : quick->log_density_plain;
    if (function != nullptr) {
      const std::int64_t rejections = worker->raw.rejections;
      const borel_status status =
          function(worker->instance->memory.data(), &worker->raw, u, log_density);
      if (status == BOREL_OK && *log_density < infinity) {
        return BOREL_SUCCESS;
      }
      worker->raw.rejections = rejections;
    }
  }
  return evaluate(worker, model, jacobian != 0, false, u, log_density, nullptr, error);
}

borel_code borel_log_density_gradient(borel_worker* worker, int32_t model, int32_t jacobian,
                                      const double* u, double* log_density, double* gradient,
                                      borel_error** error) {
  const borel_model* quick = quick_model(worker, model);
  if (quick != nullptr && u != nullptr && log_density != nullptr && gradient != nullptr) {
    const auto function =
        jacobian != 0 ? quick->log_density_gradient : quick->log_density_gradient_plain;
    if (function != nullptr) {
      const std::int64_t rejections = worker->raw.rejections;
      const borel_status status =
          function(worker->instance->memory.data(), &worker->raw, u, log_density, gradient);
      if (status == BOREL_OK && *log_density < infinity) {
        return BOREL_SUCCESS;
      }
      worker->raw.rejections = rejections;
    }
  }
  return evaluate(worker, model, jacobian != 0, true, u, log_density, gradient, error);
}

borel_code borel_hessian_vector(borel_worker* worker, int32_t model, int32_t jacobian,
                                const double* u, const double* v, double* log_density,
                                double* gradient, double* product, borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    const auto function =
        jacobian != 0 ? call.model->hessian_vector : call.model->hessian_vector_plain;
    if (function == nullptr) {
      return not_supported(call, "products with the Hessian");
    }
    if (is_missing(call, u) || is_missing(call, v) || log_density == nullptr ||
        is_missing(call, gradient) || is_missing(call, product)) {
      return call.report.bad_argument("the point, the vector or the place for a result is null");
    }
    const borel_code code = run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return function(call.instance, ws, u, v, log_density, gradient, product);
    });
    if (code != BOREL_SUCCESS || *log_density < infinity) {
      return code;
    }
    return report_not_finite(call.worker, *call.model, u, *log_density, "the log density is ",
                             call.report);
  });
}

borel_code borel_constrain(borel_worker* worker, int32_t model, const double* u, double* draw,
                           borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    if (call.model->constrain == nullptr) {
      return not_supported(call, "the transform");
    }
    if (is_missing(call, u) || (draw == nullptr && call.model->draw_size(call.instance) > 0)) {
      return call.report.bad_argument("the point or the place for the draw is null");
    }
    return run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return call.model->constrain(call.instance, ws, u, draw);
    });
  });
}

borel_code borel_unconstrain(borel_worker* worker, int32_t model, const double* latents, double* u,
                             borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    if (call.model->unconstrain == nullptr) {
      return not_supported(call, "the inverse transform");
    }
    if (is_missing(call, latents) || is_missing(call, u)) {
      return call.report.bad_argument("the values or the place for the point are null");
    }
    borel_status status = BOREL_OK;
    const borel_code code = run_call(
        call.worker.raw, call.worker.space, call.report, status,
        [&](borel_workspace* ws) { return call.model->unconstrain(call.instance, ws, latents, u); },
        [] {});
    if (code != BOREL_SUCCESS) {
      return code;
    }
    if (status != BOREL_OK) {
      const borel_fault& fault = call.worker.raw.fault;
      const bool is_value =
          fault.kind == BOREL_FAULT_SUPPORT || fault.kind == BOREL_FAULT_PARAMETER;
      return report_fault(call.report, *call.worker.instance->program, fault,
                          is_value ? BOREL_BAD_ARGUMENT : BOREL_RUN_FAILED);
    }
    const std::int64_t count = call.model->dimension(call.instance);
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::isfinite(u[i])) {
        continue;
      }
      const borel_site* site = site_of(call, i);
      const std::string_view name = site == nullptr ? "" : site->name;
      return call.report.bad_argument(
          Text() << "a value is outside its site's support, at site `" << name << "`", name);
    }
    return BOREL_SUCCESS;
  });
}

borel_code borel_simulate(borel_worker* worker, int32_t model, borel_key key, double* draw,
                          borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    if (call.model->simulate == nullptr) {
      return not_supported(call, "simulation");
    }
    if (draw == nullptr && call.model->draw_size(call.instance) > 0) {
      return call.report.bad_argument("the place for the draw is null");
    }
    return run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return call.model->simulate(call.instance, ws, key, draw);
    });
  });
}

borel_code borel_predict(borel_worker* worker, int32_t model, borel_key key, const double* draw,
                         double* observed, borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    if (call.model->predict == nullptr) {
      return not_supported(call, "predictions");
    }
    const bool has_draw = call.model->draw_size(call.instance) > 0;
    if ((draw == nullptr && has_draw) ||
        (observed == nullptr && borel_observed_size(worker->instance, model) > 0)) {
      return call.report.bad_argument("the draw or the place for the predictions is null");
    }
    return run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return call.model->predict(call.instance, ws, key, draw, observed);
    });
  });
}

borel_code borel_log_likelihood(borel_worker* worker, int32_t model, const double* draw,
                                double* terms, borel_error** error) {
  return with_model(worker, model, error, [&](const ModelCall& call) -> borel_code {
    if (call.model->log_likelihood == nullptr) {
      return not_supported(call, "the log likelihood");
    }
    const bool has_draw = call.model->draw_size(call.instance) > 0;
    if ((draw == nullptr && has_draw) ||
        (terms == nullptr && borel_term_count(worker->instance, model) > 0)) {
      return call.report.bad_argument("the draw or the place for the terms is null");
    }
    return run_call(call.worker, call.report, [&](borel_workspace* ws) {
      return call.model->log_likelihood(call.instance, ws, draw, terms);
    });
  });
}

}  // extern "C"

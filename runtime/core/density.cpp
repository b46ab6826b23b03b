#include "runtime/core/density.h"

#include <cmath>
#include <new>
#include <optional>
#include <string>

namespace borel::runtime {

namespace {

Error without(const borel_model& model, const char* what) {
  return {ErrorKind::incompatible,
          "the program was built without " + std::string(what) + " of `" + model.name + "`",
          {},
          {}};
}

Failure check_length(std::int64_t wanted, std::size_t found) {
  if (static_cast<std::int64_t>(found) == wanted) {
    return {};
  }
  return Error{ErrorKind::parameter,
               "found " + std::to_string(found) + " values, expected " + std::to_string(wanted),
               {},
               {}};
}

// Elements of the latent sites of a draw.
std::int64_t latent_count(const Instance& instance, const borel_model& model) {
  std::int64_t count = 0;
  for (std::int32_t s = 0; s < model.site_count && model.sites[s].kind == BOREL_LATENT; ++s) {
    count += instance.site_shape(model, s).count;
  }
  return count;
}

// Runs a call with a workspace of its own; a fault, a lack of memory or a broken contract is an
// error.
template <class Call>
Failure guarded(const Instance& instance, Call call) {
  try {
    Workspace workspace;
    if (workspace.run(call) != BOREL_OK) {
      return describe_fault(instance.program(), workspace.get()->fault);
    }
    return {};
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::memory, "out of memory", {}, {}};
  } catch (const ContractViolation& violation) {
    return Error{ErrorKind::internal, violation.what(), {}, {}};
  }
}

}  // namespace

std::variant<Density, Error> density_gradient(const Instance& instance, const borel_model& model,
                                              std::span<const double> u, bool jacobian) {
  const auto function = jacobian ? model.log_density_gradient : model.log_density_gradient_plain;
  if (function == nullptr) {
    return without(model, "the gradient");
  }
  if (Failure failure = check_length(instance.dimension(model), u.size())) {
    return *failure;
  }
  Density density;
  density.gradient.resize(u.size());
  Failure failure = guarded(instance, [&](borel_workspace* ws) {
    return function(instance.get(), ws, u.data(), &density.value, density.gradient.data());
  });
  if (failure) {
    return *failure;
  }
  return density;
}

std::variant<std::vector<double>, Error> unconstrain(const Instance& instance,
                                                     const borel_model& model,
                                                     std::span<const double> latents) {
  if (model.unconstrain == nullptr) {
    return without(model, "the inverse transform");
  }
  if (Failure failure = check_length(latent_count(instance, model), latents.size())) {
    return *failure;
  }
  std::vector<double> u(static_cast<std::size_t>(instance.dimension(model)));
  Failure failure = guarded(instance, [&](borel_workspace* ws) {
    return model.unconstrain(instance.get(), ws, latents.data(), u.data());
  });
  if (failure) {
    return *failure;
  }
  return u;
}

std::variant<std::vector<double>, Error> constrain(const Instance& instance,
                                                   const borel_model& model,
                                                   std::span<const double> u) {
  if (model.constrain == nullptr) {
    return without(model, "the transform");
  }
  if (Failure failure = check_length(instance.dimension(model), u.size())) {
    return *failure;
  }
  std::vector<double> draw(static_cast<std::size_t>(instance.draw_size(model)));
  Failure failure = guarded(instance, [&](borel_workspace* ws) {
    return model.constrain(instance.get(), ws, u.data(), draw.data());
  });
  if (failure) {
    return *failure;
  }
  return draw;
}

Failure explain_not_finite(const Instance& instance, const borel_model& model,
                           std::span<const double> u) {
  if (model.log_density == nullptr) {
    return without(model, "the log density");
  }
  if (Failure failure = check_length(instance.dimension(model), u.size())) {
    return failure;
  }
  double value = 0;
  std::optional<Error> cause;
  Failure failure = guarded(instance, [&](borel_workspace* ws) {
    const borel_status status = model.log_density(instance.get(), ws, u.data(), &value);
    if (status == BOREL_OK && ws->fault.kind != BOREL_FAULT_NONE) {
      cause = describe_fault(instance.program(), ws->fault);
    }
    return status;
  });
  if (failure || std::isfinite(value)) {
    return failure;
  }
  if (model.diagnose != nullptr) {
    // Term by term: better than what the fast way can tell.
    Failure broken = guarded(instance, [&](borel_workspace* ws) {
      ws->fault.kind = BOREL_FAULT_NONE;
      const borel_status status = model.diagnose(instance.get(), ws, u.data());
      if (status != BOREL_NEED_SPACE && ws->fault.kind != BOREL_FAULT_NONE) {
        cause = describe_fault(instance.program(), ws->fault);
      }
      return status == BOREL_FAULT ? BOREL_OK : status;
    });
    if (broken) {
      return broken;
    }
  }
  Error error{ErrorKind::fault, "the log density is " + number_text(value) + " here", {}, {}};
  if (cause) {
    error = *cause;
    error.text = "the log density is " + number_text(value) + " here: " + cause->text;
  }
  return error;
}

}  // namespace borel::runtime

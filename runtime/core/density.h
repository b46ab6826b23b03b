// A model's density at a point, for commands and hosts; chains do not come this way.
#ifndef BOREL_RUNTIME_CORE_DENSITY_H
#define BOREL_RUNTIME_CORE_DENSITY_H

#include <span>
#include <variant>
#include <vector>

#include "runtime/core/instance.h"

namespace borel::runtime {

struct Density {
  double value = 0;
  std::vector<double> gradient;  // with respect to u, in its order
};

// Log density and gradient at the unconstrained point u, constants kept. `jacobian`: with the log
// Jacobian of the transform. Errors: u of the wrong length (parameter), a fault, or a program that
// was built without gradients (incompatible). -infinity is a value, not an error.
std::variant<Density, Error> density_gradient(const Instance& instance, const borel_model& model,
                                              std::span<const double> u, bool jacobian = true);

// The unconstrained point of constrained values of the latent sites, in a draw's order. A value
// outside its site's support is an error of kind fault.
std::variant<std::vector<double>, Error> unconstrain(const Instance& instance,
                                                     const borel_model& model,
                                                     std::span<const double> latents);

// A draw (latent sites, then derived quantities) from an unconstrained point.
std::variant<std::vector<double>, Error> constrain(const Instance& instance,
                                                   const borel_model& model,
                                                   std::span<const double> u);

// Nothing where the log density at u is finite; else an error that names the site and the term that
// makes it not so, with its place, as far as the program can tell.
Failure explain_not_finite(const Instance& instance, const borel_model& model,
                           std::span<const double> u);

}  // namespace borel::runtime

#endif

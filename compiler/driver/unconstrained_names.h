/// Names of the elements of an unconstrained vector.
#pragma once

#include <string>
#include <vector>

#include "runtime/core/instance.h"

namespace borel::driver {

/// "theta.1", counted from 1, in the order of u. A site that has another number of reals than
/// elements (a simplex) numbers its reals.
std::vector<std::string> unconstrained_names(const runtime::Instance& instance,
                                             const borel_model& model);

}  // namespace borel::driver

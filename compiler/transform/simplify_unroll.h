/// Unrolling short loops. Part of simplify.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// A loop with a small constant number of iterations and a small body becomes its iterations one
/// after the other, where nobody needs its maps as arrays: a handful of coefficients are then
/// values of their own. Returns the loop, or null when it is gone.
prob::ForOp unroll_short(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

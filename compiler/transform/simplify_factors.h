/// Moving factors out of what loops collect. Part of simplify.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// A loop that collects c x, with c fixed, collects x, and who reads an element multiplies: the
/// loop no longer waits for c, so it can fuse with the one that computes it (a gradient's seed
/// often hangs on the value's own sums). For maps, and for intos that start from zeros; only where
/// each element is read about once. Same products; an element of an into to which nothing is added
/// becomes 0 c, which is NaN where c is not finite.
prob::ForOp sink_factors(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

/// The algebra of recurrences. Part of simplify.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// Shortens the way from a carry to its next value, which every iteration waits for. A linear step
/// in several operations, a (y - c) + x, becomes one product and one sum, (-a) c + (a y + x), whose
/// other parts need no carry; in other sums, (c + x) + y becomes c + (x + y). Finite values differ
/// by rounding; where a part is infinite the old and the new step may differ in what is NaN.
prob::ForOp shorten_recurrences(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

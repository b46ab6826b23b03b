/// Splitting off the first iteration of a plate. Part of simplify.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// A plate whose body asks whether this is the first iteration becomes that iteration, where the
/// range has one, and a plate over the rest, whose body no longer branches: it can be vectorised,
/// and it has the range of the recurrence whose array it reads. Only small bodies that collect no
/// maps are worth it. Returns the loop that is left.
prob::ForOp peel_first(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

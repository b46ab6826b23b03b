/// Long sums as several short ones. Part of simplify.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// In a plate, a + b + c + … is a chain in which every addition waits for the one before; as two
/// chains, or four where it is long, it takes half or a quarter of the time. Finite values differ
/// by rounding.
prob::ForOp balance_additions(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

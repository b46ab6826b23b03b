/// The algebra of prob.for: sums of invariants and of multiples, additions to a fixed element,
/// carries kept under a function, results that nobody needs or that occur twice. Part of simplify;
/// each function changes one loop and returns the loop that is left (null when none is).
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// sum(v) = n v, sum(c x) = c sum(x), sum(a + b) = sum(a) + sum(b) where a part does not vary.
prob::ForOp simplify_sums(prob::ForOp loop, bool& changed);

/// Additions at an index that does not vary become sums, additions at every index of a fresh array
/// in turn become a map.
prob::ForOp simplify_intos(prob::ForOp loop, bool& changed);

/// Where a carry is used under f and f undoes the operation that makes its next value, f of it is
/// carried: a standard deviation that is squared becomes a variance, and leaves the recurrence.
prob::ForOp rotate_carries(prob::ForOp loop, bool& changed);

/// A map that only copies elements of another array is that array, shifted: who reads it reads
/// there.
prob::ForOp forward_copies(prob::ForOp loop, bool& changed);

/// Drops unused results and merges equal ones.
prob::ForOp clean_results(prob::ForOp loop, bool& changed);

}  // namespace borel::transform

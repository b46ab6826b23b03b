/// Order of the loops of a nest. Part of structure.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// A nest that does nothing but write one element of an array in each iteration, the outer loop's
/// index after the inner loop's, as in `for i { for j { A[j, i] = … } }`, gets its loops exchanged:
/// the array is then filled row by row. So come matrices that a program fills row by row, as they
/// are stored column by column. The iterations must not read the array, and what the outer loop
/// computes for the inner one must be cheap, as each iteration then computes it. Returns whether
/// `outer` went.
bool exchange_filling_loops(prob::ForOp outer);

}  // namespace borel::transform

/// Drops what no result of a function needs.
///
/// Why: a density that was made from a model still computes the model's derived quantities and the
/// arrays of its sites. Upstream dead code elimination keeps calls that were not inlined (recursive
/// functions), and whatever may fault.
/// What: operations, loops and branches without a used result go when all that they do besides is
/// to check for faults or to call functions that do no more; loops lose results that nobody uses.
/// Operations without results (checks of their own) stay.
/// Where in the order: after accumulate, and again before the gradient.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace borel::transform {

void sweep(mlir::func::FuncOp function);

}  // namespace borel::transform

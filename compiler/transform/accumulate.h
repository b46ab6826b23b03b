/// From scores to a sum that the function returns.
///
/// What: prob.score's values add up: those of a loop's body are a `sum` of the loop, those of a
/// branch its result, those of a while loop its carry. prob.require counts where its condition
/// fails; the function returns -infinity if any did, whatever the terms are (they may be NaN then).
/// A condition that a loop does not change is asked once, before it, and only where the loop runs
/// at all. A function without results (a density) returns the sum as its one result. A function
/// whose first result is a real and that has requirements but no scores (a log density of the
/// library that is called outside of models) returns -infinity in place of that result; in others
/// requirements have no meaning and go. What it preserves: the log density. Where in the order:
/// after inlining, before the gradient and the loop passes.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

mlir::LogicalResult accumulate(mlir::func::FuncOp function);

}  // namespace borel::transform

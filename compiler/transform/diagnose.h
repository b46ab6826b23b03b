/// From scores to faults: the log density once more, term by term, to name what is not finite.
///
/// What: in program order, a score of NaN or +infinity is a fault (BOREL_FAULT_NOT_FINITE), one of
/// -infinity is too (BOREL_FAULT_SUPPORT: a value that cannot occur), and so is a requirement that
/// fails (BOREL_FAULT_PARAMETER; of an observed value, BOREL_FAULT_SUPPORT; of `require false`,
/// BOREL_FAULT_REJECT). The first ends the run. A
/// requirement of a library's log density is named at the draw that asked for it, in its own words:
/// such places are added to the module's `prob.places`.
/// Where in the order: in place of accumulate, after inlining.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Attribute of a call, and of a prob.require that came from one: the place of the draw.
inline constexpr llvm::StringLiteral drawn_at_attribute = "prob.drawn_at";

mlir::LogicalResult diagnose(mlir::func::FuncOp density);

}  // namespace borel::transform

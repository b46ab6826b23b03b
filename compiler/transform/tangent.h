/// Forward-mode differentiation by source transformation.
///
/// Why: a Hessian times a vector is the derivative of the gradient along it. The gradient is a
/// program like any other, so that one sweep forwards over it gives the product exactly, with no
/// record of its own and in some two to three times the gradient's work (Griewank & Walther,
/// Evaluating Derivatives, 2nd ed., section 5.1).
/// How: every real that depends on a marked argument gets a tangent beside it: one more carry, map,
/// sum or into of a loop, one more result of a branch. Scalar operations use the rules of the
/// gradient, each operand's contribution seeded with that operand's tangent. A call calls the
/// callee's own tangent function, made on demand from its body.
/// Where in the order: after the gradient that it differentiates, before the loop passes.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Fills the declaration `target`, of type (arguments of source…, tangents of those that `wrt`
/// marks) -> (results of source…, tangents of those that `of` marks). Marked arguments and results
/// are reals or real arrays. Emits an error at what cannot be differentiated, as the gradient does.
mlir::LogicalResult differentiate_along(mlir::func::FuncOp source, llvm::ArrayRef<bool> wrt,
                                        llvm::ArrayRef<bool> of, mlir::func::FuncOp target);

}  // namespace borel::transform

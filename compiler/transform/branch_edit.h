/// More results for scf.if and scf.while: what a pass does that threads a value through regions.
#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::transform {

/// An scf.if that also yields these values, in place of `branch`, which goes. Its own results come
/// first. A missing else region is made.
mlir::scf::IfOp add_results(
    mlir::scf::IfOp branch, mlir::ValueRange then_values,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder&)> else_values);

/// An scf.while that also carries these values, in place of `loop`, which goes. `body` is called
/// once the new arguments exist (`tested`: those of the test, `carried`: those of the body) and
/// gives the values that the body's end passes on; the test passes its own on as they are.
mlir::scf::WhileOp add_carries(
    mlir::scf::WhileOp loop, mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange carried)> body);

}  // namespace borel::transform

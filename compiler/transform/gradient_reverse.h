/// The engine behind gradient: emits a function's primal and then its reverse sweep.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Gives the adjoint of each result that the sweep starts from; null: none.
using SeedFn = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder&, mlir::Location,
                                                                 mlir::ValueRange results)>;

/// Fills `target` with source's body (no scf.while in it) and the reverse sweep. Target takes
/// source's arguments, perhaps more, and returns as many of source's results as its type has room
/// for (all or none), then the adjoints of the arguments that `wrt` marks.
mlir::LogicalResult fill_reverse(mlir::func::FuncOp source, llvm::ArrayRef<bool> wrt,
                                 mlir::func::FuncOp target, SeedFn seeds);

/// scf.while -> a first run that counts its iterations, then a counted loop with the same carries:
/// the trip count bounds the record that the reverse sweep needs, which a while alone does not. One
/// whose reals nobody uses (such a first run) stays.
void count_whiles(mlir::func::FuncOp function);

/// Fills the vector-Jacobian product: (arguments…, seeds of the real results…) -> adjoints of the
/// marked arguments.
mlir::LogicalResult fill_product(mlir::func::FuncOp source, llvm::ArrayRef<bool> wrt,
                                 mlir::func::FuncOp target);

}  // namespace borel::transform

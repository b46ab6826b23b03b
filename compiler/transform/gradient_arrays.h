/// Sums of arrays, for adjoints.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// `accumulator` with `addend` added to what is under `prefix`, element by element, in the form
/// that an `into` argument allows too.
mlir::Value add_array(mlir::OpBuilder& b, mlir::Location loc, mlir::Value accumulator,
                      mlir::Value addend, llvm::SmallVector<mlir::Value> prefix = {});

}  // namespace borel::transform

/// Inlining of ordinary functions.
///
/// Why: a density calls the log density and the transform of every site; as one body its loops can
/// be split, hoisted and differentiated without tapes between calls. What: in a function, calls of
/// functions that have a body become that body, again and again. Kept as calls: recursive
/// functions, models, entries other than shapes and functions with `prob.derive` (each is emitted
/// once, however often it is called), functions with an adjoint of their own (`prob.adjoint`: the
/// gradient calls that) and functions without a body. Where in the order: after density and
/// unconstrain, which make such calls, before accumulate.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

mlir::LogicalResult inline_calls(mlir::func::FuncOp function);

/// Calls, in every function, of small functions that themselves call only what stays a call: loops
/// that a call keeps apart (of a norm and of what it is a norm of) can be fused.
void inline_small_calls(mlir::ModuleOp module);

/// Only calls of what depends on data alone (`prob.global`, shapes, dimensions), so that it can be
/// computed once, when data is bound, whoever asks for it.
mlir::LogicalResult inline_data(mlir::func::FuncOp function);

/// Only calls of functions with an adjoint of their own, and of those adjoints: once everything is
/// differentiated.
mlir::LogicalResult inline_adjoints(mlir::func::FuncOp function);

}  // namespace borel::transform

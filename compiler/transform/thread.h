/// Threads values through a function's regions.
///
/// Why: what a model's draws do one after another to an array (each writes its own element) becomes
/// in value form a chain of inserts that loops carry and branches yield. What: the operations that
/// the caller names are visited in the order in which they run; between them loops, branches and
/// while loops that contain some hand on the values concerned. Where: in the passes that make
/// functions of a model's trace.
#pragma once

#include <optional>

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/Builders.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// The number of the value that an operation reads or changes; none: it has nothing to do with it.
using TouchesFn = llvm::function_ref<std::optional<unsigned>(mlir::Operation& op)>;
/// What the value is after an operation that touches it, which the function may erase.
using VisitFn = llvm::function_ref<mlir::Value(mlir::Operation& op, mlir::Value value)>;

/// `values` are those at the block's start and become those at its end. Emits an error where an
/// operation is in a region that the values cannot be handed through.
mlir::LogicalResult thread_values(mlir::Block& block, llvm::SmallVectorImpl<mlir::Value>& values,
                                  TouchesFn touches, VisitFn visit);

}  // namespace borel::transform

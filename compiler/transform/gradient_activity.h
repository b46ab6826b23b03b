/// What the reverse sweep asks of a function before it differentiates it.
#pragma once

#include <optional>

#include "compiler/dialect/prob.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Source values whose adjoint is wanted: reals that depend on a marked argument. Found by one
/// forward sweep that enters regions; loops are swept until their carries settle.
/// `through_intos`: what a loop adds to is active within the loop wherever its result is, so that a
/// tangent goes with it through every addition; the reverse sweep asks for no adjoint of it.
class Activity {
 public:
  Activity(mlir::func::FuncOp function, llvm::ArrayRef<bool> wrt, bool through_intos = false);
  bool operator()(mlir::Value v) const { return active_.contains(v); }

 private:
  bool mark(mlir::Value v) { return prob::is_real(v.getType()) && active_.insert(v).second; }
  void sweep(mlir::Region& region);
  void visit(mlir::Operation& op);
  void visit_loop(prob::ForOp loop);

  llvm::DenseSet<mlir::Value> active_;
  bool through_intos_;
};

/// How a loop's body uses an array that it carries, where it only reads and updates elements: then
/// it need not be recorded whole.
struct ElementUses {
  llvm::SmallVector<prob::ExtractOp> reads;
  llvm::SmallPtrSet<mlir::Operation*, 8> updates;  // at the top of the body
  llvm::SmallVector<mlir::Value> versions;         // all values of the array, in nested regions too
};
/// None when the carry escapes, or a nested region reads it.
std::optional<ElementUses> element_uses(prob::ForOp loop, mlir::Value carry);

/// Whether the carried array is shown to have one shape in all iterations.
bool keeps_shape(prob::ForOp loop, unsigned carry);

/// Whether all that an operation does besides its results is to check for faults, or to call: the
/// primal does that.
bool only_faults(mlir::Operation& op);

/// An error at the user's program: `op`, or what in it has an effect, cannot be differentiated.
mlir::LogicalResult refuse(mlir::Operation& op);
/// The same of a call of a function that the host supplies without a derivative.
mlir::LogicalResult refuse_host(mlir::func::CallOp call, mlir::func::FuncOp callee);

}  // namespace borel::transform

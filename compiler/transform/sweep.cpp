#include "compiler/transform/sweep.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/passes.h"
#include "llvm/ADT/DenseSet.h"

namespace borel::transform {

using mlir::Operation;
using mlir::func::CallOp;
using mlir::func::FuncOp;

namespace {

class Sweep {
 public:
  explicit Sweep(FuncOp function)
      : function_(function), symbols_(function->getParentOfType<mlir::ModuleOp>()) {}

  void run() {
    while (drop_operations() || drop_results()) {
    }
  }

 private:
  bool drop_operations() {
    llvm::SmallVector<Operation*> all;
    function_.walk<mlir::WalkOrder::PreOrder>([&](Operation* op) { all.push_back(op); });
    bool changed = false;
    // Users before what they use, and what is in a region before the operation around it.
    for (Operation* op : llvm::reverse(all)) {
      if (op == function_ || op->getNumResults() == 0 || !op->use_empty() || !harmless(op))
        continue;
      op->erase();
      changed = true;
    }
    return changed;
  }

  bool drop_results() {
    llvm::SmallVector<prob::ForOp> loops;
    function_.walk<mlir::WalkOrder::PreOrder>([&](prob::ForOp loop) { loops.push_back(loop); });
    bool changed = false;
    for (prob::ForOp loop : llvm::reverse(loops)) {
      const Operation* before = loop;
      const Operation* after = drop_unused(loop);
      changed |= after != before;
    }
    return changed;
  }

  /// Whether nothing but values and faults comes of an operation.
  bool harmless(Operation* op) {
    const auto walked = op->walk([&](Operation* inner) {
      if (auto call = mlir::dyn_cast<CallOp>(inner))
        return pure(call) ? mlir::WalkResult::advance() : mlir::WalkResult::interrupt();
      if (mlir::isa<prob::FaultOp>(inner) || inner->getNumRegions() != 0 ||
          mlir::isMemoryEffectFree(inner))
        return mlir::WalkResult::advance();
      return mlir::WalkResult::interrupt();
    });
    return !walked.wasInterrupted();
  }

  bool pure(CallOp call) {
    auto callee = symbols_.lookup<FuncOp>(call.getCallee());
    if (!callee) return false;
    const auto [entry, is_new] = pure_.try_emplace(callee, true);
    if (!is_new) return entry->second;  // a function that calls itself adds nothing of its own
    bool result = true;
    if (callee.isExternal()) {
      const auto request = callee->getAttrOfType<mlir::DictionaryAttr>(prob::derive_attribute);
      result = request && request.getAs<mlir::StringAttr>("kind").getValue() != "simulate" &&
               request.getAs<mlir::StringAttr>("kind").getValue() != "advance" &&
               request.getAs<mlir::StringAttr>("kind").getValue() != "follow";
    } else {
      for (Operation& op : callee.getBody().front().without_terminator())
        result = result && harmless(&op);
    }
    pure_[callee] = result;
    return result;
  }

  FuncOp function_;
  mlir::SymbolTable symbols_;
  llvm::DenseMap<Operation*, bool> pure_;
};

class SweepPass : public mlir::PassWrapper<SweepPass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SweepPass)
  llvm::StringRef getArgument() const final { return "sweep"; }
  void runOnOperation() final {
    for (FuncOp function : getOperation().getOps<FuncOp>())
      if (!function.isExternal()) sweep(function);
  }
};

}  // namespace

void sweep(FuncOp function) { Sweep(function).run(); }

std::unique_ptr<mlir::Pass> create_sweep_pass() { return std::make_unique<SweepPass>(); }

}  // namespace borel::transform

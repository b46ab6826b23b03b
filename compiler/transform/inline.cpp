#include "compiler/transform/inline.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/diagnose.h"
#include "compiler/transform/passes.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace borel::transform {

using mlir::func::CallOp;
using mlir::func::FuncOp;

namespace {

class Inliner {
 public:
  enum class Calls { All, Small, Data, Adjoints };
  Inliner(mlir::ModuleOp module, Calls calls) : symbols_(module), calls_(calls) {}

  void run(FuncOp function) {
    llvm::SmallVector<CallOp> calls;
    auto collect = [&](mlir::Operation* op) {
      op->walk([&](CallOp call) {
        if (inlinable(call)) calls.push_back(call);
      });
    };
    collect(function);
    while (!calls.empty()) {
      CallOp call = calls.pop_back_val();
      expand(call, collect);
    }
  }

  /// Whether a function handles a population's frames, or calls one that does: remembered, since
  /// inlining takes the calls away.
  bool has_frames(FuncOp function) {
    if (function->hasAttr(prob::frames_attribute)) return true;
    const auto [known, is_new] = has_frames_.try_emplace(function, false);
    if (!is_new) return known->second;
    const bool found = function
                           .walk([&](CallOp call) {
                             auto callee = symbols_.lookup<FuncOp>(call.getCallee());
                             return callee && has_frames(callee) ? mlir::WalkResult::interrupt()
                                                                 : mlir::WalkResult::advance();
                           })
                           .wasInterrupted();
    return has_frames_[function] = found;
  }

 private:
  bool inlinable(CallOp call) {
    auto callee = symbols_.lookup<FuncOp>(call.getCallee());
    if (!callee || callee.isExternal() || callee->hasAttr(prob::host_attribute)) return false;
    const bool has_adjoint = callee->hasAttr(prob::adjoint_attribute);
    if (calls_ == Calls::Adjoints)
      return has_adjoint || callee->hasAttr(prob::adjoint_of_attribute);
    if (has_adjoint) return false;
    if (calls_ == Calls::Data && !is_data(callee)) return false;
    // What a density counts would be lost with it.
    const bool counts = callee->hasAttr(prob::density_attribute);
    if (calls_ == Calls::Small && (counts || (!is_small(callee) && !has_frames(callee))))
      return false;
    return !is_kept(callee) && !is_recursive(callee);
  }

  /// Emitted once and called, however often.
  static bool is_kept(FuncOp function) {
    // Shape functions are entries, but small and wanted as part of what they describe.
    const auto entry = function->getAttrOfType<mlir::StringAttr>(prob::entry_attribute);
    return (entry && entry.getValue() != "shape") || function->hasAttr(prob::derive_attribute) ||
           function->hasAttr(prob::model_attribute);
  }

  /// Few enough operations that a copy costs less than what it lets be fused saves.
  bool is_small(FuncOp function) {
    int operations = 0;
    return !function
                .walk([&](mlir::Operation* op) {
                  ++operations;
                  auto call = mlir::dyn_cast<CallOp>(op);
                  return operations > 80 ||
                                 (call && !is_kept(symbols_.lookup<FuncOp>(call.getCallee())))
                             ? mlir::WalkResult::interrupt()
                             : mlir::WalkResult::advance();
                })
                .wasInterrupted();
  }

  static bool is_data(FuncOp function) {
    const auto entry = function->getAttrOfType<mlir::StringAttr>(prob::entry_attribute);
    return function->hasAttr(prob::global_attribute) || (entry && entry.getValue() == "shape");
  }

  /// Whether a function can come to call itself.
  bool is_recursive(FuncOp function) {
    const auto known = recursive_.find(function);
    if (known != recursive_.end()) return known->second;
    llvm::SmallVector<FuncOp> work{function};
    llvm::DenseSet<mlir::Operation*> seen;
    bool found = false;
    while (!work.empty() && !found) {
      FuncOp next = work.pop_back_val();
      next.walk([&](CallOp call) {
        auto callee = symbols_.lookup<FuncOp>(call.getCallee());
        if (!callee) return;
        found |= callee == function;
        if (seen.insert(callee).second) work.push_back(callee);
      });
    }
    recursive_[function] = found;
    return found;
  }

  template <class Collect>
  void expand(CallOp call, Collect& collect) {
    auto callee = symbols_.lookup<FuncOp>(call.getCallee());
    mlir::OpBuilder b(call);
    mlir::IRMapping mapping;
    mlir::Block& body = callee.getBody().front();
    mapping.map(body.getArguments(), call.getOperands());
    const mlir::Attribute drawn_at = call->getAttr(drawn_at_attribute);
    for (mlir::Operation& op : body.without_terminator()) {
      mlir::Operation* copy = b.clone(op, mapping);
      if (!mlir::isa<mlir::UnknownLoc>(call.getLoc()))
        copy->walk([&](mlir::Operation* inner) {
          inner->setLoc(mlir::CallSiteLoc::get(inner->getLoc(), call.getLoc()));
        });
      if (drawn_at)
        copy->walk([&](mlir::Operation* inner) {
          if (mlir::isa<prob::RequireOp, CallOp>(inner))
            inner->setAttr(drawn_at_attribute, drawn_at);
        });
      collect(copy);
    }
    llvm::SmallVector<mlir::Value> results;
    for (const mlir::Value value : body.getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(value));
    call.replaceAllUsesWith(results);
    call.erase();
  }

  mlir::SymbolTable symbols_;
  Calls calls_;
  llvm::DenseMap<mlir::Operation*, bool> recursive_, has_frames_;
};

class InlinePass : public mlir::PassWrapper<InlinePass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(InlinePass)
  llvm::StringRef getArgument() const final { return "inline"; }
  void runOnOperation() final {
    for (FuncOp function : getOperation().getOps<FuncOp>())
      if (!function.isExternal() && !function.isPrivate() && failed(inline_calls(function)))
        return signalPassFailure();
  }
};

}  // namespace

mlir::LogicalResult inline_calls(FuncOp function) {
  Inliner(function->getParentOfType<mlir::ModuleOp>(), Inliner::Calls::All).run(function);
  return mlir::success();
}

void inline_small_calls(mlir::ModuleOp module) {
  Inliner inliner(module, Inliner::Calls::Small);
  for (FuncOp function : module.getOps<FuncOp>())
    if (inliner.has_frames(function))
      function->setAttr(prob::frames_attribute, mlir::UnitAttr::get(module.getContext()));
  for (FuncOp function : module.getOps<FuncOp>())
    if (!function.isExternal() && !function->hasAttr(prob::model_attribute)) inliner.run(function);
}

mlir::LogicalResult inline_data(FuncOp function) {
  Inliner(function->getParentOfType<mlir::ModuleOp>(), Inliner::Calls::Data).run(function);
  return mlir::success();
}

mlir::LogicalResult inline_adjoints(FuncOp function) {
  Inliner(function->getParentOfType<mlir::ModuleOp>(), Inliner::Calls::Adjoints).run(function);
  return mlir::success();
}

std::unique_ptr<mlir::Pass> create_inline_pass() { return std::make_unique<InlinePass>(); }

}  // namespace borel::transform

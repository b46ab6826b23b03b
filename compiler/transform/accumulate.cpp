#include "compiler/transform/accumulate.h"

#include <limits>

#include "compiler/analysis/loops.h"
#include "compiler/dialect/prob.h"
#include "compiler/transform/branch_edit.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/model_sites.h"
#include "compiler/transform/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace borel::transform {

using mlir::OpBuilder;
using mlir::Value;
using mlir::func::FuncOp;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

namespace {

/// What a block adds: the sum of its scores and the number of its failed requirements. Null: none.
struct Terms {
  Value total, failures;

  llvm::SmallVector<Value> values() const {
    llvm::SmallVector<Value> out;
    if (total) out.push_back(total);
    if (failures) out.push_back(failures);
    return out;
  }
};

class Accumulate {
 public:
  explicit Accumulate(FuncOp function) : function_(function) {}

  mlir::LogicalResult run() {
    mlir::Block& body = function_.getBody().front();
    mlir::Operation* end = body.getTerminator();
    const bool is_density = end->getNumOperands() == 0;
    if (!is_density) {
      bool scores = false;
      function_.walk([&](prob::ScoreOp) { scores = true; });
      if (scores) return function_.emitError("has scores and results of its own");
      if (!prob::is_real(end->getOperand(0).getType()) ||
          prob::is_array(end->getOperand(0).getType())) {
        function_.walk([](prob::RequireOp require) { require.erase(); });
        return mlir::success();
      }
    }
    move_requirements_out();
    const Terms terms = block(body);
    if (failed_) return mlir::failure();
    OpBuilder b(end);
    const mlir::Location loc = function_.getLoc();
    Value result = is_density ? terms.total : end->getOperand(0);
    if (!result) result = prob::real_constant(b, loc, 0.0);
    if (terms.failures) {
      const Value none = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, terms.failures,
                                                 prob::int_constant(b, loc, 0));
      const Value impossible =
          prob::real_constant(b, loc, -std::numeric_limits<double>::infinity());
      result = b.create<arith::SelectOp>(loc, none, result, impossible);
    }
    if (is_density) {
      end->setOperands(result);
      update_type(function_);
    } else {
      end->setOperand(0, result);
    }
    return mlir::success();
  }

 private:
  /// Conditions that loops do not change, innermost loops first. A loop that does not run requires
  /// nothing.
  void move_requirements_out() {
    llvm::SmallVector<prob::ForOp> loops;
    function_.walk([&](prob::ForOp loop) { loops.push_back(loop); });  // inner before outer
    for (prob::ForOp loop : loops) {
      llvm::SmallVector<prob::RequireOp> requirements(loop.block().getOps<prob::RequireOp>());
      if (requirements.empty()) continue;
      mlir::moveLoopInvariantCode(loop);
      Value empty;
      for (prob::RequireOp require : requirements) {
        if (!analysis::is_outside(require.getCondition(), loop)) continue;
        OpBuilder b(loop);
        if (!empty)
          empty = b.createOrFold<arith::CmpIOp>(loop.getLoc(), arith::CmpIPredicate::sge,
                                                loop.getLower(), loop.getUpper());
        const Value condition =
            b.createOrFold<arith::OrIOp>(require.getLoc(), require.getCondition(), empty);
        b.create<prob::RequireOp>(require.getLoc(), condition, require.getPlace());
        require.erase();
      }
    }
  }

  static Value add(OpBuilder& b, mlir::Location loc, Value sum, Value term) {
    if (!term) return sum;
    if (!sum) return term;
    if (prob::is_real(term.getType())) return b.create<arith::AddFOp>(loc, sum, term);
    return b.create<arith::AddIOp>(loc, sum, term);
  }

  /// Takes the scores out of a block.
  Terms block(mlir::Block& body) {
    Terms sum;
    for (mlir::Operation& op : llvm::make_early_inc_range(body)) {
      const mlir::Location loc = op.getLoc();
      Terms term;
      mlir::Operation* after = &op;
      if (auto score = mlir::dyn_cast<prob::ScoreOp>(op)) {
        term.total = score.getValue();
      } else if (auto require = mlir::dyn_cast<prob::RequireOp>(op)) {
        OpBuilder b(&op);
        const Value one = prob::int_constant(b, loc, 1), zero = prob::int_constant(b, loc, 0);
        term.failures = b.create<arith::SelectOp>(loc, require.getCondition(), zero, one);
      } else if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
        term = counted(loop, after);
      } else if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) {
        term = either(branch, after);
      } else if (auto repeat = mlir::dyn_cast<scf::WhileOp>(op)) {
        term = repeated(repeat, after);
      }
      if (!term.total && !term.failures) continue;
      OpBuilder b(after->getContext());
      b.setInsertionPointAfter(after);
      sum.total = add(b, loc, sum.total, term.total);
      sum.failures = add(b, loc, sum.failures, term.failures);
      if (mlir::isa<prob::ScoreOp, prob::RequireOp>(after)) after->erase();
    }
    return sum;
  }

  Terms counted(prob::ForOp loop, mlir::Operation*& after) {
    const Terms inner = block(loop.block());
    if (!inner.total && !inner.failures) return {};
    LoopEdit edit(loop);
    for (const Value value : inner.values()) edit.sums.push_back({value, Value()});
    prob::ForOp made = edit.apply();
    edit.finish();
    after = made;
    return named(inner, made.getSums().take_back(inner.values().size()));
  }

  Terms either(scf::IfOp branch, mlir::Operation*& after) {
    Terms yes = block(branch.getThenRegion().front()), no;
    if (!branch.getElseRegion().empty()) no = block(branch.getElseRegion().front());
    const bool total = yes.total || no.total, failures = yes.failures || no.failures;
    if (!total && !failures) return {};
    auto complete = [&](OpBuilder& b, Terms terms) {
      if (total && !terms.total) terms.total = prob::real_constant(b, branch.getLoc(), 0.0);
      if (failures && !terms.failures) terms.failures = prob::int_constant(b, branch.getLoc(), 0);
      return terms;
    };
    OpBuilder b(branch.getThenRegion().front().getTerminator());
    yes = complete(b, yes);
    const auto values = yes.values();
    scf::IfOp made = add_results(
        branch, values, [&](OpBuilder& in_else) { return complete(in_else, no).values(); });
    after = made;
    return named(yes, made.getResults().take_back(values.size()));
  }

  Terms repeated(scf::WhileOp loop, mlir::Operation*& after) {
    const Terms test = block(loop.getBefore().front());
    if (test.total || test.failures) {
      loop.emitOpError("scores in its condition");
      failed_ = true;
      return {};
    }
    const Terms inner = block(loop.getAfter().front());
    if (!inner.total && !inner.failures) return {};
    OpBuilder b(loop);
    llvm::SmallVector<Value> inits;
    if (inner.total) inits.push_back(prob::real_constant(b, loop.getLoc(), 0.0));
    if (inner.failures) inits.push_back(prob::int_constant(b, loop.getLoc(), 0));
    scf::WhileOp made = add_carries(loop, inits, [&](mlir::ValueRange carried) {
      OpBuilder body(carried.front().getParentBlock()->getTerminator());
      llvm::SmallVector<Value> out;
      for (auto [before, term] : llvm::zip(carried, inner.values()))
        out.push_back(add(body, term.getLoc(), before, term));
      return out;
    });
    after = made;
    return named(inner, made.getResults().take_back(inits.size()));
  }

  /// Results in the order of Terms::values.
  static Terms named(const Terms& kinds, mlir::ValueRange results) {
    Terms out;
    size_t next = 0;
    if (kinds.total) out.total = results[next++];
    if (kinds.failures) out.failures = results[next];
    return out;
  }

  FuncOp function_;
  bool failed_ = false;
};

class AccumulatePass : public mlir::PassWrapper<AccumulatePass, mlir::OperationPass<FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(AccumulatePass)
  llvm::StringRef getArgument() const final { return "accumulate"; }
  void runOnOperation() final {
    FuncOp function = getOperation();
    bool any = false;
    function.walk(
        [&](mlir::Operation* op) { any |= mlir::isa<prob::ScoreOp, prob::RequireOp>(op); });
    if (any && !function->hasAttr(prob::model_attribute) && failed(accumulate(function)))
      signalPassFailure();
  }
};

}  // namespace

mlir::LogicalResult accumulate(FuncOp function) { return Accumulate(function).run(); }

std::unique_ptr<mlir::Pass> create_accumulate_pass() { return std::make_unique<AccumulatePass>(); }

}  // namespace borel::transform

#include "compiler/transform/simplify.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/simplify_balance.h"
#include "compiler/transform/simplify_factors.h"
#include "compiler/transform/simplify_loops.h"
#include "compiler/transform/simplify_peel.h"
#include "compiler/transform/simplify_recurrence.h"
#include "compiler/transform/simplify_scalar.h"
#include "compiler/transform/simplify_unroll.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace borel::transform {

namespace {

class SimplifyPass
    : public mlir::PassWrapper<SimplifyPass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SimplifyPass)

  llvm::StringRef getArgument() const final { return "simplify"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect>();
  }

  mlir::LogicalResult initialize(mlir::MLIRContext* context) final {
    mlir::RewritePatternSet patterns(context);
    add_scalar_patterns(patterns);
    for (const mlir::RegisteredOperationName op : context->getRegisteredOperations()) {
      const llvm::StringRef dialect = op.getDialectNamespace();
      if (dialect == "arith" || dialect == "math" || dialect == "prob" ||
          op.getStringRef() == "scf.if")
        op.getCanonicalizationPatterns(patterns, context);
    }
    patterns_ = mlir::FrozenRewritePatternSet(std::move(patterns));
    return mlir::success();
  }

  void runOnOperation() final {
    mlir::func::FuncOp function = getOperation();
    if (function.isExternal()) return;
    // What does not vary is seen as such by the rules for products and quotients only outside.
    function.walk([&](mlir::LoopLikeOpInterface loop) { mlir::moveLoopInvariantCode(loop); });
    // Each round can expose another: an invariant that leaves a loop makes a sum constant, whose
    // factor then leaves the loop around it.
    for (int round = 0; round < max_rounds; ++round) {
      rewrite_operations(function);
      if (!rewrite_loops(function)) break;
    }
  }

 private:
  static constexpr int max_rounds = 5;

  void rewrite_operations(mlir::func::FuncOp function) {
    mlir::GreedyRewriteConfig config;
    config.enableRegionSimplification = mlir::GreedySimplifyRegionLevel::Disabled;
    config.maxIterations = 4;
    (void)mlir::applyPatternsAndFoldGreedily(function, patterns_, config);
    mlir::IRRewriter rewriter(function.getContext());
    mlir::DominanceInfo dominance(function);
    mlir::eliminateCommonSubExpressions(rewriter, dominance, function);
  }

  static bool rewrite_loops(mlir::func::FuncOp function) {
    bool changed = false;
    llvm::SmallVector<prob::ForOp> loops;
    function.walk([&](prob::ForOp loop) { loops.push_back(loop); });  // innermost first
    for (prob::ForOp loop : loops) {
      changed |= mlir::moveLoopInvariantCode(mlir::cast<mlir::LoopLikeOpInterface>(*loop)) > 0;
      for (const auto& rule :
           {forward_copies, clean_results, unroll_short, peel_first, rotate_carries,
            shorten_recurrences, simplify_intos, sink_factors, simplify_sums, balance_additions}) {
        loop = rule(loop, changed);
        if (!loop) break;
      }
    }
    return changed;
  }

  mlir::FrozenRewritePatternSet patterns_;
};

}  // namespace

std::unique_ptr<mlir::Pass> create_simplify_pass() { return std::make_unique<SimplifyPass>(); }

}  // namespace borel::transform

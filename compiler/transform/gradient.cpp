#include "compiler/transform/gradient.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/gradient_reverse.h"
#include "compiler/transform/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::transform {
namespace {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
namespace func = mlir::func;
namespace scf = mlir::scf;

}  // namespace

void count_whiles(func::FuncOp function) {
  llvm::SmallVector<scf::WhileOp> whiles;
  function.walk<mlir::WalkOrder::PostOrder>([&](scf::WhileOp op) {
    const auto wanted = [](Value v) { return prob::is_real(v.getType()) && !v.use_empty(); };
    if (llvm::any_of(op.getResults(), wanted)) whiles.push_back(op);
  });
  for (scf::WhileOp op : whiles) {
    mlir::OpBuilder b(op);
    const mlir::Location loc = op.getLoc();
    // The counting run: the same loop with one more carry.
    llvm::SmallVector<Value> inits(op.getInits());
    inits.push_back(prob::int_constant(b, loc, 0));
    llvm::SmallVector<mlir::Type> result_types(op.getResultTypes());
    result_types.push_back(b.getI64Type());
    auto counting = b.create<scf::WhileOp>(loc, result_types, inits);
    mlir::IRMapping mapping;
    op.getBefore().cloneInto(&counting.getBefore(), mapping);
    op.getAfter().cloneInto(&counting.getAfter(), mapping);
    mlir::Block &before = counting.getBefore().front(), &after = counting.getAfter().front();
    const Value count_before = before.addArgument(b.getI64Type(), loc);
    const Value count_after = after.addArgument(b.getI64Type(), loc);
    auto condition = mlir::cast<scf::ConditionOp>(before.getTerminator());
    condition.getArgsMutable().append(count_before);
    auto yield = mlir::cast<scf::YieldOp>(after.getTerminator());
    b.setInsertionPoint(yield);
    yield.getResultsMutable().append(
        Value(b.create<mlir::arith::AddIOp>(loc, count_after, prob::int_constant(b, loc, 1))));

    // The counted run: body, then the condition's part once more after the last iteration.
    b.setInsertionPointAfter(counting);
    const Value count = counting.getResults().back();
    auto loop = b.create<prob::ForOp>(loc, prob::int_constant(b, loc, 0), count, op.getInits(),
                                      mlir::TypeRange{}, mlir::TypeRange{}, mlir::ValueRange{});
    b.setInsertionPointToStart(&loop.block());
    auto splice = [&](mlir::Block& from, mlir::ValueRange arguments) {
      mlir::IRMapping map;
      map.map(from.getArguments(), arguments);
      for (mlir::Operation& inner : from.without_terminator()) b.clone(inner, map);
      llvm::SmallVector<Value> out;
      mlir::Operation* end = from.getTerminator();
      const unsigned skip = mlir::isa<scf::ConditionOp>(end) ? 1 : 0;
      for (const Value v : end->getOperands().drop_front(skip))
        out.push_back(map.lookupOrDefault(v));
      return out;
    };
    auto passed = splice(op.getBefore().front(), loop.carry_args());
    auto next = splice(op.getAfter().front(), passed);
    b.create<prob::YieldOp>(loc, next, mlir::ValueRange{}, mlir::ValueRange{}, mlir::ValueRange{});
    b.setInsertionPointAfter(loop);
    op.replaceAllUsesWith(splice(op.getBefore().front(), loop.getCarries()));
    op.erase();
  }
}

namespace {

LogicalResult check_target(func::FuncOp source, llvm::ArrayRef<bool> wrt, func::FuncOp target) {
  const auto type = source.getFunctionType();
  if (!target.isDeclaration() || wrt.size() != type.getNumInputs() || type.getNumResults() == 0 ||
      !mlir::isa<mlir::FloatType>(type.getResult(0)))
    return target.emitError("cannot hold the gradient of '") << source.getSymName() << "'";
  llvm::SmallVector<mlir::Type> results(type.getResults());
  for (auto [marked, input] : llvm::zip(wrt, type.getInputs()))
    if (marked) results.push_back(input);
  if (target.getFunctionType().getInputs() != type.getInputs() ||
      target.getFunctionType().getResults() != llvm::ArrayRef<mlir::Type>(results))
    return target.emitError("has another type than the gradient of '")
           << source.getSymName() << "'";
  return success();
}

class GradientPass : public mlir::PassWrapper<GradientPass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(GradientPass)
  llvm::StringRef getArgument() const final { return "gradient"; }

  /// Fills every declaration with `prob.derive = {kind = "gradient", of = @f, wrt = [true, …]}`.
  void runOnOperation() override {
    llvm::SmallVector<func::FuncOp> targets;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isDeclaration() && function->hasAttr(prob::derive_attribute))
        targets.push_back(function);
    for (func::FuncOp target : targets) {
      auto request = target->getAttrOfType<mlir::DictionaryAttr>(prob::derive_attribute);
      auto kind = request ? request.getAs<mlir::StringAttr>("kind") : mlir::StringAttr();
      if (!kind || kind.getValue() != "gradient") continue;
      auto of = request.getAs<mlir::FlatSymbolRefAttr>("of");
      auto marks = request.getAs<mlir::ArrayAttr>("wrt");
      auto source = of ? getOperation().lookupSymbol<func::FuncOp>(of.getAttr()) : func::FuncOp();
      if (!source || !marks) {
        target.emitError("asks for the gradient of an unknown function");
        return signalPassFailure();
      }
      llvm::SmallVector<bool> wrt;
      for (auto mark : marks.getAsRange<mlir::BoolAttr>()) wrt.push_back(mark.getValue());
      if (mlir::failed(differentiate(source, wrt, target))) return signalPassFailure();
      target->removeAttr(prob::derive_attribute);
    }
  }
};

}  // namespace

LogicalResult differentiate(func::FuncOp source, llvm::ArrayRef<bool> wrt, func::FuncOp target) {
  if (mlir::failed(check_target(source, wrt, target))) return failure();
  func::FuncOp work = source.clone();
  count_whiles(work);
  const LogicalResult filled = fill_reverse(
      work, wrt, target, [&](mlir::OpBuilder& b, mlir::Location loc, mlir::ValueRange results) {
        // Seeds: 1 for the value, none for what it carries along.
        llvm::SmallVector<Value> seeds(results.size());
        seeds.front() = prob::real_constant(b, loc, 1.0);
        return seeds;
      });
  work.erase();
  return filled;
}

LogicalResult fill_product(func::FuncOp source, llvm::ArrayRef<bool> wrt, func::FuncOp target) {
  func::FuncOp work = source.clone();
  count_whiles(work);
  const unsigned inputs = source.getNumArguments();
  const LogicalResult filled = fill_reverse(
      work, wrt, target, [&](mlir::OpBuilder&, mlir::Location, mlir::ValueRange results) {
        llvm::SmallVector<Value> seeds;
        unsigned next = inputs;
        for (const Value result : results)
          seeds.push_back(prob::is_real(result.getType()) ? Value(target.getArgument(next++))
                                                          : Value());
        return seeds;
      });
  work.erase();
  return filled;
}

std::unique_ptr<mlir::Pass> create_gradient_pass() { return std::make_unique<GradientPass>(); }

}  // namespace borel::transform

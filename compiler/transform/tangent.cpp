#include "compiler/transform/tangent.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/gradient_activity.h"
#include "compiler/transform/gradient_reverse.h"
#include "compiler/transform/gradient_rules.h"
#include "compiler/transform/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {
namespace {

using mlir::Block;
using mlir::failure;
using mlir::IRMapping;
using mlir::Location;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::success;
using mlir::Value;
using mlir::ValueRange;
namespace func = mlir::func;
namespace scf = mlir::scf;

class Tangents {
 public:
  Tangents(OpBuilder& builder, const Activity& activity, mlir::ModuleOp module)
      : b_(builder), active_(activity), module_(module) {}

  IRMapping map;                          // source values to target values
  llvm::DenseMap<Value, Value> tangents;  // of source values, in target values

  LogicalResult block(Block& source) {
    for (Operation& op : source.without_terminator())
      if (mlir::failed(visit(op))) return failure();
    return success();
  }

  /// A source value's tangent: zeros where it has none.
  Value tangent_of(Value source) {
    if (const Value known = tangents.lookup(source)) return known;
    return prob::zeros_like(b_, source.getLoc(), map.lookupOrDefault(source));
  }

 private:
  bool is_active(Operation& op) const { return llvm::any_of(op.getResults(), active_); }

  LogicalResult visit(Operation& op) {
    if (!is_active(op)) {
      b_.clone(op, map);
      return success();
    }
    if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) return visit_loop(loop);
    if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) return visit_if(branch);
    if (auto call = mlir::dyn_cast<func::CallOp>(op)) return visit_call(call);
    if (mlir::isa<scf::WhileOp>(op)) {
      // Loops whose reals are wanted were made counted ones (fill_tangent): this one counts.
      b_.clone(op, map);
      return success();
    }
    if (op.getNumResults() != 1 || op.getNumRegions() != 0) return refuse(op);
    Operation* primal = b_.clone(op, map);
    return visit_value(op, *primal);
  }

  /// Operations with one result that hold no others.
  LogicalResult visit_value(Operation& op, Operation& primal) {
    const Location loc = op.getLoc();
    Value& tangent = tangents[op.getResult(0)];
    if (auto read = mlir::dyn_cast<prob::ExtractOp>(op)) {
      const auto indices = mlir::cast<prob::ExtractOp>(primal).getIndices();
      tangent = prob::extract(b_, loc, tangent_of(read.getArray()), indices);
    } else if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) {
      const auto indices = mlir::cast<prob::InsertOp>(primal).getIndices();
      const Value value = tangent_of(insert.getValue()), array = tangent_of(insert.getArray());
      tangent = b_.create<prob::InsertOp>(loc, value, array, indices, mlir::IntegerAttr());
    } else if (auto update = mlir::dyn_cast<prob::AddAtOp>(op)) {
      const auto indices = mlir::cast<prob::AddAtOp>(primal).getIndices();
      const Value array = tangent_of(update.getArray());
      tangent = array;
      if (const Value value = tangents.lookup(update.getValue()))
        tangent = b_.create<prob::AddAtOp>(loc, value, array, indices);
    } else if (auto select = mlir::dyn_cast<mlir::arith::SelectOp>(op);
               select && prob::is_array(select.getType())) {
      const Value yes = tangent_of(select.getTrueValue()), no = tangent_of(select.getFalseValue());
      tangent = b_.create<mlir::arith::SelectOp>(loc, map.lookupOrDefault(select.getCondition()),
                                                 yes, no);
    } else {
      tangent = Value();
      return visit_scalar(op, primal);
    }
    return success();
  }

  LogicalResult visit_scalar(Operation& op, Operation& primal) {
    Value sum;
    for (unsigned i = 0; i < op.getNumOperands(); ++i) {
      const Value seed = tangents.lookup(op.getOperand(i));
      if (!seed) continue;
      // A rule is linear in its seed, so that it serves both directions.
      const auto wanted = [i](unsigned operand) { return operand == i; };
      const auto add = [&](unsigned, Value part) {
        sum = sum ? b_.createOrFold<mlir::arith::AddFOp>(op.getLoc(), sum, part) : part;
      };
      if (apply_scalar_rule({b_, &primal, seed, wanted, add}) == RuleOutcome::Unknown)
        return refuse(op);
    }
    if (sum) tangents[op.getResult(0)] = sum;
    return success();
  }

  llvm::SmallVector<Value> mapped(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value v) { return map.lookupOrDefault(v); });
  }

  /// Values of a region's end, then the tangents of those whose results are active.
  llvm::SmallVector<Value> with_tangents(ValueRange values, ValueRange results) {
    llvm::SmallVector<Value> out = mapped(values);
    for (auto [value, result] : llvm::zip_equal(values, results))
      if (active_(result)) out.push_back(tangent_of(value));
    return out;
  }

  llvm::SmallVector<mlir::Type> types_with_tangents(ValueRange values, ValueRange results) {
    llvm::SmallVector<mlir::Type> out(values.getTypes());
    for (auto [value, result] : llvm::zip_equal(values, results))
      if (active_(result)) out.push_back(value.getType());
    return out;
  }

  /// What was made of a region's results: the values, then the tangents of the active ones.
  void take(ValueRange source, ValueRange made) {
    map.map(source, made.take_front(source.size()));
    made = made.drop_front(source.size());
    for (const Value value : source) {
      if (!active_(value)) continue;
      tangents[value] = made.front();
      made = made.drop_front();
    }
  }

  LogicalResult visit_loop(prob::ForOp source) {
    const Location loc = source.getLoc();
    prob::YieldOp yield = source.terminator();
    // An argument has a tangent where the result has: its start's, zeros where that has none.
    const llvm::SmallVector<Value> carries =
        with_tangents(source.getCarryInits(), source.getCarries());
    const llvm::SmallVector<Value> intos = with_tangents(source.getIntoInits(), source.getIntos());
    auto loop = b_.create<prob::ForOp>(
        loc, map.lookupOrDefault(source.getLower()), map.lookupOrDefault(source.getUpper()),
        carries, types_with_tangents(yield.getMaps(), source.getMaps()),
        types_with_tangents(yield.getSums(), source.getSums()), intos, source.getReverse());
    {
      OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPointToStart(&loop.block());
      map.map(source.induction(), loop.induction());
      const auto enter = [&](ValueRange arguments, ValueRange results, ValueRange made) {
        map.map(arguments, made.take_front(arguments.size()));
        made = made.drop_front(arguments.size());
        for (auto [argument, result] : llvm::zip_equal(arguments, results)) {
          if (!active_(result)) continue;
          tangents[argument] = made.front();
          made = made.drop_front();
        }
      };
      enter(source.carry_args(), source.getCarries(), loop.carry_args());
      enter(source.into_args(), source.getIntos(), loop.into_args());
      if (mlir::failed(block(source.block()))) return failure();
      const auto next = with_tangents(yield.getCarries(), source.getCarries());
      const auto maps = with_tangents(yield.getMaps(), source.getMaps());
      const auto sums = with_tangents(yield.getSums(), source.getSums());
      const auto added = with_tangents(yield.getIntos(), source.getIntos());
      b_.create<prob::YieldOp>(loc, next, maps, sums, added);
    }
    take(source.getCarries(), loop.getCarries());
    take(source.getMaps(), loop.getMaps());
    take(source.getSums(), loop.getSums());
    take(source.getIntos(), loop.getIntos());
    return success();
  }

  LogicalResult visit_if(scf::IfOp source) {
    const llvm::SmallVector<mlir::Type> types =
        types_with_tangents(source.getResults(), source.getResults());
    auto branch =
        b_.create<scf::IfOp>(source.getLoc(), types, map.lookupOrDefault(source.getCondition()),
                             /*withElseRegion=*/true);
    for (auto [from, to] : {std::pair{&source.getThenRegion(), &branch.getThenRegion()},
                            std::pair{&source.getElseRegion(), &branch.getElseRegion()}}) {
      OpBuilder::InsertionGuard guard(b_);
      if (to->empty()) b_.createBlock(to);
      b_.setInsertionPointToStart(&to->front());
      if (mlir::failed(block(from->front()))) return failure();
      const auto results =
          with_tangents(from->front().getTerminator()->getOperands(), source.getResults());
      b_.create<scf::YieldOp>(source.getLoc(), results);
    }
    take(source.getResults(), branch.getResults());
    return success();
  }

  LogicalResult visit_call(func::CallOp call) {
    auto callee = module_.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal()) return refuse(*call);
    if (callee->hasAttr(prob::host_attribute)) return refuse_host(call, callee);
    llvm::SmallVector<bool> wrt, of;
    llvm::SmallVector<Value> arguments = mapped(call.getOperands());
    for (const Value operand : call.getOperands()) {
      wrt.push_back(active_(operand));
      if (wrt.back()) arguments.push_back(tangent_of(operand));
    }
    for (const Value result : call.getResults()) of.push_back(prob::is_real(result.getType()));
    func::FuncOp made = tangent_function(callee, wrt, of);
    if (!made) return failure();
    auto twin = b_.create<func::CallOp>(call.getLoc(), made, arguments);
    ValueRange results = twin.getResults();
    map.map(call.getResults(), results.take_front(call.getNumResults()));
    results = results.drop_front(call.getNumResults());
    for (const Value result : call.getResults()) {
      if (!prob::is_real(result.getType())) continue;
      tangents[result] = results.front();
      results = results.drop_front();
    }
    return success();
  }

  func::FuncOp tangent_function(func::FuncOp callee, llvm::ArrayRef<bool> wrt,
                                llvm::ArrayRef<bool> of) {
    std::string name = (callee.getSymName() + ".jvp.").str();
    for (const bool marked : wrt) name += marked ? '1' : '0';
    if (auto known = module_.lookupSymbol<func::FuncOp>(name)) return known;
    llvm::SmallVector<mlir::Type> inputs(callee.getArgumentTypes()),
        results(callee.getResultTypes());
    for (auto [type, marked] : llvm::zip_equal(callee.getArgumentTypes(), wrt))
      if (marked) inputs.push_back(type);
    for (auto [type, marked] : llvm::zip_equal(callee.getResultTypes(), of))
      if (marked) results.push_back(type);
    auto made = func::FuncOp::create(callee.getLoc(), name,
                                     mlir::FunctionType::get(callee.getContext(), inputs, results));
    made.setPrivate();
    if (callee->hasAttr(prob::adjoint_attribute) || callee->hasAttr(prob::adjoint_of_attribute))
      made->setAttr(prob::adjoint_of_attribute, mlir::FlatSymbolRefAttr::get(callee));
    if (const auto place = callee->getAttr(prob::place_attribute))
      made->setAttr(prob::place_attribute, place);
    module_.push_back(made);  // before its body, which may call it
    if (mlir::failed(differentiate_along(callee, wrt, of, made))) return {};
    return made;
  }

  OpBuilder& b_;
  const Activity& active_;
  mlir::ModuleOp module_;
};

}  // namespace

LogicalResult differentiate_along(func::FuncOp source, llvm::ArrayRef<bool> wrt,
                                  llvm::ArrayRef<bool> of, func::FuncOp target) {
  func::FuncOp work = source.clone();
  count_whiles(work);
  const Activity active(work, wrt, /*through_intos=*/true);
  Block* body = target.addEntryBlock();
  OpBuilder b = OpBuilder::atBlockBegin(body);
  Tangents tangents(b, active, target->getParentOfType<mlir::ModuleOp>());
  ValueRange given = body->getArguments();
  tangents.map.map(work.getArguments(), given.take_front(work.getNumArguments()));
  given = given.drop_front(work.getNumArguments());
  for (auto [argument, marked] : llvm::zip_equal(work.getArguments(), wrt)) {
    if (!marked) continue;
    tangents.tangents[argument] = given.front();
    given = given.drop_front();
  }
  Block& from = work.getBody().front();
  const LogicalResult done = tangents.block(from);
  if (mlir::succeeded(done)) {
    llvm::SmallVector<Value> results, along;
    for (auto [result, marked] : llvm::zip_equal(from.getTerminator()->getOperands(), of)) {
      results.push_back(tangents.map.lookupOrDefault(result));
      if (marked) along.push_back(tangents.tangent_of(result));
    }
    llvm::append_range(results, along);
    b.create<func::ReturnOp>(source.getLoc(), results);
  }
  work.erase();
  return done;
}

namespace {

class TangentPass : public mlir::PassWrapper<TangentPass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TangentPass)
  llvm::StringRef getArgument() const final { return "tangent"; }

  /// Fills every declaration with `prob.derive = {kind = "tangent", of = @f, wrt = [true, …]}`: the
  /// tangents of all real results.
  void runOnOperation() override {
    llvm::SmallVector<func::FuncOp> targets;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isDeclaration() && function->hasAttr(prob::derive_attribute))
        targets.push_back(function);
    for (func::FuncOp target : targets) {
      const auto request = target->getAttrOfType<mlir::DictionaryAttr>(prob::derive_attribute);
      const auto kind = request.getAs<mlir::StringAttr>("kind");
      if (!kind || kind.getValue() != "tangent") continue;
      const auto of = request.getAs<mlir::FlatSymbolRefAttr>("of");
      const auto marks = request.getAs<mlir::ArrayAttr>("wrt");
      auto source = of ? getOperation().lookupSymbol<func::FuncOp>(of.getAttr()) : func::FuncOp();
      if (!source || !marks) {
        target.emitError("asks for the tangent of an unknown function");
        return signalPassFailure();
      }
      llvm::SmallVector<bool> wrt, results;
      for (const auto mark : marks.getAsRange<mlir::BoolAttr>()) wrt.push_back(mark.getValue());
      for (const mlir::Type type : source.getResultTypes()) results.push_back(prob::is_real(type));
      if (mlir::failed(differentiate_along(source, wrt, results, target)))
        return signalPassFailure();
      target->removeAttr(prob::derive_attribute);
    }
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_tangent_pass() { return std::make_unique<TangentPass>(); }

}  // namespace borel::transform

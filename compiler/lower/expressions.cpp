#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::lowering {

using mlir::Value;
using typed::as;
using typed::Op;

mlir::IntegerAttr FunctionLowering::place_attribute(typed::PlaceId place) {
  if (place == typed::PlaceId::None) return {};
  return b_.getI64IntegerAttr(static_cast<int64_t>(place));
}

Value FunctionLowering::value(const typed::Expr& expr) {
  const Values all = values(expr);
  if (all.size() != 1) bug("an expression with one value has " + std::to_string(all.size()));
  return all.front();
}

Values FunctionLowering::all_values(const std::vector<typed::ExprPtr>& exprs) {
  Values out;
  for (const auto& expr : exprs) llvm::append_range(out, values(*expr));
  return out;
}

/// What a variable holds. Globals are read at the function's entry, once.
Values FunctionLowering::variable(typed::VarId id) {
  if (const auto local = variables_.find(id); local != variables_.end()) return local->second;
  if (const auto known = globals_.find(id); known != globals_.end()) return known->second;
  if (!program_[id].global) bug("'" + program_[id].name + "' is used where it has no value");
  mlir::OpBuilder::InsertionGuard guard(b_);
  b_.setInsertionPointToStart(&function_.getBody().front());
  const mlir::Location here = function_.getLoc();
  Values& out = globals_[id];
  if (const auto slot = module_.slot(id)) {
    out = {b_.create<prob::DataOp>(here, module_.type(program_[id].type), slot)};
  } else {
    auto read = b_.create<mlir::func::CallOp>(here, module_.global(id), mlir::ValueRange{});
    llvm::append_range(out, read.getResults());
  }
  return out;
}

Values FunctionLowering::zeros(const typed::Type& type) {
  Values out;
  if (type.kind == typed::Type::Kind::Tuple) {
    for (const typed::Type& element : type.elements) llvm::append_range(out, zeros(element));
    return out;
  }
  Values extents;
  for (const typed::Size& dim : storage_dims(type)) extents.push_back(extent_value(dim));
  return zeros(type, extents);
}

Values FunctionLowering::zeros(const typed::Type& type, mlir::ValueRange extents) {
  const mlir::Type mlir_type = module_.type(type);
  if (!extents.empty()) return {b_.create<prob::ZerosOp>(loc_, mlir_type, extents)};
  return {b_.create<mlir::arith::ConstantOp>(
      loc_, mlir::cast<mlir::TypedAttr>(b_.getZeroAttr(mlir_type)))};
}

Values FunctionLowering::call(mlir::func::FuncOp callee, mlir::ValueRange args) {
  auto op = b_.create<mlir::func::CallOp>(loc_, callee, args);
  return Values(op.getResults().begin(), op.getResults().end());
}

Values FunctionLowering::model_call(const typed::ModelCall& node) {
  using Kind = typed::ModelCall::Kind;
  const char* kind = nullptr;
  switch (node.kind) {
    case Kind::LogDensity:
      kind = "log_density";
      break;
    case Kind::LogDensityGradient:
      kind = "log_density_gradient";
      break;
    case Kind::Dimension:
      kind = "dimension";
      break;
    case Kind::Constrain:
      kind = "constrain";
      break;
    case Kind::Unconstrain:
      kind = "unconstrain";
      break;
    case Kind::TraceLogDensity:
      kind = "trace_log_density";
      break;
    case Kind::Simulate:
      kind = "simulate";
      break;
    case Kind::Likelihood:
      kind = "likelihood";
      break;
    case Kind::StageCount:
      kind = "stage_count";
      break;
    case Kind::FrameReals:
      kind = "frame_reals";
      break;
    case Kind::FrameInts:
      kind = "frame_ints";
      break;
    case Kind::Advance:
      kind = "advance";
      break;
    case Kind::Follow:
      kind = "follow";
      break;
    case Kind::TracePath:
      kind = "trace_path";
      break;
    case Kind::Transition:
      kind = "transition";
      break;
    case Kind::PathTrace:
      kind = "path_trace";
      break;
    case Kind::CheckStage:
      kind = "check_stage";
      break;
    case Kind::StageSummary:
      kind = "stage_summary";
      break;
  }
  const Values args = all_values(node.args);
  return call(module_.derived(node.model, kind), args);
}

//===- Expressions ----------------------------------------------------------------------------===//

Values FunctionLowering::values(const typed::Expr& expr) {
  if (const auto* node = as<typed::Constant>(expr)) {
    if (const auto* truth = std::get_if<bool>(&node->value))
      return {prob::bool_constant(b_, loc_, *truth)};
    if (const auto* number = std::get_if<int64_t>(&node->value)) return {integer(*number)};
    return {prob::real_constant(b_, loc_, std::get<double>(node->value))};
  }
  if (const auto* node = as<typed::VarRef>(expr)) {
    if (node->observed >= 0 && reads_observed_) return {observed_value(expr, node->observed)};
    return variable(node->variable);
  }
  if (const auto* node = as<typed::Call>(expr)) {
    const Values args = all_values(node->args);
    return call(module_.function(node->function), args);
  }
  if (const auto* node = as<typed::MakeTuple>(expr)) return all_values(node->elements);
  if (const auto* node = as<typed::TupleGet>(expr)) {
    const Values all = values(*node->base);
    size_t first = 0;
    const auto& elements = node->base->type.elements;
    for (int32_t i = 0; i < node->index; ++i)
      first += module_.types(elements[static_cast<size_t>(i)]).size();
    const size_t count = module_.types(elements[static_cast<size_t>(node->index)]).size();
    return Values(llvm::ArrayRef(all).slice(first, count));
  }
  if (const auto* node = as<typed::BlockExpr>(expr)) {
    lower_block(node->statements);
    return values(*node->value);
  }
  if (const auto* node = as<typed::Conditional>(expr)) return conditional(*node, expr.type);
  if (const auto* node = as<typed::ModelCall>(expr)) return model_call(*node);
  if (const auto* node = as<typed::GradientCall>(expr)) {
    const Values args = all_values(node->args);
    return call(module_.gradient(node->function, node->wrt), args);
  }
  if (const auto* node = as<typed::MakeArray>(expr)) return {make_array(*node, expr.type)};

  if (expr.type.kind == typed::Type::Kind::Array) return {materialise(view(expr))};

  // What is left has a scalar value.
  if (const auto* node = as<typed::Index>(expr)) return {scalar(index(*node, expr.type))};
  const auto* node = as<typed::Builtin>(expr);
  if (!node) bug("an expression of an unknown kind");
  switch (node->op) {
    case Op::Sum:
      return {sum(view(*node->args[0]))};
    case Op::Dot: {
      const View x = view(*node->args[0]), y = view(*node->args[1]);
      return {sum(elementwise({x, y}, [this](mlir::ValueRange args) {
        return operation(Op::Mul, args, typed::PlaceId::None);
      }))};
    }
    case Op::MatMul:
      return {scalar(matrix_product(*node->args[0], *node->args[1]))};
    case Op::Dim: {
      const auto* which = as<typed::Constant>(*node->args[1]);
      const auto dim = static_cast<size_t>(std::get<int64_t>(which->value));
      return {view(*node->args[0]).extents[storage_dim(node->args[0]->type, dim)]};
    }
    case Op::And:
    case Op::Or:
      return {lazy_logic(*node)};
    case Op::Uniform:
      return {b_.create<prob::UniformOp>(loc_, prob::real_type(b_.getContext()))};
    default:
      break;
  }
  const Values args = all_values(node->args);
  return {operation(node->op, args, cannot_fail(expr) ? typed::PlaceId::None : node->place)};
}

namespace {
/// Whether a block can run where the program would not have run it.
bool is_harmless(mlir::Block& block) {
  for (mlir::Operation& op : block)
    if (!op.hasTrait<mlir::OpTrait::IsTerminator>() &&
        (!mlir::isMemoryEffectFree(&op) || !mlir::isSpeculatable(&op) ||
         op.hasAttr(prob::place_attribute) || op.getNumRegions() != 0))
      return false;
  return true;
}
}  // namespace

/// a && b evaluates b only where a is true; where b can do no harm both are evaluated.
Value FunctionLowering::lazy_logic(const typed::Builtin& node) {
  const bool conjunction = node.op == Op::And;
  const Value left = value(*node.args[0]);
  const mlir::Location here = loc_;
  auto branch = b_.create<mlir::scf::IfOp>(here, mlir::TypeRange{left.getType()}, left,
                                           /*withElseRegion=*/true);
  mlir::Block& lazy = (conjunction ? branch.getThenRegion() : branch.getElseRegion()).front();
  mlir::Block& known = (conjunction ? branch.getElseRegion() : branch.getThenRegion()).front();
  Value right;
  {
    mlir::OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToStart(&lazy);
    right = value(*node.args[1]);
    b_.create<mlir::scf::YieldOp>(here, right);
    b_.setInsertionPointToStart(&known);
    b_.create<mlir::scf::YieldOp>(here, prob::bool_constant(b_, here, !conjunction));
  }
  if (!is_harmless(lazy)) return branch.getResult(0);
  lazy.getTerminator()->erase();
  branch->getBlock()->getOperations().splice(branch->getIterator(), lazy.getOperations());
  branch.erase();
  return operation(node.op, {left, right}, typed::PlaceId::None);
}

Values FunctionLowering::conditional(const typed::Conditional& node, const typed::Type& type) {
  const Value condition = value(*node.condition);
  const mlir::Location here = loc_;
  auto branch = b_.create<mlir::scf::IfOp>(here, module_.types(type), condition,
                                           /*withElseRegion=*/true);
  const auto before = variables_;
  for (auto [region, side] : {std::pair{&branch.getThenRegion(), node.if_true.get()},
                              std::pair{&branch.getElseRegion(), node.if_false.get()}}) {
    mlir::OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToStart(&region->front());
    const Values yielded = values(*side);
    b_.create<mlir::scf::YieldOp>(here, yielded);
    variables_ = before;
  }
  return Values(branch.getResults().begin(), branch.getResults().end());
}

}  // namespace borel::lowering

#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::lowering {

using mlir::Value;
using typed::as;

FunctionLowering::FunctionLowering(ModuleLowering& module, mlir::func::FuncOp function)
    : module_(module),
      program_(module.program()),
      function_(function),
      b_(mlir::OpBuilder::atBlockEnd(&function.getBody().front())),
      loc_(function.getLoc()) {}

void FunctionLowering::bug(const std::string& what) const { throw InternalError(what, span_); }

void FunctionLowering::bind_params(const std::vector<typed::VarId>& params) {
  auto arguments = function_.getArguments();
  size_t next = 0;
  for (const typed::VarId param : params) {
    Values& values = variables_[param];
    const size_t count = module_.types(program_[param].type).size();
    for (size_t i = 0; i < count; ++i) values.push_back(arguments[next++]);
  }
}

void FunctionLowering::lower_function(const typed::Function& function) {
  span_ = function.span;
  bind_params(function.params);
  if (function.host) return lower_host(function);
  const auto results = function_.getResultTypes();
  const Values values = lower_tail(function.body, 0, results);
  b_.create<mlir::func::ReturnOp>(loc_, values);
}

/// What codegen puts in its place is of the host; the body says only what shape the result has.
void FunctionLowering::lower_host(const typed::Function& function) {
  const Value result = function.result.kind == typed::Type::Kind::Scalar
                           ? prob::real_constant(b_, loc_, 0)
                           : zeros(function.result).front();
  b_.create<mlir::func::ReturnOp>(loc_, result);
}

void FunctionLowering::lower_global(const typed::Global& global) {
  span_ = global.value->span;
  const Values all = values(*global.value);
  b_.create<mlir::func::ReturnOp>(loc_, global.check ? Values() : all);
}

void FunctionLowering::lower_reader(typed::VarId global) {
  span_ = program_[global].span;
  b_.create<mlir::func::ReturnOp>(loc_, variable(global));
}

//===- Blocks and tails -----------------------------------------------------------------------===//

void FunctionLowering::lower_block(const typed::Block& block) {
  for (const typed::Stmt& stmt : block) lower_statement(stmt);
}

namespace {
bool returns(const typed::Block& block) {
  if (block.empty()) return false;
  if (as<typed::Return>(block.back())) return true;
  const auto* branch = as<typed::If>(block.back());
  return branch && (returns(branch->then_block) || returns(branch->else_block));
}
}  // namespace

/// Statements from `from` on, and the values that they return.
Values FunctionLowering::lower_tail(const typed::Block& block, size_t from,
                                    mlir::TypeRange results) {
  const bool ends = returns(block);
  const size_t count = block.size() - (ends ? 1 : 0);
  for (size_t i = from; i < count; ++i) lower_statement(block[i]);
  if (!ends) {
    if (!results.empty()) bug("a function with a result does not return one");
    return {};
  }
  span_ = block.back().span;
  loc_ = module_.location(span_);
  if (const auto* last = as<typed::Return>(block.back()))
    return last->value ? values(*last->value) : Values{};

  const auto* branch = as<typed::If>(block.back());
  const Value condition = value(*branch->condition);
  auto op = b_.create<mlir::scf::IfOp>(loc_, results, condition, /*withElseRegion=*/true);
  const auto before = variables_;
  for (auto [region, body] : {std::pair{&op.getThenRegion(), &branch->then_block},
                              std::pair{&op.getElseRegion(), &branch->else_block}}) {
    mlir::OpBuilder::InsertionGuard guard(b_);
    mlir::Block& target = region->front();
    if (!target.empty()) target.clear();
    b_.setInsertionPointToStart(&target);
    const Values yielded = lower_tail(*body, 0, results);
    b_.create<mlir::scf::YieldOp>(loc_, yielded);
    variables_ = before;
  }
  return Values(op.getResults().begin(), op.getResults().end());
}

//===- What a block assigns -------------------------------------------------------------------===//

namespace {
/// Collects the variables that statements assign, in statements and in the blocks of expressions.
class AssignedVariables {
 public:
  AssignedVariables(const typed::Model* model, std::set<typed::VarId>& out)
      : model_(model), out_(out) {}

  void block(const typed::Block& block) {
    for (const typed::Stmt& stmt : block) std::visit([&](const auto& s) { visit(s); }, stmt.node);
  }

 private:
  void visit(const typed::Let& s) { expr(s.value); }
  void visit(const typed::LetTuple& s) { expr(s.value); }
  void visit(const typed::Assign& s) {
    out_.insert(s.variable);
    subscripts(s.subscripts);
    expr(s.value);
  }
  void visit(const typed::If& s) {
    expr(s.condition);
    block(s.then_block);
    block(s.else_block);
  }
  void visit(const typed::For& s) {
    expr(s.lower);
    expr(s.upper);
    block(s.body);
  }
  void visit(const typed::While& s) {
    expr(s.condition);
    block(s.body);
  }
  void visit(const typed::Return& s) { expr(s.value); }
  void visit(const typed::Sample& s) {
    if (!s.observed) site(s.site);
    exprs(s.indices);
    exprs(s.distribution.args);
    exprs(s.support.args);
    expr(s.observed);
  }
  void visit(const typed::Record& s) {
    site(s.site);
    exprs(s.indices);
    expr(s.value);
  }
  void visit(const typed::Factor& s) { expr(s.value); }
  void visit(const typed::Require& s) { expr(s.condition); }
  void visit(const typed::Check& s) { expr(s.condition); }
  void visit(const typed::Evaluate& s) { expr(s.value); }
  void visit(const typed::Stop&) {}

  void visit(const typed::Constant&) {}
  void visit(const typed::VarRef&) {}
  void visit(const typed::Builtin& e) { exprs(e.args); }
  void visit(const typed::Conditional& e) {
    expr(e.condition);
    expr(e.if_true);
    expr(e.if_false);
  }
  void visit(const typed::Index& e) {
    expr(e.base);
    subscripts(e.subscripts);
  }
  void visit(const typed::Call& e) { exprs(e.args); }
  void visit(const typed::MakeTuple& e) { exprs(e.elements); }
  void visit(const typed::TupleGet& e) { expr(e.base); }
  void visit(const typed::MakeArray& e) { exprs(e.elements); }
  void visit(const typed::Comprehension& e) {
    for (const auto& generator : e.generators) {
      expr(generator.lower);
      expr(generator.upper);
    }
    expr(e.body);
  }
  void visit(const typed::BlockExpr& e) {
    block(e.statements);
    expr(e.value);
  }
  void visit(const typed::ModelCall& e) { exprs(e.args); }
  void visit(const typed::GradientCall& e) { exprs(e.args); }

  void site(typed::SiteIndex index) {
    const typed::VarId variable = model_->sites[static_cast<size_t>(index)].variable;
    if (variable != typed::VarId::None) out_.insert(variable);
  }
  void subscripts(const std::vector<typed::Subscript>& list) {
    for (const auto& subscript : list) {
      expr(subscript.first);
      expr(subscript.second);
    }
  }
  void exprs(const std::vector<typed::ExprPtr>& list) {
    for (const auto& e : list) expr(e);
  }
  void expr(const typed::ExprPtr& e) {
    if (e) std::visit([&](const auto& node) { visit(node); }, e->node);
  }

  const typed::Model* model_;
  std::set<typed::VarId>& out_;
};
}  // namespace

FunctionLowering::Assigned FunctionLowering::assigned(const typed::Block& block) const {
  Assigned all;
  AssignedVariables(model_, all).block(block);
  Assigned out;
  for (const typed::VarId id : all)
    if (variables_.contains(id)) out.insert(id);
  return out;
}

Values FunctionLowering::carried(const Assigned& variables) const {
  Values out;
  for (const typed::VarId id : variables) llvm::append_range(out, variables_.at(id));
  return out;
}

void FunctionLowering::rebind(const Assigned& variables, mlir::ValueRange values) {
  size_t next = 0;
  for (const typed::VarId id : variables)
    for (Value& value : variables_.at(id)) value = values[next++];
}

//===- Statements -----------------------------------------------------------------------------===//

void FunctionLowering::lower_statement(const typed::Stmt& stmt) {
  span_ = stmt.span;
  loc_ = module_.location(span_);
  if (const auto* let = as<typed::Let>(stmt)) {
    variables_[let->variable] =
        let->value ? values(*let->value) : zeros(program_[let->variable].type);
  } else if (const auto* let_tuple = as<typed::LetTuple>(stmt)) {
    const Values all = values(*let_tuple->value);
    size_t next = 0;
    for (const typed::VarId id : let_tuple->variables) {
      Values& mine = variables_[id];
      mine.clear();
      const size_t count = module_.types(program_[id].type).size();
      for (size_t i = 0; i < count; ++i) mine.push_back(all[next++]);
    }
  } else if (const auto* assign = as<typed::Assign>(stmt)) {
    lower_assign(*assign);
  } else if (const auto* branch = as<typed::If>(stmt)) {
    lower_if(*branch);
  } else if (const auto* loop = as<typed::For>(stmt)) {
    lower_for(*loop);
  } else if (const auto* repeat = as<typed::While>(stmt)) {
    lower_while(*repeat);
  } else if (as<typed::Return>(stmt)) {
    bug("a return that is not in tail position");
  } else if (const auto* sample = as<typed::Sample>(stmt)) {
    lower_sample(*sample);
  } else if (const auto* record = as<typed::Record>(stmt)) {
    lower_record(*record);
  } else if (const auto* factor = as<typed::Factor>(stmt)) {
    const Value weight = value(*factor->value);
    b_.create<prob::ScoreOp>(loc_, weight, static_cast<int64_t>(factor->place));
  } else if (const auto* require = as<typed::Require>(stmt)) {
    const Value condition = value(*require->condition);
    auto made = b_.create<prob::RequireOp>(loc_, condition, static_cast<int64_t>(require->place));
    if (require->of_value) made->setAttr(prob::of_value_attribute, b_.getUnitAttr());
  } else if (const auto* check = as<typed::Check>(stmt)) {
    constexpr int shape_fault = 8;  // BOREL_FAULT_SHAPE
    const Value failed =
        operation(typed::Op::Not, {value(*check->condition)}, typed::PlaceId::None);
    b_.create<prob::FaultOp>(loc_, failed, Value(), shape_fault,
                             static_cast<int64_t>(check->place));
  } else if (const auto* evaluate = as<typed::Evaluate>(stmt)) {
    values(*evaluate->value);
  } else if (as<typed::Stop>(stmt)) {
    b_.create<prob::StopOp>(loc_, mlir::ValueRange());
  }
}

void FunctionLowering::lower_assign(const typed::Assign& stmt) {
  const Values current = variables_.at(stmt.variable);
  if (stmt.subscripts.empty()) {
    Values next = values(*stmt.value);
    variables_.at(stmt.variable) = next;
    return;
  }
  const typed::Type& type = program_[stmt.variable].type;
  const View replacement = view(*stmt.value);
  const Value array = current.front();
  Values extents;
  for (const typed::Size& dim : storage_dims(type))
    extents.push_back(size_known(dim)
                          ? size_value(dim)
                          : prob::dim(b_, loc_, array, static_cast<int64_t>(extents.size())));
  const Selection selection =
      select(array, type, extents, stmt.subscripts, stmt.value->type.matrix, stmt.place);
  const Value next = store(selection, replacement);
  variables_.at(stmt.variable) = {next};
}

void FunctionLowering::lower_if(const typed::If& stmt) {
  const Value condition = value(*stmt.condition);
  Assigned changed = assigned(stmt.then_block);
  changed.merge(assigned(stmt.else_block));
  const Values initial = carried(changed);
  auto op = b_.create<mlir::scf::IfOp>(loc_, mlir::ValueRange(initial).getTypes(), condition,
                                       /*withElseRegion=*/true);
  const mlir::Location here = loc_;
  const auto before = variables_;
  for (auto [region, body] : {std::pair{&op.getThenRegion(), &stmt.then_block},
                              std::pair{&op.getElseRegion(), &stmt.else_block}}) {
    mlir::OpBuilder::InsertionGuard guard(b_);
    mlir::Block& target = region->front();
    if (!target.empty()) target.clear();
    b_.setInsertionPointToStart(&target);
    lower_block(*body);
    b_.create<mlir::scf::YieldOp>(here, carried(changed));
    variables_ = before;
  }
  loc_ = here;
  rebind(changed, op.getResults());
}

void FunctionLowering::lower_for(const typed::For& stmt) {
  const Value lower = value(*stmt.lower), upper = value(*stmt.upper);
  const Assigned changed = assigned(stmt.body);
  const mlir::Location here = loc_;
  auto loop = b_.create<prob::ForOp>(here, lower, upper, carried(changed), mlir::TypeRange{},
                                     mlir::TypeRange{}, mlir::ValueRange{});
  const auto before = variables_;
  rebind(changed, loop.carry_args());
  variables_[stmt.variable] = {loop.induction()};
  const auto from = as_size(*stmt.lower), to = as_size(*stmt.upper);
  if (from && to) ranges_[stmt.variable] = {*from, *to};
  {
    mlir::OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToEnd(&loop.block());
    lower_block(stmt.body);
    b_.create<prob::YieldOp>(here, carried(changed), mlir::ValueRange{}, mlir::ValueRange{},
                             mlir::ValueRange{});
  }
  ranges_.erase(stmt.variable);
  loc_ = here;
  variables_ = before;
  rebind(changed, loop.getCarries());
}

void FunctionLowering::lower_while(const typed::While& stmt) {
  const Assigned changed = assigned(stmt.body);
  const Values initial = carried(changed);
  const auto types = mlir::ValueRange(initial).getTypes();
  const mlir::Location here = loc_;
  auto loop = b_.create<mlir::scf::WhileOp>(here, types, initial);
  const auto before = variables_;
  const llvm::SmallVector<mlir::Location> places(initial.size(), here);
  {
    mlir::OpBuilder::InsertionGuard guard(b_);
    mlir::Block* test = b_.createBlock(&loop.getBefore(), {}, types, places);
    rebind(changed, test->getArguments());
    const Value condition = value(*stmt.condition);
    b_.create<mlir::scf::ConditionOp>(here, condition, carried(changed));
    mlir::Block* body = b_.createBlock(&loop.getAfter(), {}, types, places);
    rebind(changed, body->getArguments());
    lower_block(stmt.body);
    b_.create<mlir::scf::YieldOp>(here, carried(changed));
  }
  loc_ = here;
  variables_ = before;
  rebind(changed, loop.getResults());
}

}  // namespace borel::lowering

// The functions that are made of a model in stages.
#include "compiler/transform/suspend.h"

#include "compiler/transform/suspend_functions.h"

#include <limits>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace borel::transform {

using mlir::BlockArgument;
using mlir::Location;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;
namespace arith = mlir::arith;
namespace scf = mlir::scf;
using Values = llvm::SmallVector<Value>;

llvm::SetVector<Value> used_by(Operation* op) {
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  if (op->getNumRegions() != 0) mlir::getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

Suspend::Suspend(FuncOp model)
    : model_(model), stages_(model), loc_(model.getLoc()), b_(model.getContext()) {
  real_ = prob::real_type(b_.getContext());
  integer_ = b_.getI64Type();
  captured_ = model.getNumArguments() - 2;
}

void Suspend::make_count() {
  Common common = open({});
  Value count = integer(0);
  for (const Stages::Stage& stage : stages_.stages)
    count = add_sizes(b_, loc_, count, trips(stage, common));
  close({count});
}

void Suspend::make_size(bool reals) {
  Common common = open({});
  place_rows(common);
  close({reals ? real_rows_ : int_rows_});
}

void Suspend::make_advance(bool follow) {
  const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
  llvm::SmallVector<mlir::Type> arguments{integer_, frames[0], frames[1],
                                          prob::array_type(real_, 1)};
  if (follow) arguments.append({frames[0], frames[1]});
  Common common = open(arguments);
  mlir::Block& body = *b_.getInsertionBlock();
  if (follow) {
    given_reals_ = body.getArgument(captured_ + 4);
    given_ints_ = body.getArgument(captured_ + 5);
    column_ = body.getArgument(captured_);
  }
  const Value stage = body.getArgument(captured_);
  reals_ = body.getArgument(captured_ + 1);
  ints_ = body.getArgument(captured_ + 2);
  weights_ = body.getArgument(captured_ + 3);
  particles_ = prob::dim(b_, loc_, reals_, 1);
  common.set(model_.getArgument(captured_), b_.create<prob::KeyOp>(loc_, integer_));
  place_rows(common);
  close(choose_stage(0, stage, integer(0), common));
}

void Suspend::make_transition() {
  const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
  Common common = open({integer_, frames[0], frames[1], frames[0], frames[1], integer_});
  mlir::Block& body = *b_.getInsertionBlock();
  const Value stage = body.getArgument(captured_);
  reals_ = body.getArgument(captured_ + 1);
  ints_ = body.getArgument(captured_ + 2);
  particles_ = prob::dim(b_, loc_, reals_, 1);
  common.set(model_.getArgument(captured_), integer(0));  // nothing is drawn
  place_rows(common);
  given_reals_ = body.getArgument(captured_ + 3);
  given_ints_ = body.getArgument(captured_ + 4);
  column_ = body.getArgument(captured_ + 5);
  close({score_stage(0, stage, integer(0), common)});
}

void Suspend::make_check() {
  Common common = open({integer_, prob::array_type(real_, 1)});
  mlir::Block& body = *b_.getInsertionBlock();
  const Value latest = b_.create<arith::SubIOp>(loc_, body.getArgument(captured_), integer(1));
  weights_ = body.getArgument(captured_ + 1);
  particles_ = prob::dim(b_, loc_, weights_, 0);
  auto loop = b_.create<prob::ForOp>(loc_, integer(0), particles_, ValueRange{}, mlir::TypeRange{},
                                     mlir::TypeRange{integer_}, ValueRange{});
  {
    OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToEnd(&loop.block());
    const Value possible = is_possible(b_, prob::extract(b_, loc_, weights_, loop.induction()));
    const Value one = b_.create<arith::ExtUIOp>(loc_, integer_, possible);
    b_.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{}, ValueRange{one}, ValueRange{});
  }
  const Value none = b_.create<arith::AndIOp>(
      loc_,
      b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq, loop.getSums().front(), integer(0)),
      b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sgt, particles_, integer(0)));
  Value first = integer(0);
  for (Stages::Stage& stage : stages_.stages) {
    const Value end = add_sizes(b_, loc_, first, trips(stage, common));
    auto place = stage.stop->getAttrOfType<mlir::IntegerAttr>(prob::place_attribute);
    if (place) {
      const Value within = b_.create<arith::AndIOp>(
          loc_, b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sge, latest, first),
          b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::slt, latest, end));
      Value element;
      if (stage.loop)
        element = add_sizes(b_, loc_, common.get(stage.loop.getLower()),
                            b_.create<arith::SubIOp>(loc_, latest, first));
      constexpr int weights_fault = 11;  // BOREL_FAULT_WEIGHTS
      b_.create<prob::FaultOp>(loc_, b_.create<arith::AndIOp>(loc_, none, within), element,
                               weights_fault, static_cast<uint64_t>(place.getInt()));
    }
    first = end;
  }
  close({});
}

Common Suspend::open(mlir::TypeRange arguments) {
  region_ = std::make_unique<mlir::Region>();
  mlir::Block& body = region_->emplaceBlock();
  mlir::IRMapping map;
  for (unsigned i = 0; i < captured_; ++i)
    map.map(model_.getArgument(i), body.addArgument(model_.getArgumentTypes()[i], loc_));
  for (const mlir::Type type : arguments) body.addArgument(type, loc_);
  b_.setInsertionPointToEnd(&body);
  return Common(b_, map);
}

void Suspend::close(ValueRange results) {
  b_.create<mlir::func::ReturnOp>(loc_, results);
  model_.getBody().takeBody(*region_);
  update_type(model_);
  model_->removeAttr(prob::model_attribute);
}

Value Suspend::integer(int64_t value) { return prob::int_constant(b_, loc_, value); }

Value Suspend::trips(const Stages::Stage& stage, Common& common) {
  if (!stage.loop) return integer(1);
  prob::ForOp loop = stage.loop;
  const Value difference = b_.createOrFold<arith::SubIOp>(loc_, common.get(loop.getUpper()),
                                                          common.get(loop.getLower()));
  return b_.createOrFold<arith::MaxSIOp>(loc_, difference, integer(0));
}

bool Suspend::in_reals(mlir::Type type) const { return prob::is_real(type); }

namespace {
mlir::LogicalResult make(FuncOp model, llvm::function_ref<void(Suspend&)> what) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  Suspend suspend(model);
  what(suspend);
  return mlir::success();
}

}  // namespace

mlir::LogicalResult stage_count(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_count(); });
}
mlir::LogicalResult frame_reals(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_size(true); });
}
mlir::LogicalResult frame_ints(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_size(false); });
}
mlir::LogicalResult advance_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_advance(/*follow=*/false); });
}
mlir::LogicalResult score_transition(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_transition(); });
}
mlir::LogicalResult follow_path(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_advance(/*follow=*/true); });
}
mlir::LogicalResult trace_path(FuncOp model) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  return Suspend(model).make_trace_path();
}
mlir::LogicalResult path_trace(FuncOp model) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  return Suspend(model).make_path_trace();
}
mlir::LogicalResult check_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_check(); });
}
mlir::LogicalResult summarise_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_summary(); });
}

}  // namespace borel::transform

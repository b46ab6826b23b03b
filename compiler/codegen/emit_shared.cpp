// Plates over a population, by blocks of a fixed size that threads share.
//
// The body becomes a function of its own, task(environment, block). What it needs of the function
// around it lies in the environment; the totals of each block go to a table, which is added up from
// its first block on, whoever worked on which: the same bits for any number of threads.
#include <cstddef>
#include <utility>

#include "borel/program.h"
#include "compiler/codegen/emit_function.h"
#include "compiler/codegen/size_arithmetic.h"
#include "compiler/support/diagnostics.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/Matchers.h"

namespace borel::codegen {

namespace {

constexpr std::int64_t block_size = 4096;

/// Whether an operation may end the call with a fault.
bool may_fault(mlir::Operation* op) {
  return mlir::isa<prob::FaultOp, mlir::func::CallOp>(op) || op->hasAttr("place") ||
         op->hasAttr(prob::place_attribute);
}

/// Values from outside that a loop's iterations use.
llvm::SetVector<mlir::Value> used_from_outside(prob::ForOp loop) {
  llvm::SetVector<mlir::Value> used;
  loop.getBody().walk([&](mlir::Operation* op) {
    for (mlir::Value operand : op->getOperands())
      if (!loop.getBody().isAncestor(operand.getParentRegion())) used.insert(operand);
  });
  for (const mlir::Value init : loop.getCarryInits()) used.insert(init);
  return used;
}

}  // namespace

bool FunctionEmitter::is_shared(prob::ForOp loop, const VectorPlan& plan) const {
  llvm::APInt trips;
  if (!f_.source->hasAttr(prob::frames_attribute) || in_task_ || plan.scanned ||
      !plan.accumulations.empty() || !loop.getIntos().empty() ||
      loop->getParentOfType<prob::ForOp>() ||
      mlir::matchPattern(loop.getUpper(), mlir::m_ConstantInt(&trips)))
    return false;
  const auto faults = [](mlir::Operation* op) {
    return may_fault(op) ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  };
  return !const_cast<mlir::Region&>(loop.getBody()).walk(faults).wasInterrupted();
}

void FunctionEmitter::emit_shared_for(prob::ForOp loop, const VectorPlan& plan) {
  IRValue *lower = scalar_of(loop.getLower()), *upper = scalar_of(loop.getUpper());
  IRValue* top = top_;
  open_parts(loop);
  for (const Value map : loop.getMaps()) define(map);

  llvm::BasicBlock *start = block("shared.start"), *next = block("shared.next");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  b_.CreateCondBr(b_.CreateICmpSLT(lower, upper), start, next);
  b_.SetInsertPoint(start);

  // The environment: the table of totals, the bounds, then what the body uses.
  const std::size_t total_count = loop.getSums().size() + plan.extremes.size();
  IRValue* trips = b_.CreateSub(upper, lower);
  IRValue* blocks =
      b_.CreateSDiv(b_.CreateAdd(trips, constant(block_size - 1)), constant(block_size));
  IRValue* table = llvm::ConstantPointerNull::get(m_.ptr);
  if (total_count > 0)
    table = allocate(b_.CreateMul(blocks, constant(8 * static_cast<std::int64_t>(total_count))));
  llvm::SmallVector<IRValue*> captured{table, lower, upper};
  const auto capture = [&](IRValue* value) {
    if (!llvm::isa<llvm::Constant>(value) && !llvm::is_contained(captured, value))
      captured.push_back(value);
  };
  const auto capture_array = [&](const Array& array) {
    capture(array.data);
    for (IRValue* extent : array.extents) capture(extent);
    if (array.offset.value) capture(array.offset.value);
  };
  for (const Value value : used_from_outside(loop)) {
    if (prob::is_array(value.getType()))
      capture_array(array_of(value));
    else
      capture(scalar_of(value));
  }
  for (const Value map : loop.getMaps()) capture_array(array_of(map));
  capture(instance_);
  llvm::SmallVector<llvm::Type*> types;
  for (IRValue* value : captured) types.push_back(value->getType());
  auto* type = llvm::StructType::get(m_.context, types);
  IRValue* environment = entry_slot(type);
  for (auto [i, value] : llvm::enumerate(captured))
    b_.CreateStore(value, b_.CreateStructGEP(type, environment, static_cast<unsigned>(i)));
  llvm::Function* task = emit_task(loop, plan, captured, type);

  // One block, or nobody to share with: here.
  const auto of_workspace = [&](std::size_t offset) {
    return b_.CreateLoad(m_.ptr, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_, offset));
  };
  llvm::BasicBlock *share = block("shared.share"), *alone = block("shared.alone"),
                   *done = block("shared.done");
  IRValue* sharer = of_workspace(offsetof(borel_workspace, share));
  llvm::BasicBlock* asking = b_.GetInsertBlock();
  b_.CreateCondBr(b_.CreateAnd(b_.CreateIsNotNull(sharer), b_.CreateICmpSGT(blocks, constant(1))),
                  share, alone);
  b_.SetInsertPoint(share);
  auto* share_type = llvm::FunctionType::get(llvm::Type::getVoidTy(m_.context),
                                             {m_.ptr, m_.ptr, m_.ptr, m_.i64}, false);
  b_.CreateCall(share_type, sharer,
                {of_workspace(offsetof(borel_workspace, pool)), task, environment, blocks});
  b_.CreateBr(done);
  b_.SetInsertPoint(alone);
  auto* number = b_.CreatePHI(m_.i64, 2);
  number->addIncoming(constant(0), asking);
  b_.CreateCall(task, {environment, number});
  IRValue* following = b_.CreateAdd(number, constant(1));
  number->addIncoming(following, alone);
  b_.CreateCondBr(b_.CreateICmpSLT(following, blocks), alone, done);

  // Totals, from the first block on.
  b_.SetInsertPoint(done);
  llvm::BasicBlock* adding = block("shared.add");
  b_.CreateBr(adding);
  b_.SetInsertPoint(adding);
  auto* at = b_.CreatePHI(m_.i64, 2);
  at->addIncoming(constant(0), done);
  llvm::SmallVector<llvm::PHINode*> so_far;
  llvm::SmallVector<IRValue*> starts, totals;
  for (const Value sum : loop.getSums())
    starts.push_back(llvm::Constant::getNullValue(m_.scalar_type(sum.getType())));
  if (!plan.extremes.empty())
    for (const Value init : loop.getCarryInits()) starts.push_back(scalar_of(init));
  for (IRValue* value : starts) {
    so_far.push_back(b_.CreatePHI(value->getType(), 2));
    so_far.back()->addIncoming(value, done);
  }
  for (std::size_t i = 0; i < total_count; ++i) {
    IRValue* element =
        b_.CreateAdd(b_.CreateMul(at, constant(static_cast<std::int64_t>(total_count))),
                     constant(static_cast<std::int64_t>(i)));
    IRValue* part = b_.CreateAlignedLoad(so_far[i]->getType(), b_.CreateGEP(m_.i64, table, element),
                                         llvm::Align(8));
    if (i >= loop.getSums().size())
      totals.push_back(extreme_of(plan.extremes[i - loop.getSums().size()], so_far[i], part));
    else if (part->getType()->isDoubleTy())
      totals.push_back(b_.CreateFAdd(so_far[i], part));
    else
      totals.push_back(b_.CreateAdd(so_far[i], part));
    so_far[i]->addIncoming(totals[i], adding);
  }
  IRValue* after = b_.CreateAdd(at, constant(1));
  at->addIncoming(after, adding);
  b_.CreateCondBr(b_.CreateICmpSLT(after, blocks), adding, next);

  b_.SetInsertPoint(next);
  for (std::size_t i = 0; i < total_count; ++i) {
    auto* phi = b_.CreatePHI(totals[i]->getType(), 2);
    phi->addIncoming(starts[i], before);
    phi->addIncoming(totals[i], adding);
    const std::size_t sums = loop.getSums().size();
    set(i < sums ? Value(loop.getSums()[static_cast<unsigned>(i)])
                 : Value(loop.getCarries()[static_cast<unsigned>(i - sums)]),
        uniform_lanes(phi));
  }
  top_ = top;
}

// In a function of its own everything that is known of the function around it is known by the
// values that the environment holds.
llvm::Function* FunctionEmitter::emit_task(prob::ForOp loop, const VectorPlan& plan,
                                           llvm::ArrayRef<IRValue*> captured,
                                           llvm::StructType* environment) {
  auto* task = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(m_.context), {m_.ptr, m_.i64}, false),
      llvm::GlobalValue::InternalLinkage, function_->getName() + ".task", m_.module);
  task->setDoesNotThrow();
  task->addFnAttr(llvm::Attribute::NoInline);
  task->addParamAttr(0, llvm::Attribute::NoAlias);

  const auto point = b_.saveIP();
  const auto scalars = scalars_;
  const auto arrays = arrays_;
  const auto extents = entry_extents_;
  const auto slots = entry_slots_;
  entry_extents_.clear();
  entry_slots_.clear();
  llvm::Function* function = std::exchange(function_, task);
  IRValue *instance = instance_, *ws = std::exchange(ws_, nullptr),
          *top = std::exchange(top_, nullptr), *dummy = std::exchange(dummy_, nullptr);
  llvm::BasicBlock* entry = entry_;
  in_task_ = true;

  entry_ = block("entry");
  llvm::BasicBlock* body = block("body");
  b_.SetInsertPoint(entry_);
  llvm::DenseMap<IRValue*, IRValue*> held;
  for (auto [i, value] : llvm::enumerate(captured))
    held[value] = b_.CreateLoad(value->getType(), b_.CreateStructGEP(environment, task->getArg(0),
                                                                     static_cast<unsigned>(i)));
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  const auto here = [&](IRValue* value) {
    return !value || llvm::isa<llvm::Constant>(value) ? value : held.lookup(value);
  };
  const auto move_array = [&](Value value) {
    Array& array = arrays_[value];
    array.data = here(array.data);
    for (IRValue*& extent : array.extents) extent = here(extent);
    array.offset.value = here(array.offset.value);
  };
  for (const Value value : used_from_outside(loop)) {
    if (prob::is_array(value.getType()))
      move_array(value);
    else
      scalars_[value] = uniform_lanes(here(scalar_of(value)));
  }
  for (const Value map : loop.getMaps()) move_array(map);
  instance_ = here(instance_);
  IRValue *lower = here(captured[1]), *upper = here(captured[2]);
  IRValue* from = b_.CreateAdd(lower, b_.CreateMul(task->getArg(1), constant(block_size)));
  IRValue* to = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, upper,
                                         b_.CreateAdd(from, constant(block_size)));
  IRValue* carried = nullptr;
  const auto totals = emit_lane_range(loop, plan, {lower, from, to}, nullptr, carried);
  for (auto [i, total] : llvm::enumerate(totals)) {
    IRValue* element = b_.CreateAdd(
        b_.CreateMul(task->getArg(1), constant(static_cast<std::int64_t>(totals.size()))),
        constant(static_cast<std::int64_t>(i)));
    b_.CreateAlignedStore(total, b_.CreateGEP(m_.i64, here(captured[0]), element), llvm::Align(8));
  }
  b_.CreateRetVoid();
  internal_check(!ws_ && !top_, "memory of the workspace in a task");

  in_task_ = false;
  entry_ = entry;
  dummy_ = dummy;
  top_ = top;
  ws_ = ws;
  instance_ = instance;
  function_ = function;
  entry_slots_ = slots;
  entry_extents_ = extents;
  arrays_ = arrays;
  scalars_ = scalars;
  b_.restoreIP(point);
  return task;
}

}  // namespace borel::codegen

#include "compiler/codegen/emit_function.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

using Accumulation = VectorPlan::Accumulation;
using Shape = Lanes::Shape;
using llvm::CmpInst;

llvm::Value* FunctionEmitter::lane_numbers() {
  llvm::SmallVector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < lanes_->width; ++i) numbers.push_back(llvm::ConstantInt::get(m_.i64, i));
  return llvm::ConstantVector::get(numbers);
}

// The sum of a vector's lanes, as a tree: the only addition that LLVM may reorder.
llvm::Value* FunctionEmitter::reduce(IRValue* lanes) {
  auto* type = llvm::cast<llvm::FixedVectorType>(lanes->getType());
  if (!type->getElementType()->isDoubleTy()) return b_.CreateAddReduce(lanes);
  llvm::CallInst* sum = b_.CreateFAddReduce(llvm::ConstantFP::getNegativeZero(m_.f64), lanes);
  sum->setHasAllowReassoc(true);
  return sum;
}

void FunctionEmitter::emit_vector_for(prob::ForOp loop, const VectorPlan& plan) {
  prob::YieldOp yield = loop.terminator();
  IRValue *lower = scalar_of(loop.getLower()), *upper = scalar_of(loop.getUpper());
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  IRValue* top = top_;

  llvm::SmallVector<Transfer> starts;
  for (auto [init, argument, result] :
       llvm::zip(loop.getIntoInits(), loop.into_args(), loop.getIntos())) {
    define(argument);
    define(result);
    starts.push_back({init, argument});
  }
  for (const Value map : loop.getMaps()) define(map);
  transfer(starts);

  llvm::SmallVector<llvm::FixedVectorType*> types;
  for (const Value sum : loop.getSums())
    types.push_back(llvm::FixedVectorType::get(m_.scalar_type(sum.getType()), width));

  llvm::BasicBlock *start = block("lanes.start"), *body = block("lanes"), *end = block("lanes.end"),
                   *next = block("lanes.next");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  b_.CreateCondBr(b_.CreateICmpSLT(lower, upper), start, next);
  b_.SetInsertPoint(start);
  VectorState state;
  state.width = width;
  state.plan = &plan;
  lanes_ = &state;
  const auto outer_accumulators = std::move(accumulators_);
  accumulators_.clear();
  begin_accumulators(loop, plan, b_.CreateSub(upper, lower));
  llvm::BasicBlock* entering = b_.GetInsertBlock();
  b_.CreateBr(body);

  b_.SetInsertPoint(body);
  auto* at = b_.CreatePHI(m_.i64, 2);
  at->addIncoming(lower, entering);
  llvm::SmallVector<llvm::PHINode*> sums;
  for (auto* type : types) {
    sums.push_back(b_.CreatePHI(type, 2));
    sums.back()->addIncoming(llvm::Constant::getNullValue(type), entering);
  }
  IRValue* left = b_.CreateSub(upper, at);
  state.mask = b_.CreateICmpSGT(b_.CreateVectorSplat(width, left), lane_numbers());
  state.last = b_.CreateSub(b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, constant(width)),
                            constant(1));
  set(loop.induction(), {at, constant(1), Shape::Linear});
  emit_block(loop.block());
  store_maps(loop, loop.getMaps().empty() ? nullptr : b_.CreateSub(at, lower));
  llvm::SmallVector<IRValue*> added;
  for (auto [value, sum] : llvm::zip(yield.getSums(), sums))
    added.push_back(b_.CreateSelect(state.mask, accumulate(value, sum), sum));
  IRValue* following = b_.CreateAdd(at, constant(width));
  llvm::BasicBlock* last = b_.GetInsertBlock();
  at->addIncoming(following, last);
  for (auto [sum, value] : llvm::zip(sums, added)) sum->addIncoming(value, last);
  b_.CreateCondBr(b_.CreateICmpSLT(following, upper), body, end);

  b_.SetInsertPoint(end);
  llvm::SmallVector<IRValue*> totals;
  for (IRValue* value : added) totals.push_back(reduce(value));
  end_accumulators();
  accumulators_ = outer_accumulators;
  lanes_ = nullptr;
  llvm::BasicBlock* leaving = b_.GetInsertBlock();
  b_.CreateBr(next);

  b_.SetInsertPoint(next);
  for (auto [result, total] : llvm::zip(loop.getSums(), totals)) {
    auto* phi = b_.CreatePHI(total->getType(), 2);
    phi->addIncoming(llvm::Constant::getNullValue(total->getType()), before);
    phi->addIncoming(total, leaving);
    set(result, uniform_lanes(phi));
  }
  top_ = top;
}

// ---- accumulators
// ---------------------------------------------------------------------------------

void FunctionEmitter::begin_accumulators(prob::ForOp loop, const VectorPlan& plan, IRValue* trips) {
  const unsigned width = lanes_->width;
  loop.getBody().walk([&](prob::AddAtOp op) {
    const Accumulation kind = plan.accumulations.at(op);
    if (kind == Accumulation::Direct || kind == Accumulation::Strided) return;
    const mlir::Type element = prob::scalar_type(op.getArray().getType());
    llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(element), width);
    const unsigned buffer = plan_->buffer_of(op.getArray());
    // One set of lane-private copies serves all additions to an array.
    if (kind != Accumulation::Register)
      for (unsigned i = 0; i < accumulators_.size(); ++i)
        if (accumulators_[i].kind == kind && accumulators_[i].buffer == buffer) {
          accumulator_of_[op] = i;
          return;
        }
    Accumulator accumulator;
    accumulator.kind = kind;
    accumulator.buffer = buffer;
    // All names of the array are one buffer; the loop's argument is defined already.
    Value named = op.getArray();
    for (const Value argument : loop.into_args())
      if (plan_->buffer_of(argument) == buffer) named = argument;
    accumulator.target = array_of(named);
    if (kind == Accumulation::Register) {
      accumulator.offset = element_offset(accumulator.target, index_lanes(op.getIndices())).value;
      accumulator.slot = entry_slot(type);
      b_.CreateStore(llvm::Constant::getNullValue(type), accumulator.slot);
    } else {
      accumulator.elements = count(accumulator.target);
      // Worth it when each element is added to a few times at least.
      accumulator.private_lanes =
          kind == Accumulation::Table
              ? static_cast<IRValue*>(b_.getTrue())
              : b_.CreateICmpSLE(b_.CreateMul(accumulator.elements, constant(4)), trips);
      IRValue* bytes = b_.CreateSelect(
          accumulator.private_lanes,
          b_.CreateMul(accumulator.elements, constant(8 * static_cast<std::int64_t>(width))),
          constant(0));
      IRValue* memory = allocate(bytes);
      Array scratch;
      scratch.scope = scratch_scope_;
      mark(b_.CreateMemSet(memory, b_.getInt8(0), bytes, llvm::Align(64)), scratch);
      accumulator.table =
          b_.CreateSelect(accumulator.private_lanes, memory, accumulator.target.data);
      accumulator.stride = b_.CreateSelect(accumulator.private_lanes, constant(width), constant(1));
    }
    accumulator_of_[op] = static_cast<unsigned>(accumulators_.size());
    accumulators_.push_back(accumulator);
  });
}

void FunctionEmitter::end_accumulators() {
  const unsigned width = lanes_->width;
  Array scratch;
  scratch.scope = scratch_scope_;
  const auto add_to = [&](const Accumulator& a, IRValue* offset, IRValue* lanes) {
    const Lanes at = uniform_lanes(offset);
    const Lanes old = load(a.target, at);
    IRValue* sum = reduce(lanes);
    sum =
        sum->getType()->isDoubleTy() ? b_.CreateFAdd(old.value, sum) : b_.CreateAdd(old.value, sum);
    store(a.target, at, uniform_lanes(sum));
  };
  for (const Accumulator& a : accumulators_) {
    llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(a.target.element), width);
    if (a.kind == Accumulation::Register) {
      add_to(a, a.offset, b_.CreateLoad(type, a.slot));
      continue;
    }
    llvm::BasicBlock *body = block("private"), *next = block("private.end");
    llvm::BasicBlock* before = b_.GetInsertBlock();
    b_.CreateCondBr(b_.CreateAnd(a.private_lanes, b_.CreateICmpSGT(a.elements, constant(0))), body,
                    next);
    b_.SetInsertPoint(body);
    auto* element = b_.CreatePHI(m_.i64, 2);
    element->addIncoming(constant(0), before);
    auto* lanes = b_.CreateAlignedLoad(
        type, b_.CreateGEP(m_.i64, a.table, b_.CreateMul(element, constant(width))),
        llvm::Align(8));
    mark(lanes, scratch);
    add_to(a, element, lanes);
    IRValue* following = b_.CreateAdd(element, constant(1));
    element->addIncoming(following, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpSLT(following, a.elements), body, next);
    b_.SetInsertPoint(next);
  }
}

void FunctionEmitter::emit_lanes_add_at(prob::AddAtOp op, Accumulation kind) {
  const Array target = array_of(op.getArray());
  arrays_[op.getResult()] = target;
  const auto indices = index_lanes(op.getIndices());
  const unsigned width = lanes_->width;
  const bool real = prob::is_real(target.element);
  switch (kind) {
    case Accumulation::Direct:
    case Accumulation::Strided: {
      const Lanes offset = element_offset(target, indices);
      const Lanes old = load(target, offset);
      store(target, offset, result_lanes(accumulate(op.getValue(), vector(old))));
      return;
    }
    case Accumulation::Register: {
      const Accumulator& a = accumulators_[accumulator_of_.at(op)];
      llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(target.element), width);
      IRValue* old = b_.CreateLoad(type, a.slot);
      IRValue* sum = accumulate(op.getValue(), old);
      b_.CreateStore(b_.CreateSelect(lanes_->mask, sum, old), a.slot);
      return;
    }
    case Accumulation::Table: {
      const Accumulator& a = accumulators_[accumulator_of_.at(op)];
      llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(target.element), width);
      IRValue* offset = element_offset(target, indices).value;
      IRValue* at = b_.CreateGEP(m_.i64, a.table, b_.CreateMul(offset, constant(width)));
      Array scratch;
      scratch.scope = scratch_scope_;
      auto* old = b_.CreateMaskedLoad(type, at, llvm::Align(8), lanes_->mask,
                                      llvm::Constant::getNullValue(type));
      mark(old, scratch);
      IRValue* sum = accumulate(op.getValue(), old);
      mark(b_.CreateMaskedStore(sum, at, llvm::Align(8), lanes_->mask), scratch);
      return;
    }
    case Accumulation::Scattered:
      break;
  }
  // Lane by lane: two lanes may have the same element. Lane-private copies keep such additions
  // from waiting for one another.
  const Accumulator& a = accumulators_[accumulator_of_.at(op)];
  IRValue* offset = vector(element_offset(target, indices));
  offset = b_.CreateMul(offset, b_.CreateVectorSplat(width, a.stride));
  offset = b_.CreateAdd(
      offset, b_.CreateSelect(b_.CreateVectorSplat(width, a.private_lanes), lane_numbers(),
                              llvm::Constant::getNullValue(offset->getType())));
  IRValue* addresses = b_.CreateGEP(m_.i64, a.table, offset);
  addresses = b_.CreateSelect(lanes_->mask, addresses, b_.CreateVectorSplat(width, dummy()));
  llvm::Type* type = m_.memory_type(target.element);
  IRValue* values = accumulate(
      op.getValue(), llvm::Constant::getNullValue(llvm::FixedVectorType::get(type, width)));
  for (unsigned lane = 0; lane < width; ++lane) {
    IRValue* at = b_.CreateExtractElement(addresses, lane);
    IRValue* value = b_.CreateExtractElement(values, lane);
    IRValue* old = b_.CreateAlignedLoad(type, at, llvm::Align(8));
    b_.CreateAlignedStore(real ? b_.CreateFAdd(old, value) : b_.CreateAdd(old, value), at,
                          llvm::Align(8));
  }
}

}  // namespace borel::codegen

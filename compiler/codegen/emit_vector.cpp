#include "llvm/IR/MDBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "compiler/codegen/elementary.h"
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

// The greater or less of two, as `op` has it.
llvm::Value* FunctionEmitter::extreme_of(mlir::Operation* op, IRValue* x, IRValue* y) {
  const auto id = mlir::isa<mlir::arith::MaximumFOp>(op)   ? llvm::Intrinsic::maximum
                  : mlir::isa<mlir::arith::MinimumFOp>(op) ? llvm::Intrinsic::minimum
                  : mlir::isa<mlir::arith::MaxSIOp>(op)    ? llvm::Intrinsic::smax
                                                           : llvm::Intrinsic::smin;
  return b_.CreateBinaryIntrinsic(id, x, y);
}

// What a lane compares with the extreme so far.
mlir::Value FunctionEmitter::compared(prob::ForOp loop, mlir::Operation* op) {
  const bool first = llvm::is_contained(loop.carry_args(), op->getOperand(0));
  return op->getOperand(first ? 1 : 0);
}

// The sum of each of as many vectors as each has lanes: neighbouring lanes of two are added, and
// again, until one vector is left.
llvm::Value* FunctionEmitter::row_sums(llvm::SmallVector<IRValue*> rows) {
  const auto width = static_cast<int>(rows.size());
  llvm::SmallVector<int> even, odd;
  for (int i = 0; i < width; ++i) {
    even.push_back(2 * i);
    odd.push_back(2 * i + 1);
  }
  while (rows.size() > 1) {
    for (std::size_t i = 0; 2 * i < rows.size(); ++i) {
      IRValue* a = b_.CreateShuffleVector(rows[2 * i], rows[2 * i + 1], even);
      IRValue* b = b_.CreateShuffleVector(rows[2 * i], rows[2 * i + 1], odd);
      rows[i] = a->getType()->isFPOrFPVectorTy() ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    }
    rows.resize(rows.size() / 2);
  }
  return rows.front();
}

void FunctionEmitter::emit_vector_for(prob::ForOp loop, const VectorPlan& plan) {
  IRValue *lower = scalar_of(loop.getLower()), *upper = scalar_of(loop.getUpper());
  IRValue* top = top_;

  llvm::SmallVector<Transfer> starts;
  for (auto [init, argument, result] :
       llvm::zip(loop.getIntoInits(), loop.into_args(), loop.getIntos())) {
    define(argument);
    define(result);
    starts.push_back({init, argument});
  }
  open_parts(loop);
  for (const Value map : loop.getMaps()) define(map);
  transfer(starts);

  llvm::BasicBlock *start = block("lanes.start"), *next = block("lanes.next");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  b_.CreateCondBr(b_.CreateICmpSLT(lower, upper), start, next);
  b_.SetInsertPoint(start);
  IRValue *carry = plan.scanned ? scalar_of(loop.getCarryInits()[0]) : nullptr, *carried = nullptr;
  const auto totals = emit_lane_range(loop, plan, {lower, lower, upper}, carry, carried);
  llvm::BasicBlock* leaving = b_.GetInsertBlock();
  b_.CreateBr(next);

  b_.SetInsertPoint(next);
  if (carried) {
    auto* phi = b_.CreatePHI(carried->getType(), 2);
    phi->addIncoming(carry, before);
    phi->addIncoming(carried, leaving);
    set(loop.getCarries()[0], uniform_lanes(phi));
  }
  for (auto [result, total] : llvm::zip(loop.getSums(), totals)) {
    auto* phi = b_.CreatePHI(total->getType(), 2);
    phi->addIncoming(llvm::Constant::getNullValue(total->getType()), before);
    phi->addIncoming(total, leaving);
    set(result, uniform_lanes(phi));
  }
  for (unsigned i = 0; i < plan.extremes.size(); ++i) {
    IRValue* total = totals[loop.getSums().size() + i];
    auto* phi = b_.CreatePHI(total->getType(), 2);
    phi->addIncoming(scalar_of(loop.getCarryInits()[i]), before);
    phi->addIncoming(total, leaving);
    set(loop.getCarries()[i], uniform_lanes(phi));
  }
  top_ = top;
}

// Some of the iterations, at least one: the totals of the loop's sums and extremes.
llvm::SmallVector<llvm::Value*> FunctionEmitter::emit_lane_range(prob::ForOp loop,
                                                                 const VectorPlan& plan,
                                                                 const Range& range, IRValue* carry,
                                                                 IRValue*& carried) {
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  VectorState state;
  state.width = width;
  state.plan = &plan;
  lanes_ = &state;
  const auto outer_accumulators = std::move(accumulators_);
  accumulators_.clear();
  begin_accumulators(loop, plan, b_.CreateSub(range.to, range.from));
  llvm::SmallVector<IRValue*> sums;
  for (const Value sum : loop.getSums())
    sums.push_back(llvm::Constant::getNullValue(
        llvm::FixedVectorType::get(m_.scalar_type(sum.getType()), width)));
  if (!plan.extremes.empty())
    for (const Value init : loop.getCarryInits())
      sums.push_back(b_.CreateVectorSplat(width, scalar_of(init)));

  llvm::BasicBlock* end = block("lanes.end");
  if (plan.unroll > 1 || (plan.brief && m_.populations)) {
    emit_many_lanes(loop, plan, range, sums, end);
  } else {
    LaneLoop whole{width, range.origin, range.from, range.to, true, end};
    whole.carry = carry;
    whole.down = plan.scanned && loop.getReverse();
    carried = emit_lanes(loop, plan, whole, sums);
    b_.SetInsertPoint(end);
  }
  lanes_ = &state;
  llvm::SmallVector<IRValue*> totals;
  for (auto [i, value] : llvm::enumerate(sums)) {
    if (i < loop.getSums().size()) {
      totals.push_back(reduce(value));
    } else {
      mlir::Operation* op = plan.extremes[i - loop.getSums().size()];
      const bool greatest = mlir::isa<mlir::arith::MaximumFOp>(op);
      totals.push_back(b_.CreateUnaryIntrinsic(greatest ? llvm::Intrinsic::vector_reduce_fmaximum
                                                        : llvm::Intrinsic::vector_reduce_fminimum,
                                               value));
    }
  }
  end_accumulators();
  accumulators_ = outer_accumulators;
  lanes_ = nullptr;
  return totals;
}

// Several vectors at a time, where additions would otherwise wait for one another; what is left
// over, or all of a short loop, goes by single vectors with a mask.
void FunctionEmitter::emit_many_lanes(prob::ForOp loop, const VectorPlan& plan, const Range& range,
                                      llvm::SmallVectorImpl<IRValue*>& sums,
                                      llvm::BasicBlock* end) {
  IRValue *lower = range.from, *upper = range.to;
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  const unsigned wide = width * plan.unroll;
  IRValue* whole = b_.CreateAnd(b_.CreateSub(upper, lower), constant(-static_cast<int>(wide)));
  IRValue* middle = b_.CreateAdd(lower, whole);
  llvm::BasicBlock *many = block("lanes.many"), *many_end = block("lanes.many.end"),
                   *rest = block("lanes.rest"), *single = block("lanes.single"),
                   *single_end = block("lanes.single.end");
  llvm::BasicBlock* entering = b_.GetInsertBlock();
  b_.CreateCondBr(b_.CreateICmpSGT(whole, constant(0)), many, rest);

  b_.SetInsertPoint(many);
  llvm::SmallVector<IRValue*> wide_sums;
  for (const Value sum : loop.getSums())
    wide_sums.push_back(llvm::Constant::getNullValue(
        llvm::FixedVectorType::get(m_.scalar_type(sum.getType()), wide)));
  if (!plan.extremes.empty())
    for (const Value init : loop.getCarryInits())
      wide_sums.push_back(b_.CreateVectorSplat(wide, scalar_of(init)));
  emit_lanes(loop, plan, {wide, range.origin, lower, middle, false, many_end}, wide_sums);
  b_.SetInsertPoint(many_end);
  for (auto [i, sum] : llvm::enumerate(wide_sums)) {
    if (i < loop.getSums().size()) {
      sum = narrow(sum, width);
      continue;
    }
    auto parts = split(sum, width);
    sum = parts.front();
    for (IRValue* part : llvm::drop_begin(parts))
      sum = extreme_of(plan.extremes[i - loop.getSums().size()], sum, part);
  }
  b_.CreateBr(rest);

  const auto join = [&](llvm::ArrayRef<IRValue*> a, llvm::BasicBlock* from_a,
                        llvm::ArrayRef<IRValue*> b, llvm::BasicBlock* from_b) {
    for (unsigned i = 0; i < sums.size(); ++i) {
      auto* phi = b_.CreatePHI(a[i]->getType(), 2);
      phi->addIncoming(a[i], from_a);
      phi->addIncoming(b[i], from_b);
      sums[i] = phi;
    }
  };
  b_.SetInsertPoint(rest);
  join(llvm::SmallVector<IRValue*>(sums.begin(), sums.end()), entering, wide_sums, many_end);
  const llvm::SmallVector<IRValue*> so_far(sums.begin(), sums.end());
  b_.CreateCondBr(b_.CreateICmpSLT(middle, upper), single, end);

  b_.SetInsertPoint(single);
  emit_lanes(loop, plan, {width, range.origin, middle, upper, true, single_end}, sums);
  b_.SetInsertPoint(single_end);
  b_.CreateBr(end);
  b_.SetInsertPoint(end);
  join(so_far, rest, llvm::SmallVector<IRValue*>(sums.begin(), sums.end()), single_end);
}

// The loop proper, at the insertion point; leaves to `exit`. `sums` go in and come out.
llvm::Value* FunctionEmitter::emit_lanes(prob::ForOp loop, const VectorPlan& plan,
                                         const LaneLoop& lanes,
                                         llvm::SmallVectorImpl<IRValue*>& sums) {
  VectorState state;
  state.width = lanes.width;
  state.down = lanes.down;
  state.plan = &plan;
  Scan scan;
  IRValue* scan_from = nullptr;
  if (plan.scanned) {
    scan = begin_scan(loop, lanes.width);
    scan_from = scan_start(scan, lanes.carry);
  }
  IRValue* start = lanes.down ? b_.CreateSub(lanes.to, constant(lanes.width)) : lanes.from;
  lanes_ = &state;
  llvm::BasicBlock *entering = b_.GetInsertBlock(), *body = block("lanes");
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  auto* at = b_.CreatePHI(m_.i64, 2);
  at->addIncoming(start, entering);
  llvm::SmallVector<IRValue*, 4> scan_state, scan_phis;
  for (unsigned i = 0; i < scan.powers.size(); ++i) {
    auto* phi = b_.CreatePHI(scan_from->getType(), 2);
    phi->addIncoming(scan_from, entering);
    scan_phis.push_back(phi);
  }
  scan_state = scan_phis;
  llvm::SmallVector<llvm::PHINode*> phis;
  for (IRValue* sum : sums) {
    phis.push_back(b_.CreatePHI(sum->getType(), 2));
    phis.back()->addIncoming(sum, entering);
  }
  llvm::SmallVector<LogSum, 2> log_sums;
  for (auto [log, sum] : plan.log_sums)
    log_sums.push_back({log, sum, b_.CreatePHI(sums[sum]->getType(), 2)});
  llvm::sort(log_sums, [](const LogSum& a, const LogSum& b) { return a.sum < b.sum; });
  for (const LogSum& log_sum : log_sums)
    log_sum.product->addIncoming(neutral_product(log_sum, lanes.width), entering);
  if (lanes.down) {  // the last vector is the one that may be a part
    IRValue* before = b_.CreateSub(lanes.from, at);
    state.mask = b_.CreateICmpSLE(b_.CreateVectorSplat(lanes.width, before), lane_numbers());
    state.last = constant(lanes.width - 1);
  } else if (lanes.masked) {
    IRValue* left = b_.CreateSub(lanes.to, at);
    state.mask = b_.CreateICmpSGT(b_.CreateVectorSplat(lanes.width, left), lane_numbers());
    state.last = b_.CreateSub(
        b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, constant(lanes.width)), constant(1));
  } else {
    state.mask = llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(m_.i1, lanes.width));
    state.last = constant(lanes.width - 1);
  }
  set(loop.induction(), {at, constant(1), Shape::Linear});
  IRValue* carries = nullptr;
  if (plan.scanned) {
    carries = emit_scanned_block(loop, scan, scan_state);
  } else {
    emit_block(loop.block());
  }
  store_maps(loop, loop.getMaps().empty() ? nullptr : b_.CreateSub(at, lanes.origin));
  for (unsigned i = 0; i < sums.size(); ++i) {
    if (i >= loop.getSums().size()) {
      mlir::Operation* op = plan.extremes[i - loop.getSums().size()];
      IRValue* most = extreme_of(op, phis[i], vector(lanes_of(compared(loop, op))));
      sums[i] = lanes.masked ? b_.CreateSelect(state.mask, most, phis[i]) : most;
      continue;
    }
    mlir::Value value = loop.terminator().getSums()[i];
    if (mlir::Operation* op = value.getDefiningOp(); op && plan.log_sums.contains(op)) continue;
    IRValue* sum = accumulate(value, phis[i]);
    sums[i] = lanes.masked ? b_.CreateSelect(state.mask, sum, phis[i]) : sum;
  }
  for (LogSum& log_sum : log_sums) sums[log_sum.sum] = multiply_up(log_sum, phis[log_sum.sum]);
  const auto width = static_cast<std::int64_t>(lanes.width);
  IRValue* following = b_.CreateAdd(at, constant(lanes.down ? -width : width));
  IRValue* more =
      lanes.down ? b_.CreateICmpSGT(at, lanes.from) : b_.CreateICmpSLT(following, lanes.to);
  IRValue* leaving_lane = nullptr;
  if (plan.scanned)
    leaving_lane = lanes.down ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, constant(0),
                                                         b_.CreateSub(lanes.from, at))
                              : state.last;
  llvm::BasicBlock* last = b_.GetInsertBlock();
  at->addIncoming(following, last);
  for (auto [phi, value] : llvm::zip(scan_phis, scan_state))
    llvm::cast<llvm::PHINode>(phi)->addIncoming(value, last);
  for (unsigned i = 0; i < sums.size(); ++i) phis[i]->addIncoming(sums[i], last);
  for (const LogSum& log_sum : log_sums) log_sum.product->addIncoming(log_sum.next, last);
  const bool finishes = !log_sums.empty() || plan.scanned;
  llvm::BasicBlock* done = finishes ? block("lanes.done") : lanes.exit;
  b_.CreateCondBr(more, body, done);
  IRValue* carried = nullptr;
  if (finishes) {
    b_.SetInsertPoint(done);
    if (plan.scanned) carried = b_.CreateExtractElement(carries, leaving_lane);
    for (const LogSum& log_sum : log_sums)
      sums[log_sum.sum] = b_.CreateFAdd(sums[log_sum.sum], log_of_product(log_sum, log_sum.next));
    b_.CreateBr(lanes.exit);
  }
  lanes_ = nullptr;
  return carried;
}

// ---- sums of logarithms -----------------------------------------------------------------------

llvm::Value* FunctionEmitter::neutral_product(const LogSum& log_sum, unsigned width) {
  const double one = mlir::isa<mlir::math::LogOp>(log_sum.log) ? 1.0 : 0.0;
  return b_.CreateVectorSplat(width, llvm::ConstantFP::get(m_.f64, one));
}

llvm::Value* FunctionEmitter::log_of_product(const LogSum& log_sum, IRValue* product) {
  const auto function =
      mlir::isa<mlir::math::LogOp>(log_sum.log) ? Elementary::log : Elementary::log1p;
  return emit_elementary(b_, function, {product}, m_.elementary);
}

// One more factor. A product that leaves 2^-500..2^500 in any lane is not kept: its logarithm, or
// those of its two factors, joins the sum, which is returned. Zeros, negative numbers, infinities
// and NaN go that way too.
llvm::Value* FunctionEmitter::multiply_up(LogSum& log_sum, IRValue* sum) {
  const bool plain = mlir::isa<mlir::math::LogOp>(log_sum.log);
  IRValue *x = vector(lanes_of(log_sum.log->getOperand(0))), *so_far = log_sum.product;
  IRValue* neutral = neutral_product(log_sum, lanes_->width);
  x = b_.CreateSelect(lanes_->mask, x, neutral);
  IRValue *product = nullptr, *leaves = nullptr;
  const auto number = [&](double value) {
    return b_.CreateVectorSplat(lanes_->width, llvm::ConstantFP::get(m_.f64, value));
  };
  if (plain) {
    product = b_.CreateFMul(so_far, x);
    // Of positive doubles the bits are in order, and all others have higher ones.
    llvm::Type* bits = llvm::FixedVectorType::get(m_.i64, lanes_->width);
    IRValue *low = b_.CreateBitCast(number(0x1p-500), bits),
            *range = b_.CreateSub(b_.CreateBitCast(number(0x1p500), bits), low);
    leaves = b_.CreateICmpUGT(b_.CreateSub(b_.CreateBitCast(product, bits), low), range);
  } else {
    product = b_.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()},
                                 {x, so_far, b_.CreateFAdd(so_far, x)});
    leaves = b_.CreateFCmpUGT(product, number(0x1p500));
  }
  llvm::BasicBlock *multiplied = b_.GetInsertBlock(), *leave = block("lanes.log"),
                   *join = block("lanes.multiplied");
  b_.CreateCondBr(any(leaves), leave, join,
                  llvm::MDBuilder(b_.getContext()).createBranchWeights(1, 4000));
  b_.SetInsertPoint(leave);
  IRValue* total = b_.CreateFAdd(sum, log_of_product(log_sum, so_far));
  if (plain) total = b_.CreateFAdd(total, log_of_product(log_sum, x));
  leave = b_.GetInsertBlock();
  b_.CreateBr(join);
  b_.SetInsertPoint(join);
  auto* next = b_.CreatePHI(product->getType(), 2);
  next->addIncoming(product, multiplied);
  next->addIncoming(plain ? neutral : x, leave);
  log_sum.next = next;
  auto* result = b_.CreatePHI(sum->getType(), 2);
  result->addIncoming(sum, multiplied);
  result->addIncoming(total, leave);
  return result;
}

llvm::SmallVector<llvm::Value*, 4> FunctionEmitter::split(IRValue* wide, unsigned width) {
  const unsigned total = llvm::cast<llvm::FixedVectorType>(wide->getType())->getNumElements();
  if (total == width) return {wide};
  llvm::SmallVector<IRValue*, 4> parts;
  for (unsigned first = 0; first < total; first += width) {
    llvm::SmallVector<int> lanes;
    for (unsigned i = 0; i < width; ++i) lanes.push_back(static_cast<int>(first + i));
    parts.push_back(b_.CreateShuffleVector(wide, lanes));
  }
  return parts;
}

// The sum of the parts of a wide vector.
llvm::Value* FunctionEmitter::narrow(IRValue* wide, unsigned width) {
  auto parts = split(wide, width);
  const bool real = wide->getType()->getScalarType()->isDoubleTy();
  for (; parts.size() > 1; parts.resize(parts.size() / 2))
    for (unsigned i = 0; i < parts.size() / 2; ++i)
      parts[i] = real ? b_.CreateFAdd(parts[2 * i], parts[2 * i + 1])
                      : b_.CreateAdd(parts[2 * i], parts[2 * i + 1]);
  return parts.front();
}

// sum + value, where value may be several times as wide as the sum.
llvm::Value* FunctionEmitter::accumulate_parts(Value value, IRValue* sum) {
  const unsigned width = llvm::cast<llvm::FixedVectorType>(sum->getType())->getNumElements();
  if (lanes_->width == width) return accumulate(value, sum);
  mlir::Operation* op = value.getDefiningOp();
  if (!op || !is_fused(op)) {
    IRValue* total = narrow(vector(lanes_of(value)), width);
    return prob::is_real(value.getType()) ? b_.CreateFAdd(sum, total) : b_.CreateAdd(sum, total);
  }
  // Pairs of products first: the sum so far is then waited for once.
  const auto x = split(vector(lanes_of(op->getOperand(0))), width),
             y = split(vector(lanes_of(op->getOperand(1))), width);
  IRValue* total = nullptr;
  for (unsigned i = 0; i < x.size(); i += 2) {
    IRValue* pair = b_.CreateIntrinsic(llvm::Intrinsic::fma, {sum->getType()},
                                       {x[i + 1], y[i + 1], b_.CreateFMul(x[i], y[i])});
    total = total ? b_.CreateFAdd(total, pair) : pair;
  }
  return b_.CreateFAdd(sum, total);
}

// ---- accumulators -----------------------------------------------------------------------------

void FunctionEmitter::begin_accumulators(prob::ForOp loop, const VectorPlan& plan, IRValue* trips) {
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
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
      // Rows of lanes, a whole number of vectors of them: they are summed a vector at a time.
      IRValue* rows = b_.CreateAnd(b_.CreateAdd(accumulator.elements, constant(width - 1)),
                                   constant(-static_cast<std::int64_t>(width)));
      IRValue* bytes = b_.CreateSelect(
          accumulator.private_lanes,
          b_.CreateMul(rows, constant(8 * static_cast<std::int64_t>(width))), constant(0));
      IRValue* memory = allocate(bytes);
      Array scratch;
      scratch.scope = scratch_scope_;
      mark(b_.CreateMemSet(memory, b_.getInt8(0), bytes, llvm::Align(64)), scratch);
      accumulator.table =
          b_.CreateSelect(accumulator.private_lanes, memory, accumulator.target.data);
      accumulator.row_shift =
          b_.CreateSelect(accumulator.private_lanes, constant(llvm::Log2_32(width)), constant(0));
    }
    accumulator_of_[op] = static_cast<unsigned>(accumulators_.size());
    accumulators_.push_back(accumulator);
  });
}

void FunctionEmitter::end_accumulators() {
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  Array scratch;
  scratch.scope = scratch_scope_;
  const auto add = [&](IRValue* x, IRValue* y) {
    return x->getType()->isFPOrFPVectorTy() ? b_.CreateFAdd(x, y) : b_.CreateAdd(x, y);
  };
  for (const Accumulator& a : accumulators_) {
    llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(a.target.element), width);
    if (a.kind == Accumulation::Register) {
      const Lanes at = uniform_lanes(a.offset);
      IRValue* sum = reduce(b_.CreateLoad(type, a.slot));
      store(a.target, at, uniform_lanes(add(load(a.target, at).value, sum)));
      continue;
    }
    for_vectors(b_.CreateSelect(a.private_lanes, a.elements, constant(0)),
                [&](IRValue* first, IRValue* mask) {
                  llvm::SmallVector<IRValue*> tables;
                  for (unsigned i = 0; i < width; ++i) {
                    IRValue* row = b_.CreateMul(b_.CreateAdd(first, constant(i)), constant(width));
                    auto* lanes = b_.CreateAlignedLoad(type, b_.CreateGEP(m_.i64, a.table, row),
                                                       llvm::Align(8 * width));
                    mark(lanes, scratch);
                    tables.push_back(lanes);
                  }
                  auto* old = b_.CreateMaskedLoad(type, address(a.target, first), llvm::Align(8),
                                                  mask, llvm::Constant::getNullValue(type));
                  mark(old, a.target);
                  mark(b_.CreateMaskedStore(add(old, row_sums(tables)), address(a.target, first),
                                            llvm::Align(8), mask),
                       a.target);
                });
  }
}

void FunctionEmitter::emit_lanes_add_at(prob::AddAtOp op, Accumulation kind) {
  const Array target = array_of(op.getArray());
  arrays_[op.getResult()] = target;
  const auto indices = index_lanes(op.getIndices());
  // Of private accumulators; the loop may run several vectors at a time.
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  const bool single = lanes_->width == width;
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
      IRValue* sum = accumulate_parts(op.getValue(), old);
      b_.CreateStore(single ? b_.CreateSelect(lanes_->mask, sum, old) : sum, a.slot);
      return;
    }
    case Accumulation::Table: {
      const Accumulator& a = accumulators_[accumulator_of_.at(op)];
      llvm::Type* type = llvm::FixedVectorType::get(m_.memory_type(target.element), width);
      IRValue* offset = element_offset(target, indices).value;
      IRValue* at = b_.CreateGEP(m_.i64, a.table, b_.CreateMul(offset, constant(width)));
      Array scratch;
      scratch.scope = scratch_scope_;
      IRValue* mask =
          single ? lanes_->mask
                 : llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(m_.i1, width));
      auto* old =
          b_.CreateMaskedLoad(type, at, llvm::Align(8), mask, llvm::Constant::getNullValue(type));
      mark(old, scratch);
      IRValue* sum = accumulate_parts(op.getValue(), old);
      mark(b_.CreateMaskedStore(sum, at, llvm::Align(8), mask), scratch);
      return;
    }
    case Accumulation::Scattered:
      break;
  }
  // Lane by lane: two lanes may have the same element. Lane-private copies keep such additions
  // from waiting for one another.
  const Accumulator& a = accumulators_[accumulator_of_.at(op)];
  const unsigned lanes = lanes_->width;
  IRValue* offset = vector(element_offset(target, indices));
  offset = b_.CreateShl(offset, b_.CreateVectorSplat(lanes, a.row_shift));
  IRValue* own = b_.CreateAnd(lane_numbers(), llvm::ConstantInt::get(offset->getType(), width - 1));
  offset = b_.CreateAdd(offset, b_.CreateSelect(b_.CreateVectorSplat(lanes, a.private_lanes), own,
                                                llvm::Constant::getNullValue(offset->getType())));
  IRValue* addresses = b_.CreateGEP(m_.i64, a.table, offset);
  if (single || lanes_->conditional)
    addresses = b_.CreateSelect(lanes_->mask, addresses, b_.CreateVectorSplat(lanes, dummy()));
  llvm::Type* type = m_.memory_type(target.element);
  IRValue* values = accumulate(
      op.getValue(), llvm::Constant::getNullValue(llvm::FixedVectorType::get(type, lanes)));
  for (unsigned lane = 0; lane < lanes; ++lane) {
    IRValue* at = b_.CreateExtractElement(addresses, lane);
    IRValue* value = b_.CreateExtractElement(values, lane);
    IRValue* old = b_.CreateAlignedLoad(type, at, llvm::Align(8));
    b_.CreateAlignedStore(real ? b_.CreateFAdd(old, value) : b_.CreateAdd(old, value), at,
                          llvm::Align(8));
  }
}

}  // namespace borel::codegen

// Linear recurrences, and the greatest value so far, over lanes. With next = a * carry + x and an
// `a` that does not vary, the values of a vector's lanes follow from the x of the lanes before in
// log2(width) steps and from the carry that comes in by powers of `a`: what an iteration waits for
// is one product and sum a vector. With next = max(carry, x) it is one comparison.
#include <utility>

#include "compiler/codegen/emit_function.h"
#include "compiler/support/diagnostics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::codegen {

namespace arith = mlir::arith;

llvm::Value* FunctionEmitter::multiply_add(IRValue* a, IRValue* b, IRValue* c) {
  if (m_.target.fma) return b_.CreateIntrinsic(llvm::Intrinsic::fma, {c->getType()}, {a, b, c});
  return b_.CreateFAdd(b_.CreateFMul(a, b), c);
}

FunctionEmitter::Scan FunctionEmitter::begin_scan(prob::ForOp loop, unsigned width) {
  Scan scan;
  scan.width = width;
  scan.down = loop.getReverse();
  if (lanes_->plan->scanned_extreme) {
    scan.powers.assign(llvm::Log2_32(width) + 1, nullptr);
    return scan;
  }
  IRValue* power = coefficient(loop, loop.terminator().getCarries()[0]);
  for (unsigned k = 1; k < width; k *= 2) {
    scan.powers.push_back(b_.CreateVectorSplat(width, power));
    power = b_.CreateFMul(power, power);
  }
  scan.powers.push_back(b_.CreateVectorSplat(width, power));
  return scan;
}

// The `a` of a * carry + x, before the loop; null where the value does not need the carry.
llvm::Value* FunctionEmitter::coefficient(prob::ForOp loop, Value value) {
  if (value == loop.carry_args()[0]) return llvm::ConstantFP::get(m_.f64, 1.0);
  mlir::Operation* op = value.getDefiningOp();
  if (!op || op->getBlock() != &loop.block()) return nullptr;
  if (mlir::isa<arith::NegFOp>(op)) {
    IRValue* a = coefficient(loop, op->getOperand(0));
    return a ? b_.CreateFNeg(a) : nullptr;
  }
  if (mlir::isa<arith::AddFOp, arith::SubFOp>(op)) {
    IRValue *a = coefficient(loop, op->getOperand(0)), *b = coefficient(loop, op->getOperand(1));
    if (!b) return a;
    if (mlir::isa<arith::SubFOp>(op)) return a ? b_.CreateFSub(a, b) : b_.CreateFNeg(b);
    return a ? b_.CreateFAdd(a, b) : b;
  }
  if (!mlir::isa<arith::MulFOp>(op)) return nullptr;
  for (const unsigned i : {0u, 1u}) {
    IRValue* a = coefficient(loop, op->getOperand(i));
    if (!a) continue;
    Value factor = op->getOperand(1 - i);
    auto negative = factor.getDefiningOp<arith::NegFOp>();
    const bool inside = negative && negative->getBlock() == &loop.block();
    IRValue* scale = scalar_of(inside ? negative.getOperand() : factor);
    return b_.CreateFMul(a, inside ? b_.CreateFNeg(scale) : scale);
  }
  return nullptr;
}

// The x of a * carry + x, a vector, once all is emitted that does not need the carry; null: 0.
llvm::Value* FunctionEmitter::offset(prob::ForOp loop, Value value) {
  if (value == loop.carry_args()[0]) return nullptr;
  mlir::Operation* op = value.getDefiningOp();
  if (!op || !lanes_->plan->behind_carry.contains(op)) {
    if (!op || !is_fused(op)) return vector(lanes_of(value));
    return b_.CreateFMul(vector(lanes_of(op->getOperand(0))), vector(lanes_of(op->getOperand(1))));
  }
  IRValue* x = offset(loop, op->getOperand(0));
  if (mlir::isa<arith::NegFOp>(op)) return x ? b_.CreateFNeg(x) : nullptr;
  if (mlir::isa<arith::MulFOp>(op)) {
    // One factor is fixed, and is no part of the carry's.
    const bool first = lanes_->plan->behind_carry.contains(op->getOperand(0).getDefiningOp()) ||
                       op->getOperand(0) == loop.carry_args()[0];
    const Value fixed = op->getOperand(first ? 1 : 0);
    if (!first) x = offset(loop, op->getOperand(1));
    return x ? b_.CreateFMul(x, vector(lanes_of(fixed))) : nullptr;
  }
  internal_check(mlir::isa<arith::AddFOp, arith::SubFOp>(op), "a recurrence that is not linear");
  IRValue* y = offset(loop, op->getOperand(1));
  if (!y) return x;
  if (mlir::isa<arith::SubFOp>(op)) return x ? b_.CreateFSub(x, y) : b_.CreateFNeg(y);
  return x ? b_.CreateFAdd(x, y) : y;
}

// A scan computes powers of `a` that the loop may not reach: where they come near the ends of the
// range, and where `a` is not a number, the loop runs as it stands.
void FunctionEmitter::emit_scanned_for(prob::ForOp loop, const VectorPlan& plan) {
  if (plan.scanned_extreme) return emit_vector_for(loop, plan);
  // Where the arrays are is known ahead of both ways.
  open_parts(loop);
  llvm::SmallVector<std::pair<Value, Array>> made;
  llvm::SmallVector<std::pair<unsigned, IRValue*>> parts;
  for (const unsigned id : plan_->parts_of(loop)) parts.emplace_back(id, buffers_[id]);
  for (const Value result : loop->getResults())
    if (prob::is_array(result.getType())) made.emplace_back(result, make_array(result));
  IRValue* power = coefficient(loop, loop.terminator().getCarries()[0]);
  for (int k = 1; k < m_.target.vector_width; k *= 2) power = b_.CreateFMul(power, power);
  IRValue* tame = b_.CreateFCmpOLE(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, power),
                                   llvm::ConstantFP::get(m_.f64, 0x1p500));
  llvm::BasicBlock *scan = block("scan"), *plain = block("plain"), *next = block("endscan");
  b_.CreateCondBr(tame, scan, plain);
  llvm::SmallVector<Value> results;
  for (const Value result : loop->getResults())
    if (!prob::is_array(result.getType())) results.push_back(result);
  llvm::SmallVector<llvm::SmallVector<IRValue*, 4>, 2> values(2);
  llvm::SmallVector<llvm::BasicBlock*, 2> ends;
  IRValue* top = top_;
  for (const bool scanned : {true, false}) {
    b_.SetInsertPoint(scanned ? scan : plain);
    if (scanned) {
      emit_vector_for(loop, plan);
    } else {
      emit_scalar_for(loop);
    }
    top_ = top;
    for (const Value result : results) values[ends.size()].push_back(scalar_of(result));
    ends.push_back(b_.GetInsertBlock());
    b_.CreateBr(next);
  }
  b_.SetInsertPoint(next);
  for (auto [id, memory] : parts) buffers_[id] = memory;
  for (auto& [result, array] : made) arrays_[result] = array;
  for (auto [result, x, y] : llvm::zip(results, values[0], values[1])) {
    auto* phi = b_.CreatePHI(x->getType(), 2);
    phi->addIncoming(x, ends[0]);
    phi->addIncoming(y, ends[1]);
    set(result, uniform_lanes(phi));
  }
}

// Before the first iteration: the carry that comes in, and zeros before that. The greatest so far
// has always been the carry.
llvm::Value* FunctionEmitter::scan_start(const Scan& scan, IRValue* carry) {
  if (!scan.powers.back()) return b_.CreateVectorSplat(scan.width, carry);
  IRValue* zero = llvm::Constant::getNullValue(llvm::FixedVectorType::get(m_.f64, scan.width));
  return b_.CreateInsertElement(zero, carry, std::uint64_t{scan.down ? 0 : scan.width - 1});
}

// What `v` is k iterations before, where `before` is what it was in the vector before.
llvm::Value* FunctionEmitter::delayed(const Scan& scan, IRValue* v, IRValue* before, unsigned k) {
  llvm::SmallVector<int> lanes;
  for (unsigned i = 0; i < scan.width; ++i)
    lanes.push_back(static_cast<int>(scan.down ? i + k : i >= k ? i - k : 2 * scan.width + i - k));
  return b_.CreateShuffleVector(v, before, lanes);
}

// The body of one vector of iterations. `state` has x, x', … and the carries of the vector before,
// and then of this one. Returns the carries that leave each lane.
llvm::Value* FunctionEmitter::emit_scanned_block(prob::ForOp loop, const Scan& scan,
                                                 llvm::MutableArrayRef<IRValue*> state) {
  const Value next = loop.terminator().getCarries()[0];
  const auto emit = [&](bool behind) {
    for (mlir::Operation& op : loop.block().without_terminator()) {
      if (lanes_->plan->behind_carry.contains(&op) != behind || is_fused(&op) ||
          &op == next.getDefiningOp())
        continue;
      allocate_before(&op);
      emit_op(op);
    }
  };
  emit(false);
  mlir::Operation* extreme = lanes_->plan->scanned_extreme;
  IRValue* v = nullptr;
  if (extreme) {
    v = vector(lanes_of(compared(loop, extreme)));
  } else {
    v = offset(loop, next);
    if (!v) v = llvm::Constant::getNullValue(llvm::FixedVectorType::get(m_.f64, scan.width));
  }
  const auto combine = [&](IRValue* power, IRValue* earlier) {
    return extreme ? extreme_of(extreme, earlier, v) : multiply_add(power, earlier, v);
  };
  for (unsigned j = 0, k = 1; k < scan.width; ++j, k *= 2) {
    IRValue* before = std::exchange(state[j], v);
    v = combine(scan.powers[j], delayed(scan, v, before, k));
  }
  IRValue* before = state.back();
  v = combine(scan.powers.back(), before);
  state.back() = v;
  set(loop.carry_args()[0], result_lanes(delayed(scan, v, before, 1)));
  set(next, result_lanes(v));
  emit(true);
  return v;
}

}  // namespace borel::codegen

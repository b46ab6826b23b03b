#include <optional>

#include "llvm/ADT/StringSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "borel/program.h"
#include "compiler/codegen/emit_function.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

namespace arith = mlir::arith;
namespace math = mlir::math;
using Shape = Lanes::Shape;
using llvm::CmpInst;
using llvm::Intrinsic::ID;

// ---- shapes -----------------------------------------------------------------------------------

Lanes FunctionEmitter::lanes_of(Value value) {
  auto found = scalars_.find(value);
  internal_check(found != scalars_.end(), "a value used before it was emitted");
  return found->second;
}

llvm::Value* FunctionEmitter::scalar_of(Value value) {
  const Lanes lanes = lanes_of(value);
  internal_check(lanes.uniform(), "a value that differs between lanes where one is wanted");
  return lanes.value;
}

llvm::Value* FunctionEmitter::vector(Lanes lanes) {
  internal_check(lanes_ != nullptr, "a vector outside of a vectorised loop");
  if (lanes.shape == Shape::Varying) return lanes.value;
  IRValue* splat = b_.CreateVectorSplat(lanes_->width, lanes.value);
  if (lanes.uniform()) return splat;
  llvm::SmallVector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < lanes_->width; ++i) numbers.push_back(llvm::ConstantInt::get(m_.i64, i));
  IRValue* steps = llvm::ConstantVector::get(numbers);
  if (!(llvm::isa<llvm::ConstantInt>(lanes.step) &&
        llvm::cast<llvm::ConstantInt>(lanes.step)->isOne()))
    steps = b_.CreateMul(steps, b_.CreateVectorSplat(lanes_->width, lanes.step));
  return b_.CreateAdd(splat, steps);
}

Lanes FunctionEmitter::result_lanes(IRValue* value) {
  return {value, nullptr, value->getType()->isVectorTy() ? Shape::Varying : Shape::Uniform};
}

Lanes FunctionEmitter::add(Lanes a, Lanes b) {
  if (a.shape == Shape::Varying || b.shape == Shape::Varying)
    return result_lanes(b_.CreateAdd(vector(a), vector(b)));
  IRValue* value = b_.CreateAdd(a.value, b.value);
  if (a.uniform() && b.uniform()) return uniform_lanes(value);
  IRValue* step = a.uniform() ? b.step : b.uniform() ? a.step : b_.CreateAdd(a.step, b.step);
  return {value, step, Shape::Linear};
}

Lanes FunctionEmitter::subtract(Lanes a, Lanes b) {
  if (a.shape == Shape::Varying || b.shape == Shape::Varying)
    return result_lanes(b_.CreateSub(vector(a), vector(b)));
  IRValue* value = b_.CreateSub(a.value, b.value);
  if (a.uniform() && b.uniform()) return uniform_lanes(value);
  IRValue* step = a.uniform()   ? b_.CreateNeg(b.step)
                  : b.uniform() ? a.step
                                : b_.CreateSub(a.step, b.step);
  return {value, step, Shape::Linear};
}

Lanes FunctionEmitter::multiply(Lanes a, Lanes b) {
  if (a.uniform() && b.uniform()) return uniform_lanes(b_.CreateMul(a.value, b.value));
  if (a.shape == Shape::Linear && b.uniform())
    return {b_.CreateMul(a.value, b.value), b_.CreateMul(a.step, b.value), Shape::Linear};
  if (b.shape == Shape::Linear && a.uniform()) return multiply(b, a);
  return result_lanes(b_.CreateMul(vector(a), vector(b)));
}

Lanes FunctionEmitter::compare(CmpInst::Predicate predicate, Lanes a, Lanes b) {
  const bool varying = !a.uniform() || !b.uniform();
  return result_lanes(b_.CreateICmp(predicate, in_shape(a, varying), in_shape(b, varying)));
}

llvm::Value* FunctionEmitter::any(IRValue* condition) {
  auto* type = llvm::dyn_cast<llvm::FixedVectorType>(condition->getType());
  if (!type) return condition;
  IRValue* bits = b_.CreateBitCast(condition, b_.getIntNTy(type->getNumElements()));
  return b_.CreateIsNotNull(bits);
}

// ---- products in sums -------------------------------------------------------------------------
// ----------------------------------------------------------------------------- a * b + c becomes
// one fma, in scalar and in vector code alike, wherever the product has no other use: the rule
// looks at the IR only, so the bits do not depend on how the code is run.

namespace {
bool has_one_local_use(mlir::Operation* product) {
  return product->hasOneUse() && (*product->user_begin())->getBlock() == product->getBlock();
}

// The operand of a sum that is computed as part of it, or -1.
int fused_operand(mlir::Operation* sum) {
  for (int i = 0; i < 2; ++i) {
    auto product = sum->getOperand(static_cast<unsigned>(i)).getDefiningOp<arith::MulFOp>();
    if (product && has_one_local_use(product)) return i;
  }
  return -1;
}
}  // namespace

bool FunctionEmitter::is_fused(mlir::Operation* op) const {
  if (!m_.target.fma || !mlir::isa<arith::MulFOp>(op) || !has_one_local_use(op)) return false;
  mlir::Operation* user = *op->user_begin();
  if (mlir::isa<arith::AddFOp, arith::SubFOp>(user)) {
    const int operand = fused_operand(user);
    return operand >= 0 && user->getOperand(static_cast<unsigned>(operand)).getDefiningOp() == op;
  }
  if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(user)) return true;
  if (auto yield = mlir::dyn_cast<prob::YieldOp>(user))
    return llvm::is_contained(yield.getSums(), op->getResult(0));
  return false;
}

llvm::Value* FunctionEmitter::accumulate(Value value, IRValue* sum) {
  const bool varying = sum->getType()->isVectorTy();
  mlir::Operation* op = value.getDefiningOp();
  if (op && is_fused(op))
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {sum->getType()},
                              {in_shape(lanes_of(op->getOperand(0)), varying),
                               in_shape(lanes_of(op->getOperand(1)), varying), sum});
  IRValue* added = in_shape(lanes_of(value), varying);
  if (!prob::is_real(value.getType())) return b_.CreateAdd(sum, added);
  return b_.CreateFAdd(sum, added);
}

void FunctionEmitter::emit_multiply_add(mlir::Operation& op) {
  const int operand = m_.target.fma ? fused_operand(&op) : -1;
  const bool minus = mlir::isa<arith::SubFOp>(op);
  Lanes a, b, c;
  bool varying = false;
  if (operand < 0) {
    a = lanes_of(op.getOperand(0));
    c = lanes_of(op.getOperand(1));
    varying = !a.uniform() || !c.uniform();
    IRValue *x = in_shape(a, varying), *y = in_shape(c, varying);
    return set(op.getResult(0), result_lanes(minus ? b_.CreateFSub(x, y) : b_.CreateFAdd(x, y)));
  }
  mlir::Operation* product = op.getOperand(static_cast<unsigned>(operand)).getDefiningOp();
  a = lanes_of(product->getOperand(0));
  b = lanes_of(product->getOperand(1));
  c = lanes_of(op.getOperand(static_cast<unsigned>(1 - operand)));
  varying = !a.uniform() || !b.uniform() || !c.uniform();
  IRValue *x = in_shape(a, varying), *y = in_shape(b, varying), *z = in_shape(c, varying);
  if (minus && operand == 0) z = b_.CreateFNeg(z);
  if (minus && operand == 1) x = b_.CreateFNeg(x);
  set(op.getResult(0),
      result_lanes(b_.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, z})));
}

// ---- arithmetic -------------------------------------------------------------------------------

namespace {

CmpInst::Predicate predicate_of(arith::CmpIPredicate predicate) {
  switch (predicate) {
    case arith::CmpIPredicate::eq:
      return CmpInst::ICMP_EQ;
    case arith::CmpIPredicate::ne:
      return CmpInst::ICMP_NE;
    case arith::CmpIPredicate::slt:
      return CmpInst::ICMP_SLT;
    case arith::CmpIPredicate::sle:
      return CmpInst::ICMP_SLE;
    case arith::CmpIPredicate::sgt:
      return CmpInst::ICMP_SGT;
    case arith::CmpIPredicate::sge:
      return CmpInst::ICMP_SGE;
    case arith::CmpIPredicate::ult:
      return CmpInst::ICMP_ULT;
    case arith::CmpIPredicate::ule:
      return CmpInst::ICMP_ULE;
    case arith::CmpIPredicate::ugt:
      return CmpInst::ICMP_UGT;
    case arith::CmpIPredicate::uge:
      return CmpInst::ICMP_UGE;
  }
  throw InternalError("an unknown integer comparison");
}

// The enumerators of both count O, U, E, L, G alike: ordered ones from 1 to 7, unordered after.
CmpInst::Predicate predicate_of(arith::CmpFPredicate predicate) {
  switch (predicate) {
    case arith::CmpFPredicate::AlwaysFalse:
      return CmpInst::FCMP_FALSE;
    case arith::CmpFPredicate::OEQ:
      return CmpInst::FCMP_OEQ;
    case arith::CmpFPredicate::OGT:
      return CmpInst::FCMP_OGT;
    case arith::CmpFPredicate::OGE:
      return CmpInst::FCMP_OGE;
    case arith::CmpFPredicate::OLT:
      return CmpInst::FCMP_OLT;
    case arith::CmpFPredicate::OLE:
      return CmpInst::FCMP_OLE;
    case arith::CmpFPredicate::ONE:
      return CmpInst::FCMP_ONE;
    case arith::CmpFPredicate::ORD:
      return CmpInst::FCMP_ORD;
    case arith::CmpFPredicate::UEQ:
      return CmpInst::FCMP_UEQ;
    case arith::CmpFPredicate::UGT:
      return CmpInst::FCMP_UGT;
    case arith::CmpFPredicate::UGE:
      return CmpInst::FCMP_UGE;
    case arith::CmpFPredicate::ULT:
      return CmpInst::FCMP_ULT;
    case arith::CmpFPredicate::ULE:
      return CmpInst::FCMP_ULE;
    case arith::CmpFPredicate::UNE:
      return CmpInst::FCMP_UNE;
    case arith::CmpFPredicate::UNO:
      return CmpInst::FCMP_UNO;
    case arith::CmpFPredicate::AlwaysTrue:
      return CmpInst::FCMP_TRUE;
  }
  throw InternalError("an unknown comparison of reals");
}

// Intrinsics that are single instructions on every target (or simple sequences): exact.
std::optional<ID> exact_intrinsic(llvm::StringRef name) {
  namespace i = llvm::Intrinsic;
  const auto id = llvm::StringSwitch<ID>(name)
                      .Case("math.absf", i::fabs)
                      .Case("math.floor", i::floor)
                      .Case("math.ceil", i::ceil)
                      .Case("math.trunc", i::trunc)
                      .Case("math.round", i::round)
                      .Case("math.roundeven", i::roundeven)
                      .Case("math.copysign", i::copysign)
                      .Case("math.fma", i::fma)
                      .Case("math.sqrt", i::sqrt)
                      .Case("arith.maximumf", i::maximum)
                      .Case("arith.minimumf", i::minimum)
                      .Case("arith.maxnumf", i::maxnum)
                      .Case("arith.minnumf", i::minnum)
                      .Default(i::not_intrinsic);
  if (id == i::not_intrinsic) return std::nullopt;
  return id;
}

std::optional<Elementary> elementary_of(mlir::Operation& op) {
  llvm::StringRef name = op.getName().getStringRef();
  if (auto special = mlir::dyn_cast<prob::SpecialOp>(op))
    name = special.getFunction();
  else if (!name.consume_front("math."))
    return std::nullopt;
  return llvm::StringSwitch<std::optional<Elementary>>(name)
      .Case("exp", Elementary::exp)
      .Case("expm1", Elementary::expm1)
      .Case("log", Elementary::log)
      .Case("log1p", Elementary::log1p)
      .Case("lgamma", Elementary::lgamma)
      .Case("digamma", Elementary::digamma)
      .Case("trigamma", Elementary::trigamma)
      .Case("powf", Elementary::pow)
      .Case("cbrt", Elementary::cbrt)
      .Case("sinh", Elementary::sinh)
      .Case("cosh", Elementary::cosh)
      .Case("tanh", Elementary::tanh)
      .Case("erf", Elementary::erf)
      .Case("erfc", Elementary::erfc)
      .Case("Phi", Elementary::normal_cdf)
      .Case("log_Phi", Elementary::log_normal_cdf)
      .Case("sin", Elementary::sin)
      .Case("cos", Elementary::cos)
      .Case("tan", Elementary::tan)
      .Case("asin", Elementary::asin)
      .Case("acos", Elementary::acos)
      .Case("atan", Elementary::atan)
      .Case("atan2", Elementary::atan2)
      .Default(std::nullopt);
}

}  // namespace

void FunctionEmitter::emit_arithmetic(mlir::Operation& op) {
  if (auto c = mlir::dyn_cast<arith::ConstantOp>(op)) {
    if (auto real = mlir::dyn_cast<mlir::FloatAttr>(c.getValue()))
      return set(c, uniform_lanes(llvm::ConstantFP::get(m_.scalar_type(c.getType()),
                                                        real.getValueAsDouble())));
    if (auto integer = mlir::dyn_cast<mlir::IntegerAttr>(c.getValue()))
      return set(c, uniform_lanes(
                        llvm::ConstantInt::get(m_.scalar_type(c.getType()), integer.getValue())));
  }
  if (auto place = op.getAttrOfType<mlir::IntegerAttr>(prob::place_attribute))
    return emit_checked(op, place.getInt());
  if (mlir::isa<arith::DivSIOp, arith::RemSIOp>(op)) return emit_division(op);
  if (mlir::isa<math::FPowIOp>(op)) return emit_whole_power(op);
  if (emit_integer(op) || emit_real(op)) return;

  bool varying = false;
  llvm::SmallVector<Lanes, 3> lanes;
  for (const Value operand : op.getOperands()) {
    lanes.push_back(lanes_of(operand));
    varying = varying || !lanes.back().uniform();
  }
  llvm::SmallVector<IRValue*, 3> operands;
  for (const Lanes& one : lanes) operands.push_back(in_shape(one, varying));
  IRValue* result = nullptr;
  if (auto id = exact_intrinsic(op.getName().getStringRef()))
    result = b_.CreateIntrinsic(*id, {operands[0]->getType()}, operands);
  else if (auto function = elementary_of(op))
    result = emit_elementary(b_, *function, operands, m_.elementary);
  else
    throw InternalError("code generation has no " + op.getName().getStringRef().str() +
                        (mlir::isa<prob::SpecialOp>(op)
                             ? " of " + mlir::cast<prob::SpecialOp>(op).getFunction().str()
                             : std::string()));
  set(op.getResult(0), result_lanes(result));
}

bool FunctionEmitter::emit_integer(mlir::Operation& op) {
  if (op.getNumOperands() != 2 || !op.getOperand(1).getType().isSignlessInteger()) return false;
  if (mlir::isa<arith::SelectOp>(op)) return false;
  const Lanes a = lanes_of(op.getOperand(0)), b = lanes_of(op.getOperand(1));
  const auto done = [&](Lanes lanes) {
    set(op.getResult(0), lanes);
    return true;
  };
  if (mlir::isa<arith::AddIOp>(op)) return done(add(a, b));
  if (mlir::isa<arith::SubIOp>(op)) return done(subtract(a, b));
  if (mlir::isa<arith::MulIOp>(op)) return done(multiply(a, b));
  if (auto cmp = mlir::dyn_cast<arith::CmpIOp>(op))
    return done(compare(predicate_of(cmp.getPredicate()), a, b));
  const bool varying = !a.uniform() || !b.uniform();
  IRValue *x = in_shape(a, varying), *y = in_shape(b, varying), *r = nullptr;
  if (mlir::isa<arith::AndIOp>(op)) r = b_.CreateAnd(x, y);
  if (mlir::isa<arith::OrIOp>(op)) r = b_.CreateOr(x, y);
  if (mlir::isa<arith::XOrIOp>(op)) r = b_.CreateXor(x, y);
  if (mlir::isa<arith::ShLIOp>(op)) r = b_.CreateShl(x, y);
  if (mlir::isa<arith::ShRSIOp>(op)) r = b_.CreateAShr(x, y);
  if (mlir::isa<arith::ShRUIOp>(op)) r = b_.CreateLShr(x, y);
  if (mlir::isa<arith::MaxSIOp>(op)) r = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, y);
  if (mlir::isa<arith::MinSIOp>(op)) r = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, y);
  if (!r) return false;
  return done(result_lanes(r));
}

bool FunctionEmitter::emit_real(mlir::Operation& op) {
  if (mlir::isa<arith::AddFOp, arith::SubFOp>(op)) return emit_multiply_add(op), true;
  if (!mlir::isa<arith::MulFOp, arith::DivFOp, arith::RemFOp, arith::NegFOp, arith::CmpFOp,
                 arith::SelectOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp, arith::ExtUIOp,
                 arith::TruncIOp, math::AbsIOp>(op))
    return false;
  bool varying = false;
  llvm::SmallVector<Lanes, 3> lanes;
  for (const Value operand : op.getOperands()) {
    lanes.push_back(lanes_of(operand));
    varying = varying || !lanes.back().uniform();
  }
  const auto in = [&](unsigned i) { return in_shape(lanes[i], varying); };
  const auto type = [&]() -> llvm::Type* {
    llvm::Type* scalar = m_.scalar_type(op.getResult(0).getType());
    return varying ? llvm::FixedVectorType::get(scalar, lanes_->width) : scalar;
  };
  IRValue* r = nullptr;
  if (mlir::isa<arith::MulFOp>(op)) r = b_.CreateFMul(in(0), in(1));
  if (mlir::isa<arith::DivFOp>(op)) r = b_.CreateFDiv(in(0), in(1));
  if (mlir::isa<arith::RemFOp>(op)) r = b_.CreateFRem(in(0), in(1));
  if (mlir::isa<arith::NegFOp>(op)) r = b_.CreateFNeg(in(0));
  if (auto cmp = mlir::dyn_cast<arith::CmpFOp>(op))
    r = b_.CreateFCmp(predicate_of(cmp.getPredicate()), in(0), in(1));
  if (mlir::isa<arith::SelectOp>(op)) r = b_.CreateSelect(in(0), in(1), in(2));
  if (mlir::isa<arith::SIToFPOp>(op)) r = b_.CreateSIToFP(in(0), type());
  if (mlir::isa<arith::UIToFPOp>(op)) r = b_.CreateUIToFP(in(0), type());
  if (mlir::isa<arith::FPToSIOp>(op)) r = to_integer(in(0), type());
  if (mlir::isa<arith::ExtUIOp>(op)) r = b_.CreateZExt(in(0), type());
  if (mlir::isa<arith::TruncIOp>(op)) r = b_.CreateTrunc(in(0), type());
  if (mlir::isa<math::AbsIOp>(op))
    r = b_.CreateIntrinsic(llvm::Intrinsic::abs, {in(0)->getType()}, {in(0), b_.getFalse()});
  set(op.getResult(0), result_lanes(r));
  return true;
}

// Division and remainder without a check: lanes that do not run must not trap.
void FunctionEmitter::emit_division(mlir::Operation& op) {
  const Lanes a = lanes_of(op.getOperand(0)), b = lanes_of(op.getOperand(1));
  const bool varying = !a.uniform() || !b.uniform();
  IRValue *x = in_shape(a, varying), *y = in_shape(b, varying);
  if (varying)
    y = b_.CreateSelect(lanes_->mask, y, llvm::ConstantInt::get(y->getType(), 1));
  else if (lanes_)  // speculated for lanes whose branch does not run
    y = b_.CreateSelect(b_.CreateIsNull(y), constant(1), y);
  set(op.getResult(0),
      result_lanes(mlir::isa<arith::DivSIOp>(op) ? b_.CreateSDiv(x, y) : b_.CreateSRem(x, y)));
}

// The power of the magnitude, with the sign of an odd exponent: also exponents that no real holds
// exactly are known to be odd or even.
void FunctionEmitter::emit_whole_power(mlir::Operation& op) {
  const Lanes base = lanes_of(op.getOperand(0)), exponent = lanes_of(op.getOperand(1));
  const bool varying = !base.uniform() || !exponent.uniform();
  IRValue *x = in_shape(base, varying), *n = in_shape(exponent, varying);
  IRValue* magnitude = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  IRValue* power = emit_elementary(b_, Elementary::pow,
                                   {magnitude, b_.CreateSIToFP(n, x->getType())}, m_.elementary);
  IRValue* odd = b_.CreateTrunc(n, n->getType()->getWithNewBitWidth(1));
  IRValue* with_sign = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, power, x);
  set(op.getResult(0), result_lanes(b_.CreateSelect(odd, with_sign, power)));
}

// Integer arithmetic with a place: overflow and division by zero are faults, and so are
// conversions of reals that are no integer's.
// Saturating, NaN as 0: a real too large for an integer must not be undefined. LLVM's own intrinsic
// goes lane by lane.
llvm::Value* FunctionEmitter::to_integer(IRValue* x, llvm::Type* type) {
  if (!type->isVectorTy())
    return b_.CreateIntrinsic(llvm::Intrinsic::fptosi_sat, {type, x->getType()}, {x});
  const auto real = [&](double value) { return llvm::ConstantFP::get(x->getType(), value); };
  IRValue *above = b_.CreateFCmpOGE(x, real(0x1p63)), *below = b_.CreateFCmpOLT(x, real(-0x1p63));
  IRValue* within = b_.CreateAnd(b_.CreateFCmpOGE(x, real(-0x1p63)), b_.CreateNot(above));
  IRValue* r = b_.CreateFPToSI(b_.CreateSelect(within, x, real(0)), type);
  r = b_.CreateSelect(above, llvm::ConstantInt::getSigned(type, INT64_MAX), r);
  return b_.CreateSelect(below, llvm::ConstantInt::getSigned(type, INT64_MIN), r);
}

void FunctionEmitter::emit_checked(mlir::Operation& op, std::int64_t place) {
  const Lanes none = uniform_lanes(constant(-1));
  if (mlir::isa<arith::FPToSIOp, math::AbsIOp>(op)) {
    const Lanes operand = lanes_of(op.getOperand(0));
    IRValue* x = in_shape(operand, !operand.uniform());
    IRValue* bad = nullptr;
    if (mlir::isa<math::AbsIOp>(op)) {
      bad = b_.CreateICmpEQ(x, llvm::ConstantInt::getSigned(x->getType(), INT64_MIN));
    } else {
      // Also of NaN.
      IRValue* below = b_.CreateFCmpULT(x, llvm::ConstantFP::get(x->getType(), -0x1p63));
      bad = b_.CreateOr(below, b_.CreateFCmpUGE(x, llvm::ConstantFP::get(x->getType(), 0x1p63)));
    }
    fault_if(result_lanes(bad), BOREL_FAULT_OVERFLOW, place, none);
    if (mlir::isa<math::AbsIOp>(op)) {
      emit_real(op);
      return;
    }
    // In range, but for lanes that do not run.
    llvm::Type* type = m_.i64;
    if (x->getType()->isVectorTy()) type = llvm::FixedVectorType::get(type, lanes_->width);
    set(op.getResult(0), result_lanes(b_.CreateFreeze(b_.CreateFPToSI(x, type))));
    return;
  }
  const Lanes a = lanes_of(op.getOperand(0)), b = lanes_of(op.getOperand(1));
  if (mlir::isa<arith::DivSIOp, arith::RemSIOp>(op)) {
    const Lanes zero = uniform_lanes(constant(0));
    fault_if(compare(CmpInst::ICMP_EQ, b, zero), BOREL_FAULT_DIVISION, place, none);
    const bool varying = !a.uniform() || !b.uniform();
    const Lanes minimum = compare(CmpInst::ICMP_EQ, a, uniform_lanes(constant(INT64_MIN)));
    const Lanes minus_one = compare(CmpInst::ICMP_EQ, b, uniform_lanes(constant(-1)));
    IRValue* both = b_.CreateAnd(in_shape(minimum, varying), in_shape(minus_one, varying));
    if (mlir::isa<arith::DivSIOp>(op)) {
      fault_if(result_lanes(both), BOREL_FAULT_OVERFLOW, place, none);
      return emit_division(op);
    }
    // The remainder of the least integer by -1 is 0, but the machine's instruction traps.
    IRValue *x = in_shape(a, varying), *y = in_shape(b, varying);
    y = b_.CreateSelect(both, llvm::ConstantInt::get(y->getType(), 1), y);
    if (varying) y = b_.CreateSelect(lanes_->mask, y, llvm::ConstantInt::get(y->getType(), 1));
    return set(op.getResult(0), result_lanes(b_.CreateSRem(x, y)));
  }
  const auto id = mlir::isa<arith::AddIOp>(op)   ? llvm::Intrinsic::sadd_with_overflow
                  : mlir::isa<arith::SubIOp>(op) ? llvm::Intrinsic::ssub_with_overflow
                                                 : llvm::Intrinsic::smul_with_overflow;
  internal_check(mlir::isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op),
                 "a check on an operation that has none");
  const auto overflows = [&](IRValue* x, IRValue* y) {
    return b_.CreateExtractValue(b_.CreateBinaryIntrinsic(id, x, y), 1);
  };
  const bool vectors = a.shape == Shape::Varying || b.shape == Shape::Varying;
  if (!vectors && !(a.uniform() && b.uniform())) {
    // Linear in the lane, and so is an overflow-free result: the first and the last lane decide.
    const auto last = [&](Lanes x) {
      return x.uniform() ? x.value : b_.CreateAdd(x.value, b_.CreateMul(x.step, lanes_->last));
    };
    IRValue* bad = b_.CreateOr(overflows(a.value, b.value), overflows(last(a), last(b)));
    fault_if(uniform_lanes(bad), BOREL_FAULT_OVERFLOW, place, none);
  } else {
    fault_if(result_lanes(overflows(in_shape(a, vectors), in_shape(b, vectors))),
             BOREL_FAULT_OVERFLOW, place, none);
  }
  set(op.getResult(0), mlir::isa<arith::AddIOp>(op)   ? add(a, b)
                       : mlir::isa<arith::SubIOp>(op) ? subtract(a, b)
                                                      : multiply(a, b));
}

}  // namespace borel::codegen

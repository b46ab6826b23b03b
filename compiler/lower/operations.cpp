#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace borel::lowering {

namespace arith = mlir::arith;
namespace math = mlir::math;
using mlir::Value;
using typed::Op;

/// Marks an operation whose result is checked where it runs.
Value FunctionLowering::place_on(Value result, typed::PlaceId place) {
  if (place != typed::PlaceId::None)
    if (mlir::Operation* op = result.getDefiningOp())
      op->setAttr(prob::place_attribute, place_attribute(place));
  return result;
}

/// An operation on scalars of one kind.
Value FunctionLowering::operation(Op op, mlir::ValueRange args, typed::PlaceId place) {
  const Value x = args.front();
  const Value y = args.size() > 1 ? args[1] : Value();
  const bool real = mlir::isa<mlir::FloatType>(x.getType());
  const bool truth = x.getType().isInteger(1);
  auto make = [&]<class T>() -> Value { return y ? Value(b_.create<T>(loc_, x, y)) : Value(); };
  auto unary = [&]<class T>() -> Value { return b_.create<T>(loc_, x); };
  // Sums and products of sizes fold; what is checked stays an operation.
  auto integer_op = [&]<class T>() -> Value {
    if (place == typed::PlaceId::None) return b_.createOrFold<T>(loc_, x, y);
    return place_on(b_.create<T>(loc_, x, y), place);
  };
  auto compare = [&](arith::CmpFPredicate reals, arith::CmpIPredicate ints) -> Value {
    if (real) return b_.create<arith::CmpFOp>(loc_, reals, x, y);
    return b_.create<arith::CmpIOp>(loc_, ints, x, y);
  };
  auto special = [&](const char* name) -> Value {
    return b_.create<prob::SpecialOp>(loc_, x.getType(), b_.getStringAttr(name), x);
  };
  switch (op) {
    case Op::Add:
      return real ? make.operator()<arith::AddFOp>() : integer_op.operator()<arith::AddIOp>();
    case Op::Sub:
      return real ? make.operator()<arith::SubFOp>() : integer_op.operator()<arith::SubIOp>();
    case Op::Mul:
      return real ? make.operator()<arith::MulFOp>() : integer_op.operator()<arith::MulIOp>();
    case Op::Div:
      return real ? make.operator()<arith::DivFOp>() : integer_op.operator()<arith::DivSIOp>();
    case Op::Mod:
      return real ? make.operator()<arith::RemFOp>() : integer_op.operator()<arith::RemSIOp>();
    case Op::Min:
      return real ? make.operator()<arith::MinimumFOp>() : make.operator()<arith::MinSIOp>();
    case Op::Max:
      return real ? make.operator()<arith::MaximumFOp>() : make.operator()<arith::MaxSIOp>();
    case Op::Neg:
      if (real) return unary.operator()<arith::NegFOp>();
      return place_on(b_.create<arith::SubIOp>(loc_, integer(0), x), place);
    case Op::Abs:
      if (real) return unary.operator()<math::AbsFOp>();
      return place_on(b_.create<math::AbsIOp>(loc_, x), place);
    case Op::Pow:
      return make.operator()<math::PowFOp>();
    case Op::PowInt:
      return make.operator()<math::FPowIOp>();
    case Op::Atan2:
      return make.operator()<math::Atan2Op>();

    case Op::Eq:
      return compare(arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
    case Op::Ne:
      return compare(arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne);
    case Op::Lt:
      return compare(arith::CmpFPredicate::OLT,
                     truth ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt);
    case Op::Le:
      return compare(arith::CmpFPredicate::OLE,
                     truth ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle);
    case Op::Gt:
      return compare(arith::CmpFPredicate::OGT,
                     truth ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt);
    case Op::Ge:
      return compare(arith::CmpFPredicate::OGE,
                     truth ? arith::CmpIPredicate::uge : arith::CmpIPredicate::sge);
    case Op::And:
      return make.operator()<arith::AndIOp>();
    case Op::Or:
      return make.operator()<arith::OrIOp>();
    case Op::Not:
      return b_.create<arith::XOrIOp>(loc_, x, prob::bool_constant(b_, loc_, true));

    case Op::IntToReal:
      return b_.create<arith::SIToFPOp>(loc_, prob::real_type(b_.getContext()), x);
    case Op::BoolToInt:
      return b_.create<arith::ExtUIOp>(loc_, b_.getI64Type(), x);
    case Op::BoolToReal:
      return b_.create<arith::UIToFPOp>(loc_, prob::real_type(b_.getContext()), x);
    case Op::ToInt:
      return place_on(b_.create<arith::FPToSIOp>(loc_, b_.getI64Type(), x), place);
    case Op::Floor:
      return unary.operator()<math::FloorOp>();
    case Op::Ceil:
      return unary.operator()<math::CeilOp>();
    case Op::Round:
      return unary.operator()<math::RoundOp>();
    case Op::Trunc:
      return unary.operator()<math::TruncOp>();

    case Op::Sqrt:
      return unary.operator()<math::SqrtOp>();
    case Op::Exp:
      return unary.operator()<math::ExpOp>();
    case Op::Expm1:
      return unary.operator()<math::ExpM1Op>();
    case Op::Log:
      return unary.operator()<math::LogOp>();
    case Op::Log1p:
      return unary.operator()<math::Log1pOp>();
    case Op::Sin:
      return unary.operator()<math::SinOp>();
    case Op::Cos:
      return unary.operator()<math::CosOp>();
    case Op::Tan:
      return unary.operator()<math::TanOp>();
    case Op::Asin:
      return unary.operator()<math::AsinOp>();
    case Op::Acos:
      return unary.operator()<math::AcosOp>();
    case Op::Atan:
      return unary.operator()<math::AtanOp>();
    case Op::Sinh:
      return unary.operator()<math::SinhOp>();
    case Op::Cosh:
      return unary.operator()<math::CoshOp>();
    case Op::Tanh:
      return unary.operator()<math::TanhOp>();
    case Op::Cbrt:
      return unary.operator()<math::CbrtOp>();
    case Op::Erf:
      return unary.operator()<math::ErfOp>();
    case Op::Erfc:
      return special("erfc");
    case Op::Lgamma:
      return special("lgamma");
    case Op::Digamma:
      return special("digamma");
    case Op::Trigamma:
      return special("trigamma");
    case Op::NormalCdf:
      return special("Phi");
    case Op::LogNormalCdf:
      return special("log_Phi");
    case Op::IsFinite: {
      const Value size = unary.operator()<math::AbsFOp>();
      const Value infinity = prob::real_constant(b_, loc_, std::numeric_limits<double>::infinity());
      return b_.create<arith::CmpFOp>(loc_, arith::CmpFPredicate::OLT, size, infinity);
    }
    case Op::IsNan:
      return b_.create<arith::CmpFOp>(loc_, arith::CmpFPredicate::UNO, x, x);
    default:
      break;
  }
  bug("an operation on whole arrays where one on scalars is wanted");
}

}  // namespace borel::lowering

#include "compiler/transform/gradient_rules.h"

#include <cmath>
#include <numbers>

#include "compiler/dialect/prob.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace borel::transform {
namespace {

using mlir::Value;
namespace arith = mlir::arith;
namespace math = mlir::math;

/// Arithmetic on values at one place, so that rules read as formulas.
class Formula {
 public:
  Formula(mlir::OpBuilder& builder, mlir::Location location) : b(builder), loc(location) {}
  Value c(double v) { return prob::real_constant(b, loc, v); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddFOp>(loc, x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubFOp>(loc, x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulFOp>(loc, x, y); }
  Value div(Value x, Value y) { return b.createOrFold<arith::DivFOp>(loc, x, y); }
  Value neg(Value x) { return b.createOrFold<arith::NegFOp>(loc, x); }
  Value select(Value q, Value x, Value y) { return b.createOrFold<arith::SelectOp>(loc, q, x, y); }
  Value both(Value p, Value q) { return b.createOrFold<arith::AndIOp>(loc, p, q); }
  Value compare(arith::CmpFPredicate p, Value x, Value y) {
    return b.createOrFold<arith::CmpFOp>(loc, p, x, y);
  }
  template <class Op>
  Value call(Value x) {
    return b.createOrFold<Op>(loc, x);
  }
  Value special(llvm::StringRef f, Value x) {
    return b.create<prob::SpecialOp>(loc, x.getType(), b.getStringAttr(f), x);
  }

 private:
  mlir::OpBuilder& b;
  mlir::Location loc;
};

/// f'(x) for operations of one real, given x and y = f(x); null when the operation is not one.
/// Every formula uses y where that saves a transcendental.
Value derivative(mlir::Operation* op, Formula& f) {
  if (op->getNumOperands() != 1 || op->getNumResults() != 1) return {};
  const Value x = op->getOperand(0), y = op->getResult(0);
  auto one_minus_square = [&](Value v) { return f.sub(f.c(1), f.mul(v, v)); };
  auto one_plus_square = [&](Value v) { return f.add(f.c(1), f.mul(v, v)); };
  return llvm::TypeSwitch<mlir::Operation*, Value>(op)
      .Case([&](math::ExpOp) { return y; })
      .Case([&](math::Exp2Op) { return f.mul(y, f.c(std::numbers::ln2)); })
      .Case([&](math::ExpM1Op) { return f.add(y, f.c(1)); })
      .Case([&](math::LogOp) { return f.div(f.c(1), x); })
      .Case([&](math::Log2Op) { return f.div(f.c(std::numbers::log2e), x); })
      .Case([&](math::Log10Op) { return f.div(f.c(std::numbers::log10e), x); })
      .Case([&](math::Log1pOp) { return f.div(f.c(1), f.add(f.c(1), x)); })
      .Case([&](math::SqrtOp) { return f.div(f.c(0.5), y); })
      .Case([&](math::RsqrtOp) { return f.mul(f.c(-0.5), f.div(y, x)); })
      .Case([&](math::CbrtOp) { return f.div(f.c(1), f.mul(f.c(3), f.mul(y, y))); })
      .Case([&](math::SinOp) { return f.call<math::CosOp>(x); })
      .Case([&](math::CosOp) { return f.neg(f.call<math::SinOp>(x)); })
      .Case([&](math::TanOp) { return one_plus_square(y); })
      .Case([&](math::AsinOp) { return f.div(f.c(1), f.call<math::SqrtOp>(one_minus_square(x))); })
      .Case([&](math::AcosOp) { return f.div(f.c(-1), f.call<math::SqrtOp>(one_minus_square(x))); })
      .Case([&](math::AtanOp) { return f.div(f.c(1), one_plus_square(x)); })
      .Case([&](math::SinhOp) { return f.call<math::CoshOp>(x); })
      .Case([&](math::CoshOp) { return f.call<math::SinhOp>(x); })
      .Case([&](math::TanhOp) { return one_minus_square(y); })
      .Case([&](math::AsinhOp) { return f.div(f.c(1), f.call<math::SqrtOp>(one_plus_square(x))); })
      .Case([&](math::AcoshOp) {
        return f.div(f.c(1), f.call<math::SqrtOp>(f.sub(f.mul(x, x), f.c(1))));
      })
      .Case([&](math::AtanhOp) { return f.div(f.c(1), one_minus_square(x)); })
      .Case([&](math::ErfOp) {
        return f.mul(f.c(2 * std::numbers::inv_sqrtpi), f.call<math::ExpOp>(f.neg(f.mul(x, x))));
      })
      .Case([&](math::AbsFOp) {
        // The right-hand derivative at 0, as a branch `x >= 0 ? x : -x` would give.
        return f.select(f.compare(arith::CmpFPredicate::OGE, x, f.c(0)), f.c(1), f.c(-1));
      })
      .Case([&](prob::SpecialOp special) -> Value {
        const llvm::StringRef name = special.getFunction();
        const double inv_sqrt_2pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
        const Value minus_half_square = f.mul(f.c(-0.5), f.mul(x, x));
        if (name == "lgamma") return f.special("digamma", x);
        if (name == "digamma") return f.special("trigamma", x);
        if (name == "erfc")
          return f.mul(f.c(-2 * std::numbers::inv_sqrtpi), f.call<math::ExpOp>(f.neg(f.mul(x, x))));
        if (name == "Phi") return f.mul(f.c(inv_sqrt_2pi), f.call<math::ExpOp>(minus_half_square));
        if (name == "log_Phi")  // in logs: both parts underflow far to the left
          return f.mul(f.c(inv_sqrt_2pi), f.call<math::ExpOp>(f.sub(minus_half_square, y)));
        return {};
      })
      .Default([](mlir::Operation*) { return Value(); });
}

}  // namespace

RuleOutcome apply_scalar_rule(const ScalarRule& rule) {
  mlir::Operation* op = rule.primal;
  const Value d = rule.seed;
  Formula f(rule.b, op->getLoc());
  auto operand = [&](unsigned i) { return op->getOperand(i); };
  auto add = [&](unsigned i, auto contribution) {
    if (rule.wanted(i)) rule.add(i, contribution());
  };

  if (mlir::isa<math::FloorOp, math::CeilOp, math::RoundOp, math::RoundEvenOp, math::TruncOp>(op))
    return RuleOutcome::Zero;

  const bool known =
      llvm::TypeSwitch<mlir::Operation*, bool>(op)
          .Case([&](arith::AddFOp) {
            add(0, [&] { return d; });
            add(1, [&] { return d; });
            return true;
          })
          .Case([&](arith::SubFOp) {
            add(0, [&] { return d; });
            add(1, [&] { return f.neg(d); });
            return true;
          })
          .Case([&](arith::NegFOp) {
            add(0, [&] { return f.neg(d); });
            return true;
          })
          .Case([&](arith::MulFOp) {
            add(0, [&] { return f.mul(d, operand(1)); });
            add(1, [&] { return f.mul(d, operand(0)); });
            return true;
          })
          .Case([&](arith::DivFOp) {
            add(0, [&] { return f.div(d, operand(1)); });
            add(1, [&] { return f.neg(f.div(f.mul(d, op->getResult(0)), operand(1))); });
            return true;
          })
          .Case([&](math::FmaOp) {
            add(0, [&] { return f.mul(d, operand(1)); });
            add(1, [&] { return f.mul(d, operand(0)); });
            add(2, [&] { return d; });
            return true;
          })
          .Case<arith::MaximumFOp, arith::MaxNumFOp>([&](auto) {
            const Value first = f.compare(arith::CmpFPredicate::OGE, operand(0), operand(1));
            add(0, [&] { return f.select(first, d, f.c(0)); });
            add(1, [&] { return f.select(first, f.c(0), d); });
            return true;
          })
          .Case<arith::MinimumFOp, arith::MinNumFOp>([&](auto) {
            const Value first = f.compare(arith::CmpFPredicate::OLE, operand(0), operand(1));
            add(0, [&] { return f.select(first, d, f.c(0)); });
            add(1, [&] { return f.select(first, f.c(0), d); });
            return true;
          })
          .Case([&](math::Atan2Op) {
            const Value y = operand(0), x = operand(1);
            const Value r2 = f.add(f.mul(x, x), f.mul(y, y));
            add(0, [&] { return f.div(f.mul(d, x), r2); });
            add(1, [&] { return f.neg(f.div(f.mul(d, y), r2)); });
            return true;
          })
          .Case([&](math::PowFOp) {
            const Value x = operand(0), p = operand(1), y = op->getResult(0);
            const Value zero = f.compare(arith::CmpFPredicate::OEQ, x, f.c(0));
            // d/dx x^p = p x^(p - 1), where 0 · 0^-1 stands for 0.
            add(0, [&] {
              const Value flat = f.both(zero, f.compare(arith::CmpFPredicate::OEQ, p, f.c(0)));
              const Value lower = rule.b.create<math::PowFOp>(
                  op->getLoc(), x, f.select(flat, f.c(0), f.sub(p, f.c(1))));
              return f.mul(d, f.mul(p, lower));
            });
            // d/dp x^p = x^p log x, whose limit at x = 0 is 0 for p > 0. The logarithm is not taken
            // there, so that derivatives of this formula are finite too.
            add(1, [&] {
              const Value log = f.call<math::LogOp>(f.select(zero, f.c(1), x));
              return f.select(zero, f.c(0), f.mul(d, f.mul(y, log)));
            });
            return true;
          })
          .Case([&](math::FPowIOp) {
            const mlir::Location loc = op->getLoc();
            add(0, [&] {
              const Value x = operand(0), n = operand(1);
              const auto whole = [&](int64_t value) {
                return Value(rule.b.create<arith::ConstantOp>(
                    loc, rule.b.getIntegerAttr(n.getType(), value)));
              };
              const Value flat = f.both(
                  f.compare(arith::CmpFPredicate::OEQ, x, f.c(0)),
                  rule.b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, n, whole(0)));
              const Value lower = rule.b.create<math::FPowIOp>(
                  loc, x,
                  f.select(flat, whole(0), rule.b.createOrFold<arith::SubIOp>(loc, n, whole(1))));
              const Value real = rule.b.createOrFold<arith::SIToFPOp>(loc, x.getType(), n);
              return f.mul(d, f.mul(real, lower));
            });
            return true;
          })
          .Case([&](arith::SelectOp select) {
            if (!prob::is_real(select.getType()) || prob::is_array(select.getType())) return false;
            const Value q = select.getCondition();
            add(1, [&] { return f.select(q, d, f.c(0)); });
            add(2, [&] { return f.select(q, f.c(0), d); });
            return true;
          })
          .Default([](mlir::Operation*) { return false; });
  if (known) return RuleOutcome::Applied;

  bool unary_known = true;
  add(0, [&] {
    const Value slope = derivative(op, f);
    unary_known = static_cast<bool>(slope);
    return unary_known ? f.mul(d, slope) : f.c(0);
  });
  return unary_known ? RuleOutcome::Applied : RuleOutcome::Unknown;
}

}  // namespace borel::transform

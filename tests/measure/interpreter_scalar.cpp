// Scalar operations on numbers with a tangent and a rounding error.
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <unordered_map>

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tests/measure/interpreter.h"

namespace borel::testing {
namespace {

namespace arith = mlir::arith;
constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// slope * amount, where nothing times anything is nothing.
double scaled(double slope, double amount) { return amount == 0 ? 0 : slope * amount; }

Real result(double value, double slope, const Real& x) {
  return {value, scaled(slope, x.tangent),
          scaled(std::fabs(slope), x.error) + epsilon * std::fabs(value)};
}
Real result(double value, double slope_x, const Real& x, double slope_y, const Real& y) {
  return {value, scaled(slope_x, x.tangent) + scaled(slope_y, y.tangent),
          scaled(std::fabs(slope_x), x.error) + scaled(std::fabs(slope_y), y.error) +
              epsilon * std::fabs(value)};
}

double square(double x) { return x * x; }
double log_phi(double x) {
  if (x > -30) return std::log(0.5 * std::erfc(-x / std::numbers::sqrt2));
  const double t = 1 / (x * x);  // asymptotic series of Mills' ratio
  return -0.5 * x * x - std::log(-x) - 0.5 * std::log(2 * M_PI) +
         std::log1p(-t * (1 - t * (3 - t * (15 - t * 105))));
}

struct Unary {
  double (*f)(double);
  double (*slope)(double);
};

const Unary* unary_op(llvm::StringRef name) {
  using D = double;
  static const double inv_sqrt_2pi = 1 / std::sqrt(2 * M_PI);
  static const std::unordered_map<std::string, Unary> table = {
      {"arith.negf", {[](D x) { return -x; }, [](D) { return -1.0; }}},
      {"math.exp", {[](D x) { return std::exp(x); }, [](D x) { return std::exp(x); }}},
      {"math.exp2",
       {[](D x) { return std::exp2(x); }, [](D x) { return std::exp2(x) * std::log(2.0); }}},
      {"math.expm1", {[](D x) { return std::expm1(x); }, [](D x) { return std::exp(x); }}},
      {"math.log", {[](D x) { return std::log(x); }, [](D x) { return 1 / x; }}},
      {"math.log2",
       {[](D x) { return std::log2(x); }, [](D x) { return 1 / (x * std::log(2.0)); }}},
      {"math.log10",
       {[](D x) { return std::log10(x); }, [](D x) { return 1 / (x * std::log(10.0)); }}},
      {"math.log1p", {[](D x) { return std::log1p(x); }, [](D x) { return 1 / (1 + x); }}},
      {"math.sqrt", {[](D x) { return std::sqrt(x); }, [](D x) { return 0.5 / std::sqrt(x); }}},
      {"math.rsqrt",
       {[](D x) { return 1 / std::sqrt(x); }, [](D x) { return -0.5 / (x * std::sqrt(x)); }}},
      {"math.cbrt",
       {[](D x) { return std::cbrt(x); }, [](D x) { return 1 / (3 * square(std::cbrt(x))); }}},
      {"math.sin", {[](D x) { return std::sin(x); }, [](D x) { return std::cos(x); }}},
      {"math.cos", {[](D x) { return std::cos(x); }, [](D x) { return -std::sin(x); }}},
      {"math.tan", {[](D x) { return std::tan(x); }, [](D x) { return 1 / square(std::cos(x)); }}},
      {"math.asin",
       {[](D x) { return std::asin(x); }, [](D x) { return 1 / std::sqrt(1 - x * x); }}},
      {"math.acos",
       {[](D x) { return std::acos(x); }, [](D x) { return -1 / std::sqrt(1 - x * x); }}},
      {"math.atan", {[](D x) { return std::atan(x); }, [](D x) { return 1 / (1 + x * x); }}},
      {"math.sinh", {[](D x) { return std::sinh(x); }, [](D x) { return std::cosh(x); }}},
      {"math.cosh", {[](D x) { return std::cosh(x); }, [](D x) { return std::sinh(x); }}},
      {"math.tanh",
       {[](D x) { return std::tanh(x); }, [](D x) { return 1 / square(std::cosh(x)); }}},
      {"math.asinh",
       {[](D x) { return std::asinh(x); }, [](D x) { return 1 / std::sqrt(x * x + 1); }}},
      {"math.acosh",
       {[](D x) { return std::acosh(x); }, [](D x) { return 1 / std::sqrt(x * x - 1); }}},
      {"math.atanh", {[](D x) { return std::atanh(x); }, [](D x) { return 1 / (1 - x * x); }}},
      {"math.erf",
       {[](D x) { return std::erf(x); },
        [](D x) { return 2 * std::numbers::inv_sqrtpi * std::exp(-x * x); }}},
      {"math.absf", {[](D x) { return std::fabs(x); }, [](D x) { return x >= 0 ? 1.0 : -1.0; }}},
      {"math.floor", {[](D x) { return std::floor(x); }, [](D) { return 0.0; }}},
      {"math.ceil", {[](D x) { return std::ceil(x); }, [](D) { return 0.0; }}},
      {"math.trunc", {[](D x) { return std::trunc(x); }, [](D) { return 0.0; }}},
      {"math.round", {[](D x) { return std::round(x); }, [](D) { return 0.0; }}},
      {"math.roundeven", {[](D x) { return std::nearbyint(x); }, [](D) { return 0.0; }}},
      {"lgamma", {[](D x) { return std::lgamma(x); }, [](D x) { return boost::math::digamma(x); }}},
      {"digamma",
       {[](D x) { return boost::math::digamma(x); }, [](D x) { return boost::math::trigamma(x); }}},
      {"trigamma",
       {[](D x) { return boost::math::trigamma(x); },
        [](D x) { return boost::math::polygamma(2, x); }}},
      {"erfc",
       {[](D x) { return std::erfc(x); },
        [](D x) { return -2 * std::numbers::inv_sqrtpi * std::exp(-x * x); }}},
      {"Phi",
       {[](D x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); },
        [](D x) { return inv_sqrt_2pi * std::exp(-0.5 * x * x); }}},
      {"log_Phi",
       {log_phi, [](D x) { return inv_sqrt_2pi * std::exp(-0.5 * x * x - log_phi(x)); }}}};
  const auto found = table.find(name.str());
  return found == table.end() ? nullptr : &found->second;
}

enum class Binary { Add, Sub, Mul, Div, Rem, Max, Min, MaxNum, MinNum, Pow, Atan2, CopySign };

std::optional<Binary> binary_op(llvm::StringRef name) {
  static const std::unordered_map<std::string, Binary> table = {
      {"arith.addf", Binary::Add},       {"arith.subf", Binary::Sub},
      {"arith.mulf", Binary::Mul},       {"arith.divf", Binary::Div},
      {"arith.remf", Binary::Rem},       {"arith.maximumf", Binary::Max},
      {"arith.minimumf", Binary::Min},   {"arith.maxnumf", Binary::MaxNum},
      {"arith.minnumf", Binary::MinNum}, {"math.powf", Binary::Pow},
      {"math.atan2", Binary::Atan2},     {"math.copysign", Binary::CopySign}};
  const auto found = table.find(name.str());
  if (found == table.end()) return std::nullopt;
  return found->second;
}

Real extreme(const Real& x, const Real& y, bool greater, bool numbers) {
  if (std::isnan(x.value)) return numbers ? y : x;
  if (std::isnan(y.value)) return numbers ? x : y;
  return (greater ? x.value >= y.value : x.value <= y.value) ? x : y;
}

Real evaluate(Binary op, const Real& x, const Real& y) {
  const double a = x.value, b = y.value;
  switch (op) {
    case Binary::Add:
      return result(a + b, 1, x, 1, y);
    case Binary::Sub:
      return result(a - b, 1, x, -1, y);
    case Binary::Mul:
      return result(a * b, b, x, a, y);
    case Binary::Div:
      return result(a / b, 1 / b, x, -a / b / b, y);
    case Binary::Rem:
      return result(std::fmod(a, b), 1, x, -std::trunc(a / b), y);
    case Binary::Max:
      return extreme(x, y, true, false);
    case Binary::Min:
      return extreme(x, y, false, false);
    case Binary::MaxNum:
      return extreme(x, y, true, true);
    case Binary::MinNum:
      return extreme(x, y, false, true);
    case Binary::Pow:
      return result(std::pow(a, b), b * std::pow(a, b - 1), x,
                    a == 0 ? 0 : std::pow(a, b) * std::log(a), y);
    case Binary::Atan2: {
      const double r = a * a + b * b;
      return result(std::atan2(a, b), b / r, x, -a / r, y);
    }
    case Binary::CopySign:
      return result(std::copysign(a, b), std::signbit(a) == std::signbit(b) ? 1 : -1, x);
  }
  return {};
}

std::optional<int64_t> int_op(llvm::StringRef name, int64_t x, int64_t y) {
  // As arith has it: the result is what is left of the bits.
  const auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
  if (name == "arith.addi") return static_cast<int64_t>(a + b);
  if (name == "arith.subi") return static_cast<int64_t>(a - b);
  if (name == "arith.muli") return static_cast<int64_t>(a * b);
  if (name == "arith.maxsi") return std::max(x, y);
  if (name == "arith.minsi") return std::min(x, y);
  if (name == "arith.divsi" || name == "arith.remsi") {
    if (y == 0) throw Refused("division by zero");
    if (y == -1 && x == std::numeric_limits<int64_t>::min()) throw Refused("division overflows");
    return name == "arith.divsi" ? x / y : x % y;
  }
  return std::nullopt;
}

bool compare(arith::CmpFPredicate p, double x, double y) {
  using P = arith::CmpFPredicate;
  const bool unordered = std::isnan(x) || std::isnan(y);
  switch (p) {
    case P::AlwaysFalse:
      return false;
    case P::AlwaysTrue:
      return true;
    case P::ORD:
      return !unordered;
    case P::UNO:
      return unordered;
    case P::OEQ:
      return !unordered && x == y;
    case P::ONE:
      return !unordered && x != y;
    case P::OLT:
      return !unordered && x < y;
    case P::OLE:
      return !unordered && x <= y;
    case P::OGT:
      return !unordered && x > y;
    case P::OGE:
      return !unordered && x >= y;
    case P::UEQ:
      return unordered || x == y;
    case P::UNE:
      return unordered || x != y;
    case P::ULT:
      return unordered || x < y;
    case P::ULE:
      return unordered || x <= y;
    case P::UGT:
      return unordered || x > y;
    case P::UGE:
      return unordered || x >= y;
  }
  return false;
}

template <class T>
bool compare(arith::CmpIPredicate p, T x, T y) {
  using P = arith::CmpIPredicate;
  switch (p) {
    case P::eq:
      return x == y;
    case P::ne:
      return x != y;
    case P::slt:
      return x < y;
    case P::sle:
      return x <= y;
    case P::sgt:
      return x > y;
    case P::sge:
      return x >= y;
    default:
      throw Refused("unsigned comparison");
  }
}

}  // namespace

Real operator+(const Real& x, const Real& y) { return evaluate(Binary::Add, x, y); }

void Interpreter::compared(const Real& x, const Real& y) {
  const double slack = x.error + y.error;
  if (slack > 0 && std::fabs(x.value - y.value) <= 16 * slack) fragile = true;
}

bool Interpreter::run_scalar(mlir::Operation& op, Frame& frame) {
  if (op.getNumResults() != 1) return false;
  const llvm::StringRef name = op.getName().getStringRef();
  auto in = [&](unsigned i) -> const Datum& { return frame.find(op.getOperand(i))->second; };
  auto set = [&](Datum d) {
    frame[op.getResult(0)] = std::move(d);
    return true;
  };

  if (mlir::isa<arith::SelectOp>(op)) return set(std::get<bool>(in(0)) ? in(1) : in(2));
  if (auto cmp = mlir::dyn_cast<arith::CmpFOp>(op)) {
    compared(as_dual(in(0)), as_dual(in(1)));
    return set(compare(cmp.getPredicate(), as_real(in(0)), as_real(in(1))));
  }
  if (auto cmp = mlir::dyn_cast<arith::CmpIOp>(op))
    return set(std::holds_alternative<bool>(in(0))
                   ? compare(cmp.getPredicate(), std::get<bool>(in(0)), std::get<bool>(in(1)))
                   : compare(cmp.getPredicate(), as_int(in(0)), as_int(in(1))));
  if (mlir::isa<arith::SIToFPOp>(op)) return set(Real(static_cast<double>(as_int(in(0)))));
  if (mlir::isa<arith::UIToFPOp>(op))
    return set(Real(std::holds_alternative<bool>(in(0)) ? (std::get<bool>(in(0)) ? 1.0 : 0.0)
                                                        : static_cast<double>(as_int(in(0)))));
  if (mlir::isa<arith::FPToSIOp>(op)) {
    const Real& x = as_dual(in(0));
    compared(x, Real(std::round(x.value)));
    return set(static_cast<int64_t>(x.value));
  }
  if (mlir::isa<arith::ExtUIOp>(op)) return set(int64_t{std::get<bool>(in(0)) ? 1 : 0});
  if (mlir::isa<arith::TruncIOp>(op)) return set((as_int(in(0)) & 1) != 0);
  if (mlir::isa<mlir::math::FPowIOp>(op))
    return set(evaluate(Binary::Pow, as_dual(in(0)), Real(static_cast<double>(as_int(in(1))))));
  if (mlir::isa<mlir::math::FmaOp>(op))
    return set(evaluate(Binary::Add, evaluate(Binary::Mul, as_dual(in(0)), as_dual(in(1))),
                        as_dual(in(2))));
  if (auto special = mlir::dyn_cast<prob::SpecialOp>(op)) {
    const Unary* f = unary_op(special.getFunction());
    if (!f) throw Refused("unknown special function " + special.getFunction().str());
    const Real& x = as_dual(in(0));
    return set(result(f->f(x.value), f->slope(x.value), x));
  }
  if (op.getNumOperands() == 2 && std::holds_alternative<bool>(in(0))) {
    const bool x = std::get<bool>(in(0)), y = std::get<bool>(in(1));
    if (name == "arith.andi") return set(x && y);
    if (name == "arith.ori") return set(x || y);
    if (name == "arith.xori") return set(x != y);
    return false;
  }
  if (op.getNumOperands() == 2 && std::holds_alternative<int64_t>(in(0))) {
    const auto value = int_op(name, as_int(in(0)), as_int(in(1)));
    return value && set(*value);
  }
  for (unsigned i = 0; i < op.getNumOperands(); ++i)
    if (!std::holds_alternative<Real>(in(i))) return false;
  if (op.getNumOperands() == 1) {
    const Unary* f = unary_op(name);
    if (!f) return false;
    const Real& x = as_dual(in(0));
    if (mlir::isa<mlir::math::AbsFOp>(op)) compared(x, Real(0));
    return set(result(f->f(x.value), f->slope(x.value), x));
  }
  const auto kind = binary_op(name);
  if (op.getNumOperands() != 2 || !kind) return false;
  const Real &x = as_dual(in(0)), &y = as_dual(in(1));
  if (*kind == Binary::Max || *kind == Binary::Min || *kind == Binary::MaxNum ||
      *kind == Binary::MinNum)
    compared(x, y);
  return set(evaluate(*kind, x, y));
}

}  // namespace borel::testing

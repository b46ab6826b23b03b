#include <cmath>
#include <functional>
#include <optional>

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tests/measure/interpreter.h"

namespace borel::testing {
namespace {

namespace arith = mlir::arith;

double propagate_max(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y);
}
double propagate_min(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y);
}

/// Operations of reals alone, by name.
std::optional<double> real_op(llvm::StringRef name, const std::vector<double>& x) {
  using Unary = double (*)(double);
  static const std::map<std::string, Unary, std::less<>> unary = {
      {"math.exp", std::exp},     {"math.exp2", std::exp2},
      {"math.expm1", std::expm1}, {"math.log", std::log},
      {"math.log2", std::log2},   {"math.log10", std::log10},
      {"math.log1p", std::log1p}, {"math.sqrt", std::sqrt},
      {"math.cbrt", std::cbrt},   {"math.sin", std::sin},
      {"math.cos", std::cos},     {"math.tan", std::tan},
      {"math.asin", std::asin},   {"math.acos", std::acos},
      {"math.atan", std::atan},   {"math.sinh", std::sinh},
      {"math.cosh", std::cosh},   {"math.tanh", std::tanh},
      {"math.asinh", std::asinh}, {"math.acosh", std::acosh},
      {"math.atanh", std::atanh}, {"math.erf", std::erf},
      {"math.absf", std::fabs},   {"math.floor", std::floor},
      {"math.ceil", std::ceil},   {"math.trunc", std::trunc},
      {"math.round", std::round}, {"math.roundeven", std::nearbyint}};
  if (x.size() == 1) {
    if (name == "arith.negf") return -x[0];
    if (name == "math.rsqrt") return 1 / std::sqrt(x[0]);
    if (const auto it = unary.find(name.str()); it != unary.end()) return it->second(x[0]);
  }
  if (x.size() == 2) {
    if (name == "arith.addf") return x[0] + x[1];
    if (name == "arith.subf") return x[0] - x[1];
    if (name == "arith.mulf") return x[0] * x[1];
    if (name == "arith.divf") return x[0] / x[1];
    if (name == "arith.remf") return std::fmod(x[0], x[1]);
    if (name == "arith.maximumf") return propagate_max(x[0], x[1]);
    if (name == "arith.minimumf") return propagate_min(x[0], x[1]);
    if (name == "arith.maxnumf") return std::fmax(x[0], x[1]);
    if (name == "arith.minnumf") return std::fmin(x[0], x[1]);
    if (name == "math.powf") return std::pow(x[0], x[1]);
    if (name == "math.atan2") return std::atan2(x[0], x[1]);
    if (name == "math.copysign") return std::copysign(x[0], x[1]);
  }
  if (x.size() == 3 && name == "math.fma") return std::fma(x[0], x[1], x[2]);
  return std::nullopt;
}

std::optional<int64_t> int_op(llvm::StringRef name, int64_t x, int64_t y) {
  if (name == "arith.addi") return x + y;
  if (name == "arith.subi") return x - y;
  if (name == "arith.muli") return x * y;
  if (name == "arith.maxsi") return std::max(x, y);
  if (name == "arith.minsi") return std::min(x, y);
  if (name == "arith.divsi" || name == "arith.remsi") {
    if (y == 0) throw Refused("division by zero");
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

bool Interpreter::run_scalar(mlir::Operation& op, Frame& frame) {
  if (op.getNumResults() != 1) return false;
  const llvm::StringRef name = op.getName().getStringRef();
  auto in = [&](unsigned i) -> const Datum& { return frame.at(op.getOperand(i)); };
  Datum& out = frame[op.getResult(0)];

  if (mlir::isa<arith::SelectOp>(op)) {
    const Datum chosen = std::get<bool>(in(0)) ? in(1) : in(2);
    out = chosen;
    return true;
  }
  if (auto cmp = mlir::dyn_cast<arith::CmpFOp>(op)) {
    out = compare(cmp.getPredicate(), as_real(in(0)), as_real(in(1)));
    return true;
  }
  if (auto cmp = mlir::dyn_cast<arith::CmpIOp>(op)) {
    out = std::holds_alternative<bool>(in(0))
              ? compare(cmp.getPredicate(), std::get<bool>(in(0)), std::get<bool>(in(1)))
              : compare(cmp.getPredicate(), as_int(in(0)), as_int(in(1)));
    return true;
  }
  if (mlir::isa<arith::SIToFPOp>(op)) {
    out = static_cast<double>(as_int(in(0)));
    return true;
  }
  if (mlir::isa<arith::UIToFPOp>(op)) {
    out = std::holds_alternative<bool>(in(0)) ? (std::get<bool>(in(0)) ? 1.0 : 0.0)
                                              : static_cast<double>(as_int(in(0)));
    return true;
  }
  if (mlir::isa<arith::FPToSIOp>(op)) {
    out = static_cast<int64_t>(as_real(in(0)));
    return true;
  }
  if (mlir::isa<arith::ExtUIOp>(op)) {
    out = int64_t{std::get<bool>(in(0)) ? 1 : 0};
    return true;
  }
  if (mlir::isa<arith::TruncIOp>(op)) {
    out = (as_int(in(0)) & 1) != 0;
    return true;
  }
  if (mlir::isa<mlir::math::FPowIOp>(op)) {
    const double x = as_real(in(0));
    const auto n = frame.at(op.getOperand(1));
    out = std::pow(x, static_cast<double>(as_int(n)));
    return true;
  }
  if (op.getNumOperands() == 2 && std::holds_alternative<bool>(in(0))) {
    const bool x = std::get<bool>(in(0)), y = std::get<bool>(in(1));
    if (name == "arith.andi")
      out = x && y;
    else if (name == "arith.ori")
      out = x || y;
    else if (name == "arith.xori")
      out = x != y;
    else
      return false;
    return true;
  }
  if (op.getNumOperands() == 2 && std::holds_alternative<int64_t>(in(0))) {
    const auto value = int_op(name, as_int(in(0)), as_int(in(1)));
    if (value) out = *value;
    return value.has_value();
  }
  std::vector<double> reals;
  for (unsigned i = 0; i < op.getNumOperands(); ++i) {
    if (!std::holds_alternative<double>(in(i))) return false;
    reals.push_back(as_real(in(i)));
  }
  const auto value = real_op(name, reals);
  if (value) out = *value;
  return value.has_value();
}

}  // namespace borel::testing

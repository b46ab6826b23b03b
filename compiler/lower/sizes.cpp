#include <algorithm>
#include <map>

#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::lowering {

using typed::Size;

namespace {
Size from_terms(const std::map<std::vector<typed::VarId>, int64_t>& terms) {
  Size out;
  for (const auto& [factors, coefficient] : terms)
    if (coefficient != 0) out.terms.push_back({coefficient, factors});
  return out;
}
}  // namespace

std::vector<Size> storage_dims(const typed::Type& type) {
  std::vector<Size> dims = type.dims;
  if (type.matrix) std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  return dims;
}

Size constant_size(int64_t value) {
  Size out;
  if (value != 0) out.terms.push_back({value, {}});
  return out;
}

Size add(const Size& a, const Size& b, int64_t scale) {
  std::map<std::vector<typed::VarId>, int64_t> terms;
  for (const auto& term : a.terms) terms[term.factors] += term.coefficient;
  for (const auto& term : b.terms) terms[term.factors] += scale * term.coefficient;
  return from_terms(terms);
}

Size multiply(const Size& a, const Size& b) {
  std::map<std::vector<typed::VarId>, int64_t> terms;
  for (const auto& x : a.terms)
    for (const auto& y : b.terms) {
      std::vector<typed::VarId> factors = x.factors;
      factors.insert(factors.end(), y.factors.begin(), y.factors.end());
      std::sort(factors.begin(), factors.end());
      terms[factors] += x.coefficient * y.coefficient;
    }
  return from_terms(terms);
}

std::optional<int64_t> constant_of(const Size& size) {
  if (size.terms.empty()) return 0;
  if (size.terms.size() == 1 && size.terms[0].factors.empty()) return size.terms[0].coefficient;
  return std::nullopt;
}

bool FunctionLowering::size_known(const Size& size) const {
  for (const auto& term : size.terms)
    for (const typed::VarId factor : term.factors)
      if (factor == typed::VarId::None ||
          (!program_[factor].global && !variables_.contains(factor)))
        return false;
  return true;
}

mlir::Value FunctionLowering::size_value(const Size& size) {
  mlir::Value total;
  for (const auto& term : size.terms) {
    mlir::Value product;
    for (const typed::VarId factor : term.factors) {
      const mlir::Value value = variable(factor).front();
      product = product ? operation(typed::Op::Mul, {product, value}, typed::PlaceId::None) : value;
    }
    if (!product) {
      product = integer(term.coefficient);
    } else if (term.coefficient != 1) {
      product =
          operation(typed::Op::Mul, {product, integer(term.coefficient)}, typed::PlaceId::None);
    }
    total = total ? operation(typed::Op::Add, {total, product}, typed::PlaceId::None) : product;
  }
  return total ? total : integer(0);
}

namespace {
bool never_negative(const Size& size, const typed::Program& program) {
  return std::all_of(size.terms.begin(), size.terms.end(), [&](const Size::Term& term) {
    return term.coefficient >= 0 &&
           std::all_of(term.factors.begin(), term.factors.end(),
                       [&](typed::VarId v) { return program[v].not_negative; });
  });
}
}  // namespace

mlir::Value FunctionLowering::extent_value(const Size& size) {
  const mlir::Value value = size_value(size);
  if (never_negative(size, program_)) return value;
  return b_.createOrFold<mlir::arith::MaxSIOp>(loc_, value, integer(0));
}

mlir::Value FunctionLowering::extent_value(const typed::Expr& size) {
  const auto polynomial = as_size(size);
  const mlir::Value given = value(size);
  if (polynomial && never_negative(*polynomial, program_)) return given;
  return b_.createOrFold<mlir::arith::MaxSIOp>(loc_, given, integer(0));
}

/// An int expression as a polynomial over immutable variables, where it is one.
std::optional<Size> FunctionLowering::as_size(const typed::Expr& expr) const {
  if (const auto* constant = typed::as<typed::Constant>(expr)) {
    const auto* value = std::get_if<int64_t>(&constant->value);
    if (!value) return std::nullopt;
    return constant_size(*value);
  }
  if (const auto* ref = typed::as<typed::VarRef>(expr)) {
    if (program_[ref->variable].is_mutable) return std::nullopt;
    Size out;
    out.terms.push_back({1, {ref->variable}});
    return out;
  }
  const auto* builtin = typed::as<typed::Builtin>(expr);
  if (!builtin || builtin->args.empty()) return std::nullopt;
  if (builtin->op == typed::Op::Dim) {
    const auto* which = typed::as<typed::Constant>(*builtin->args[1]);
    return builtin->args[0]->type.dims[static_cast<size_t>(std::get<int64_t>(which->value))];
  }
  const auto left = as_size(*builtin->args[0]);
  if (!left) return std::nullopt;
  if (builtin->op == typed::Op::Neg) return add(Size{}, *left, -1);
  if (builtin->args.size() != 2) return std::nullopt;
  const auto right = as_size(*builtin->args[1]);
  if (!right) return std::nullopt;
  if (builtin->op == typed::Op::Add) return add(*left, *right);
  if (builtin->op == typed::Op::Sub) return add(*left, *right, -1);
  if (builtin->op == typed::Op::Mul) return multiply(*left, *right);
  return std::nullopt;
}

namespace {
/// Shown to be >= 0: a polynomial of sizes with no negative coefficient. Only sizes are known not
/// to be negative.
bool not_negative(const Size& size, const typed::Program& program) {
  for (const auto& term : size.terms) {
    if (term.coefficient < 0) return false;
    for (const typed::VarId factor : term.factors)
      if (std::find(program.sizes.begin(), program.sizes.end(), factor) == program.sizes.end())
        return false;
  }
  return true;
}
}  // namespace

bool FunctionLowering::known_in_range(const typed::Expr& index, const Size& extent) const {
  const auto position = as_size(index);
  if (!position) return false;
  // The lowest (or highest) value over the loops around: each induction variable in a linear term
  // is replaced by its bound, whose own variables are outer ones.
  auto end_of = [&](bool highest) {
    Size size = *position;
    for (bool again = true; again;) {
      again = false;
      for (const auto& term : size.terms) {
        if (term.factors.size() != 1) continue;
        const auto range = ranges_.find(term.factors[0]);
        if (range == ranges_.end()) continue;
        Size self;
        self.terms.push_back({1, term.factors});
        const Size bound = highest == (term.coefficient > 0)
                               ? add(range->second.upper, constant_size(1), -1)
                               : range->second.lower;
        size = add(size, add(bound, self, -1), term.coefficient);
        again = true;
        break;
      }
    }
    return size;
  };
  const Size room = add(add(extent, constant_size(1), -1), end_of(true), -1);
  return not_negative(end_of(false), program_) && not_negative(room, program_);
}

bool FunctionLowering::known_ordered(const typed::Expr& lower, const typed::Expr& upper) const {
  const auto a = as_size(lower), b = as_size(upper);
  return a && b && not_negative(add(*b, *a, -1), program_);
}

/// Whether an operation on ints can neither overflow nor divide by zero.
bool FunctionLowering::cannot_fail(const typed::Expr& expr) const {
  const auto* builtin = typed::as<typed::Builtin>(expr);
  if (builtin && (builtin->op == typed::Op::Div || builtin->op == typed::Op::Mod)) {
    const auto* constant = typed::as<typed::Constant>(*builtin->args[1]);
    const auto* divisor = constant ? std::get_if<int64_t>(&constant->value) : nullptr;
    return divisor && *divisor != 0 && *divisor != -1;
  }
  return is_index_arithmetic(expr);
}

/// An induction variable or a size plus or minus others and constants.
bool FunctionLowering::is_index_arithmetic(const typed::Expr& expr) const {
  const auto* builtin = typed::as<typed::Builtin>(expr);
  if (!builtin) {
    if (const auto* ref = typed::as<typed::VarRef>(expr))
      return ranges_.contains(ref->variable) ||
             std::find(program_.sizes.begin(), program_.sizes.end(), ref->variable) !=
                 program_.sizes.end();
    const auto* constant = typed::as<typed::Constant>(expr);
    const auto* value = constant ? std::get_if<int64_t>(&constant->value) : nullptr;
    return value && *value > -(int64_t{1} << 32) && *value < (int64_t{1} << 32);
  }
  if (builtin->op == typed::Op::Dim) return true;
  if (builtin->op != typed::Op::Add && builtin->op != typed::Op::Sub) return false;
  return is_index_arithmetic(*builtin->args[0]) && is_index_arithmetic(*builtin->args[1]);
}

}  // namespace borel::lowering

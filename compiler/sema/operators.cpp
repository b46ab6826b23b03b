// Operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

std::string_view sign_of(ast::BinaryOp op) {
  switch (op) {
    case ast::BinaryOp::Or:
      return "||";
    case ast::BinaryOp::And:
      return "&&";
    case ast::BinaryOp::Eq:
      return "==";
    case ast::BinaryOp::Ne:
      return "!=";
    case ast::BinaryOp::Lt:
      return "<";
    case ast::BinaryOp::Le:
      return "<=";
    case ast::BinaryOp::Gt:
      return ">";
    case ast::BinaryOp::Ge:
      return ">=";
    case ast::BinaryOp::Add:
      return "+";
    case ast::BinaryOp::Sub:
      return "-";
    case ast::BinaryOp::Mul:
      return "*";
    case ast::BinaryOp::Div:
      return "/";
    case ast::BinaryOp::Mod:
      return "%";
    case ast::BinaryOp::ElementMul:
      return ".*";
    case ast::BinaryOp::ElementDiv:
      return "./";
    case ast::BinaryOp::Pow:
      return "^";
  }
  return "?";
}

/// x op y; nothing where op is no comparison.
template <typename T>
std::optional<bool> compared(Op op, T x, T y) {
  switch (op) {
    case Op::Eq:
      return x == y;
    case Op::Ne:
      return x != y;
    case Op::Lt:
      return x < y;
    case Op::Le:
      return x <= y;
    case Op::Gt:
      return x > y;
    case Op::Ge:
      return x >= y;
    default:
      return std::nullopt;
  }
}

template <class T>
const T* constant_of(const ExprPtr& e) {
  const auto* c = typed::as<typed::Constant>(*e);
  return c != nullptr ? std::get_if<T>(&c->value) : nullptr;
}

}  // namespace

Value Elaborator::unary(const ast::UnaryExpr& e, Span span) {
  ExprPtr x = runtime_expr(*e.operand, "an operand");
  if (!x) return {};
  if (e.op == ast::UnaryOp::Not) {
    if (x->type.kind > Type::Kind::Array || x->type.scalar != Scalar::Bool ||
        x->type.kind == Type::Kind::Unit) {
      error("type.operand", e.operand->span, "'!' wants a bool").with_found(text(x->type));
      return {};
    }
    Type type = x->type;
    return builtin(span, std::move(type), Op::Not, std::move(x));
  }
  if (!is_numeric(x->type)) {
    error("type.operand", e.operand->span,
          std::string("'") + (e.op == ast::UnaryOp::Neg ? "-" : "+") + "' wants a number or array")
        .with_found(text(x->type));
    return {};
  }
  if (e.op == ast::UnaryOp::Plus) return x;
  const auto* i = constant_of<int64_t>(x);
  if (i != nullptr && *i != std::numeric_limits<int64_t>::min()) return constant(span, -*i);
  if (const auto* d = constant_of<double>(x)) return constant(span, -*d);
  Type type = x->type;
  PlaceId place = type.scalar == Scalar::Int ? new_place(span, "int negation") : PlaceId::None;
  std::vector<ExprPtr> args;
  args.push_back(std::move(x));
  return builtin(span, std::move(type), Op::Neg, std::move(args), place);
}

Value Elaborator::binary(const ast::BinaryExpr& e, Span span) {
  using B = ast::BinaryOp;
  if (e.op == B::And || e.op == B::Or) {
    std::string what = "an operand of '" + std::string(sign_of(e.op)) + "'";
    ExprPtr a = typed_expr(*e.lhs, bool_type(), what);
    ExprPtr b = lazily([&] { return typed_expr(*e.rhs, bool_type(), what); });
    if (!a || !b) return {};
    if (const bool* x = constant_of<bool>(a)) {
      return *x == (e.op == B::And) ? std::move(b) : std::move(a);
    }
    return builtin(span, bool_type(), e.op == B::And ? Op::And : Op::Or, std::move(a),
                   std::move(b));
  }
  ExprPtr a = runtime_expr(*e.lhs, "an operand");
  ExprPtr b = runtime_expr(*e.rhs, "an operand");
  if (!a || !b) return {};
  ExprPtr out = arithmetic(e.op, std::move(a), std::move(b), span, e.op_span);
  return out ? Value(std::move(out)) : Value();
}

ExprPtr Elaborator::arithmetic(ast::BinaryOp op, ExprPtr a, ExprPtr b, Span span, Span op_span) {
  using B = ast::BinaryOp;
  std::string_view sign = sign_of(op);
  if (op == B::Eq || op == B::Ne) {
    bool both_bool = a->type.scalar == Scalar::Bool && b->type.scalar == Scalar::Bool &&
                     a->type.kind != Type::Kind::Tuple && b->type.kind != Type::Kind::Tuple;
    if (both_bool) {
      return elementwise(op == B::Eq ? Op::Eq : Op::Ne, std::move(a), std::move(b), Scalar::Bool,
                         span, op_span, sign);
    }
  }
  if (!is_numeric(a->type) || !is_numeric(b->type)) {
    error("type.operand", op_span, "'" + std::string(sign) + "' wants numbers or arrays of them")
        .with_found(text(a->type) + " and " + text(b->type));
    return nullptr;
  }
  Scalar both =
      a->type.scalar == Scalar::Int && b->type.scalar == Scalar::Int ? Scalar::Int : Scalar::Real;
  switch (op) {
    case B::Add:
      return elementwise(Op::Add, std::move(a), std::move(b), both, span, op_span, sign);
    case B::Sub:
      return elementwise(Op::Sub, std::move(a), std::move(b), both, span, op_span, sign);
    case B::Mul:
      return product(std::move(a), std::move(b), span, op_span);
    case B::ElementMul:
      return elementwise(Op::Mul, std::move(a), std::move(b), both, span, op_span, sign);
    case B::Div:
      if (is_array(a->type) && is_array(b->type)) {
        error("type.division", op_span, "'/' does not divide an array by an array")
            .with_found(text(a->type) + " and " + text(b->type))
            .with_suggestion("use './' to divide element by element");
        return nullptr;
      }
      return elementwise(Op::Div, std::move(a), std::move(b), both, span, op_span, sign);
    case B::ElementDiv:
      return elementwise(Op::Div, std::move(a), std::move(b), both, span, op_span, sign);
    case B::Mod:
      if (both != Scalar::Int) {
        error("type.operand", op_span, "'%' wants ints")
            .with_found(text(a->type) + " and " + text(b->type));
        return nullptr;
      }
      return elementwise(Op::Mod, std::move(a), std::move(b), both, span, op_span, sign);
    case B::Pow:
      return power(std::move(a), std::move(b), span, op_span);
    default:
      break;
  }
  Op comparison = op == B::Eq   ? Op::Eq
                  : op == B::Ne ? Op::Ne
                  : op == B::Lt ? Op::Lt
                  : op == B::Le ? Op::Le
                  : op == B::Gt ? Op::Gt
                                : Op::Ge;
  return elementwise(comparison, std::move(a), std::move(b), Scalar::Bool, span, op_span, sign);
}

ExprPtr Elaborator::elementwise(Op op, ExprPtr a, ExprPtr b, Scalar result, Span span, Span op_span,
                                std::string_view sign) {
  if (a->type.scalar != b->type.scalar ||
      (result == Scalar::Real && a->type.scalar != Scalar::Real)) {
    a = to_real(std::move(a));
    b = to_real(std::move(b));
  }
  // What a person would fold: keeps defaults and literal bounds constant.
  if (const double* x = constant_of<double>(a), *y = constant_of<double>(b); x && y) {
    if (op == Op::Add) return constant(span, *x + *y);
    if (op == Op::Sub) return constant(span, *x - *y);
    if (op == Op::Mul) return constant(span, *x * *y);
    if (op == Op::Div) return constant(span, *x / *y);
    if (op == Op::Min) return constant(span, std::min(*x, *y));
    if (op == Op::Max) return constant(span, std::max(*x, *y));
    if (const std::optional<bool> holds = compared(op, *x, *y)) return constant(span, *holds);
  }
  if (const int64_t* x = constant_of<int64_t>(a), *y = constant_of<int64_t>(b); x && y) {
    int64_t folded = 0;
    if (const std::optional<bool> holds = compared(op, *x, *y)) return constant(span, *holds);
    if (op == Op::Add && !__builtin_add_overflow(*x, *y, &folded)) return constant(span, folded);
    if (op == Op::Sub && !__builtin_sub_overflow(*x, *y, &folded)) return constant(span, folded);
    if (op == Op::Mul && !__builtin_mul_overflow(*x, *y, &folded)) return constant(span, folded);
  }
  Type type = is_array(a->type) ? a->type : b->type;
  if (is_array(a->type) && is_array(b->type)) {
    std::string what = "'" + std::string(sign) + "' of arrays of different shapes";
    if (a->type.matrix != b->type.matrix) {
      error("type.shape", op_span, what).with_found(text(a->type) + " and " + text(b->type));
      return nullptr;
    }
    if (!same_dims(a->type, b->type, span, what)) return nullptr;
  }
  PlaceId place = PlaceId::None;
  if (result == Scalar::Int) place = new_place(span, "int '" + std::string(sign) + "'");
  type.scalar = result;
  std::vector<ExprPtr> args;
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return builtin(span, std::move(type), op, std::move(args), place);
}

ExprPtr Elaborator::product(ExprPtr a, ExprPtr b, Span span, Span op_span) {
  Scalar both =
      a->type.scalar == Scalar::Int && b->type.scalar == Scalar::Int ? Scalar::Int : Scalar::Real;
  if (!is_array(a->type) || !is_array(b->type)) {
    return elementwise(Op::Mul, std::move(a), std::move(b), both, span, op_span, "*");
  }
  bool product_of_matrices =
      (a->type.matrix && a->type.dims.size() == 2 &&
       (b->type.dims.size() == 1 || (b->type.matrix && b->type.dims.size() == 2))) ||
      (b->type.matrix && b->type.dims.size() == 2 && a->type.dims.size() == 1);
  if (!product_of_matrices) {
    Diagnostic& d = error("type.product", op_span, "'*' does not multiply these arrays")
                        .with_found(text(a->type) + " and " + text(b->type));
    if (a->type.dims.size() == 1 && b->type.dims.size() == 1) {
      d.with_suggestion("use '.*' to multiply element by element, or dot(x, y) for their product");
    } else if (a->type.dims.size() <= 2 && b->type.dims.size() <= 2) {
      d.with_suggestion(
          "declare a table of numbers as matrix[n, m] to multiply it as a matrix, or use "
          "'.*' to multiply element by element");
    } else {
      d.with_suggestion("use '.*' to multiply element by element");
    }
    return nullptr;
  }
  a = to_real(std::move(a));
  b = to_real(std::move(b));
  const std::vector<Size>& x = a->type.dims;
  const std::vector<Size>& y = b->type.dims;
  if (!same_size(
          x.back(), y.front(), span,
          "'*' of " + text(a->type) + " and " + text(b->type) + ", whose inner sizes differ")) {
    return nullptr;
  }
  std::vector<Size> dims;
  if (x.size() == 2) dims.push_back(x[0]);
  if (y.size() == 2) dims.push_back(y[1]);
  bool matrix = dims.size() == 2;
  return builtin(span, array_type(Scalar::Real, std::move(dims), matrix), Op::MatMul, std::move(a),
                 std::move(b));
}

ExprPtr Elaborator::power(ExprPtr a, ExprPtr b, Span span, Span op_span) {
  const int64_t* exponent = constant_of<int64_t>(b);
  if (exponent != nullptr && a->type.scalar == Scalar::Int && *exponent >= 1 && *exponent <= 8) {
    Atom base = bind_atom(std::move(a), "base", span);
    ExprPtr out = from_atom(base, span);
    for (int64_t i = 1; i < *exponent; ++i) {
      out = elementwise(Op::Mul, std::move(out), from_atom(base, span), Scalar::Int, span, op_span,
                        "^");
    }
    return out;
  }
  a = to_real(std::move(a));
  if (is_scalar(b->type, Scalar::Int)) {
    Type type = a->type;
    return builtin(span, std::move(type), Op::PowInt, std::move(a), std::move(b));
  }
  return elementwise(Op::Pow, std::move(a), to_real(std::move(b)), Scalar::Real, span, op_span,
                     "^");
}

}  // namespace borel::sema

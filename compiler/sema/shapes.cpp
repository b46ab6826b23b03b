// Sizes and types: what they read as, when they agree, how one becomes another.
#include "compiler/sema/elaborator.h"

namespace borel::sema {

std::optional<Size> Elaborator::try_size(const typed::Expr& expr) const {
  if (!is_scalar(expr.type, Scalar::Int)) return std::nullopt;
  // What overflows is no polynomial: it is computed when the program runs, and faults there.
  const auto exact = [](Size size) {
    return is_exact(size) ? std::optional<Size>(std::move(size)) : std::nullopt;
  };
  if (const auto* c = typed::as<typed::Constant>(expr)) {
    return exact(constant_size(std::get<int64_t>(c->value)));
  }
  if (const auto* v = typed::as<typed::VarRef>(expr)) {
    auto known = known_size_.find(v->variable);
    if (known != known_size_.end()) return known->second;
    if (program_[v->variable].is_mutable) return std::nullopt;
    return variable_size(v->variable);
  }
  const auto* b = typed::as<typed::Builtin>(expr);
  if (b == nullptr) return std::nullopt;
  if (b->op == Op::Dim) {
    const auto* which = typed::as<typed::Constant>(*b->args[1]);
    return b->args[0]->type.dims[static_cast<size_t>(std::get<int64_t>(which->value))];
  }
  if (b->op == Op::Neg) {
    std::optional<Size> a = try_size(*b->args[0]);
    if (!a) return std::nullopt;
    return subtract(Size{}, *a);
  }
  if (b->op != Op::Add && b->op != Op::Sub && b->op != Op::Mul) return std::nullopt;
  std::optional<Size> x = try_size(*b->args[0]);
  std::optional<Size> y = try_size(*b->args[1]);
  if (!x || !y) return std::nullopt;
  if (b->op == Op::Add) return exact(add(*x, *y));
  if (b->op == Op::Sub) return exact(subtract(*x, *y));
  return exact(multiply(*x, *y));
}

Size Elaborator::size_of(ExprPtr& expr) {
  if (std::optional<Size> size = try_size(*expr)) return *size;
  Span span = expr->span;
  VarId variable = new_variable("size", int_type(), span);
  emit_let(variable, std::move(expr), span);
  expr = reference(variable, span);
  return variable_size(variable);
}

ExprPtr Elaborator::size_expr(const Size& size, Span span, PlaceId place) {
  const auto checked = [&](Op op, ExprPtr a, ExprPtr b) {
    std::vector<ExprPtr> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return builtin(span, int_type(), op, std::move(both), place);
  };
  ExprPtr sum;
  for (const Size::Term& term : size.terms) {
    int64_t coefficient = term.coefficient;
    bool minus = sum && coefficient < 0;
    if (minus) coefficient = -coefficient;
    ExprPtr product;
    if (coefficient != 1 || term.factors.empty()) product = constant(span, coefficient);
    for (VarId factor : term.factors) {
      ExprPtr next = reference(factor, span);
      product = product ? checked(Op::Mul, std::move(product), std::move(next)) : std::move(next);
    }
    sum = sum ? checked(minus ? Op::Sub : Op::Add, std::move(sum), std::move(product))
              : std::move(product);
  }
  return sum ? std::move(sum) : constant(span, int64_t{0});
}

void Elaborator::check_bytes(const std::vector<Size>& dims, Span span, const std::string& what,
                             const std::string& site) {
  Size elements = constant_size(8);
  for (const Size& dim : dims) elements = multiply(elements, dim);
  if (!is_exact(elements)) {
    error("type.size", span, "an array of this size has no room in any memory").with_found(what);
    return;
  }
  if (constant_value(elements)) return;
  const PlaceId place = new_place(span, "the bytes of " + what, site);
  const auto op = [&](Op kind, ExprPtr a, ExprPtr b) {
    std::vector<ExprPtr> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return builtin(span, int_type(), kind, std::move(both),
                   kind == Op::Mul ? place : PlaceId::None);
  };
  ExprPtr bytes = constant(span, int64_t{8});
  for (const Size& dim : dims) {
    bytes = op(Op::Mul, std::move(bytes),
               op(Op::Max, size_expr(dim, span, place), constant(span, int64_t{0})));
  }
  // The product itself is what may fail.
  emit(span, typed::Check{
                 builtin(span, bool_type(), Op::Ge, std::move(bytes), constant(span, int64_t{0})),
                 place});
}

std::string Elaborator::text(const Size& size) const {
  return sema::text(size, [this](VarId v) { return program_[v].name; });
}

std::string Elaborator::text(const Type& type) const {
  switch (type.kind) {
    case Type::Kind::Unit:
      return "nothing";
    case Type::Kind::Tuple: {
      if (!type.dims.empty()) {
        std::string out = text(without_dims(type, type.dims.size())) + "[";
        for (size_t i = 0; i < type.dims.size(); ++i) {
          out += (i == 0 ? "" : ", ") + text(type.dims[i]);
        }
        return out + "]";
      }
      std::string out = type.fields.empty() ? "(" : "{";
      for (size_t i = 0; i < type.elements.size(); ++i) {
        if (i != 0) out += ", ";
        if (!type.fields.empty()) out += type.fields[i] + ": ";
        out += text(type.elements[i]);
      }
      return out + (type.fields.empty() ? ")" : "}");
    }
    default:
      break;
  }
  std::string name = type.scalar == Scalar::Bool  ? "bool"
                     : type.scalar == Scalar::Int ? "int"
                                                  : "real";
  if (type.kind == Type::Kind::Scalar) return name;
  auto list = [&](size_t from, size_t to) {
    std::string out = "[";
    for (size_t i = from; i < to; ++i) {
      if (i != from) out += ", ";
      out += text(type.dims[i]);
    }
    return out + "]";
  };
  size_t rank = type.dims.size();
  if (!type.matrix) return name + list(0, rank);
  std::string out = "matrix" + list(rank - 2, rank);
  return rank > 2 ? out + list(0, rank - 2) : out;
}

bool Elaborator::is_scalar(const Type& type, Scalar scalar) {
  return type.kind == Type::Kind::Scalar && type.scalar == scalar;
}

bool Elaborator::is_numeric(const Type& type) {
  return (type.kind == Type::Kind::Scalar || type.kind == Type::Kind::Array) &&
         type.scalar != Scalar::Bool;
}

bool Elaborator::same_size(const Size& a, const Size& b, Span span, const std::string& what) {
  Size difference = subtract(a, b);
  std::optional<int64_t> constant_difference = constant_value(difference);
  if (constant_difference) {
    if (*constant_difference == 0) return true;
    error("type.shape", span, what).with_found(text(a)).with_expected(text(b));
    return false;
  }
  ExprPtr equal = builtin(span, bool_type(), Op::Eq, size_expr(a, span), size_expr(b, span));
  emit(span,
       typed::Check{std::move(equal), new_place(span, what + ": " + text(a) + " and " + text(b))});
  return true;
}

bool Elaborator::same_dims(const Type& a, const Type& b, Span span, const std::string& what) {
  if (a.dims.size() != b.dims.size()) {
    error("type.shape", span, what).with_found(text(a)).with_expected(text(b));
    return false;
  }
  for (size_t i = 0; i < a.dims.size(); ++i) {
    std::optional<int64_t> d = constant_value(subtract(a.dims[i], b.dims[i]));
    if (d && *d != 0) {
      error("type.shape", span, what).with_found(text(a)).with_expected(text(b));
      return false;
    }
  }
  for (size_t i = 0; i < a.dims.size(); ++i) same_size(a.dims[i], b.dims[i], span, what);
  return true;
}

ExprPtr Elaborator::to_real(ExprPtr value) {
  if (value->type.scalar == Scalar::Real) return value;
  Span span = value->span;
  if (const auto* c = typed::as<typed::Constant>(*value)) {
    if (const int64_t* i = std::get_if<int64_t>(&c->value)) {
      return constant(span, static_cast<double>(*i));
    }
  }
  Type type = value->type;
  Op op = type.scalar == Scalar::Int ? Op::IntToReal : Op::BoolToReal;
  type.scalar = Scalar::Real;
  return builtin(span, std::move(type), op, std::move(value));
}

bool Elaborator::equal_but_dims(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Type::Kind::Unit) return true;
  if (a.kind == Type::Kind::Tuple) {
    if (a.elements.size() != b.elements.size() || a.dims.size() != b.dims.size()) return false;
    for (size_t i = 0; i < a.elements.size(); ++i) {
      if (!equal_but_dims(a.elements[i], b.elements[i])) return false;
    }
    return true;
  }
  return a.scalar == b.scalar && a.dims.size() == b.dims.size() && a.matrix == b.matrix;
}

std::optional<Type> Elaborator::join(const Type& a, const Type& b) {
  if (a.kind != b.kind) return std::nullopt;
  Type out = a;
  if (a.kind == Type::Kind::Tuple) {
    if (a.elements.size() != b.elements.size() || a.dims.size() != b.dims.size()) {
      return std::nullopt;
    }
    for (size_t i = 0; i < a.elements.size(); ++i) {
      std::optional<Type> element = join(a.elements[i], b.elements[i]);
      if (!element) return std::nullopt;
      out.elements[i] = std::move(*element);
    }
    return out;
  }
  if (a.kind == Type::Kind::Unit) return out;
  if (a.dims.size() != b.dims.size() || a.matrix != b.matrix) return std::nullopt;
  if (a.scalar != b.scalar) {
    if (a.scalar == Scalar::Bool || b.scalar == Scalar::Bool) return std::nullopt;
    out.scalar = Scalar::Real;
  }
  return out;
}

ExprPtr Elaborator::coerce(ExprPtr value, const Type& wanted, Span span, const std::string& what) {
  if (!value) return nullptr;
  // A comprehension is a matrix where one is wanted.
  if (wanted.matrix && !value->type.matrix && value->type.dims.size() == wanted.dims.size() &&
      typed::as<typed::Comprehension>(*value)) {
    value = to_real(std::move(value));
    if (auto* made = std::get_if<typed::Comprehension>(&value->node);
        made && made->generators.size() == value->type.dims.size()) {
      value->type.matrix = true;
    }
  }
  const Type& type = value->type;
  auto fail = [&]() -> ExprPtr {
    Diagnostic& d = error("type.mismatch", span, what + " has the wrong type")
                        .with_found(text(type))
                        .with_expected(text(wanted));
    if (type.kind == wanted.kind && is_numeric(type) && type.scalar == Scalar::Real &&
        wanted.scalar == Scalar::Int) {
      d.with_suggestion(
          "a real never becomes an int by itself; use to_int(x), which rounds towards zero");
    }
    return nullptr;
  };
  if (type.kind != wanted.kind) return fail();
  if (type.kind == Type::Kind::Unit) return value;
  if (type.kind == Type::Kind::Tuple) {
    if (type.elements.size() != wanted.elements.size()) return fail();
    if (!join(type, wanted)) return fail();
    bool conversion = false;
    for (size_t i = 0; i < type.elements.size(); ++i) {
      if (!equal_but_dims(type.elements[i], wanted.elements[i])) conversion = true;
    }
    if (auto* made = std::get_if<typed::MakeTuple>(&value->node)) {
      for (size_t i = 0; i < made->elements.size(); ++i) {
        made->elements[i] = coerce(std::move(made->elements[i]), wanted.elements[i], span, what);
        if (!made->elements[i]) return nullptr;
        value->type.elements[i] = made->elements[i]->type;
      }
      value->type.fields = wanted.fields;
      return value;
    }
    if (!conversion) {
      for (size_t i = 0; i < type.elements.size(); ++i) {
        if (is_array(type.elements[i]) &&
            !same_dims(type.elements[i], wanted.elements[i], span, what + " has the wrong shape")) {
          return nullptr;
        }
      }
      value->type.fields = wanted.fields;
      return value;
    }
    Atom whole = bind_atom(std::move(value), "tuple", span);
    std::vector<ExprPtr> elements;
    Type converted = wanted;
    for (size_t i = 0; i < whole.type.elements.size(); ++i) {
      ExprPtr element = make(span, whole.type.elements[i],
                             typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)});
      element = coerce(std::move(element), wanted.elements[i], span, what);
      if (!element) return nullptr;
      converted.elements[i] = element->type;
      elements.push_back(std::move(element));
    }
    return make(span, std::move(converted), typed::MakeTuple{std::move(elements)});
  }
  if (type.dims.size() != wanted.dims.size() || type.matrix != wanted.matrix) return fail();
  if (type.scalar != wanted.scalar) {
    if (type.scalar != Scalar::Int || wanted.scalar != Scalar::Real) return fail();
    value = to_real(std::move(value));
  }
  if (!same_dims(value->type, wanted, span, what + " has the wrong shape")) return nullptr;
  return value;
}

}  // namespace borel::sema

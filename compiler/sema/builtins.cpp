// The functions that the compiler knows.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

struct MathFunction {
  std::string_view name;
  Op op;
  enum class Kind { Real1, RealToBool, Number1, Number2, Real2 } kind;
};

constexpr MathFunction::Kind real1 = MathFunction::Kind::Real1;
constexpr MathFunction math_functions[] = {
    {"sqrt", Op::Sqrt, real1},
    {"exp", Op::Exp, real1},
    {"expm1", Op::Expm1, real1},
    {"log", Op::Log, real1},
    {"log1p", Op::Log1p, real1},
    {"sin", Op::Sin, real1},
    {"cos", Op::Cos, real1},
    {"tan", Op::Tan, real1},
    {"asin", Op::Asin, real1},
    {"acos", Op::Acos, real1},
    {"atan", Op::Atan, real1},
    {"sinh", Op::Sinh, real1},
    {"cosh", Op::Cosh, real1},
    {"tanh", Op::Tanh, real1},
    {"cbrt", Op::Cbrt, real1},
    {"erf", Op::Erf, real1},
    {"erfc", Op::Erfc, real1},
    {"lgamma", Op::Lgamma, real1},
    {"digamma", Op::Digamma, real1},
    {"trigamma", Op::Trigamma, real1},
    {"Phi", Op::NormalCdf, real1},
    {"log_Phi", Op::LogNormalCdf, real1},
    {"floor", Op::Floor, real1},
    {"ceil", Op::Ceil, real1},
    {"round", Op::Round, real1},
    {"trunc", Op::Trunc, real1},
    {"is_finite", Op::IsFinite, MathFunction::Kind::RealToBool},
    {"is_nan", Op::IsNan, MathFunction::Kind::RealToBool},
    {"abs", Op::Abs, MathFunction::Kind::Number1},
    {"min", Op::Min, MathFunction::Kind::Number2},
    {"max", Op::Max, MathFunction::Kind::Number2},
    {"pow", Op::Pow, MathFunction::Kind::Real2},
    {"atan2", Op::Atan2, MathFunction::Kind::Real2},
};

// Name and number of arguments (from, to) of the rest.
struct Special {
  std::string_view name;
  size_t least, most;
};
constexpr size_t unbounded = 99;
constexpr Special specials[] = {
    {"sum", 1, 1},         {"dot", 2, 2},      {"zeros", 1, unbounded}, {"fill", 2, unbounded},
    {"len", 1, 1},         {"size", 1, 2},     {"rows", 1, 1},          {"cols", 1, 1},
    {"transpose", 1, 1},   {"cholesky", 1, 1}, {"solve_lower", 2, 2},   {"real", 1, 1},
    {"int", 1, 1},         {"bool", 1, 1},     {"uniform", 0, 0},       {"reals", 1, 1},
    {"simulate", 1, 1},    {"logp", 2, 2},     {"grad", 1, 1},          {"value_and_grad", 1, 1},
    {"factor", 1, 1},      {"reject", 0, 0},   {"require", 1, 1},       {"iid", 2, unbounded},
    {"stages", 1, 1},      {"integers", 2, 2}, {"naturals", 0, 0},      {"to_int", 1, 1},
    {"is_constant", 1, 1},
};

const MathFunction* find_math(std::string_view name) {
  for (const MathFunction& f : math_functions) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

}  // namespace

bool Elaborator::is_builtin(const std::string& name) const {
  return find_math(name) != nullptr ||
         std::any_of(std::begin(specials), std::end(specials),
                     [&](const Special& s) { return s.name == name; });
}

std::vector<std::string> Elaborator::builtin_names() const {
  std::vector<std::string> out{"inf", "nan", "pi"};
  for (const MathFunction& f : math_functions) out.emplace_back(f.name);
  for (const Special& s : specials) out.emplace_back(s.name);
  return out;
}

Value Elaborator::call_builtin(const std::string& name, const ast::CallExpr& e, Span span) {
  if (name == "iid") return iid(e, span);
  if (name == "reals") return make_reals(e, span);
  bool ok = true;
  std::vector<Value> args = plain_args(e, name, ok);
  if (!ok) return {};
  if (const MathFunction* f = find_math(name)) {
    size_t wanted =
        f->kind == MathFunction::Kind::Number2 || f->kind == MathFunction::Kind::Real2 ? 2 : 1;
    if (!check_count(name, wanted, args.size(), span)) return {};
  }
  for (const Special& s : specials) {
    if (s.name != name) continue;
    if (args.size() < s.least || args.size() > s.most) {
      check_count(name, args.size() < s.least ? s.least : s.most, args.size(), span);
      return {};
    }
  }
  // Those whose argument is a compile-time value.
  if (name == "simulate" || name == "logp" || name == "stages") {
    if (get<ModelValue>(args[0]) == nullptr) {
      Diagnostic& d = error("type.model", e.args[0].span, name + "(…) wants a model");
      if (const StaticPtr* s = args[0].as_static()) d.with_found(kind_of(**s));
      return {};
    }
    StaticPtr model = *args[0].as_static();
    if (name == "simulate") return simulate(model, span);
    if (name == "stages") return make_stages(model, span);
    return trace_density(model, std::move(args[1]), span);
  }
  if (name == "grad" || name == "value_and_grad") {
    if (args[0].as_static() == nullptr) {
      error("grad.function", e.args[0].span, name + "(…) wants a function");
      return {};
    }
    return make_static(GradientValue{*args[0].as_static(), name == "value_and_grad"});
  }
  if (name == "integers" || name == "naturals") {
    return support_of_builtin(name, std::move(args), e.args, span);
  }
  if ((name == "len" || name == "size") && get<TupleValue>(args[0]) != nullptr) {
    return constant(span, static_cast<int64_t>(get<TupleValue>(args[0])->elements.size()));
  }
  std::vector<ExprPtr> values;
  for (size_t i = 0; i < args.size(); ++i) {
    values.push_back(runtime(std::move(args[i]), e.args[i].span, "an argument of '" + name + "'"));
    if (!values.back()) return {};
  }
  return call_math(name, std::move(values), span);
}

Value Elaborator::support_of_builtin(const std::string& name, std::vector<Value> args,
                                     const std::vector<ast::Argument>& written, Span span) {
  if (name != "integers") {
    if (!args.empty()) {
      check_count(name, 0, args.size(), span);
      return {};
    }
    StaticPtr support = as_support(make_static(BuiltinValue{name}), span, "a type");
    return support ? Value(support) : Value();
  }
  // integers(lo, hi): both ends included.
  if (!check_count(name, 2, args.size(), span)) return {};
  SupportValue out;
  out.base = SupportValue::Base::Int;
  out.name = name;
  out.text = std::string(library_.sources().text(span));
  out.span = span;
  const char* ends[] = {"lo", "hi"};
  for (size_t i = 0; i < 2; ++i) {
    Span where = written[i].span;
    ExprPtr end =
        coerce(runtime(std::move(args[i]), where), int_type(), where, "an end of integers(lo, hi)");
    if (!end) return {};
    out.captures.emplace_back(ends[i], bind(Value(std::move(end)), ends[i], where));
  }
  return make_static(std::move(out));
}

Value Elaborator::call_math(const std::string& name, std::vector<ExprPtr> args, Span span) {
  auto wrong = [&](size_t i, const std::string& expected) {
    error("type.argument", args[i]->span, "an argument of '" + name + "' has the wrong type")
        .with_found(text(args[i]->type))
        .with_expected(expected);
    return Value();
  };
  if (const MathFunction* f = find_math(name)) {
    for (size_t i = 0; i < args.size(); ++i) {
      if (!is_numeric(args[i]->type)) return wrong(i, "a number or an array of numbers");
    }
    switch (f->kind) {
      case MathFunction::Kind::Real1:
      case MathFunction::Kind::RealToBool: {
        ExprPtr x = to_real(std::move(args[0]));
        Type type = x->type;
        if (f->kind == MathFunction::Kind::RealToBool) type.scalar = Scalar::Bool;
        return builtin(span, std::move(type), f->op, std::move(x));
      }
      case MathFunction::Kind::Number1: {
        Type type = args[0]->type;
        PlaceId place =
            type.scalar == Scalar::Int ? new_place(span, "abs of an int") : PlaceId::None;
        return builtin(span, std::move(type), f->op, std::move(args), place);
      }
      case MathFunction::Kind::Number2:
      case MathFunction::Kind::Real2: {
        bool ints = f->kind == MathFunction::Kind::Number2 && args[0]->type.scalar == Scalar::Int &&
                    args[1]->type.scalar == Scalar::Int;
        ExprPtr out = elementwise(f->op, std::move(args[0]), std::move(args[1]),
                                  ints ? Scalar::Int : Scalar::Real, span, span, name);
        return out ? Value(std::move(out)) : Value();
      }
    }
  }
  if (name == "sum") {
    if (!is_array(args[0]->type)) return wrong(0, "an array");
    if (args[0]->type.scalar == Scalar::Bool) {
      Type counted = args[0]->type;
      counted.scalar = Scalar::Int;
      args[0] = builtin(span, std::move(counted), Op::BoolToInt, std::move(args[0]));
    }
    Type type = scalar_type(args[0]->type.scalar);
    return builtin(span, std::move(type), Op::Sum, std::move(args));
  }
  if (name == "dot") {
    for (size_t i = 0; i < 2; ++i) {
      if (!is_array(args[i]->type) || args[i]->type.dims.size() != 1 ||
          !is_numeric(args[i]->type)) {
        return wrong(i, "real[n]");
      }
      args[i] = to_real(std::move(args[i]));
    }
    if (!same_dims(args[1]->type, args[0]->type, span, "the arguments of dot differ in size")) {
      return {};
    }
    return builtin(span, real_type(), Op::Dot, std::move(args));
  }
  if (name == "zeros" || name == "fill") {
    std::vector<Size> dims;
    size_t first = name == "fill" ? 1 : 0;
    for (size_t i = first; i < args.size(); ++i) {
      if (!is_scalar(args[i]->type, Scalar::Int)) return wrong(i, "int");
      dims.push_back(size_of(args[i]));
    }
    if (name == "zeros") {
      return builtin(span, array_type(Scalar::Real, std::move(dims)), Op::Zeros, std::move(args));
    }
    if (args[0]->type.kind != Type::Kind::Scalar) return wrong(0, "a number or bool");
    Type type = array_type(args[0]->type.scalar, std::move(dims));
    return builtin(span, std::move(type), Op::Fill, std::move(args[0]));
  }
  if (name == "len" || name == "size" || name == "rows" || name == "cols") {
    if (!has_dims(args[0]->type)) return wrong(0, "an array");
    int64_t which = name == "cols" ? 1 : 0;
    if (args.size() == 2) {
      const auto* c = typed::as<typed::Constant>(*args[1]);
      if (c == nullptr || !std::holds_alternative<int64_t>(c->value)) {
        return wrong(1, "a constant: which dimension");
      }
      which = std::get<int64_t>(c->value);
    }
    if (which < 0 || static_cast<size_t>(which) >= args[0]->type.dims.size()) {
      return wrong(0, "an array of more dimensions");
    }
    const Size length = args[0]->type.dims[static_cast<size_t>(which)];
    if (!never_negative(length)) {
      emit(span, typed::Check{builtin(span, bool_type(), Op::Ge, size_expr(length, span),
                                      constant(span, int64_t{0})),
                              new_place(span, name + " of an array of size " + text(length) +
                                                  ", which is negative")});
    }
    return size_expr(length, span);
  }
  if (name == "transpose" || name == "cholesky" || name == "solve_lower") {
    if (!args[0]->type.matrix || args[0]->type.dims.size() != 2) return wrong(0, "matrix[n, m]");
    std::vector<Size> dims = args[0]->type.dims;
    if (name == "transpose") {
      std::swap(dims[0], dims[1]);
      return builtin(span, array_type(Scalar::Real, std::move(dims), true), Op::Transpose,
                     std::move(args));
    }
    if (!same_size(dims[0], dims[1], span, name + " wants a square matrix")) return {};
    if (name == "cholesky") {
      return builtin(span, array_type(Scalar::Real, std::move(dims), true), Op::Cholesky,
                     std::move(args), new_place(span, "cholesky"));
    }
    if (!is_array(args[1]->type) || !is_numeric(args[1]->type)) {
      return wrong(1, "a vector or matrix");
    }
    args[1] = to_real(std::move(args[1]));
    if (!same_size(args[1]->type.dims[0], dims[0], span, "the arguments of solve_lower differ")) {
      return {};
    }
    Type type = args[1]->type;
    return builtin(span, std::move(type), Op::SolveLower, std::move(args));
  }
  if (name == "real") {
    if (args[0]->type.kind == Type::Kind::Tuple) return wrong(0, "a number");
    return to_real(std::move(args[0]));
  }
  if (name == "int" || name == "to_int") {
    Type type = args[0]->type;
    if (type.kind == Type::Kind::Tuple) return wrong(0, "a number");
    if (type.scalar == Scalar::Int) return std::move(args[0]);
    Op op = type.scalar == Scalar::Bool ? Op::BoolToInt : Op::ToInt;
    PlaceId place = op == Op::ToInt ? new_place(span, "int of a real") : PlaceId::None;
    type.scalar = Scalar::Int;
    return builtin(span, std::move(type), op, std::move(args), place);
  }
  if (name == "bool") {
    if (is_scalar(args[0]->type, Scalar::Bool)) return std::move(args[0]);
    return wrong(0, "bool");
  }
  if (name == "is_constant") {
    return constant(span, typed::as<typed::Constant>(*args[0]) != nullptr);
  }
  if (name == "uniform") {
    if (!cx_->may_draw) {
      error("random.place", span, "uniform() draws, and '" + cx_->name + "' may not")
          .with_suggestion("declare it as 'random def'");
      return {};
    }
    cx_->draws = true;
    // Bound at once: each evaluation is another draw.
    VarId variable = new_variable("uniform", real_type(), span);
    emit(span, typed::Let{variable, builtin(span, real_type(), Op::Uniform, {})});
    return reference(variable, span);
  }
  if (name == "factor" || name == "reject" || name == "require") {
    Type unit;
    if (name == "factor") {
      if (cx_->kind != Context::Kind::Model) {
        error("factor.place", span, "factor(…) stands in a model");
        return {};
      }
      ExprPtr w = coerce(std::move(args[0]), real_type(), span, "what factor(…) adds");
      if (!w) return {};
      emit(span, typed::Factor{std::move(w), new_place(span, "factor")});
    } else {
      ExprPtr c = name == "reject"
                      ? constant(span, false)
                      : coerce(std::move(args[0]), bool_type(), span, "what require(…) wants");
      if (!c) return {};
      emit(span, typed::Require{std::move(c),
                                new_place(span, std::string(library_.sources().text(span)))});
    }
    return make(span, unit, typed::MakeTuple{});
  }
  throw InternalError("an unknown built-in function: " + name, span);
}

}  // namespace borel::sema

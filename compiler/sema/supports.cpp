// Supports: what values a type or a distribution admits, and how the reals map onto them.
#include <algorithm>

#include "compiler/sema/elaborator.h"
#include "compiler/sema/free_names.h"

namespace borel::sema {

StaticPtr Elaborator::builtin_support(const std::string& name, Span span) {
  SupportValue out;
  out.base = name == "int" || name == "naturals" ? SupportValue::Base::Int
             : name == "bool"                    ? SupportValue::Base::Bool
                                                 : SupportValue::Base::Real;
  if (name == "naturals") out.captures.emplace_back("lo", Atom{int_type(), int64_t{0}});
  out.name = out.text = name;
  out.span = span;
  return make_static(std::move(out));
}

StaticPtr Elaborator::as_support(const Value& value, Span span, const std::string& what) {
  if (value.poisoned()) return nullptr;
  if (get<SupportValue>(value) != nullptr) return *value.as_static();
  if (const auto* b = get<BuiltinValue>(value)) {
    if (b->name == "real" || b->name == "int" || b->name == "bool" || b->name == "naturals") {
      return builtin_support(b->name, span);
    }
  }
  if (const auto* d = get<DeclValue>(value)) {
    const auto* f = std::get_if<ast::FunctionDecl>(&d->decl->node);
    if (f != nullptr && f->kind == ast::FunctionKind::Def && gives_static(*f)) {
      if (!f->params.empty()) {
        check_count(f->name.text, f->params.size(), 0, span);
        return nullptr;
      }
      return as_support(call_decl(*f, {}, span), span, what);
    }
  }
  Diagnostic& d = error("support.wanted", span, what + " must be a support")
                      .with_expected("real, positive, interval(lo, hi), …");
  if (const StaticPtr* s = value.as_static()) {
    d.with_found(kind_of(**s));
  } else {
    d.with_found(text(std::get<ExprPtr>(value.node)->type));
  }
  return nullptr;
}

Value Elaborator::make_support(const ast::SupportExpr& e, Span span) {
  SupportValue out;
  out.base = SupportValue::Base::Defined;
  out.expr = &e;
  out.name = out.text = cx_->name;
  out.captures = capture(free_names(e), span);
  out.span = span;
  return make_static(std::move(out));
}

const ast::Method* Elaborator::find_method(const SupportValue& s, const std::string& name) {
  if (s.expr == nullptr) return nullptr;
  for (const ast::Method& m : s.expr->methods) {
    if (m.name.text == name) return &m;
  }
  return nullptr;
}

std::optional<Callable> Elaborator::support_method(const SupportValue& s, const std::string& name) {
  const ast::Method* method = find_method(s, name);
  if (method == nullptr) return std::nullopt;
  Callable out;
  out.identity = method;
  out.name = s.name + "." + name;
  out.params = &method->params;
  out.block = &method->body;
  out.captures = s.captures;
  out.lets = &s.expr->lets;
  out.span = method->name.span;
  return out;
}

bool Elaborator::is_base_method(const SupportValue& s, const std::string& name) {
  return name == "contains" ||
         (s.base == SupportValue::Base::Real && (name == "constrain" || name == "unconstrain"));
}

Value Elaborator::call_base_support(const SupportValue& s, const std::string& name,
                                    std::vector<Value> args, Span span) {
  const std::string what = s.name + "." + name;
  if (!check_count(what, 1, args.size(), span)) return {};
  const Type wanted = s.base == SupportValue::Base::Real  ? real_type()
                      : s.base == SupportValue::Base::Int ? int_type()
                                                          : bool_type();
  ExprPtr given = runtime(std::move(args[0]), span, "the argument of '" + what + "'");
  given = coerce(std::move(given), wanted, span, "the argument of '" + what + "'");
  if (!given) return {};
  if (name == "unconstrain") return given;
  const Atom x = bind_atom(std::move(given), "x", span);
  if (name == "constrain") {
    std::vector<Value> parts;
    parts.emplace_back(from_atom(x, span));
    parts.emplace_back(constant(span, 0.0));
    return make_tuple(std::move(parts), {}, span, {span, span});
  }
  if (s.base == SupportValue::Base::Real) {
    return builtin(span, bool_type(), Op::IsFinite, from_atom(x, span));
  }
  ExprPtr inside;
  for (const auto& [end, binding] : s.captures) {
    const Atom* bound = std::get_if<Atom>(&binding);
    if (bound == nullptr) return {};
    ExprPtr within = builtin(span, bool_type(), end == "lo" ? Op::Ge : Op::Le, from_atom(x, span),
                             from_atom(*bound, span));
    inside = inside ? builtin(span, bool_type(), Op::And, std::move(inside), std::move(within))
                    : std::move(within);
  }
  return inside ? std::move(inside) : constant(span, true);
}

std::optional<Value> Elaborator::in_place(const Captures& captures,
                                          const std::vector<ast::LetStmt>& lets,
                                          const ast::Method& method,
                                          const std::vector<Binding>& args) {
  if (method.body.statements.size() != 1 || method.params.size() != args.size()) {
    return std::nullopt;
  }
  const ast::Stmt& only = *method.body.statements[0];
  const ast::Expr* body = nullptr;
  if (const auto* r = ast::as<ast::ReturnStmt>(only)) body = r->value.get();
  if (const auto* x = ast::as<ast::ExprStmt>(only)) body = x->value.get();
  if (body == nullptr) return std::nullopt;
  Scope scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  for (const auto& [name, binding] : captures) declare(&scope, name, binding, {});
  for (const ast::LetStmt& s : lets) let(s, s.value->span);
  for (size_t i = 0; i < args.size(); ++i) {
    declare(&scope, method.params[i].name.text, args[i], {});
  }
  Value out = expr(*body);
  cx_->scope = outer;
  return out;
}

std::optional<double> Elaborator::support_constant(const SupportValue& s, const std::string& name) {
  auto number = [](const Binding& binding) -> std::optional<double> {
    const Atom* atom = std::get_if<Atom>(&binding);
    if (atom == nullptr) return std::nullopt;
    if (const auto* i = std::get_if<int64_t>(&atom->value)) return static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&atom->value)) return *d;
    return std::nullopt;
  };
  if (s.base == SupportValue::Base::Int) {
    for (const auto& [end, binding] : s.captures) {
      std::optional<double> value = number(binding);
      if (end == "lo" && name == "lower") return value;
      if (end == "hi" && name == "upper") return value;
    }
    return std::nullopt;
  }
  if (s.expr == nullptr) return std::nullopt;
  bool there = std::any_of(s.expr->lets.begin(), s.expr->lets.end(), [&](const ast::LetStmt& l) {
    return !l.pattern.is_tuple && l.pattern.names[0].text == name;
  });
  if (!there) return std::nullopt;
  Scope scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  typed::Block block;  // what is no constant is dropped
  typed::Block* outer_block = std::exchange(cx_->block, &block);
  for (const auto& [capture_name, binding] : s.captures) declare(&scope, capture_name, binding, {});
  for (const ast::LetStmt& l : s.expr->lets) let(l, l.value->span);
  cx_->block = outer_block;
  cx_->scope = outer;
  return number(scope.find(name)->binding);
}

std::optional<Value> Elaborator::support_let(const SupportValue& s, const std::string& name) {
  if (s.expr == nullptr) return std::nullopt;
  const bool there =
      std::any_of(s.expr->lets.begin(), s.expr->lets.end(), [&](const ast::LetStmt& l) {
        return !l.pattern.is_tuple && l.pattern.names[0].text == name;
      });
  if (!there) return std::nullopt;
  Scope scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  for (const auto& [capture_name, binding] : s.captures) declare(&scope, capture_name, binding, {});
  for (const ast::LetStmt& l : s.expr->lets) let(l, l.value->span);
  cx_->scope = outer;
  return binding_value(scope.find(name)->binding, s.span);
}

std::optional<bool> Elaborator::surely_contains(const SupportValue& s, double x, Span span) {
  const ast::Method* contains = find_method(s, "contains");
  if (contains == nullptr) return std::nullopt;
  typed::Block block;
  typed::Block* outer = std::exchange(cx_->block, &block);
  Atom at{real_type(), x};
  std::optional<Value> value = in_place(s.captures, s.expr->lets, *contains, {Binding{at}});
  cx_->block = outer;
  (void)span;
  if (!value || !value->runtime()) return std::nullopt;
  const auto* c = typed::as<typed::Constant>(*value->expr());
  if (c == nullptr || !std::holds_alternative<bool>(c->value)) return std::nullopt;
  return std::get<bool>(c->value);
}

ExprPtr Elaborator::stand_in(Type type, Span span) {
  return make(span, std::move(type), typed::MakeTuple{});
}

std::optional<Size> Elaborator::support_reals(const SupportValue& s, Span span) {
  const ast::Method* size = find_method(s, "size");
  if (size == nullptr) {
    error("support.size", span,
          "the support '" + s.name + "' maps an array of reals, and has no size()");
    return std::nullopt;
  }
  std::optional<Value> value = in_place(s.captures, s.expr->lets, *size, {});
  if (!value) {
    error("support.size", size->span, "size() of a support is one expression");
    return std::nullopt;
  }
  ExprPtr reals = coerce(runtime(std::move(*value), size->span), int_type(), size->span,
                         "the size of a support");
  if (!reals) return std::nullopt;
  return size_of(reals);
}

std::optional<Type> Elaborator::element_type(const StaticPtr& support, Span span) {
  const auto& s = std::get<SupportValue>(support->node);
  if (s.base == SupportValue::Base::Real) return real_type();
  if (s.base == SupportValue::Base::Int) return int_type();
  if (s.base == SupportValue::Base::Bool) return bool_type();
  std::optional<Callable> constrain = support_method(s, "constrain");
  if (!constrain || constrain->params->size() != 1) {
    error("support.constrain", span, "the support '" + s.name + "' has no constrain(u)");
    return std::nullopt;
  }
  if (!(*constrain->params)[0].type) return real_type();
  std::optional<Size> reals = support_reals(s, span);
  if (!reals) return std::nullopt;
  std::vector<Value> args;
  args.emplace_back(stand_in(array_type(Scalar::Real, {*reals}), span));
  std::vector<ExprPtr> call_args;
  Type result;
  std::optional<FunctionId> id = specialised(*constrain, args, span, call_args, result);
  if (!id) return std::nullopt;
  bool complete = true;
  Type type = result_here(*id, call_args, std::move(result), complete);
  if (!complete) {
    error("support.constrain", constrain->span,
          "the size of what constrain(u) gives must be known from the support's parameters");
    return std::nullopt;
  }
  if (type.kind != Type::Kind::Tuple || type.elements.size() != 2 ||
      !is_scalar(type.elements[1], Scalar::Real)) {
    error("support.constrain", constrain->span,
          "constrain(u) of a support gives (value, log |Jacobian|)")
        .with_found(text(type));
    return std::nullopt;
  }
  return type.elements[0];
}

std::optional<typed::Support> Elaborator::site_support(const StaticPtr& support, Span span) {
  const auto& s = std::get<SupportValue>(support->node);
  typed::Support out;
  out.text = s.text;
  out.discrete = s.base == SupportValue::Base::Int || s.base == SupportValue::Base::Bool;
  if (s.base != SupportValue::Base::Defined) return out;
  std::optional<Type> element = element_type(support, span);
  if (!element) return std::nullopt;
  std::optional<Callable> constrain = support_method(s, "constrain");
  std::optional<Callable> unconstrain = support_method(s, "unconstrain");
  if (!unconstrain || unconstrain->params->size() != 1) {
    error("support.unconstrain", span, "the support '" + s.name + "' has no unconstrain(x)");
    return std::nullopt;
  }
  Type reals = real_type();
  if (element->dims.size() > 1) {
    error("unsupported.support", span, "a support of matrices is not supported yet")
        .with_found(text(*element));
    return std::nullopt;
  }
  if (is_array(*element)) {
    std::optional<Size> count = support_reals(s, span);
    if (!count) return std::nullopt;
    reals = array_type(Scalar::Real, {*count});
    out.unconstrained_size = size_expr(*count, span);
    out.value_size = size_expr(element->dims[0], span);
  }
  Type result;
  std::vector<ExprPtr> other;
  std::vector<Value> u, x;
  u.emplace_back(stand_in(reals, span));
  x.emplace_back(stand_in(*element, span));
  out.constrain = specialised(*constrain, u, span, out.args, result);
  out.unconstrain = specialised(*unconstrain, x, span, other, result);
  if (!out.constrain || !out.unconstrain) return std::nullopt;
  if (out.args.size() != other.size()) {
    error("unsupported.support", span,
          "a support whose size is computed inside a model is not supported yet");
    return std::nullopt;
  }
  out.args.pop_back();
  return out;
}

std::string Elaborator::constraint_text(const SupportValue& support, const std::string& name,
                                        const ast::TypeExpr& type) {
  const ast::Method* contains = find_method(support, "contains");
  std::string_view source = library_.sources().text(contains->body.statements[0]->span);
  if (source.starts_with("return")) source.remove_prefix(6);
  std::map<std::string, std::string, std::less<>> words;
  words[contains->params[0].name.text] = name;
  const auto* named = ast::as<ast::NamedType>(type);
  if (named != nullptr && support.decl != nullptr) {
    for (size_t i = 0; i < named->args.size() && i < support.decl->params.size(); ++i) {
      words[support.decl->params[i].name.text] =
          std::string(library_.sources().text(named->args[i].value->span));
    }
  }
  std::string out;
  for (size_t i = 0; i < source.size();) {
    auto is_word = [&](size_t at) {
      return at < source.size() &&
             (std::isalnum(static_cast<unsigned char>(source[at])) != 0 || source[at] == '_');
    };
    size_t end = i;
    while (is_word(end)) ++end;
    if (end == i) {
      out += source[i++];
      continue;
    }
    std::string_view word = source.substr(i, end - i);
    auto at = words.find(word);
    out += at != words.end() ? at->second : std::string(word);
    i = end;
  }
  size_t first = out.find_first_not_of(" \t\n");
  return first == std::string::npos ? name : out.substr(first);
}

}  // namespace borel::sema

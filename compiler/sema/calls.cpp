// Calls: arguments put in order, and which kind of thing is called.
#include <algorithm>
#include <sstream>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

// Parameters as they are declared, then the size names of their types.
Captures in_order(const ast::FunctionDecl& decl, const Scope& scope) {
  Captures out;
  for (const ast::Param& p : decl.params) {
    out.emplace_back(p.name.text, scope.names.find(p.name.text)->second.binding);
  }
  for (const auto& [name, entry] : scope.names) {
    bool parameter = std::any_of(out.begin(), out.end(),
                                 [&n = name](const auto& done) { return done.first == n; });
    if (!parameter) out.emplace_back(name, entry.binding);
  }
  return out;
}

std::string parameter_list(const std::vector<ast::Param>& params) {
  std::string out = "(";
  for (size_t i = 0; i < params.size(); ++i) {
    if (i != 0) out += ", ";
    out += params[i].name.text;
  }
  return out + ")";
}

}  // namespace

bool Elaborator::check_count(const std::string& what, size_t wanted, size_t got, Span span) {
  if (wanted == got) return true;
  error("call.count", span, "'" + what + "' is given the wrong number of arguments")
      .with_found(std::to_string(got))
      .with_expected(std::to_string(wanted));
  return false;
}

std::vector<Value> Elaborator::plain_args(const ast::CallExpr& e, const std::string& what,
                                          bool& ok) {
  std::vector<Value> out;
  for (const ast::Argument& a : e.args) {
    if (a.name) {
      error("call.named", a.name->span, "'" + what + "' has no named arguments");
      ok = false;
    }
    out.push_back(expr(*a.value));
    ok &= !out.back().poisoned();
  }
  return out;
}

bool Elaborator::arrange(const std::vector<ast::Param>& params, const std::string& what,
                         Span declared, const std::vector<ast::Argument>& args, Span call,
                         std::vector<Value>& out, std::vector<Span>& spans) {
  out.resize(params.size());
  spans.assign(params.size(), call);
  std::vector<bool> given(params.size(), false);
  bool ok = true, counted = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const ast::Argument& a = args[i];
    size_t at = i;
    if (a.name) {
      auto found = std::find_if(params.begin(), params.end(),
                                [&](const ast::Param& p) { return p.name.text == a.name->text; });
      if (found == params.end()) {
        std::vector<std::string> names;
        for (const ast::Param& p : params) names.push_back(p.name.text);
        error("call.named", a.name->span, "'" + what + "' has no parameter '" + a.name->text + "'")
            .with_expected(what + parameter_list(params))
            .with_suggestion(did_you_mean(a.name->text, names));
        ok = false;
        expr(*a.value);
        continue;
      }
      at = static_cast<size_t>(found - params.begin());
      if (given[at]) {
        error("call.twice", a.name->span, "'" + a.name->text + "' is given twice");
        ok = false;
      }
    }
    Value value = expr(*a.value);
    ok &= !value.poisoned();
    if (at >= params.size()) {
      counted = true;
      continue;
    }
    out[at] = std::move(value);
    spans[at] = a.value->span;
    given[at] = true;
  }
  for (size_t i = 0; i < params.size(); ++i) {
    if (given[i]) continue;
    if (!params[i].default_value) {
      counted = true;
      continue;
    }
    // A default is read where the function is declared.
    Scope scope;
    Scope* outer = std::exchange(cx_->scope, &scope);
    out[i] = expr(*params[i].default_value);
    cx_->scope = outer;
    spans[i] = params[i].default_value->span;
    ok &= !out[i].poisoned();
  }
  if (counted && ok) {
    error("call.count", call, "'" + what + "' is given the wrong number of arguments")
        .with_found(std::to_string(args.size()))
        .with_expected(what + parameter_list(params))
        .with_note(
            library_.owns(declared.file) ? Span{} : declared,
            library_.owns(declared.file) ? "it is declared in the library" : "declared here");
    return false;
  }
  return ok && !counted;
}

Value Elaborator::call(const ast::CallExpr& e, Span span) {
  // `ordered` is a support of a size, and a combinator of a distribution and a size.
  const auto* name = ast::as<ast::NameRef>(*e.callee);
  if (name != nullptr && name->name == "ordered" && e.args.size() == 2 &&
      cx_->scope->find(name->name) == nullptr && !main_decls_.contains(name->name)) {
    if (const ast::Decl* decl = library_.find("ordered_iid")) {
      return call_value(make_static(DeclValue{decl}), e, e.callee->span, span);
    }
  }
  return call_value(expr(*e.callee), e, e.callee->span, span);
}

Value Elaborator::call_value(const Value& callee, const ast::CallExpr& e, Span callee_span,
                             Span span) {
  auto skip_args = [&] {
    for (const ast::Argument& a : e.args) expr(*a.value);
    return Value();
  };
  if (callee.poisoned()) return skip_args();
  const StaticPtr* value = callee.as_static();
  if (value == nullptr) {
    Diagnostic& d = error("call.callee", callee_span, "this is not a function")
                        .with_found(text(std::get<ExprPtr>(callee.node)->type));
    const auto* name = ast::as<ast::NameRef>(*e.callee);
    const auto hidden = name != nullptr ? main_decls_.find(name->name) : main_decls_.end();
    if (hidden != main_decls_.end() && hidden->second != nullptr) {
      d.with_note(hidden->second->name().span, "another name hides this one")
          .with_suggestion("give one of the two another name");
    }
    return skip_args();
  }
  std::vector<Value> args;
  std::vector<Span> spans;
  if (const auto* b = get<BuiltinValue>(*value)) return call_builtin(b->name, e, span);
  if (const auto* d = get<DeclValue>(*value)) {
    if (const auto* record = std::get_if<ast::StructDecl>(&d->decl->node)) {
      return construct(*record, e, span);
    }
    const auto& f = std::get<ast::FunctionDecl>(d->decl->node);
    if (f.kind == ast::FunctionKind::Infer) {
      error("call.infer", callee_span, "an infer is not called; it is what is compiled");
      return skip_args();
    }
    if (!arrange(f.params, f.name.text, f.name.span, e.args, span, args, spans)) return {};
    if (f.kind == ast::FunctionKind::Model) {
      ModelValue model;
      model.decl = &f;
      model.span = span;
      // Types are checked where the model is elaborated; here only what may be said of the call.
      Scope scope;
      Scope* outer = std::exchange(cx_->scope, &scope);
      bool ok = true;
      for (size_t i = 0; i < args.size(); ++i) {
        const ast::Param& p = f.params[i];
        if (p.type) {
          ExprPtr x = runtime(std::move(args[i]), spans[i], "the argument '" + p.name.text + "'");
          if (x) {
            Declared type = declared_type(*p.type, &x->type, {}, bound_of(*x));
            x = type.poisoned
                    ? nullptr
                    : coerce(std::move(x), type.type, spans[i],
                             "the argument '" + p.name.text + "' of '" + f.name.text + "'");
          }
          args[i] = x ? Value(std::move(x)) : Value();
        }
        Binding bound = bind(std::move(args[i]), p.name.text, spans[i]);
        ok &= !std::holds_alternative<Poison>(bound);
        declare(&scope, p.name.text, bound, {});
        model.args.emplace_back(p.name.text, std::move(bound));
      }
      // Size names of the parameters' types are arguments too.
      for (const auto& [name, entry] : scope.names) {
        if (std::holds_alternative<SizeName>(entry.binding)) {
          model.args.emplace_back(name, entry.binding);
        }
      }
      cx_->scope = outer;
      return ok ? Value(make_static(std::move(model))) : Value();
    }
    return call_decl(f, std::move(args), span, std::move(spans));
  }
  if (const auto* l = get<LambdaValue>(*value)) {
    if (!arrange(l->lambda->params, "fn", l->span, e.args, span, args, spans)) return {};
    return call_static(*value, std::move(args), span);
  }
  if (get<MemberValue>(*value) != nullptr || get<GradientValue>(*value) != nullptr) {
    bool ok = true;
    args = plain_args(e, std::string(library_.sources().text(callee_span)), ok);
    return ok ? call_static(*value, std::move(args), span) : Value();
  }
  error("call.callee", callee_span, kind_of(**value) + " is not called");
  return skip_args();
}

Value Elaborator::call_static(const StaticPtr& callee, std::vector<Value> args, Span span) {
  for (const Value& a : args) {
    if (a.poisoned()) return {};
  }
  if (const auto* d = get<DeclValue>(callee)) {
    if (const auto* f = std::get_if<ast::FunctionDecl>(&d->decl->node);
        f != nullptr && f->kind == ast::FunctionKind::Def) {
      if (!check_count(f->name.text, f->params.size(), args.size(), span)) return {};
      return call_decl(*f, std::move(args), span);
    }
  }
  if (const auto* l = get<LambdaValue>(callee)) {
    if (!check_count("fn", l->lambda->params.size(), args.size(), span)) return {};
    Callable callable;
    callable.identity = l->lambda;
    callable.name = "fn";
    callable.params = &l->lambda->params;
    if (const auto* body = std::get_if<ast::ExprPtr>(&l->lambda->body)) {
      callable.body = body->get();
      if (gives_static(**body, span)) return inline_lambda(*l, std::move(args), span);
    } else {
      callable.block = &std::get<ast::Block>(l->lambda->body);
    }
    callable.may_draw = true;
    callable.captures = l->captures;
    callable.span = l->span;
    return specialise(callable, std::move(args), span);
  }
  if (const auto* m = get<MemberValue>(callee)) return call_member(*m, std::move(args), span);
  if (const auto* g = get<GradientValue>(callee)) return call_gradient(*g, std::move(args), span);
  if (const auto* b = get<BuiltinValue>(callee)) {
    std::vector<ExprPtr> values;
    for (Value& a : args) {
      values.push_back(runtime(std::move(a), span));
      if (!values.back()) return {};
    }
    return call_math(b->name, std::move(values), span);
  }
  error("call.callee", span, kind_of(*callee) + " is not called");
  return {};
}

Value Elaborator::call_decl(const ast::FunctionDecl& decl, std::vector<Value> args, Span span,
                            std::vector<Span> spans) {
  if (gives_static(decl)) return inline_body(decl, std::move(args), span, std::move(spans));
  Callable callable;
  callable.decl = &decl;
  callable.identity = &decl;
  callable.name = decl.name.text;
  callable.params = &decl.params;
  if (const auto* body = std::get_if<ast::ExprPtr>(&decl.body)) {
    callable.body = body->get();
  } else {
    callable.block = &std::get<ast::Block>(decl.body);
  }
  callable.result = decl.result.get();
  callable.may_draw = decl.random;
  callable.span = decl.name.span;
  callable.arg_spans = std::move(spans);
  return specialise(callable, std::move(args), span);
}

Value Elaborator::call_member(const MemberValue& member, std::vector<Value> args, Span span) {
  if (const auto* r = get<RealsValue>(member.owner)) {
    return call_reals(*r, member.name, std::move(args), span);
  }
  if (const auto* s = get<StagesValue>(member.owner)) {
    return call_stages(*s, member.name, std::move(args), span);
  }
  if (const auto* d = get<DistributionValue>(member.owner)) {
    return call_distribution(*d, member.name, std::move(args), span);
  }
  const auto* s = get<SupportValue>(member.owner);
  if (s->base != SupportValue::Base::Defined) {
    return call_base_support(*s, member.name, std::move(args), span);
  }
  std::optional<Callable> callable = support_method(*s, member.name);
  if (!check_count(callable->name, callable->params->size(), args.size(), span)) return {};
  return specialise(*callable, std::move(args), span);
}

Value Elaborator::call_gradient(const GradientValue& gradient, std::vector<Value> args, Span span) {
  auto pick = [&](ExprPtr both) -> Value {
    if (gradient.with_value) return both;
    // grad(f): the adjoints alone, one or a tuple of them.
    Type type = both->type;
    if (type.elements.size() == 2) return element_of(Value(std::move(both)), 1, span);
    Atom whole = bind_atom(std::move(both), "gradient", span);
    std::vector<Value> parts;
    std::vector<Span> spans;
    for (size_t i = 1; i < type.elements.size(); ++i) {
      parts.emplace_back(make(span, type.elements[i],
                              typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)}));
      spans.push_back(span);
    }
    return make_tuple(std::move(parts), {}, span, spans);
  };
  if (const auto* member = get<MemberValue>(gradient.function)) {
    if (const auto* r = get<RealsValue>(member->owner); r != nullptr && member->name == "logp") {
      Value out = call_reals(*r, "logp_and_gradient", std::move(args), span);
      return out.runtime() ? pick(std::move(out.expr())) : Value();
    }
  }
  // Captured values come first among a call's arguments; those that are given, last.
  const auto given = static_cast<size_t>(
      std::count_if(args.begin(), args.end(), [](const Value& a) { return a.runtime(); }));
  Value primal = call_static(gradient.function, std::move(args), span);
  if (primal.poisoned()) return {};
  ExprPtr value = runtime(std::move(primal), span);
  if (!value) return {};
  auto* called = std::get_if<typed::Call>(&value->node);
  if (called == nullptr || !is_scalar(value->type, Scalar::Real)) {
    Diagnostic& d =
        error("grad.function", span, "only a function that gives one real has a gradient");
    if (called != nullptr) {
      d.with_found(text(value->type));
    } else {
      d.with_found("a built-in function").with_suggestion("write it as a function: fn x => …");
    }
    return {};
  }
  typed::GradientCall out;
  out.function = called->function;
  out.args = std::move(called->args);
  Type type;
  type.kind = Type::Kind::Tuple;
  type.elements.push_back(real_type());
  for (size_t i = 0; i < out.args.size(); ++i) {
    const Type& t = out.args[i]->type;
    bool wanted = i + given >= out.args.size() && is_numeric(t) && t.scalar == Scalar::Real;
    out.wrt.push_back(wanted);
    if (wanted) type.elements.push_back(t);
  }
  if (type.elements.size() == 1) {
    error("grad.arguments", span, "there is no real argument to differentiate by");
    return {};
  }
  return pick(make(span, std::move(type), std::move(out)));
}

Value Elaborator::construct(const ast::StructDecl& decl, const ast::CallExpr& e, Span span) {
  Type type = struct_type(decl);
  if (type.kind != Type::Kind::Tuple) {
    for (const ast::Argument& a : e.args) expr(*a.value);
    return {};
  }
  std::vector<ExprPtr> elements(type.elements.size());
  bool ok = true;
  if (e.args.size() != elements.size()) {
    error("call.count", span, "'" + decl.name.text + "' is given the wrong number of fields")
        .with_found(std::to_string(e.args.size()))
        .with_expected(std::to_string(elements.size()))
        .with_note(decl.name.span, "declared here");
    ok = false;
  }
  for (size_t i = 0; i < e.args.size(); ++i) {
    size_t at = i;
    if (e.args[i].name) {
      auto found = std::find(type.fields.begin(), type.fields.end(), e.args[i].name->text);
      if (found == type.fields.end()) {
        error("field.unknown", e.args[i].name->span,
              "'" + decl.name.text + "' has no field '" + e.args[i].name->text + "'")
            .with_suggestion(did_you_mean(e.args[i].name->text, type.fields));
        ok = false;
        continue;
      }
      at = static_cast<size_t>(found - type.fields.begin());
    }
    if (at >= elements.size()) continue;
    elements[at] =
        typed_expr(*e.args[i].value, type.elements[at], "the field '" + type.fields[at] + "'");
    ok &= elements[at] != nullptr;
  }
  for (const ExprPtr& x : elements) ok &= x != nullptr;
  if (!ok) return {};
  return make(span, std::move(type), typed::MakeTuple{std::move(elements)});
}

// ---- functions whose result is a compile-time value --------------------------------------------

bool Elaborator::gives_static(const ast::FunctionDecl& decl) {
  int& known = static_result_[&decl];
  if (known == 0) {
    known = 1;  // a recursive function gives a run-time value
    bool result = decl.kind == ast::FunctionKind::Model;
    if (const auto* body = std::get_if<ast::ExprPtr>(&decl.body)) {
      result |= gives_static(**body, decl.name.span);
    } else {
      result |= gives_static(std::get<ast::Block>(decl.body));
    }
    static_result_[&decl] = result ? 2 : 1;
    return result;
  }
  return known == 2;
}

bool Elaborator::gives_static(const ast::Block& block) {
  if (block.statements.empty()) return false;
  const ast::Stmt& last = *block.statements.back();
  if (const auto* r = ast::as<ast::ReturnStmt>(last)) {
    return gives_static(*r->value, last.span);
  }
  if (const auto* x = ast::as<ast::ExprStmt>(last)) return gives_static(*x->value, last.span);
  return false;
}

bool Elaborator::gives_static(const ast::Expr& e, Span from) {
  if (ast::as<ast::MachineExpr>(e) != nullptr || ast::as<ast::DistributionExpr>(e) != nullptr ||
      ast::as<ast::SupportExpr>(e) != nullptr || ast::as<ast::LambdaExpr>(e) != nullptr ||
      ast::as<ast::ConditionExpr>(e) != nullptr || ast::as<ast::ThenExpr>(e) != nullptr ||
      ast::as<ast::StringLit>(e) != nullptr || ast::as<ast::ExpectExpr>(e) != nullptr) {
    return true;
  }
  if (const auto* t = ast::as<ast::TupleExpr>(e)) {
    return std::any_of(t->elements.begin(), t->elements.end(),
                       [&](const ast::ExprPtr& x) { return gives_static(*x, from); });
  }
  if (const auto* t = ast::as<ast::ArrayExpr>(e)) {
    return std::any_of(t->elements.begin(), t->elements.end(),
                       [&](const ast::ExprPtr& x) { return gives_static(*x, from); });
  }
  if (const auto* c = ast::as<ast::CallExpr>(e)) {
    const auto* name = ast::as<ast::NameRef>(*c->callee);
    if (name == nullptr) return false;
    if (name->name == "reals" || name->name == "stages" || name->name == "iid" ||
        name->name == "integers" || name->name == "grad" || name->name == "value_and_grad") {
      return true;
    }
    const ast::Decl* decl = is_builtin(name->name) ? nullptr : find_decl(name->name, from);
    const auto* f = decl != nullptr ? std::get_if<ast::FunctionDecl>(&decl->node) : nullptr;
    return f != nullptr && gives_static(*f);
  }
  return false;
}

std::string Elaborator::support_text(const ast::FunctionDecl& decl, const Scope& scope,
                                     Span span) const {
  if (decl.params.empty()) return decl.name.text;
  if (!library_.owns(span.file)) return std::string(library_.sources().text(span));
  // Used inside a distribution of the library: with the values that are given there.
  std::string out;
  for (const ast::Param& p : decl.params) {
    out += out.empty() ? decl.name.text + "(" : ", ";
    const Scope::Entry* entry = scope.find(p.name.text);
    const Atom* atom = entry != nullptr ? std::get_if<Atom>(&entry->binding) : nullptr;
    if (atom == nullptr) {
      out += p.name.text;
    } else if (const VarId* variable = std::get_if<VarId>(&atom->value)) {
      out += program_[*variable].name;
    } else if (const int64_t* i = std::get_if<int64_t>(&atom->value)) {
      out += std::to_string(*i);
    } else if (const double* d = std::get_if<double>(&atom->value)) {
      std::ostringstream number;
      number << *d;
      out += number.str();
    }
  }
  return out + ")";
}

Value Elaborator::inline_lambda(const LambdaValue& lambda, std::vector<Value> args, Span span) {
  if (too_deep(span)) return {};
  Scope scope;
  Context cx = *cx_;
  cx.caller = cx_;
  cx.call = span;
  cx.name = "fn";
  cx.scope = &scope;
  cx.loop_depth = 0;
  Context* outer = std::exchange(cx_, &cx);
  for (const auto& [name, binding] : lambda.captures) declare(&scope, name, binding, {});
  bool ok = true;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& name = lambda.lambda->params[i].name.text;
    Binding bound = bind(std::move(args[i]), name, span);
    ok = ok && !std::holds_alternative<Poison>(bound);
    declare(&scope, name, bound, {});
  }
  Value out;
  if (ok) out = expr(*std::get<ast::ExprPtr>(lambda.lambda->body));
  cx_ = outer;
  cx_->draws |= cx.draws;
  return out;
}

Value Elaborator::inline_body(const ast::FunctionDecl& decl, std::vector<Value> args, Span span,
                              std::vector<Span> spans) {
  internal_check(args.size() == decl.params.size(), "a call with its arguments in order");
  if (too_deep(span)) return {};
  reached_.insert(&decl);
  chain_.push_back(decl.name.text);
  Scope scope;
  Context cx = *cx_;
  cx.caller = cx_;
  cx.call = span;
  cx.name = decl.name.text;
  cx.scope = &scope;
  cx.loop_depth = 0;
  cx.value_block = std::get_if<ast::Block>(&decl.body);
  std::optional<Value> returned;
  cx.returned = &returned;
  cx.entry_block = cx.block;
  Context* outer = std::exchange(cx_, &cx);
  Value out;
  const ast::Expr* body = nullptr;
  if (const auto* e = std::get_if<ast::ExprPtr>(&decl.body)) body = e->get();
  const auto* distribution = body != nullptr ? ast::as<ast::DistributionExpr>(*body) : nullptr;
  DistributionValue d;
  spans.resize(args.size(), span);
  bool ok = true;
  if (distribution != nullptr) {
    ok = apply_distribution_params(decl, args, spans, d);
  }
  SupportValue s;
  for (size_t i = 0; ok && i < args.size(); ++i) {
    const ast::Param& p = decl.params[i];
    if (p.type && distribution == nullptr) {
      ExprPtr x = runtime(std::move(args[i]), spans[i], "the argument '" + p.name.text + "'");
      if (x) {
        Declared type = declared_type(*p.type, &x->type);
        x = type.poisoned ? nullptr
                          : coerce(std::move(x), type.type, spans[i],
                                   "the argument '" + p.name.text + "' of '" + cx.name + "'");
      }
      args[i] = x ? Value(std::move(x)) : Value();
    }
    Binding bound = bind(std::move(args[i]), p.name.text, span);
    ok = !std::holds_alternative<Poison>(bound);
    declare(&scope, p.name.text, bound, {});
  }
  if (ok && body != nullptr) {
    if (distribution != nullptr) {
      d.expr = distribution;
      d.decl = &decl;
      d.name = decl.name.text;
      d.span = span;
      d.captures = in_order(decl, scope);
      out = make_static(std::move(d));
    } else if (const auto* support = ast::as<ast::SupportExpr>(*body)) {
      s.base = SupportValue::Base::Defined;
      s.expr = support;
      s.decl = &decl;
      s.name = decl.name.text;
      s.text = support_text(decl, scope, span);
      s.span = span;
      s.captures = in_order(decl, scope);
      out = make_static(std::move(s));
    } else {
      out = expr(*body);
    }
  } else if (ok) {
    statements(std::get<ast::Block>(decl.body), 0, nullptr);
    if (returned) out = std::move(*returned);
  }
  cx_ = outer;
  cx_->draws |= cx.draws;
  chain_.pop_back();
  return out;
}

}  // namespace borel::sema

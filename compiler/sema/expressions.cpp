// Expressions, but for operators, indexing and calls.
#include <algorithm>
#include <limits>

#include "compiler/sema/elaborator.h"
#include "compiler/sema/free_names.h"

namespace borel::sema {

Value Elaborator::expr(const ast::Expr& e) {
  struct Visitor {
    Elaborator& s;
    const ast::Expr& e;
    Value operator()(const ast::IntLit& x) const { return s.constant(e.span, x.value); }
    Value operator()(const ast::RealLit& x) const { return s.constant(e.span, x.value); }
    Value operator()(const ast::BoolLit& x) const { return s.constant(e.span, x.value); }
    Value operator()(const ast::StringLit& x) const { return make_static(StringValue{x.value}); }
    Value operator()(const ast::NameRef& x) const { return s.name_value(x.name, e.span); }
    Value operator()(const ast::TupleExpr& x) const { return s.tuple(x, e.span); }
    Value operator()(const ast::ArrayExpr& x) const { return s.array(x, e.span); }
    Value operator()(const ast::RangeExpr&) const {
      s.error("range.place", e.span, "a range is not a value");
      return {};
    }
    Value operator()(const ast::Comprehension& x) const { return s.comprehension(x, e.span); }
    Value operator()(const ast::BraceExpr& x) const { return s.brace(x, e.span); }
    Value operator()(const ast::UnaryExpr& x) const { return s.unary(x, e.span); }
    Value operator()(const ast::BinaryExpr& x) const { return s.binary(x, e.span); }
    Value operator()(const ast::ConditionalExpr& x) const { return s.conditional(x, e.span); }
    Value operator()(const ast::ConditionExpr& x) const { return s.condition_model(x, e.span); }
    Value operator()(const ast::WithExpr& x) const { return s.with(x, e.span); }
    Value operator()(const ast::ThenExpr&) const {
      s.error("unsupported.then", e.span, "'then' between machines is not supported yet");
      return {};
    }
    Value operator()(const ast::CallExpr& x) const { return s.call(x, e.span); }
    Value operator()(const ast::IndexExpr& x) const { return s.index(x, e.span); }
    Value operator()(const ast::FieldExpr& x) const { return s.field(x, e.span); }
    Value operator()(const ast::TupleFieldExpr& x) const {
      return s.element_of(s.expr(*x.base), x.index, e.span);
    }
    Value operator()(const ast::LambdaExpr& x) const {
      return make_static(LambdaValue{&x, e.span, s.capture(free_names(x), e.span)});
    }
    Value operator()(const ast::MachineExpr& x) const { return s.make_machine(x, e.span); }
    Value operator()(const ast::DistributionExpr& x) const {
      return s.make_distribution(x, e.span);
    }
    Value operator()(const ast::SupportExpr& x) const { return s.make_support(x, e.span); }
    Value operator()(const ast::ExpectExpr&) const {
      s.error("unsupported.expect", e.span, "'expect' is not supported yet");
      return {};
    }
  };
  return std::visit(Visitor{*this, e}, e.node);
}

ExprPtr Elaborator::runtime(Value value, Span span, const std::string& what) {
  if (value.poisoned()) return nullptr;
  if (const StaticPtr* s = value.as_static()) {
    Diagnostic& d = error("type.compile_time", span,
                          (what.empty() ? std::string("this") : what) + " must be a value")
                        .with_found(kind_of(**s))
                        .with_expected("a number, array or tuple of the running program");
    if (std::get_if<DistributionValue>(&(*s)->node) != nullptr) {
      d.with_suggestion("draw from it with 'let x ~ …', or score with '.logp(x)'");
    } else if (const auto* decl = std::get_if<DeclValue>(&(*s)->node)) {
      d.with_suggestion("call it: " + decl->decl->name().text + "(…)");
    }
    return nullptr;
  }
  return std::move(value.expr());
}

ExprPtr Elaborator::runtime_expr(const ast::Expr& e, const std::string& what) {
  return runtime(expr(e), e.span, what);
}

ExprPtr Elaborator::typed_expr(const ast::Expr& e, const Type& wanted, const std::string& what) {
  return coerce(runtime_expr(e, what), wanted, e.span, what);
}

ExprPtr Elaborator::condition(const ast::Expr& e) {
  return typed_expr(e, bool_type(), "a condition");
}

Value Elaborator::make_tuple(std::vector<Value> elements, std::vector<std::string> fields,
                             Span span, const std::vector<Span>& spans) {
  bool all_runtime = true;
  for (const Value& v : elements) {
    if (v.poisoned()) return {};
    all_runtime &= v.runtime();
  }
  if (!all_runtime) {
    TupleValue out;
    for (size_t i = 0; i < elements.size(); ++i) {
      out.elements.push_back(bind(std::move(elements[i]), "element", spans[i]));
    }
    out.fields = std::move(fields);
    return make_static(std::move(out));
  }
  Type type;
  type.kind = Type::Kind::Tuple;
  type.fields = std::move(fields);
  typed::MakeTuple made;
  for (Value& v : elements) {
    type.elements.push_back(v.expr()->type);
    made.elements.push_back(std::move(v.expr()));
  }
  if (made.elements.empty()) type.kind = Type::Kind::Unit;
  return make(span, std::move(type), std::move(made));
}

Value Elaborator::tuple(const ast::TupleExpr& e, Span span) {
  std::vector<Value> elements;
  std::vector<Span> spans;
  for (const ast::ExprPtr& x : e.elements) {
    elements.push_back(expr(*x));
    spans.push_back(x->span);
  }
  return make_tuple(std::move(elements), {}, span, spans);
}

Value Elaborator::brace(const ast::BraceExpr& e, Span span) {
  // Names alone, one of which is no variable, are a selection of sites.
  bool selection = std::any_of(e.items.begin(), e.items.end(), [this](const ast::BraceItem& item) {
    return !item.value && cx_->scope->find(item.name.text) == nullptr;
  });
  if (selection) {
    SelectionValue out;
    for (const ast::BraceItem& item : e.items) {
      if (item.value) {
        name_value(item.name.text, item.name.span);
        return {};
      }
      out.sites.push_back(item.name);
    }
    return make_static(std::move(out));
  }
  std::vector<Value> elements;
  std::vector<std::string> fields;
  std::vector<Span> spans;
  for (const ast::BraceItem& item : e.items) {
    if (item.name.text.find('.') != std::string::npos) {
      error("record.field", item.name.span, "the name of a field has no dots")
          .with_suggestion("for a record within a record write {a = {b = …}}");
      return {};
    }
    spans.push_back(item.value ? item.value->span : item.name.span);
    elements.push_back(item.value ? expr(*item.value) : name_value(item.name.text, item.name.span));
    fields.push_back(item.name.text);
  }
  return make_tuple(std::move(elements), std::move(fields), span, spans);
}

Value Elaborator::array(const ast::ArrayExpr& e, Span span) {
  std::vector<Value> elements;
  bool poisoned = false, compile_time = false;
  for (const ast::ExprPtr& x : e.elements) {
    elements.push_back(expr(*x));
    poisoned |= elements.back().poisoned();
    compile_time |= elements.back().as_static() != nullptr;
  }
  if (poisoned) return {};
  if (elements.empty()) {
    error("array.empty", span, "the type of an empty array is not known")
        .with_suggestion("use zeros(0)");
    return {};
  }
  if (compile_time) {
    TupleValue out;
    for (size_t i = 0; i < elements.size(); ++i) {
      out.elements.push_back(bind(std::move(elements[i]), "element", e.elements[i]->span));
    }
    return make_static(std::move(out));
  }
  Type type = elements[0].expr()->type;
  for (size_t i = 1; i < elements.size(); ++i) {
    std::optional<Type> both = join(type, elements[i].expr()->type);
    if (!both) {
      error("array.mixed", e.elements[i]->span, "the elements of an array have different types")
          .with_found(text(elements[i].expr()->type))
          .with_expected(text(type))
          .with_note(e.elements[0]->span, "the first element");
      return {};
    }
    type = *both;
  }
  if (type.kind == Type::Kind::Unit) {
    error("array.elements", span, "an array holds values").with_found(text(type));
    return {};
  }
  std::vector<ExprPtr> values;
  for (size_t i = 0; i < elements.size(); ++i) {
    ExprPtr x =
        coerce(std::move(elements[i].expr()), type, e.elements[i]->span, "an element of an array");
    if (!x) return {};
    values.push_back(std::move(x));
  }
  return array_of_values(std::move(values), type, span);
}

Value Elaborator::comprehension(const ast::Comprehension& e, Span span,
                                const std::vector<int32_t>* path) {
  // Over compile-time values: one generator, unrolled.
  const ast::Generator& first = e.generators[0];
  if (ast::as<ast::RangeExpr>(*first.range) == nullptr) {
    Value over = expr(*first.range);
    if (over.poisoned()) return {};
    if (const auto* values = get<TupleValue>(over)) {
      if (e.generators.size() != 1) {
        error("unsupported.generators", span,
              "a comprehension over compile-time values has one generator");
        return {};
      }
      std::vector<Value> elements;
      std::vector<Span> spans;
      bool all_runtime = true;
      for (const Binding& element : values->elements) {
        Scope scope;
        scope.parent = cx_->scope;
        cx_->scope = &scope;
        declare(first.name, element);
        elements.push_back(expr(*e.body));
        cx_->scope = scope.parent;
        spans.push_back(e.body->span);
        if (elements.back().poisoned()) return {};
        all_runtime &= elements.back().runtime();
      }
      if (!all_runtime) return make_tuple(std::move(elements), {}, span, spans);
      std::vector<ExprPtr> made;
      std::optional<Type> type = elements.empty() ? real_type() : elements[0].expr()->type;
      for (Value& v : elements) {
        type = join(*type, v.expr()->type);
        if (!type) {
          error("array.mixed", e.body->span, "the elements of an array have different types");
          return {};
        }
      }
      for (Value& v : elements) {
        made.push_back(coerce(std::move(v.expr()), *type, e.body->span, "an element of an array"));
        if (!made.back()) return {};
      }
      return array_of_values(std::move(made), *type, span);
    }
  }
  Scope scope;
  scope.parent = cx_->scope;
  Scope* outer_scope = std::exchange(cx_->scope, &scope);
  size_t loops = cx_->loops.size();
  typed::Comprehension out;
  std::vector<Size> dims;
  std::vector<std::pair<Atom, VarId>> elements;  // arrays that are gone through
  std::vector<const ast::Name*> element_names;
  bool ok = true;
  std::vector<VarId> variables;
  for (const ast::Generator& g : e.generators) {
    ExprPtr lower, upper;
    const ast::Name* loop_name = &g.name;
    std::optional<Atom> over;
    if (const auto* range = ast::as<ast::RangeExpr>(*g.range)) {
      lower = typed_expr(*range->lo, int_type(), "the start of a range");
      upper = typed_expr(*range->hi, int_type(), "the end of a range");
      if (!lower || !upper) ok = false;
    } else {
      ExprPtr value = runtime_expr(*g.range, "what a comprehension goes through");
      if (value && !has_dims(value->type)) {
        error("loop.range", g.range->span, "a loop goes through a range or an array")
            .with_found(text(value->type));
        value = nullptr;
      }
      if (value) {
        over = bind_atom(std::move(value), "array", g.range->span);
        lower = constant(g.range->span, int64_t{0});
        upper = size_expr(over->type.dims[0], g.range->span);
        loop_name = nullptr;
      } else {
        ok = false;
      }
    }
    if (!ok) break;
    // A bound that is no polynomial is taken out of the comprehension, if it is a variable.
    for (const ExprPtr* bound : {&lower, &upper}) {
      bool known = try_size(**bound) || typed::as<typed::VarRef>(**bound) != nullptr;
      ok &= known || variables.empty();
    }
    Size from, to;
    if (ok) {
      from = size_of(lower);
      to = size_of(upper);
    }
    for (VarId v : variables) {
      for (const Size* s : {&from, &to}) {
        for (const Size::Term& term : s->terms) {
          ok &= std::find(term.factors.begin(), term.factors.end(), v) == term.factors.end();
        }
      }
    }
    if (!ok) {
      error("comprehension.ragged", g.range->span,
            "a later range of a comprehension may not depend on an earlier one");
      break;
    }
    typed::Block inside;
    typed::Block* outer = std::exchange(cx_->block, &inside);  // local, even at the top
    VarId variable = new_variable(g.name.text, int_type(), g.name.span);
    cx_->block = outer;
    variables.push_back(variable);
    dims.push_back(subtract(to, from));
    cx_->loops.push_back({variable, from, to, false, cx_->path.size()});
    out.generators.push_back({variable, std::move(lower), std::move(upper)});
    if (loop_name != nullptr) {
      declare(&scope, g.name.text, Atom{int_type(), variable}, g.name.span);
    } else {
      elements.emplace_back(*over, variable);
      element_names.push_back(&g.name);
    }
  }
  const bool drew = std::exchange(cx_->draws, false);
  if (ok) {
    out.body = lazily([&]() -> ExprPtr {
      for (size_t i = 0; i < elements.size(); ++i) {
        ExprPtr value = element(elements[i].first, {elements[i].second}, element_names[i]->span);
        declare(*element_names[i],
                bind(Value(std::move(value)), element_names[i]->text, element_names[i]->span));
      }
      ExprPtr body = runtime_expr(*e.body, "an element of an array");
      for (size_t i = 0; body && path != nullptr && i < path->size(); ++i) {
        body = element_of_record(body, static_cast<size_t>((*path)[i]), span);
      }
      return body;
    });
  } else {
    for (const ast::Generator& g : e.generators)
      declare(&scope, g.name.text, Poison{}, g.name.span);
    Muted quiet(*this);
    lazily([&]() -> ExprPtr { return runtime(expr(*e.body), e.body->span); });
  }
  cx_->scope = outer_scope;
  cx_->loops.resize(loops);
  const bool draws = cx_->draws;
  cx_->draws = drew || draws;
  if (!out.body) return {};
  const Type& body = out.body->type;
  if (body.kind == Type::Kind::Unit || (body.kind == Type::Kind::Tuple && draws)) {
    error("array.elements", e.body->span,
          draws ? "an array of structs is not drawn in a comprehension" : "an array holds values")
        .with_found(text(body));
    return {};
  }
  if (body.kind == Type::Kind::Tuple) {
    std::vector<int32_t> leaf;
    ExprPtr records = comprehension_of_records(e, body, leaf, span);
    return records ? Value(std::move(records)) : Value();
  }
  dims.insert(dims.end(), body.dims.begin(), body.dims.end());
  Type type = array_type(body.scalar, std::move(dims), body.matrix);
  return make(span, std::move(type), std::move(out));
}

Value Elaborator::conditional(const ast::ConditionalExpr& e, Span span) {
  ExprPtr c = condition(*e.condition);
  // What is known now is chosen now: then the sides may be compile-time values, and what is not
  // chosen is not even differentiated.
  const auto* known = c ? typed::as<typed::Constant>(*c) : nullptr;
  if (known != nullptr) return expr(std::get<bool>(known->value) ? *e.if_true : *e.if_false);
  ExprPtr a = lazily([&] { return runtime_expr(*e.if_true); });
  ExprPtr b = lazily([&] { return runtime_expr(*e.if_false); });
  if (!c || !a || !b) return {};
  std::optional<Type> type = join(a->type, b->type);
  if (!type) {
    error("type.branches", span, "the two sides of '?' have different types")
        .with_found(text(a->type) + " and " + text(b->type));
    return {};
  }
  a = coerce(std::move(a), *type, e.if_true->span, "a side of '?'");
  b = coerce(std::move(b), *type, e.if_false->span, "a side of '?'");
  if (!a || !b) return {};
  Type result = a->type;
  return make(span, std::move(result),
              typed::Conditional{std::move(c), std::move(a), std::move(b)});
}

Value Elaborator::with(const ast::WithExpr& e, Span span) {
  ExprPtr base = runtime_expr(*e.base, "what 'with' changes");
  const auto* changes = ast::as<ast::BraceExpr>(*e.changes);
  if (changes == nullptr) {
    error("with.changes", e.changes->span, "'with' wants changes in braces")
        .with_expected("{name = value, …}");
    return {};
  }
  if (!base) return {};
  if (base->type.fields.empty()) {
    error("with.base", e.base->span, "'with' changes a trace, record or struct")
        .with_found(text(base->type));
    return {};
  }
  Type type = base->type;
  Atom whole = bind_atom(std::move(base), "trace", e.base->span);
  std::vector<ExprPtr> elements(type.elements.size());
  bool ok = true;
  for (const ast::BraceItem& item : changes->items) {
    auto at = std::find(type.fields.begin(), type.fields.end(), item.name.text);
    if (at == type.fields.end()) {
      error("field.unknown", item.name.span, "there is no field '" + item.name.text + "'")
          .with_found(text(type))
          .with_suggestion(did_you_mean(item.name.text, type.fields));
      ok = false;
      continue;
    }
    auto i = static_cast<size_t>(at - type.fields.begin());
    Span where = item.value ? item.value->span : item.name.span;
    ExprPtr value =
        runtime(item.value ? expr(*item.value) : name_value(item.name.text, item.name.span), where);
    elements[i] =
        coerce(std::move(value), type.elements[i], where, "the value of '" + item.name.text + "'");
    ok &= elements[i] != nullptr;
  }
  if (!ok) return {};
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i]) continue;
    elements[i] = make(span, type.elements[i],
                       typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)});
  }
  return make(span, std::move(type), typed::MakeTuple{std::move(elements)});
}

std::optional<Value> Elaborator::nested_site(const ast::FieldExpr& e, Span span) {
  if (cx_->kind != Context::Kind::Model || cx_->model == nullptr) return std::nullopt;
  std::string path = e.field.text;
  const std::vector<ast::ExprPtr>* indices = nullptr;
  const ast::Expr* at = e.base.get();
  while (ast::as<ast::NameRef>(*at) == nullptr) {
    if (const auto* inner = ast::as<ast::FieldExpr>(*at)) {
      path.insert(0, 1, '.').insert(0, inner->field.text);
      at = inner->base.get();
    } else if (const auto* index = ast::as<ast::IndexExpr>(*at); index && indices == nullptr) {
      indices = &index->indices;
      at = index->base.get();
    } else {
      return std::nullopt;
    }
  }
  const std::string& name = ast::as<ast::NameRef>(*at)->name;
  auto site = cx_->model->by_name.find(cx_->prefix + name + "." + path);
  if (site == cx_->model->by_name.end()) return std::nullopt;
  // What the model returned goes first.
  const Scope::Entry* entry = cx_->scope->find(name);
  if (entry == nullptr) return std::nullopt;
  if (const Atom* value = std::get_if<Atom>(&entry->binding)) {
    const std::vector<std::string>& fields = value->type.fields;
    const std::string first = path.substr(0, path.find('.'));
    if (std::find(fields.begin(), fields.end(), first) != fields.end()) return std::nullopt;
  }
  ExprPtr whole = site_element(SiteName{site->second, cx_->prefix_indices}, span);
  if (!whole) return Value();
  if (indices == nullptr) return Value(std::move(whole));
  return index_value(Value(std::move(whole)), *indices, e.base->span, span);
}

Value Elaborator::field(const ast::FieldExpr& e, Span span) {
  if (std::optional<Value> site = nested_site(e, span)) return std::move(*site);
  return field_of(expr(*e.base), e.field.text, e.base->span, e.field.span, span);
}

Value Elaborator::field_of(Value base, const std::string& name, Span base_span, Span name_span,
                           Span span) {
  if (base.poisoned()) return {};
  if (const StaticPtr* value = base.as_static()) {
    if (get<RealsValue>(*value) != nullptr) return reals_member(*value, name, name_span);
    if (get<StagesValue>(*value) != nullptr) return stages_member(*value, name, name_span);
    if (const auto* d = get<DistributionValue>(*value)) {
      if (name == "support") {
        StaticPtr support = distribution_support(*d, span);
        return support ? Value(support) : Value();
      }
      if (!distribution_method(*d, name, name_span)) return {};
      return make_static(MemberValue{*value, name});
    }
    if (const auto* s = get<SupportValue>(*value)) {
      if (std::optional<double> constant_member = support_constant(*s, name)) {
        return constant(span, *constant_member);
      }
      if (std::optional<Value> member = support_let(*s, name)) return std::move(*member);
      if (name == "lower" || name == "upper") {
        const double infinity = std::numeric_limits<double>::infinity();
        return constant(span, name == "lower" ? -infinity : infinity);
      }
      const bool known = s->base == SupportValue::Base::Defined
                             ? support_method(*s, name).has_value()
                             : is_base_method(*s, name);
      if (known) return make_static(MemberValue{*value, name});
      error("member.unknown", name_span, "the support " + s->text + " has no '" + name + "'");
      return {};
    }
    if (const auto* t = get<TupleValue>(*value)) {
      auto at = std::find(t->fields.begin(), t->fields.end(), name);
      if (at != t->fields.end()) {
        return binding_value(t->elements[static_cast<size_t>(at - t->fields.begin())], span);
      }
      error("field.unknown", name_span, "there is no field '" + name + "'")
          .with_suggestion(did_you_mean(name, t->fields));
      return {};
    }
    error("member.none", name_span, kind_of(**value) + " has no '" + name + "'");
    return {};
  }
  ExprPtr value = std::move(base.expr());
  const Type type = value->type;
  if (type.fields.empty()) {
    error("field.base", base_span, "this has no fields").with_found(text(type));
    return {};
  }
  auto at = std::find(type.fields.begin(), type.fields.end(), name);
  if (at != type.fields.end()) {
    auto i = static_cast<size_t>(at - type.fields.begin());
    if (auto* made = std::get_if<typed::MakeTuple>(&value->node)) {
      return std::move(made->elements[i]);
    }
    return make(span, type.elements[i], typed::TupleGet{std::move(value), static_cast<int32_t>(i)});
  }
  // Sites of a nested draw: `t.s.x` is the field "s.x".
  std::string prefix = name + ".";
  std::vector<size_t> inner;
  for (size_t i = 0; i < type.fields.size(); ++i) {
    if (type.fields[i].starts_with(prefix)) inner.push_back(i);
  }
  if (!inner.empty()) {
    Atom whole = bind_atom(std::move(value), "trace", base_span);
    Type sub;
    sub.kind = Type::Kind::Tuple;
    typed::MakeTuple made;
    for (size_t i : inner) {
      sub.fields.push_back(type.fields[i].substr(prefix.size()));
      sub.elements.push_back(type.elements[i]);
      made.elements.push_back(
          make(span, type.elements[i],
               typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)}));
    }
    return make(span, std::move(sub), std::move(made));
  }
  error("field.unknown", name_span, "there is no field '" + name + "'")
      .with_found(text(type))
      .with_suggestion(did_you_mean(name, type.fields));
  return {};
}

Value Elaborator::element_of(Value base, int64_t index, Span span) {
  if (base.poisoned()) return {};
  auto wrong = [&](size_t count) {
    error("tuple.index", span, "there is no element " + std::to_string(index))
        .with_found("a tuple of " + std::to_string(count));
    return Value();
  };
  if (const auto* t = get<TupleValue>(base)) {
    if (index < 0 || static_cast<size_t>(index) >= t->elements.size()) {
      return wrong(t->elements.size());
    }
    return binding_value(t->elements[static_cast<size_t>(index)], span);
  }
  ExprPtr value = runtime(std::move(base), span);
  if (!value) return {};
  if (value->type.kind != Type::Kind::Tuple) {
    error("tuple.base", span, "this is not a tuple").with_found(text(value->type));
    return {};
  }
  if (index < 0 || static_cast<size_t>(index) >= value->type.elements.size()) {
    return wrong(value->type.elements.size());
  }
  if (auto* made = std::get_if<typed::MakeTuple>(&value->node)) {
    return std::move(made->elements[static_cast<size_t>(index)]);
  }
  Type type = value->type.elements[static_cast<size_t>(index)];
  return make(span, std::move(type),
              typed::TupleGet{std::move(value), static_cast<int32_t>(index)});
}

}  // namespace borel::sema

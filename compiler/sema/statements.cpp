// Statements without control flow, and lists of statements.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::statements(const ast::Block& block, size_t from, const Rest* rest) {
  for (size_t i = from; i < block.statements.size(); ++i) {
    const ast::Stmt& s = *block.statements[i];
    const auto* conditional = ast::as<ast::IfStmt>(s);
    const bool at_top = cx_->kind == Context::Kind::Infer && cx_->block == nullptr;
    if (conditional != nullptr && contains_return(s) && !at_top) {
      // What follows belongs to the ways through the `if` that do not return.
      Rest next{&block, i + 1, cx_->scope, rest};
      bool more = i + 1 < block.statements.size() || rest != nullptr;
      return branch(*conditional, s.span, more ? &next : nullptr);
    }
    const auto* last = ast::as<ast::ExprStmt>(s);
    if (last != nullptr && &block == cx_->value_block && i + 1 == block.statements.size()) {
      return_value(*last->value, s.span);
      return true;
    }
    if (statement(s)) {
      if (i + 1 < block.statements.size()) {
        error("return.unreachable", block.statements[i + 1]->span,
              "nothing after a 'return' is reached")
            .with_note(s.span, "the return");
      }
      return true;
    }
  }
  return resume(rest);
}

bool Elaborator::resume(const Rest* rest) {
  if (rest == nullptr) return false;
  Scope scope;
  scope.parent = rest->scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  bool returned = statements(*rest->block, rest->index, rest->next);
  cx_->scope = outer;
  return returned;
}

bool Elaborator::contains_return(const ast::Block& block) {
  return std::any_of(block.statements.begin(), block.statements.end(),
                     [](const ast::StmtPtr& s) { return contains_return(*s); });
}

bool Elaborator::contains_return(const ast::Stmt& s) {
  if (ast::as<ast::ReturnStmt>(s) != nullptr) return true;
  if (const auto* i = ast::as<ast::IfStmt>(s)) {
    return contains_return(i->then_block) || (i->else_block && contains_return(*i->else_block));
  }
  return false;
}

bool Elaborator::statement(const ast::Stmt& s) {
  if (cx_->kind == Context::Kind::Infer && cx_->block == nullptr) {
    bool allowed = ast::as<ast::LetStmt>(s) != nullptr || ast::as<ast::ReturnStmt>(s) != nullptr ||
                   ast::as<ast::ExprStmt>(s) != nullptr;
    if (!allowed) {
      if (cx_->returned != nullptr && cx_->caller != nullptr) {
        error("infer.statement", s.span,
              "'" + cx_->name +
                  "' gives a compile-time value: it holds 'let's and one 'return', at its end");
      } else {
        error("infer.statement", s.span, "an infer holds 'let's and then its machine")
            .with_suggestion("compute it in a def, and call that");
      }
      return false;
    }
  }
  struct Visitor {
    Elaborator& e;
    Span span;
    bool operator()(const ast::LetStmt& x) const {
      e.let(x, span);
      return false;
    }
    bool operator()(const ast::VarStmt& x) const {
      e.var(x, span);
      return false;
    }
    bool operator()(const ast::AssignStmt& x) const {
      e.assign(x, span);
      return false;
    }
    bool operator()(const ast::SiteStmt& x) const {
      e.site(x, span);
      return false;
    }
    bool operator()(const ast::RecordStmt& x) const {
      e.record(x, span);
      return false;
    }
    bool operator()(const ast::IfStmt& x) const { return e.branch(x, span, nullptr); }
    bool operator()(const ast::ForStmt& x) const {
      e.for_loop(x, span);
      return false;
    }
    bool operator()(const ast::WhileStmt& x) const {
      e.while_loop(x, span);
      return false;
    }
    bool operator()(const ast::ReturnStmt& x) const {
      e.return_value(*x.value, span);
      return true;
    }
    bool operator()(const ast::ExprStmt& x) const {
      e.expression_statement(x, span);
      return false;
    }
  };
  return std::visit(Visitor{*this, s.span}, s.node);
}

void Elaborator::let(const ast::LetStmt& s, Span span) {
  Value value = expr(*s.value);
  if (s.type && !value.poisoned()) {
    ExprPtr x = runtime(std::move(value), s.value->span);
    Declared type = declared_type(*s.type, x ? &x->type : nullptr);
    x = type.poisoned ? nullptr
                      : coerce(std::move(x), type.type, s.value->span,
                               "the value of '" + s.pattern.names[0].text + "'");
    value = x ? Value(std::move(x)) : Value();
  }
  bind_pattern(s.pattern, std::move(value), span);
}

void Elaborator::bind_pattern(const ast::Pattern& pattern, Value value, Span span) {
  auto poison = [&] {
    for (const ast::Name& name : pattern.names) declare(name, Poison{});
  };
  if (value.poisoned()) return poison();
  if (!pattern.is_tuple) {
    declare(pattern.names[0], bind(std::move(value), pattern.names[0].text, pattern.names[0].span));
    return;
  }
  size_t count = 0;
  if (const auto* t = get<TupleValue>(value)) {
    count = t->elements.size();
    if (count == pattern.names.size()) {
      for (size_t i = 0; i < count; ++i) declare(pattern.names[i], t->elements[i]);
      return;
    }
  } else {
    ExprPtr x = runtime(std::move(value), pattern.span);
    if (!x) return poison();
    if (x->type.kind != Type::Kind::Tuple) {
      error("pattern.tuple", pattern.span, "a tuple is wanted here").with_found(text(x->type));
      return poison();
    }
    count = x->type.elements.size();
    if (count == pattern.names.size()) {
      if (auto* made = std::get_if<typed::MakeTuple>(&x->node)) {
        std::vector<Binding> bindings;
        for (size_t i = 0; i < count; ++i) {
          bindings.push_back(bind(Value(std::move(made->elements[i])), pattern.names[i].text,
                                  pattern.names[i].span));
        }
        for (size_t i = 0; i < count; ++i) declare(pattern.names[i], std::move(bindings[i]));
        return;
      }
      if (cx_->block == nullptr) {
        Atom whole = bind_atom(std::move(x), "tuple", span);
        for (size_t i = 0; i < count; ++i) {
          ExprPtr part = make(span, whole.type.elements[i],
                              typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)});
          declare(pattern.names[i],
                  bind(Value(std::move(part)), pattern.names[i].text, pattern.names[i].span));
        }
        return;
      }
      typed::LetTuple out;
      for (size_t i = 0; i < count; ++i) {
        VarId variable =
            new_variable(pattern.names[i].text, x->type.elements[i], pattern.names[i].span);
        out.variables.push_back(variable);
        if (cx_->model != nullptr && is_random(*x)) cx_->model->random.insert(variable);
        declare(pattern.names[i], Atom{x->type.elements[i], variable});
      }
      out.value = std::move(x);
      emit(span, std::move(out));
      return;
    }
  }
  error("pattern.count", pattern.span, "the tuple has another number of elements")
      .with_found(std::to_string(count))
      .with_expected(std::to_string(pattern.names.size()));
  poison();
}

void Elaborator::var(const ast::VarStmt& s, Span span) {
  std::optional<Type> type;
  bool ok = true;
  ExprPtr value;
  if (s.value) {
    value = runtime_expr(*s.value, "the value of '" + s.name.text + "'");
    ok = value != nullptr;
  }
  if (s.type) {
    Declared declared = declared_type(*s.type, value ? &value->type : nullptr);
    if (declared.poisoned) {
      ok = false;
    } else {
      type = declared.type;
      if (value) {
        value =
            coerce(std::move(value), *type, s.value->span, "the value of '" + s.name.text + "'");
        ok = value != nullptr;
      }
    }
  } else if (value) {
    type = value->type;
  }
  if (!ok || !type) {
    declare(s.name, Poison{});
    return;
  }
  VarId variable = new_variable(s.name.text, *type, s.name.span, true);
  if (value && cx_->model != nullptr && is_random(*value)) cx_->model->random.insert(variable);
  emit(span, typed::Let{variable, std::move(value)});
  declare(s.name, Atom{*type, variable});
}

void Elaborator::assign(const ast::AssignStmt& s, Span span) {
  const std::string& name = s.target.name.text;
  const Scope::Entry* entry = cx_->scope->find(name);
  auto give_up = [&] {
    for (const ast::ExprPtr& i : s.target.indices) {
      if (ast::as<ast::RangeExpr>(*i) == nullptr) expr(*i);
    }
    expr(*s.value);
  };
  if (entry == nullptr) {
    Value value = name_value(name, s.target.name.span);
    if (!value.poisoned()) {
      error("assign.target", s.target.name.span, "'" + name + "' is not a variable");
    }
    return give_up();
  }
  const Atom* atom = std::get_if<Atom>(&entry->binding);
  const VarId* variable = atom != nullptr ? std::get_if<VarId>(&atom->value) : nullptr;
  if (variable == nullptr || !program_[*variable].is_mutable) {
    if (!std::holds_alternative<Poison>(entry->binding)) {
      bool is_site = std::holds_alternative<SiteName>(entry->binding);
      Diagnostic& d = error("assign.immutable", s.target.name.span,
                            is_site ? "'" + name + "' is a site; it is drawn, not assigned"
                                    : "'" + name + "' cannot be assigned to");
      if (entry->span.valid()) d.with_note(entry->span, "declared here");
      if (!is_site) d.with_suggestion("declare it with 'var'");
    }
    return give_up();
  }
  VarId target = *variable;
  const Type type = program_[target].type;
  std::vector<typed::Subscript> list;
  if (!s.target.indices.empty()) {
    if (!has_dims(type) || s.target.indices.size() > type.dims.size()) {
      error("index.count", s.target.span, "too many indices").with_found(text(type));
      return give_up();
    }
    bool ok = true;
    list = subscripts(s.target.indices, type, s.target.span, ok);
    if (!ok) {
      expr(*s.value);
      return;
    }
  }
  if (!list.empty() && type.kind == Type::Kind::Tuple) {
    const std::vector<BoundSubscript> bound = bind_subscripts(std::move(list));
    const std::string what = "index into " + name;
    ExprPtr old = index_records(reference(target, s.target.span), bound, s.target.span, what);
    ExprPtr now = runtime_expr(*s.value, "what is assigned to '" + name + "'");
    if (!old || !now) return;
    if (s.op) {
      now = arithmetic(*s.op, std::move(old), std::move(now), span, s.op_span);
    } else {
      now = coerce(std::move(now), old->type, s.value->span, "what is assigned to '" + name + "'");
    }
    if (!now) return;
    if (cx_->model != nullptr && is_random(*now)) cx_->model->random.insert(target);
    ExprPtr changed =
        with_element(reference(target, span), bound, std::move(now), s.target.span, what);
    emit(span, typed::Assign{target, {}, std::move(changed), PlaceId::None});
    return;
  }
  std::vector<typed::Subscript> again;
  if (s.op) {
    // `x[i] += e` reads and writes one place: its indices are computed once.
    for (typed::Subscript& sub : list) {
      typed::Subscript copy;
      copy.kind = sub.kind;
      copy.checked = sub.checked;
      for (ExprPtr typed::Subscript::*part :
           {&typed::Subscript::first, &typed::Subscript::second}) {
        if (!(sub.*part)) continue;
        Span where = (sub.*part)->span;
        Atom at = bind_atom(std::move(sub.*part), "index", where);
        sub.*part = from_atom(at, where);
        copy.*part = from_atom(at, where);
      }
      again.push_back(std::move(copy));
    }
  }
  ExprPtr place = reference(target, s.target.span);
  if (!list.empty()) {
    place = index_runtime(std::move(place), std::move(list), s.target.span, "index into " + name);
  }
  ExprPtr value = runtime_expr(*s.value, "what is assigned to '" + name + "'");
  if (!value) return;
  if (s.op) {
    ExprPtr old = reference(target, s.target.span);
    if (!again.empty()) {
      old = index_runtime(std::move(old), std::move(again), s.target.span, "index into " + name);
    }
    value = arithmetic(*s.op, std::move(old), std::move(value), span, s.op_span);
    if (!value) return;
  }
  if (is_scalar(place->type, Scalar::Int) && is_scalar(value->type, Scalar::Real) &&
      s.target.indices.empty()) {
    error("type.mismatch", s.value->span, "what is assigned to '" + name + "' has the wrong type")
        .with_found("real")
        .with_expected("int")
        .with_note(program_[target].span, "its first value makes it an int")
        .with_suggestion("declare it as 'var " + name + ": real'");
    return;
  }
  value =
      coerce(std::move(value), place->type, s.value->span,
             "what is assigned to '" + std::string(library_.sources().text(s.target.span)) + "'");
  if (!value) return;
  if (cx_->model != nullptr && is_random(*value)) cx_->model->random.insert(target);
  typed::Assign out;
  out.variable = target;
  out.value = std::move(value);
  if (auto* index = std::get_if<typed::Index>(&place->node)) {
    out.subscripts = std::move(index->subscripts);
    out.place = index->place;
  }
  emit(span, std::move(out));
}

void Elaborator::return_value(const ast::Expr& value, Span span) {
  if (cx_->loop_depth > 0) {
    error("return.loop", span, "'return' does not stand in a loop")
        .with_suggestion("assign the result to a 'var' and return it after the loop");
    expr(value);
    return;
  }
  if (cx_->returned != nullptr) {
    if (cx_->block != cx_->entry_block) {
      error(
          "return.branch", span,
          cx_->caller != nullptr && cx_->model_root != cx_->caller->model_root
              ? "the model '" + cx_->name + "' is drawn by another: it has one 'return', at its end"
              : "'" + cx_->name + "' gives a compile-time value: it has one 'return', at its end");
    }
    *cx_->returned = expr(value);
    return;
  }
  if (cx_->kind == Context::Kind::Model) {
    expr(value);  // nobody asks for the value of the outermost model
    return;
  }
  ExprPtr x = runtime_expr(value, "the result of '" + cx_->name + "'");
  emit(span, typed::Return{std::move(x)});
}

void Elaborator::expression_statement(const ast::ExprStmt& s, Span span) {
  Value value = expr(*s.value);
  if (!value.runtime()) return;
  if (typed::as<typed::Call>(*value.expr()) != nullptr) {
    emit(span, typed::Evaluate{std::move(value.expr())});
  }
}

}  // namespace borel::sema

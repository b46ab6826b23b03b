// Branches and loops.
#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::branch(const ast::IfStmt& s, Span span, const Rest* rest) {
  ExprPtr c = condition(*s.condition);
  typed::If out;
  bool first = false, second = false;
  cx_->path.push_back({branches_++, 0, cx_->loops.size()});
  const size_t facts = cx_->facts.size();
  if (c) facts_of(*c, true, cx_->facts);
  nested_block(out.then_block, [&] { first = statements(s.then_block, 0, rest); });
  cx_->path.back().side = 1;
  cx_->facts.resize(facts);
  if (c) facts_of(*c, false, cx_->facts);
  nested_block(out.else_block,
               [&] { second = s.else_block ? statements(*s.else_block, 0, rest) : resume(rest); });
  cx_->path.pop_back();
  cx_->facts.resize(facts);
  if (c) {
    out.condition = std::move(c);
    emit(span, std::move(out));
  }
  return first && second;
}

void Elaborator::for_loop(const ast::ForStmt& s, Span span) {
  ExprPtr lower, upper;
  std::optional<Atom> over;
  if (const auto* range = ast::as<ast::RangeExpr>(*s.range)) {
    lower = typed_expr(*range->lo, int_type(), "the start of a range");
    upper = typed_expr(*range->hi, int_type(), "the end of a range");
  } else {
    Value value = expr(*s.range);
    if (const auto* t = get<TupleValue>(value)) {
      std::vector<Value> elements;
      for (const Binding& element : t->elements) {
        elements.push_back(binding_value(element, s.range->span));
      }
      return unrolled(s, elements, span);
    }
    ExprPtr array = runtime(std::move(value), s.range->span, "what a loop goes through");
    if (array && !has_dims(array->type)) {
      error("loop.range", s.range->span, "a loop goes through a range or an array")
          .with_found(text(array->type));
      array = nullptr;
    }
    if (array) {
      over = bind_atom(std::move(array), "array", s.range->span);
      lower = constant(s.range->span, int64_t{0});
      upper = size_expr(over->type.dims[0], s.range->span);
    }
  }
  typed::For out;
  VarId variable = new_variable(over ? "index" : s.name.text, int_type(), s.name.span);
  Loop loop;
  loop.variable = variable;
  loop.branches = cx_->path.size();
  if (lower && upper) {
    loop.random = is_random(*lower) || is_random(*upper);
    loop.lower = size_of(lower);
    loop.upper = size_of(upper);
    if (never_negative(*loop.lower)) not_negative_.insert(variable);
  }
  cx_->loops.push_back(std::move(loop));
  ++cx_->loop_depth;
  nested_block(out.body, [&] {
    if (over) {
      declare(s.name,
              bind(Value(element(*over, {variable}, s.name.span)), s.name.text, s.name.span));
    } else if (lower && upper) {
      declare(s.name, Atom{int_type(), variable});
    } else {
      declare(s.name, Poison{});
    }
    statements(s.body, 0, nullptr);
  });
  --cx_->loop_depth;
  cx_->loops.pop_back();
  if (!lower || !upper) return;
  out.variable = variable;
  out.lower = std::move(lower);
  out.upper = std::move(upper);
  emit(span, std::move(out));
}

void Elaborator::unrolled(const ast::ForStmt& s, const std::vector<Value>& elements, Span) {
  ++cx_->loop_depth;
  for (const Value& value : elements) {
    Scope scope;
    scope.parent = cx_->scope;
    cx_->scope = &scope;
    Binding binding = Poison{};
    if (const StaticPtr* p = value.as_static()) {
      binding = *p;
    } else if (const auto* e = std::get_if<ExprPtr>(&value.node)) {
      if (const auto* v = typed::as<typed::VarRef>(*(*e))) {
        binding = Atom{(*e)->type, v->variable};
      } else if (const auto* c = typed::as<typed::Constant>(*(*e))) {
        Atom atom{(*e)->type, VarId::None};
        std::visit([&](auto x) { atom.value = x; }, c->value);
        binding = atom;
      }
    }
    declare(s.name, binding);
    statements(s.body, 0, nullptr);
    cx_->scope = scope.parent;
  }
  --cx_->loop_depth;
}

void Elaborator::while_loop(const ast::WhileStmt& s, Span span) {
  typed::While out;
  ExprPtr c = lazily([&] { return condition(*s.condition); });
  ++cx_->loop_depth;
  ++cx_->while_depth;
  nested_block(out.body, [&] { statements(s.body, 0, nullptr); });
  --cx_->while_depth;
  --cx_->loop_depth;
  if (!c) return;
  out.condition = std::move(c);
  emit(span, std::move(out));
}

}  // namespace borel::sema

// Typed nodes, variables, statements.
#include "compiler/sema/elaborator.h"

namespace borel::sema {

ExprPtr Elaborator::make(Span span, Type type, decltype(typed::Expr::node) node) {
  auto out = std::make_unique<typed::Expr>();
  out->span = span;
  out->type = std::move(type);
  out->node = std::move(node);
  return out;
}

Type Elaborator::scalar_type(Scalar scalar) {
  Type out;
  out.kind = Type::Kind::Scalar;
  out.scalar = scalar;
  return out;
}

Type Elaborator::array_type(Scalar scalar, std::vector<Size> dims, bool matrix) {
  Type out;
  out.kind = dims.empty() ? Type::Kind::Scalar : Type::Kind::Array;
  out.scalar = scalar;
  out.matrix = matrix && dims.size() >= 2;
  out.dims = std::move(dims);
  return out;
}

ExprPtr Elaborator::constant(Span span, int64_t value) {
  return make(span, int_type(), typed::Constant{value});
}
ExprPtr Elaborator::constant(Span span, double value) {
  return make(span, real_type(), typed::Constant{value});
}
ExprPtr Elaborator::constant(Span span, bool value) {
  return make(span, bool_type(), typed::Constant{value});
}

ExprPtr Elaborator::reference(VarId variable, Span span) const {
  return make(span, program_[variable].type, typed::VarRef{variable});
}

ExprPtr Elaborator::from_atom(const Atom& atom, Span span) const {
  if (const VarId* variable = std::get_if<VarId>(&atom.value)) return reference(*variable, span);
  if (const bool* b = std::get_if<bool>(&atom.value)) return constant(span, *b);
  if (const int64_t* i = std::get_if<int64_t>(&atom.value)) return constant(span, *i);
  return constant(span, std::get<double>(atom.value));
}

ExprPtr Elaborator::builtin(Span span, Type type, Op op, std::vector<ExprPtr> args, PlaceId place) {
  return make(span, std::move(type), typed::Builtin{op, std::move(args), place});
}

VarId Elaborator::new_variable(std::string name, Type type, Span span, bool is_mutable) {
  typed::Variable variable;
  variable.name = std::move(name);
  variable.type = std::move(type);
  variable.span = span;
  variable.is_mutable = is_mutable;
  variable.global = cx_ != nullptr && cx_->kind == Context::Kind::Infer && cx_->block == nullptr;
  program_.variables.push_back(std::move(variable));
  return static_cast<VarId>(program_.variables.size() - 1);
}

PlaceId Elaborator::new_place(Span span, std::string what, std::string site) {
  program_.places.push_back({span, std::move(site), std::move(what)});
  return static_cast<PlaceId>(program_.places.size() - 1);
}

void Elaborator::emit(Span span, decltype(typed::Stmt::node) node) {
  if (cx_->block != nullptr) {
    cx_->block->push_back(typed::Stmt{span, std::move(node)});
    return;
  }
  if (auto* let = std::get_if<typed::Let>(&node)) {
    program_.globals.push_back({let->variable, std::move(let->value)});
    return;
  }
  if (std::holds_alternative<typed::Check>(node)) {
    // A check of data alone: a global of which nothing but the check is wanted.
    typed::Block block;
    block.push_back(typed::Stmt{span, std::move(node)});
    VarId variable = new_variable("check", bool_type(), span);
    program_.globals.push_back(
        {variable, with_statements(std::move(block), constant(span, true)), /*check=*/true});
    return;
  }
  throw InternalError("a statement at the top of an infer", span);
}

void Elaborator::emit_let(VarId variable, ExprPtr value, Span span) {
  const typed::Variable& v = program_[variable];
  if (!v.is_mutable && v.type.kind == Type::Kind::Scalar && v.type.scalar == Scalar::Int) {
    if (std::optional<Size> size = try_size(*value)) known_size_[variable] = *size;
  }
  if (!v.is_mutable) {
    if (std::optional<Size> bound = bound_of(*value)) index_bounds_[variable] = *bound;
  }
  if (cx_->model != nullptr && is_random(*value)) cx_->model->random.insert(variable);
  emit(span, typed::Let{variable, std::move(value)});
}

bool Elaborator::is_global(VarId variable) const { return program_[variable].global; }

bool Elaborator::is_local(const Size& size) const {
  for (const Size::Term& term : size.terms) {
    for (VarId factor : term.factors) {
      if (!is_global(factor)) return true;
    }
  }
  return false;
}

Atom Elaborator::bind_atom(ExprPtr value, const std::string& name, Span span) {
  if (const auto* c = typed::as<typed::Constant>(*value)) {
    Atom atom{value->type, VarId::None};
    std::visit([&](auto v) { atom.value = v; }, c->value);
    return atom;
  }
  if (const auto* v = typed::as<typed::VarRef>(*value)) {
    if (!program_[v->variable].is_mutable && v->observed < 0) return Atom{value->type, v->variable};
  }
  VarId variable = new_variable(name, value->type, span);
  Atom atom{value->type, variable};
  emit_let(variable, std::move(value), span);
  return atom;
}

Binding Elaborator::bind(Value value, const std::string& name, Span span) {
  if (value.poisoned()) return Poison{};
  if (const StaticPtr* s = value.as_static()) return *s;
  return bind_atom(std::move(value.expr()), name, span);
}

ExprPtr Elaborator::with_statements(typed::Block statements, ExprPtr value) {
  if (!value || statements.empty()) return value;
  Span span = value->span;
  Type type = value->type;
  return make(span, std::move(type), typed::BlockExpr{std::move(statements), std::move(value)});
}

std::string Elaborator::unique_symbol(const std::string& name) {
  int count = symbols_[name]++;
  return count == 0 ? name : name + "." + std::to_string(count);
}

}  // namespace borel::sema

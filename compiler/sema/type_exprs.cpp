// Types as they are written.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

std::optional<Size> Elaborator::written_size(
    const ast::Expr& e, const Size* actual,
    const std::function<std::optional<Size>(const ast::Name&)>& fresh) {
  if (const auto* name = ast::as<ast::NameRef>(e)) {
    const Scope::Entry* entry = cx_->scope->find(name->name);
    // A declared constant may be a size; any other declaration of that name does not matter here.
    const ast::Decl* decl = entry == nullptr ? find_decl(name->name, e.span) : nullptr;
    const auto* f = decl != nullptr ? std::get_if<ast::FunctionDecl>(&decl->node) : nullptr;
    bool known = entry != nullptr || (f != nullptr && f->constant);
    if (!known && actual != nullptr) {
      declare(cx_->scope, name->name, SizeName{*actual}, e.span);
      return *actual;
    }
    if (!known && fresh) return fresh(ast::Name{name->name, e.span});
  }
  if (const auto* b = ast::as<ast::BinaryExpr>(e); b != nullptr && fresh) {
    if (b->op == ast::BinaryOp::Add || b->op == ast::BinaryOp::Sub || b->op == ast::BinaryOp::Mul) {
      std::optional<Size> x = written_size(*b->lhs, nullptr, fresh);
      std::optional<Size> y = written_size(*b->rhs, nullptr, fresh);
      if (!x || !y) return std::nullopt;
      return b->op == ast::BinaryOp::Add   ? add(*x, *y)
             : b->op == ast::BinaryOp::Sub ? subtract(*x, *y)
                                           : multiply(*x, *y);
    }
  }
  ExprPtr value = typed_expr(e, int_type(), "an array's size");
  if (!value) return std::nullopt;
  return size_of(value);
}

Type Elaborator::struct_type(const ast::StructDecl& decl) {
  Type out;
  out.kind = Type::Kind::Tuple;
  if (std::find(open_structs_.begin(), open_structs_.end(), &decl) != open_structs_.end()) {
    error("struct.recursive", decl.name.span,
          "the struct '" + decl.name.text + "' would hold itself");
    return {};
  }
  open_structs_.push_back(&decl);
  bool ok = true;
  for (const ast::Field& field : decl.fields) {
    Declared type = declared_type(*field.type, nullptr);
    out.elements.push_back(type.type);
    out.fields.push_back(field.name.text);
    ok = ok && !type.poisoned;
  }
  open_structs_.pop_back();
  return ok ? out : Type{};
}

Elaborator::Declared Elaborator::declared_type(
    const ast::TypeExpr& written, const Type* actual,
    const std::function<std::optional<Size>(const ast::Name&)>& fresh,
    const std::optional<Size>& actual_bound) {
  Declared out;
  if (const auto* tuple = ast::as<ast::TupleType>(written)) {
    out.type.kind = Type::Kind::Tuple;
    for (size_t i = 0; i < tuple->elements.size(); ++i) {
      const Type* element = nullptr;
      if (actual != nullptr && actual->kind == Type::Kind::Tuple &&
          actual->elements.size() == tuple->elements.size()) {
        element = &actual->elements[i];
      }
      Declared declared = declared_type(*tuple->elements[i], element, fresh);
      out.poisoned |= declared.poisoned;
      out.type.elements.push_back(std::move(declared.type));
    }
    return out;
  }
  const auto& named = std::get<ast::NamedType>(written.node);
  Scalar scalar = Scalar::Real;
  std::vector<const ast::Expr*> sizes, dims;
  for (const ast::ExprPtr& e : named.sizes) sizes.push_back(e.get());
  for (const ast::ExprPtr& e : named.dims) dims.push_back(e.get());
  bool matrix = false;
  std::optional<Type> element;  // of an array-valued support or a struct
  switch (named.base) {
    case ast::BaseType::Bool:
      scalar = Scalar::Bool;
      break;
    case ast::BaseType::Int:
      scalar = Scalar::Int;
      break;
    case ast::BaseType::Real:
    case ast::BaseType::Vector:
      break;
    case ast::BaseType::Matrix:
      matrix = true;
      break;
    case ast::BaseType::Index: {
      scalar = Scalar::Int;
      std::optional<Size> bound =
          written_size(*named.sizes[0], actual_bound ? &*actual_bound : nullptr, fresh);
      out.poisoned |= !bound;
      out.index_bound = bound ? *bound : Size{};
      out.index_base = named.from;
      sizes.clear();
      break;
    }
    case ast::BaseType::Named: {
      const ast::Decl* decl = find_decl(named.name.text, written.span);
      if (const auto* record =
              decl != nullptr ? std::get_if<ast::StructDecl>(&decl->node) : nullptr) {
        std::vector<Size> lengths;
        for (size_t i = 0; i < dims.size(); ++i) {
          const bool alike = actual != nullptr && actual->kind == Type::Kind::Tuple &&
                             actual->dims.size() == dims.size();
          std::optional<Size> size =
              written_size(*dims[i], alike ? &actual->dims[i] : nullptr, fresh);
          out.poisoned |= !size;
          lengths.push_back(size ? *size : Size{});
        }
        const Type one = struct_type(*record);
        out.poisoned |= one.kind != Type::Kind::Tuple;
        out.type = array_of(one, lengths);
        return out;
      }
      // A support. Its own sizes are written in parentheses, or in the first brackets.
      const ast::FunctionDecl* f =
          decl != nullptr ? std::get_if<ast::FunctionDecl>(&decl->node) : nullptr;
      if (f == nullptr && !is_builtin(named.name.text)) {
        std::vector<std::string> known = visible_names();
        for (const char* base : {"bool", "int", "real", "vector", "matrix", "index"}) {
          known.emplace_back(base);
        }
        error("type.unknown", named.name.span, "unknown type '" + named.name.text + "'")
            .with_suggestion(did_you_mean(named.name.text, known));
        out.poisoned = true;
        return out;
      }
      std::vector<Value> args;
      for (const ast::Argument& a : named.args) args.push_back(expr(*a.value));
      if (f != nullptr && named.args.empty() && !f->params.empty()) {
        size_t count = std::min(f->params.size(), dims.size());
        for (size_t i = 0; i < count; ++i) {
          // Its own size is written first and is the innermost.
          const Size* from =
              actual != nullptr && is_array(*actual) && actual->dims.size() == dims.size()
                  ? &actual->dims[dims.size() - count + i]
                  : nullptr;
          std::optional<Size> size = written_size(*dims[i], from, fresh);
          if (!size) {
            out.poisoned = true;
            return out;
          }
          args.emplace_back(size_expr(*size, dims[i]->span));
        }
        dims.erase(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(args.size()));
      }
      for (const Value& a : args) {
        if (a.poisoned()) {
          out.poisoned = true;
          return out;
        }
      }
      Value value;
      if (f != nullptr) {
        if (!check_count(named.name.text, f->params.size(), args.size(), written.span)) {
          out.poisoned = true;
          return out;
        }
        value = call_decl(*f, std::move(args), written.span);
      } else {
        value = support_of_builtin(named.name.text, std::move(args), named.args, written.span);
      }
      out.support = as_support(value, written.span, "a type");
      if (!out.support) {
        out.poisoned = true;
        return out;
      }
      element = element_type(out.support, written.span);
      if (!element) {
        out.poisoned = true;
        return out;
      }
      scalar = element->scalar;
      break;
    }
  }
  std::vector<Size> own, outer;
  auto read = [&](const std::vector<const ast::Expr*>& list, size_t first, std::vector<Size>& to) {
    for (size_t i = 0; i < list.size(); ++i) {
      const Size* from = nullptr;
      if (actual != nullptr && is_array(*actual) &&
          actual->dims.size() ==
              sizes.size() + dims.size() + (element ? element->dims.size() : 0)) {
        from = &actual->dims[first + i];
      }
      std::optional<Size> size = written_size(*list[i], from, fresh);
      out.poisoned |= !size;
      to.push_back(size ? *size : Size{});
    }
  };
  read(dims, 0, outer);
  read(sizes, dims.size(), own);
  if (element && is_array(*element)) {
    own = element->dims;
    matrix = element->matrix;
  }
  outer.insert(outer.end(), own.begin(), own.end());
  out.type = array_type(scalar, std::move(outer), matrix);
  return out;
}

}  // namespace borel::sema

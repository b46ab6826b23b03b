// Arrays of structs and tuples. Such a value is a tuple of arrays, one for each element of the
// struct; its type is a tuple that has dims, which lead the dims of all its elements. So ps[i].x is
// ps.x[i], and nothing after sema knows of structs in arrays.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

Type Elaborator::array_of(const Type& element, const std::vector<Size>& dims) {
  Type out = element;
  out.dims.insert(out.dims.begin(), dims.begin(), dims.end());
  if (element.kind == Type::Kind::Scalar && !dims.empty()) out.kind = Type::Kind::Array;
  for (Type& part : out.elements) part = array_of(part, dims);
  return out;
}

Type Elaborator::without_dims(const Type& array, size_t count) {
  Type out = array;
  out.dims.erase(out.dims.begin(), out.dims.begin() + static_cast<std::ptrdiff_t>(count));
  if (out.kind == Type::Kind::Array && out.dims.empty()) out.kind = Type::Kind::Scalar;
  out.matrix = out.matrix && out.dims.size() >= 2;
  for (Type& part : out.elements) part = without_dims(part, count);
  return out;
}

ExprPtr Elaborator::element_of_record(ExprPtr& value, size_t i, Span span) {
  if (auto* made = std::get_if<typed::MakeTuple>(&value->node)) return std::move(made->elements[i]);
  const Atom whole = bind_atom(std::move(value), "record", span);
  value = from_atom(whole, span);
  return make(span, whole.type.elements[i],
              typed::TupleGet{from_atom(whole, span), static_cast<int32_t>(i)});
}

ExprPtr Elaborator::array_of_values(std::vector<ExprPtr> values, const Type& element, Span span) {
  Type type = array_of(element, {constant_size(static_cast<int64_t>(values.size()))});
  if (element.kind != Type::Kind::Tuple) {
    return make(span, std::move(type), typed::MakeArray{std::move(values)});
  }
  typed::MakeTuple out;
  for (size_t i = 0; i < element.elements.size(); ++i) {
    std::vector<ExprPtr> parts;
    for (ExprPtr& value : values) parts.push_back(element_of_record(value, i, span));
    out.elements.push_back(array_of_values(std::move(parts), element.elements[i], span));
  }
  return make(span, std::move(type), typed::MakeTuple{std::move(out)});
}

std::vector<Elaborator::BoundSubscript> Elaborator::bind_subscripts(
    std::vector<typed::Subscript> list) {
  std::vector<BoundSubscript> out;
  for (typed::Subscript& s : list) {
    BoundSubscript bound;
    bound.kind = s.kind;
    bound.checked = s.checked;
    if (s.first) bound.first = bind_atom(std::move(s.first), "index", {});
    if (s.second) bound.second = bind_atom(std::move(s.second), "index", {});
    out.push_back(std::move(bound));
  }
  return out;
}

std::vector<typed::Subscript> Elaborator::subscripts_again(const std::vector<BoundSubscript>& list,
                                                           Span span) const {
  std::vector<typed::Subscript> out;
  for (const BoundSubscript& s : list) {
    typed::Subscript copy;
    copy.kind = s.kind;
    copy.checked = s.checked;
    if (s.first) copy.first = from_atom(*s.first, span);
    if (s.second) copy.second = from_atom(*s.second, span);
    out.push_back(std::move(copy));
  }
  return out;
}

ExprPtr Elaborator::index_records(ExprPtr base, const std::vector<BoundSubscript>& list, Span span,
                                  const std::string& what) {
  if (base->type.kind != Type::Kind::Tuple) {
    return index_runtime(std::move(base), subscripts_again(list, span), span, what);
  }
  Type type = base->type;
  typed::MakeTuple out;
  for (size_t i = 0; i < type.elements.size(); ++i) {
    const size_t own = type.elements[i].dims.size() - type.dims.size();
    ExprPtr part = index_records(element_of_record(base, i, span), list, span, what);
    if (!part) return nullptr;
    if (i == 0) {
      const std::vector<Size>& dims = part->type.dims;
      type.dims.assign(dims.begin(), dims.end() - static_cast<std::ptrdiff_t>(own));
    }
    out.elements.push_back(std::move(part));
  }
  for (size_t i = 0; i < type.elements.size(); ++i) type.elements[i] = out.elements[i]->type;
  return make(span, std::move(type), std::move(out));
}

ExprPtr Elaborator::with_element(ExprPtr base, const std::vector<BoundSubscript>& list,
                                 ExprPtr value, Span span, const std::string& what) {
  if (base->type.kind == Type::Kind::Tuple) {
    Type type = base->type;
    typed::MakeTuple out;
    for (size_t i = 0; i < type.elements.size(); ++i) {
      ExprPtr part = element_of_record(base, i, span);
      ExprPtr now = element_of_record(value, i, span);
      out.elements.push_back(with_element(std::move(part), list, std::move(now), span, what));
    }
    return make(span, std::move(type), std::move(out));
  }
  const VarId changed = new_variable("record", base->type, span, true);
  emit(span, typed::Let{changed, std::move(base)});
  ExprPtr place = index_runtime(reference(changed, span), subscripts_again(list, span), span, what);
  typed::Assign assign;
  assign.variable = changed;
  assign.value = std::move(value);
  auto& index = std::get<typed::Index>(place->node);
  assign.subscripts = std::move(index.subscripts);
  assign.place = index.place;
  emit(span, std::move(assign));
  return reference(changed, span);
}

ExprPtr Elaborator::comprehension_of_records(const ast::Comprehension& e, const Type& element,
                                             std::vector<int32_t>& path, Span span) {
  if (element.kind != Type::Kind::Tuple) {
    Value value = comprehension(e, span, &path);
    return value.runtime() ? std::move(value.expr()) : nullptr;
  }
  typed::MakeTuple out;
  Type type = element;
  for (size_t i = 0; i < element.elements.size(); ++i) {
    path.push_back(static_cast<int32_t>(i));
    out.elements.push_back(comprehension_of_records(e, element.elements[i], path, span));
    path.pop_back();
    if (!out.elements.back()) return nullptr;
    type.elements[i] = out.elements.back()->type;
  }
  const size_t own = element.elements.empty() ? 0 : element.elements[0].dims.size();
  if (!element.elements.empty()) {
    const std::vector<Size>& dims = type.elements[0].dims;
    type.dims.assign(dims.begin(), dims.end() - static_cast<std::ptrdiff_t>(own));
    type.dims.insert(type.dims.end(), element.dims.begin(), element.dims.end());
  }
  return make(span, std::move(type), std::move(out));
}

}  // namespace borel::sema

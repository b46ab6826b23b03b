// Indices, slices and gathers, and when they need no check at run time.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

Value Elaborator::index(const ast::IndexExpr& e, Span span) {
  return index_value(expr(*e.base), e.indices, e.base->span, span);
}

Value Elaborator::index_value(Value base, const std::vector<ast::ExprPtr>& indices, Span base_span,
                              Span span) {
  if (base.poisoned()) return {};
  if (const StaticPtr* value = base.as_static()) {
    if (get<TupleValue>(*value) != nullptr) {
      ExprPtr at = typed_expr(*indices[0], int_type(), "an index");
      if (!at) return {};
      std::optional<Size> size = try_size(*at);
      std::optional<int64_t> i = size ? constant_value(*size) : std::nullopt;
      if (!i || indices.size() != 1) {
        error("index.compile_time", indices[0]->span,
              "an index into compile-time values must be a constant")
            .with_suggestion("go through them with 'for d in …'");
        return {};
      }
      return element_of(std::move(base), *i, span);
    }
    // ordered[k], as a support: the same as ordered(k).
    if (const auto* decl = get<DeclValue>(*value)) {
      if (const auto* f = std::get_if<ast::FunctionDecl>(&decl->decl->node);
          f != nullptr && gives_static(*f)) {
        if (!check_count(f->name.text, f->params.size(), indices.size(), span)) return {};
        std::vector<Value> args;
        for (const ast::ExprPtr& i : indices) args.push_back(expr(*i));
        for (const Value& a : args) {
          if (a.poisoned()) return {};
        }
        return call_decl(*f, std::move(args), span);
      }
    }
  }
  ExprPtr array = runtime(std::move(base), base_span, "what is indexed");
  if (!array) {
    for (const ast::ExprPtr& i : indices) {
      if (ast::as<ast::RangeExpr>(*i) == nullptr) expr(*i);
    }
    return {};
  }
  if (!has_dims(array->type)) {
    error("index.base", base_span, "this is not an array").with_found(text(array->type));
    return {};
  }
  if (indices.size() > array->type.dims.size()) {
    error("index.count", span, "too many indices")
        .with_found(std::to_string(indices.size()))
        .with_expected("at most " + std::to_string(array->type.dims.size()) + ", for " +
                       text(array->type));
    return {};
  }
  bool ok = true;
  std::vector<typed::Subscript> list = subscripts(indices, array->type, span, ok);
  if (!ok) return {};
  std::string what = "index into " + std::string(library_.sources().text(base_span));
  if (array->type.kind == Type::Kind::Tuple) {
    ExprPtr out = index_records(std::move(array), bind_subscripts(std::move(list)), span, what);
    return out ? Value(std::move(out)) : Value();
  }
  return index_runtime(std::move(array), std::move(list), span, what);
}

std::vector<typed::Subscript> Elaborator::subscripts(const std::vector<ast::ExprPtr>& indices,
                                                     const Type& base, Span span, bool& ok) {
  std::vector<typed::Subscript> out;
  for (size_t i = 0; i < indices.size(); ++i) {
    const Size& extent = base.dims[i];
    typed::Subscript s;
    if (const auto* range = ast::as<ast::RangeExpr>(*indices[i])) {
      if (!range->lo && !range->hi) {
        s.kind = typed::Subscript::Kind::All;
        s.checked = false;
        out.push_back(std::move(s));
        continue;
      }
      s.kind = typed::Subscript::Kind::Range;
      s.first = range->lo ? typed_expr(*range->lo, int_type(), "the start of a slice")
                          : constant(indices[i]->span, int64_t{0});
      s.second = range->hi ? typed_expr(*range->hi, int_type(), "the end of a slice")
                           : size_expr(extent, indices[i]->span);
      if (!s.first || !s.second) {
        ok = false;
        continue;
      }
      Size from = size_of(s.first), to = size_of(s.second);
      std::optional<Size> least = extreme(from, false), most = extreme(to, true);
      s.checked = !(least && most && never_negative(*least) &&
                    never_negative(subtract(extent, *most)) && never_negative(subtract(to, from)));
    } else {
      ExprPtr at = runtime_expr(*indices[i], "an index");
      if (!at) {
        ok = false;
        continue;
      }
      if (is_array(at->type) && at->type.scalar == Scalar::Int && at->type.dims.size() == 1) {
        s.kind = typed::Subscript::Kind::Gather;
        std::optional<Size> bound = bound_of(*at);
        s.checked = !(bound && surely_at_most(*bound, extent));
      } else if (is_scalar(at->type, Scalar::Int)) {
        s.checked = !surely_in_range(*at, extent);
        std::optional<Size> size = try_size(*at);
        std::optional<int64_t> value = size ? constant_value(*size) : std::nullopt;
        std::optional<int64_t> length = constant_value(extent);
        if (value && (*value < 0 || (length && *value >= *length))) {
          error("index.range", indices[i]->span, "index out of range")
              .with_found(std::to_string(*value))
              .with_expected("0.." + text(extent));
          ok = false;
          continue;
        }
      } else {
        error("index.type", indices[i]->span, "an index is an int or an array of ints")
            .with_found(text(at->type));
        ok = false;
        continue;
      }
      s.first = std::move(at);
    }
    out.push_back(std::move(s));
  }
  (void)span;
  return out;
}

ExprPtr Elaborator::index_runtime(ExprPtr base, std::vector<typed::Subscript> list, Span span,
                                  const std::string& what) {
  const Type& type = base->type;
  std::vector<Size> dims;
  bool matrix = type.matrix;
  for (size_t i = 0; i < type.dims.size(); ++i) {
    bool in_matrix = i + 2 >= type.dims.size();
    if (i >= list.size() || list[i].kind == typed::Subscript::Kind::All) {
      dims.push_back(type.dims[i]);
    } else if (list[i].kind == typed::Subscript::Kind::Range) {
      dims.push_back(subtract(size_of(list[i].second), size_of(list[i].first)));
    } else if (list[i].kind == typed::Subscript::Kind::Gather) {
      dims.push_back(list[i].first->type.dims[0]);
    } else if (in_matrix) {
      matrix = false;
    }
  }
  bool checked =
      std::any_of(list.begin(), list.end(), [](const typed::Subscript& s) { return s.checked; });
  PlaceId place = checked ? new_place(span, what) : PlaceId::None;
  Type result = array_type(type.scalar, std::move(dims), matrix);
  // x[i][j] is x[i, j].
  if (auto* inner = std::get_if<typed::Index>(&base->node)) {
    bool all_at =
        std::all_of(inner->subscripts.begin(), inner->subscripts.end(),
                    [](const typed::Subscript& s) { return s.kind == typed::Subscript::Kind::At; });
    if (all_at) {
      typed::Index merged = std::move(*inner);
      for (typed::Subscript& s : list) merged.subscripts.push_back(std::move(s));
      if (merged.place == PlaceId::None) merged.place = place;
      return make(span, std::move(result), std::move(merged));
    }
  }
  return make(span, std::move(result), typed::Index{std::move(base), std::move(list), place});
}

ExprPtr Elaborator::element(const Atom& array, const std::vector<VarId>& at, Span span) {
  ExprPtr base = from_atom(array, span);
  std::vector<typed::Subscript> list;
  for (size_t i = 0; i < at.size(); ++i) {
    typed::Subscript s;
    s.first = reference(at[i], span);
    s.checked = !surely_in_range(*s.first, base->type.dims[i]);
    list.push_back(std::move(s));
  }
  if (base->type.kind == Type::Kind::Tuple) {
    return index_records(std::move(base), bind_subscripts(std::move(list)), span, "an element");
  }
  return index_runtime(std::move(base), std::move(list), span, "an element");
}

bool Elaborator::never_negative(const Size& size) const {
  return std::all_of(size.terms.begin(), size.terms.end(), [this](const Size::Term& term) {
    return term.coefficient >= 0 &&
           std::all_of(term.factors.begin(), term.factors.end(),
                       [this](VarId v) { return not_negative_.contains(v); });
  });
}

std::optional<Size> Elaborator::extreme(const Size& size, bool largest) const {
  return extreme(size, largest, cx_->loops);
}

std::optional<Size> Elaborator::extreme(const Size& size, bool largest,
                                        const std::vector<Loop>& loops) const {
  // Inner loops first: their bounds may mention the variables of outer ones.
  Size out = size;
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop) {
    Size slope, rest;
    for (const Size::Term& term : out.terms) {
      auto count = std::count(term.factors.begin(), term.factors.end(), loop->variable);
      if (count > 1) return std::nullopt;
      Size::Term without = term;
      if (count == 1) {
        without.factors.erase(
            std::find(without.factors.begin(), without.factors.end(), loop->variable));
      }
      Size& to = count == 1 ? slope : rest;
      to = add(to, Size{{without}});
    }
    if (slope.terms.empty()) continue;
    bool rising = never_negative(slope);
    if (!rising && !never_negative(subtract(Size{}, slope))) return std::nullopt;
    const std::optional<Size>& bound = rising == largest ? loop->upper : loop->lower;
    if (!bound) return std::nullopt;
    Size at = rising == largest ? subtract(*bound, constant_size(1)) : *bound;
    out = add(rest, multiply(slope, at));
  }
  return out;
}

std::optional<Size> Elaborator::bound_of(const typed::Expr& e) const {
  if (const auto* v = typed::as<typed::VarRef>(e)) {
    auto at = index_bounds_.find(v->variable);
    if (at == index_bounds_.end()) return std::nullopt;
    return at->second;
  }
  if (const auto* i = typed::as<typed::Index>(e)) return bound_of(*i->base);
  return std::nullopt;
}

bool Elaborator::surely_in_range(const typed::Expr& index, const Size& extent) {
  if (std::optional<Size> bound = bound_of(index)) {
    if (surely_at_most(*bound, extent)) return true;
  }
  std::optional<Size> size = try_size(index);
  if (!size) return false;
  std::optional<Size> least = extreme(*size, false), most = extreme(*size, true);
  if (!least || !most || !never_negative(*least)) return false;
  return never_negative(subtract(subtract(extent, *most), constant_size(1)));
}

}  // namespace borel::sema

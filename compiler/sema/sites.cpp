// Sites: draws and recorded quantities of models, and draws of kernels.
#include <algorithm>
#include <numeric>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::is_random(const typed::Expr& e) const {
  if (cx_->model == nullptr) return false;
  auto any = [this](const std::vector<ExprPtr>& list) {
    return std::any_of(list.begin(), list.end(),
                       [this](const ExprPtr& x) { return x && is_random(*x); });
  };
  if (const auto* v = typed::as<typed::VarRef>(e)) {
    return cx_->model->random.contains(v->variable);
  }
  if (const auto* b = typed::as<typed::Builtin>(e)) {
    return b->op != Op::Dim && b->op != Op::Zeros && any(b->args);
  }
  if (const auto* c = typed::as<typed::Conditional>(e)) {
    return is_random(*c->condition) || is_random(*c->if_true) || is_random(*c->if_false);
  }
  if (const auto* i = typed::as<typed::Index>(e)) {
    if (is_random(*i->base)) return true;
    return std::any_of(
        i->subscripts.begin(), i->subscripts.end(),
        [this](const typed::Subscript& s) { return s.first && is_random(*s.first); });
  }
  if (const auto* c = typed::as<typed::Call>(e)) return any(c->args);
  if (const auto* t = typed::as<typed::MakeTuple>(e)) return any(t->elements);
  if (const auto* t = typed::as<typed::TupleGet>(e)) return is_random(*t->base);
  if (const auto* a = typed::as<typed::MakeArray>(e)) return any(a->elements);
  if (const auto* c = typed::as<typed::Comprehension>(e)) return is_random(*c->body);
  if (const auto* b = typed::as<typed::BlockExpr>(e)) return is_random(*b->value);
  return false;
}

ExprPtr Elaborator::again(ExprPtr& e) {
  Span span = e->span;
  if (std::optional<Size> size = try_size(*e)) return size_expr(*size, span);
  Atom atom = bind_atom(std::move(e), "index", span);
  e = from_atom(atom, span);
  return from_atom(atom, span);
}

void Elaborator::site(const ast::SiteStmt& s, Span span) {
  if (cx_->kind == Context::Kind::Model) return model_site(s, span);
  kernel_draw(s, span);
}

void Elaborator::kernel_draw(const ast::SiteStmt& s, Span span) {
  auto give_up = [&] {
    if (s.is_let) declare(s.target.name, Poison{});
  };
  if (!cx_->may_draw) {
    error("random.place", span, "'~' draws, and '" + cx_->name + "' may not")
        .with_suggestion("declare it as 'random def', or as a model");
    return give_up();
  }
  if (!s.is_let || !s.target.indices.empty()) {
    error("draw.let", s.target.span, "in a kernel or random def, '~' makes a new variable")
        .with_suggestion("write 'let " + s.target.name.text + " ~ …'");
    return give_up();
  }
  Value d = expr(*s.distribution);
  if (d.poisoned()) return give_up();
  const auto* distribution = get<DistributionValue>(d);
  if (distribution == nullptr) {
    error("type.distribution", s.distribution->span, "what is drawn from must be a distribution")
        .with_found(d.runtime() ? text(d.expr()->type) : kind_of(**d.as_static()));
    return give_up();
  }
  cx_->draws = true;
  Value value = draw(*distribution, span);
  if (s.type && value.runtime()) {
    Declared type = declared_type(*s.type, &value.expr()->type);
    ExprPtr x = type.poisoned ? nullptr
                              : coerce(std::move(value.expr()), type.type, span,
                                       "the value of '" + s.target.name.text + "'");
    value = x ? Value(std::move(x)) : Value();
  }
  declare(s.target.name, bind(std::move(value), s.target.name.text, s.target.name.span));
}

bool Elaborator::site_indices(const ast::Target& target, std::vector<ExprPtr>& out, size_t& rows) {
  bool ok = true;
  rows = 0;
  for (const Atom& atom : cx_->prefix_indices) out.push_back(from_atom(atom, target.span));
  for (const ast::ExprPtr& i : target.indices) {
    const auto* range = ast::as<ast::RangeExpr>(*i);
    if (range != nullptr && !range->lo && !range->hi) {
      ++rows;
      continue;
    }
    if (range != nullptr || rows > 0) {
      error("site.slice", i->span, "a site is drawn whole, by rows or element by element")
          .with_suggestion("draw it in a loop");
      ok = false;
      continue;
    }
    out.push_back(typed_expr(*i, int_type(), "an index"));
    ok &= out.back() != nullptr;
  }
  return ok;
}

SiteState* Elaborator::open_site(const ast::Name& name, typed::Site::Kind kind, Span span) {
  ModelState& model = *cx_->model;
  std::string full = cx_->prefix + name.text;
  auto at = model.by_name.find(full);
  if (at != model.by_name.end()) {
    SiteState& site = model.sites[static_cast<size_t>(at->second)];
    bool was_derived = site.kind == typed::Site::Kind::Derived;
    if (was_derived != (kind == typed::Site::Kind::Derived)) {
      error("site.kind", span, "'" + full + "' is both drawn and recorded")
          .with_note(site.span, "first here");
      return nullptr;
    }
    // A model that is drawn again has names of its own.
    if (!cx_->model_root->names.contains(name.text)) {
      declare(cx_->model_root, name.text, SiteName{at->second, cx_->prefix_indices}, name.span);
    }
    return &site;
  }
  if (const Scope::Entry* entry = cx_->scope->find(name.text);
      entry != nullptr && !std::holds_alternative<SiteName>(entry->binding)) {
    if (!std::holds_alternative<Poison>(entry->binding)) {
      Diagnostic& d = error("site.name", name.span,
                            "'" + name.text + "' is already the name of something else");
      if (entry->span.valid()) d.with_note(entry->span, "declared here");
      d.with_suggestion("a model says how its data is made: what is observed is given with '|'");
    }
    return nullptr;
  }
  SiteState site;
  site.name = full;
  site.kind = kind;
  site.span = span;
  auto observed = model.observed.find(full);
  if (observed != model.observed.end() && kind != typed::Site::Kind::Derived) {
    site.kind = typed::Site::Kind::Observed;
    site.observed = observed->second;
  }
  int index = static_cast<int>(model.sites.size());
  model.by_name.emplace(full, index);
  model.sites.push_back(std::move(site));
  declare(cx_->model_root, name.text, SiteName{index, cx_->prefix_indices}, name.span);
  return &model.sites.back();
}

ExprPtr Elaborator::site_element(const SiteName& name, Span span) {
  const SiteState& site = cx_->model->sites[static_cast<size_t>(name.site)];
  if (!site.has_type && !site.observed) return nullptr;
  ExprPtr base;
  if (site.observed) {
    Value value = binding_value(*site.observed, span);
    if (!value.runtime()) return nullptr;
    base = std::move(value.expr());
    if (auto* data = std::get_if<typed::VarRef>(&base->node)) data->observed = name.site;
  } else {
    base = reference(site.variable, span);
  }
  if (name.prefix.empty()) return base;
  std::vector<typed::Subscript> list;
  for (size_t i = 0; i < name.prefix.size(); ++i) {
    typed::Subscript s;
    s.first = from_atom(name.prefix[i], span);
    s.checked = !surely_in_range(*s.first, base->type.dims[i]);
    list.push_back(std::move(s));
  }
  return index_runtime(std::move(base), std::move(list), span, "index into " + site.name);
}

void Elaborator::record(const ast::RecordStmt& s, Span span) {
  if (cx_->kind != Context::Kind::Model) {
    error("record.place", span, "':=' records a quantity of a model")
        .with_suggestion("use 'let' or 'var'");
    expr(*s.value);
    return;
  }
  std::vector<ExprPtr> indices;
  size_t rows = 0;
  bool ok = site_indices(s.target, indices, rows);
  ExprPtr value = runtime_expr(*s.value, "what is recorded");
  if (ok && value && rows > 0 && (!is_array(value->type) || value->type.dims.size() != rows)) {
    error("record.type", s.value->span, "what is recorded is not what '..' stands for")
        .with_found(text(value->type))
        .with_expected(rows == 1 ? "real[n]"
                                 : "an array of " + std::to_string(rows) + " dimensions");
    value = nullptr;
  }
  if (value && value->type.kind != Type::Kind::Scalar && !is_array(value->type)) {
    error("record.type", s.value->span, "a number or an array is recorded")
        .with_found(text(value->type));
    value = nullptr;
  }
  if (!ok || !value) {
    if (cx_->scope->find(s.target.name.text) == nullptr) {
      declare(cx_->model_root, s.target.name.text, Poison{}, s.target.name.span);
    }
    return;
  }
  SiteState* site = open_site(s.target.name, typed::Site::Kind::Derived, s.target.span);
  if (site == nullptr) return;
  bool random = is_random(*value);
  if (!place_draw(*site, indices, {}, value->type, value->type.matrix, s.target.span)) return;
  site->outer_rank = static_cast<int>(indices.size());
  if (random) cx_->model->random.insert(site->variable);
  typed::Record out;
  out.site = static_cast<typed::SiteIndex>(site - cx_->model->sites.data());
  out.indices = std::move(indices);
  out.value = std::move(value);
  out.place = new_place(span, "record", site->name);
  emit(span, std::move(out));
}

void Elaborator::model_site(const ast::SiteStmt& s, Span span) {
  const std::string& name = s.target.name.text;
  Value d = expr(*s.distribution);
  std::vector<ExprPtr> indices;
  size_t rows = 0;
  bool ok = site_indices(s.target, indices, rows);
  auto give_up = [&] {
    if (cx_->scope->find(name) == nullptr) {
      declare(cx_->model_root, name, Poison{}, s.target.name.span);
    }
  };
  if (d.poisoned() || !ok) return give_up();
  if (get<ModelValue>(d) != nullptr) {
    if (rows > 0) {
      error("site.slice", s.target.span, "a model is drawn at one index at a time");
      return give_up();
    }
    return nested_model(s, *d.as_static(), std::move(indices), span);
  }
  const auto* distribution = get<DistributionValue>(d);
  if (distribution == nullptr) {
    Diagnostic& message =
        error("type.distribution", s.distribution->span,
              "what is drawn from must be a distribution or a model")
            .with_found(d.runtime() ? text(d.expr()->type) : kind_of(**d.as_static()));
    if (const auto* decl = get<DeclValue>(d)) {
      message.with_suggestion("give its parameters: " + decl->decl->name().text + "(…)");
    }
    return give_up();
  }
  // The draw's own shape: a written type, else that of the parameters.
  std::vector<Size> inner = distribution->batch;
  bool matrix = distribution->batch_matrix;  // what is drawn; whole numbers have no matrices
  DistributionValue one = *distribution;
  StaticPtr support;
  std::optional<Type> element;
  {
    // Only the type of one element is wanted: what computing it emits is dropped.
    typed::Block dropped;
    typed::Block* outer = std::exchange(cx_->block, &dropped);
    support = distribution_support(any_element(one), span);
    if (support) element = element_type(support, span);
    cx_->block = outer;
  }
  if (!element) return give_up();
  matrix = (matrix && element->scalar == Scalar::Real) || element->matrix;
  if (s.type) {
    Declared type = declared_type(*s.type, nullptr);
    if (type.poisoned) return give_up();
    size_t own = inner.size() + element->dims.size();
    if (type.support && get<SupportValue>(type.support)->base == SupportValue::Base::Defined) {
      error("site.annotation", s.type->span,
            "the type of a site says its shape; its support is the distribution's")
          .with_suggestion("use truncate(D, lo, hi), or a distribution on that support");
      return give_up();
    }
    matrix = type.type.matrix;
    if (matrix && !element->dims.empty() && !element->matrix) {
      error("site.matrix", s.type->span, "a site that is a matrix is not drawn row by row")
          .with_found("draws of " + text(*element))
          .with_suggestion("declare an array of rows, real[n, m]");
      return give_up();
    }
    if (type.type.scalar != element->scalar || type.type.dims.size() < own) {
      error("site.annotation", s.type->span, "the site '" + name + "' has another type")
          .with_found(text(type.type))
          .with_expected("an array of " + text(*element));
      return give_up();
    }
    size_t extra = type.type.dims.size() - own;
    for (size_t i = 0; i < own; ++i) {
      const Size& wanted = i < inner.size() ? inner[i] : element->dims[i - inner.size()];
      if (!same_size(type.type.dims[extra + i], wanted, s.type->span,
                     "the type of '" + name + "' and the parameters of '" + one.name +
                         "' have different shapes")) {
        return give_up();
      }
    }
    inner.insert(inner.begin(), type.type.dims.begin(),
                 type.type.dims.begin() + static_cast<std::ptrdiff_t>(extra));
  }
  if (const size_t own = inner.size() + element->dims.size(); rows > 0 && rows != own) {
    // `y[i, ..] ~ D` with scalar parameters: the data say how long a row is.
    auto given = cx_->model->observed.find(cx_->prefix + name);
    const Atom* data =
        given == cx_->model->observed.end() ? nullptr : std::get_if<Atom>(&given->second);
    if (data == nullptr || rows < own || data->type.dims.size() != indices.size() + rows) {
      error("site.rows", s.target.span, "the length of what '..' stands for is not known here")
          .with_found(own == 0 ? "a draw of one value"
                               : "a draw of " + std::to_string(own) + " dimensions")
          .with_suggestion("use iid(D, n), or parameters that are arrays");
      return give_up();
    }
    inner.insert(inner.begin(),
                 data->type.dims.begin() + static_cast<std::ptrdiff_t>(indices.size()),
                 data->type.dims.end() - static_cast<std::ptrdiff_t>(own));
  }
  if (cx_->model->sites.size() >= 100000) throw InternalError("too many sites", span);
  SiteState* opened = open_site(s.target.name, typed::Site::Kind::Latent, s.target.span);
  if (opened == nullptr) return;
  size_t site_index = static_cast<size_t>(opened - cx_->model->sites.data());
  if (!place_draw(*opened, indices, inner, *element, matrix, s.target.span)) {
    // What is wrong with the draw is no reason to call the name unknown.
    if (!opened->has_type && !opened->observed) {
      declare(cx_->model_root, name, Poison{}, s.target.name.span);
    }
    return;
  }
  const auto& support_value = std::get<SupportValue>(support->node);
  opened->support = support_value.text;
  opened->distribution = one.name;
  opened->discrete = support_value.base == SupportValue::Base::Int ||
                     support_value.base == SupportValue::Base::Bool;
  opened->simulable &= distribution_method(one, "sample", span, false) != nullptr;
  // One Sample, in a loop over each dim of the draw.
  std::vector<VarId> at;
  for (const Size& dim : inner) {
    VarId variable = new_variable("i", int_type(), span);
    not_negative_.insert(variable);
    at.push_back(variable);
    cx_->loops.push_back({variable, Size{}, dim, false, cx_->path.size()});
  }
  typed::Block block;
  nested_block(block, [&] {
    DistributionValue each = at.empty() ? one : element_distribution(one, at, span);
    SiteState& site = cx_->model->sites[site_index];
    typed::Sample out;
    out.site = static_cast<typed::SiteIndex>(site_index);
    std::vector<typed::Subscript> data;
    for (ExprPtr& index : indices) {
      typed::Subscript subscript;
      subscript.first = again(index);
      data.push_back(std::move(subscript));
      out.indices.push_back(std::move(index));
    }
    for (VarId variable : at) {
      typed::Subscript subscript;
      subscript.first = reference(variable, span);
      data.push_back(std::move(subscript));
      out.indices.push_back(reference(variable, span));
    }
    StaticPtr here = distribution_support(each, span);
    std::optional<typed::Support> typed_support = here ? site_support(here, span) : std::nullopt;
    std::optional<typed::Distribution> typed_distribution = site_distribution(each, *element, span);
    if (!typed_support || !typed_distribution) return;
    if (site.observed) {
      Value observed = binding_value(*site.observed, span);
      if (!observed.runtime()) return;
      ExprPtr value = std::move(observed.expr());
      for (size_t i = 0; i < data.size(); ++i) {
        data[i].checked = !surely_in_range(*data[i].first, value->type.dims[i]);
      }
      if (!data.empty()) {
        value = index_runtime(std::move(value), std::move(data), span, "index into " + site.name);
      }
      if (value->type.scalar == Scalar::Bool && element->scalar == Scalar::Int) {
        Type type = value->type;
        type.scalar = Scalar::Int;
        value = builtin(span, std::move(type), Op::BoolToInt, std::move(value));
      }
      out.observed = coerce(std::move(value), *element, span, "the data of '" + site.name + "'");
      if (!out.observed) return;
      const auto& own = std::get<SupportValue>(here->node);
      if (own.base != SupportValue::Base::Real && own.base != SupportValue::Base::Bool) {
        const Atom x = bind_atom(std::move(out.observed), site.name, span);
        out.observed = from_atom(x, span);
        if (ExprPtr inside = contained(own, x, span)) {
          const PlaceId place = new_place(span, "a value within " + own.text, site.name);
          emit(span, typed::Require{std::move(inside), place, true});
        }
      }
    }
    out.distribution = std::move(*typed_distribution);
    out.support = std::move(*typed_support);
    out.place = new_place(span, out.distribution.text, site.name);
    emit(span, std::move(out));
  });
  // In the order of memory: a matrix's column by column.
  std::vector<size_t> order(inner.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (matrix && element->dims.empty()) std::swap(order.end()[-1], order.end()[-2]);
  for (size_t i = inner.size(); i-- > 0;) {
    typed::For loop;
    loop.variable = at[order[i]];
    loop.lower = constant(span, int64_t{0});
    loop.upper = size_expr(inner[order[i]], span);
    loop.body = std::move(block);
    block.clear();
    block.push_back(typed::Stmt{span, std::move(loop)});
  }
  cx_->loops.resize(cx_->loops.size() - inner.size());
  for (typed::Stmt& statement : block) cx_->block->push_back(std::move(statement));
}

}  // namespace borel::sema

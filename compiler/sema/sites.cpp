// Sites: draws and recorded quantities of models, and draws of kernels.
#include <algorithm>

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

bool Elaborator::exclusive(const Draw& a, const Draw& b, size_t branches) {
  for (size_t i = 0; i < std::min(branches, a.path.size()); ++i) {
    const auto& [branch, side] = a.path[i];
    for (const auto& [other, other_side] : b.path) {
      if (branch == other && side != other_side) return true;
    }
  }
  return false;
}

bool Elaborator::overlap(const Draw& a, const Draw& b) const {
  if (!a.boxed || !b.boxed || a.box.size() != b.box.size()) return false;
  if (a.box == b.box) return true;
  for (size_t i = 0; i < a.box.size(); ++i) {
    if (!never_negative(subtract(a.box[i].second, b.box[i].first)) ||
        !never_negative(subtract(b.box[i].second, a.box[i].first))) {
      return false;
    }
  }
  return true;
}

bool Elaborator::place_draw(SiteState& site, const std::vector<ExprPtr>& indices,
                            const std::vector<Size>& inner, const Type& element, Span span) {
  Draw draw;
  draw.span = span;
  draw.path = cx_->path;
  draw.outside = cx_->loops.empty() ? draw.path.size() : cx_->loops.front().branches;
  draw.count = constant_size(1);
  for (const Loop& loop : cx_->loops) {
    if (!loop.lower || !loop.upper) draw.count.reset();
    if (draw.count) draw.count = multiply(*draw.count, subtract(*loop.upper, *loop.lower));
  }
  if (cx_->while_depth > 0) {
    error("unsupported.dynamic_site", span,
          "a site in a 'while' loop is not supported yet: '" + site.name + "'");
    return false;
  }
  std::vector<Size> at;
  for (const ExprPtr& index : indices) {
    std::optional<Size> size = try_size(*index);
    std::optional<Size> least = size ? extreme(*size, false) : std::nullopt;
    std::optional<Size> most = size ? extreme(*size, true) : std::nullopt;
    if (!least || !most) {
      draw.boxed = false;
      draw.box.emplace_back();
      continue;
    }
    at.push_back(*size);
    draw.box.emplace_back(*least, *most);
  }
  // A loop that no index mentions draws the same element again and again.
  for (const Loop& loop : cx_->loops) {
    if (!draw.boxed) break;
    bool mentioned = false;
    for (const Size& size : at) {
      for (const Size::Term& term : size.terms) {
        mentioned |= std::find(term.factors.begin(), term.factors.end(), loop.variable) !=
                     term.factors.end();
      }
    }
    // Under a condition it may still be drawn once: `if t == 0 { x[0] ~ … }`.
    if (!mentioned && cx_->path.size() == loop.branches) {
      const std::string& name = program_[loop.variable].name;
      error("site.twice", span, "the site '" + site.name + "' is drawn in every turn of a loop")
          .with_note(program_[loop.variable].span, "the loop over '" + name + "'")
          .with_suggestion("index it: " + site.name + "[" + name + "]");
      return false;
    }
    for (const std::optional<Size>* bound : {&loop.lower, &loop.upper}) {
      if (site.kind != typed::Site::Kind::Latent || !*bound) continue;
      for (const Loop& outer : cx_->loops) {
        for (const Size::Term& term : (*bound)->terms) {
          if (std::find(term.factors.begin(), term.factors.end(), outer.variable) ==
              term.factors.end()) {
            continue;
          }
          error("unsupported.ragged_site", span,
                "the site '" + site.name +
                    "' is drawn for ranges of different lengths, which is not supported yet")
              .with_note(program_[loop.variable].span,
                         "this range depends on '" + program_[outer.variable].name + "'")
              .with_suggestion("draw an array of one dimension, and index into it");
          return false;
        }
      }
    }
    if (loop.random && site.kind == typed::Site::Kind::Latent) {
      error("unsupported.dynamic_site", span,
            "how often '" + site.name + "' is drawn depends on a site, which is not supported yet");
      return false;
    }
  }
  if (site.kind != typed::Site::Kind::Derived) {
    for (const Draw& other : site.draws) {
      if (exclusive(draw, other) || !overlap(draw, other)) continue;
      error("site.twice", span, "the site '" + site.name + "' is drawn twice")
          .with_note(other.span, "drawn here already");
      return false;
    }
  }
  // Its type, as far as this draw says.
  bool observed = site.observed.has_value();
  std::vector<Size> dims;
  for (size_t i = 0; i < draw.box.size(); ++i) {
    if (draw.boxed) {
      dims.push_back(add(draw.box[i].second, constant_size(1)));
      continue;
    }
    const Atom* data = observed ? std::get_if<Atom>(&*site.observed) : nullptr;
    if (data != nullptr && is_array(data->type) && i < data->type.dims.size()) {
      dims.push_back(data->type.dims[i]);
      continue;
    }
    error("site.shape", span,
          "the shape of the site '" + site.name + "' cannot be told from its index")
        .with_expected("indices that are sums of loop variables and sizes")
        .with_suggestion("draw the whole array at once, with its shape: " + site.name +
                         ": real[n] ~ …");
    return false;
  }
  site.outer_rank = static_cast<int>(dims.size() + inner.size());
  dims.insert(dims.end(), inner.begin(), inner.end());
  dims.insert(dims.end(), element.dims.begin(), element.dims.end());
  for (size_t i = draw.box.size(); draw.count && i < dims.size(); ++i) {
    draw.count = multiply(*draw.count, dims[i]);
  }
  draw.extents = dims;
  site.draws.push_back(std::move(draw));
  return grow(site, array_type(element.scalar, std::move(dims), element.matrix), span);
}

bool Elaborator::grow(SiteState& site, const Type& type, Span span) {
  ModelState& model = *cx_->model;
  if (!site.has_type) {
    site.has_type = true;
    site.type = type;
    site.span = span;
    // The second pass knows from the first how large the site becomes.
    if (model.known != nullptr) {
      auto at = model.known->by_name.find(site.name);
      if (at != model.known->by_name.end()) {
        const SiteState& known = model.known->sites[static_cast<size_t>(at->second)];
        if (known.has_type && equal_but_dims(known.type, type)) site.type = known.type;
      }
    }
    if (site.kind != typed::Site::Kind::Observed) {
      site.variable = new_variable(site.name, site.type, span);
      if (site.kind == typed::Site::Kind::Latent) model.random.insert(site.variable);
    } else if (const Atom* data = std::get_if<Atom>(&*site.observed)) {
      const Type& given = data->type;
      bool kinds = given.kind == site.type.kind && given.dims.size() == site.type.dims.size() &&
                   (given.matrix == site.type.matrix ||
                    static_cast<size_t>(site.outer_rank) == site.type.dims.size()) &&
                   (given.scalar == site.type.scalar ||
                    (given.scalar == Scalar::Int && site.type.scalar == Scalar::Real) ||
                    (given.scalar == Scalar::Bool && site.type.scalar == Scalar::Int));
      const VarId* variable = std::get_if<VarId>(&data->value);
      Span where = variable != nullptr ? program_[*variable].span : Span{};
      bool discrete_wanted = site.type.scalar != Scalar::Real && given.scalar == Scalar::Real;
      if (!kinds) {
        Diagnostic& d =
            error(discrete_wanted ? "support.mismatch" : "observe.type", span,
                  discrete_wanted ? "the site '" + site.name + "' is discrete, and its data is not"
                                  : "the data of the site '" + site.name + "' has another type")
                .with_found(text(given))
                .with_expected(text(site.type));
        if (where.valid()) d.with_note(where, "the data");
        if (!is_array(site.type) && is_array(given)) {
          std::string shape = text(given).substr(text(given).find('['));
          d.with_suggestion("one value is drawn here; for an array write " + site.name + ": " +
                            (site.type.scalar == Scalar::Real ? "real" : "int") + shape + " ~ …");
        }
        return false;
      }
      for (size_t i = 0; i < given.dims.size(); ++i) {
        std::optional<int64_t> d = constant_value(subtract(given.dims[i], site.type.dims[i]));
        if (!d || *d == 0) continue;
        Diagnostic& message = error("observe.shape", span,
                                    "the data of the site '" + site.name + "' has another shape")
                                  .with_found(text(given))
                                  .with_expected(text(site.type));
        if (where.valid()) message.with_note(where, "the data");
        return false;
      }
      // A site that is not drawn to its end leaves the data that come after unexplained.
      typed::Block* outer = std::exchange(cx_->block, &model.prologue);
      bool same = same_dims(given, site.type, span,
                            "the data of the site '" + site.name + "' has another shape");
      cx_->block = outer;
      if (!same) return false;
    }
    return true;
  }
  if (!equal_but_dims(site.type, type)) {
    error("site.type", span, "the site '" + site.name + "' is drawn with different types")
        .with_found(text(type))
        .with_expected(text(site.type))
        .with_note(site.span, "first drawn here");
    return false;
  }
  for (size_t i = 0; i < type.dims.size(); ++i) {
    Size& old = site.type.dims[i];
    const Size& now = type.dims[i];
    if (never_negative(subtract(old, now))) continue;
    if (never_negative(subtract(now, old))) {
      old = now;
      continue;
    }
    bool old_constant = constant_value(old).has_value(),
         now_constant = constant_value(now).has_value();
    if (i < static_cast<size_t>(site.outer_rank) && (old_constant || now_constant)) {
      // x[0] ~ … beside a loop to T: T, which must then be large enough.
      const Size least = old_constant ? old : now;
      if (old_constant) old = now;
      ExprPtr enough =
          builtin(span, bool_type(), Op::Ge, size_expr(old, span), size_expr(least, span));
      model.prologue.push_back(typed::Stmt{
          span, typed::Check{std::move(enough),
                             new_place(span, text(old) + " >= " + text(least), site.name)}});
      continue;
    }
    error("site.shape", span, "the shape of the site '" + site.name + "' cannot be told")
        .with_found(text(old) + " and " + text(now))
        .with_note(site.span, "first drawn here");
    return false;
  }
  if (site.variable != VarId::None) {
    program_.variables[static_cast<size_t>(site.variable)].type = site.type;
  }
  return true;
}

ExprPtr Elaborator::site_element(const SiteName& name, Span span) {
  const SiteState& site = cx_->model->sites[static_cast<size_t>(name.site)];
  if (!site.has_type && !site.observed) return nullptr;
  ExprPtr base;
  if (site.observed) {
    Value value = binding_value(*site.observed, span);
    if (!value.runtime()) return nullptr;
    base = std::move(value.expr());
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
  if (!place_draw(*site, indices, {}, value->type, s.target.span)) return;
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
  if (!place_draw(*opened, indices, inner, *element, s.target.span)) {
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
    }
    out.distribution = std::move(*typed_distribution);
    out.support = std::move(*typed_support);
    out.place = new_place(span, out.distribution.text, site.name);
    emit(span, std::move(out));
  });
  for (size_t i = inner.size(); i-- > 0;) {
    typed::For loop;
    loop.variable = at[i];
    loop.lower = constant(span, int64_t{0});
    loop.upper = size_expr(inner[i], span);
    loop.body = std::move(block);
    block.clear();
    block.push_back(typed::Stmt{span, std::move(loop)});
  }
  cx_->loops.resize(cx_->loops.size() - inner.size());
  for (typed::Stmt& statement : block) cx_->block->push_back(std::move(statement));
}

}  // namespace borel::sema

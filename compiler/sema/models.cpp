// Models: conditioning, and the typed model that a model value becomes.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

Value Elaborator::condition_model(const ast::ConditionExpr& e, Span span) {
  Value base = expr(*e.model);
  if (base.poisoned()) return {};
  const auto* model = get<ModelValue>(base);
  if (model == nullptr) {
    Diagnostic& d =
        error("condition.model", e.model->span, "only a model is conditioned with '|'")
            .with_found(base.runtime() ? text(base.expr()->type) : kind_of(**base.as_static()));
    if (const auto* decl = get<DeclValue>(base)) {
      d.with_suggestion("give its arguments: " + decl->decl->name().text + "(…)");
    }
    return {};
  }
  const auto* sites = ast::as<ast::BraceExpr>(*e.sites);
  if (sites == nullptr) {
    error("condition.sites", e.sites->span, "'|' wants the observed sites in braces")
        .with_expected("{y} or {y = data}");
    return {};
  }
  ModelValue out = *model;
  out.span = span;
  bool ok = true;
  for (const ast::BraceItem& item : sites->items) {
    Span where = item.value ? item.value->span : item.name.span;
    for (const ModelValue::Observation& o : out.observed) {
      if (o.site != item.name.text) continue;
      error("condition.twice", item.name.span, "'" + o.site + "' is given twice")
          .with_note(o.span, "given here already");
      ok = false;
    }
    if (!item.value && item.name.text.find('.') != std::string::npos) {
      error("condition.value", item.name.span, "what '" + item.name.text + "' is given is not said")
          .with_suggestion("write {" + item.name.text + " = …}");
      ok = false;
      continue;
    }
    ExprPtr value =
        runtime(item.value ? expr(*item.value) : name_value(item.name.text, item.name.span), where,
                "the value of the site '" + item.name.text + "'");
    if (!value) {
      ok = false;
      continue;
    }
    out.observed.push_back(
        {item.name.text, bind(Value(std::move(value)), item.name.text, where), item.name.span});
  }
  return ok ? Value(make_static(std::move(out))) : Value();
}

ModelEntry* Elaborator::model_entry(const StaticPtr& model, Span span,
                                    std::vector<ExprPtr>& captured) {
  Slots slots;
  describe(model, slots);
  std::unique_ptr<ModelEntry>& entry = models_[slots.key];
  if (!entry) {
    if (too_deep(span)) return nullptr;
    entry = std::make_unique<ModelEntry>();
    ModelEntry* made = entry.get();
    const auto& given = std::get<ModelValue>(model->node);
    ModelState state;
    state.name = unique_symbol(given.decl->name.text);
    typed::Block body;
    std::vector<VarId> variables;
    {
      // Its captured values are its parameters, local to it.
      Context cx;
      cx.kind = Context::Kind::Model;
      cx.caller = cx_;
      cx.call = given.span;
      cx.name = given.decl->name.text;
      Scope scope;
      cx.scope = &scope;
      cx.block = &body;
      Context* outer = std::exchange(cx_, &cx);
      variables = slot_variables(slots);
      cx_ = outer;
    }
    Rebuild rebuilding{slots, variables, 0, 0};
    StaticPtr inside = rebuild(model, rebuilding);
    chain_.push_back(given.decl->name.text);
    bool ok = elaborate_model(std::get<ModelValue>(inside->node), state, body, span);
    chain_.pop_back();
    if (!ok) {
      if (muted()) {
        models_.erase(slots.key);
        return nullptr;
      }
      made->failed = true;
      return nullptr;
    }
    typed::Model typed_model;
    typed_model.name = state.name;
    typed_model.params = variables;
    typed_model.body = std::move(body);
    typed_model.span = given.decl->name.span;
    finish_model(state, typed_model, *made);
    made->id = static_cast<ModelId>(program_.models.size());
    program_.models.push_back(std::move(typed_model));
  }
  ModelEntry* out = models_[slots.key].get();
  if (out->failed) return nullptr;
  if (out->id == ModelId::None) {
    error("model.recursive", span, "a model cannot be asked for its own density");
    return nullptr;
  }
  captured = slot_args(slots, span);
  return out;
}

bool Elaborator::elaborate_model(const ModelValue& model, ModelState& state, typed::Block& body,
                                 Span) {
  reached_.insert(model.decl);
  // The first pass finds the shapes of the sites, the second has them from the start.
  ModelState first;
  first.name = state.name;
  {
    Muted quiet(*this);
    typed::Block scratch;
    model_pass(model, first, scratch, {});
  }
  state.known = &first;
  size_t errors = diagnostics_->error_count();
  model_pass(model, state, body, {});
  state.known = nullptr;
  if (diagnostics_->error_count() != errors || limit_reported_) return false;
  if (!check_observations(model, state) || !check_gaps(state)) return false;
  for (typed::Stmt& s : body) state.prologue.push_back(std::move(s));
  body = std::move(state.prologue);
  return true;
}

void Elaborator::model_pass(const ModelValue& model, ModelState& state, typed::Block& body, Span) {
  Context cx;
  cx.kind = Context::Kind::Model;
  cx.caller = cx_;
  cx.call = model.span;
  cx.name = model.decl->name.text;
  cx.block = &body;
  cx.model = &state;
  Scope root;
  cx.scope = cx.model_root = &root;
  for (const auto& [name, binding] : model.args) declare(&root, name, binding, {});
  for (const ast::Param& p : model.decl->params) {
    auto at = root.names.find(p.name.text);
    if (at != root.names.end()) at->second.span = p.name.span;
  }
  for (const ModelValue::Observation& o : model.observed) state.observed[o.site] = o.value;
  Context* outer = std::exchange(cx_, &cx);
  // Data are there before they are scored: `y[t-1]` may be read where `y[0]` is never drawn.
  for (const ModelValue::Observation& o : model.observed) {
    if (root.names.contains(o.site)) continue;
    SiteState site;
    site.name = o.site;
    site.kind = typed::Site::Kind::Observed;
    site.observed = o.value;
    site.span = o.span;
    int index = static_cast<int>(state.sites.size());
    state.by_name.emplace(o.site, index);
    state.sites.push_back(std::move(site));
    declare(&root, o.site, SiteName{index, {}}, {});
  }
  statements(std::get<ast::Block>(model.decl->body), 0, nullptr);
  cx_ = outer;
}

bool Elaborator::check_observations(const ModelValue& model, const ModelState& state) {
  bool ok = true;
  std::vector<std::string> names;
  for (const SiteState& site : state.sites) {
    if (site.has_type && site.kind != typed::Site::Kind::Derived) names.push_back(site.name);
  }
  for (const ModelValue::Observation& o : model.observed) {
    auto at = state.by_name.find(o.site);
    const SiteState* site =
        at == state.by_name.end() ? nullptr : &state.sites[static_cast<size_t>(at->second)];
    if (site != nullptr && site->has_type && site->kind == typed::Site::Kind::Observed) continue;
    error("condition.unknown", o.span,
          "the model '" + model.decl->name.text + "' has no site '" + o.site + "'")
        .with_note(model.decl->name.span, "the model")
        .with_suggestion(did_you_mean(o.site, names));
    ok = false;
  }
  for (const SiteState& site : state.sites) {
    if (!site.has_type) continue;
    for (const Size& dim : site.type.dims) {
      for (const Size::Term& term : dim.terms) {
        for (VarId factor : term.factors) {
          if (is_global(factor)) continue;
          bool parameter = std::any_of(model.args.begin(), model.args.end(), [&](const auto& arg) {
            const Atom* atom = std::get_if<Atom>(&arg.second);
            const VarId* variable = atom != nullptr ? std::get_if<VarId>(&atom->value) : nullptr;
            return variable != nullptr && *variable == factor;
          });
          if (parameter) continue;
          error("site.size", site.span,
                "the size of the site '" + site.name + "' is computed inside the model")
              .with_found(text(site.type))
              .with_suggestion("compute '" + program_[factor].name +
                               "' before, and give it to the model");
          return false;
        }
      }
    }
  }
  return ok;
}

/// Whether the draws of a site fill it, as far as that is known here.
bool Elaborator::check_filled(const SiteState& site) {
  Size drawn, elements = constant_size(1);
  bool counted = always_drawn(site);
  for (const Draw& draw : site.draws) {
    counted = counted && draw.boxed && draw.count && draw.outside == 0;
  }
  for (const Draw& draw : site.draws) {
    if (!counted) break;
    if (const Draw* other = other_elements(site, draw)) {
      error("site.branches", draw.span,
            "the branches draw different elements of the site '" + site.name + "'")
          .with_note(other->span, "in the other branch")
          .with_suggestion("draw the same elements in both");
      return false;
    }
    const bool first = std::all_of(draw.path.begin(), draw.path.end(),
                                   [](const Branch& branch) { return branch.side == 0; });
    if (first) drawn = add(drawn, *draw.count);
  }
  for (const Size& dim : site.type.dims) elements = multiply(elements, dim);
  if (counted && drawn != elements) {
    error("site.gap", site.span, "the draws of the site '" + site.name + "' do not fill it")
        .with_found(text(drawn) + " of " + text(elements) + " elements are drawn")
        .with_suggestion("every element of a site is drawn once");
    return false;
  }
  // In each way through the branches some draw reaches the site's end. (A branch within a loop is
  // taken now this way and now that.)
  for (const Draw& draw : site.draws) {
    for (size_t i = 0; i < site.type.dims.size(); ++i) {
      const bool reached =
          std::any_of(site.draws.begin(), site.draws.end(), [&](const Draw& other) {
            return !exclusive(draw, other, draw.outside) &&
                   never_negative(subtract(other.extents[i], site.type.dims[i]));
          });
      if (reached || draw.outside == 0) continue;
      Diagnostic& d = error("site.branches", draw.span,
                            "the site '" + site.name + "' has another shape in another branch");
      d.with_found(text(array_type(site.type.scalar, draw.extents)));
      d.with_expected(text(site.type));
      return false;
    }
  }
  return true;
}

bool Elaborator::check_gaps(const ModelState& state) {
  bool ok = true;
  for (const SiteState& site : state.sites) {
    if (site.kind != typed::Site::Kind::Latent || !site.has_type) continue;
    bool from_starts = true;
    for (size_t i = 0; i < site.draws[0].box.size(); ++i) {
      bool from_start = std::any_of(site.draws.begin(), site.draws.end(), [i](const Draw& draw) {
        return !draw.boxed || constant_value(draw.box[i].first) == 0;
      });
      if (from_start) continue;
      error("site.gap", site.span,
            "the first elements of the site '" + site.name + "' are never drawn")
          .with_found("drawn from " + text(site.draws[0].box[i].first) + " on")
          .with_suggestion("indices count from 0");
      from_starts = false;
      break;
    }
    ok = from_starts && check_filled(site) && ok;
  }
  return ok;
}

void Elaborator::finish_model(ModelState& state, typed::Model& model, ModelEntry& entry) {
  for (const SiteState& s : state.sites) {
    typed::Site site;
    site.name = s.name;
    site.kind = s.kind;
    site.type = s.type;
    site.outer_rank = s.outer_rank;
    site.support = s.support;
    site.variable = s.variable;
    if (s.observed) {
      if (Value data = binding_value(*s.observed, s.span); data.runtime())
        site.observed = std::move(data.expr());
    }
    site.span = s.span;
    model.sites.push_back(std::move(site));
  }
  entry.trace.kind = Type::Kind::Tuple;
  for (typed::Site::Kind kind : {typed::Site::Kind::Latent, typed::Site::Kind::Derived}) {
    for (const SiteState& s : state.sites) {
      if (s.kind != kind) continue;
      entry.trace.fields.push_back(s.name);
      entry.trace.elements.push_back(s.type);
    }
  }
  entry.sites = std::move(state.sites);
}

void Elaborator::nested_model(const ast::SiteStmt& s, const StaticPtr& value,
                              std::vector<ExprPtr> indices, Span span) {
  const auto& model = std::get<ModelValue>(value->node);
  const std::string& name = s.target.name.text;
  auto give_up = [&] {
    if (cx_->scope->find(name) == nullptr) {
      declare(cx_->model_root, name, Poison{}, s.target.name.span);
    }
  };
  if (too_deep(span)) return give_up();
  if (!model.observed.empty() && (!indices.empty() || !cx_->prefix_indices.empty())) {
    error("unsupported.nested_condition", span,
          "a conditioned model that is drawn at an index is not supported yet");
    return give_up();
  }
  const std::string inside = cx_->prefix + name + ".";
  for (const ModelValue::Observation& o : model.observed) {
    cx_->model->observed.insert_or_assign(inside + o.site, o.value);
  }
  std::vector<Atom> prefix;
  for (ExprPtr& index : indices) {
    ExprPtr copy = again(index);
    prefix.push_back(bind_atom(std::move(copy), "index", span));
  }
  std::optional<Value> returned;
  chain_.push_back(model.decl->name.text);
  {
    Context cx = *cx_;
    cx.caller = cx_;
    cx.call = span;
    cx.name = model.decl->name.text;
    Scope root;
    cx.scope = cx.model_root = &root;
    cx.prefix = cx_->prefix + name + ".";
    cx.prefix_indices = prefix;
    cx.loop_depth = 0;
    cx.returned = &returned;
    cx.entry_block = cx.block;
    for (const auto& [arg, binding] : model.args) declare(&root, arg, binding, {});
    Context* outer = std::exchange(cx_, &cx);
    statements(std::get<ast::Block>(model.decl->body), 0, nullptr);
    cx_ = outer;
  }
  chain_.pop_back();
  for (const ModelValue::Observation& o : model.observed) {
    if (cx_->model->by_name.contains(inside + o.site)) continue;
    error("condition.unknown", o.span,
          "the model '" + model.decl->name.text + "' has no site '" + o.site + "'")
        .with_note(model.decl->name.span, "the model");
  }
  if (!returned || returned->poisoned()) {
    // A model without a result: only its own sites are of interest.
    return give_up();
  }
  if (indices.empty()) {
    declare(cx_->model_root, name, bind(std::move(*returned), name, span), s.target.name.span);
    return;
  }
  ExprPtr result = runtime(std::move(*returned), span, "the result of a model");
  if (!result) return give_up();
  if (result->type.kind != Type::Kind::Scalar && !is_array(result->type)) {
    error("site.model", span, "a model that is drawn at an index returns a number or an array")
        .with_found(text(result->type))
        .with_suggestion("its sites may be read by their names: " + name + ".…");
    return give_up();
  }
  SiteState* site = open_site(s.target.name, typed::Site::Kind::Derived, s.target.span);
  if (site == nullptr) return;
  bool random = is_random(*result);
  if (!place_draw(*site, indices, {}, result->type, result->type.matrix, s.target.span))
    return give_up();
  site->outer_rank = static_cast<int>(indices.size());
  if (random) cx_->model->random.insert(site->variable);
  typed::Record out;
  out.site = static_cast<typed::SiteIndex>(site - cx_->model->sites.data());
  out.indices = std::move(indices);
  out.value = std::move(result);
  out.place = new_place(span, "record", site->name);
  emit(span, std::move(out));
}

}  // namespace borel::sema

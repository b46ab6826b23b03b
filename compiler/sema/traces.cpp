// What inference asks of models: reals(p), simulate(p), logp(p, t).
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::check_reals(const ModelEntry& entry, Span span) {
  bool ok = true;
  for (const SiteState& site : entry.sites) {
    if (site.kind != typed::Site::Kind::Latent || always_drawn(site)) continue;
    error("reals.structure", user_place(span),
          "reals(p) needs sites that are always drawn, and '" + site.name +
              "' is drawn only under a condition")
        .with_note(site.draws[0].span, "the site")
        .with_suggestion(
            "draw it in both branches, or draw it before and use it under the condition");
    ok = false;
  }
  for (const SiteState& site : entry.sites) {
    if (site.kind != typed::Site::Kind::Latent || !site.discrete) continue;
    error("reals.discrete", user_place(span),
          "reals(p) needs continuous sites, and '" + site.name + "' is discrete (" +
              site.distribution + ")")
        .with_note(site.span, "the site")
        .with_suggestion("give its value with '| {" + site.name +
                         "}', or write the model with it summed out (mixture)");
    ok = false;
  }
  return ok;
}

ExprPtr Elaborator::model_dimension(ModelEntry& entry, std::vector<ExprPtr> captured, Span span) {
  if (entry.dimension != VarId::None) return reference(entry.dimension, span);
  std::string name = program_[entry.id].name + ".dim";
  bool global = captured.empty();
  typed::ModelCall call{entry.id, typed::ModelCall::Kind::Dimension, std::move(captured)};
  ExprPtr value = make(span, int_type(), std::move(call));
  VarId variable = new_variable(std::move(name), int_type(), span);
  not_negative_.insert(variable);
  if (global) {
    program_.variables[static_cast<size_t>(variable)].global = true;
    program_.globals.push_back({variable, std::move(value)});
    entry.dimension = variable;
  } else {
    emit(span, typed::Let{variable, std::move(value)});
  }
  return reference(variable, span);
}

Value Elaborator::make_reals(const ast::CallExpr& e, Span span) {
  if (e.args.size() != 1 && e.args.size() != 3) {
    error("call.count", span, "'reals' is given the wrong number of arguments")
        .with_found(std::to_string(e.args.size()))
        .with_expected("reals(p); or reals(p, {x, …}, t), where the trace t holds the other sites");
    for (const ast::Argument& a : e.args) {
      if (ast::as<ast::BraceExpr>(*a.value) == nullptr) expr(*a.value);
    }
    return {};
  }
  for (const ast::Argument& a : e.args) {
    if (!a.name) continue;
    error("call.named", a.name->span, "'reals' has no named arguments");
    return {};
  }
  Value value = expr(*e.args[0].value);
  if (value.poisoned()) return {};
  if (get<ModelValue>(value) == nullptr) {
    Diagnostic& d = error("reals.model", e.args[0].span, "reals(…) wants a model");
    if (const StaticPtr* s = value.as_static()) d.with_found(kind_of(**s));
    return {};
  }
  RealsValue out{*value.as_static(), span};
  std::vector<ExprPtr> captured;
  if (e.args.size() == 3) {
    // Names alone in braces are sites, also where variables have these names.
    SelectionValue selection;
    const auto* names = ast::as<ast::BraceExpr>(*e.args[1].value);
    if (names != nullptr && std::none_of(names->items.begin(), names->items.end(),
                                         [](const auto& item) { return bool(item.value); })) {
      for (const ast::BraceItem& item : names->items) selection.sites.push_back(item.name);
    } else {
      Value given = expr(*e.args[1].value);
      if (given.poisoned()) return {};
      if (get<SelectionValue>(given) == nullptr) {
        error("reals.selection", e.args[1].span, "which sites are free is a selection of sites")
            .with_expected("{x, …}");
        return {};
      }
      selection = *get<SelectionValue>(given);
    }
    ExprPtr trace = runtime_expr(*e.args[2].value, "the trace that holds the other sites");
    if (!trace) return {};
    const Atom held = bind_atom(std::move(trace), "held", e.args[2].span);
    out.whole = out.model;
    out.held = held;
    out.model = hold_others(out.whole, selection, held, span);
    if (out.model == nullptr) return {};
  }
  ModelEntry* entry = model_entry(out.model, span, captured);
  if (entry == nullptr || !check_reals(*entry, span)) return {};
  return make_static(std::move(out));
}

StaticPtr Elaborator::hold_others(const StaticPtr& model, const SelectionValue& selection,
                                  const Atom& trace, Span span) {
  std::vector<ExprPtr> captured;
  const ModelEntry* entry = model_entry(model, span, captured);
  if (entry == nullptr) return nullptr;
  std::vector<std::string> latent;
  for (const SiteState& site : entry->sites) {
    if (site.kind == typed::Site::Kind::Latent) latent.push_back(site.name);
  }
  // A model drawn at `s` is selected with all its sites by `s`.
  auto selects = [](const ast::Name& name, const std::string& site) {
    return site == name.text || site.starts_with(name.text + ".");
  };
  bool ok = true;
  for (const ast::Name& name : selection.sites) {
    if (std::any_of(latent.begin(), latent.end(),
                    [&](const std::string& site) { return selects(name, site); })) {
      continue;
    }
    error("reals.selection", name.span, "the model has no latent site '" + name.text + "'")
        .with_suggestion(did_you_mean(name.text, latent));
    ok = false;
  }
  if (!ok) return nullptr;
  ModelValue out = std::get<ModelValue>(model->node);
  for (const std::string& site : latent) {
    if (std::any_of(selection.sites.begin(), selection.sites.end(),
                    [&](const ast::Name& name) { return selects(name, site); })) {
      continue;
    }
    auto at = std::find(trace.type.fields.begin(), trace.type.fields.end(), site);
    if (at == trace.type.fields.end()) {
      error("trace.site", span, "the trace has no value for the site '" + site + "'")
          .with_found(text(trace.type));
      return nullptr;
    }
    auto i = static_cast<int32_t>(at - trace.type.fields.begin());
    ExprPtr part = make(span, trace.type.elements[static_cast<size_t>(i)],
                        typed::TupleGet{from_atom(trace, span), i});
    out.observed.push_back({site, bind(Value(std::move(part)), site, span), span});
  }
  return make_static(std::move(out));
}

Type Elaborator::trace_type(const ModelEntry& entry, const std::vector<ExprPtr>& captured,
                            Span span) {
  bool complete = true;
  std::map<VarId, std::optional<Size>> known;
  const std::vector<VarId>& params = program_[entry.id].params;
  for (size_t i = 0; i < params.size(); ++i) {
    if (is_scalar(captured[i]->type, Scalar::Int)) known[params[i]] = try_size(*captured[i]);
  }
  Type out = result_type(entry.trace, known, complete);
  if (!complete) throw InternalError("a captured size that is no variable", span);
  return out;
}

Value Elaborator::reals_member(const StaticPtr& reals, const std::string& name, Span span) {
  const auto& r = std::get<RealsValue>(reals->node);
  if (name == "dim") {
    std::vector<ExprPtr> captured;
    ModelEntry* entry = model_entry(r.model, r.span, captured);
    if (entry == nullptr) return {};
    return model_dimension(*entry, std::move(captured), span);
  }
  const std::vector<std::string> members{"dim", "logp", "log_likelihood", "trace", "at", "initial"};
  if (std::find(members.begin(), members.end(), name) == members.end()) {
    error("member.unknown", span, "the value of reals(…) has no '" + name + "'")
        .with_expected("dim, logp(u), log_likelihood(u), trace(u), at(t) or initial()")
        .with_suggestion(did_you_mean(name, members));
    return {};
  }
  return make_static(MemberValue{reals, name});
}

Value Elaborator::call_reals(const RealsValue& r, const std::string& name, std::vector<Value> args,
                             Span span) {
  using Kind = typed::ModelCall::Kind;
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(r.model, r.span, captured);
  if (entry == nullptr) return {};
  if (!check_count(name == "logp_and_gradient" ? "logp" : name, name == "initial" ? 0 : 1,
                   args.size(), span)) {
    return {};
  }
  if (name == "initial") {
    if (!cx_->start || !cx_->radius) {
      error("reals.initial", span, "initial() stands in the init of a machine");
      return {};
    }
    const ast::Decl* decl = library_.find("initial_point");
    const auto* f = decl != nullptr ? std::get_if<ast::FunctionDecl>(&decl->node) : nullptr;
    if (f == nullptr) throw InternalError("the library has no initial_point", span);
    std::vector<Value> given;
    given.emplace_back(make_static(RealsValue{r}));
    given.emplace_back(reference(*cx_->start, span));
    given.emplace_back(reference(*cx_->radius, span));
    if (!check_count("initial_point", f->params.size(), given.size(), span)) return {};
    return call_decl(*f, std::move(given), span);
  }
  std::vector<ExprPtr> dimension_captured;
  model_entry(r.model, r.span, dimension_captured);
  ExprPtr dimension = model_dimension(*entry, std::move(dimension_captured), span);
  Type reals = array_type(Scalar::Real, {size_of(dimension)});
  typed::ModelCall call;
  call.model = entry->id;
  call.args = std::move(captured);
  if (name == "at") {
    call.kind = Kind::Unconstrain;
    if (!latents_of(*entry, std::move(args[0]), call.args, span)) return {};
    return make(span, std::move(reals), std::move(call));
  }
  ExprPtr u = runtime(std::move(args[0]), span, "the argument of '" + name + "'");
  if (!u) return {};
  Span where = u->span;
  u = coerce(std::move(u), reals, where, "the argument of '" + name + "'");
  if (!u) return {};
  if (name == "trace") {
    call.kind = Kind::Constrain;
    Type type = trace_type(*entry, call.args, span);
    call.args.push_back(std::move(u));
    ExprPtr trace = make(span, std::move(type), std::move(call));
    if (r.whole == nullptr) {
      drawn_model_ = entry->id;
      return trace;
    }
    return whole_trace(r, std::move(trace), span);
  }
  call.args.push_back(std::move(u));
  if (name == "log_likelihood") {
    call.kind = Kind::Likelihood;
    return make(span, real_type(), std::move(call));
  }
  if (name == "logp") {
    call.kind = Kind::LogDensity;
    return make(span, real_type(), std::move(call));
  }
  call.kind = Kind::LogDensityGradient;
  Type both;
  both.kind = Type::Kind::Tuple;
  both.elements = {real_type(), std::move(reals)};
  return make(span, std::move(both), std::move(call));
}

Value Elaborator::whole_trace(const RealsValue& r, ExprPtr part, Span span) {
  std::vector<ExprPtr> captured;
  const ModelEntry* entry = model_entry(r.whole, r.span, captured);
  if (entry == nullptr) return {};
  drawn_model_ = entry->id;
  const Atom& held = std::get<Atom>(r.held);
  const Atom free = bind_atom(std::move(part), "trace", span);
  Type type = trace_type(*entry, captured, span);
  typed::MakeTuple out;
  for (size_t i = 0; i < type.fields.size(); ++i) {
    const Atom* from = nullptr;
    std::optional<int32_t> index;
    for (const Atom* atom : {&free, &held}) {
      const std::vector<std::string>& fields = atom->type.fields;
      auto at = std::find(fields.begin(), fields.end(), type.fields[i]);
      if (at == fields.end() || index) continue;
      from = atom;
      index = static_cast<int32_t>(at - fields.begin());
    }
    if (!index) throw InternalError("a trace without the site '" + type.fields[i] + "'", span);
    out.elements.push_back(coerce(make(span, from->type.elements[static_cast<size_t>(*index)],
                                       typed::TupleGet{from_atom(*from, span), *index}),
                                  type.elements[i], span,
                                  "the value of the site '" + type.fields[i] + "'"));
    if (!out.elements.back()) return {};
  }
  return make(span, std::move(type), std::move(out));
}

bool Elaborator::latents_of(const ModelEntry& entry, Value trace, std::vector<ExprPtr>& out,
                            Span span) {
  ExprPtr value = runtime(std::move(trace), span, "a trace");
  if (!value) return false;
  Type type = value->type;
  Atom whole = bind_atom(std::move(value), "trace", span);
  for (const SiteState& site : entry.sites) {
    if (site.kind != typed::Site::Kind::Latent) continue;
    auto at = std::find(type.fields.begin(), type.fields.end(), site.name);
    if (at == type.fields.end()) {
      error("trace.site", span, "the trace has no value for the site '" + site.name + "'")
          .with_found(text(type))
          .with_note(site.span, "the site");
      return false;
    }
    auto i = static_cast<int32_t>(at - type.fields.begin());
    ExprPtr part = make(span, type.elements[static_cast<size_t>(i)],
                        typed::TupleGet{from_atom(whole, span), i});
    part = coerce(std::move(part), site.type, span, "the value of the site '" + site.name + "'");
    if (!part) return false;
    out.push_back(std::move(part));
  }
  return true;
}

Value Elaborator::simulate(const StaticPtr& model, Span span) {
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(model, span, captured);
  if (entry == nullptr) return {};
  if (!cx_->may_draw) {
    error("random.place", span, "simulate(…) draws, and '" + cx_->name + "' may not")
        .with_suggestion("declare it as 'random def'");
    return {};
  }
  if (!check_simulable(*entry, "simulated", span)) return {};
  cx_->draws = true;
  drawn_model_ = entry->id;
  Type type = trace_type(*entry, captured, span);
  typed::ModelCall call{entry->id, typed::ModelCall::Kind::Simulate, std::move(captured)};
  ExprPtr value = make(span, std::move(type), std::move(call));
  return from_atom(bind_atom(std::move(value), "trace", span), span);
}

bool Elaborator::check_simulable(const ModelEntry& entry, const std::string& what, Span span) {
  for (const SiteState& site : entry.sites) {
    if (site.kind != typed::Site::Kind::Latent || site.simulable) continue;
    error("simulate.site", span,
          "the site '" + site.name + "' cannot be " + what + ": " + site.distribution +
              " has no sampler")
        .with_note(site.span, "the site");
    return false;
  }
  return true;
}

Value Elaborator::trace_density(const StaticPtr& model, Value trace, Span span) {
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(model, span, captured);
  if (entry == nullptr) return {};
  typed::ModelCall call{entry->id, typed::ModelCall::Kind::TraceLogDensity, std::move(captured)};
  if (!latents_of(*entry, std::move(trace), call.args, span)) return {};
  return make(span, real_type(), std::move(call));
}

}  // namespace borel::sema

// update(p, t, {x = v}) and regenerate(p, t, {x}): a trace with some sites changed, and the change
// of its log density, or of its weight, from the terms that can have changed.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::model_and_trace(const ast::CallExpr& e, const std::string& what, Span span,
                                 StaticPtr& model, Atom& trace) {
  if (e.args.size() != 3) return check_count(what, 3, e.args.size(), span);
  for (const ast::Argument& a : e.args) {
    if (!a.name) continue;
    error("call.named", a.name->span, "'" + what + "' has no named arguments");
    return false;
  }
  Value value = expr(*e.args[0].value);
  if (value.poisoned()) return false;
  if (get<ModelValue>(value) == nullptr) {
    Diagnostic& d = error("type.model", e.args[0].span, what + "(…) wants a model");
    if (const StaticPtr* s = value.as_static()) d.with_found(kind_of(**s));
    return false;
  }
  model = *value.as_static();
  ExprPtr given = runtime_expr(*e.args[1].value, "a trace");
  if (!given) return false;
  trace = bind_atom(std::move(given), "trace", e.args[1].span);
  return true;
}

ExprPtr Elaborator::latent_of(const ModelEntry&, const SiteState& site, const Atom& trace,
                              Span span) {
  const auto& fields = trace.type.fields;
  const auto at = std::find(fields.begin(), fields.end(), site.name);
  if (at == fields.end()) {
    error("trace.site", span, "the trace has no value for the site '" + site.name + "'")
        .with_found(text(trace.type))
        .with_note(site.span, "the site");
    return nullptr;
  }
  const auto i = static_cast<int32_t>(at - fields.begin());
  return coerce(make(span, trace.type.elements[static_cast<size_t>(i)],
                     typed::TupleGet{from_atom(trace, span), i}),
                site.type, span, "the value of the site '" + site.name + "'");
}

Value Elaborator::update(const ast::CallExpr& e, Span span) {
  using Kind = typed::ModelCall::Kind;
  StaticPtr model;
  Atom trace;
  if (!model_and_trace(e, "update", span, model, trace)) return {};
  const auto* changes = ast::as<ast::BraceExpr>(*e.args[2].value);
  const bool complete = changes != nullptr &&
                        std::all_of(changes->items.begin(), changes->items.end(),
                                    [](const ast::BraceItem& item) { return bool(item.value); });
  if (!complete) {
    error("update.changes", e.args[2].span, "'update' wants changes in braces")
        .with_expected("{x = v, …}");
    return {};
  }
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(model, span, captured);
  if (entry == nullptr) return {};
  std::map<std::string, ExprPtr> values;
  bool ok = true;
  for (const ast::BraceItem& item : changes->items) {
    const auto site = std::find_if(entry->sites.begin(), entry->sites.end(), [&](const auto& s) {
      return s.kind == typed::Site::Kind::Latent && s.name == item.name.text;
    });
    if (site == entry->sites.end()) {
      std::vector<std::string> latent;
      for (const SiteState& s : entry->sites)
        if (s.kind == typed::Site::Kind::Latent) latent.push_back(s.name);
      error("update.site", item.name.span, "the model has no latent site '" + item.name.text + "'")
          .with_suggestion(did_you_mean(item.name.text, latent));
      ok = false;
      continue;
    }
    ExprPtr value = typed_expr(*item.value, site->type, "the value of '" + site->name + "'");
    ok = ok && value != nullptr;
    values[item.name.text] = std::move(value);
  }
  if (!ok) return {};
  typed::ModelCall before{entry->id, Kind::ChangedDensity, {}},
      after = {entry->id, Kind::ChangedDensity, {}}, completed{entry->id, Kind::CompleteTrace, {}};
  for (typed::ModelCall* call : {&before, &after, &completed}) {
    std::vector<ExprPtr> again;
    model_entry(model, span, again);
    call->args = std::move(again);
  }
  const auto& sites = program_[entry->id].sites;
  for (const SiteState& site : entry->sites) {
    if (site.kind != typed::Site::Kind::Latent) continue;
    ExprPtr old = latent_of(*entry, site, trace, span);
    if (!old) return {};
    before.args.push_back(std::move(old));
    const auto change = values.find(site.name);
    if (change == values.end()) {
      for (typed::ModelCall* call : {&after, &completed})
        call->args.push_back(latent_of(*entry, site, trace, span));
      continue;
    }
    const Atom value = bind_atom(std::move(change->second), site.name, span);
    for (typed::ModelCall* call : {&after, &completed})
      call->args.push_back(from_atom(value, span));
    const auto at = std::find_if(sites.begin(), sites.end(),
                                 [&](const typed::Site& s) { return s.name == site.name; });
    for (typed::ModelCall* call : {&before, &after})
      call->sites.push_back(static_cast<typed::SiteIndex>(at - sites.begin()));
  }
  Type type = trace_type(*entry, captured, span);
  drawn_model_ = entry->id;
  ExprPtr ratio = builtin(span, real_type(), Op::Sub, make(span, real_type(), std::move(after)),
                          make(span, real_type(), std::move(before)));
  ExprPtr made = make(span, type, std::move(completed));
  Type both;
  both.kind = Type::Kind::Tuple;
  both.elements = {std::move(type), real_type()};
  typed::MakeTuple out;
  out.elements.push_back(std::move(made));
  out.elements.push_back(std::move(ratio));
  return make(span, std::move(both), std::move(out));
}

Value Elaborator::regenerate(const ast::CallExpr& e, Span span) {
  using Kind = typed::ModelCall::Kind;
  StaticPtr model;
  Atom trace;
  if (!model_and_trace(e, "regenerate", span, model, trace)) return {};
  SelectionValue selection;
  const auto* names = ast::as<ast::BraceExpr>(*e.args[2].value);
  if (names != nullptr && std::none_of(names->items.begin(), names->items.end(),
                                       [](const auto& item) { return bool(item.value); })) {
    for (const ast::BraceItem& item : names->items) selection.sites.push_back(item.name);
  } else {
    Value given = expr(*e.args[2].value);
    if (given.poisoned()) return {};
    if (get<SelectionValue>(given) == nullptr) {
      error("reals.selection", e.args[2].span, "which sites are drawn anew is a selection of sites")
          .with_expected("{x, …}");
      return {};
    }
    selection = *get<SelectionValue>(given);
  }
  const StaticPtr part = hold_others(model, selection, trace, span);
  if (part == nullptr) return {};
  Value drawn = simulate(part, span);
  if (drawn.poisoned()) return {};
  const Atom fresh = bind_atom(std::move(drawn.expr()), "fresh", span);
  const auto held = [&](const Atom& values) -> ExprPtr {
    std::vector<ExprPtr> captured;
    ModelEntry* entry = model_entry(part, span, captured);
    typed::ModelCall call{entry->id, Kind::HeldDensity, std::move(captured)};
    for (const SiteState& site : entry->sites) {
      if (site.kind != typed::Site::Kind::Latent) continue;
      ExprPtr value = latent_of(*entry, site, values, span);
      if (!value) return nullptr;
      call.args.push_back(std::move(value));
    }
    return make(span, real_type(), std::move(call));
  };
  ExprPtr after = held(fresh), before = held(trace);
  if (!after || !before) return {};
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(model, span, captured);
  Type type = trace_type(*entry, captured, span);
  typed::ModelCall completed{entry->id, Kind::CompleteTrace, std::move(captured)};
  for (const SiteState& site : entry->sites) {
    if (site.kind != typed::Site::Kind::Latent) continue;
    const auto& anew = fresh.type.fields;
    const bool is_new = std::find(anew.begin(), anew.end(), site.name) != anew.end();
    ExprPtr value = latent_of(*entry, site, is_new ? fresh : trace, span);
    if (!value) return {};
    completed.args.push_back(std::move(value));
  }
  drawn_model_ = entry->id;
  ExprPtr made = make(span, type, std::move(completed));
  Type both;
  both.kind = Type::Kind::Tuple;
  both.elements = {std::move(type), real_type()};
  typed::MakeTuple out;
  out.elements.push_back(std::move(made));
  out.elements.push_back(builtin(span, real_type(), Op::Sub, std::move(after), std::move(before)));
  return make(span, std::move(both), std::move(out));
}

}  // namespace borel::sema

// What inference asks of models: reals(p), simulate(p), logp(p, t).
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

// Whether another draw stands in the other branch of each condition around this one.
bool always_drawn(const SiteState& site) {
  for (const Draw& draw : site.draws) {
    for (const auto& [branch, side] : draw.path) {
      bool matched = std::any_of(
          site.draws.begin(), site.draws.end(), [&b = branch, &s = side](const Draw& other) {
            return std::any_of(other.path.begin(), other.path.end(), [&](const auto& step) {
              return step.first == b && step.second != s;
            });
          });
      if (!matched) return false;
    }
  }
  return true;
}

}  // namespace

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

Value Elaborator::reals_member(const StaticPtr& reals, const std::string& name, Span span) {
  const auto& r = std::get<RealsValue>(reals->node);
  if (name == "dim") {
    std::vector<ExprPtr> captured;
    ModelEntry* entry = model_entry(r.model, r.span, captured);
    if (entry == nullptr) return {};
    return model_dimension(*entry, std::move(captured), span);
  }
  const std::vector<std::string> members{"dim", "logp", "trace", "at", "initial"};
  if (std::find(members.begin(), members.end(), name) == members.end()) {
    error("member.unknown", span, "the value of reals(…) has no '" + name + "'")
        .with_expected("dim, logp(u), trace(u), at(t) or initial()")
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
  call.args.push_back(std::move(u));
  if (name == "trace") {
    call.kind = Kind::Constrain;
    drawn_model_ = entry->id;
    return make(span, entry->trace, std::move(call));
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
  for (const SiteState& site : entry->sites) {
    if (site.kind != typed::Site::Kind::Latent || site.simulable) continue;
    error("simulate.site", span,
          "the site '" + site.name + "' cannot be simulated: " + site.distribution +
              " has no sampler")
        .with_note(site.span, "the site");
    return {};
  }
  cx_->draws = true;
  drawn_model_ = entry->id;
  typed::ModelCall call{entry->id, typed::ModelCall::Kind::Simulate, std::move(captured)};
  ExprPtr value = make(span, entry->trace, std::move(call));
  return from_atom(bind_atom(std::move(value), "trace", span), span);
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

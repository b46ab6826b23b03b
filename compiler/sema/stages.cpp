// stages(p): a model that a population runs from one stop to the next.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

/// Whether a block draws, and whether it weighs runs.
struct Work {
  bool draws = false, weighs = false, records = false;

  void look(const typed::Stmt& stmt) {
    if (const auto* sample = typed::as<typed::Sample>(stmt)) {
      (sample->observed ? weighs : draws) = true;
    } else if (typed::as<typed::Factor>(stmt) != nullptr) {
      weighs = true;
    } else if (typed::as<typed::Record>(stmt) != nullptr) {
      records = true;
    } else if (const auto* loop = typed::as<typed::For>(stmt)) {
      look(loop->body);
    } else if (const auto* repeat = typed::as<typed::While>(stmt)) {
      look(repeat->body);
    } else if (const auto* branch = typed::as<typed::If>(stmt)) {
      look(branch->then_block);
      look(branch->else_block);
    }
  }
  void look(const typed::Block& block) {
    for (const typed::Stmt& stmt : block) look(stmt);
  }
};

bool mentions(const typed::Expr& expr, VarId variable) {
  if (const auto* ref = typed::as<typed::VarRef>(expr)) return ref->variable == variable;
  const auto* builtin = typed::as<typed::Builtin>(expr);
  return builtin != nullptr &&
         std::any_of(builtin->args.begin(), builtin->args.end(),
                     [&](const ExprPtr& arg) { return mentions(*arg, variable); });
}

/// Sites whose elements the iterations of a loop draw one after another: those whose first index
/// moves with the loop. `others` has the sites that it draws otherwise.
void find_moving(const typed::Block& block, VarId variable, std::vector<bool>& moving,
                 std::vector<bool>& others) {
  const auto site = [&](typed::SiteIndex index, const std::vector<ExprPtr>& indices) {
    const bool moves = !indices.empty() && mentions(*indices[0], variable);
    (moves ? moving : others)[static_cast<size_t>(index)] = true;
  };
  for (const typed::Stmt& stmt : block) {
    if (const auto* sample = typed::as<typed::Sample>(stmt)) {
      if (!sample->observed) site(sample->site, sample->indices);
    } else if (const auto* record = typed::as<typed::Record>(stmt)) {
      site(record->site, record->indices);
    } else if (const auto* loop = typed::as<typed::For>(stmt)) {
      find_moving(loop->body, variable, moving, others);
    } else if (const auto* branch = typed::as<typed::If>(stmt)) {
      find_moving(branch->then_block, variable, moving, others);
      find_moving(branch->else_block, variable, moving, others);
    }
  }
}

/// Puts stops into a model's body: in a loop that both draws and weighs, after each iteration; else
/// where draws follow after runs were weighed, before such a loop, and at the end.
void put_stops(typed::Model& model) {
  std::vector<bool> moving(model.sites.size()), others(model.sites.size());
  typed::Block out;
  bool pending = false, weighed = false;
  const auto stop = [&](Span span) {
    out.push_back(typed::Stmt{span, typed::Stop{}});
    pending = weighed = false;
  };
  for (typed::Stmt& stmt : model.body) {
    Work work;
    work.look(stmt);
    auto* loop = std::get_if<typed::For>(&stmt.node);
    const bool steps = loop != nullptr && work.draws && work.weighs;
    if (steps ? pending : work.draws && weighed) stop(stmt.span);
    if (steps) {
      find_moving(loop->body, loop->variable, moving, others);
      loop->body.push_back(typed::Stmt{stmt.span, typed::Stop{}});
    } else {
      pending |= work.draws || work.weighs || work.records;
      weighed |= work.weighs;
    }
    out.push_back(std::move(stmt));
  }
  if (pending) stop(model.span);
  model.body = std::move(out);
  for (size_t i = 0; i < model.sites.size(); ++i) {
    typed::Site& site = model.sites[i];
    // The rows of a matrix are not what its first index counts in memory.
    site.moves = moving[i] && !others[i] && !(site.type.matrix && site.type.dims.size() == 2);
  }
}

constexpr const char* population_fields[] = {"stage", "reals", "ints", "logw"};

}  // namespace

Value Elaborator::make_stages(const StaticPtr& model, Span span) {
  using Kind = typed::ModelCall::Kind;
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(model, span, captured);
  if (entry == nullptr || !check_simulable(*entry, "run forward", span)) return {};
  if (!entry->staged) {
    entry->staged = true;
    put_stops(program_.models[static_cast<size_t>(entry->id)]);
  }
  StagesValue out{model, {}, {}, {}, span};
  const std::string& symbol = program_[entry->id].name;
  const auto size = [&](Kind kind, const char* name, VarId& known) {
    if (known != VarId::None) return Atom{int_type(), known};
    std::vector<ExprPtr> args;
    model_entry(model, span, args);
    const bool global = args.empty();
    const VarId variable = new_variable(symbol + "." + name, int_type(), span);
    not_negative_.insert(variable);
    ExprPtr value = make(span, int_type(), typed::ModelCall{entry->id, kind, std::move(args)});
    if (global) {
      program_.variables[static_cast<size_t>(variable)].global = true;
      program_.globals.push_back({variable, std::move(value)});
      known = variable;
    } else {
      emit(span, typed::Let{variable, std::move(value)});
    }
    return Atom{int_type(), variable};
  };
  out.reals = size(Kind::FrameReals, "frame_reals", entry->frame_reals);
  out.ints = size(Kind::FrameInts, "frame_ints", entry->frame_ints);
  out.count = size(Kind::StageCount, "stage_count", entry->stage_count);
  return make_static(std::move(out));
}

Value Elaborator::stages_member(const StaticPtr& stages, const std::string& name, Span span) {
  const auto& s = std::get<StagesValue>(stages->node);
  if (name == "count") return from_atom(std::get<Atom>(s.count), span);
  const std::vector<std::string> members{"count", "start",   "advance",    "follow", "check",
                                         "path",  "summary", "transition", "trace"};
  if (std::find(members.begin(), members.end(), name) == members.end()) {
    error("member.unknown", span, "the value of stages(…) has no '" + name + "'")
        .with_expected(
            "count, start(n), advance(particles), check(particles), summary(particles, "
            "weights), transition(before, after, i), follow(particles, reals, ints), "
            "trace(reals, ints) or path(t)")
        .with_suggestion(did_you_mean(name, members));
    return {};
  }
  return make_static(MemberValue{stages, name});
}

Value Elaborator::call_stages(const StagesValue& s, const std::string& name,
                              std::vector<Value> args, Span span) {
  using Kind = typed::ModelCall::Kind;
  std::vector<ExprPtr> captured;
  ModelEntry* entry = model_entry(s.model, s.span, captured);
  if (entry == nullptr) return {};
  const size_t wanted = name == "transition" || name == "follow" ? 3
                        : name == "summary" || name == "trace"   ? 2
                                                                 : 1;
  if (!check_count(name, wanted, args.size(), span)) return {};
  const auto number = [&](const Binding& size) {
    return variable_size(std::get<VarId>(std::get<Atom>(size).value));
  };
  const auto population = [&](const Size& n) {
    Type type;
    type.kind = Type::Kind::Tuple;
    type.fields.assign(std::begin(population_fields), std::end(population_fields));
    type.elements = {int_type(), array_type(Scalar::Real, {number(s.reals), n}),
                     array_type(Scalar::Int, {number(s.ints), n}), array_type(Scalar::Real, {n})};
    return type;
  };
  if (name == "start") {
    ExprPtr count = runtime(std::move(args[0]), span, "the number of particles");
    if (!count) return {};
    count = coerce(std::move(count), int_type(), span, "the number of particles");
    if (!count) return {};
    Type type = population(size_of(count));
    typed::MakeTuple made;
    made.elements.push_back(constant(span, int64_t{0}));
    for (size_t i = 1; i < type.elements.size(); ++i) {
      std::vector<ExprPtr> extents;
      for (const Size& dim : type.elements[i].dims) extents.push_back(size_expr(dim, span));
      made.elements.push_back(builtin(span, type.elements[i], Op::Zeros, std::move(extents)));
    }
    return make(span, std::move(type), std::move(made));
  }

  typed::ModelCall call;
  call.model = entry->id;
  call.args = std::move(captured);
  // A path has a column for each stage.
  const Type path[] = {array_type(Scalar::Real, {number(s.reals), number(s.count)}),
                       array_type(Scalar::Int, {number(s.ints), number(s.count)})};
  const auto add_path = [&](size_t first) {
    for (size_t i = 0; i < 2; ++i) {
      ExprPtr frames = runtime(std::move(args[first + i]), span, "a path's frames");
      if (frames) frames = coerce(std::move(frames), path[i], span, "a path's frames");
      if (!frames) return false;
      call.args.push_back(std::move(frames));
    }
    return true;
  };
  if (name == "path") {
    if (!latents_of(*entry, std::move(args[0]), call.args, span)) return {};
    Type both;
    both.kind = Type::Kind::Tuple;
    both.elements = {path[0], path[1]};
    call.kind = Kind::TracePath;
    return make(span, std::move(both), std::move(call));
  }
  if (name == "trace") {
    std::vector<ExprPtr> again;
    model_entry(s.model, s.span, again);
    Type trace = trace_type(*entry, again, span);
    if (!add_path(0)) return {};
    drawn_model_ = entry->id;
    call.kind = Kind::PathTrace;
    return make(span, std::move(trace), std::move(call));
  }
  ExprPtr given = runtime(std::move(args[0]), span, "the argument of '" + name + "'");
  if (!given) return {};
  const Type found = given->type;
  const bool shaped = found.kind == Type::Kind::Tuple && found.elements.size() == 4 &&
                      found.elements[3].dims.size() == 1;
  const Type type = shaped ? population(found.elements[3].dims[0]) : Type();
  if (!shaped || !(type.fields == found.fields)) {
    error("stages.population", span, "'" + name + "' wants particles of these stages")
        .with_found(text(found))
        .with_expected("what start(n) or advance(particles) gives");
    return {};
  }
  const Atom particles = bind_atom(std::move(given), "particles", span);
  const auto part = [&](int32_t i) -> ExprPtr {
    return coerce(make(span, found.elements[static_cast<size_t>(i)],
                       typed::TupleGet{from_atom(particles, span), i}),
                  type.elements[static_cast<size_t>(i)], span, "the particles");
  };
  if (name == "transition") {
    for (const int32_t i : {0, 1, 2}) {
      ExprPtr element = part(i);
      if (!element) return {};
      call.args.push_back(std::move(element));
    }
    ExprPtr after = runtime(std::move(args[1]), span, "the particles after the stage");
    if (!after) return {};
    if (!(after->type.fields == type.fields) || after->type.elements[3].dims.size() != 1) {
      error("stages.population", span, "'transition' wants particles of these stages")
          .with_found(text(after->type))
          .with_expected("what start(n) or advance(particles) gives");
      return {};
    }
    const Type next = population(after->type.elements[3].dims[0]);
    const Atom later = bind_atom(std::move(after), "after", span);
    for (const int32_t i : {1, 2}) {
      ExprPtr frames = coerce(make(span, later.type.elements[static_cast<size_t>(i)],
                                   typed::TupleGet{from_atom(later, span), i}),
                              next.elements[static_cast<size_t>(i)], span, "the particles");
      if (!frames) return {};
      call.args.push_back(std::move(frames));
    }
    ExprPtr column = runtime(std::move(args[2]), span, "the number of a particle");
    if (!column) return {};
    column = coerce(std::move(column), int_type(), span, "the number of a particle");
    if (!column) return {};
    call.args.push_back(std::move(column));
    call.kind = Kind::Transition;
    return make(span, type.elements[3], std::move(call));
  }
  if (name == "check") {
    for (const int32_t i : {0, 3}) {
      ExprPtr element = part(i);
      if (!element) return {};
      call.args.push_back(std::move(element));
    }
    call.kind = Kind::CheckStage;
    const Type unit;
    emit(span, typed::Evaluate{make(span, unit, std::move(call))});
    return make(span, unit, typed::MakeTuple{});
  }
  if (name == "summary") {
    for (const int32_t i : {1, 2}) {
      ExprPtr frame = part(i);
      if (!frame) return {};
      call.args.push_back(std::move(frame));
    }
    ExprPtr weights = runtime(std::move(args[1]), span, "the weights");
    if (!weights) return {};
    weights = coerce(std::move(weights), type.elements[3], span, "the weights");
    if (!weights) return {};
    call.args.push_back(std::move(weights));
    std::vector<ExprPtr> again;
    model_entry(s.model, s.span, again);
    const Type trace = trace_type(*entry, again, span);
    Type out;
    out.kind = Type::Kind::Tuple;
    for (size_t i = 0; i < trace.fields.size(); ++i) {
      const auto& sites = program_[entry->id].sites;
      const auto site = std::find_if(sites.begin(), sites.end(), [&](const typed::Site& x) {
        return x.name == trace.fields[i];
      });
      Type element = trace.elements[i];
      if (site->moves) element.dims.erase(element.dims.begin());
      element = element.dims.empty() ? real_type()
                                     : array_type(Scalar::Real, element.dims, element.matrix);
      for (const char* suffix : {"", "_sd"}) {
        out.fields.push_back(trace.fields[i] + suffix);
        out.elements.push_back(element);
      }
    }
    call.kind = Kind::StageSummary;
    return make(span, std::move(out), std::move(call));
  }

  if (!cx_->may_draw) {
    error("random.place", span, name + "(…) draws, and '" + cx_->name + "' may not")
        .with_suggestion("declare it as 'random def'");
    return {};
  }
  cx_->draws = true;
  call.kind = name == "follow" ? Kind::Follow : Kind::Advance;
  for (const int32_t i : {0, 1, 2, 3}) {
    ExprPtr element = part(i);
    if (!element) return {};
    call.args.push_back(std::move(element));
  }
  if (name == "follow" && !add_path(1)) return {};
  Type frames;
  frames.kind = Type::Kind::Tuple;
  frames.elements = {type.elements[1], type.elements[2], type.elements[3]};
  const Atom next = bind_atom(make(span, std::move(frames), std::move(call)), "advanced", span);
  typed::MakeTuple made;
  made.elements.push_back(builtin(span, int_type(), Op::Add, part(0), constant(span, int64_t{1})));
  for (const int32_t i : {0, 1, 2})
    made.elements.push_back(make(span, type.elements[static_cast<size_t>(i) + 1],
                                 typed::TupleGet{from_atom(next, span), i}));
  return make(span, type, std::move(made));
}

}  // namespace borel::sema

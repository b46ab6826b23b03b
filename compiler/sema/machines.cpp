// Machines: from `machine { … }` to the functions that the runtime drives.
#include <algorithm>

#include "compiler/sema/elaborator.h"
#include "compiler/sema/free_names.h"

namespace borel::sema {

Value Elaborator::make_machine(const ast::MachineExpr& e, Span span) {
  Span used = cx_->call.valid() ? cx_->call : span;
  return make_static(MachineValue{&e, cx_->name, capture(free_names(e), span), used});
}

ExprPtr Elaborator::constant_expr(const ast::Expr& e, const Type& type, const std::string& what) {
  ExprPtr value = typed_expr(e, type, what);
  if (!value || typed::as<typed::Constant>(*value) != nullptr) return value;
  error("machine.constant", e.span, what + " must be a constant")
      .with_suggestion("it is known when the program is compiled, before there is data");
  return nullptr;
}

bool Elaborator::machine_parameters(const MachineValue& m) {
  bool ok = true;
  Scope scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  for (const auto& [name, binding] : m.captures) declare(&scope, name, binding, {});
  for (const ast::MachineLocal& local : m.machine->locals) {
    const auto* p = std::get_if<ast::MachineParam>(&local);
    if (p == nullptr) continue;
    Declared type = declared_type(*p->type, nullptr);
    if (type.poisoned) {
      ok = false;
      continue;
    }
    if (type.type.kind != Type::Kind::Scalar || type.type.scalar == Scalar::Bool) {
      error("machine.parameter", p->type->span, "a machine's parameter is an int or a real")
          .with_found(text(type.type));
      ok = false;
      continue;
    }
    typed::MachineParameter out;
    out.name = p->name.text;
    out.type = type.type.scalar;
    out.span = p->name.span;
    auto constant_of = [&](const ast::Expr& e, const std::string& what) -> std::optional<double> {
      ExprPtr value = constant_expr(e, type.type, what);
      if (!value) return std::nullopt;
      const auto& number = std::get<typed::Constant>(value->node).value;
      if (const auto* i = std::get_if<int64_t>(&number)) return static_cast<double>(*i);
      return std::get<double>(number);
    };
    if (m.machine->steps && (out.name == "warmup" || out.name == "draws")) {
      error("machine.steps", p->name.span,
            "a machine with 'steps' has no parameter '" + out.name + "'")
          .with_note(m.machine->steps->name.span, "all of these are made, and recorded");
      ok = false;
    }
    std::optional<double> fallback =
        constant_of(*p->default_value, "the default of '" + out.name + "'");
    ok &= fallback.has_value();
    if (fallback) out.fallback = *fallback;
    if (p->range) {
      const auto& range = std::get<ast::RangeExpr>(p->range->node);
      std::optional<double> lower = constant_of(*range.lo, "the least '" + out.name + "'");
      std::optional<double> upper = constant_of(*range.hi, "the greatest '" + out.name + "'");
      ok &= lower && upper;
      if (lower) out.lower = *lower;
      // An int range is half open, as everywhere; a real one has both ends.
      if (upper) out.upper = out.type == Scalar::Int ? *upper - 1 : *upper;
      if (fallback && lower && upper && (*fallback < out.lower || *fallback > out.upper)) {
        error("machine.default", p->default_value->span,
              "the default of '" + out.name + "' is outside its range")
            .with_note(p->range->span, "the range");
        ok = false;
      }
    }
    machine_parameters_.push_back(std::move(out));
  }
  cx_->scope = outer;
  return ok;
}

std::optional<FunctionId> Elaborator::machine_method(const MachineValue& m,
                                                     const ast::Method& method,
                                                     const std::string& part, const Type* state,
                                                     Type* result) {
  auto id = static_cast<FunctionId>(program_.functions.size());
  typed::Function function;
  function.name = unique_symbol(m.name + "." + part);
  function.span = method.name.span;
  program_.functions.push_back(std::move(function));
  Context cx;
  typed::Block block;
  Scope root, inner;
  inner.parent = &root;
  cx.kind = Context::Kind::Function;
  cx.caller = cx_;
  cx.call = m.span;
  cx.name = m.name + "." + part;
  cx.scope = &root;
  cx.block = &block;
  cx.may_draw = part == "init" || part == "step";
  cx.value_block = &method.body;
  Context* outer = std::exchange(cx_, &cx);
  size_t errors = diagnostics_->error_count();
  std::vector<VarId> params;
  auto parameter = [&](const std::string& name, Type type, Span span) {
    VarId variable = new_variable(name, std::move(type), span);
    params.push_back(variable);
    return variable;
  };
  for (const auto& [name, binding] : m.captures) declare(&root, name, binding, {});
  for (const typed::MachineParameter& p : machine_parameters_) {
    VarId variable = parameter(p.name, scalar_type(p.type), p.span);
    declare(&root, p.name, Atom{scalar_type(p.type), variable}, p.span);
  }
  bool ok = true;
  if (state == nullptr) {
    VarId count = new_variable("start.size", int_type(), method.span);
    not_negative_.insert(count);
    VarId start = parameter("start", array_type(Scalar::Real, {variable_size(count)}), method.span);
    VarId radius = parameter("radius", real_type(), method.span);
    emit(method.span,
         typed::Let{count, builtin(method.span, int_type(), Op::Dim, reference(start, method.span),
                                   constant(method.span, int64_t{0}))});
    cx.start = start;
    cx.radius = radius;
  }
  // The machine's own values, computed anew in each part: what does not change is hoisted later.
  for (const ast::MachineLocal& local : m.machine->locals) {
    if (const auto* s = std::get_if<ast::LetStmt>(&local)) let(*s, s->value->span);
  }
  cx.scope = &inner;
  if (state != nullptr) {
    bool tuple = state->kind == Type::Kind::Tuple;
    size_t count = tuple ? state->elements.size() : 1;
    // A record of one field is taken whole.
    if (method.params.size() == count && !(tuple && count == 1)) {
      for (size_t i = 0; i < count; ++i) {
        const Type& type = tuple ? state->elements[i] : *state;
        const ast::Name& name = method.params[i].name;
        declare(name, Atom{type, parameter(name.text, type, name.span)});
      }
    } else if (method.params.size() == 1) {
      const ast::Name& name = method.params[0].name;
      std::vector<Value> elements;
      std::vector<Span> spans;
      for (size_t i = 0; i < count; ++i) {
        const Type& type = state->elements[i];
        std::string field = state->fields.empty() ? std::to_string(i) : state->fields[i];
        VarId variable = parameter(name.text + "." + field, type, name.span);
        elements.emplace_back(reference(variable, name.span));
        spans.push_back(name.span);
      }
      declare(name, bind(make_tuple(std::move(elements), state->fields, name.span, spans),
                         name.text, name.span));
    } else {
      error("machine.pattern", method.name.span,
            "'" + part + "' takes the state apart into the wrong number of parts")
          .with_found(std::to_string(method.params.size()))
          .with_expected(std::to_string(count) + ", for " + text(*state) + ", or one");
      ok = false;
      for (const ast::Param& p : method.params) declare(p.name, Poison{});
    }
  }
  bool returned = statements(method.body, 0, nullptr);
  std::vector<typed::Return*> returns;
  collect_returns(block, returns);
  for (typed::Return* r : returns) ok &= r->value != nullptr;
  if (ok && (returns.empty() || !returned)) {
    if (diagnostics_->error_count() == errors) {
      error("machine.result", method.name.span, "'" + part + "' must return a value");
    }
    ok = false;
  }
  if (ok && part == "step") {
    for (typed::Return* r : returns) {
      std::optional<Type> both = join(r->value->type, *state);
      if (both && equal_but_dims(*both, *state)) continue;
      error("machine.state", r->value->span, "step returns another state than init")
          .with_found(text(r->value->type))
          .with_expected(text(*state))
          .with_note(m.machine->init.name.span, "the state is what init returns");
      ok = false;
    }
    if (ok) *result = *state;
  } else if (ok) {
    *result = returns[0]->value->type;
    for (typed::Return* r : returns) {
      std::optional<Type> both = join(*result, r->value->type);
      if (!both) {
        error("function.results", r->value->span,
              "'" + part + "' returns values of different types")
            .with_found(text(r->value->type))
            .with_expected(text(*result))
            .with_note(returns[0]->value->span, "the first one");
        ok = false;
        break;
      }
      *result = *both;
    }
  }
  if (ok) coerce_returns(block, *result);
  cx_ = outer;
  typed::Function& made = program_.functions[static_cast<size_t>(id)];
  made.params = std::move(params);
  made.body = std::move(block);
  if (ok) made.result = *result;
  made.random = cx.draws;
  if (!ok || diagnostics_->error_count() != errors) return std::nullopt;
  return id;
}

FunctionId Elaborator::no_statistics(const MachineValue& m, const Type& state, Span span) {
  auto id = static_cast<FunctionId>(program_.functions.size());
  typed::Function function;
  function.name = unique_symbol(m.name + ".info");
  function.span = span;
  Context cx;
  typed::Block block;
  Scope scope;
  cx.scope = &scope;
  cx.block = &block;
  Context* outer = std::exchange(cx_, &cx);
  for (const typed::MachineParameter& p : machine_parameters_) {
    function.params.push_back(new_variable(p.name, scalar_type(p.type), p.span));
  }
  const bool tuple = state.kind == Type::Kind::Tuple;
  for (size_t i = 0; i < (tuple ? state.elements.size() : 1); ++i) {
    const Type& type = tuple ? state.elements[i] : state;
    function.params.push_back(new_variable("state." + std::to_string(i), type, span));
  }
  cx_ = outer;
  Type nothing;
  nothing.kind = Type::Kind::Tuple;
  function.result = nothing;
  function.body.push_back(
      typed::Stmt{span, typed::Return{make(span, nothing, typed::MakeTuple{})}});
  program_.functions.push_back(std::move(function));
  return id;
}

ModelId Elaborator::recorded_model(const Type& trace) {
  // A trace says by its sites which model it is of; where several have such traces, the one that
  // 'draw' asked for it, else the first. The runtime knows no values that models capture.
  auto is_closed = [this](ModelId id) { return program_[id].params.empty(); };
  ModelId first = ModelId::None;
  for (const auto& [key, entry] : models_) {
    if (entry->failed || entry->id == ModelId::None || !(entry->trace == trace)) continue;
    if (!is_closed(entry->id)) continue;
    if (entry->id == drawn_model_) return drawn_model_;
    if (first == ModelId::None || entry->id < first) first = entry->id;
  }
  if (first != ModelId::None || drawn_model_ == ModelId::None || !is_closed(drawn_model_))
    return first;
  // Sizes may be written otherwise than in the model.
  for (const auto& [key, entry] : models_) {
    if (entry->id == drawn_model_ && entry->trace.fields == trace.fields &&
        equal_but_dims(entry->trace, trace))
      return drawn_model_;
  }
  return ModelId::None;
}

ModelId Elaborator::record_model(const std::string& name, const Type& record, Span span) {
  const bool values =
      record.kind == Type::Kind::Tuple && record.dims.empty() && !record.fields.empty() &&
      std::all_of(record.elements.begin(), record.elements.end(), [this](const Type& element) {
        return (element.kind == Type::Kind::Scalar || element.kind == Type::Kind::Array) &&
               element.dims.size() <= 4 &&
               std::none_of(element.dims.begin(), element.dims.end(),
                            [this](const Size& dim) { return is_local(dim); });
      });
  if (!values) return ModelId::None;
  typed::Model model;
  model.name = unique_symbol(name);
  model.span = span;
  model.record = true;
  for (size_t i = 0; i < record.elements.size(); ++i) {
    typed::Site site;
    site.name = record.fields[i];
    site.kind = typed::Site::Kind::Derived;
    site.type = record.elements[i];
    site.outer_rank = static_cast<int32_t>(site.type.dims.size());
    site.support = site.type.scalar == Scalar::Real  ? "real"
                   : site.type.scalar == Scalar::Int ? "int"
                                                     : "bool";
    site.variable = new_variable(site.name, site.type, span);
    program_.variables[static_cast<size_t>(site.variable)].global = false;
    site.span = span;
    model.sites.push_back(std::move(site));
  }
  program_.models.push_back(std::move(model));
  return static_cast<ModelId>(program_.models.size() - 1);
}

std::optional<VarId> Elaborator::machine_steps(const MachineValue& m) {
  const ast::Method& method = *m.machine->steps;
  Context cx;
  Scope root, inner;
  inner.parent = &root;
  cx.kind = Context::Kind::Infer;
  cx.caller = cx_;
  cx.call = m.span;
  cx.name = m.name + ".steps";
  cx.scope = &root;
  std::optional<Value> returned;
  cx.returned = &returned;
  cx.value_block = &method.body;
  const size_t errors = diagnostics_->error_count();
  Context* outer = std::exchange(cx_, &cx);
  for (const auto& [name, binding] : m.captures) declare(&root, name, binding, {});
  // What depends on a parameter is not known: a run may set it.
  for (const typed::MachineParameter& p : machine_parameters_)
    declare(&root, p.name, Poison{}, p.span);
  for (const ast::MachineLocal& local : m.machine->locals) {
    if (const auto* s = std::get_if<ast::LetStmt>(&local)) let(*s, s->value->span);
  }
  cx.scope = &inner;
  statements(method.body, 0, nullptr);
  ExprPtr value;
  if (returned && !returned->poisoned()) {
    value = runtime(std::move(*returned), method.name.span, "the number of steps");
    if (value) value = coerce(std::move(value), int_type(), value->span, "the number of steps");
  }
  std::optional<VarId> steps;
  if (value) {
    const Span span = value->span;
    if (const auto* ref = typed::as<typed::VarRef>(*value)) {
      steps = ref->variable;
    } else {
      steps = new_variable("steps", int_type(), span);
      program_.globals.push_back({*steps, std::move(value)});
    }
  }
  cx_ = outer;
  if (!steps && diagnostics_->error_count() == errors) {
    error("machine.steps", method.name.span,
          returned ? "the number of steps must be known from the data"
                   : "'steps' must return a value")
        .with_suggestion(returned ? "it may depend on no parameter of the machine, which a run sets"
                                  : "write steps { return T }");
  }
  return steps;
}

bool Elaborator::machine(const MachineValue& m, Span span) {
  for (const auto& [name, binding] : m.captures) {
    if (std::holds_alternative<Poison>(binding)) return false;
  }
  typed::Machine out;
  out.name = m.name;
  if (!machine_parameters(m)) return false;
  Type result;
  std::optional<FunctionId> init = machine_method(m, m.machine->init, "init", nullptr, &out.state);
  if (!init) return false;
  auto known_sizes = [&](auto& self, const Type& type) -> bool {
    for (const Type& element : type.elements) {
      if (!self(self, element)) return false;
    }
    return std::none_of(type.dims.begin(), type.dims.end(),
                        [this](const Size& dim) { return is_local(dim); });
  };
  if (!known_sizes(known_sizes, out.state)) {
    error("machine.state_size", m.machine->init.name.span,
          "the sizes of a machine's state must be known from the data")
        .with_found(text(out.state));
    return false;
  }
  std::optional<FunctionId> step = machine_method(m, m.machine->step, "step", &out.state, &result);
  drawn_model_ = ModelId::None;
  std::optional<FunctionId> draw;
  if (m.machine->draw) {
    draw = machine_method(m, *m.machine->draw, "draw", &out.state, &result);
    if (draw) out.model = recorded_model(result);
    if (draw && out.model == ModelId::None) {
      out.model = record_model(m.name, result, m.machine->draw->name.span);
    }
    if (draw && out.model == ModelId::None) {
      error("machine.draw", m.machine->draw->name.span,
            "'draw' must return a trace of a model, or a record of numbers and arrays")
          .with_found(text(result))
          .with_suggestion(
              result.kind == Type::Kind::Tuple && !result.fields.empty()
                  ? "the sizes of what is recorded must be known from the data, and nothing in it "
                    "is a record itself"
                  : "return r.trace(u), or {mean = …, sd = …}");
      draw.reset();
    }
  } else {
    error("machine.draw", span, "the machine '" + m.name + "' has no 'draw': it records nothing");
  }
  bool ok = step && draw;
  if (m.machine->info) {
    std::optional<FunctionId> info =
        machine_method(m, *m.machine->info, "info", &out.state, &result);
    ok &= info.has_value();
    if (info) {
      out.info = *info;
      out.statistics = result.fields;
      bool reals = result.kind == Type::Kind::Tuple && !result.fields.empty();
      for (Type& element : result.elements) {
        reals &= element.kind == Type::Kind::Scalar;
        element = real_type();
      }
      if (!reals) {
        error("machine.info", m.machine->info->name.span, "'info' returns a record of numbers")
            .with_found(text(result));
        ok = false;
      } else {
        typed::Function& f = program_.functions[static_cast<size_t>(*info)];
        Context cx;
        Scope scope;
        cx.scope = &scope;
        cx.name = m.name + ".info";
        Context* outer = std::exchange(cx_, &cx);
        // A bool or an int is recorded as a number.
        std::vector<typed::Return*> returns;
        collect_returns(f.body, returns);
        for (typed::Return* r : returns) {
          if (auto* made = std::get_if<typed::MakeTuple>(&r->value->node)) {
            for (size_t i = 0; i < made->elements.size(); ++i) {
              made->elements[i] = to_real(std::move(made->elements[i]));
              r->value->type.elements[i] = real_type();
            }
          }
        }
        coerce_returns(f.body, result);
        cx_ = outer;
        f.result = result;
      }
    }
  }
  if (m.machine->metric) {
    std::optional<FunctionId> metric =
        machine_method(m, *m.machine->metric, "metric", &out.state, &result);
    ok &= metric.has_value();
    if (metric) out.metric = *metric;
    const bool reals = result.kind == Type::Kind::Array && result.scalar == typed::Scalar::Real;
    if (metric && (!reals || result.dims.size() > 2)) {
      error(
          "machine.metric", m.machine->metric->name.span,
          "'metric' returns the inverse metric: the diagonal, real[n], or all of it, matrix[n, n]")
          .with_found(text(result));
      ok = false;
    }
  }
  if (m.machine->steps) {
    const std::optional<VarId> steps = machine_steps(m);
    ok &= steps.has_value();
    if (steps) out.steps = *steps;
  }
  if (!ok) return false;
  if (!m.machine->info) out.info = no_statistics(m, out.state, span);
  out.init = *init;
  out.step = *step;
  out.draw = *draw;
  out.parameters = machine_parameters_;
  program_.machine = std::move(out);
  return true;
}

}  // namespace borel::sema

// Functions made monomorphic: one typed function for each declaration, compile-time arguments and
// types of run-time arguments.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::too_deep(Span span) {
  if (limit_reported_) return true;
  bool deep = chain_.size() >= static_cast<size_t>(max_depth);
  bool many = specialisations_.size() >= static_cast<size_t>(max_specialisations);
  if (!deep && !many) return false;
  limit_reported_ = true;
  std::string chain;
  size_t count = chain_.size(), shown = std::min<size_t>(count, 8);
  for (size_t i = count - shown; i < count; ++i) chain += chain_[i] + " -> ";
  Diagnostic& d = real_diagnostics_->error(
      "limit.specialisation", span,
      deep ? "compile-time calls go deeper than " + std::to_string(max_depth)
           : "more than " + std::to_string(max_specialisations) + " specialised functions");
  d.with_found((count > shown ? "… -> " : "") + chain + "…")
      .with_suggestion(
          "compile-time values (functions, models, machines) may not grow in recursion");
  return true;
}

void Elaborator::collect_returns(typed::Block& block, std::vector<typed::Return*>& out) {
  if (block.empty()) return;
  typed::Stmt& last = block.back();
  if (auto* r = std::get_if<typed::Return>(&last.node)) out.push_back(r);
  if (auto* i = std::get_if<typed::If>(&last.node)) {
    collect_returns(i->then_block, out);
    collect_returns(i->else_block, out);
  }
}

void Elaborator::coerce_returns(typed::Block& block, const Type& type) {
  if (block.empty()) return;
  typed::Stmt& last = block.back();
  if (auto* i = std::get_if<typed::If>(&last.node)) {
    coerce_returns(i->then_block, type);
    coerce_returns(i->else_block, type);
    return;
  }
  auto* r = std::get_if<typed::Return>(&last.node);
  if (r == nullptr || !r->value) return;
  // What the conversion emits belongs before the return.
  Span span = last.span;
  ExprPtr value = std::move(r->value);
  block.pop_back();
  typed::Block* outer = std::exchange(cx_->block, &block);
  Span where = value->span;
  value = coerce(std::move(value), type, where, "the result of '" + cx_->name + "'");
  cx_->block = outer;
  block.push_back(typed::Stmt{span, typed::Return{std::move(value)}});
}

Value Elaborator::specialise(const Callable& callable, std::vector<Value> args, Span span) {
  std::vector<ExprPtr> call_args;
  Type result;
  std::optional<FunctionId> id = specialised(callable, args, span, call_args, result);
  if (!id) return {};
  const typed::Function& function = program_[*id];
  if (function.random) {
    if (!cx_->may_draw) {
      error("random.place", span, "'" + callable.name + "' draws, and '" + cx_->name + "' may not")
          .with_suggestion(cx_->kind == Context::Kind::Model ? "in a model, draw with '~'"
                                                             : "declare it as 'random def'");
      return {};
    }
    cx_->draws = true;
  }
  bool complete = true;
  Type type = result_here(*id, call_args, std::move(result), complete);
  bool random = function.random;
  ExprPtr call = make(span, std::move(type), typed::Call{*id, std::move(call_args)});
  if (!complete) return with_fresh_sizes(std::move(call), span);
  if (random) {
    // Each evaluation is another draw: keep its place among the statements.
    return from_atom(bind_atom(std::move(call), callable.name, span), span);
  }
  return call;
}

Type Elaborator::result_here(FunctionId id, const std::vector<ExprPtr>& call_args, Type result,
                             bool& complete) {
  // The function states its result's sizes over its own variables.
  std::map<VarId, std::optional<Size>> known;
  const std::vector<VarId>& params = program_[id].params;
  for (size_t i = 0; i < params.size(); ++i) {
    if (is_scalar(call_args[i]->type, Scalar::Int)) known[params[i]] = try_size(*call_args[i]);
  }
  return result_type(std::move(result), known, complete);
}

Type Elaborator::result_type(Type type, const std::map<VarId, std::optional<Size>>& known,
                             bool& complete) {
  for (Type& element : type.elements) element = result_type(element, known, complete);
  for (Size& dim : type.dims) {
    std::optional<Size> there = substitute(dim, [&](VarId v) -> std::optional<Size> {
      if (is_global(v)) return variable_size(v);
      auto at = known.find(v);
      return at == known.end() ? std::nullopt : at->second;
    });
    if (there) {
      dim = *there;
    } else {
      complete = false;
      dim = Size{{{1, {VarId::None}}}};
    }
  }
  return type;
}

ExprPtr Elaborator::with_fresh_sizes(ExprPtr call, Span span) {
  struct Fresh {
    VarId variable;
    std::vector<int32_t> path;
    int64_t dim;
  };
  std::vector<Fresh> fresh;
  std::vector<int32_t> path;
  auto walk = [&](auto& self, Type& type) -> void {
    for (size_t i = 0; i < type.elements.size(); ++i) {
      path.push_back(static_cast<int32_t>(i));
      self(self, type.elements[i]);
      path.pop_back();
    }
    if (type.kind == Type::Kind::Tuple) {
      // The dims of an array of structs are those of its elements.
      for (size_t i = 0; i < type.dims.size(); ++i) type.dims[i] = type.elements[0].dims[i];
      return;
    }
    for (size_t i = 0; i < type.dims.size(); ++i) {
      if (single_variable(type.dims[i]) != VarId::None) continue;
      VarId variable = new_variable("size", int_type(), span);
      not_negative_.insert(variable);
      type.dims[i] = variable_size(variable);
      fresh.push_back({variable, path, static_cast<int64_t>(i)});
    }
  };
  walk(walk, call->type);
  VarId result = new_variable("result", call->type, span);
  emit(span, typed::Let{result, std::move(call)});
  for (const Fresh& f : fresh) {
    ExprPtr part = reference(result, span);
    for (int32_t i : f.path) {
      Type type = part->type.elements[static_cast<size_t>(i)];
      part = make(span, std::move(type), typed::TupleGet{std::move(part), i});
    }
    ExprPtr dim = builtin(span, int_type(), Op::Dim, std::move(part), constant(span, f.dim));
    emit(span, typed::Let{f.variable, std::move(dim)});
  }
  return reference(result, span);
}

std::optional<FunctionId> Elaborator::specialised(const Callable& callable,
                                                  std::vector<Value>& args, Span span,
                                                  std::vector<ExprPtr>& call_args, Type& result) {
  const std::vector<ast::Param>& params = *callable.params;
  internal_check(params.size() == args.size(), "a call with its arguments in order");
  for (const Value& a : args) {
    if (a.poisoned()) return std::nullopt;
  }
  // Arguments against the parameters' types, whose size names the arguments bind.
  {
    Scope scope;
    for (const auto& [name, binding] : callable.captures) declare(&scope, name, binding, {});
    Scope* outer = std::exchange(cx_->scope, &scope);
    bool ok = true;
    for (size_t i = 0; i < params.size(); ++i) {
      const ast::Param& p = params[i];
      std::string what = "the argument '" + p.name.text + "' of '" + callable.name + "'";
      const std::optional<Type>& implied =
          i < callable.implied.size() ? callable.implied[i] : std::optional<Type>{};
      if (p.type || implied) {
        Span where = i < callable.arg_spans.size() ? callable.arg_spans[i]
                     : args[i].runtime()           ? args[i].expr()->span
                                                   : span;
        ExprPtr x = runtime(std::move(args[i]), where, what);
        if (x && p.type) {
          Declared type = declared_type(*p.type, &x->type, {}, bound_of(*x));
          x = type.poisoned ? nullptr : coerce(std::move(x), type.type, where, what);
        } else if (x) {
          x = coerce(std::move(x), *implied, where, what);
        }
        ok &= x != nullptr;
        args[i] = x ? Value(std::move(x)) : Value();
      }
      if (args[i].runtime() && is_scalar(args[i].expr()->type, Scalar::Int)) {
        Atom atom = bind_atom(std::move(args[i].expr()), p.name.text, span);
        args[i] = Value(from_atom(atom, span));
        declare(&scope, p.name.text, atom, {});
      } else if (const StaticPtr* value = args[i].as_static()) {
        declare(&scope, p.name.text, *value, {});
      }
    }
    cx_->scope = outer;
    if (!ok) return std::nullopt;
  }
  // A size that is more than one variable gets a variable, so that functions do not multiply. A
  // function that calls itself, perhaps with ever shorter arrays, has variables for all its sizes.
  bool recursive = std::find(active_.begin(), active_.end(), callable.identity) != active_.end();
  std::vector<std::pair<Size, VarId>> named;
  auto simple = [&](auto& self, Type& type) -> void {
    for (Type& element : type.elements) self(self, element);
    for (Size& dim : type.dims) {
      if (recursive) {
        std::optional<VarId> only = single_variable(dim);
        if (only && !is_global(*only)) continue;
      } else if (single_variable(dim) || !is_local(dim)) {
        continue;
      }
      auto at = std::find_if(named.begin(), named.end(),
                             [&](const auto& entry) { return entry.first == dim; });
      if (at == named.end()) {
        VarId variable = new_variable("size", int_type(), span);
        if (never_negative(dim)) not_negative_.insert(variable);
        emit_let(variable, size_expr(dim, span), span);
        named.emplace_back(dim, variable);
        at = named.end() - 1;
      }
      dim = variable_size(at->second);
    }
  };
  Slots slots;
  slots.key = std::to_string(reinterpret_cast<uintptr_t>(callable.identity)) + "|";
  describe(callable.captures, slots);
  std::vector<Type> types(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    slots.key += ",";
    if (args[i].runtime()) {
      types[i] = args[i].expr()->type;
      simple(simple, types[i]);
      describe(types[i], slots);
    } else {
      describe(*args[i].as_static(), slots);
    }
  }
  std::unique_ptr<Specialisation>& entry = specialisations_[slots.key];
  if (!entry) {
    if (too_deep(span)) return std::nullopt;
    entry = std::make_unique<Specialisation>();
    Specialisation& spec = *entry;
    spec.id = static_cast<FunctionId>(program_.functions.size());
    typed::Function function;
    function.name = unique_symbol(callable.name);
    function.span = callable.span;
    program_.functions.push_back(std::move(function));

    // Variables of the function are local to it wherever it is first used.
    Context cx;
    typed::Block block;
    cx.kind = Context::Kind::Function;
    cx.caller = cx_;
    cx.call = span;
    cx.name = callable.name;
    cx.block = &block;
    cx.may_draw = callable.may_draw;
    Scope root;
    cx.scope = &root;
    Context* outer = std::exchange(cx_, &cx);
    chain_.push_back(callable.name);
    active_.push_back(callable.identity);
    reached_.insert(callable.identity);
    size_t errors = diagnostics_->error_count();

    std::vector<VarId> variables = slot_variables(slots);
    std::vector<VarId> all = variables;
    Rebuild state{slots, variables, 0};
    for (const auto& [name, binding] : rebuild(callable.captures, state)) {
      declare(&root, name, binding, {});
    }
    for (size_t i = 0; i < args.size(); ++i) {
      const ast::Param& p = params[i];
      if (const StaticPtr* value = args[i].as_static()) {
        declare(&root, p.name.text, rebuild(*value, state), p.name.span);
        continue;
      }
      Type type = rebuild(types[i], state);
      if (p.type) {
        Declared declared = declared_type(*p.type, &type);
        if (!declared.poisoned && equal_but_dims(declared.type, type)) type = declared.type;
      }
      VarId variable = new_variable(p.name.text, type, p.name.span);
      all.push_back(variable);
      declare(&root, p.name.text, Atom{type, variable}, p.name.span);
    }
    program_.functions[static_cast<size_t>(spec.id)].params = all;
    bool ok = elaborate_body(callable, spec);
    typed::Function& made = program_.functions[static_cast<size_t>(spec.id)];
    made.body = std::move(block);
    made.result = spec.result;
    made.random |= cx.draws;
    chain_.pop_back();
    active_.pop_back();
    cx_ = outer;
    spec.done = spec.has_result = true;
    if (!ok || diagnostics_->error_count() != errors) {
      spec.failed = true;
      // Errors that nobody sees are to be found again.
      if (muted()) specialisations_.erase(slots.key);
      return std::nullopt;
    }
  }
  Specialisation& spec = *specialisations_[slots.key];
  if (spec.failed) return std::nullopt;
  if (!spec.done) {
    PlaceId& place = program_.functions[static_cast<size_t>(spec.id)].recursion;
    if (place == PlaceId::None) place = new_place(callable.span, callable.name);
  }
  if (!spec.done && !spec.has_result) {
    error("function.recursive", span,
          "the recursive function '" + callable.name + "' needs a declared result type")
        .with_note(callable.span, "declare it as 'def " + callable.name + "(…): T'");
    spec.failed = true;
    return std::nullopt;
  }
  call_args = slot_args(slots, span);
  for (Value& a : args) {
    if (a.runtime()) call_args.push_back(std::move(a.expr()));
  }
  result = spec.result;
  return spec.id;
}

/// `extern(…)`, which stands for what the host supplies; null where the body is another.
static const ast::CallExpr* extern_call(const ast::Expr* body) {
  const auto* call = body != nullptr ? ast::as<ast::CallExpr>(*body) : nullptr;
  const auto* name = call != nullptr ? ast::as<ast::NameRef>(*call->callee) : nullptr;
  return name != nullptr && name->name == "extern" ? call : nullptr;
}

bool Elaborator::host_function(const Callable& callable, const ast::CallExpr& body,
                               Specialisation& spec) {
  const std::string& name = callable.name;
  const auto wrong = [&](Span span, const std::string& what) -> Diagnostic& {
    return error("extern", span, what);
  };
  if (callable.decl == nullptr || callable.may_draw) {
    wrong(callable.body->span, callable.may_draw ? "a function of the host does not draw"
                                                 : "'extern' is the whole body of a 'def'");
    return false;
  }
  typed::HostFunction host;
  host.name = name;
  for (const ast::Argument& argument : body.args) {
    const auto* word = ast::as<ast::NameRef>(*argument.value);
    if (argument.name || word == nullptr || word->name != "gradient" || host.gradient) {
      wrong(argument.span, "'extern' takes nothing, or the word 'gradient'")
          .with_suggestion("extern(gradient) says that the host gives the derivative too");
      return false;
    }
    host.gradient = true;
  }
  for (const ast::Param& p : *callable.params) {
    if (p.type) continue;
    wrong(p.name.span, "a parameter of a function of the host needs a type")
        .with_suggestion(p.name.text + ": real");
    return false;
  }
  if (callable.result == nullptr) {
    wrong(callable.span, "a function of the host needs the type of its result")
        .with_suggestion("def " + name + "(…): real = extern()");
    return false;
  }
  const auto plain = [](const Type& type) {
    return type.kind == Type::Kind::Scalar || is_array(type);
  };
  typed::Function& function = program_.functions[static_cast<size_t>(spec.id)];
  host.first = function.params.size() - callable.params->size();
  for (size_t i = 0; i < callable.params->size(); ++i) {
    const Type& type = program_[function.params[host.first + i]].type;
    if (plain(type) && type.dims.size() <= 4 && !(is_array(type) && type.scalar == Scalar::Bool))
      continue;
    wrong((*callable.params)[i].name.span,
          "a function of the host takes numbers and arrays of numbers")
        .with_found(text(type));
    return false;
  }
  const Declared result = declared_type(*callable.result, nullptr);
  if (result.poisoned) return false;
  if (!plain(result.type) || result.type.scalar != Scalar::Real || result.support) {
    wrong(callable.result->span, "a function of the host gives a real or an array of reals")
        .with_found(text(result.type));
    return false;
  }
  spec.result = result.type;
  spec.has_result = true;
  function.host = std::move(host);
  function.host_place = new_place(callable.span, name);
  return true;
}

bool Elaborator::elaborate_body(const Callable& callable, Specialisation& spec) {
  if (const ast::CallExpr* body = extern_call(callable.body))
    return host_function(callable, *body, spec);
  typed::Block& block = *cx_->block;
  if (callable.result != nullptr) {
    Declared declared = declared_type(*callable.result, nullptr);
    if (declared.poisoned) return false;
    spec.result = declared.type;
    spec.has_result = true;
  }
  // Known before the body, for a function that calls itself.
  program_.functions[static_cast<size_t>(spec.id)].random = callable.may_draw && spec.has_result;
  if (callable.lets != nullptr) {
    for (const ast::LetStmt& s : *callable.lets) let(s, s.value->span);
  }
  if (callable.constrained_by != nullptr) require_parameters(*callable.constrained_by);
  if (callable.requirements != nullptr) {
    for (const ast::Requirement& r : *callable.requirements) {
      ExprPtr c = condition(*r.condition);
      const auto* known = c ? typed::as<typed::Constant>(*c) : nullptr;
      if (known != nullptr && std::get<bool>(known->value)) continue;
      if (known != nullptr) {
        std::string name = cx_->name.substr(0, cx_->name.rfind('.'));
        error("distribution.require", cx_->call, "'" + name + "' wants " + r.text)
            .with_note(r.span, "required here");
        return false;
      }
      if (c) emit(r.span, typed::Require{std::move(c), new_place(r.span, r.text)});
    }
  }
  bool returned = false;
  if (callable.body != nullptr) {
    ExprPtr value = runtime_expr(*callable.body, "the result of '" + cx_->name + "'");
    if (!value) return false;
    emit(callable.body->span, typed::Return{std::move(value)});
    returned = true;
  } else {
    cx_->value_block = callable.block;
    returned = statements(*callable.block, 0, nullptr);
  }
  std::vector<typed::Return*> returns;
  collect_returns(block, returns);
  if (returns.empty()) {
    if (callable.result != nullptr) {
      error("function.result", callable.span, "'" + cx_->name + "' gives no result")
          .with_expected(text(spec.result));
      return false;
    }
    return true;
  }
  if (!returned) {
    error("function.path", callable.span,
          "not every way through '" + cx_->name + "' returns a value");
    return false;
  }
  if (callable.result == nullptr) {
    for (typed::Return* r : returns) {
      if (!r->value) return false;
      if (!spec.has_result) {
        spec.result = r->value->type;
        spec.has_result = true;
        continue;
      }
      std::optional<Type> both = join(spec.result, r->value->type);
      if (!both) {
        error("function.results", r->value->span,
              "'" + cx_->name + "' returns values of different types")
            .with_found(text(r->value->type))
            .with_expected(text(spec.result))
            .with_note(returns[0]->value->span, "the first one");
        return false;
      }
      spec.result = *both;
    }
  }
  for (typed::Return* r : returns) {
    if (!r->value) return false;
  }
  coerce_returns(block, spec.result);
  return true;
}

}  // namespace borel::sema

// Distributions: their parameters, their methods, and arrays of independent draws.
#include <algorithm>

#include "compiler/sema/elaborator.h"
#include "compiler/sema/free_names.h"

namespace borel::sema {

Value Elaborator::make_distribution(const ast::DistributionExpr& e, Span span) {
  DistributionValue out;
  out.expr = &e;
  out.name = cx_->name;
  out.captures = capture(free_names(e), span);
  out.span = span;
  return make_static(std::move(out));
}

namespace {

size_t written_rank(const ast::TypeExpr& type) {
  const auto* named = ast::as<ast::NamedType>(type);
  if (named == nullptr) return 0;
  size_t own = named->base == ast::BaseType::Index ? 0 : named->sizes.size();
  return own + named->dims.size();
}

}  // namespace

bool Elaborator::apply_distribution_params(const ast::FunctionDecl& decl, std::vector<Value>& args,
                                           const std::vector<Span>& spans, DistributionValue& out) {
  bool ok = true;
  std::string first_batched;
  for (size_t i = 0; i < args.size(); ++i) {
    const ast::Param& p = decl.params[i];
    if (!p.type) continue;
    std::string what = "the parameter '" + p.name.text + "' of '" + decl.name.text + "'";
    ExprPtr x = runtime(std::move(args[i]), spans[i], what);
    args[i] = Value();
    if (!x) {
      ok = false;
      continue;
    }
    Span where = spans[i];
    size_t rank = written_rank(*p.type);
    if (!is_array(x->type) || x->type.dims.size() <= rank) {
      Declared type = declared_type(*p.type, &x->type);
      x = type.poisoned ? nullptr : coerce(std::move(x), type.type, where, what);
      ok &= x != nullptr;
      if (x && is_scalar(x->type, Scalar::Int)) {
        Atom atom = bind_atom(std::move(x), p.name.text, where);
        x = from_atom(atom, where);
        declare(cx_->scope, p.name.text, atom, {});
      }
      args[i] = x ? Value(std::move(x)) : Value();
      continue;
    }
    // An array where one value is declared: independent draws.
    size_t excess = x->type.dims.size() - rank;
    std::vector<Size> dims(x->type.dims.begin(),
                           x->type.dims.begin() + static_cast<std::ptrdiff_t>(excess));
    Type one =
        array_type(x->type.scalar,
                   {x->type.dims.begin() + static_cast<std::ptrdiff_t>(excess), x->type.dims.end()},
                   x->type.matrix);
    Declared type = declared_type(*p.type, &one);
    if (type.poisoned) {
      ok = false;
      continue;
    }
    if (one.scalar != type.type.scalar) {
      if (one.scalar != Scalar::Int || type.type.scalar != Scalar::Real) {
        coerce(stand_in(one, where), type.type, where, what);
        ok = false;
        continue;
      }
      x = to_real(std::move(x));
    }
    if (out.batched.empty()) {
      out.batch = dims;
      first_batched = p.name.text;
    } else {
      Type a = array_type(Scalar::Real, dims), b = array_type(Scalar::Real, out.batch);
      if (!same_dims(a, b, where,
                     "the parameters '" + p.name.text + "' and '" + first_batched + "' of '" +
                         decl.name.text + "' have different shapes")) {
        ok = false;
        continue;
      }
    }
    out.batched.push_back(p.name.text);
    out.batch_rank = static_cast<int>(out.batch.size());
    out.batch_matrix |= x->type.matrix && rank == 0;
    args[i] = Value(std::move(x));
  }
  return ok;
}

DistributionValue Elaborator::element_distribution(const DistributionValue& d,
                                                   const std::vector<VarId>& at, Span span) {
  DistributionValue out = d;
  out.batch.clear();
  out.batched.clear();
  out.batch_rank = 0;
  out.batch_matrix = false;
  std::vector<VarId> own(at.end() - d.batch_rank, at.end());
  for (auto& [name, binding] : out.captures) {
    if (std::find(d.batched.begin(), d.batched.end(), name) == d.batched.end()) continue;
    ExprPtr value = element(std::get<Atom>(binding), own, span);
    binding = bind(Value(std::move(value)), name, span);
  }
  return out;
}

DistributionValue Elaborator::any_element(const DistributionValue& d) {
  DistributionValue out = d;
  out.batch.clear();
  out.batched.clear();
  for (auto& [name, binding] : out.captures) {
    if (std::find(d.batched.begin(), d.batched.end(), name) == d.batched.end()) continue;
    const Type& array = std::get<Atom>(binding).type;
    Type one = array_type(array.scalar, {array.dims.begin() + d.batch_rank, array.dims.end()},
                          array.matrix);
    if (is_array(one)) {
      binding = Atom{one, new_variable(name, one, d.span)};
    } else if (one.scalar == Scalar::Int) {
      binding = Atom{one, int64_t{0}};
    } else {
      binding = Atom{one, 0.0};
    }
  }
  out.batch_rank = 0;
  out.batch_matrix = false;
  return out;
}

const ast::Method* Elaborator::distribution_method(const DistributionValue& d,
                                                   const std::string& name, Span span,
                                                   bool required) {
  std::vector<std::string> names{"support"};
  for (const ast::Method& m : d.expr->methods) {
    if (m.name.text == name) return &m;
    names.push_back(m.name.text);
  }
  if (required) {
    error("distribution.member", span, "the distribution '" + d.name + "' has no '" + name + "'")
        .with_suggestion(did_you_mean(name, names));
  }
  return nullptr;
}

std::optional<Callable> Elaborator::distribution_callable(const DistributionValue& d,
                                                          const std::string& name, Span span,
                                                          bool required) {
  const ast::Method* method = distribution_method(d, name, span, required);
  if (method == nullptr) return std::nullopt;
  Callable out;
  out.identity = method;
  out.name = d.name + "." + name;
  out.params = &method->params;
  out.block = &method->body;
  out.may_draw = name == "sample";
  out.captures = d.captures;
  out.lets = &d.expr->lets;
  out.span = method->name.span;
  if (name == "logp") {
    out.requirements = &d.expr->requirements;
    out.constrained_by = d.decl;
  }
  return out;
}

StaticPtr Elaborator::distribution_support(const DistributionValue& d, Span span) {
  if (!d.expr->support) {
    error("distribution.support", span, "the distribution '" + d.name + "' declares no support");
    return nullptr;
  }
  Scope scope;
  Scope* outer = std::exchange(cx_->scope, &scope);
  for (const auto& [name, binding] : d.captures) declare(&scope, name, binding, {});
  // A plain name is mostly a support or a parameter; the lets then do not matter.
  const auto* name = ast::as<ast::NameRef>(*d.expr->support);
  const bool is_let =
      name != nullptr &&
      std::any_of(d.expr->lets.begin(), d.expr->lets.end(), [&](const ast::LetStmt& s) {
        return std::any_of(s.pattern.names.begin(), s.pattern.names.end(),
                           [&](const ast::Name& n) { return n.text == name->name; });
      });
  if (name == nullptr || is_let) {
    for (const ast::LetStmt& s : d.expr->lets) let(s, s.value->span);
  }
  StaticPtr out =
      as_support(expr(*d.expr->support), d.expr->support->span, "what 'support' declares");
  cx_->scope = outer;
  return out;
}

std::optional<typed::Distribution> Elaborator::site_distribution(const DistributionValue& d,
                                                                 const Type& value, Span span) {
  typed::Distribution out;
  out.text = d.name;
  std::optional<Callable> logp = distribution_callable(d, "logp", span);
  if (!logp) return std::nullopt;
  if (logp->params->size() != 1) {
    error("distribution.logp", logp->span, "logp(x) of a distribution has one parameter");
    return std::nullopt;
  }
  Type result;
  std::vector<Value> x;
  x.emplace_back(stand_in(value, span));
  if (is_scalar(value, Scalar::Int)) {
    // Arguments that are ints are kept as atoms: give it one.
    x[0] = Value(make(span, value, typed::Constant{int64_t{0}}));
  }
  std::optional<FunctionId> id = specialised(*logp, x, span, out.args, result);
  if (!id) return std::nullopt;
  out.logp = *id;
  if (!is_scalar(result, Scalar::Real)) {
    error("distribution.logp", logp->span, "logp(x) of a distribution gives one real")
        .with_found(text(result));
    return std::nullopt;
  }
  out.args.pop_back();
  if (std::optional<Callable> sample = distribution_callable(d, "sample", span, false)) {
    std::vector<Value> none;
    std::vector<ExprPtr> other;
    out.sampler = specialised(*sample, none, span, other, result);
    if (!out.sampler) return std::nullopt;
    if (other.size() != out.args.size()) {
      error("unsupported.distribution", span,
            "an array-valued draw whose size is computed inside a model is not supported yet");
      return std::nullopt;
    }
  }
  return out;
}

template <class F>
ExprPtr Elaborator::comprehend(const std::vector<Size>& dims, Span span, F body) {
  typed::Comprehension out;
  std::vector<VarId> at;
  size_t loops = cx_->loops.size();
  std::vector<ExprPtr> uppers;
  out.body = lazily([&]() -> ExprPtr {
    for (const Size& dim : dims) {
      VarId variable = new_variable("i", int_type(), span);
      not_negative_.insert(variable);
      cx_->loops.push_back({variable, Size{}, dim, false, cx_->path.size()});
      at.push_back(variable);
    }
    return body(at);
  });
  cx_->loops.resize(loops);
  if (!out.body) return nullptr;
  std::vector<Size> all = dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    out.generators.push_back({at[i], constant(span, int64_t{0}), size_expr(dims[i], span)});
  }
  const Type& one = out.body->type;
  all.insert(all.end(), one.dims.begin(), one.dims.end());
  Type type = array_type(one.scalar, std::move(all), one.matrix);
  return make(span, std::move(type), std::move(out));
}

Value Elaborator::draw(const DistributionValue& d, Span span) {
  if (!d.batch.empty()) {
    ExprPtr values = comprehend(d.batch, span, [&](const std::vector<VarId>& at) -> ExprPtr {
      Value one = draw(element_distribution(d, at, span), span);
      return one.runtime() ? std::move(one.expr()) : nullptr;
    });
    if (!values) return {};
    values->type.matrix |= d.batch_matrix && values->type.scalar == Scalar::Real;
    return values;
  }
  std::optional<Callable> sample = distribution_callable(d, "sample", span, false);
  if (!sample) {
    error("distribution.sample", span,
          "'" + d.name + "' has no sampler, and so cannot be drawn from");
    return {};
  }
  return specialise(*sample, {}, span);
}

Value Elaborator::call_distribution(const DistributionValue& d, const std::string& name,
                                    std::vector<Value> args, Span span) {
  if (name == "sample") {
    if (!check_count(d.name + ".sample", 0, args.size(), span)) return {};
    return draw(d, span);
  }
  const ast::Method* method = distribution_method(d, name, span);
  if (method == nullptr) return {};
  if (!check_count(d.name + "." + name, method->params.size(), args.size(), span)) return {};
  // What is scored has the distribution's own type: an int is a real where it is one.
  if (name == "logp" || name == "cdf" || name == "log_cdf") {
    ExprPtr x = runtime(std::move(args[0]), span, "what is scored");
    if (!x) return {};
    typed::Block dropped;
    typed::Block* outer = std::exchange(cx_->block, &dropped);
    StaticPtr support = distribution_support(any_element(d), span);
    cx_->block = outer;
    if (!support) return {};
    const auto base = get<SupportValue>(support)->base;
    if (base != SupportValue::Base::Int && base != SupportValue::Base::Bool &&
        is_numeric(x->type)) {
      x = to_real(std::move(x));
    }
    args[0] = Value(std::move(x));
  }
  if (!d.batch.empty()) {
    if (args.size() != 1 || !args[0].runtime() || !is_array(args[0].expr()->type) ||
        args[0].expr()->type.dims.size() < d.batch.size()) {
      error("distribution.batch", span,
            "'" + d.name + "' has arrays as parameters: it scores an array");
      return {};
    }
    Type a = args[0].expr()->type;
    a.dims.resize(d.batch.size());
    if (!same_dims(a, array_type(a.scalar, d.batch), span,
                   "what is scored and the parameters of '" + d.name + "' have different shapes")) {
      return {};
    }
    Atom x = bind_atom(std::move(args[0].expr()), "x", span);
    ExprPtr values = comprehend(d.batch, span, [&](const std::vector<VarId>& at) -> ExprPtr {
      std::vector<Value> one;
      one.emplace_back(element(x, at, span));
      Value out = call_distribution(element_distribution(d, at, span), name, std::move(one), span);
      return out.runtime() ? std::move(out.expr()) : nullptr;
    });
    if (!values) return {};
    if (name != "logp") return values;
    return builtin(span, real_type(), Op::Sum, std::move(values));
  }
  return specialise(*distribution_callable(d, name, span), std::move(args), span);
}

Value Elaborator::iid(const ast::CallExpr& e, Span span) {
  bool ok = true;
  std::vector<Value> args = plain_args(e, "iid", ok);
  if (!ok) return {};
  if (args.size() < 2) {
    error("call.count", span, "'iid' is given the wrong number of arguments")
        .with_found(std::to_string(args.size()))
        .with_expected("iid(distribution, size, …)");
    return {};
  }
  const auto* d = get<DistributionValue>(args[0]);
  if (d == nullptr) {
    error("type.distribution", e.args[0].span, "iid(D, n) wants a distribution");
    return {};
  }
  DistributionValue out = *d;
  std::vector<Size> dims;
  for (size_t i = 1; i < args.size(); ++i) {
    ExprPtr n =
        coerce(runtime(std::move(args[i]), e.args[i].span), int_type(), e.args[i].span, "a size");
    if (!n) return {};
    dims.push_back(size_of(n));
  }
  out.batch.insert(out.batch.begin(), dims.begin(), dims.end());
  return make_static(std::move(out));
}

ExprPtr Elaborator::contained(const SupportValue& support, const Atom& x, Span span) {
  auto argument = [&] {
    std::vector<Value> args;
    args.emplace_back(from_atom(x, span));
    return args;
  };
  if (support.base == SupportValue::Base::Int) {
    if (support.captures.empty()) return nullptr;
    return std::move(call_base_support(support, "contains", argument(), span).expr());
  }
  const ast::Method* contains = find_method(support, "contains");
  if (contains == nullptr) return nullptr;
  std::optional<Value> holds =
      in_place(support.captures, support.expr->lets, *contains, {Binding{x}});
  if (!holds) holds = specialise(*support_method(support, "contains"), argument(), span);
  return coerce(runtime(std::move(*holds), span), bool_type(), contains->span,
                "the result of contains");
}

void Elaborator::require_parameters(const ast::FunctionDecl& decl) {
  for (const ast::Param& p : decl.params) {
    const auto* named = p.type ? ast::as<ast::NamedType>(*p.type) : nullptr;
    if (named == nullptr || named->base != ast::BaseType::Named) continue;
    const Scope::Entry* entry = cx_->scope->find(p.name.text);
    const Atom* atom = entry != nullptr ? std::get_if<Atom>(&entry->binding) : nullptr;
    if (atom == nullptr) continue;
    Declared type = declared_type(*p.type, &atom->type);
    if (type.poisoned || !type.support) continue;
    const auto& support = std::get<SupportValue>(type.support->node);
    PlaceId place =
        new_place(p.span, constraint_text(support, p.name.text, *p.type) + " in " + decl.name.text);
    auto require = [&](const Atom& x) {
      if (ExprPtr inside = contained(support, x, p.span)) {
        emit(p.span, typed::Require{std::move(inside), place});
      }
    };
    std::optional<Type> one = element_type(type.support, p.span);
    if (!one) continue;
    if (one->dims.size() == atom->type.dims.size()) {
      require(*atom);
      continue;
    }
    if (atom->type.dims.size() - one->dims.size() != 1) continue;
    typed::For loop;
    VarId at = new_variable("i", int_type(), p.span);
    not_negative_.insert(at);
    loop.variable = at;
    loop.lower = constant(p.span, int64_t{0});
    loop.upper = size_expr(atom->type.dims[0], p.span);
    cx_->loops.push_back({at, Size{}, atom->type.dims[0], false, cx_->path.size()});
    nested_block(loop.body,
                 [&] { require(bind_atom(element(*atom, {at}, p.span), p.name.text, p.span)); });
    cx_->loops.pop_back();
    emit(p.span, std::move(loop));
  }
}

}  // namespace borel::sema

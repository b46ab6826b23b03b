// Entry points: which infer, what data it wants, and what it evaluates to.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/sema/elaborator.h"
#include "compiler/sema/large_stack.h"

namespace borel::sema {

std::optional<typed::Program> analyse(const ast::File& main, Library& library,
                                      const AnalyseOptions& options, Diagnostics& diagnostics) {
  std::optional<typed::Program> program;
  on_large_stack([&] {
    Elaborator elaborator(main, library, options, diagnostics);
    program = elaborator.run();
    if (!program || !options.everything) return;
    Elaborator rest(main, library, options, diagnostics);
    rest.check_unreached(elaborator.reached());
    if (diagnostics.has_errors()) program.reset();
  });
  return program;
}

Elaborator::Elaborator(const ast::File& main, Library& library, const AnalyseOptions& options,
                       Diagnostics& diagnostics)
    : main_(main),
      library_(library),
      options_(options),
      diagnostics_(&diagnostics),
      real_diagnostics_(&diagnostics) {}

void Elaborator::declare_all(bool report) {
  for (const ast::Decl& decl : main_.decls) {
    auto [at, added] = main_decls_.emplace(decl.name().text, &decl);
    if (!added && report) {
      diagnostics_
          ->error("name.twice", decl.name().span, "'" + decl.name().text + "' is declared twice")
          .with_note(at->second->name().span, "first declared here");
    }
  }
  for (const ast::Name& name : main_.broken) main_decls_.emplace(name.text, nullptr);
}

bool Elaborator::has_infer() const {
  return std::any_of(main_.decls.begin(), main_.decls.end(), [](const ast::Decl& d) {
    const auto* f = std::get_if<ast::FunctionDecl>(&d.node);
    return f != nullptr && f->kind == ast::FunctionKind::Infer;
  });
}

std::optional<typed::Program> Elaborator::run() {
  size_t errors = diagnostics_->error_count();
  declare_all(true);
  bool ok = true;
  // A file of models and functions alone is nothing to compile, but may be looked through.
  bool empty =
      options_.everything && options_.infer.empty() && options_.model.empty() && !has_infer();
  if (!empty) {
    const ast::FunctionDecl* decl = choose_infer();
    if (decl == nullptr) return std::nullopt;
    ok = infer(*decl);
    if (!ok) check_the_rest();
  }
  if (!ok || diagnostics_->error_count() != errors) return std::nullopt;
  for (VarId v : not_negative_) program_.variables[static_cast<size_t>(v)].not_negative = true;
  return std::move(program_);
}

void Elaborator::check_unreached(std::set<const void*> reached) {
  declare_all(false);
  reached_ = std::move(reached);
  check_the_rest();
}

const ast::FunctionDecl* Elaborator::choose_infer() {
  const bool by_model = !options_.model.empty();
  const ast::FunctionKind kind = by_model ? ast::FunctionKind::Model : ast::FunctionKind::Infer;
  const char* what = by_model ? "model" : "infer";
  const std::string wanted = by_model ? options_.model : options_.infer;
  std::vector<const ast::FunctionDecl*> all;
  std::vector<std::string> names;
  for (const ast::Decl& d : main_.decls) {
    const auto* f = std::get_if<ast::FunctionDecl>(&d.node);
    if (f == nullptr || f->kind != kind) continue;
    all.push_back(f);
    names.push_back(f->name.text);
  }
  Span start{main_.id, 0, 0};
  if (!wanted.empty()) {
    for (const ast::FunctionDecl* f : all) {
      if (f->name.text == wanted) return f;
    }
    for (const ast::Name& name : main_.broken) {
      if (name.text == wanted) return nullptr;
    }
    diagnostics_
        ->error("infer.unknown", start, std::string("there is no ") + what + " '" + wanted + "'")
        .with_suggestion(did_you_mean(wanted, names));
    return nullptr;
  }
  if (all.size() == 1) return all[0];
  for (const ast::FunctionDecl* f : all) {
    if (f->name.text == "main") return f;
  }
  if (all.empty() && !main_.broken.empty()) return nullptr;  // it may be what is broken
  Diagnostic& d = diagnostics_->error(
      "infer.which", start,
      all.empty() ? "there is no infer to compile" : "there are several infers and none is 'main'");
  for (const ast::FunctionDecl* f : all) d.with_note(f->name.span, "one");
  return nullptr;
}

namespace {

void names_in(const ast::Expr& e, std::set<std::string>& out) {
  if (const auto* n = ast::as<ast::NameRef>(e)) out.insert(n->name);
  if (const auto* b = ast::as<ast::BinaryExpr>(e)) {
    names_in(*b->lhs, out);
    names_in(*b->rhs, out);
  }
}

}  // namespace

bool Elaborator::is_bound_by_data(const Size& size) const {
  int variables = 0;
  for (const Size::Term& term : size.terms) {
    if (term.factors.empty()) continue;
    if (term.factors.size() > 1 || term.coefficient != 1) return false;
    const std::vector<VarId>& sizes = program_.sizes;
    if (std::find(sizes.begin(), sizes.end(), term.factors[0]) == sizes.end()) return false;
    ++variables;
  }
  return variables <= 1;
}

std::vector<Size> Elaborator::bound_dims(const Type& type, const std::string& name, Span span) {
  std::vector<Size> out = type.dims;
  for (size_t i = 0; i < out.size(); ++i) {
    if (is_bound_by_data(out[i])) continue;
    // A symbol of its own takes what the data have, which must be what the type says.
    const VarId own =
        new_variable("size " + std::to_string(i + 1) + " of " + name, int_type(), span);
    not_negative_.insert(own);
    program_.sizes.push_back(own);
    ExprPtr equal =
        builtin(span, bool_type(), Op::Eq, reference(own, span), size_expr(out[i], span));
    emit(span, typed::Check{std::move(equal),
                            new_place(span, "size of '" + name + "' is " + text(out[i]))});
    out[i] = variable_size(own);
  }
  return out;
}

void Elaborator::inputs(const ast::FunctionDecl& decl) {
  std::set<std::string> in_shapes;
  for (const ast::Param& p : decl.params) {
    const auto* named = p.type ? ast::as<ast::NamedType>(*p.type) : nullptr;
    if (named == nullptr) continue;
    for (const ast::ExprPtr& e : named->sizes) names_in(*e, in_shapes);
    for (const ast::ExprPtr& e : named->dims) names_in(*e, in_shapes);
  }
  // `J: int` beside `y: real[J]` is the size itself.
  std::set<std::string> size_params;
  for (const ast::Param& p : decl.params) {
    const auto* named = p.type ? ast::as<ast::NamedType>(*p.type) : nullptr;
    if (named == nullptr || named->base != ast::BaseType::Int || !named->dims.empty() ||
        !in_shapes.contains(p.name.text)) {
      continue;
    }
    VarId size = new_variable(p.name.text, int_type(), p.name.span);
    not_negative_.insert(size);
    program_.sizes.push_back(size);
    declare(p.name, Atom{int_type(), size});
    size_params.insert(p.name.text);
    if (decl.kind == ast::FunctionKind::Infer && p.default_value) {
      error("infer.default", p.default_value->span,
            "'" + p.name.text + "' is a size of data, which has no default");
    }
  }
  for (const ast::Param& p : decl.params) input(p, size_params);
}

bool Elaborator::input_default(const ast::Param& p, const Declared& type, typed::Input& out) {
  const Span span = p.default_value->span;
  if (type.type.kind != Type::Kind::Scalar || type.type.scalar == Scalar::Bool ||
      type.index_bound) {
    error("infer.default", span, "of data only an int or a real has a default")
        .with_found(type.index_bound ? "an index" : text(type.type));
    return false;
  }
  ExprPtr value =
      constant_expr(*p.default_value, type.type, "the default of '" + p.name.text + "'");
  if (!value) return false;
  const auto& number = std::get<typed::Constant>(value->node).value;
  double x = 0;
  if (const auto* whole = std::get_if<int64_t>(&number)) {
    out.fallback = *whole;
    x = static_cast<double>(*whole);
  } else {
    x = std::get<double>(number);
    out.fallback = x;
  }
  const bool inside = (out.lower_open ? x > out.lower : x >= out.lower) &&
                      (out.upper_open ? x < out.upper : x <= out.upper);
  if (!inside) {
    error("infer.default", span, "the default of '" + p.name.text + "' is outside its type")
        .with_note(p.type->span, "the type");
  }
  return inside;
}

void Elaborator::input(const ast::Param& p, const std::set<std::string>& size_params) {
  if (size_params.contains(p.name.text)) return;
  if (!p.type) {
    error("infer.parameter", p.name.span, "the data '" + p.name.text + "' needs a type")
        .with_suggestion("for example: " + p.name.text + ": real[N]");
    declare(p.name, Poison{});
    return;
  }
  Declared type = declared_type(*p.type, nullptr, [this](const ast::Name& name) {
    VarId size = new_variable(name.text, int_type(), name.span);
    not_negative_.insert(size);
    program_.sizes.push_back(size);
    declare(cx_->scope, name.text, Atom{int_type(), size}, name.span);
    return variable_size(size);
  });
  if (type.poisoned) {
    declare(p.name, Poison{});
    return;
  }
  if (type.type.kind == Type::Kind::Tuple) {
    error("infer.parameter", p.type->span, "data are numbers and arrays of them")
        .with_found(text(type.type));
    declare(p.name, Poison{});
    return;
  }
  if (type.index_bound && !is_bound_by_data(*type.index_bound)) {
    error("infer.shape", p.type->span,
          "what data index into has a size that is a number, a name, or a name and a number")
        .with_found(text(*type.index_bound))
        .with_expected("N, 8 or N + 1");
    declare(p.name, Poison{});
    return;
  }
  typed::Input out;
  out.variable = new_variable(p.name.text, type.type, p.name.span);
  out.dims = bound_dims(type.type, p.name.text, p.type->span);
  out.span = p.name.span;
  if (type.index_bound) {
    out.is_index = true;
    out.index_base = type.index_base;
    out.index_bound = *type.index_bound;
    index_bounds_[out.variable] = *type.index_bound;
  }
  if (type.support) {
    const auto& s = std::get<SupportValue>(type.support->node);
    if (std::optional<double> lower = support_constant(s, "lower")) {
      out.lower = *lower;
      bool whole = s.base == SupportValue::Base::Int;
      out.lower_open = !surely_contains(s, *lower, p.span).value_or(whole);
    }
    if (std::optional<double> upper = support_constant(s, "upper")) {
      out.upper = *upper;
      bool whole = s.base == SupportValue::Base::Int;
      out.upper_open = !surely_contains(s, *upper, p.span).value_or(whole);
    }
  }
  if (p.default_value && defaults_ && !input_default(p, type, out)) {
    declare(p.name, Poison{});
    return;
  }
  declare(p.name, Atom{type.type, out.variable});
  program_.inputs.push_back(std::move(out));
}

bool Elaborator::infer(const ast::FunctionDecl& decl) {
  Context cx;
  Scope data, body;
  body.parent = &data;
  cx.kind = Context::Kind::Infer;
  cx.name = decl.name.text;
  cx.scope = &data;
  std::optional<Value> returned;
  cx.returned = &returned;
  cx_ = &cx;
  program_.name = decl.name.text;
  defaults_ = decl.kind == ast::FunctionKind::Infer;
  inputs(decl);
  defaults_ = false;
  cx.scope = &body;
  Value result;
  if (decl.kind == ast::FunctionKind::Model) {
    std::optional<Value> made = model_infer(decl);
    if (!made) {
      cx_ = nullptr;
      return false;
    }
    result = std::move(*made);
  } else {
    const auto& block = std::get<ast::Block>(decl.body);
    cx.value_block = &block;
    statements(block, 0, nullptr);
    if (!returned) {
      error("infer.result", decl.name.span, "an infer ends in its machine")
          .with_suggestion("for example: nuts(model(…) | {y})");
      cx_ = nullptr;
      return false;
    }
    result = std::move(*returned);
  }
  bool ok = !result.poisoned() && finish_infer(result, decl.name.span);
  cx_ = nullptr;
  return ok;
}

void Elaborator::check_the_rest() {
  for (const ast::Decl& d : main_.decls) {
    const auto* f = std::get_if<ast::FunctionDecl>(&d.node);
    if (f == nullptr || f->kind == ast::FunctionKind::Infer || limit_reported_) continue;
    bool typed = std::all_of(f->params.begin(), f->params.end(),
                             [](const ast::Param& p) { return p.type != nullptr; });
    if (!typed || reached_.contains(f) || main_decls_[f->name.text] != &d) continue;
    // As if each parameter were data; what this makes is thrown away with the rest.
    Context cx;
    Scope scope, body;
    body.parent = &scope;
    cx.kind = Context::Kind::Infer;
    cx.name = f->name.text;
    cx.scope = &scope;
    cx_ = &cx;
    inputs(*f);
    cx.scope = &body;
    Captures args;
    bool ok = true;
    for (const auto& [name, entry] : scope.names) {
      ok &= !std::holds_alternative<Poison>(entry.binding);
      args.emplace_back(name, entry.binding);
    }
    if (ok && f->kind == ast::FunctionKind::Model) {
      ModelValue model;
      model.decl = f;
      model.args = std::move(args);
      model.span = f->name.span;
      std::vector<ExprPtr> captured;
      model_entry(make_static(std::move(model)), f->name.span, captured);
    } else if (ok) {
      cx.may_draw = true;
      std::vector<Value> values;
      for (const ast::Param& p : f->params) values.push_back(name_value(p.name.text, p.name.span));
      call_decl(*f, std::move(values), f->name.span);
    }
    cx_ = nullptr;
  }
}

bool Elaborator::finish_infer(const Value& result, Span span) {
  if (const auto* m = get<MachineValue>(result)) {
    chain_.push_back(m->name);
    bool ok = machine(*m, span);
    chain_.pop_back();
    check_site_sizes();
    return ok;
  }
  if (get<ModelValue>(result) != nullptr) {
    // A conditioned model by itself: its density and gradient, without a machine.
    std::vector<ExprPtr> captured;
    const bool ok = model_entry(*result.as_static(), span, captured) != nullptr;
    check_site_sizes();
    return ok;
  }
  error("infer.result", span, "an infer ends in its machine")
      .with_found(result.runtime() ? text(std::get<ExprPtr>(result.node)->type)
                                   : kind_of(**result.as_static()))
      .with_suggestion("for example: nuts(model(…) | {y})");
  return false;
}

void Elaborator::check_site_sizes() {
  for (size_t m = 0; m < program_.models.size(); ++m) {
    if (!program_.models[m].params.empty()) continue;  // its sizes are not of data alone
    for (size_t i = 0; i < program_.models[m].sites.size(); ++i) {
      const typed::Site& site = program_.models[m].sites[i];
      if (site.kind == typed::Site::Kind::Observed) continue;
      check_bytes(site.type.dims, site.span, text(site.type), site.name);
    }
  }
}

std::optional<Value> Elaborator::model_infer(const ast::FunctionDecl& decl) {
  ModelValue model;
  model.decl = &decl;
  model.span = decl.name.span;
  for (const auto& [name, entry] : cx_->scope->parent->names) {
    model.args.emplace_back(name, entry.binding);
    if (std::holds_alternative<Poison>(entry.binding)) return std::nullopt;
  }
  // Which of its sites the data has, and of what types they are.
  ModelState prior;
  prior.name = decl.name.text;
  {
    Muted quiet(*this);
    typed::Block scratch;
    model_pass(model, prior, scratch, {});
  }
  for (const SiteState& site : prior.sites) {
    if (site.kind == typed::Site::Kind::Derived || !site.has_type ||
        !options_.data_names.contains(site.name)) {
      continue;
    }
    typed::Input input;
    input.variable = new_variable(site.name, site.type, site.span);
    input.span = site.span;
    input.dims = bound_dims(site.type, site.name, site.span);
    model.observed.push_back({site.name, Atom{site.type, input.variable}, site.span});
    program_.inputs.push_back(std::move(input));
  }
  StaticPtr value = make_static(std::move(model));
  if (options_.machine.empty()) return Value(value);
  const ast::Decl* machine = find_decl(options_.machine, decl.name.span);
  const auto* f = machine != nullptr ? std::get_if<ast::FunctionDecl>(&machine->node) : nullptr;
  if (f == nullptr) {
    error("infer.machine", decl.name.span, "there is no machine '" + options_.machine + "'");
    return std::nullopt;
  }
  std::vector<Value> args;
  std::vector<Span> spans;
  std::vector<ast::Argument> none;
  args.resize(f->params.size());
  args[0] = Value(value);
  for (size_t i = 1; i < f->params.size(); ++i) {
    if (!f->params[i].default_value) {
      error("infer.machine", decl.name.span,
            "the machine '" + options_.machine + "' wants more than a model");
      return std::nullopt;
    }
    Scope scope;
    Scope* outer = std::exchange(cx_->scope, &scope);
    args[i] = expr(*f->params[i].default_value);
    cx_->scope = outer;
  }
  return call_decl(*f, std::move(args), decl.name.span);
}

}  // namespace borel::sema

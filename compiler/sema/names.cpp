// Names: what they stand for, how they are declared, what closures keep of them.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

std::string kind_of(const Static& value) {
  struct Visitor {
    std::string operator()(const DeclValue& v) const {
      if (std::holds_alternative<ast::StructDecl>(v.decl->node)) return "a struct";
      const auto& f = std::get<ast::FunctionDecl>(v.decl->node);
      return f.kind == ast::FunctionKind::Def     ? "a function"
             : f.kind == ast::FunctionKind::Model ? "a model without its arguments"
                                                  : "an infer";
    }
    std::string operator()(const LambdaValue&) const { return "a function"; }
    std::string operator()(const ModelValue&) const { return "a model"; }
    std::string operator()(const RealsValue&) const { return "the value of reals(…)"; }
    std::string operator()(const StagesValue&) const { return "the value of stages(…)"; }
    std::string operator()(const MachineValue&) const { return "a machine"; }
    std::string operator()(const DistributionValue&) const { return "a distribution"; }
    std::string operator()(const SupportValue&) const { return "a support"; }
    std::string operator()(const TupleValue&) const { return "a tuple of compile-time values"; }
    std::string operator()(const StringValue&) const { return "a text"; }
    std::string operator()(const SelectionValue&) const { return "a selection of sites"; }
    std::string operator()(const MemberValue&) const { return "a function"; }
    std::string operator()(const GradientValue&) const { return "a function"; }
    std::string operator()(const BuiltinValue& v) const {
      return v.name == "real" || v.name == "int" || v.name == "bool" ? "a type" : "a function";
    }
  };
  return std::visit(Visitor{}, value.node);
}

Span Elaborator::user_place(Span span) const {
  if (!library_.owns(span.file)) return span;
  for (const Context* cx = cx_; cx != nullptr; cx = cx->caller) {
    if (cx->call.valid() && !library_.owns(cx->call.file)) return cx->call;
  }
  return span;
}

Diagnostic& Elaborator::error(std::string code, Span span, std::string message) {
  // The program's author did not write the library: point at what of theirs led there.
  Span place = user_place(span);
  Diagnostic& d = diagnostics_->error(std::move(code), place, std::move(message));
  if (place != span) d.with_note(span, "in the library");
  return d;
}

const ast::Decl* Elaborator::find_decl(const std::string& name, Span from) {
  if (!library_.owns(from.file)) {
    auto at = main_decls_.find(name);
    if (at != main_decls_.end()) return at->second;
  }
  return library_.find(name);
}

std::vector<std::string> Elaborator::visible_names() {
  std::vector<std::string> out;
  for (const Scope* scope = cx_->scope; scope != nullptr; scope = scope->parent) {
    for (const auto& [name, entry] : scope->names) out.push_back(name);
  }
  for (const auto& [name, decl] : main_decls_) out.push_back(name);
  for (const std::string& name : builtin_names()) out.push_back(name);
  out.insert(out.end(), library_.names().begin(), library_.names().end());
  return out;
}

Value Elaborator::binding_value(const Binding& binding, Span span) {
  if (const Atom* atom = std::get_if<Atom>(&binding)) return from_atom(*atom, span);
  if (const StaticPtr* value = std::get_if<StaticPtr>(&binding)) return *value;
  if (const SizeName* size = std::get_if<SizeName>(&binding)) return size_expr(size->size, span);
  if (const SiteName* site = std::get_if<SiteName>(&binding)) return site_element(*site, span);
  return {};
}

Value Elaborator::name_value(const std::string& name, Span span) {
  if (const Scope::Entry* entry = cx_->scope->find(name))
    return binding_value(entry->binding, span);
  if (!library_.owns(span.file)) {
    auto at = main_decls_.find(name);
    if (at != main_decls_.end()) {
      if (at->second == nullptr) return {};  // its declaration has a syntax error
      const auto* f = std::get_if<ast::FunctionDecl>(&at->second->node);
      if (f != nullptr && f->constant) return call_decl(*f, {}, span);
      return make_static(DeclValue{at->second});
    }
  }
  if (name == "inf") return constant(span, std::numeric_limits<double>::infinity());
  if (name == "nan") return constant(span, std::numeric_limits<double>::quiet_NaN());
  if (name == "pi") return constant(span, 3.14159265358979323846);
  if (is_builtin(name)) return make_static(BuiltinValue{name});
  if (const ast::Decl* decl = library_.find(name)) {
    const auto* f = std::get_if<ast::FunctionDecl>(&decl->node);
    if (f != nullptr && f->constant) return call_decl(*f, {}, span);
    return make_static(DeclValue{decl});
  }
  if (library_.lists(name)) return {};  // its declaration has a syntax error
  for (const char* later : {"seq", "cycle", "mix", "on", "repeat", "adapt", "chains", "update",
                            "regenerate", "advance", "resample", "move", "jvp", "hvp", "markov",
                            "affine", "enumerate", "marginal", "normalize"}) {
    if (name != later) continue;
    error("unsupported.operator", span, "'" + name + "' is not supported yet");
    return {};
  }
  error("name.unknown", span, "unknown name '" + name + "'")
      .with_suggestion(did_you_mean(name, visible_names()));
  return {};
}

void Elaborator::declare(Scope* scope, const std::string& name, Binding binding, Span span) {
  scope->names.insert_or_assign(name, Scope::Entry{std::move(binding), span});
}

void Elaborator::declare(const ast::Name& name, Binding binding) {
  auto at = cx_->scope->names.find(name.text);
  if (at != cx_->scope->names.end() && at->second.span.valid()) {
    error("name.twice", name.span, "'" + name.text + "' is declared twice")
        .with_note(at->second.span, "first declared here");
  }
  declare(cx_->scope, name.text, std::move(binding), name.span);
}

Captures Elaborator::capture(const std::set<std::string>& names, Span span) {
  Captures out;
  for (const std::string& name : names) {
    const Scope::Entry* entry = cx_->scope->find(name);
    if (entry == nullptr) continue;
    // A variable that is assigned later, or an element of a site, is captured as it is now.
    if (const Atom* atom = std::get_if<Atom>(&entry->binding)) {
      const VarId* variable = std::get_if<VarId>(&atom->value);
      if (variable != nullptr && program_[*variable].is_mutable) {
        out.emplace_back(name, bind(from_atom(*atom, span), name, span));
        continue;
      }
    } else if (const SiteName* site = std::get_if<SiteName>(&entry->binding)) {
      out.emplace_back(name, bind(Value(site_element(*site, span)), name, span));
      continue;
    }
    out.emplace_back(name, entry->binding);
  }
  return out;
}

}  // namespace borel::sema

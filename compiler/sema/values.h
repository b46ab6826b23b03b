/// What names stand for while sema elaborates a program, and what expressions give: run-time
/// values, as typed expressions, and compile-time ones (models, functions, machines, …).
///
/// Compile-time values are immutable and shared. The run-time values that they hold are atoms
/// (a variable that is never assigned, or a constant), so that using one twice computes nothing
/// twice and a value can be carried into another function by renaming its variables.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/sema/typed.h"
#include "compiler/syntax/ast.h"

namespace borel::sema {

struct Static;
using StaticPtr = std::shared_ptr<const Static>;

/// What follows an error: an expression or name of which no more is said.
struct Poison {};

struct Atom {
  typed::Type type;
  std::variant<typed::VarId, bool, int64_t, double> value;
};

/// A name that stands for an extent, such as J in `sigma: real[J]`.
struct SizeName {
  typed::Size size;
};

/// A site of the model that is being elaborated; the indices of the enclosing nested draws come
/// before those that the program writes.
struct SiteName {
  int site = 0;
  std::vector<Atom> prefix;
};

using Binding = std::variant<Poison, Atom, StaticPtr, SizeName, SiteName>;
using Captures = std::vector<std::pair<std::string, Binding>>;

/// What an expression gives.
struct Value {
  std::variant<Poison, typed::ExprPtr, StaticPtr> node;

  Value() = default;
  Value(typed::ExprPtr expr) : node(std::move(expr)) {}
  Value(StaticPtr value) : node(std::move(value)) {}

  bool poisoned() const { return std::holds_alternative<Poison>(node); }
  bool runtime() const { return std::holds_alternative<typed::ExprPtr>(node); }
  typed::ExprPtr& expr() { return std::get<typed::ExprPtr>(node); }
  const StaticPtr* as_static() const { return std::get_if<StaticPtr>(&node); }
};

// ---- compile-time values -----------------------------------------------------------------------

/// A declared def, model or struct, not applied.
struct DeclValue {
  const ast::Decl* decl = nullptr;
};
struct LambdaValue {
  const ast::LambdaExpr* lambda = nullptr;
  Span span;
  Captures captures;
};
/// A model applied to its arguments, some of its sites observed.
struct ModelValue {
  struct Observation {
    std::string site;
    Binding value;
    Span span;
  };
  const ast::FunctionDecl* decl = nullptr;
  Captures args;
  std::vector<Observation> observed;
  Span span;
};
/// `model` as a density on R^n. With `whole`, only some sites of that model are free: `model` is it
/// given the others' values in the trace `held`.
struct RealsValue {
  StaticPtr model;
  Span span;
  StaticPtr whole = {};
  Binding held = {};
};
/// `model` run in stages, as a population. The sizes are atoms: what a particle keeps, how many
/// stages.
struct StagesValue {
  StaticPtr model;
  Binding reals, ints, count;
  Span span;
};
struct MachineValue {
  const ast::MachineExpr* machine = nullptr;
  std::string name;
  Captures captures;
  Span span;
};
/// `batch` is the shape of an array of independent draws. Parameters in `batched` have been given
/// arrays, whose leading `batch_rank` dims are the last ones of `batch`; these are a matrix's where
/// such a parameter is a matrix.
struct DistributionValue {
  const ast::DistributionExpr* expr = nullptr;
  const ast::FunctionDecl* decl = nullptr;  // null: written in place
  std::string name;
  Captures captures;
  std::vector<typed::Size> batch;
  std::vector<std::string> batched;
  int batch_rank = 0;
  bool batch_matrix = false;
  Span span;
};
struct SupportValue {
  enum class Base { Real, Int, Bool, Defined };
  Base base = Base::Real;
  const ast::SupportExpr* expr = nullptr;
  const ast::FunctionDecl* decl = nullptr;
  std::string name;
  std::string text;  // in words: "interval(0, 1 - alpha1)"
  Captures captures;
  Span span;
};
struct TupleValue {
  std::vector<Binding> elements;
  std::vector<std::string> fields;  // of a record, else empty
};
struct StringValue {
  std::string text;
};
struct SelectionValue {
  std::vector<ast::Name> sites;
};
/// `r.logp`, `d.sample`: a member that is to be called.
struct MemberValue {
  StaticPtr owner;
  std::string name;
};
/// value_and_grad(f), grad(f)
struct GradientValue {
  StaticPtr function;
  bool with_value = true;
};
/// A name that the compiler knows: sqrt, real, reals, …
struct BuiltinValue {
  std::string name;
};

struct Static {
  std::variant<DeclValue, LambdaValue, ModelValue, RealsValue, StagesValue, MachineValue,
               DistributionValue, SupportValue, TupleValue, StringValue, SelectionValue,
               MemberValue, GradientValue, BuiltinValue>
      node;
};

template <class T>
StaticPtr make_static(T value) {
  return std::make_shared<const Static>(Static{std::move(value)});
}
template <class T>
const T* get(const StaticPtr& value) {
  return value ? std::get_if<T>(&value->node) : nullptr;
}
template <class T>
const T* get(const Value& value) {
  const StaticPtr* p = value.as_static();
  return p != nullptr ? get<T>(*p) : nullptr;
}

/// "a model", "a distribution": for messages.
std::string kind_of(const Static& value);

// ---- scopes ------------------------------------------------------------------------------------

struct Scope {
  struct Entry {
    Binding binding;
    Span span;  // where it was declared; may be invalid
  };
  Scope* parent = nullptr;
  std::map<std::string, Entry, std::less<>> names;

  const Entry* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent) {
      auto at = scope->names.find(name);
      if (at != scope->names.end()) return &at->second;
    }
    return nullptr;
  }
};

}  // namespace borel::sema

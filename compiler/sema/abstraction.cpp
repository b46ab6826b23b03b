// How a compile-time value is carried into another function: the caller's variables and finite real
// constants in it become slots, which are parameters there; the rest of it is the key under which
// the specialised function is kept. (An infinite bound is no bound: code may be another for it.)
#include <cmath>
#include <cstring>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

std::string address(const void* p) { return std::to_string(reinterpret_cast<uintptr_t>(p)); }

}  // namespace

int Elaborator::slot(VarId variable, Slots& slots) {
  auto [at, added] = slots.index.try_emplace(variable, static_cast<int>(slots.atoms.size()));
  if (added) {
    slots.atoms.push_back({program_[variable].type, variable});
    slots.names.push_back(program_[variable].name);
    // Its type may mention further variables.
    slots.key += "<";
    describe(program_[variable].type, slots);
    slots.key += ">";
  }
  return at->second;
}

void Elaborator::describe(const Size& size, Slots& slots) {
  for (const Size::Term& term : size.terms) {
    slots.key += "+" + std::to_string(term.coefficient);
    for (VarId factor : term.factors) {
      if (is_global(factor)) {
        slots.key += "*g" + std::to_string(static_cast<int>(factor));
      } else {
        int number = slot(factor, slots);
        slots.key += "*#" + std::to_string(number);
      }
    }
  }
}

void Elaborator::describe(const Type& type, Slots& slots) {
  if (type.kind == Type::Kind::Tuple) {
    slots.key += "(";
    for (size_t i = 0; i < type.elements.size(); ++i) {
      if (!type.fields.empty()) slots.key += type.fields[i] + ":";
      describe(type.elements[i], slots);
      slots.key += ",";
    }
    slots.key += ")";
    for (const Size& dim : type.dims) {
      slots.key += "[";
      describe(dim, slots);
      slots.key += "]";
    }
    return;
  }
  slots.key += type.kind == Type::Kind::Unit ? "u"
               : type.scalar == Scalar::Bool ? "b"
               : type.scalar == Scalar::Int  ? "i"
                                             : "r";
  if (type.matrix) slots.key += "m";
  for (const Size& dim : type.dims) {
    slots.key += "[";
    describe(dim, slots);
    slots.key += "]";
  }
}

void Elaborator::describe(const Binding& binding, Slots& slots) {
  if (std::holds_alternative<Poison>(binding)) {
    slots.key += "poison";
  } else if (const Atom* atom = std::get_if<Atom>(&binding)) {
    if (const VarId* variable = std::get_if<VarId>(&atom->value)) {
      if (is_global(*variable)) {
        slots.key += "g" + std::to_string(static_cast<int>(*variable));
      } else {
        int number = slot(*variable, slots);
        slots.key += "#" + std::to_string(number);
      }
    } else if (const double* d = std::get_if<double>(&atom->value)) {
      if (slots.literal > 0 || !std::isfinite(*d)) {
        uint64_t bits = 0;
        std::memcpy(&bits, d, sizeof bits);
        slots.key += "r" + std::to_string(bits);
      } else {
        // The key of a variable met for the first time: both are a parameter.
        slots.key += "<r>#" + std::to_string(slots.atoms.size());
        slots.atoms.push_back(*atom);
        slots.names.push_back(slots.capture);
      }
    } else if (const int64_t* i = std::get_if<int64_t>(&atom->value)) {
      slots.key += std::to_string(*i);
    } else {
      slots.key += std::get<bool>(atom->value) ? "true" : "false";
    }
  } else if (const StaticPtr* value = std::get_if<StaticPtr>(&binding)) {
    describe(*value, slots);
  } else if (const SizeName* size = std::get_if<SizeName>(&binding)) {
    slots.key += "size";
    describe(size->size, slots);
  } else {
    throw InternalError("a site's name in a compile-time value");
  }
}

void Elaborator::describe(const Captures& captures, Slots& slots) {
  slots.key += "{";
  for (const auto& [name, binding] : captures) {
    slots.key += name + "=";
    slots.capture = name;
    describe(binding, slots);
    slots.key += ";";
  }
  slots.key += "}";
}

void Elaborator::describe(const StaticPtr& value, Slots& slots) {
  struct Visitor {
    Elaborator& e;
    Slots& slots;
    void operator()(const DeclValue& v) const { slots.key += "decl" + address(v.decl); }
    void operator()(const LambdaValue& v) const {
      slots.key += "fn" + address(v.lambda);
      e.describe(v.captures, slots);
    }
    void operator()(const ModelValue& v) const {
      slots.key += "model" + address(v.decl);
      ++slots.literal;
      e.describe(v.args, slots);
      slots.key += "|{";
      for (const ModelValue::Observation& o : v.observed) {
        slots.key += o.site + "=";
        e.describe(o.value, slots);
        slots.key += ";";
      }
      --slots.literal;
      slots.key += "}";
    }
    void operator()(const RealsValue& v) const {
      slots.key += "reals:";
      e.describe(v.model, slots);
      if (v.whole == nullptr) return;
      slots.key += "of:";
      e.describe(v.whole, slots);
      e.describe(v.held, slots);
    }
    void operator()(const StagesValue& v) const {
      slots.key += "stages:";
      e.describe(v.model, slots);
      for (const Binding& size : {v.reals, v.ints, v.count}) e.describe(size, slots);
    }
    void operator()(const MachineValue& v) const {
      slots.key += "machine" + address(v.machine);
      ++slots.literal;
      e.describe(v.captures, slots);
      --slots.literal;
    }
    void operator()(const DistributionValue& v) const {
      slots.key += "dist" + address(v.expr);
      e.describe(v.captures, slots);
      for (const Size& dim : v.batch) {
        slots.key += "[";
        e.describe(dim, slots);
        slots.key += "]";
      }
      for (const std::string& name : v.batched) slots.key += name + ";";
      if (v.batch_matrix) slots.key += "m";
    }
    void operator()(const SupportValue& v) const {
      slots.key += "support" + std::to_string(static_cast<int>(v.base)) + address(v.expr);
      e.describe(v.captures, slots);
    }
    void operator()(const TupleValue& v) const {
      slots.key += "(";
      for (size_t i = 0; i < v.elements.size(); ++i) {
        if (!v.fields.empty()) slots.key += v.fields[i] + ":";
        e.describe(v.elements[i], slots);
        slots.key += ",";
      }
      slots.key += ")";
    }
    void operator()(const StringValue& v) const { slots.key += "\"" + v.text + "\""; }
    void operator()(const SelectionValue& v) const {
      slots.key += "{";
      for (const ast::Name& n : v.sites) slots.key += n.text + ",";
      slots.key += "}";
    }
    void operator()(const MemberValue& v) const {
      slots.key += "member:" + v.name + ":";
      e.describe(v.owner, slots);
    }
    void operator()(const GradientValue& v) const {
      slots.key += v.with_value ? "vgrad:" : "grad:";
      e.describe(v.function, slots);
    }
    void operator()(const BuiltinValue& v) const { slots.key += "builtin:" + v.name; }
  };
  std::visit(Visitor{*this, slots}, value->node);
}

// ---- the same value in the function ------------------------------------------------------------

std::vector<VarId> Elaborator::slot_variables(const Slots& slots) {
  std::vector<VarId> out;
  for (size_t i = 0; i < slots.atoms.size(); ++i) {
    const Atom& atom = slots.atoms[i];
    const VarId* from = std::get_if<VarId>(&atom.value);
    Span span = from != nullptr ? program_[*from].span : Span{};
    VarId variable = new_variable(slots.names[i], atom.type, span);
    if (from != nullptr && not_negative_.contains(*from)) not_negative_.insert(variable);
    out.push_back(variable);
  }
  Rebuild state{slots, out, 0};
  for (size_t i = 0; i < out.size(); ++i) {
    Type type = rebuild(slots.atoms[i].type, state);
    program_.variables[static_cast<size_t>(out[i])].type = std::move(type);
  }
  return out;
}

std::vector<ExprPtr> Elaborator::slot_args(const Slots& slots, Span span) const {
  std::vector<ExprPtr> out;
  for (const Atom& atom : slots.atoms) out.push_back(from_atom(atom, span));
  return out;
}

Size Elaborator::rebuild(const Size& size, Rebuild& state) {
  return *substitute(size, [&](VarId v) -> std::optional<Size> {
    if (is_global(v)) return variable_size(v);
    auto at = state.slots.index.find(v);
    internal_check(at != state.slots.index.end(), "a size variable that was described");
    return variable_size(state.variables[static_cast<size_t>(at->second)]);
  });
}

Type Elaborator::rebuild(const Type& type, Rebuild& state) {
  Type out = type;
  for (Type& element : out.elements) element = rebuild(element, state);
  for (Size& dim : out.dims) dim = rebuild(dim, state);
  return out;
}

Binding Elaborator::rebuild(const Binding& binding, Rebuild& state) {
  if (const Atom* atom = std::get_if<Atom>(&binding)) {
    if (const VarId* variable = std::get_if<VarId>(&atom->value)) {
      if (is_global(*variable)) return *atom;
      VarId there = state.variables[static_cast<size_t>(state.slots.index.at(*variable))];
      return Atom{program_[there].type, there};
    }
    const double* d = std::get_if<double>(&atom->value);
    if (d != nullptr && std::isfinite(*d) && state.literal == 0) {
      // Real constants have slots of their own, in the order in which they were met.
      auto at = static_cast<size_t>(state.next_constant);
      while (std::holds_alternative<VarId>(state.slots.atoms[at].value)) ++at;
      state.next_constant = static_cast<int>(at) + 1;
      return Atom{atom->type, state.variables[at]};
    }
    return *atom;
  }
  if (const StaticPtr* value = std::get_if<StaticPtr>(&binding)) return rebuild(*value, state);
  if (const SizeName* size = std::get_if<SizeName>(&binding)) {
    return SizeName{rebuild(size->size, state)};
  }
  return binding;
}

Captures Elaborator::rebuild(const Captures& captures, Rebuild& state) {
  Captures out;
  for (const auto& [name, binding] : captures) out.emplace_back(name, rebuild(binding, state));
  return out;
}

StaticPtr Elaborator::rebuild(const StaticPtr& value, Rebuild& state) {
  struct Visitor {
    Elaborator& e;
    Rebuild& state;
    const StaticPtr& value;
    StaticPtr operator()(const DeclValue&) const { return value; }
    StaticPtr operator()(const StringValue&) const { return value; }
    StaticPtr operator()(const SelectionValue&) const { return value; }
    StaticPtr operator()(const BuiltinValue&) const { return value; }
    StaticPtr operator()(LambdaValue v) const {
      v.captures = e.rebuild(v.captures, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(ModelValue v) const {
      ++state.literal;
      v.args = e.rebuild(v.args, state);
      for (ModelValue::Observation& o : v.observed) o.value = e.rebuild(o.value, state);
      --state.literal;
      return make_static(std::move(v));
    }
    StaticPtr operator()(RealsValue v) const {
      v.model = e.rebuild(v.model, state);
      if (v.whole != nullptr) {
        v.whole = e.rebuild(v.whole, state);
        v.held = e.rebuild(v.held, state);
      }
      return make_static(std::move(v));
    }
    StaticPtr operator()(StagesValue v) const {
      v.model = e.rebuild(v.model, state);
      for (Binding* size : {&v.reals, &v.ints, &v.count}) *size = e.rebuild(*size, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(MachineValue v) const {
      ++state.literal;
      v.captures = e.rebuild(v.captures, state);
      --state.literal;
      return make_static(std::move(v));
    }
    StaticPtr operator()(DistributionValue v) const {
      v.captures = e.rebuild(v.captures, state);
      for (Size& dim : v.batch) dim = e.rebuild(dim, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(SupportValue v) const {
      v.captures = e.rebuild(v.captures, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(TupleValue v) const {
      for (Binding& element : v.elements) element = e.rebuild(element, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(MemberValue v) const {
      v.owner = e.rebuild(v.owner, state);
      return make_static(std::move(v));
    }
    StaticPtr operator()(GradientValue v) const {
      v.function = e.rebuild(v.function, state);
      return make_static(std::move(v));
    }
  };
  return std::visit(Visitor{*this, state, value}, value->node);
}

}  // namespace borel::sema

// Typed programs written by hand, and what tests of lowering do with them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/sema/typed.h"

namespace borel::testing {

using typed::Expr;
using typed::ExprPtr;
using typed::Op;
using typed::Scalar;
using typed::Size;
using typed::Type;
using typed::VarId;

inline Size size_of(int64_t constant) {
  Size out;
  if (constant != 0) out.terms.push_back({constant, {}});
  return out;
}
inline Size size_of(VarId variable, int64_t offset = 0) {
  Size out = size_of(offset);
  out.terms.push_back({1, {variable}});
  return out;
}
inline Type scalar_type(Scalar scalar) {
  Type out;
  out.kind = Type::Kind::Scalar;
  out.scalar = scalar;
  return out;
}
inline Type real_type() { return scalar_type(Scalar::Real); }
inline Type int_type() { return scalar_type(Scalar::Int); }
inline Type bool_type() { return scalar_type(Scalar::Bool); }
inline Type array_of(Scalar scalar, std::vector<Size> dims, bool matrix = false) {
  Type out = scalar_type(scalar);
  out.kind = Type::Kind::Array;
  out.dims = std::move(dims);
  out.matrix = matrix;
  return out;
}
inline Type tuple_of(std::vector<Type> elements) {
  Type out;
  out.kind = Type::Kind::Tuple;
  out.elements = std::move(elements);
  return out;
}

template <class Node>
ExprPtr make(Type type, Node node) {
  auto out = std::make_unique<Expr>();
  out->type = std::move(type);
  out->node = std::move(node);
  return out;
}
template <class... E>
std::vector<ExprPtr> list(E... exprs) {
  std::vector<ExprPtr> out;
  (out.push_back(std::move(exprs)), ...);
  return out;
}
inline ExprPtr real(double value) { return make(real_type(), typed::Constant{value}); }
inline ExprPtr integer(int64_t value) { return make(int_type(), typed::Constant{value}); }
template <class... E>
ExprPtr apply(Op op, Type type, E... args) {
  typed::Builtin node;
  node.op = op;
  node.args = list(std::move(args)...);
  return make(std::move(type), std::move(node));
}
/// An elementwise operation: of the type of its first operand.
template <class... E>
ExprPtr elementwise(Op op, ExprPtr first, E... rest) {
  Type type = first->type;
  return apply(op, type, std::move(first), std::move(rest)...);
}
inline ExprPtr add(ExprPtr a, ExprPtr b) {
  return elementwise(Op::Add, std::move(a), std::move(b));
}
inline ExprPtr sub(ExprPtr a, ExprPtr b) {
  return elementwise(Op::Sub, std::move(a), std::move(b));
}
inline ExprPtr mul(ExprPtr a, ExprPtr b) {
  return elementwise(Op::Mul, std::move(a), std::move(b));
}
inline ExprPtr div(ExprPtr a, ExprPtr b) {
  return elementwise(Op::Div, std::move(a), std::move(b));
}

inline typed::Subscript at(ExprPtr index, bool checked = true) {
  typed::Subscript out;
  out.first = std::move(index);
  out.checked = checked;
  return out;
}
inline typed::Subscript range(ExprPtr first, ExprPtr second) {
  typed::Subscript out;
  out.kind = typed::Subscript::Kind::Range;
  out.first = std::move(first);
  out.second = std::move(second);
  return out;
}
inline typed::Subscript gather(ExprPtr indices) {
  typed::Subscript out;
  out.kind = typed::Subscript::Kind::Gather;
  out.first = std::move(indices);
  return out;
}
template <class... S>
ExprPtr index(Type result, ExprPtr base, S... subscripts) {
  typed::Index node;
  node.base = std::move(base);
  (node.subscripts.push_back(std::move(subscripts)), ...);
  node.place = typed::PlaceId{0};
  return make(std::move(result), std::move(node));
}

template <class Node>
typed::Stmt statement(Node node) {
  typed::Stmt out;
  out.node = std::move(node);
  return out;
}
template <class... S>
typed::Block block(S... statements) {
  typed::Block out;
  (out.push_back(std::move(statements)), ...);
  return out;
}
inline typed::Stmt let(VarId variable, ExprPtr value) {
  return statement(typed::Let{variable, std::move(value)});
}
inline typed::Stmt assign(VarId variable, ExprPtr value) {
  typed::Assign node;
  node.variable = variable;
  node.value = std::move(value);
  return statement(std::move(node));
}
template <class... S>
typed::Stmt assign_at(VarId variable, ExprPtr value, S... subscripts) {
  typed::Assign node;
  node.variable = variable;
  node.value = std::move(value);
  node.place = typed::PlaceId{0};
  (node.subscripts.push_back(std::move(subscripts)), ...);
  return statement(std::move(node));
}
inline typed::Stmt give(ExprPtr value) { return statement(typed::Return{std::move(value)}); }
inline typed::Stmt loop(VarId variable, ExprPtr lower, ExprPtr upper, typed::Block body) {
  return statement(typed::For{variable, std::move(lower), std::move(upper), std::move(body)});
}

/// A program under construction.
class ProgramBuilder {
 public:
  ProgramBuilder() {
    program.name = "main";
    program.places.push_back({{}, "", "a test"});
  }

  VarId variable(std::string name, Type type, bool is_mutable = false) {
    typed::Variable v;
    v.name = std::move(name);
    v.type = std::move(type);
    v.is_mutable = is_mutable;
    program.variables.push_back(std::move(v));
    return static_cast<VarId>(program.variables.size() - 1);
  }
  VarId size(std::string name) {
    const VarId id = variable(std::move(name), int_type());
    program.variables.back().global = true;
    program.sizes.push_back(id);
    return id;
  }
  VarId input(std::string name, Type type) {
    const VarId id = variable(std::move(name), std::move(type));
    program.variables.back().global = true;
    typed::Input in;
    in.variable = id;
    program.inputs.push_back(std::move(in));
    return id;
  }
  typed::FunctionId function(std::string name, std::vector<VarId> params, Type result,
                             typed::Block body) {
    typed::Function f;
    f.name = std::move(name);
    f.params = std::move(params);
    f.result = std::move(result);
    f.body = std::move(body);
    program.functions.push_back(std::move(f));
    return static_cast<typed::FunctionId>(program.functions.size() - 1);
  }
  typed::PlaceId place(std::string site, std::string what) {
    program.places.push_back({{}, std::move(site), std::move(what)});
    return static_cast<typed::PlaceId>(program.places.size() - 1);
  }
  ExprPtr ref(VarId id) { return make(program[id].type, typed::VarRef{id}); }
  template <class... E>
  ExprPtr call(typed::FunctionId id, E... args) {
    return make(program[id].result, typed::Call{id, list(std::move(args)...)});
  }
  ExprPtr element(VarId array, ExprPtr i, bool checked = true) {
    return index(scalar_type(program[array].type.scalar), ref(array), at(std::move(i), checked));
  }

  typed::Program program;
};

/// Normal.logp(mu, sigma, x), which requires sigma > 0; positive: exp and log with its Jacobian.
struct Library {
  explicit Library(ProgramBuilder& b);
  typed::FunctionId normal_logp, normal_sample, positive_constrain, positive_unconstrain;

  typed::Distribution normal(ExprPtr mu, ExprPtr sigma) const;
  typed::Support positive() const;
};

/// mu ~ N(0, 5); tau ~ N(0, 5) on positive; for j: z[j] ~ N(0, 1); theta[j] := mu + tau z[j];
/// y[j] ~ N(theta[j], sigma[j]) observed.
typed::Program eight_schools();

}  // namespace borel::testing

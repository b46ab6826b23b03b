// The tree of a Borel file as it was written: no names are resolved and no types known.
//
// Every node has the span of its source text (an expression in parentheses includes them). Children
// are owned by std::unique_ptr, so a node's address is its identity and side tables may be keyed by
// it for as long as the File lives. "May be null" is said where a pointer may be null; elsewhere a
// child is always there. The parser has already refused what the surface of the language forbids,
// so users of the tree need not look for it again; what is refused is said at each node.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/support/source.h"

namespace borel::ast {

struct Expr;
struct Stmt;
struct TypeExpr;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;
using TypePtr = std::unique_ptr<TypeExpr>;

struct Name {
  std::string text;
  Span span;
};

// `{ … }`. An `infer`, `def` or lambda may end in an expression statement: its value.
struct Block {
  Span span;
  std::vector<StmtPtr> statements;
};

// A parameter of a declaration, lambda or method. Without a type it is generic or a compile-time
// value.
struct Param {
  Span span;
  Name name;
  TypePtr type;           // may be null
  ExprPtr default_value;  // may be null
};

// `f(a, name = b)`: named arguments come after positional ones, no name twice.
struct Argument {
  Span span;
  std::optional<Name> name;
  ExprPtr value;
};

// ---------------------------------------------------------------- types

enum class BaseType { Bool, Int, Real, Vector, Matrix, Index, Named };

// A base with its own sizes, then the dims of an array of it.
//   real[n, m]            base Real, dims {n, m}
//   vector[k][n]          base Vector, sizes {k}, dims {n}     (Vector has 1 size, Matrix 2, Index
//   1) index[J][N] from 1    base Index, sizes {J}, dims {N}, from 1 interval(0, 1)[J]     base
//   Named, args {0, 1}, dims {J} ordered[k][n]         base Named, sizes {k}, dims {n} positive[J],
//   simplex[k]   base Named, dims {…}, sizes empty: whether one bracket group is the
//                         support's own size or an array's dims only the support can tell.
struct NamedType {
  BaseType base = BaseType::Named;
  Name name;                   // as written, also for the built-in bases
  std::vector<Argument> args;  // in parentheses; only for Named
  std::vector<ExprPtr> sizes;
  std::vector<ExprPtr> dims;
  std::int64_t from = 0;  // first value of an Index in the data
};

// `(T, U)`, two or more.
struct TupleType {
  std::vector<TypePtr> elements;
};

struct TypeExpr {
  Span span;
  std::variant<NamedType, TupleType> node;
};

// ---------------------------------------------------------------- expressions

struct IntLit {
  std::int64_t value = 0;
};
struct RealLit {
  double value = 0;
};
struct BoolLit {
  bool value = false;
};
struct StringLit {
  std::string value;  // escapes resolved
};
struct NameRef {
  std::string name;
};

// `(a, b)`, two or more; `()` has none.
struct TupleExpr {
  std::vector<ExprPtr> elements;
};
// `[a, b]`, may be empty.
struct ArrayExpr {
  std::vector<ExprPtr> elements;
};
// `lo..hi`, half open. Only as the range of `for` and comprehensions, as an index, and after `in`
// of a machine's parameter. Either end may be null in an index (`a[..]`), and nowhere else.
struct RangeExpr {
  ExprPtr lo;  // may be null
  ExprPtr hi;  // may be null
};
// `[e for i in a..b, j in c..d]`: the last generator varies fastest.
struct Generator {
  Name name;
  ExprPtr range;  // a RangeExpr, or an array
};
struct Comprehension {
  ExprPtr body;
  std::vector<Generator> generators;
};

// `{x, y}` and `{x = e, y}`. Which of a selection of sites and a record it is depends on where it
// stands; an item without a value is a selected site, or short for `y = y`. No name twice. The name
// of a site of a model that is drawn at a site has dots: `s.x`.
struct BraceItem {
  Name name;
  ExprPtr value;  // may be null
};
struct BraceExpr {
  std::vector<BraceItem> items;
};

enum class UnaryOp { Neg, Plus, Not };
struct UnaryExpr {
  UnaryOp op{};
  Span op_span;
  ExprPtr operand;
};

enum class BinaryOp {
  Or,
  And,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  ElementMul,
  ElementDiv,
  Pow
};
// Comparisons do not chain.
struct BinaryExpr {
  BinaryOp op{};
  Span op_span;
  ExprPtr lhs;
  ExprPtr rhs;
};

// `c ? a : b`
struct ConditionalExpr {
  ExprPtr condition;
  ExprPtr if_true;
  ExprPtr if_false;
};
// `p | {y}`: the model given values for some of its sites.
struct ConditionExpr {
  ExprPtr model;
  ExprPtr sites;  // a BraceExpr, or another expression that is a record
};
// `t with {x = v}`
struct WithExpr {
  ExprPtr base;
  ExprPtr changes;
};
// `m1 then m2`
struct ThenExpr {
  ExprPtr first;
  ExprPtr second;
};

struct CallExpr {
  ExprPtr callee;
  std::vector<Argument> args;
};
// `a[i, lo..hi, ..]`; at least one index.
struct IndexExpr {
  ExprPtr base;
  std::vector<ExprPtr> indices;
};
// `t.x`
struct FieldExpr {
  ExprPtr base;
  Name field;
};
// `t.0`
struct TupleFieldExpr {
  ExprPtr base;
  std::int64_t index = 0;
};

// `fn x => e`, `fn (x, y) => e`, `fn x { … }`
struct LambdaExpr {
  std::vector<Param> params;
  std::variant<ExprPtr, Block> body;
};

// `(a, b)` or `a` on the left of a `let`.
struct Pattern {
  Span span;
  std::vector<Name> names;
  bool is_tuple = false;  // false: exactly one name
};
// `let p: T = e`, as a statement and as a member of machine, distribution and support blocks.
struct LetStmt {
  Pattern pattern;
  TypePtr type;  // may be null
  ExprPtr value;
};

// `name(params) { … }` in a machine, distribution or support block. No name twice in one block.
struct Method {
  Span span;
  Name name;
  std::vector<Param> params;
  Block body;
};
// `param NAME: T = e in lo..hi`
struct MachineParam {
  Span span;
  Name name;
  TypePtr type;
  ExprPtr default_value;
  ExprPtr range;  // a RangeExpr with both ends; may be null
};
// Values that the methods of a machine share, in source order: later ones may use earlier ones.
using MachineLocal = std::variant<LetStmt, MachineParam>;
// `machine { … }`: `init` and `step` are always there. `init` and `steps` have no parameters; those
// of step, draw, info and metric destructure the state and have neither types nor defaults.
struct MachineExpr {
  std::vector<MachineLocal> locals;
  Method init;
  Method step;
  std::optional<Method> draw;
  std::optional<Method> info;
  std::optional<Method> metric;
  std::optional<Method> steps;
};

// `require condition, "text"`
struct Requirement {
  Span span;
  ExprPtr condition;
  std::string text;
};
// `distribution { … }`. All lets come before requirements, support and methods in meaning.
struct DistributionExpr {
  std::vector<LetStmt> lets;
  ExprPtr support;  // `support EXPR`; may be null
  std::vector<Requirement> requirements;
  std::vector<Method> methods;
};
// `support { … }`
struct SupportExpr {
  std::vector<LetStmt> lets;
  std::vector<Method> methods;
};
// `expect { … }`
struct ExpectExpr {
  Block body;
};

struct Expr {
  Span span;
  std::variant<IntLit, RealLit, BoolLit, StringLit, NameRef, TupleExpr, ArrayExpr, RangeExpr,
               Comprehension, BraceExpr, UnaryExpr, BinaryExpr, ConditionalExpr, ConditionExpr,
               WithExpr, ThenExpr, CallExpr, IndexExpr, FieldExpr, TupleFieldExpr, LambdaExpr,
               MachineExpr, DistributionExpr, SupportExpr, ExpectExpr>
      node;
};

// ---------------------------------------------------------------- statements

// `x`, `x[i]`, `x[i, j]`: what is assigned, drawn or recorded.
struct Target {
  Span span;
  Name name;
  std::vector<ExprPtr> indices;  // empty: the whole of it
};

// `var x: T = e`; at least one of type and value is there.
struct VarStmt {
  Name name;
  TypePtr type;   // may be null
  ExprPtr value;  // may be null: filled with zeros
};
// `x = e`, and `x += e` with op Add, and so on.
struct AssignStmt {
  Target target;
  std::optional<BinaryOp> op;  // Add, Sub, Mul or Div
  Span op_span;
  ExprPtr value;
};
// `x ~ D`, `x[i] ~ D`, `x: T ~ D`, `let x ~ D`, each perhaps with `by e`.
struct SiteStmt {
  Target target;
  bool is_let = false;
  TypePtr type;  // may be null
  ExprPtr distribution;
  ExprPtr by;  // may be null
};
// `x := e`
struct RecordStmt {
  Target target;
  ExprPtr value;
};
// `if c { } else if d { } else { }`: an `else if` is an else block that holds one IfStmt.
struct IfStmt {
  ExprPtr condition;
  Block then_block;
  std::optional<Block> else_block;
};
// `for i in a..b { }`, `for d in e { }`
struct ForStmt {
  Name name;
  ExprPtr range;  // a RangeExpr with both ends, or an array or compile-time tuple
  Block body;
};
struct WhileStmt {
  ExprPtr condition;
  Block body;
};
struct ReturnStmt {
  ExprPtr value;
};
struct ExprStmt {
  ExprPtr value;
};

struct Stmt {
  Span span;
  std::variant<LetStmt, VarStmt, AssignStmt, SiteStmt, RecordStmt, IfStmt, ForStmt, WhileStmt,
               ReturnStmt, ExprStmt>
      node;
};

// ---------------------------------------------------------------- declarations

enum class FunctionKind { Def, Model, Infer };

// `def`, `random def`, `model` and `infer`.
struct FunctionDecl {
  FunctionKind kind = FunctionKind::Def;
  bool random = false;    // only a def
  bool constant = false;  // `def pi = 3.14…`: a def without a parameter list, whose body is an Expr
  Name name;
  std::vector<Param> params;          // no name twice
  TypePtr result;                     // may be null
  std::variant<Block, ExprPtr> body;  // an Expr only for a def
};

struct Field {
  Span span;
  Name name;
  TypePtr type;
};
struct StructDecl {
  Name name;
  std::vector<Field> fields;  // no name twice
};

struct Decl {
  Span span;
  std::variant<FunctionDecl, StructDecl> node;

  const Name& name() const {
    return std::visit([](const auto& d) -> const Name& { return d.name; }, node);
  }
};

struct File {
  FileId id = FileId::None;
  std::vector<Decl> decls;
  // Names of declarations that are left out because of a syntax error in them: what uses them is
  // not to be called unknown.
  std::vector<Name> broken;
};

// The alternative of an Expr, Stmt, TypeExpr or Decl, or null when it is another one.
template <class T, class Node>
const T* as(const Node& node) {
  return std::get_if<T>(&node.node);
}

}  // namespace borel::ast

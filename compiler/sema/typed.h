/// The typed program: what `sema` makes of the syntax tree and `lower` turns into prob IR.
///
/// Everything here is monomorphic: compile-time values (functions, models, machines, distributions,
/// supports, selections) have been specialised away, methods of such values are functions whose
/// captured run-time values are leading parameters, sites of broadcast distributions have become
/// loops, early returns have become if/else, and every implicit conversion is a node. Only what a
/// program uses is here. Data inputs, size symbols and the `let`s of an `infer` are globals: any
/// function may refer to them without being passed them; all other variables are local to a
/// function.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/support/source.h"

namespace borel::typed {

// Indices into the tables of Program.
enum class VarId : int32_t { None = -1 };
enum class FunctionId : int32_t { None = -1 };
enum class ModelId : int32_t { None = -1 };
enum class PlaceId : int32_t { None = -1 };
using SiteIndex = int32_t;  // into Model::sites

enum class Scalar { Bool, Int, Real };

/// An extent as a polynomial over immutable int variables: sum of coefficient * product of factors,
/// in a canonical order, so that equal polynomials compare equal. No terms: 0.
struct Size {
  struct Term {
    int64_t coefficient = 0;
    std::vector<VarId> factors;  // sorted; empty: the constant
    bool operator==(const Term&) const = default;
  };
  std::vector<Term> terms;
  bool operator==(const Size&) const = default;
};

/// A value's type. Arrays are row major; a matrix's (last two) dimensions are rows, columns and it
/// is stored column by column.
struct Type {
  enum class Kind { Unit, Scalar, Array, Tuple };
  Kind kind = Kind::Unit;
  Scalar scalar = Scalar::Real;     // of Scalar and Array
  std::vector<Size> dims;           // of Array, outermost first
  bool matrix = false;              // Array whose last two dims are a matrix
  std::vector<Type> elements;       // of Tuple
  std::vector<std::string> fields;  // names of a struct's or record's elements, else empty
  bool operator==(const Type&) const = default;
};

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using Block = std::vector<Stmt>;

// ---- expressions -------------------------------------------------------------------------------

struct Constant {
  std::variant<bool, int64_t, double> value;
};
struct VarRef {
  VarId variable;
  /// The observed site whose data the variable holds, where a model reads it by the site's name; -1
  /// elsewhere. It matters where data are drawn anew.
  SiteIndex observed = -1;
};

/// Built-in operations. "Elementwise" ones take scalars and arrays of one shape (scalars
/// broadcast); operands have one scalar kind (conversions are explicit) and the result has the
/// operands' shape.
enum class Op {
  // elementwise, int and real: (x, y) -> same kind. Int Div and Mod round towards zero and check.
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Min,
  Max,
  Neg,
  Abs,
  // elementwise (real, real) -> real; PowInt: (real, int) -> real
  Pow,
  PowInt,
  Atan2,
  // elementwise comparisons (int or real or bool operands) -> bool; And, Or are lazy on scalars
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  And,
  Or,
  Not,
  // elementwise conversions: IntToReal, BoolToInt, BoolToReal; Floor etc. real -> real;
  // ToInt: real -> int (towards zero, checked)
  IntToReal,
  BoolToInt,
  BoolToReal,
  ToInt,
  Floor,
  Ceil,
  Round,
  Trunc,
  // elementwise real -> real
  Sqrt,
  Exp,
  Expm1,
  Log,
  Log1p,
  Sin,
  Cos,
  Tan,
  Asin,
  Acos,
  Atan,
  Sinh,
  Cosh,
  Tanh,
  Cbrt,
  Erf,
  Erfc,
  Lgamma,
  Digamma,
  Trigamma,
  NormalCdf,
  LogNormalCdf,
  IsFinite,
  IsNan,  // elementwise real -> bool
  // whole arrays
  Sum,         // (array of int or real) -> scalar
  Dot,         // (real[n], real[n]) -> real
  MatMul,      // matrix*matrix, matrix*vector, vector(row)*matrix
  Transpose,   // matrix -> matrix
  Zeros,       // (extents: int…) -> the expression's type
  Fill,        // (scalar) -> array of the expression's type (its dims)
  Dim,         // (array), second operand a constant: which dimension -> int
  Cholesky,    // symmetric positive definite matrix -> lower triangle
  SolveLower,  // (lower triangular matrix, vector or matrix) -> same shape
  // random bits (kernels only)
  Uniform  // () -> real in (0, 1)
};
struct Builtin {
  Op op{};
  std::vector<ExprPtr> args;
  PlaceId place = PlaceId::None;  // of checked int operations
};

/// Lazy: only the chosen side is evaluated.
struct Conditional {
  ExprPtr condition, if_true, if_false;
};

struct Subscript {
  enum class Kind { At, Range, All, Gather };
  Kind kind = Kind::At;
  ExprPtr first;        // At: an int; Range: its start; Gather: an int[k]; All: null
  ExprPtr second;       // Range: its end (exclusive)
  bool checked = true;  // false: shown to be in range
};
/// base[subscripts…]: At drops a dimension, the others keep one. Missing trailing ones are All.
struct Index {
  ExprPtr base;
  std::vector<Subscript> subscripts;
  PlaceId place = PlaceId::None;
};

struct Call {
  FunctionId function;
  std::vector<ExprPtr> args;
};
struct MakeTuple {
  std::vector<ExprPtr> elements;
};
struct TupleGet {
  ExprPtr base;
  int32_t index = 0;
};
/// [a, b, c]: elements are scalars or arrays of one shape.
struct MakeArray {
  std::vector<ExprPtr> elements;
};
/// [body for v0 in lo0..hi0, …]: body is a scalar or an array.
struct Comprehension {
  struct Generator {
    VarId variable;
    ExprPtr lower, upper;
  };
  std::vector<Generator> generators;
  ExprPtr body;
};
/// Statements, then a value.
struct BlockExpr {
  Block statements;
  ExprPtr value;
};

/// What inference asks of a conditioned model. args: the model's captured values (Model::params),
/// then the operands named here.
struct ModelCall {
  enum class Kind {
    LogDensity,          // (u: real[dim]) -> real, log Jacobian included
    LogDensityGradient,  // (u: real[dim]) -> (real, real[dim])
    Dimension,           // () -> int
    Constrain,           // (u) -> trace
    Unconstrain,         // (trace, latent sites' values) -> u
    TraceLogDensity,     // (trace's latent sites) -> real, on the constrained space
    Simulate,            // () -> trace
    Likelihood,          // (u) -> real: the terms of what is observed, and of factors
    // The model run in stages, from each Stop to the next, as a population of n particles; F and G
    // are the numbers of reals and of whole numbers that a particle keeps.
    StageCount,  // () -> int
    FrameReals,  // () -> int, F
    FrameInts,   // () -> int, G
    Advance,  // (stage: int, real[F, n], int[G, n], log weights: real[n]) -> the same without stage
    Follow,   // as Advance, and a path (real[F, count], int[G, count]) that the last particle takes
    // (before: stage, real[F, n], int[G, n]; after: real[F, m], int[G, m]; column) -> real[n]
    Transition,   // how likely each particle is to have come to one of the next stage
    PathTrace,    // (real[F, count], int[G, count]) -> the trace of a path, one frame a stage
    TracePath,    // (trace) -> (real[F, count], int[G, count])
    CheckStage,   // (stage: int, log weights: real[n]): a fault where no weight is above 0
    StageSummary  // (real[F, n], int[G, n], weights: real[n]) -> means and deviations of the sites
  };
  ModelId model;
  Kind kind{};
  std::vector<ExprPtr> args;
};
/// value_and_grad: (value, adjoints of the arguments that `wrt` marks, in order).
struct GradientCall {
  FunctionId function;
  std::vector<bool> wrt;
  std::vector<ExprPtr> args;
};

struct Expr {
  Span span;
  Type type;
  std::variant<Constant, VarRef, Builtin, Conditional, Index, Call, MakeTuple, TupleGet, MakeArray,
               Comprehension, BlockExpr, ModelCall, GradientCall>
      node;
};

// ---- statements --------------------------------------------------------------------------------

/// How a site's value is constrained. Absent functions: the identity on the reals, or discrete.
struct Support {
  std::string text;  // in words: "positive", "interval(0, 1 - alpha1)"
  bool discrete = false;
  std::optional<FunctionId> constrain;    // (args…, u) -> (value, log |Jacobian|)
  std::optional<FunctionId> unconstrain;  // (args…, value) -> u
  std::vector<ExprPtr> args;
  ExprPtr unconstrained_size;  // of an array-valued element: number of reals; null for a scalar
  ExprPtr value_size;          // of an array-valued element; null for a scalar
};
struct Distribution {
  std::string text;                    // "Normal"
  FunctionId logp = FunctionId::None;  // (args…, value) -> real; its requirements are in its body
  std::optional<FunctionId> sampler;   // (args…) -> value
  std::vector<ExprPtr> args;
};

struct Let {
  VarId variable;
  ExprPtr value;  // null for a `var` without one: zeros of the variable's type
};
struct LetTuple {
  std::vector<VarId> variables;
  ExprPtr value;
};
struct Assign {
  VarId variable;
  std::vector<Subscript> subscripts;  // empty: the whole
  ExprPtr value;
  PlaceId place = PlaceId::None;
};
struct If {
  ExprPtr condition;
  Block then_block, else_block;
};
struct For {
  VarId variable;
  ExprPtr lower, upper;
  Block body;
};
struct While {
  ExprPtr condition;
  Block body;
};
/// Only in tail position: last in a function's body, or in both branches of an If that is.
struct Return {
  ExprPtr value;  // null: unit
};
/// Draws (or, with `observed`, scores) element `indices` of a site. A latent's value is also stored
/// in the site's variable, which the model's body may read afterwards.
struct Sample {
  SiteIndex site = 0;
  std::vector<ExprPtr> indices;  // one for each of the site's outer dims (not of a vector element)
  Distribution distribution;
  Support support;
  ExprPtr observed;  // null: latent
  PlaceId place = PlaceId::None;
};
/// `:=`; the value is also stored in the site's variable.
struct Record {
  SiteIndex site = 0;
  std::vector<ExprPtr> indices;
  ExprPtr value;
  PlaceId place = PlaceId::None;
};
struct Factor {
  ExprPtr value;
  PlaceId place = PlaceId::None;
};
/// Density 0 unless the condition holds: parameter constraints, and reject() as require(false).
struct Require {
  ExprPtr condition;
  PlaceId place = PlaceId::None;
  bool of_value = false;  // of an observed value, not of a distribution's parameter
};
/// Ends the run with a fault at the place unless the condition holds: shapes that could not be
/// compared at compile time.
struct Check {
  ExprPtr condition;
  PlaceId place = PlaceId::None;
};
struct Evaluate {  // an expression for its effect
  ExprPtr value;
};
/// Where a population of runs of the model may stop: at its top level, or last in a loop there.
struct Stop {};

struct Stmt {
  Span span;
  std::variant<Let, LetTuple, Assign, If, For, While, Return, Sample, Record, Factor, Require,
               Check, Evaluate, Stop>
      node;
};

// ---- the program -------------------------------------------------------------------------------

struct Variable {
  std::string name;
  Type type;
  Span span;
  bool is_mutable = false;
  bool global = false;        // an input, a size, or a `let` of the infer
  bool not_negative = false;  // an int that is known not to be
};

/// A function that the host supplies: its body is not the program's.
struct HostFunction {
  std::string name;       // as it is declared
  bool gradient = false;  // the host supplies its derivative, too
  size_t first = 0;  // its arguments are the parameters from this one on; those before are sizes
};

struct Function {
  std::string name;  // unique: the IR symbol, "Normal.logp", "nuts.step", "leapfrog.2"
  std::vector<VarId> params;
  Type result;
  Block body;
  bool random = false;
  Span span;
  PlaceId recursion = PlaceId::None;  // of a function that calls itself
  std::optional<HostFunction> host;   // its body is empty, and this place names its declaration
  PlaceId host_place = PlaceId::None;
};

struct Site {
  enum class Kind { Latent, Derived, Observed };
  std::string name;  // "theta", or "s.x" for the site x of a model drawn at s
  Kind kind{};
  Type type;               // the whole site, all dims
  int32_t outer_rank = 0;  // leading dims that `indices` select; the rest is one draw's own shape
  std::string support;     // in words
  VarId variable = VarId::None;  // holds its value in the model's body; None for observed sites
  /// At a Stop the site is known by its latest value, without the first dim.
  bool moves = false;
  ExprPtr observed;  // all data of an observed site; null for others
  Span span;
};

/// A model with its arguments applied and some of its sites observed.
struct Model {
  std::string name;           // unique symbol
  std::vector<VarId> params;  // captured run-time values that are not globals; usually none
  std::vector<Site> sites;    // latent and derived and observed, each in source order
  Block body;
  Span span;
  /// Only the shape of what a machine records, each field a derived site: nothing is drawn, and
  /// nothing but the shape is made of it.
  bool record = false;
};

struct Input {
  enum class Constraint { None, Index };
  VarId variable;  // type says scalar kind, dims, matrix
  /// The type's dims as data bind them: a size symbol, perhaps plus a constant, or a constant. A
  /// global checks what differs from the type's. Empty: as the type has them.
  std::vector<Size> dims;
  bool is_index = false;
  int64_t index_base = 0;
  Size index_bound;
  double lower = -std::numeric_limits<double>::infinity();  // of every element
  double upper = std::numeric_limits<double>::infinity();
  bool lower_open = false, upper_open = false;
  Span span;
  /// Of an int or a real: what it is where the data do not say.
  std::optional<std::variant<int64_t, double>> fallback;
};

/// A `let` of the infer (data only), in order. The dimension of a model that reals(p) uses is one
/// too (its value is a ModelCall of kind Dimension), so that array types can mention it.
struct Global {
  VarId variable;
  ExprPtr value;
  /// Wanted for the checks that it makes, when data are bound; its value is of no interest.
  bool check = false;
};

struct MachineParameter {
  std::string name;
  Scalar type{};  // Int or Real
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  double fallback = 0;
  Span span;
};

/// The machine that the infer evaluates to. Every function takes the machine's parameters first
/// (ints and reals, in order).
struct Machine {
  std::string name;  // "nuts"
  ModelId model = ModelId::None;
  std::vector<MachineParameter> parameters;
  Type state;
  FunctionId init = FunctionId::None;  // (params…, initial: real[k], radius: real) -> state
  FunctionId step = FunctionId::None;  // (params…, state elements…) -> state
  FunctionId draw = FunctionId::None;  // (params…, state elements…) -> values of the model's sites
  FunctionId info = FunctionId::None;   // (params…, state elements…) -> tuple of reals
  std::vector<std::string> statistics;  // names of info's elements
  // (params…, state elements…) -> the inverse metric, an array of reals; None: the machine has none
  FunctionId metric = FunctionId::None;
  VarId steps = VarId::None;  // a global: how many there are; None: any number
};

struct Place {
  Span span;
  std::string site;  // empty: none
  std::string what;  // "sigma > 0", "index into alpha"
};

struct Program {
  std::string name;  // of the infer
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<Model> models;
  std::vector<VarId> sizes;  // int globals bound by shapes or by an int input of that name
  std::vector<Input> inputs;
  std::vector<Global> globals;
  std::optional<Machine> machine;
  std::vector<Place> places;

  const Variable& operator[](VarId id) const { return variables[static_cast<size_t>(id)]; }
  const Function& operator[](FunctionId id) const { return functions[static_cast<size_t>(id)]; }
  const Model& operator[](ModelId id) const { return models[static_cast<size_t>(id)]; }
};

template <class T, class Node>
const T* as(const Node& node) {
  return std::get_if<T>(&node.node);
}

}  // namespace borel::typed

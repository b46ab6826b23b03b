/// The elaborator: walks the syntax tree and writes the typed program. Internal to sema.
///
/// Its member functions are spread over several .cpp files by subject; each group below names its
/// file. An error is reported once, where it is found; after it the expression or name is Poison,
/// and whatever meets Poison says nothing more.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/sema/sema.h"
#include "compiler/sema/size.h"
#include "compiler/sema/values.h"

namespace borel::sema {

using typed::ExprPtr;
using typed::FunctionId;
using typed::ModelId;
using typed::Op;
using typed::PlaceId;
using typed::Scalar;
using typed::Size;
using typed::Type;
using typed::VarId;

inline constexpr int max_specialisations = 10000;
inline constexpr int max_depth = 256;

/// A loop around the statement that is being elaborated. Without bounds: they are not sizes.
struct Loop {
  VarId variable = VarId::None;
  std::optional<Size> lower, upper;
  bool random = false;  // its bounds depend on a site
  size_t branches = 0;  // how many branches are around it
};

/// Something with parameters and a body, ready to be specialised.
struct Callable {
  const ast::FunctionDecl* decl = nullptr;  // of a def that is called by its name
  const void* identity = nullptr;           // the syntax node
  std::string name;  // "leapfrog", "Normal.logp": of diagnostics and IR symbols
  const std::vector<ast::Param>* params = nullptr;
  const ast::Block* block = nullptr;  // the body: either a block
  const ast::Expr* body = nullptr;    // or an expression
  const ast::TypeExpr* result = nullptr;
  bool may_draw = false;
  Captures captures;
  const std::vector<ast::LetStmt>* lets = nullptr;  // before the body
  const std::vector<ast::Requirement>* requirements = nullptr;
  const ast::FunctionDecl* constrained_by = nullptr;  // whose parameters' supports are required
  /// Types of parameters that have none in the source: of a distribution's value.
  std::vector<std::optional<Type>> implied;
  Span span;
  std::vector<Span> arg_spans;  // of the call, where the arguments are written out
};

/// One specialised function.
struct Specialisation {
  FunctionId id = FunctionId::None;
  Type result;
  bool has_result = false;  // known: declared, or the body is done
  bool done = false, failed = false;
};

/// A branch around a statement.
struct Branch {
  int number = 0;    // of the `if`: one for each time that it is elaborated
  int side = 0;      // 0: its condition holds
  size_t loops = 0;  // how many loops are around the `if`
  bool operator==(const Branch&) const = default;
};

/// What a branch's condition says of immutable ints.
struct Fact {
  enum class Kind { Zero, NotZero, NotNegative };
  Kind kind{};
  Size size;
};

struct Draw {
  Span span;
  std::vector<Size> at;                    // the indices, where the box is known
  std::vector<Loop> loops;                 // around it
  std::vector<Fact> facts;                 // that hold there
  std::vector<std::pair<Size, Size>> box;  // first and last index of each indexed dim
  bool boxed = true;                       // the box is known
  std::vector<Size> extents;               // that the site needs for it, all dims
  std::optional<Size> count;               // how many elements it draws, all turns together
  std::vector<Branch> path;
  size_t outside = 0;  // how many branches of the path are around all loops
};

/// What is known of one site of a model while it is elaborated.
struct SiteState {
  std::string name;
  typed::Site::Kind kind{};
  Type type;
  bool has_type = false;
  int outer_rank = 0;
  std::string support;
  bool discrete = false, simulable = true, conditional = false;
  std::string distribution;
  VarId variable = VarId::None;
  Span span;
  std::vector<Draw> draws;
  std::optional<Binding> observed;
};

struct ModelState {
  std::string name;
  std::vector<SiteState> sites;
  std::map<std::string, int, std::less<>> by_name;
  const ModelState* known = nullptr;  // from the first pass: final shapes
  std::set<VarId> random;             // variables that depend on latent sites
  std::map<std::string, Binding, std::less<>> observed;
  typed::Block prologue;  // checks of shapes, before everything else
};

/// A function, model or infer that is being elaborated.
struct Context {
  enum class Kind { Infer, Function, Model };
  Kind kind = Kind::Function;
  Context* caller = nullptr;
  Span call;         // where it is used
  std::string name;  // for messages
  Scope* scope = nullptr;
  typed::Block* block = nullptr;  // null at the top of an infer: lets become globals
  bool may_draw = false, draws = false;
  ModelState* model = nullptr;
  Scope* model_root = nullptr;  // where sites are declared
  std::string prefix;           // of the sites of a nested draw, "s."
  std::vector<Atom> prefix_indices;
  std::vector<Loop> loops;
  std::vector<Branch> path;
  std::vector<Fact> facts;
  const ast::Block* value_block = nullptr;   // whose last expression is the value
  std::optional<Value>* returned = nullptr;  // where an inlined body's value goes
  typed::Block* entry_block = nullptr;       // of an inlined body
  int loop_depth = 0;                        // loops around, within the body
  int while_depth = 0;
  std::optional<VarId> start, radius;  // in a machine's init
};

/// A use of a function under specialisation: variables and constants of the caller that become
/// leading parameters.
struct Slots {
  std::vector<Atom> atoms;
  std::vector<std::string> names;  // of the atoms
  std::map<VarId, int> index;
  std::string key;
  std::string capture;  // the name that is being described
  int literal = 0;      // above 0: real constants are part of the key, not slots
};

struct ModelEntry {
  ModelId id = ModelId::None;
  Type trace;  // latent and derived sites
  VarId dimension = VarId::None;
  bool staged = false;  // its body has stops
  VarId frame_reals = VarId::None, frame_ints = VarId::None, stage_count = VarId::None;
  bool failed = false;
  std::vector<SiteState> sites;
};

class Elaborator {
 public:
  Elaborator(const ast::File& main, Library& library, const AnalyseOptions& options,
             Diagnostics& diagnostics);
  std::optional<typed::Program> run();
  /// Errors in the declarations of the program that are not in `reached`.
  void check_unreached(std::set<const void*> reached);
  const std::set<const void*>& reached() const { return reached_; }

 private:
  // ---- build.cpp: making typed nodes, variables, statements ----
  static ExprPtr make(Span span, Type type, decltype(typed::Expr::node) node);
  static Type scalar_type(Scalar scalar);
  static Type real_type() { return scalar_type(Scalar::Real); }
  static Type int_type() { return scalar_type(Scalar::Int); }
  static Type bool_type() { return scalar_type(Scalar::Bool); }
  static Type array_type(Scalar scalar, std::vector<Size> dims, bool matrix = false);
  static ExprPtr constant(Span span, int64_t value);
  static ExprPtr constant(Span span, double value);
  static ExprPtr constant(Span span, bool value);
  ExprPtr reference(VarId variable, Span span) const;
  ExprPtr from_atom(const Atom& atom, Span span) const;
  ExprPtr builtin(Span span, Type type, Op op, std::vector<ExprPtr> args,
                  PlaceId place = PlaceId::None);
  template <class... Args>
  ExprPtr builtin(Span span, Type type, Op op, ExprPtr first, Args... rest) {
    std::vector<ExprPtr> args;
    args.push_back(std::move(first));
    (args.push_back(std::move(rest)), ...);
    return builtin(span, std::move(type), op, std::move(args));
  }
  VarId new_variable(std::string name, Type type, Span span, bool is_mutable = false);
  PlaceId new_place(Span span, std::string what, std::string site = {});
  void emit(Span span, decltype(typed::Stmt::node) node);
  void emit_let(VarId variable, ExprPtr value, Span span);
  bool is_global(VarId variable) const;
  bool is_local(const Size& size) const;
  /// The value as something that may be used any number of times: binds what is not yet.
  Binding bind(Value value, const std::string& name, Span span);
  Atom bind_atom(ExprPtr value, const std::string& name, Span span);
  /// A value to be elaborated where it may not be reached: its statements stay with it.
  template <class F>
  ExprPtr lazily(F elaborate) {
    typed::Block statements;
    typed::Block* outer = std::exchange(cx_->block, &statements);
    ExprPtr value = elaborate();
    cx_->block = outer;
    return with_statements(std::move(statements), std::move(value));
  }
  static ExprPtr with_statements(typed::Block statements, ExprPtr value);
  std::string unique_symbol(const std::string& name);

  // ---- shapes.cpp: sizes and types ----
  std::optional<Size> try_size(const typed::Expr& expr) const;
  Size size_of(ExprPtr& expr);  // binds what is no polynomial
  /// With a place, what overflows on the way is a fault there.
  ExprPtr size_expr(const Size& size, Span span, PlaceId place = PlaceId::None);
  /// Emits the check that an array of these extents does not have more bytes than int64 can count:
  /// a fault, or an error where that is known here.
  void check_bytes(const std::vector<Size>& dims, Span span, const std::string& what,
                   const std::string& site);
  std::string text(const Size& size) const;
  std::string text(const Type& type) const;
  /// Whether two extents are equal: reports what surely differs, checks at run time what may.
  bool same_size(const Size& a, const Size& b, Span span, const std::string& what);
  bool same_dims(const Type& a, const Type& b, Span span, const std::string& what);
  ExprPtr to_real(ExprPtr value);
  static bool is_numeric(const Type& type);
  static bool is_scalar(const Type& type, Scalar scalar);
  static bool is_array(const Type& type) { return type.kind == Type::Kind::Array; }
  /// The value as the wanted type (int becomes real), or an error that says `what` it is.
  ExprPtr coerce(ExprPtr value, const Type& wanted, Span span, const std::string& what);
  static bool equal_but_dims(const Type& a, const Type& b);
  /// The least type that both are (int and real: real); nothing when there is none.
  static std::optional<Type> join(const Type& a, const Type& b);

  // ---- type_exprs.cpp ----
  struct Declared {
    Type type;
    StaticPtr support;  // of a type that is a support: of its elements
    int64_t index_base = 0;
    std::optional<Size> index_bound;
    bool poisoned = false;
  };
  /// A written type in the current scope. With `actual`, size names that are not in scope are bound
  /// (in the current scope) to the actual's dims (`actual_bound`: what it indexes into); else with
  /// `fresh` they are made by it.
  Declared declared_type(const ast::TypeExpr& type, const Type* actual,
                         const std::function<std::optional<Size>(const ast::Name&)>& fresh = {},
                         const std::optional<Size>& actual_bound = {});
  std::optional<Size> written_size(
      const ast::Expr& expr, const Size* actual,
      const std::function<std::optional<Size>(const ast::Name&)>& fresh);
  /// Unit after an error.
  Type struct_type(const ast::StructDecl& decl);

  // ---- names.cpp ----
  /// The place, or what of the program led there when it is in the library.
  Span user_place(Span span) const;
  Diagnostic& error(std::string code, Span span, std::string message);
  const ast::Decl* find_decl(const std::string& name, Span from);
  Value name_value(const std::string& name, Span span);
  Value binding_value(const Binding& binding, Span span);
  std::vector<std::string> visible_names();
  void declare(const ast::Name& name, Binding binding);
  void declare(Scope* scope, const std::string& name, Binding binding, Span span);
  Captures capture(const std::set<std::string>& free_names, Span span);

  // ---- expressions.cpp, operators.cpp, indexing.cpp ----
  Value expr(const ast::Expr& e);
  ExprPtr runtime(Value value, Span span, const std::string& what = {});
  ExprPtr runtime_expr(const ast::Expr& e, const std::string& what = {});
  ExprPtr typed_expr(const ast::Expr& e, const Type& wanted, const std::string& what);
  ExprPtr condition(const ast::Expr& e);
  Value tuple(const ast::TupleExpr& e, Span span);
  Value make_tuple(std::vector<Value> elements, std::vector<std::string> fields, Span span,
                   const std::vector<Span>& spans);
  Value array(const ast::ArrayExpr& e, Span span);
  /// With `path`, of the element of the body (a struct) that the indices lead to.
  Value comprehension(const ast::Comprehension& e, Span span,
                      const std::vector<int32_t>* path = nullptr);
  Value brace(const ast::BraceExpr& e, Span span);
  Value conditional(const ast::ConditionalExpr& e, Span span);
  Value with(const ast::WithExpr& e, Span span);
  Value field(const ast::FieldExpr& e, Span span);
  /// `s.x`, `s[i].x`: the site x of a model that is drawn at s.
  std::optional<Value> nested_site(const ast::FieldExpr& e, Span span);
  Value field_of(Value base, const std::string& name, Span base_span, Span name_span, Span span);
  Value element_of(Value base, int64_t index, Span span);
  Value unary(const ast::UnaryExpr& e, Span span);
  Value binary(const ast::BinaryExpr& e, Span span);
  ExprPtr arithmetic(ast::BinaryOp op, ExprPtr a, ExprPtr b, Span span, Span op_span);
  ExprPtr product(ExprPtr a, ExprPtr b, Span span, Span op_span);
  ExprPtr power(ExprPtr a, ExprPtr b, Span span, Span op_span);
  ExprPtr elementwise(Op op, ExprPtr a, ExprPtr b, Scalar result, Span span, Span op_span,
                      std::string_view sign);
  Value index(const ast::IndexExpr& e, Span span);
  Value index_value(Value base, const std::vector<ast::ExprPtr>& indices, Span base_span,
                    Span span);
  ExprPtr index_runtime(ExprPtr base, std::vector<typed::Subscript> subscripts, Span span,
                        const std::string& what);
  ExprPtr element(const Atom& array, const std::vector<VarId>& at, Span span);
  bool never_negative(const Size& size) const;
  std::vector<typed::Subscript> subscripts(const std::vector<ast::ExprPtr>& indices,
                                           const Type& base, Span span, bool& ok);
  bool surely_in_range(const typed::Expr& index, const Size& extent);
  std::optional<Size> extreme(const Size& size, bool largest) const;
  std::optional<Size> extreme(const Size& size, bool largest, const std::vector<Loop>& loops) const;
  std::optional<Size> bound_of(const typed::Expr& index) const;

  // ---- records.cpp: arrays of structs ----
  static bool has_dims(const Type& type) {
    return is_array(type) || (type.kind == Type::Kind::Tuple && !type.dims.empty());
  }
  static Type array_of(const Type& element, const std::vector<Size>& dims);
  /// The type of what is under `count` indices.
  static Type without_dims(const Type& array, size_t count);
  /// Element i of a tuple. What is no tuple that is just being made is bound, so that the next
  /// element may be asked for.
  ExprPtr element_of_record(ExprPtr& value, size_t i, Span span);
  /// [a, b, c], for values of the type `element`.
  ExprPtr array_of_values(std::vector<ExprPtr> values, const Type& element, Span span);
  /// Subscripts that are used several times.
  struct BoundSubscript {
    typed::Subscript::Kind kind = typed::Subscript::Kind::At;
    std::optional<Atom> first, second;
    bool checked = true;
  };
  std::vector<BoundSubscript> bind_subscripts(std::vector<typed::Subscript> list);
  std::vector<typed::Subscript> subscripts_again(const std::vector<BoundSubscript>& list,
                                                 Span span) const;
  ExprPtr index_records(ExprPtr base, const std::vector<BoundSubscript>& list, Span span,
                        const std::string& what);
  /// The arrays of structs `base` with what is at the subscripts replaced.
  ExprPtr with_element(ExprPtr base, const std::vector<BoundSubscript>& list, ExprPtr value,
                       Span span, const std::string& what);
  /// A comprehension whose body is a struct: one for each of its elements, at `path` in the body.
  ExprPtr comprehension_of_records(const ast::Comprehension& e, const Type& element,
                                   std::vector<int32_t>& path, Span span);

  // ---- builtins.cpp ----
  bool is_builtin(const std::string& name) const;
  Value call_builtin(const std::string& name, const ast::CallExpr& call, Span span);
  Value call_math(const std::string& name, std::vector<ExprPtr> args, Span span);
  std::vector<std::string> builtin_names() const;

  // ---- calls.cpp ----
  Value call(const ast::CallExpr& e, Span span);
  Value call_value(const Value& callee, const ast::CallExpr& e, Span callee_span, Span span);
  Value call_static(const StaticPtr& callee, std::vector<Value> args, Span span);
  /// `spans`: of the arguments, where they are written out.
  Value call_decl(const ast::FunctionDecl& decl, std::vector<Value> args, Span span,
                  std::vector<Span> spans = {});
  Value call_member(const MemberValue& member, std::vector<Value> args, Span span);
  Value call_gradient(const GradientValue& gradient, std::vector<Value> args, Span span);
  std::string support_text(const ast::FunctionDecl& decl, const Scope& scope, Span span) const;
  /// Of a function in place whose value is known when the program is compiled, a model say.
  Value inline_lambda(const LambdaValue& lambda, std::vector<Value> args, Span span);
  Value inline_body(const ast::FunctionDecl& decl, std::vector<Value> args, Span span,
                    std::vector<Span> spans);
  Value construct(const ast::StructDecl& decl, const ast::CallExpr& e, Span span);
  bool gives_static(const ast::FunctionDecl& decl);
  bool gives_static(const ast::Expr& e, Span from);
  bool gives_static(const ast::Block& block);
  /// Arguments in the order of the parameters, defaults filled in; false after an error.
  bool arrange(const std::vector<ast::Param>& params, const std::string& what, Span declared,
               const std::vector<ast::Argument>& args, Span call, std::vector<Value>& out,
               std::vector<Span>& spans);
  std::vector<Value> plain_args(const ast::CallExpr& e, const std::string& what, bool& ok);
  bool check_count(const std::string& what, std::size_t wanted, std::size_t got, Span span);

  // ---- specialise.cpp ----
  Value specialise(const Callable& callable, std::vector<Value> args, Span span);
  std::optional<FunctionId> specialised(const Callable& callable, std::vector<Value>& args,
                                        Span span, std::vector<ExprPtr>& call_args, Type& result);
  /// The body of a function that the host supplies.
  bool host_function(const Callable& callable, const ast::CallExpr& body, Specialisation& spec);
  bool elaborate_body(const Callable& callable, Specialisation& spec);
  Type result_here(FunctionId id, const std::vector<ExprPtr>& call_args, Type result,
                   bool& complete);
  Type result_type(Type result, const std::map<VarId, std::optional<Size>>& known, bool& complete);
  ExprPtr with_fresh_sizes(ExprPtr call, Span span);
  void coerce_returns(typed::Block& block, const Type& type);
  void collect_returns(typed::Block& block, std::vector<typed::Return*>& out);
  bool too_deep(Span span);

  void describe(const Binding& binding, Slots& slots);
  void describe(const StaticPtr& value, Slots& slots);
  void describe(const Captures& captures, Slots& slots);
  void describe(const Size& size, Slots& slots);
  void describe(const Type& type, Slots& slots);
  int slot(VarId variable, Slots& slots);
  struct Rebuild {
    const Slots& slots;
    const std::vector<VarId>& variables;
    int next_constant = 0;
    int literal = 0;
  };
  Binding rebuild(const Binding& binding, Rebuild& state);
  StaticPtr rebuild(const StaticPtr& value, Rebuild& state);
  Captures rebuild(const Captures& captures, Rebuild& state);
  Size rebuild(const Size& size, Rebuild& state);
  Type rebuild(const Type& type, Rebuild& state);
  std::vector<VarId> slot_variables(const Slots& slots);
  std::vector<ExprPtr> slot_args(const Slots& slots, Span span) const;

  // ---- statements.cpp, control.cpp ----
  struct Rest {
    const ast::Block* block = nullptr;
    std::size_t index = 0;
    Scope* scope = nullptr;
    const Rest* next = nullptr;
  };
  /// Elaborates the statements from an index on, then `rest`; whether every way through returned.
  bool statements(const ast::Block& block, std::size_t from, const Rest* rest);
  bool resume(const Rest* rest);
  bool statement(const ast::Stmt& s);  // whether it returned
  void let(const ast::LetStmt& s, Span span);
  void bind_pattern(const ast::Pattern& pattern, Value value, Span span);
  void var(const ast::VarStmt& s, Span span);
  void assign(const ast::AssignStmt& s, Span span);
  bool branch(const ast::IfStmt& s, Span span, const Rest* rest);
  void for_loop(const ast::ForStmt& s, Span span);
  void unrolled(const ast::ForStmt& s, const std::vector<Value>& elements, Span span);
  void while_loop(const ast::WhileStmt& s, Span span);
  void return_value(const ast::Expr& value, Span span);
  void expression_statement(const ast::ExprStmt& s, Span span);
  template <class F>
  void nested_block(typed::Block& block, F elaborate) {
    Scope scope;
    scope.parent = cx_->scope;
    Scope* outer_scope = std::exchange(cx_->scope, &scope);
    typed::Block* outer = std::exchange(cx_->block, &block);
    elaborate();
    cx_->block = outer;
    cx_->scope = outer_scope;
  }
  static bool contains_return(const ast::Block& block);
  static bool contains_return(const ast::Stmt& s);

  // ---- distributions.cpp, supports.cpp ----
  Value make_distribution(const ast::DistributionExpr& e, Span span);
  bool apply_distribution_params(const ast::FunctionDecl& decl, std::vector<Value>& args,
                                 const std::vector<Span>& spans, DistributionValue& out);
  DistributionValue element_distribution(const DistributionValue& d, const std::vector<VarId>& at,
                                         Span span);
  /// Stands for any element, where only types are wanted.
  DistributionValue any_element(const DistributionValue& d);
  const ast::Method* distribution_method(const DistributionValue& d, const std::string& name,
                                         Span span, bool required = true);
  std::optional<Callable> distribution_callable(const DistributionValue& d, const std::string& name,
                                                Span span, bool required = true);
  StaticPtr distribution_support(const DistributionValue& d, Span span);
  std::optional<typed::Distribution> site_distribution(const DistributionValue& d,
                                                       const Type& value, Span span);
  /// An array of the values that `body` gives at each index of a shape.
  template <class F>
  ExprPtr comprehend(const std::vector<Size>& dims, Span span, F body);
  Value draw(const DistributionValue& d, Span span);
  Value call_distribution(const DistributionValue& d, const std::string& name,
                          std::vector<Value> args, Span span);
  Value iid(const ast::CallExpr& e, Span span);
  void require_parameters(const ast::FunctionDecl& decl);
  /// Whether the value is within the support; null where that goes without saying.
  ExprPtr contained(const SupportValue& support, const Atom& x, Span span);
  std::string constraint_text(const SupportValue& support, const std::string& name,
                              const ast::TypeExpr& type);

  StaticPtr as_support(const Value& value, Span span, const std::string& what);
  Value make_support(const ast::SupportExpr& e, Span span);
  const ast::Method* find_method(const SupportValue& s, const std::string& name);
  std::optional<Callable> support_method(const SupportValue& s, const std::string& name);
  /// Methods of the supports that are not written in the language: real, int, integers(…), …
  static bool is_base_method(const SupportValue& s, const std::string& name);
  Value call_base_support(const SupportValue& s, const std::string& name, std::vector<Value> args,
                          Span span);
  /// The value of a method whose body is one expression, computed in place.
  std::optional<Value> in_place(const Captures& captures, const std::vector<ast::LetStmt>& lets,
                                const ast::Method& method, const std::vector<Binding>& args);
  std::optional<typed::Support> site_support(const StaticPtr& support, Span span);
  std::optional<double> support_constant(const SupportValue& s, const std::string& name);
  /// What a `let` of the support holds.
  std::optional<Value> support_let(const SupportValue& s, const std::string& name);
  std::optional<bool> surely_contains(const SupportValue& s, double x, Span span);
  StaticPtr builtin_support(const std::string& name, Span span);
  Value support_of_builtin(const std::string& name, std::vector<Value> args,
                           const std::vector<ast::Argument>& written, Span span);
  std::optional<Type> element_type(const StaticPtr& support, Span span);
  std::optional<Size> support_reals(const SupportValue& s, Span span);
  static ExprPtr stand_in(Type type, Span span);

  // ---- models.cpp, traces.cpp, sites.cpp, site_shapes.cpp,
  // draws.cpp ----
  Value condition_model(const ast::ConditionExpr& e, Span span);
  /// The typed model of a model value, made at its first use; `captured` are its captured values.
  ModelEntry* model_entry(const StaticPtr& model, Span span, std::vector<ExprPtr>& captured);
  bool elaborate_model(const ModelValue& model, ModelState& state, typed::Block& body, Span span);
  void model_pass(const ModelValue& model, ModelState& state, typed::Block& body, Span span);
  bool check_gaps(const ModelState& state);
  bool check_filled(const SiteState& site);
  bool check_observations(const ModelValue& model, const ModelState& state);
  void finish_model(ModelState& state, typed::Model& model, ModelEntry& entry);
  Value make_reals(const ast::CallExpr& e, Span span);
  /// The model given the values that `trace` has for the sites that are not selected.
  StaticPtr hold_others(const StaticPtr& model, const SelectionValue& selection, const Atom& trace,
                        Span span);
  /// The type of a trace where the model's captured values are these.
  Type trace_type(const ModelEntry& entry, const std::vector<ExprPtr>& captured, Span span);
  Value reals_member(const StaticPtr& reals, const std::string& name, Span span);
  Value call_reals(const RealsValue& r, const std::string& name, std::vector<Value> args,
                   Span span);
  bool check_reals(const ModelEntry& entry, Span span);
  ExprPtr model_dimension(ModelEntry& entry, std::vector<ExprPtr> captured, Span span);
  Value simulate(const StaticPtr& model, Span span);
  Value trace_density(const StaticPtr& model, Value trace, Span span);

  // ---- stages.cpp: models that a population runs ----
  Value make_stages(const StaticPtr& model, Span span);
  Value stages_member(const StaticPtr& stages, const std::string& name, Span span);
  Value call_stages(const StagesValue& s, const std::string& name, std::vector<Value> args,
                    Span span);
  bool check_simulable(const ModelEntry& entry, const std::string& what, Span span);
  /// The trace of the whole model: what is free from `part`, the rest from the held trace.
  Value whole_trace(const RealsValue& r, ExprPtr part, Span span);
  /// The latent sites' values in a trace.
  bool latents_of(const ModelEntry& entry, Value trace, std::vector<ExprPtr>& out, Span span);

  void site(const ast::SiteStmt& s, Span span);
  void model_site(const ast::SiteStmt& s, Span span);
  void kernel_draw(const ast::SiteStmt& s, Span span);
  void record(const ast::RecordStmt& s, Span span);
  void nested_model(const ast::SiteStmt& s, const StaticPtr& model, std::vector<ExprPtr> indices,
                    Span span);
  /// The indices of a site; `rows` counts the `..` at their end: the dims of what is drawn there.
  bool site_indices(const ast::Target& target, std::vector<ExprPtr>& out, size_t& rows);
  SiteState* open_site(const ast::Name& name, typed::Site::Kind kind, Span span);
  /// What the condition says where it holds, or does not.
  void facts_of(const typed::Expr& condition, bool holds, std::vector<Fact>& out) const;
  /// Settles the site's type after one more draw of `inner` times `element`, whose last two dims
  /// together may be a matrix; false after an error.
  bool place_draw(SiteState& site, const std::vector<ExprPtr>& indices,
                  const std::vector<Size>& inner, const Type& element, bool matrix, Span span);
  bool grow(SiteState& site, const Type& type, Span span);
  ExprPtr site_element(const SiteName& name, Span span);
  /// Whether they stand in different branches of one `if` among the first `branches` of a's path.
  static bool exclusive(const Draw& a, const Draw& b, size_t branches);
  /// Whether another draw stands in the other branch of each condition around a draw.
  static bool always_drawn(const SiteState& site);
  /// A draw in another branch than this one, where none there is of the same element; else null.
  static const Draw* other_elements(const SiteState& site, const Draw& draw);
  bool overlap(const Draw& a, const Draw& b) const;
  /// Errors where some element of the site may be drawn again by the draw, or by it and an earlier.
  bool drawn_once(const SiteState& site, const Draw& draw);
  bool is_random(const typed::Expr& e) const;
  ExprPtr again(ExprPtr& e);  // a second copy of an int expression

  // ---- machines.cpp, infer.cpp ----
  Value make_machine(const ast::MachineExpr& e, Span span);
  bool machine(const MachineValue& m, Span span);
  /// The model whose trace a machine's draw returns; None where it is none, or not one that the
  /// runtime can know.
  ModelId recorded_model(const Type& trace);
  /// A model that says no more than the shape of a record; None where the type is no record of
  /// numbers and arrays whose sizes are known from the data.
  ModelId record_model(const std::string& name, const Type& record, Span span);
  std::optional<FunctionId> machine_method(const MachineValue& m, const ast::Method& method,
                                           const std::string& part, const Type* state,
                                           Type* result);
  bool machine_parameters(const MachineValue& m);
  /// The global that says how many steps the machine makes.
  std::optional<VarId> machine_steps(const MachineValue& m);
  /// The value of a constant expression of a type, or nothing after an error.
  ExprPtr constant_expr(const ast::Expr& e, const Type& type, const std::string& what);
  /// The info of a machine that has none.
  FunctionId no_statistics(const MachineValue& m, const Type& state, Span span);
  void declare_all(bool report);
  bool has_infer() const;
  const ast::FunctionDecl* choose_infer();
  bool infer(const ast::FunctionDecl& decl);
  void inputs(const ast::FunctionDecl& decl);
  void input(const ast::Param& param, const std::set<std::string>& size_params);
  /// What an input is where the data do not say.
  bool input_default(const ast::Param& param, const Declared& type, typed::Input& out);
  /// Whether data can bind it: a size symbol, perhaps plus a constant, or a constant.
  bool is_bound_by_data(const Size& size) const;
  /// The dims of data as they are bound (typed::Input::dims), with the checks that this takes.
  std::vector<Size> bound_dims(const Type& type, const std::string& name, Span span);
  std::optional<Value> model_infer(const ast::FunctionDecl& decl);
  bool finish_infer(const Value& result, Span span);
  /// What surely does not fit into memory is refused when data are bound.
  void check_site_sizes();
  /// After errors: what else is wrong, in declarations that the infer did not reach.
  void check_the_rest();

  // Chooses where diagnostics go; null restores the real ones.
  class Muted {
   public:
    explicit Muted(Elaborator& e) : e_(e), outer_(std::exchange(e.diagnostics_, &own_)) {}
    ~Muted() { e_.diagnostics_ = outer_; }
    Muted(const Muted&) = delete;
    Muted& operator=(const Muted&) = delete;

   private:
    Elaborator& e_;
    Diagnostics own_;
    Diagnostics* outer_;
  };
  bool muted() const { return diagnostics_ != real_diagnostics_; }

  const ast::File& main_;
  Library& library_;
  const AnalyseOptions& options_;
  Diagnostics* diagnostics_;
  Diagnostics* real_diagnostics_;
  typed::Program program_;
  Context* cx_ = nullptr;
  std::map<std::string, const ast::Decl*, std::less<>> main_decls_;
  std::map<std::string, Span> places_of_names_;
  std::unordered_map<std::string, std::unique_ptr<Specialisation>> specialisations_;
  std::unordered_map<std::string, std::unique_ptr<ModelEntry>> models_;
  std::map<VarId, Size> known_size_;    // immutable ints that are polynomials of others
  std::map<VarId, Size> index_bounds_;  // index arrays: every element is in [0, bound)
  std::set<VarId> not_negative_;        // extents
  int branches_ = 0;                    // how many have been elaborated
  std::map<std::string, int> symbols_;
  std::map<const ast::FunctionDecl*, int> static_result_;  // 0 asked, 1 no, 2 yes
  std::vector<std::string> chain_;   // what is being elaborated, outermost first
  std::vector<const void*> active_;  // the functions among them
  std::vector<typed::MachineParameter> machine_parameters_;
  ModelId drawn_model_ = ModelId::None;
  std::vector<const ast::StructDecl*> open_structs_;  // whose types are being made
  bool limit_reported_ = false;
  bool defaults_ = false;          // inputs may have some: they are an infer's
  std::set<const void*> reached_;  // declarations that have been elaborated
};

}  // namespace borel::sema

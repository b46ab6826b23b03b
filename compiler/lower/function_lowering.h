/// Lowers the body of one function: statements to structured operations in value form, expressions
/// to values or views.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "compiler/lower/module_lowering.h"
#include "compiler/support/diagnostics.h"

namespace borel::lowering {

class FunctionLowering {
 public:
  /// `function` has an entry block without operations.
  FunctionLowering(ModuleLowering& module, mlir::func::FuncOp function);

  /// The function's arguments are these variables, flattened.
  void bind_params(const std::vector<typed::VarId>& params);
  void lower_function(const typed::Function& function);
  void lower_host(const typed::Function& function);
  void lower_global(const typed::Global& global);
  /// A function that returns a global's value.
  void lower_reader(typed::VarId global);
  void lower_model(const typed::Model& model);
  void lower_shape(const typed::Model& model);
  mlir::OpBuilder& builder() { return b_; }

 private:
  /// Where an induction variable runs.
  struct Range {
    typed::Size lower, upper;
  };
  /// How a subscripted access addresses one dimension of an array's storage.
  struct Selector {
    enum class Kind { Fixed, Window, Gather };
    Kind kind = Kind::Window;
    mlir::Value index;   // Fixed: which; Window: where it begins, null for 0
    View gathered;       // Gather: the indices
    mlir::Value extent;  // Window and Gather
    bool full = false;   // Window over the whole dimension
  };
  struct Selection {
    mlir::Value array;
    std::vector<Selector> selectors;  // one for each storage dimension
    std::vector<size_t> free;         // the dimensions that remain, outermost first
    mlir::IntegerAttr place;          // set where an index is checked
  };
  using Assigned = std::set<typed::VarId>;

  // Statements (statements.cpp).
  void lower_block(const typed::Block& block);
  Values lower_tail(const typed::Block& block, size_t from, mlir::TypeRange results);
  void lower_statement(const typed::Stmt& stmt);
  void lower_if(const typed::If& stmt);
  void lower_for(const typed::For& stmt);
  void lower_while(const typed::While& stmt);
  void lower_assign(const typed::Assign& stmt);
  /// What statements assign of the variables that exist now.
  Assigned assigned(const typed::Block& block) const;
  Values carried(const Assigned& variables) const;
  void rebind(const Assigned& variables, mlir::ValueRange values);

  // Models (models.cpp).
  void lower_sample(const typed::Sample& stmt);
  void lower_record(const typed::Record& stmt);
  void make_site_variables(const typed::Model& model);
  /// The site's data, as prob.observed.
  mlir::Value observed_value(const typed::Expr& data, typed::SiteIndex site);
  /// Makes sure that sizes in `size` can be evaluated here, from the model's leading `let`s.
  void need_size(const typed::Size& size);
  void need_variables(const typed::Expr& expr);
  Values site_indices(const typed::Site& site, const std::vector<typed::ExprPtr>& indices);
  void store_site(const typed::Site& site, mlir::ValueRange indices, mlir::Value value,
                  const std::vector<typed::ExprPtr>& index_exprs, typed::PlaceId place);

  // Expressions (expressions.cpp).
  Values values(const typed::Expr& expr);
  mlir::Value value(const typed::Expr& expr);
  Values all_values(const std::vector<typed::ExprPtr>& exprs);
  Values variable(typed::VarId id);
  Values conditional(const typed::Conditional& node, const typed::Type& type);
  Values call(mlir::func::FuncOp callee, mlir::ValueRange args);
  Values model_call(const typed::ModelCall& node);
  mlir::Value lazy_logic(const typed::Builtin& node);
  mlir::Value size_value(const typed::Size& size);
  /// The extent of an array that is made with this size: 0 where the size is negative.
  mlir::Value extent_value(const typed::Size& size);
  mlir::Value extent_value(const typed::Expr& size);
  /// Whether all variables of `size` have a value here.
  bool size_known(const typed::Size& size) const;
  Values zeros(const typed::Type& type);
  Values zeros(const typed::Type& type, mlir::ValueRange extents);
  std::optional<typed::Size> as_size(const typed::Expr& expr) const;
  bool known_in_range(const typed::Expr& index, const typed::Size& extent) const;
  bool known_ordered(const typed::Expr& lower, const typed::Expr& upper) const;
  bool cannot_fail(const typed::Expr& expr) const;
  bool is_index_arithmetic(const typed::Expr& expr) const;

  // Scalar operations (operations.cpp).
  mlir::Value operation(typed::Op op, mlir::ValueRange args, typed::PlaceId place);
  mlir::Value place_on(mlir::Value value, typed::PlaceId place);

  // Arrays (arrays.cpp).
  View view(const typed::Expr& expr);
  View view_of(mlir::Value value);
  View peel(const View& view, mlir::Value index);
  View elementwise(std::vector<View> args, std::function<mlir::Value(mlir::ValueRange)> combine);
  View aligned(const typed::Expr& arg, bool matrix);
  View transposed(const View& view);
  View comprehension(const typed::Comprehension& node, llvm::ArrayRef<size_t> order,
                     llvm::ArrayRef<typed::Size> dims);
  View index(const typed::Index& node, const typed::Type& result);
  View selected(const Selection& selection);
  View filled(mlir::Value scalar, Values extents);
  View cheap(const View& view);
  mlir::Value scalar(const View& view);
  mlir::Value materialise(const View& view);
  mlir::Value sum(const View& view);
  mlir::Value make_array(const typed::MakeArray& node, const typed::Type& type);
  mlir::Value loop_over(mlir::Value extent, bool summing,
                        llvm::function_ref<mlir::Value(mlir::Value)> term);
  Selection select(mlir::Value array, const typed::Type& type, Values extents,
                   const std::vector<typed::Subscript>& subscripts, bool result_matrix,
                   typed::PlaceId place);
  void fix(Selection& selection, mlir::Value position);
  void check_window(mlir::Value lower, mlir::Value upper, mlir::Value extent, typed::PlaceId place);
  mlir::Value store(const Selection& selection, const View& value);
  mlir::Value at_all(const View& view, mlir::ValueRange indices);

  // Linear algebra (linear_algebra.cpp).
  View matrix_product(const typed::Expr& left, const typed::Expr& right);

  mlir::IntegerAttr place_attribute(typed::PlaceId place);
  mlir::Value integer(int64_t value) { return prob::int_constant(b_, loc_, value); }
  [[noreturn]] void bug(const std::string& what) const;

  ModuleLowering& module_;
  const typed::Program& program_;
  mlir::func::FuncOp function_;
  mlir::OpBuilder b_;
  mlir::Location loc_;
  Span span_;
  const typed::Model* model_ = nullptr;
  bool reads_observed_ = false;  // the function is a model's body
  std::map<typed::VarId, Values> variables_;
  std::map<typed::VarId, Values> globals_;  // read once, at the function's entry
  std::map<typed::VarId, Range> ranges_;
  std::map<typed::VarId, Values> site_extents_;  // in storage order, by the site's variable
};

/// Storage dimension of a dimension: a matrix's last two are exchanged.
inline size_t storage_dim(const typed::Type& type, size_t dim) {
  const size_t rank = type.dims.size();
  if (!type.matrix || dim + 2 < rank) return dim;
  return dim + 1 == rank ? rank - 2 : rank - 1;
}
/// The dims of an array in storage order.
std::vector<typed::Size> storage_dims(const typed::Type& type);

/// Polynomials.
typed::Size constant_size(int64_t value);
typed::Size add(const typed::Size& a, const typed::Size& b, int64_t scale = 1);  // a + scale b
typed::Size multiply(const typed::Size& a, const typed::Size& b);
std::optional<int64_t> constant_of(const typed::Size& size);

}  // namespace borel::lowering

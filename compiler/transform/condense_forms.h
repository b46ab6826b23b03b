/// Values of a loop's body as linear forms: sums over columns of data, each times a coefficient of
/// parameters that does not vary within a group of iterations.
#pragma once

#include <memory>

#include "compiler/analysis/data_only.h"
#include "compiler/dialect/prob.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {

/// A null column is of ones, a null coefficient 1.
struct LinearForm {
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>, 4> terms;
};

/// scale * sum over iterations of a * b; a null scale is 1. The values in the loop that the forms
/// are of; of ones there is none.
struct FormProduct {
  mlir::Value scale;
  const LinearForm *a = nullptr, *b = nullptr;
  mlir::Value a_value, b_value;
};
using FormProducts = llvm::SmallVector<FormProduct, 2>;

/// `index` without what does not vary in the loop; null where nothing is left.
mlir::Value stripped_index(mlir::Value index, prob::ForOp loop);

class LinearForms {
 public:
  static constexpr size_t most_columns = 12;

  /// `group` is the data that tells the iterations' groups, null where all are of one. Coefficients
  /// are computed at the end of `block`, whose first argument is the group there.
  LinearForms(prob::ForOp loop, const analysis::DataOnly& data, mlir::Value group,
              mlir::Block& block);
  ~LinearForms();
  LinearForms(const LinearForms&) = delete;
  LinearForms& operator=(const LinearForms&) = delete;

  enum class Varies { Not, ByGroup, ByIteration };
  Varies varies(mlir::Value value);
  /// Whether it depends on the iteration, and on more than data.
  bool is_mixed(mlir::Value value);

  /// A value that does not vary within a group, in the block.
  mlir::Value of_group(mlir::Value value);
  /// scale * value as a sum of products, appended to `out`; false where it is none.
  bool products(mlir::Value value, mlir::Value scale, FormProducts& out);
  /// a * b, where null is 1.
  mlir::Value times(mlir::Value a, mlir::Value b);
  mlir::Value number(double value);

  /// Products of columns that were made in the loop went with it.
  void forget_columns() { columns_.clear(); }

 private:
  const LinearForm* form(mlir::Value value);
  static bool add_term(LinearForm& out, mlir::Value column, mlir::Value coefficient);
  bool add_form(LinearForm& out, const LinearForm& form, bool negated);
  bool linear(mlir::Value value, LinearForm& out);
  bool scaled(mlir::Value value, mlir::Value factor, LinearForm& out);
  bool by_data(mlir::Value value, mlir::Value by, bool divided, LinearForm& out);

  prob::ForOp loop_;
  mlir::Location loc_;
  const analysis::DataOnly& data_;
  mlir::Value group_;
  mlir::Block& block_;
  mlir::OpBuilder b_;
  const LinearForm ones_{{{mlir::Value(), mlir::Value()}}};
  llvm::DenseMap<mlir::Value, Varies> varies_;
  mlir::IRMapping grouped_;
  llvm::DenseMap<mlir::Value, std::unique_ptr<LinearForm>> forms_;
  llvm::SmallVector<mlir::Operation*> columns_;  // made of others, in the loop
};

}  // namespace borel::transform

/// Which values depend on data alone: computed from prob.data, constants and pure operations. In a
/// loop whose bounds depend on data alone the induction variable counts as data. These values can
/// be computed once, when data is bound.
#pragma once

#include "llvm/ADT/DenseSet.h"

#include "compiler/dialect/prob.h"

namespace borel::analysis {

class DataOnly {
 public:
  /// Looks at `block` and at the bodies of the prob.for loops in it, however deep.
  explicit DataOnly(mlir::Block& block) { visit(block); }

  bool contains(mlir::Value value) const { return values_.contains(value); }
  /// For a pass that makes new values of data.
  void insert(mlir::Value value) { values_.insert(value); }
  /// For a pass that erases `op`: its values' addresses may be used again.
  void forget(mlir::Operation* op);

 private:
  void visit(mlir::Block& block);
  bool region_op_is_data(mlir::Operation* op) const;

  llvm::DenseSet<mlir::Value> values_;
};

}  // namespace borel::analysis

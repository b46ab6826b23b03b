/// Array expressions that are computed where their elements are wanted.
///
/// A view gives, for one index into its leading dimension, the view of what is under it; at rank 0
/// it is a scalar. Peeling emits the code for the element, so a whole elementwise expression
/// becomes the body of one loop nest and no intermediate array exists. Dimensions are in storage
/// order: those of a matrix are columns, rows.
#pragma once

#include <functional>

#include "compiler/dialect/prob.h"

namespace borel::lowering {

using Values = llvm::SmallVector<mlir::Value, 4>;

struct View {
  Values extents;  // one for each dimension

  /// Either a value: an array under a prefix of indices, which `place` (where set) checks …
  mlir::Value base;
  Values prefix;
  mlir::IntegerAttr place;
  /// … or a rule that gives what is under an index.
  std::function<View(mlir::Value index)> element;
  /// Asking for an element twice costs no more than an access each time.
  bool cheap = false;

  size_t rank() const { return extents.size(); }
  /// A whole value that exists.
  bool is_value() const { return base && prefix.empty(); }
};

}  // namespace borel::lowering

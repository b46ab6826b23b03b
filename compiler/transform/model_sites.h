/// What a model's `prob.sites` says, and where `prob.shape` puts each site: shared by the passes
/// that turn a model into densities and traces.
#pragma once

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace borel::transform {

struct ModelSite {
  enum class Kind { Latent, Derived, Observed };
  int64_t index = 0;  // into prob.sites
  Kind kind = Kind::Latent;
  mlir::Type type;            // of the whole site
  unsigned draw_rank = 0;     // leading dimensions that number its draws
  bool moves = false;         // at a stop it is known by its latest value, without the first dim
  bool column_major = false;  // the last two dimensions lie the other way round
  int64_t shape_result = 0;   // its first result of the shape function: dims…, offset in u
  int64_t offset_result = 0;  // that of its offset
};

/// The sites in the order of a draw: latent, derived, observed, each in source order.
llvm::SmallVector<ModelSite> model_sites(mlir::func::FuncOp model);
llvm::SmallVector<ModelSite> latent_sites(mlir::func::FuncOp model);

/// Calls the model's shape function at the start of `function`, whose first arguments are the
/// model's: (dimension, draw size, then for each site its dims and its offset in u or -1).
mlir::ValueRange call_shape(mlir::func::FuncOp function);

/// Row-major position of an element.
mlir::Value linear_index(mlir::OpBuilder& b, mlir::Location loc, mlir::ValueRange indices,
                         mlir::ValueRange extents);

/// `a + b`, `a * b` of sizes, folded.
mlir::Value add_sizes(mlir::OpBuilder& b, mlir::Location loc, mlir::Value x, mlir::Value y);
mlir::Value multiply_sizes(mlir::OpBuilder& b, mlir::Location loc, mlir::Value x, mlir::Value y);

/// Gives `function` another type after its arguments or returned values changed.
void update_type(mlir::func::FuncOp function);

}  // namespace borel::transform

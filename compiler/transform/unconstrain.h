/// From a density of the sites' values to one of a vector of reals.
///
/// What: the trace arguments become one argument u: real[n]; each prob.latent becomes a read of u,
/// a call of the site's `constrain`, and the score of the log Jacobian (`jacobian = false`:
/// without). u holds the latent sites in order; a site's elements row major (a matrix is stored
/// transposed, so column by column), each element its unconstrained reals in turn. Where a site
/// begins is computed by the model's shape function (`prob.shape`), called at entry. What it
/// preserves: the measure, carried from the supports to R^n (its density there). Where in the
/// order: after density.
#pragma once

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

struct UnconstrainOptions {
  bool jacobian = true;
};

mlir::LogicalResult unconstrain(mlir::func::FuncOp density, const UnconstrainOptions& options = {});

/// Where in u the reals of the element that a prob.latent reads begin.
mlir::Value position_in_reals(mlir::OpBuilder& b, prob::LatentOp latent, mlir::Value site_offset);

}  // namespace borel::transform

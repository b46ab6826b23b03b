/// From a model to its density with respect to the sites' own base measures.
///
/// What: prob.sample becomes prob.latent, the site's value read from a new argument, and the score
/// of its log density; prob.observe the score of its data; prob.record goes. The new arguments
/// follow the model's, one for each latent site in order: a scalar, or the whole array. The model's
/// results go (`keep_values`: stay), and `prob.model` goes. What it preserves: the sum of scores is
/// the log density of the model's joint measure at the trace that the arguments state and the data
/// that it observes. Where in the order: first; then unconstrain.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

struct DensityOptions {
  bool scores = true;        // false: the values of sites only
  bool prior = true;         // false: without the scores of latent sites
  bool keep_values = false;  // the function still returns the sites' values
};

mlir::LogicalResult density(mlir::func::FuncOp model, const DensityOptions& options = {});

}  // namespace borel::transform

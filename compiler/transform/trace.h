/// From a model to functions on its traces. All run on a copy of a model.
///
/// Where in the order: first, in place of density (they call it where they need it); the results
/// are ordinary functions after inlining.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// (model's arguments…, u: real[n]) -> values of the latent, then of the derived sites. The
/// conditions that the model requires do not matter.
mlir::LogicalResult constrain_trace(mlir::func::FuncOp model);

/// (model's arguments…, latent sites' values…) -> u: real[n], the inverse of constrain_trace.
mlir::LogicalResult unconstrain_trace(mlir::func::FuncOp model);

/// (model's arguments…) -> values of the latent, then of the derived sites, drawn from the joint
/// distribution with the observed sites held. Fails where a distribution has no sampler.
mlir::LogicalResult simulate(mlir::func::FuncOp model);

/// (model's arguments…, latent sites' values as reals…) -> values of the observed sites as reals,
/// drawn one after another: what reads an observed site by its name reads what was drawn. Elements
/// that the model does not draw are as observed. Fails where a distribution has no sampler.
mlir::LogicalResult predict(mlir::func::FuncOp model);

/// (model's arguments…, latent sites' values as reals…) -> for each observed site the log density
/// of each of its draws: an array over its draws, 0 where the model does not draw. Calls of log
/// densities stay calls: their requirements are part of their values (see accumulate.h).
mlir::LogicalResult log_likelihood(mlir::func::FuncOp model);

/// Reads of observed sites become reads of their data.
void hold_observed(mlir::func::FuncOp model);

/// (model's arguments…, latent sites' values…) with the scores of the density on the supports: what
/// density makes, with prob.latent replaced by reads of the arguments.
mlir::LogicalResult trace_density(mlir::func::FuncOp model);

/// The same without the log densities of the latent sites: what is observed, and factors.
mlir::LogicalResult held_density(mlir::func::FuncOp model);

/// The same with only those terms that values of these sites can change.
mlir::LogicalResult changed_density(mlir::func::FuncOp model, llvm::ArrayRef<int64_t> sites);

/// (model's arguments…, latent sites' values…) -> values of the latent, then of the derived sites.
mlir::LogicalResult complete_trace(mlir::func::FuncOp model);

}  // namespace borel::transform

/// From a model to a machine that a population of runs goes through stage by stage.
///
/// Why: sequential Monte Carlo runs many particles to an observation, weighs and resamples them,
/// and goes on. What: the model's stops (prob.stop) cut it into stages. A stage is one plate over
/// the particles: what a particle needs of the stages before, and nothing else, is its frame, F
/// reals and G whole numbers in columns of two arrays, so that a state-space model keeps its state
/// alone and every stage is vector code. Since all particles come by the same stops, where they are
/// is one number for all of them. What depends on data alone is computed once for all particles, or
/// when data are bound.
/// What it preserves: summed over what is drawn, the product of the stages' weights is the model's
/// evidence, and particles weighted by it follow the posterior. Draws take their uniforms by
/// (particle, number), so results do not depend on lanes or threads.
/// Where in the order: from derive, each on a copy of the model with arguments a…. Frames are
/// real[F, n] and int[G, n]; a path is the frames of one particle, a column for each stage.
///   stage_count    (a…) -> i64
///   frame_reals    (a…) -> F
///   frame_ints     (a…) -> G
///   advance        (a…, stage, frames, log weights) -> (frames, log weights)
///   follow         (a…, stage, frames, log weights, path) -> (frames, log weights)
///   transition     (a…, stages done, frames, frames after the next stage, a column) -> real[n]
///   path_trace     (a…, path) -> the trace of latent and derived sites
///   trace_path     (a…, values of the latent sites) -> path
///   stage_values   (a…, frames) -> of each latent and derived site the n values
///   stage_summary  (a…, frames, weights) -> of each the weighted mean and standard deviation
///   check_stage    (a…, stages done, log weights) -> ()
///
/// Beyond the last stage advance changes nothing. follow has the last particle draw what the path
/// has. transition is the log density of a stage's draws, and its log weight, were each particle to
/// have come to that column. Of a path that trace_path makes only the rows of sites are filled.
/// check_stage is a fault at the observation of the latest stage where no weight is above 0.
///
/// The frame. Named values are: what later stages read of this one, what loops with stops carry,
/// and the sites' values. Two of them share rows when they are equal at every stop at which both
/// matter.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// `log densities` may be calls of functions whose requirements are already part of their values.
mlir::LogicalResult stage_count(mlir::func::FuncOp model);
mlir::LogicalResult frame_reals(mlir::func::FuncOp model);
mlir::LogicalResult frame_ints(mlir::func::FuncOp model);
mlir::LogicalResult advance_stage(mlir::func::FuncOp model);
mlir::LogicalResult score_transition(mlir::func::FuncOp model);
mlir::LogicalResult follow_path(mlir::func::FuncOp model);
mlir::LogicalResult trace_path(mlir::func::FuncOp model);
mlir::LogicalResult path_trace(mlir::func::FuncOp model);
mlir::LogicalResult stage_values(mlir::func::FuncOp model);
mlir::LogicalResult check_stage(mlir::func::FuncOp model);
mlir::LogicalResult summarise_stage(mlir::func::FuncOp model);

/// Removes prob.stop: what all other functions made from models do.
void drop_stops(mlir::func::FuncOp model);

}  // namespace borel::transform

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
/// Where in the order: from derive, each on a copy of the model:
///   stage_count  (a…) -> i64         frame_reals, frame_ints  (a…) -> i64, F and G
///   advance       (a…, stage, real[F, n], int[G, n], log weights: real[n]) -> the same without
///   stage
///                 beyond the last stage nothing changes
///   transition    (a…, stages done, real[F, n], int[G, n], then frames after the next stage, a
///   column of
///                 them) -> real[n]: the log density of that stage's draws, and its log weight,
///                 were each particle to have come to that column
///   follow        as advance, then a path, real[F, stages], int[G, stages]: the last particle
///   draws what
///                 the path has
///   path_trace    (a…, a path) -> the trace of a particle whose frames after each stage these are
///   trace_path    (a…, the latent sites' values) -> a path: of its frames what sites hold, else
///   zeros check_stage   (a…, stages done, log weights: real[n]) -> (): where none of them is above
///   -infinity
///                 a fault at the observation of the latest stage
///   stage_summary (a…, real[F, n], int[G, n], weights: real[n]) -> for each latent and derived
///   site
///                 the weighted mean and standard deviation of its value at the last stop
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
mlir::LogicalResult check_stage(mlir::func::FuncOp model);
mlir::LogicalResult summarise_stage(mlir::func::FuncOp model);

/// Removes prob.stop: what all other functions made from models do.
void drop_stops(mlir::func::FuncOp model);

}  // namespace borel::transform

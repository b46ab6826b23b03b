/// Functions made from models and functions: fills every declaration with `prob.derive`.
///
/// The attribute is {kind, of = @source, wrt = […]}. For a model m with arguments a… (usually
/// none), latent sites x…, derived sites y…:
///   log_density, log_density_plain                    (a…, u) -> real; plain: without log Jacobian
///   log_density_gradient, log_density_gradient_plain  (a…, u) -> (real, its gradient by u)
///   likelihood                                        (a…, u) -> real, of what is observed alone
///   hessian_vector, hessian_vector_plain     (a…, u, v) -> (real, its gradient, its Hessian · v)
///   constrain                                         (a…, u) -> (x…, y…)
///   unconstrain                                       (a…, x…) -> u
///   trace_log_density                                 (a…, x…) -> real, on the supports
///   simulate                                          (a…) -> (x…, y…)
///   predict                      (a…, x as reals…) -> the observed sites as reals, drawn anew
///   log_likelihood               (a…, x as reals…) -> the log density of each observed draw
///   diagnose                                          (a…, u) -> (), a fault at what is not finite
///   dimension                                         (a…) -> the length of u
///   stage_count, frame_reals, frame_ints, advance, stage_summary: see suspend.h
/// For an ordinary function f:
///   gradient                       (arguments…) -> (results…, adjoints of those that `wrt` marks)
/// The model's shape function (`prob.shape`, which lowering makes) is (a…) -> (length of u, number
/// of values in a draw, then for each site, latent, derived, observed: its extents and its offset
/// in u or -1).
///
/// Declarations are private; those with `prob.entry` become public when they are made. Each is made
/// once, on a copy of its source: density, unconstrain, inlining, accumulate, gradient, as it needs
/// them. A function that stays private keeps the attribute, so that inlining leaves its calls
/// alone. Afterwards no prob.require is left outside of models (see accumulate.h). Where in the
/// order: first; the loop passes then see ordinary functions.
#pragma once

#include <functional>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

struct DeriveOptions {
  /// Run on a function before it is differentiated: the loop passes that make gradients good.
  std::function<mlir::LogicalResult(mlir::func::FuncOp)> prepare;
};

mlir::LogicalResult derive(mlir::ModuleOp module, const DeriveOptions& options = {});

}  // namespace borel::transform

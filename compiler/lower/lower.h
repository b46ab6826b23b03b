/// From the typed program to prob IR (compiler/dialect/prob.td): the only code that sees both.
///
/// What it makes, one module a program:
///  - a prob.slot for each size symbol ("size.J") and input ("input.y"), in the descriptor's order;
///  - a private function for each function used, and "global.x" for each `let` of the infer;
///  - a function with `prob.model` for each model. Its arguments are the model's captured values;
///  it
///    returns the values of its latent and then of its derived sites. `prob.sites` describes the
///    sites, `prob.shape` names the function that computes the shape of a draw
///    (transform/derive.h);
///  - declarations with `prob.derive` for every function that is to be made from a model (its log
///    density, …) or from a function (its gradient); the derive pass fills them;
///  - entries (`prob.entry`) "machine.init", "machine.step", "machine.draw", "machine.info",
///    "machine.metric", "machine.steps".
///
/// How values are represented: a tuple is the list of its elements' values; an array is a tensor
/// whose dimensions are all dynamic; the last two dimensions of a matrix are exchanged, so that the
/// tensor, row major, is the matrix column by column. Variables are SSA values: what a loop or a
/// branch assigns, it carries or yields. An elementwise expression becomes one loop nest whatever
/// its size: arrays in it are views (views.h) whose elements are computed where they are wanted.
///
/// Throws InternalError where the typed program breaks what typed.h promises.
#pragma once

#include <string>

#include "compiler/sema/typed.h"
#include "compiler/support/description.h"
#include "compiler/support/source.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace borel {

/// Which functions of each model the artefact exports, besides those that its machine calls.
struct LowerOptions {
  bool log_density = true, log_density_gradient = true;  // both with and without log Jacobian
  bool constrain = true, unconstrain = true, simulate = true, diagnose = true;
  bool predict = true, log_likelihood = true;  // of models with observed sites
  bool hessian = false;                        // products with it
};

struct LowerResult {
  ProgramDescription description;
};

mlir::OwningOpRef<mlir::ModuleOp> lower(const typed::Program& program, const SourceManager& sources,
                                        mlir::MLIRContext& context, const LowerOptions& options,
                                        LowerResult& result);

/// Brings the description's places up to date: passes may add to a module's `prob.places`.
void read_places(mlir::ModuleOp module, ProgramDescription& description);

}  // namespace borel

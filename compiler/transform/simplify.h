/// Simplification: upstream canonicalisation, common subexpressions and loop-invariant code motion,
/// with the algebra of reals and of loops that a person would do by hand (simplify_scalar.h,
/// simplify_loops.h). Runs on functions, several times: after structure, after gradient and after
/// fuse, each of which leaves work for it.
///
/// What "same meaning" is here: where the old program's values are finite the new one's agree to
/// rounding; where a sum of log densities is -infinity it stays so; NaN may only come from what was
/// NaN, an infinity of a parameter-dependent factor, or an intermediate that leaves the range of
/// the type. Each rule says why it keeps this.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_simplify_pass();

}  // namespace borel::transform

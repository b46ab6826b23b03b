/// Branches of plates become choices.
///
/// A plate runs over vector lanes, where both sides of a branch are computed anyway. What a branch
/// yields is then a choice between two values, which simplify can take apart: the logarithm in
/// `if c { a } else { a + log1p(e) }` joins the loop's sum of logarithms. Only branches of scalars
/// go, whose operations may run where the branch is not taken, and few of them.
///
/// Runs after gradient, whose derivative of a choice would multiply what is not chosen by zero, be
/// it infinite or not; last but for simplify.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_flatten_pass();

}  // namespace borel::transform

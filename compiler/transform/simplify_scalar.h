/// Rewrite patterns on single operations: powers, logarithms, signs, quotients, and moving
/// loop-invariant parts of products and sums together. Part of simplify.
#pragma once

#include "mlir/IR/PatternMatch.h"

namespace borel::transform {

void add_scalar_patterns(mlir::RewritePatternSet& patterns);

}  // namespace borel::transform

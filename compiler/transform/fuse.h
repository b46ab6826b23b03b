/// Fusion of plates. Two plates over the same range in one block become one loop, so that what both
/// compute is computed once and what one hands to the other through an array stays in a register.
///
/// A consumer may read the producer's maps at its own iteration only; a consumer of the producer's
/// sums stays behind it; intos that continue one another join (additions commute). Independent
/// plates merge too. Pure operations between the two move out of the way. Runs after simplify
/// (which makes equal bounds equal values) and leaves common subexpressions to the next one. Loops
/// with carries stay as they are: see split.h.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace mlir {
class Block;
}

namespace borel::transform {

/// Fuses the plates of a block, then those of the blocks in it.
void fuse_plates(mlir::Block& block);

std::unique_ptr<mlir::Pass> create_fuse_pass();

}  // namespace borel::transform

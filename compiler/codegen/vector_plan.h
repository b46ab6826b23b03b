// Which loops run over vector lanes, and how.
#pragma once

#include <optional>

#include "compiler/codegen/storage.h"

namespace borel::codegen {

// How a plate is run over lanes.
struct VectorPlan {
  // How lanes add to an array (prob.add_at in the plate).
  enum class Accumulation {
    Direct,    // element [..., iv + k]: lanes have neighbouring elements
    Strided,   // an element of its own for each lane
    Register,  // one element throughout the loop: summed in a register
    Table,     // an element that all lanes share, another in each inner iteration
    Scattered  // any element
  };
  llvm::DenseSet<mlir::Value> varying;  // values that differ from lane to lane
  llvm::DenseMap<mlir::Operation*, Accumulation> accumulations;
  // Logarithms, math.log and math.log1p, that are summed and not used otherwise: the sum is the
  // logarithm of a running product. By operation: which of the loop's sums.
  llvm::DenseMap<mlir::Operation*, unsigned> log_sums;
  // A loop with one carry, whose next value is a * carry + x for an `a` that does not vary: the
  // carries of a vector's lanes are scanned. The operations that need them, in all.
  bool scanned = false;
  // Of a loop whose carries are all the greatest or least value so far: the operations that
  // compare, one for each carry. Lanes keep their own.
  llvm::SmallVector<mlir::Operation*, 2> extremes;
  llvm::DenseSet<mlir::Operation*> behind_carry;
  // Of a scanned loop whose next carry is the greater (or less) of the carry and a value: that
  // operation. Null: the step is linear.
  mlir::Operation* scanned_extreme = nullptr;
  bool is_extreme(mlir::Operation* op) const { return llvm::is_contained(extremes, op); }
  unsigned unroll = 1;  // vectors that the main part of the loop works on at a time
  // A body so short that masks would take a good part of the time. Whole vectors may go without, in
  // a loop of their own, which is worth the code where there are many.
  bool brief = false;
};

// The plan for `loop`, or nothing when it is better scalar (its inner loops may still be vectors).
// `width` is the number of lanes.
std::optional<VectorPlan> plan_vectors(prob::ForOp loop, const StoragePlan& storage,
                                       Extents& extents, unsigned width);

}  // namespace borel::codegen

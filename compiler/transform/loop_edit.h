/// Changing what a prob.for carries, collects, sums and accumulates. A loop's signature is spread
/// over operands, results, block arguments and the yield; an edit gathers them by result, lets a
/// pass add, drop and change entries, and rebuilds the loop around the same body.
///
///   LoopEdit edit(loop);
///   edit.sums.push_back({value});       // a new sum; its result is edit.sums.back().result
///   ForOp changed = edit.apply();       // kept results are replaced everywhere
///   …replace the uses of results that were dropped…
///   edit.finish();                      // the old loop goes
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

class LoopEdit {
 public:
  /// What an entry has before `apply` (null where the entry is new) and after it.
  struct Carry {
    mlir::Value init, argument, next, result;
  };
  struct Map {
    mlir::Value value, result;
  };
  struct Sum {
    mlir::Value value, result;
  };
  struct Into {
    mlir::Value init, argument, next, result;
  };

  explicit LoopEdit(prob::ForOp loop);

  prob::ForOp loop;
  mlir::Value lower, upper;
  llvm::SmallVector<Carry, 4> carries;
  llvm::SmallVector<Map, 4> maps;
  llvm::SmallVector<Sum, 4> sums;
  llvm::SmallVector<Into, 4> intos;

  /// Replaces a value of the body everywhere, in the entries too.
  void replace(mlir::Value old, mlir::Value by);

  /// A new block argument of the old body, to be the argument of a new carry or into.
  mlir::Value new_argument(mlir::Type type);

  /// Makes the new loop before the old one and moves the body. Arguments of dropped entries must
  /// have no uses left. Every entry's `argument` and `result` become the new ones.
  prob::ForOp apply();
  /// Erases the old loop, whose results must have no uses left.
  void finish();
};

/// Drops results that nothing uses: maps, sums, intos, and carries on which nothing but themselves
/// depends. Returns the loop that is left, or null when all of it went.
prob::ForOp drop_unused(prob::ForOp loop);

}  // namespace borel::transform

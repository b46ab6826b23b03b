/// Read-only facts about prob.for loops that several passes ask for: invariance, how an index moves
/// with the induction variable, extents of arrays, trip counts. Every answer is one-sided: "yes"
/// means shown, "no" (or nothing) means not shown.
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/dialect/prob.h"

namespace borel::analysis {

/// Whether `value` is defined outside of all regions of `op`.
bool is_outside(mlir::Value value, mlir::Operation* op);

/// Whether all values that `op` and its regions use, other than those `op` defines itself, are
/// defined outside of `scope`.
bool is_invariant(mlir::Operation* op, mlir::Operation* scope);

/// The integer that `value` always is.
std::optional<int64_t> constant_of(mlir::Value value);

/// An integer value as base + offset; the base is null when the value is a constant.
struct Offset {
  mlir::Value base;
  int64_t offset = 0;
};
Offset offset_of(mlir::Value value);

/// a - b where it is a known constant.
std::optional<int64_t> difference(mlir::Value a, mlir::Value b);

/// k such that `index` is (iv - lower) + k in every iteration of `loop`; for instance iv itself is
/// k = 0 where lower is the constant 0.
std::optional<int64_t> position_in(prob::ForOp loop, mlir::Value index);

/// The extent of a dimension, as a constant or as a value that need not dominate where the question
/// is asked (compare it, or check dominance before use). Both empty: not known.
struct Extent {
  mlir::Value value;
  std::optional<int64_t> constant;
  mlir::FlatSymbolRefAttr slot;  // the slot that `value` reads, where it is one
};
Extent extent_of(mlir::Value array, int64_t dimension);

/// Whether `loop` runs exactly over the dimension but for its first `shift` places: upper - lower +
/// shift equals the extent.
bool covers(prob::ForOp loop, mlir::Value array, int64_t dimension, int64_t shift = 0);

/// Whether `index` lies in 0..extent of the dimension wherever it is computed: it is a constant, or
/// counts a loop around whose bounds lie in the range.
bool is_in_range(mlir::Value index, mlir::Value array, int64_t dimension);

/// Whether two loops run over the same values of the induction variable.
bool same_range(prob::ForOp a, prob::ForOp b);

/// Trip count where both bounds are constants.
std::optional<int64_t> constant_trips(prob::ForOp loop);

/// An array of zeros (prob.zeros).
bool is_zeros(mlir::Value array);

/// No more work than an address or an integer sum: cheaper to repeat than to store and load again.
bool is_cheap(mlir::Operation* op);

}  // namespace borel::analysis

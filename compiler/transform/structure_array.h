/// The array part of structure: how one loop updates and reads one carried array.
#pragma once

#include <optional>

#include "compiler/transform/loop_edit.h"

namespace borel::transform {

/// A carried array that a loop fills place by place.
///
/// The leading `prefix` indices do not vary in the loop; the next one is (iv - lower) + position in
/// every iteration; the rest are free. All writes go to that one element of the iteration, through
/// `writes` in program order.
struct FilledArray {
  llvm::SmallVector<mlir::Value> prefix;
  int64_t position = 0;
  int64_t lags = 0;         // how many iterations back it is read
  bool to_the_end = false;  // the places are position..extent
  mlir::Value place;        // the varying index of the writes
  mlir::IntegerAttr check;  // of the writes: the prefix is checked where the part goes back
  llvm::SmallVector<prob::InsertOp> writes;

  enum class From { before, written, earlier };
  struct Read {
    prob::ExtractOp op;
    From from;
    int64_t which;  // written: after how many writes; earlier: how many iterations back
  };
  llvm::SmallVector<Read> reads;
  llvm::SmallVector<mlir::Operation*> extents;  // prob.dim of any version
};

/// How `loop` fills a carried array, when it does only that.
std::optional<FilledArray> find_filled(prob::ForOp loop, const LoopEdit::Carry& carry);

/// Whether the loop only adds to elements of a carried array; `rewrite` makes it so that all
/// additions are prob.add_at.
bool find_accumulated(prob::ForOp loop, const LoopEdit::Carry& carry, bool rewrite);

/// Takes the array out of `edit`'s carries (it is no longer there on return): new maps and carries
/// are added. `finish_filled` makes the whole array once the edit is applied.
struct FilledResult {
  mlir::Value old_result, init;
  size_t map;
  FilledArray array;
};
FilledResult rewrite_filled(LoopEdit& edit, LoopEdit::Carry carry, FilledArray array);
void finish_filled(LoopEdit& edit, prob::ForOp made, const FilledResult& result);

}  // namespace borel::transform

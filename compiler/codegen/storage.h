// Where the arrays of a function live.
//
// Arrays are values in the IR. Here each array value gets a buffer, and values that follow from one
// another (an update and what it updates, what a loop carries, what branches yield, what a function
// returns) share one buffer unless their lives overlap; code generation then works in place and
// copies only where two values of one such pair have different buffers.
//
// Lives are sets of intervals over positions: operations are numbered in textual order, those
// inside regions between the numbers of their parent. A sub-array taken by prob.extract is a view:
// it has no buffer, and its uses keep the array alive that it is taken from.
#pragma once

#include <vector>

#include "compiler/codegen/extents.h"

namespace borel::codegen {

struct Buffer {
  enum class Kind {
    Data,      // a slot of the instance: read only
    Argument,  // argument `index` of the function: read only
    Result,    // memory of the caller for result `index`; an in-place argument begins in it
    Local,     // scratch
    Row,       // the element of the map result `row_of` that an iteration computes
    Part       // a map result that is the part of `base` which `part_of` writes
  };
  Kind kind = Kind::Local;
  unsigned index = 0;
  ExtentList extents;
  mlir::Type element;
  // Local: the operation before which it is allocated; null: on entry to the function.
  mlir::Operation* before = nullptr;
  // Local, on entry: which piece of the frame it has; buffers whose lives do not overlap may share.
  unsigned frame_slot = 0;
  mlir::Value row_of;
  prob::InsertOp part_of;
  mlir::Value base;
};

class StoragePlan {
 public:
  // `in_place[i]` is the result whose memory argument i begins in, or -1.
  StoragePlan(mlir::func::FuncOp function, Extents& extents, llvm::ArrayRef<int> in_place);

  // The array value that `value` is a view of (itself when it is no view).
  static mlir::Value root(mlir::Value value);
  static bool is_view(mlir::Value value) { return root(value) != value; }

  unsigned buffer_of(mlir::Value array) const;  // of its root
  // Whether two arrays lie in one place: in one buffer, or in buffers that share a piece of the
  // frame.
  bool same_memory(mlir::Value a, mlir::Value b) const;
  const Buffer& buffer(unsigned id) const { return buffers_[id]; }
  unsigned buffer_count() const { return static_cast<unsigned>(buffers_.size()); }

  // Whether the insertions that begin with `insert` replace every row of the array: what it had
  // does not matter.
  bool replaces_all(prob::InsertOp insert) const { return replacing_.contains(insert); }

  // Buffers to allocate before `op` (null: on entry, as pieces of one frame).
  llvm::ArrayRef<unsigned> allocated_before(mlir::Operation* op) const;
  // One buffer for each piece of the frame on entry: pieces have the size of any of their buffers.
  llvm::ArrayRef<unsigned> frame() const { return frame_; }
  // Maps of `loop` that are parts of other arrays.
  llvm::ArrayRef<unsigned> parts_of(prob::ForOp loop) const;
  // Rows that the body of `loop` fills in place.
  llvm::ArrayRef<unsigned> rows_of(prob::ForOp loop) const;

 private:
  friend class StoragePlanner;
  llvm::DenseMap<mlir::Value, unsigned> ids_;
  std::vector<Buffer> buffers_;
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<unsigned, 4>> allocated_;
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<unsigned, 2>> rows_, parts_;
  llvm::SmallVector<unsigned> frame_;
  llvm::DenseSet<mlir::Operation*> replacing_;
};

}  // namespace borel::codegen

// When array values are needed: see storage.h for what positions are.
#pragma once

#include "compiler/codegen/extents.h"

namespace borel::codegen {

using Position = std::int64_t;

// A closed interval of positions.
struct Interval {
  Position begin, end;
};
using Life = llvm::SmallVector<Interval, 4>;

inline bool overlap(Interval a, Interval b) { return a.begin <= b.end && b.begin <= a.end; }
bool overlap(const Life& a, const Life& b);

// Numbers the operations of a function and computes the lives of its array values. An operation
// reads its operands at begin(op) and writes what it updates in place at begin(op) + 2; a loop or
// branch reads its operands at begin(op) and its results appear at end(op) + 2.
class Lifetimes {
 public:
  explicit Lifetimes(mlir::func::FuncOp function);

  Position begin(mlir::Operation* op) const { return numbers_.at(op).begin; }
  Position end(mlir::Operation* op) const { return numbers_.at(op).end; }
  // Just before the first operation of a block.
  Position start(mlir::Block* block) const { return begin(&block->front()) - 1; }

  // The life of an array value that is no view, with its views.
  Life of(mlir::Value array) const;

  // Whether `value` is computed when `point` is about to be (null: on entry to the function).
  bool available(mlir::Value value, mlir::Operation* point) const;
  bool available(Extent extent, mlir::Operation* point) const;
  bool available(const ExtentList& extents, mlir::Operation* point) const;

 private:
  void number(mlir::Block& block);
  void cover(mlir::Block* block, Position from, llvm::ArrayRef<mlir::Operation*> users,
             Life& life) const;

  llvm::DenseMap<mlir::Operation*, Interval> numbers_;
  Position next_ = 1;
};

}  // namespace borel::codegen

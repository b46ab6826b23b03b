#include "compiler/transform/structure_interchange.h"

#include "compiler/analysis/loops.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace borel::transform {

using mlir::Operation;
using mlir::Value;
using prob::ForOp;

namespace {

bool carries_one_array(ForOp loop) {
  return loop.getCarryInits().size() == 1 && loop->getNumResults() == 1 &&
         prob::is_array(loop.getCarryInits()[0].getType());
}

/// The loop around which `outer` is wrapped, if there is nothing else but cheap operations.
ForOp only_loop(ForOp outer) {
  ForOp inner;
  for (Operation& op : outer.block().without_terminator()) {
    if (auto loop = mlir::dyn_cast<ForOp>(op)) {
      if (inner) return nullptr;
      inner = loop;
    } else if (op.getNumRegions() > 0 || !mlir::isPure(&op) || !analysis::is_cheap(&op)) {
      // Nor a check: where the inner loop runs not at all it would no longer be reached.
      return nullptr;
    }
  }
  return inner;
}

/// Whether every use of the carried array is the one write that the loop yields, or asks for an
/// extent.
prob::InsertOp only_write(ForOp inner) {
  const Value array = inner.carry_args()[0];
  auto write = inner.terminator().getCarries()[0].getDefiningOp<prob::InsertOp>();
  if (!write || write->getBlock() != &inner.block() || write.getArray() != array ||
      write.getValue() == array || !write->hasOneUse())
    return nullptr;
  for (mlir::OpOperand& use : array.getUses())
    if (use.getOwner() != write && !mlir::isa<prob::DimOp>(use.getOwner())) return nullptr;
  return write;
}

bool is_exchangeable(ForOp outer, ForOp inner) {
  if (!inner || !carries_one_array(outer) || !carries_one_array(inner) || outer.getReverse() ||
      inner.getReverse())
    return false;
  const Value array = outer.carry_args()[0];
  if (!array.hasOneUse() || inner.getCarryInits()[0] != array ||
      outer.terminator().getCarries()[0] != inner.getResult(0))
    return false;
  if (!analysis::is_outside(inner.getLower(), outer) ||
      !analysis::is_outside(inner.getUpper(), outer))
    return false;
  prob::InsertOp write = only_write(inner);
  if (!write) return false;
  // The inner loop's index comes first: the other order is good as it is.
  for (const Value index : write.getIndices()) {
    const Value base = analysis::offset_of(index).base;
    if (base == outer.induction()) return false;
    if (base == inner.induction()) break;
    if (!base || !analysis::is_outside(index, outer)) return false;
  }
  const auto counts = [&](Value induction) {
    return llvm::count_if(write.getIndices(), [&](Value index) {
      return analysis::offset_of(index).base == induction;
    });
  };
  return counts(outer.induction()) == 1 && counts(inner.induction()) == 1;
}

}  // namespace

bool exchange_filling_loops(ForOp outer) {
  if (!carries_one_array(outer)) return false;
  mlir::moveLoopInvariantCode(mlir::cast<mlir::LoopLikeOpInterface>(*outer));
  ForOp inner = only_loop(outer);
  if (!is_exchangeable(outer, inner)) return false;
  const mlir::Location loc = outer.getLoc();
  mlir::OpBuilder b(outer);
  auto make = [&](ForOp like, Value init) {
    auto made = b.create<ForOp>(loc, like.getLower(), like.getUpper(), mlir::ValueRange{init},
                                mlir::TypeRange{}, mlir::TypeRange{}, mlir::ValueRange{});
    b.setInsertionPointToEnd(&made.block());
    return made;
  };
  ForOp new_outer = make(inner, outer.getCarryInits()[0]);
  ForOp new_inner = make(outer, new_outer.carry_args()[0]);
  mlir::IRMapping map;
  map.map(outer.induction(), new_inner.induction());
  map.map(inner.induction(), new_outer.induction());
  map.map(inner.carry_args()[0], new_inner.carry_args()[0]);
  for (mlir::Block* block : {&outer.block(), &inner.block()})
    for (Operation& op : block->without_terminator())
      if (&op != inner) b.clone(op, map);
  const auto yield = [&](Value array) {
    b.create<prob::YieldOp>(loc, mlir::ValueRange{array}, mlir::ValueRange{}, mlir::ValueRange{},
                            mlir::ValueRange{});
  };
  yield(map.lookup(inner.terminator().getCarries()[0]));
  b.setInsertionPointToEnd(&new_outer.block());
  yield(new_inner.getResult(0));
  outer.getResult(0).replaceAllUsesWith(new_outer.getResult(0));
  outer.erase();
  return true;
}

}  // namespace borel::transform

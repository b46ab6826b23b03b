#include "compiler/transform/structure.h"

#include <algorithm>

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/structure_array.h"
#include "compiler/transform/structure_interchange.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::transform {

namespace {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

//===- Branches -------------------------------------------------------------------------------===//

/// An scf.if that writes one element of an array on each branch writes a conditional element:
/// result r = if c { insert(a, x, k) } else { insert(b, x, k) } is insert(if c {a} else {b}, x, k).
/// A branch that leaves the array alone keeps the element, where k counts a loop around.
class BranchWrites {
 public:
  /// Changes `branch`; returns whether it did (it is gone then).
  static bool sink(mlir::scf::IfOp branch) {
    if (branch.getNumResults() == 0 || branch.getElseRegion().empty()) return false;
    llvm::SmallVector<Write> writes(branch.getNumResults());
    bool any = false;
    for (unsigned i = 0; i < branch.getNumResults(); ++i) any |= find(branch, i, writes[i]);
    if (!any) return false;

    OpBuilder b(branch);
    llvm::SmallVector<mlir::Type> types;
    for (unsigned i = 0; i < branch.getNumResults(); ++i)
      types.push_back(writes[i].array ? writes[i].type : branch.getResult(i).getType());
    auto made = b.create<mlir::scf::IfOp>(branch.getLoc(), types, branch.getCondition(),
                                          /*addThenBlock=*/false, /*addElseBlock=*/false);
    made.getThenRegion().takeBody(branch.getThenRegion());
    made.getElseRegion().takeBody(branch.getElseRegion());
    for (mlir::Region* region : {&made.getThenRegion(), &made.getElseRegion()})
      keep_elements(region->front(), writes);
    b.setInsertionPointAfter(made);
    for (unsigned i = 0; i < types.size(); ++i) {
      Value result = made.getResult(i);
      if (writes[i].array)
        result = b.create<prob::InsertOp>(branch.getLoc(), writes[i].array.getType(), result,
                                          writes[i].array, writes[i].indices, writes[i].place);
      branch.getResult(i).replaceAllUsesWith(result);
    }
    branch.erase();
    return true;
  }

 private:
  struct Write {
    Value array;  // null: not a write
    llvm::SmallVector<Value> indices;
    mlir::Type type;
    mlir::IntegerAttr place;
  };

  static prob::InsertOp write_of(mlir::Block& block, unsigned result, mlir::scf::IfOp branch) {
    auto insert = block.getTerminator()->getOperand(result).getDefiningOp<prob::InsertOp>();
    if (!insert || insert->getBlock() != &block || !insert->hasOneUse() ||
        !analysis::is_outside(insert.getArray(), branch) ||
        !llvm::all_of(insert.getIndices(),
                      [&](Value index) { return analysis::is_outside(index, branch); }))
      return nullptr;
    return insert;
  }

  static bool find(mlir::scf::IfOp branch, unsigned result, Write& write) {
    prob::InsertOp then = write_of(*branch.thenBlock(), result, branch);
    prob::InsertOp otherwise = write_of(*branch.elseBlock(), result, branch);
    if (!then && !otherwise) return false;
    prob::InsertOp one = then ? then : otherwise;
    if (then && otherwise) {
      if (then.getArray() != otherwise.getArray() || then.getIndices() != otherwise.getIndices() ||
          then.getPlaceAttr() != otherwise.getPlaceAttr())
        return false;
    } else {
      mlir::Block& other = then ? *branch.elseBlock() : *branch.thenBlock();
      if (other.getTerminator()->getOperand(result) != one.getArray() || one.getPlace())
        return false;
      // Elsewhere the index may be in range on this branch only.
      for (const Value index : one.getIndices()) {
        auto argument = mlir::dyn_cast<mlir::BlockArgument>(index);
        if (!argument || argument.getArgNumber() != 0 ||
            !mlir::isa<ForOp>(argument.getOwner()->getParentOp()))
          return false;
      }
    }
    write = {one.getArray(), llvm::to_vector(one.getIndices()), one.getValue().getType(),
             one.getPlaceAttr()};
    return true;
  }

  static void keep_elements(mlir::Block& block, llvm::ArrayRef<Write> writes) {
    Operation* yield = block.getTerminator();
    for (unsigned i = 0; i < writes.size(); ++i) {
      if (!writes[i].array) continue;
      if (auto insert = yield->getOperand(i).getDefiningOp<prob::InsertOp>();
          insert && insert->getBlock() == &block) {
        yield->setOperand(i, insert.getValue());
        insert.erase();
        continue;
      }
      OpBuilder b(yield);
      yield->setOperand(i, prob::extract(b, yield->getLoc(), writes[i].array, writes[i].indices));
    }
  }
};

//===- Sums -----------------------------------------------------------------------------------===//

/// How much an iteration adds to a carry, when that is all it does with it.
class Increment {
 public:
  Increment(ForOp loop, const LoopEdit::Carry& carry) : loop_(loop), carry_(carry) {}

  /// Whether the yielded value is the carry plus something that does not depend on it.
  bool found() {
    if (prob::is_array(carry_.argument.getType()) || carry_.argument.getType().isInteger(1))
      return false;
    collect();
    size_t reached = 0;
    if (!follow(carry_.next, reached)) return false;
    return reached == static_cast<size_t>(
                          std::distance(carry_.argument.use_begin(), carry_.argument.use_end()));
  }

  /// The increment, as a value of the body. Changes the branches that add.
  Value make() {
    OpBuilder b(loop_.terminator());
    return make(carry_.next, b);
  }

 private:
  /// Follows the carry back from `value`, which nothing else may use. Counts the carry's uses.
  bool follow(Value value, size_t& reached) {
    if (value == carry_.argument) {
      ++reached;
      return true;
    }
    if (!value.hasOneUse()) return false;
    Operation* op = value.getDefiningOp();
    if (!op) return false;
    if (mlir::isa<mlir::arith::AddFOp, mlir::arith::AddIOp>(op)) {
      if (depends(op->getOperand(0))) return follow(op->getOperand(0), reached);
      return depends(op->getOperand(1)) && follow(op->getOperand(1), reached);
    }
    if (mlir::isa<mlir::arith::SubFOp, mlir::arith::SubIOp>(op))
      return depends(op->getOperand(0)) && follow(op->getOperand(0), reached);
    if (auto select = mlir::dyn_cast<mlir::arith::SelectOp>(op))
      return !depends(select.getCondition()) && follow(select.getTrueValue(), reached) &&
             follow(select.getFalseValue(), reached);
    if (auto branch = mlir::dyn_cast<mlir::scf::IfOp>(op)) {
      const unsigned n = mlir::cast<mlir::OpResult>(value).getResultNumber();
      return follow(branch.thenBlock()->getTerminator()->getOperand(n), reached) &&
             follow(branch.elseBlock()->getTerminator()->getOperand(n), reached);
    }
    return false;
  }

  bool depends(Value value) const { return dependent_.contains(value); }

  /// Everything that additions and branches make of the carry.
  void collect() {
    llvm::SmallVector<Value> work{carry_.argument};
    while (!work.empty()) {
      Value value = work.pop_back_val();
      if (!dependent_.insert(value).second) continue;
      for (mlir::OpOperand& use : value.getUses()) {
        Operation* user = use.getOwner();
        if (mlir::isa<mlir::arith::AddFOp, mlir::arith::AddIOp, mlir::arith::SubFOp,
                      mlir::arith::SubIOp, mlir::arith::SelectOp>(user)) {
          work.push_back(user->getResult(0));
        } else if (mlir::isa<mlir::scf::YieldOp>(user) &&
                   mlir::isa<mlir::scf::IfOp>(user->getParentOp())) {
          work.push_back(user->getParentOp()->getResult(use.getOperandNumber()));
        }
      }
    }
  }

  Value zero(OpBuilder& b) {
    return b.create<mlir::arith::ConstantOp>(loop_.getLoc(),
                                             b.getZeroAttr(carry_.argument.getType()));
  }

  Value make(Value value, OpBuilder& b) {
    if (value == carry_.argument) return zero(b);
    Operation* op = value.getDefiningOp();
    const mlir::Location loc = op->getLoc();
    if (mlir::isa<mlir::arith::AddFOp, mlir::arith::AddIOp>(op)) {
      const bool left = depends(op->getOperand(0));
      const Value rest = op->getOperand(left ? 0 : 1), added = op->getOperand(left ? 1 : 0);
      if (rest == carry_.argument) return added;
      const Value sum = make(rest, b);
      if (mlir::isa<mlir::arith::AddFOp>(op)) return b.create<mlir::arith::AddFOp>(loc, sum, added);
      return b.create<mlir::arith::AddIOp>(loc, sum, added);
    }
    if (mlir::isa<mlir::arith::SubFOp, mlir::arith::SubIOp>(op)) {
      const bool real = mlir::isa<mlir::arith::SubFOp>(op);
      const Value rest = op->getOperand(0), taken = op->getOperand(1);
      if (rest == carry_.argument && real) return b.create<mlir::arith::NegFOp>(loc, taken);
      const Value sum = make(rest, b);
      if (real) return b.create<mlir::arith::SubFOp>(loc, sum, taken);
      return b.create<mlir::arith::SubIOp>(loc, sum, taken);
    }
    if (auto select = mlir::dyn_cast<mlir::arith::SelectOp>(op)) {
      const Value yes = make(select.getTrueValue(), b), no = make(select.getFalseValue(), b);
      return b.create<mlir::arith::SelectOp>(loc, select.getCondition(), yes, no);
    }
    auto branch = mlir::cast<mlir::scf::IfOp>(op);
    const unsigned n = mlir::cast<mlir::OpResult>(value).getResultNumber();
    for (mlir::Block* block : {branch.thenBlock(), branch.elseBlock()}) {
      Operation* yield = block->getTerminator();
      OpBuilder inner(yield);
      yield->setOperand(n, make(yield->getOperand(n), inner));
    }
    return value;
  }

  ForOp loop_;
  const LoopEdit::Carry& carry_;
  llvm::DenseSet<Value> dependent_;
};

//===- Loops ----------------------------------------------------------------------------------===//

/// Classifies every carry of one loop.
void structure_loop(ForOp loop) {
  LoopEdit edit(loop);
  llvm::SmallVector<std::pair<Value, size_t>> sums;  // old result, new sum
  llvm::SmallVector<Value> sum_inits;
  llvm::SmallVector<FilledResult, 2> filled;
  llvm::SmallVector<LoopEdit::Carry> left(edit.carries.begin(), edit.carries.end());
  // Arrays last: what a new map collects is no longer seen to be used by it, and might be taken for
  // a sum.
  std::stable_partition(left.begin(), left.end(), [](const LoopEdit::Carry& carry) {
    return !prob::is_array(carry.argument.getType());
  });
  bool changed = false;
  const auto drop = [&](const LoopEdit::Carry& carry) {
    llvm::erase_if(edit.carries,
                   [&](const auto& entry) { return entry.argument == carry.argument; });
    changed = true;
  };
  for (LoopEdit::Carry carry : left) {
    // What an earlier carry's change made of the yielded value.
    for (const LoopEdit::Carry& entry : edit.carries)
      if (entry.argument == carry.argument) carry.next = entry.next;
    if (carry.next == carry.argument) {
      carry.result.replaceAllUsesWith(carry.init);
      edit.replace(carry.argument, carry.init);
      drop(carry);
      continue;
    }
    if (Increment increment(loop, carry); increment.found()) {
      const Value added = increment.make();
      drop(carry);
      edit.replace(carry.argument, carry.init);  // in additions that are dead now
      sums.emplace_back(carry.result, edit.sums.size());
      sum_inits.push_back(carry.init);
      edit.sums.push_back({added, nullptr});
      continue;
    }
    if (find_accumulated(loop, carry, /*rewrite=*/true)) {
      // The yield has the rewritten chain.
      Value next = carry.next;
      for (auto [argument, now] : llvm::zip(loop.carry_args(), loop.terminator().getCarries()))
        if (argument == carry.argument) next = now;
      drop(carry);
      edit.intos.push_back({carry.init, carry.argument, next, carry.result});
      continue;
    }
    if (auto array = find_filled(loop, carry)) {
      drop(carry);
      filled.push_back(rewrite_filled(edit, carry, std::move(*array)));
      if (carry.argument.use_empty()) continue;
      edit.replace(carry.argument, carry.init);
    }
  }
  if (!changed) return;
  ForOp made = edit.apply();
  OpBuilder b(made->getContext());
  b.setInsertionPointAfter(made);
  for (auto [pair, init] : llvm::zip(sums, sum_inits)) {
    auto& [old, index] = pair;
    if (old.use_empty()) continue;
    const Value sum = edit.sums[index].result;
    Value total;
    if (mlir::isa<mlir::FloatType>(sum.getType())) {
      total = b.create<mlir::arith::AddFOp>(made.getLoc(), init, sum);
    } else {
      total = b.create<mlir::arith::AddIOp>(made.getLoc(), init, sum);
    }
    old.replaceAllUsesWith(total);
  }
  for (const FilledResult& result : filled) finish_filled(edit, made, result);
  edit.finish();
  // Additions and reads that only fed the old carries.
  for (Operation& op : llvm::make_early_inc_range(llvm::reverse(made.block())))
    if (mlir::isOpTriviallyDead(&op)) op.erase();
}

class StructurePass
    : public mlir::PassWrapper<StructurePass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StructurePass)

  llvm::StringRef getArgument() const final { return "structure"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect, mlir::scf::SCFDialect>();
  }

  void runOnOperation() final {
    llvm::SmallVector<ForOp> loops;
    getOperation().walk([&](ForOp loop) { loops.push_back(loop); });
    for (ForOp loop : loops) exchange_filling_loops(loop);  // the inner loops of a nest first
    llvm::SmallVector<Operation*> work;                     // innermost first
    getOperation().walk([&](Operation* op) {
      if (mlir::isa<ForOp, mlir::scf::IfOp>(op)) work.push_back(op);
    });
    for (Operation* op : work) {
      if (auto branch = mlir::dyn_cast<mlir::scf::IfOp>(op)) {
        BranchWrites::sink(branch);
      } else {
        structure_loop(mlir::cast<ForOp>(op));
      }
    }
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_structure_pass() { return std::make_unique<StructurePass>(); }

}  // namespace borel::transform

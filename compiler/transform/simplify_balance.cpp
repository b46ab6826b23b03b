#include "compiler/transform/simplify_balance.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::transform {

namespace {

using mlir::Value;
using mlir::arith::AddFOp;

/// Chains of fewer additions are left alone; longer ones become two, much longer ones four.
constexpr size_t long_chain = 6, very_long_chain = 16;

/// The addition that `value` is, where it belongs to the tree of additions above it.
AddFOp part_of_tree(Value value, mlir::Block* block) {
  auto add = value.getDefiningOp<AddFOp>();
  return add && add->getBlock() == block && add->hasOneUse() ? add : AddFOp();
}

bool is_root(AddFOp add) {
  if (!add->hasOneUse()) return true;
  auto user = mlir::dyn_cast<AddFOp>(*add->user_begin());
  return !user || user->getBlock() != add->getBlock();
}

/// Collects the addends in order and returns how many additions the longest way takes.
size_t gather(AddFOp add, llvm::SmallVectorImpl<Value>& addends) {
  size_t longest = 0;
  for (const Value operand : add->getOperands()) {
    if (AddFOp part = part_of_tree(operand, add->getBlock())) {
      longest = std::max(longest, gather(part, addends));
    } else {
      addends.push_back(operand);
    }
  }
  return longest + 1;
}

}  // namespace

prob::ForOp balance_additions(prob::ForOp loop, bool& changed) {
  if (!loop.is_plate()) return loop;
  for (AddFOp root : llvm::to_vector(loop.block().getOps<AddFOp>())) {
    if (!is_root(root)) continue;
    llvm::SmallVector<Value> addends;
    const size_t longest = gather(root, addends);
    if (longest < long_chain) continue;
    const size_t chains = longest < very_long_chain ? 2 : 4;
    const size_t length = (addends.size() + chains - 1) / chains;
    if (length - 1 + chains / 2 >= longest) continue;
    mlir::OpBuilder b(root);
    const auto sum = [&](llvm::ArrayRef<Value> values) {
      Value total = values.front();
      for (const Value value : values.drop_front())
        total = b.create<AddFOp>(root.getLoc(), total, value);
      return total;
    };
    llvm::SmallVector<Value> parts;
    for (llvm::ArrayRef<Value> rest(addends); !rest.empty();) {
      const size_t n = std::min(length, rest.size());
      parts.push_back(sum(rest.take_front(n)));
      rest = rest.drop_front(n);
    }
    while (parts.size() > 1) {  // in pairs
      llvm::SmallVector<Value> pairs;
      for (size_t i = 0; i < parts.size(); i += 2)
        pairs.push_back(i + 1 < parts.size()
                            ? b.create<AddFOp>(root.getLoc(), parts[i], parts[i + 1]).getResult()
                            : parts[i]);
      parts = std::move(pairs);
    }
    root.replaceAllUsesWith(parts.front());
    changed = true;
    // The old additions, from the root down.
    llvm::SmallVector<mlir::Operation*> dead{root};
    while (!dead.empty()) {
      mlir::Operation* op = dead.pop_back_val();
      const llvm::SmallVector<Value> operands(op->getOperands());
      op->erase();
      for (const Value operand : operands)
        if (auto add = operand.getDefiningOp<AddFOp>(); add && add->use_empty())
          if (!llvm::is_contained(dead, add.getOperation())) dead.push_back(add);
    }
  }
  return loop;
}

}  // namespace borel::transform

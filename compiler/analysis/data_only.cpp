#include "compiler/analysis/data_only.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/analysis/loops.h"

namespace borel::analysis {

using mlir::Operation;
using mlir::Value;

// Whole operation with regions: everything that it takes from outside is data. What its regions
// define among themselves is then data too.
bool DataOnly::region_op_is_data(Operation* op) const {
  return !op->walk([&](Operation* inner) {
              for (const Value operand : inner->getOperands())
                if (is_outside(operand, op) && !contains(operand))
                  return mlir::WalkResult::interrupt();
              return mlir::WalkResult::advance();
            }).wasInterrupted();
}

void DataOnly::forget(Operation* op) {
  op->walk([&](Operation* inner) {
    for (const Value result : inner->getResults()) values_.erase(result);
    for (mlir::Region& region : inner->getRegions())
      for (mlir::Block& block : region)
        for (const Value argument : block.getArguments()) values_.erase(argument);
  });
}

void DataOnly::visit(mlir::Block& block) {
  for (Operation& op : block) {
    if (op.getNumRegions() == 0) {
      // A checked access may fault: it stays where the program put it.
      if (op.getNumResults() > 0 && mlir::isPure(&op) &&
          llvm::all_of(op.getOperands(), [&](Value v) { return contains(v); }))
        values_.insert(op.result_begin(), op.result_end());
      continue;
    }
    if (mlir::isPure(&op) && region_op_is_data(&op)) {
      values_.insert(op.result_begin(), op.result_end());
      op.walk([&](mlir::Block* inner) {
        values_.insert(inner->args_begin(), inner->args_end());
        for (Operation& nested : *inner) values_.insert(nested.result_begin(), nested.result_end());
      });
      continue;
    }
    auto loop = mlir::dyn_cast<prob::ForOp>(op);
    if (!loop) continue;
    if (contains(loop.getLower()) && contains(loop.getUpper())) values_.insert(loop.induction());
    visit(loop.block());
  }
}

}  // namespace borel::analysis

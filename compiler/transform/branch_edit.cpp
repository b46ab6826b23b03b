#include "compiler/transform/branch_edit.h"

namespace borel::transform {

using mlir::Value;
using mlir::ValueRange;
namespace scf = mlir::scf;

namespace {
void append_operands(mlir::Operation* op, ValueRange more) {
  op->insertOperands(op->getNumOperands(), more);
}
/// The old results become the first of the new.
void replace_first(mlir::Operation* old, mlir::Operation* made) {
  for (auto [before, after] : llvm::zip(old->getResults(), made->getResults()))
    before.replaceAllUsesWith(after);
  old->erase();
}
}  // namespace

scf::IfOp add_results(scf::IfOp branch, ValueRange then_values,
                      llvm::function_ref<llvm::SmallVector<Value>(mlir::OpBuilder&)> else_values) {
  mlir::OpBuilder b(branch);
  llvm::SmallVector<mlir::Type> types(branch.getResultTypes());
  llvm::append_range(types, then_values.getTypes());
  auto made = b.create<scf::IfOp>(branch.getLoc(), types, branch.getCondition(), true);
  made.getThenRegion().takeBody(branch.getThenRegion());
  if (branch.getElseRegion().empty()) {
    b.setInsertionPointToEnd(&made.getElseRegion().front());
    if (made.getElseRegion().front().empty()) b.create<scf::YieldOp>(branch.getLoc());
  } else {
    made.getElseRegion().takeBody(branch.getElseRegion());
  }
  append_operands(made.thenYield(), then_values);
  b.setInsertionPoint(made.elseYield());
  append_operands(made.elseYield(), else_values(b));
  replace_first(branch, made);
  return made;
}

scf::WhileOp add_carries(scf::WhileOp loop, ValueRange inits,
                         llvm::function_ref<llvm::SmallVector<Value>(ValueRange carried)> body) {
  mlir::OpBuilder b(loop);
  llvm::SmallVector<mlir::Type> types(loop.getResultTypes());
  llvm::append_range(types, inits.getTypes());
  llvm::SmallVector<Value> operands(loop.getInits());
  llvm::append_range(operands, inits);
  auto made = b.create<scf::WhileOp>(loop.getLoc(), types, operands);
  made.getBefore().takeBody(loop.getBefore());
  made.getAfter().takeBody(loop.getAfter());
  llvm::SmallVector<Value> tested, carried;
  for (const Value init : inits) {
    tested.push_back(made.getBefore().front().addArgument(init.getType(), loop.getLoc()));
    carried.push_back(made.getAfter().front().addArgument(init.getType(), loop.getLoc()));
  }
  append_operands(made.getConditionOp(), tested);
  append_operands(made.getYieldOp(), body(carried));
  replace_first(loop, made);
  return made;
}

}  // namespace borel::transform

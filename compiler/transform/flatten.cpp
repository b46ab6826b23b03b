#include "compiler/transform/flatten.h"

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace borel::transform {

namespace {

using mlir::Operation;
using mlir::Value;

/// Both sides cost this many transcendental functions and divisions at most.
constexpr unsigned most_costly = 8;

/// Whether an operation gives a scalar and may run where its branch is not taken.
bool may_run(Operation& op) {
  if (op.getNumRegions() > 0 || op.hasAttr(prob::place_attribute) || !mlir::isPure(&op))
    return false;
  for (const Value result : op.getResults())
    if (prob::is_array(result.getType())) return false;
  auto read = mlir::dyn_cast<prob::ExtractOp>(op);
  if (!read) return !mlir::isa<prob::SpecialOp>(op);
  // The branch may be what keeps the index in range.
  for (auto [dimension, index] : llvm::enumerate(read.getIndices()))
    if (!analysis::is_in_range(index, read.getArray(), static_cast<int64_t>(dimension)))
      return false;
  return true;
}

bool is_costly(Operation& op) {
  return mlir::isa<mlir::math::MathDialect>(op.getDialect()) || mlir::isa<mlir::arith::DivFOp>(op);
}

/// The innermost loop around a branch, through other branches.
prob::ForOp loop_around(mlir::scf::IfOp branch) {
  Operation* parent = branch->getParentOp();
  while (mlir::isa<mlir::scf::IfOp>(parent)) parent = parent->getParentOp();
  return mlir::dyn_cast<prob::ForOp>(parent);
}

bool can_flatten(mlir::scf::IfOp branch) {
  if (branch.getNumResults() == 0) return false;
  for (const Value result : branch.getResults())
    if (prob::is_array(result.getType())) return false;
  prob::ForOp loop = loop_around(branch);
  if (!loop || !loop.is_plate() || analysis::is_outside(branch.getCondition(), loop)) return false;
  unsigned costly = 0;
  for (mlir::Region& side : branch->getRegions())
    for (Operation& op : side.front().without_terminator()) {
      if (!may_run(op)) return false;
      costly += is_costly(op);
    }
  return costly <= most_costly;
}

void flatten(mlir::scf::IfOp branch) {
  mlir::OpBuilder b(branch);
  for (mlir::Region& side : branch->getRegions()) {
    mlir::Block& block = side.front();
    branch->getBlock()->getOperations().splice(branch->getIterator(), block.getOperations(),
                                               block.begin(), std::prev(block.end()));
  }
  for (const mlir::OpResult result : branch.getResults()) {
    const unsigned n = result.getResultNumber();
    const Value yes = branch.thenYield().getOperand(n), no = branch.elseYield().getOperand(n);
    Value(result).replaceAllUsesWith(
        yes == no ? yes
                  : b.create<mlir::arith::SelectOp>(branch.getLoc(), branch.getCondition(), yes, no)
                        .getResult());
  }
  branch.erase();
}

class FlattenPass : public mlir::PassWrapper<FlattenPass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FlattenPass)

  llvm::StringRef getArgument() const final { return "flatten"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect>();
  }

  void runOnOperation() final {
    llvm::SmallVector<mlir::scf::IfOp> branches;  // innermost first
    getOperation().walk([&](mlir::scf::IfOp branch) { branches.push_back(branch); });
    for (mlir::scf::IfOp branch : branches)
      if (can_flatten(branch)) flatten(branch);
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_flatten_pass() { return std::make_unique<FlattenPass>(); }

}  // namespace borel::transform

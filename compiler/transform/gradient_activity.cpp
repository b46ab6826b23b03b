#include "compiler/transform/gradient_activity.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/gradient.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::transform {

using mlir::Operation;
using mlir::Region;
using mlir::Value;
namespace func = mlir::func;
namespace scf = mlir::scf;

Activity::Activity(func::FuncOp function, llvm::ArrayRef<bool> wrt, bool through_intos)
    : through_intos_(through_intos) {
  for (auto [argument, marked] : llvm::zip(function.getArguments(), wrt))
    if (marked) mark(argument);
  sweep(function.getBody());
}

void Activity::sweep(Region& region) {
  for (Operation& op : region.front()) visit(op);
}

void Activity::visit(Operation& op) {
  if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) return visit_loop(loop);
  if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) {
    for (Region* side : {&branch.getThenRegion(), &branch.getElseRegion()}) {
      if (side->empty()) continue;
      sweep(*side);
      for (auto [out, result] :
           llvm::zip(side->front().getTerminator()->getOperands(), branch.getResults()))
        if ((*this)(out)) mark(result);
    }
    return;
  }
  if (llvm::any_of(op.getOperands(), [&](Value v) { return (*this)(v); }))
    for (const Value result : op.getResults()) mark(result);
}

void Activity::visit_loop(prob::ForOp loop) {
  const size_t carries = loop.getCarryInits().size();
  for (auto [init, argument] : llvm::zip(loop.getCarryInits(), loop.carry_args()))
    if ((*this)(init)) mark(argument);
  for (auto [init, argument] : llvm::zip(loop.getIntoInits(), loop.into_args()))
    if ((*this)(init)) mark(argument);
  prob::YieldOp yield = loop.terminator();
  for (bool changed = true; changed;) {
    changed = false;
    sweep(loop.getBody());
    for (auto [out, argument] : llvm::zip(yield.getCarries(), loop.carry_args()))
      if ((*this)(out)) changed |= mark(argument);
    if (!through_intos_) continue;
    for (auto [out, argument] : llvm::zip(yield.getIntos(), loop.into_args()))
      if ((*this)(out)) changed |= mark(argument);
  }
  // Results come in the order of the yield's operands.
  for (auto [i, out] : llvm::enumerate(yield->getOperands())) {
    if ((*this)(out)) mark(loop->getResult(static_cast<unsigned>(i)));
    if (i < carries && (*this)(loop.getCarryInits()[i]))
      mark(loop->getResult(static_cast<unsigned>(i)));
  }
}

std::optional<ElementUses> element_uses(prob::ForOp loop, Value carry) {
  ElementUses out;
  llvm::SmallVector<Value> work{carry};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    const Value v = work.pop_back_val();
    if (!seen.insert(v).second) continue;
    out.versions.push_back(v);
    for (mlir::OpOperand& use : v.getUses()) {
      Operation* user = use.getOwner();
      const unsigned number = use.getOperandNumber();
      const bool top = user->getBlock() == &loop.block();
      if (auto yield = mlir::dyn_cast<prob::YieldOp>(user)) {
        auto of = mlir::cast<prob::ForOp>(yield->getParentOp());
        const bool added = number >= yield->getNumOperands() - yield.getIntos().size();
        if (top ? number >= yield.getCarries().size() || loop.carry_args()[number] != carry
                : number >= yield.getCarries().size() && !added)
          return std::nullopt;
        if (!top) work.push_back(of->getResult(number));
      } else if (auto nested = mlir::dyn_cast<prob::ForOp>(user)) {
        if (number < 2) return std::nullopt;
        const unsigned entry = number - 2,
                       carries = static_cast<unsigned>(nested.getCarryInits().size()),
                       intos = static_cast<unsigned>(nested.getIntoInits().size());
        work.push_back(nested.block().getArgument(1 + entry));
        work.push_back(nested->getResult(
            entry < carries ? entry : nested->getNumResults() - intos + (entry - carries)));
      } else if (mlir::isa<scf::YieldOp>(user) && mlir::isa<scf::IfOp>(user->getParentOp())) {
        work.push_back(user->getParentOp()->getResult(number));
      } else if (auto read = mlir::dyn_cast<prob::ExtractOp>(user)) {
        if (!top) return std::nullopt;
        out.reads.push_back(read);
      } else if (mlir::isa<prob::InsertOp, prob::AddAtOp>(user)) {
        if (number != 1) return std::nullopt;
        if (top) out.updates.insert(user);
        work.push_back(user->getResult(0));
      } else if (!mlir::isa<prob::DimOp>(user)) {
        return std::nullopt;
      }
    }
  }
  return out;
}

bool keeps_shape(prob::ForOp loop, unsigned carry) {
  const Value init = loop.getCarryInits()[carry], argument = loop.carry_args()[carry];
  Value next = loop.terminator().getCarries()[carry];
  // What updates of elements and loops that carry or add to it make of an array has its shape.
  while (next != argument) {
    Operation* op = next.getDefiningOp();
    if (!op || !loop->isAncestor(op)) break;
    if (mlir::isa<prob::InsertOp, prob::AddAtOp>(op)) {
      next = op->getOperand(1);
      continue;
    }
    auto nested = mlir::dyn_cast<prob::ForOp>(op);
    const unsigned number = mlir::cast<mlir::OpResult>(next).getResultNumber();
    if (!nested) break;
    const auto carries = static_cast<unsigned>(nested.getCarries().size()),
               others = nested->getNumResults() - static_cast<unsigned>(nested.getIntos().size());
    if (number >= others) {
      next = nested.getIntoInits()[number - others];
    } else if (number < carries && keeps_shape(nested, number)) {
      next = nested.getCarryInits()[number];
    } else {
      break;
    }
  }
  if (next == argument) return true;
  for (int64_t d = 0; d < mlir::cast<mlir::RankedTensorType>(init.getType()).getRank(); ++d) {
    const analysis::Extent a = analysis::extent_of(init, d), b = analysis::extent_of(next, d);
    const bool same = (a.constant && a.constant == b.constant) || (a.value && a.value == b.value) ||
                      (a.slot && a.slot == b.slot);
    if (!same) return false;
  }
  return true;
}

bool only_faults(Operation& op) {
  bool only = true;
  op.walk([&](Operation* inner) {
    if (inner->getNumRegions() == 0 && !mlir::isa<prob::FaultOp, func::CallOp>(inner))
      only &= mlir::isMemoryEffectFree(inner);
  });
  return only;
}

namespace {

/// What an operation is called where a person reads it.
std::string name_of(Operation& op) {
  return llvm::TypeSwitch<Operation*, std::string>(&op)
      .Case([](prob::UniformOp) { return std::string("a random draw"); })
      .Case([](prob::SpecialOp special) { return "'" + special.getFunction().str() + "'"; })
      .Case([](func::CallOp call) { return "the call of '" + call.getCallee().str() + "'"; })
      .Default([](Operation* other) { return "'" + other->getName().stripDialect().str() + "'"; });
}

}  // namespace

mlir::LogicalResult refuse(Operation& op) {
  Operation* reason = &op;
  op.walk([&](Operation* inner) {
    if (inner->getNumRegions() > 0 || only_faults(*inner)) return mlir::WalkResult::advance();
    reason = inner;
    return mlir::WalkResult::interrupt();
  });
  auto error = reason->emitError() << name_of(*reason) << " cannot be differentiated";
  error.attachNote() << not_differentiable;
  return error;
}

mlir::LogicalResult refuse_host(func::CallOp call, func::FuncOp callee) {
  const auto host = callee->getAttrOfType<mlir::DictionaryAttr>(prob::host_attribute);
  const llvm::StringRef slot = host.getAs<mlir::FlatSymbolRefAttr>("slot").getValue();
  auto error =
      call.emitError() << (host.getAs<mlir::BoolAttr>("adjoint").getValue() ? "the gradient of "
                                                                            : "the function ")
                       << "'" << slot.drop_front(sizeof("extern.") - 1)
                       << "' of the host cannot be differentiated";
  error.attachNote() << not_differentiable;
  return error;
}

}  // namespace borel::transform

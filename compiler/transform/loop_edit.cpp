#include "compiler/transform/loop_edit.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace borel::transform {

using mlir::Operation;
using mlir::Value;
using prob::ForOp;

LoopEdit::LoopEdit(ForOp old) : loop(old), lower(old.getLower()), upper(old.getUpper()) {
  prob::YieldOp yield = old.terminator();
  for (auto [init, argument, next, result] :
       llvm::zip(old.getCarryInits(), old.carry_args(), yield.getCarries(), old.getCarries()))
    carries.push_back({init, argument, next, result});
  for (auto [value, result] : llvm::zip(yield.getMaps(), old.getMaps()))
    maps.push_back({value, result});
  for (auto [value, result] : llvm::zip(yield.getSums(), old.getSums()))
    sums.push_back({value, result});
  for (auto [init, argument, next, result] :
       llvm::zip(old.getIntoInits(), old.into_args(), yield.getIntos(), old.getIntos()))
    intos.push_back({init, argument, next, result});
}

Value LoopEdit::new_argument(mlir::Type type) {
  return loop.block().addArgument(type, loop.getLoc());
}

void LoopEdit::replace(Value old, Value by) {
  old.replaceAllUsesWith(by);
  const auto change = [&](Value& value) {
    if (value == old) value = by;
  };
  for (Carry& entry : carries) change(entry.next);
  for (Map& entry : maps) change(entry.value);
  for (Sum& entry : sums) change(entry.value);
  for (Into& entry : intos) change(entry.next);
}

ForOp LoopEdit::apply() {
  mlir::OpBuilder b(loop);
  llvm::SmallVector<Value> carry_inits, into_inits, yielded_carries, yielded_maps, yielded_sums,
      yielded_intos;
  llvm::SmallVector<mlir::Type> elements, sum_types;
  for (Carry& entry : carries) carry_inits.push_back(entry.init);
  for (Into& entry : intos) into_inits.push_back(entry.init);
  for (Map& entry : maps) elements.push_back(entry.value.getType());
  for (Sum& entry : sums) sum_types.push_back(entry.value.getType());
  auto made = b.create<ForOp>(loop.getLoc(), lower, upper, carry_inits, elements, sum_types,
                              into_inits, loop.getReverse());
  for (const mlir::NamedAttribute attribute : loop->getDiscardableAttrs())
    made->setAttr(attribute.getName(), attribute.getValue());

  mlir::Block& from = loop.block();
  mlir::Block& to = made.block();
  replace(from.getArgument(0), made.induction());
  for (auto [entry, argument] : llvm::zip(carries, made.carry_args())) {
    if (entry.argument) replace(entry.argument, argument);
    entry.argument = argument;
  }
  for (auto [entry, argument] : llvm::zip(intos, made.into_args())) {
    if (entry.argument) replace(entry.argument, argument);
    entry.argument = argument;
  }
  for (Carry& entry : carries) yielded_carries.push_back(entry.next);
  for (Map& entry : maps) yielded_maps.push_back(entry.value);
  for (Sum& entry : sums) yielded_sums.push_back(entry.value);
  for (Into& entry : intos) yielded_intos.push_back(entry.next);
  prob::YieldOp old_yield = loop.terminator();
  const mlir::Location loc = old_yield.getLoc();
  old_yield.erase();
  to.getOperations().splice(to.end(), from.getOperations());
  b.setInsertionPointToEnd(&to);
  b.create<prob::YieldOp>(loc, yielded_carries, yielded_maps, yielded_sums, yielded_intos);
  const auto keep = [](auto& entries, auto results) {
    for (auto [entry, result] : llvm::zip(entries, results)) {
      if (entry.result) entry.result.replaceAllUsesWith(result);
      entry.result = result;
    }
  };
  keep(carries, made.getCarries());
  keep(maps, made.getMaps());
  keep(sums, made.getSums());
  keep(intos, made.getIntos());
  return made;
}

void LoopEdit::finish() { loop.erase(); }

namespace {
/// Marks everything in the body that `value` needs, through operations that have no other effect.
void mark_needed(Value value, ForOp loop, llvm::DenseSet<Value>& needed,
                 llvm::SmallVectorImpl<Value>& work) {
  if (loop->isProperAncestor(value.getParentBlock()->getParentOp()) ||
      value.getParentBlock() == &loop.block())
    if (needed.insert(value).second) work.push_back(value);
}
}  // namespace

ForOp drop_unused(ForOp loop) {
  const bool pure = mlir::isMemoryEffectFree(loop);
  if (pure && loop->use_empty()) {
    loop.erase();
    return nullptr;
  }
  bool any = false;
  for (Value result : loop->getResults()) any |= result.use_empty();
  if (!any) return loop;

  LoopEdit edit(loop);
  llvm::erase_if(edit.maps, [](const auto& entry) { return entry.result.use_empty(); });
  llvm::erase_if(edit.sums, [](const auto& entry) { return entry.result.use_empty(); });
  bool changed =
      edit.maps.size() + edit.sums.size() < loop.getMaps().size() + loop.getSums().size();

  // An into or a carry that nobody reads goes with the chain that feeds only it.
  for (auto* it = edit.intos.begin(); it != edit.intos.end();) {
    if (!it->result.use_empty()) {
      ++it;
      continue;
    }
    edit.replace(it->argument, it->init);
    it = edit.intos.erase(it);
    changed = true;
  }
  bool dead_carry = false;
  for (const LoopEdit::Carry& entry : edit.carries) dead_carry |= entry.result.use_empty();
  if (dead_carry) {
    // What is needed: results that are used, effects, and what these need in turn.
    llvm::DenseSet<Value> needed;
    llvm::SmallVector<Value> work;
    const auto need = [&](Value value) { mark_needed(value, loop, needed, work); };
    for (const auto& entry : edit.maps) need(entry.value);
    for (const auto& entry : edit.sums) need(entry.value);
    for (const auto& entry : edit.intos) need(entry.next);
    for (const auto& entry : edit.carries)
      if (!entry.result.use_empty()) need(entry.next);
    for (Operation& op : loop.block().without_terminator()) {
      if (mlir::isMemoryEffectFree(&op)) continue;
      op.walk([&](Operation* inner) {
        for (const Value operand : inner->getOperands()) need(operand);
      });
    }
    while (!work.empty()) {
      const Value value = work.pop_back_val();
      if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value)) {
        if (argument.getOwner() != &loop.block()) continue;
        for (const auto& entry : edit.carries)
          if (entry.argument == value) need(entry.next);
        continue;
      }
      Operation* definition = value.getDefiningOp();
      for (const Value operand : definition->getOperands()) need(operand);
      definition->walk([&](Operation* inner) {
        for (const Value operand : inner->getOperands()) need(operand);
      });
    }
    for (auto* it = edit.carries.begin(); it != edit.carries.end();) {
      if (!it->result.use_empty() || needed.contains(it->argument)) {
        ++it;
        continue;
      }
      edit.replace(it->argument, it->init);
      it = edit.carries.erase(it);
      changed = true;
    }
  }
  if (!changed) return loop;
  ForOp made = edit.apply();
  edit.finish();
  return made;
}

}  // namespace borel::transform

#include "compiler/transform/suspend_stages.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace borel::transform {

using mlir::BlockArgument;
using mlir::Operation;
using mlir::Value;
using mlir::func::FuncOp;

Stages::Stages(FuncOp function) {
  for (const ModelSite& site : model_sites(function))
    if (site.kind != ModelSite::Kind::Observed) sites.push_back(site);
  mlir::Block& body = function.getBody().front();
  // The particle's number is what tells them apart.
  for (BlockArgument argument : body.getArguments().drop_back()) common_.insert(argument);
  find_common(body);
  cut(body);
  find_uses();
  share_rows();
}

void Stages::find_common(mlir::Block& block) {
  for (Operation& op : block) {
    auto loop = mlir::dyn_cast<prob::ForOp>(op);
    const bool stops = loop && llvm::any_of(loop.block(), [](Operation& inner) {
                         return mlir::isa<prob::StopOp>(inner);
                       });
    if (stops) {
      common_.insert(loop.induction());
      find_common(loop.block());
      continue;
    }
    if (op.getNumResults() == 0 || !mlir::isMemoryEffectFree(&op)) continue;
    llvm::SetVector<Value> used(op.operand_begin(), op.operand_end());
    if (op.getNumRegions() != 0) mlir::getUsedValuesDefinedAbove(op.getRegions(), used);
    if (llvm::all_of(used, [&](Value x) { return common_.contains(x); }))
      common_.insert(op.result_begin(), op.result_end());
  }
}

void Stages::cut(mlir::Block& block) {
  llvm::SmallVector<Operation*> since;
  for (Operation& op : block) {
    prob::StopOp stop;
    prob::ForOp loop;
    if (auto here = mlir::dyn_cast<prob::StopOp>(op)) stop = here;
    if (auto candidate = mlir::dyn_cast<prob::ForOp>(op))
      for (Operation& inner : candidate.block())
        if (auto within = mlir::dyn_cast<prob::StopOp>(inner)) {
          stop = within;
          loop = candidate;
        }
    if (!stop) {
      if (op.getNumResults() == 0 || !common_.contains(op.getResult(0))) since.push_back(&op);
      continue;
    }
    const auto number = static_cast<unsigned>(stages.size());
    Stage& stage = stages.emplace_back();
    stage.stop = stop;
    stage.loop = loop;
    if (loop) {
      stage_of_[loop] = number;
    } else {
      // What comes between stages is computed by those that need it.
      for (Operation* before : since) {
        stage.operations.insert(before);
        stage_of_[before] = number;
      }
    }
    since.clear();
  }
}

std::optional<unsigned> Stages::stage_of(Value value) const {
  if (auto argument = mlir::dyn_cast<BlockArgument>(value)) {
    const auto found = stage_of_.find(argument.getOwner()->getParentOp());
    if (found == stage_of_.end()) return std::nullopt;
    return found->second;
  }
  Operation* op = value.getDefiningOp();
  for (; op; op = op->getParentOp())
    if (const auto found = stage_of_.find(op); found != stage_of_.end()) return found->second;
  return std::nullopt;
}

unsigned Stages::add(Value value, unsigned stage) {
  const auto [found, is_new] = numbers_.try_emplace(value, static_cast<unsigned>(kept.size()));
  if (is_new) {
    Kept one;
    one.value = value;
    one.stage = stage;
    one.type = value.getType();
    one.parent = found->second;
    one.live.assign(stages.size(), false);
    kept.push_back(std::move(one));
  }
  return found->second;
}

namespace {
/// The body's argument for a carry that a loop gives as a result.
Value argument_of(prob::ForOp loop, Value result) {
  const unsigned number = mlir::cast<mlir::OpResult>(result).getResultNumber();
  return number < loop.getCarries().size() ? Value(loop.carry_args()[number]) : Value();
}
}  // namespace

std::optional<unsigned> Stages::read(unsigned stage, Value value) const {
  const auto made = stage_of(value);
  if (!made) return std::nullopt;
  prob::ForOp loop = stages[*made].loop;
  if (loop && value.getDefiningOp() == loop) value = argument_of(loop, value);
  const auto found = numbers_.find(value);
  if (found == numbers_.end()) return std::nullopt;
  // Within a stage only the carries of its loop are read.
  if (*made == stage && !mlir::isa<BlockArgument>(value)) return std::nullopt;
  return found->second;
}

unsigned Stages::find(unsigned number) const {
  while (kept[number].parent != number) number = kept[number].parent;
  return number;
}

/// Marks what `stage` reads for a value, at its start or (not at entry only) in each iteration.
void Stages::need(unsigned stage, Value value, bool at_entry_only) {
  if (common_.contains(value)) return;
  if (!visited_[at_entry_only].insert({stage, value}).second) return;
  const auto made = stage_of(value);
  const auto mark = [&](unsigned number, unsigned from) {
    for (unsigned p = from; p < stage; ++p) kept[number].live[p] = true;
    if (stages[stage].loop && !at_entry_only) kept[number].live[stage] = true;
    kept[number].named = true;
  };
  if (made && *made < stage) {
    prob::ForOp loop = stages[*made].loop;
    if (loop && value.getDefiningOp() == loop) {
      const Value argument = argument_of(loop, value);
      mark(add(argument, *made), *made);
      // Where the loop does not run at all its result is what it began with.
      const unsigned number = mlir::cast<mlir::OpResult>(value).getResultNumber();
      need(stage, loop.getCarryInits()[number], at_entry_only);
      return;
    }
    return mark(add(value, *made), *made);
  }
  if (auto argument = mlir::dyn_cast<BlockArgument>(value)) {
    if (made && *made == stage && argument.getOwner() == &stages[stage].loop.block()) {
      const unsigned number = add(argument, stage);
      kept[number].live[stage] = true;
      kept[number].named = true;
      prob::ForOp loop = stages[stage].loop;
      const unsigned position = argument.getArgNumber() - 1;
      if (position < loop.getCarries().size()) need(stage, loop.getCarryInits()[position], true);
    }
    return;
  }
  Operation* op = value.getDefiningOp();
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  if (op->getNumRegions() != 0) mlir::getUsedValuesDefinedAbove(op->getRegions(), used);
  for (const Value operand : used) need(stage, operand, at_entry_only);
}

void Stages::find_uses() {
  // Later stages first: what they read of an earlier one it has to compute.
  for (unsigned stage = static_cast<unsigned>(stages.size()); stage-- > 0;) {
    for (const Value value : stages[stage].stop.getValues()) need(stage, value, false);
    if (prob::ForOp loop = stages[stage].loop)
      for (const Value next : loop.terminator().getCarries()) need(stage, next, false);
    for (unsigned number = 0; number < kept.size(); ++number) {
      const Value value = kept[number].value;
      if (!mlir::isa<BlockArgument>(value) && kept[number].stage == stage)
        if (Operation* op = value.getDefiningOp()) {
          llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
          if (op->getNumRegions() != 0) mlir::getUsedValuesDefinedAbove(op->getRegions(), used);
          for (const Value operand : used) need(stage, operand, false);
        }
    }
  }
  for (unsigned i = 0; i < sites.size(); ++i) {
    Kept one;
    one.site = i;
    one.live.assign(stages.size(), false);
    one.parent = static_cast<unsigned>(kept.size());
    one.named = true;
    bool drawn = false;
    for (unsigned stage = 0; stage < stages.size(); ++stage) {
      const Value value = site_value(stage, i);
      one.type = value.getType();
      // Before the first draw it is zero, as frames are.
      mlir::Attribute constant;
      drawn = drawn || !common_.contains(value) ||
              !(value.getDefiningOp<prob::ZerosOp>() ||
                mlir::matchPattern(value, mlir::m_Constant(&constant)));
      one.live[stage] = drawn;
    }
    site_.push_back(one.parent);
    kept.push_back(std::move(one));
  }
}

Value Stages::site_index(unsigned stage, unsigned site) const {
  unsigned number = 2 + static_cast<unsigned>(sites.size());
  for (unsigned i = 0; i < site; ++i) number += sites[i].moves;
  return const_cast<Stage&>(stages[stage]).stop.getValues()[number];
}

Value Stages::initial(unsigned stage, BlockArgument carry) const {
  prob::ForOp loop = stages[stage].loop;
  const Value init = loop.getCarryInits()[carry.getArgNumber() - 1];
  if (common_.contains(init)) return init;
  const auto from = read(stage, init);
  return from && find(*from) == find(numbers_.at(carry)) ? Value() : init;
}

Stages::Held Stages::held(unsigned number, unsigned stage) const {
  const Kept& one = kept[number];
  Value value;
  if (!one.value) {
    value = site_value(stage, one.site);
  } else if (one.stage != stage) {
    return number;
  } else if (auto argument = mlir::dyn_cast<BlockArgument>(one.value)) {
    prob::ForOp loop = stages[stage].loop;
    value = loop.terminator().getCarries()[argument.getArgNumber() - 1];
  } else {
    value = one.value;
  }
  if (!common_.contains(value))
    if (const auto from = read(stage, value)) return *from;
  return value;
}

/// Rows are shared by what is the same wherever both matter. A carry and the value that it begins
/// with share them when that value is read for nothing else.
void Stages::share_rows() {
  const auto agree = [&](unsigned a, unsigned b) {
    for (unsigned i = 0; i < kept.size(); ++i) {
      if (find(i) != a) continue;
      for (unsigned j = 0; j < kept.size(); ++j) {
        if (find(j) != b) continue;
        for (unsigned stage = 0; stage < stages.size(); ++stage) {
          if (!kept[i].live[stage] || !kept[j].live[stage]) continue;
          const Held x = held(i, stage), y = held(j, stage);
          if (x.index() != y.index()) return false;
          if (const auto* m = std::get_if<unsigned>(&x)) {
            const unsigned p = find(*m), q = find(std::get<unsigned>(y));
            if (p != q && !((p == a && q == b) || (p == b && q == a))) return false;
          } else if (std::get<Value>(x) != std::get<Value>(y)) {
            return false;
          }
        }
      }
    }
    return true;
  };
  const auto join = [&](unsigned a, unsigned b) {
    a = find(a);
    b = find(b);
    if (a != b && kept[a].type == kept[b].type && agree(a, b))
      kept[std::max(a, b)].parent = std::min(a, b);
  };
  // First carries with what they begin with.
  for (unsigned stage = 0; stage < stages.size(); ++stage) {
    prob::ForOp loop = stages[stage].loop;
    if (!loop) continue;
    for (auto [argument, init] : llvm::zip(loop.carry_args(), loop.getCarryInits())) {
      const auto found = numbers_.find(argument);
      if (found == numbers_.end() || common_.contains(init)) continue;
      if (const auto from = read(stage, init)) join(*from, found->second);
    }
  }
  for (unsigned i = 0; i < kept.size(); ++i)
    for (unsigned j = 0; j < i; ++j) join(j, i);
}

}  // namespace borel::transform

#include "compiler/transform/simplify_peel.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {

namespace {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

/// A body with more operations than this is not repeated for one iteration.
constexpr int max_operations = 80;

/// Whether the comparison tells the first iteration from the others; `when_first` is what it is
/// then.
bool tells_first(mlir::arith::CmpIOp compare, ForOp loop, int64_t lower, bool& when_first) {
  if (compare.getLhs() != loop.induction()) return false;
  const auto bound = analysis::constant_of(compare.getRhs());
  if (!bound) return false;
  using P = mlir::arith::CmpIPredicate;
  switch (compare.getPredicate()) {
    case P::eq:
    case P::sle:
      when_first = true;
      return *bound == lower;
    case P::slt:
      when_first = true;
      return *bound == lower + 1;
    case P::ne:
    case P::sgt:
      when_first = false;
      return *bound == lower;
    case P::sge:
      when_first = false;
      return *bound == lower + 1;
    default:
      return false;
  }
}

}  // namespace

// The same iterations in the same order; the sums are grouped differently, which rounds
// differently. The first iteration runs only where the range is not empty: its reads may be out of
// range else.
ForOp peel_first(ForOp loop, bool& changed) {
  const auto lower = analysis::constant_of(loop.getLower());
  if (!lower || !loop.getMaps().empty() || !loop.is_plate()) return loop;
  if (const auto trips = analysis::constant_trips(loop); trips && *trips <= 1) return loop;
  llvm::SmallVector<std::pair<mlir::arith::CmpIOp, bool>> compares;
  int operations = 0;
  for (Operation& op : loop.block()) {
    if (mlir::isa<ForOp, mlir::scf::WhileOp>(op) || ++operations > max_operations) return loop;
    auto compare = mlir::dyn_cast<mlir::arith::CmpIOp>(op);
    bool when_first = false;
    if (compare && tells_first(compare, loop, *lower, when_first))
      compares.emplace_back(compare, when_first);
  }
  // A comparison that guards nothing costs nothing.
  const bool guards = llvm::any_of(compares, [](auto& entry) {
    return llvm::any_of(entry.first->getUsers(),
                        [](Operation* user) { return mlir::isa<mlir::scf::IfOp>(user); });
  });
  if (!guards) return loop;
  changed = true;

  OpBuilder b(loop);
  const mlir::Location loc = loop.getLoc();
  const Value filled = b.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::slt,
                                                     loop.getLower(), loop.getUpper());
  prob::YieldOp yield = loop.terminator();
  auto first = b.create<mlir::scf::IfOp>(
      loc, filled,
      [&](OpBuilder& then, mlir::Location at) {
        mlir::IRMapping mapping;
        mapping.map(loop.induction(), loop.getLower());
        for (auto [argument, init] : llvm::zip(loop.into_args(), loop.getIntoInits()))
          mapping.map(argument, init);
        for (Operation& op : loop.block().without_terminator()) then.clone(op, mapping);
        llvm::SmallVector<Value> results;
        for (const Value value : yield.getSums()) results.push_back(mapping.lookupOrDefault(value));
        for (const Value value : yield.getIntos())
          results.push_back(mapping.lookupOrDefault(value));
        then.create<mlir::scf::YieldOp>(at, results);
      },
      [&](OpBuilder& otherwise, mlir::Location at) {
        llvm::SmallVector<Value> results;
        for (const mlir::Type type : loop.getSums().getTypes())
          results.push_back(
              otherwise.create<mlir::arith::ConstantOp>(at, otherwise.getZeroAttr(type)));
        llvm::append_range(results, loop.getIntoInits());
        otherwise.create<mlir::scf::YieldOp>(at, results);
      });

  LoopEdit edit(loop);
  edit.lower = prob::int_constant(b, loc, *lower + 1);
  size_t next = 0;
  llvm::SmallVector<std::pair<Value, Value>> sums;  // old result, the first iteration's part
  for (LoopEdit::Sum& entry : edit.sums) {
    sums.emplace_back(entry.result, first.getResult(static_cast<unsigned>(next++)));
    entry.result = nullptr;
  }
  for (LoopEdit::Into& entry : edit.intos)
    entry.init = first.getResult(static_cast<unsigned>(next++));
  ForOp rest = edit.apply();
  b.setInsertionPointAfter(rest);
  for (auto [entry, part] : llvm::zip(edit.sums, sums)) {
    Value total;
    if (mlir::isa<mlir::FloatType>(entry.result.getType())) {
      total = b.create<mlir::arith::AddFOp>(loc, part.second, entry.result);
    } else {
      total = b.create<mlir::arith::AddIOp>(loc, part.second, entry.result);
    }
    part.first.replaceAllUsesWith(total);
  }
  edit.finish();
  b.setInsertionPoint(rest);
  for (auto& [compare, when_first] : compares) {
    const Value later = prob::bool_constant(b, loc, !when_first);
    compare.replaceAllUsesWith(later);
    compare.erase();
  }
  return rest;
}

}  // namespace borel::transform

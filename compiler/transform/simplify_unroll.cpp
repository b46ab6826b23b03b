#include "compiler/transform/simplify_unroll.h"

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {

namespace {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

constexpr int64_t max_trips = 16;
/// Operations after unrolling.
constexpr int64_t max_operations = 160;

/// Whether every use of a map reads an element at a place that the program names.
bool is_read_by_place(Value map, int64_t trips) {
  return llvm::all_of(map.getUses(), [&](mlir::OpOperand& use) {
    auto read = mlir::dyn_cast<prob::ExtractOp>(use.getOwner());
    if (!read || use.getOperandNumber() != 0 || read.getIndices().empty()) return false;
    const auto place = analysis::constant_of(read.getIndices()[0]);
    return place && *place >= 0 && *place < trips;
  });
}

bool is_short(ForOp loop, int64_t trips) {
  if (trips > max_trips) return false;
  int64_t operations = 0;
  for (Operation& op : loop.block().without_terminator()) {
    if (mlir::isa<ForOp>(op)) return false;
    op.walk([&](Operation*) { ++operations; });
  }
  return operations * trips <= max_operations &&
         llvm::all_of(loop.getMaps(), [&](Value map) { return is_read_by_place(map, trips); });
}

Value sum_of(OpBuilder& b, mlir::Location loc, Value a, Value x) {
  if (!a) return x;
  if (mlir::isa<mlir::FloatType>(x.getType())) return b.create<mlir::arith::AddFOp>(loc, a, x);
  return b.create<mlir::arith::AddIOp>(loc, a, x);
}

}  // namespace

// The same operations in the same order; a sum loses the zero that it started from.
ForOp unroll_short(ForOp loop, bool& changed) {
  const auto trips = analysis::constant_trips(loop);
  const auto lower = analysis::constant_of(loop.getLower());
  if (!trips || !lower || !is_short(loop, *trips)) return loop;
  changed = true;
  OpBuilder b(loop);
  const mlir::Location loc = loop.getLoc();
  prob::YieldOp yield = loop.terminator();
  llvm::SmallVector<Value> carries(loop.getCarryInits()), intos(loop.getIntoInits());
  llvm::SmallVector<Value> sums(loop.getSums().size());
  llvm::SmallVector<llvm::SmallVector<Value>> elements(loop.getMaps().size());
  for (auto& element : elements) element.resize(static_cast<size_t>(*trips));

  for (int64_t n = 0; n < *trips; ++n) {
    const int64_t position = loop.getReverse() ? *trips - 1 - n : n;
    mlir::IRMapping mapping;
    mapping.map(loop.induction(), prob::int_constant(b, loc, *lower + position));
    for (auto [argument, value] : llvm::zip(loop.carry_args(), carries))
      mapping.map(argument, value);
    for (auto [argument, value] : llvm::zip(loop.into_args(), intos)) mapping.map(argument, value);
    for (Operation& op : loop.block().without_terminator()) b.clone(op, mapping);
    for (auto [now, next] : llvm::zip(carries, yield.getCarries()))
      now = mapping.lookupOrDefault(next);
    for (auto [now, next] : llvm::zip(intos, yield.getIntos())) now = mapping.lookupOrDefault(next);
    for (auto [now, value] : llvm::zip(sums, yield.getSums()))
      now = sum_of(b, loc, now, mapping.lookupOrDefault(value));
    for (auto [list, value] : llvm::zip(elements, yield.getMaps()))
      list[static_cast<size_t>(position)] = mapping.lookupOrDefault(value);
  }

  for (auto [result, value] : llvm::zip(loop.getCarries(), carries))
    result.replaceAllUsesWith(value);
  for (auto [result, value] : llvm::zip(loop.getIntos(), intos)) result.replaceAllUsesWith(value);
  for (auto [result, value] : llvm::zip(loop.getSums(), sums)) {
    if (result.use_empty()) continue;
    const Value none =
        value ? value
              : b.create<mlir::arith::ConstantOp>(loc, b.getZeroAttr(result.getType())).getResult();
    result.replaceAllUsesWith(none);
  }
  for (auto [map, list] : llvm::zip(loop.getMaps(), elements)) {
    for (Operation* user : llvm::make_early_inc_range(map.getUsers())) {
      auto read = mlir::cast<prob::ExtractOp>(user);
      Value element = list[static_cast<size_t>(*analysis::constant_of(read.getIndices()[0]))];
      if (read.getIndices().size() > 1) {
        OpBuilder at(read);
        element = at.create<prob::ExtractOp>(read.getLoc(), read.getType(), element,
                                             read.getIndices().drop_front(), read.getPlaceAttr());
      }
      read.replaceAllUsesWith(element);
      read.erase();
    }
  }
  loop.erase();
  return nullptr;
}

}  // namespace borel::transform

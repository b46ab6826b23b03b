#include "compiler/analysis/loops.h"

#include <algorithm>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

namespace borel::analysis {

using mlir::Operation;
using mlir::Value;
using prob::ForOp;

bool is_outside(Value value, Operation* op) {
  return !op->isAncestor(value.getParentBlock()->getParentOp());
}

bool is_invariant(Operation* op, Operation* scope) {
  if (op->getNumRegions() == 0) {
    return llvm::all_of(op->getOperands(), [&](Value v) { return is_outside(v, scope); });
  }
  return !op->walk([&](Operation* inner) {
              for (const Value operand : inner->getOperands()) {
                if (!is_outside(operand, scope) && is_outside(operand, op))
                  return mlir::WalkResult::interrupt();
              }
              return mlir::WalkResult::advance();
            }).wasInterrupted();
}

std::optional<int64_t> constant_of(Value value) {
  llvm::APInt constant;
  if (value.getType().isIntOrIndex() && mlir::matchPattern(value, mlir::m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

Offset offset_of(Value value) {
  Offset out{value, 0};
  while (out.base) {
    if (const auto constant = constant_of(out.base)) {
      out.offset += *constant;
      out.base = nullptr;
      break;
    }
    if (auto add = out.base.getDefiningOp<mlir::arith::AddIOp>()) {
      if (const auto constant = constant_of(add.getRhs())) {
        out.offset += *constant;
        out.base = add.getLhs();
        continue;
      }
      if (const auto constant = constant_of(add.getLhs())) {
        out.offset += *constant;
        out.base = add.getRhs();
        continue;
      }
    }
    if (auto sub = out.base.getDefiningOp<mlir::arith::SubIOp>()) {
      if (const auto constant = constant_of(sub.getRhs())) {
        out.offset -= *constant;
        out.base = sub.getLhs();
        continue;
      }
    }
    break;
  }
  return out;
}

std::optional<int64_t> difference(Value a, Value b) {
  const Offset x = offset_of(a), y = offset_of(b);
  if (x.base == y.base) return x.offset - y.offset;
  return std::nullopt;
}

std::optional<int64_t> position_in(ForOp loop, Value index) {
  const Offset at = offset_of(index);
  if (!at.base) return std::nullopt;
  if (at.base == loop.induction()) {
    const auto lower = constant_of(loop.getLower());
    if (lower) return at.offset + *lower;
    return std::nullopt;
  }
  auto sub = at.base.getDefiningOp<mlir::arith::SubIOp>();
  if (!sub) return std::nullopt;
  const Offset from = offset_of(sub.getLhs());
  if (from.base != loop.induction()) return std::nullopt;
  const auto shift = difference(loop.getLower(), sub.getRhs());
  if (!shift) return std::nullopt;
  return at.offset + from.offset + *shift;
}

namespace {
/// Whether `next` is `array` after updates of elements only, so that it has its shape.
bool is_update_of(Value next, Value array) {
  while (next != array) {
    Operation* op = next.getDefiningOp();
    if (!op) return false;
    if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) {
      next = insert.getArray();
    } else if (auto add = mlir::dyn_cast<prob::AddAtOp>(op)) {
      next = add.getArray();
    } else if (auto loop = mlir::dyn_cast<ForOp>(op)) {
      const size_t n = mlir::cast<mlir::OpResult>(next).getResultNumber();
      if (n >= loop.getCarries().size() ||
          !is_update_of(loop.terminator().getCarries()[n], loop.carry_args()[n]))
        return false;
      next = loop.getCarryInits()[n];
    } else if (auto branch = mlir::dyn_cast<mlir::scf::IfOp>(op)) {
      const unsigned n = mlir::cast<mlir::OpResult>(next).getResultNumber();
      return is_update_of(branch.thenBlock()->getTerminator()->getOperand(n), array) &&
             is_update_of(branch.elseBlock()->getTerminator()->getOperand(n), array);
    } else {
      return false;
    }
  }
  return true;
}

/// The array whose shape `array` certainly has, a step nearer to where it comes from, or null.
Value shape_source(Value array) {
  if (auto insert = array.getDefiningOp<prob::InsertOp>()) return insert.getArray();
  if (auto add = array.getDefiningOp<prob::AddAtOp>()) return add.getArray();
  if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(array)) {
    auto loop = mlir::dyn_cast<ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument.getArgNumber() == 0) return nullptr;
    const size_t n = argument.getArgNumber() - 1, carries = loop.getCarryInits().size();
    if (n >= carries) return loop.getIntoInits()[n - carries];
    if (!is_update_of(loop.terminator().getCarries()[n], array)) return nullptr;
    return loop.getCarryInits()[n];
  }
  auto loop = array.getDefiningOp<ForOp>();
  if (!loop) return nullptr;
  const size_t n = mlir::cast<mlir::OpResult>(array).getResultNumber();
  if (n < loop.getCarries().size()) return shape_source(loop.carry_args()[n]);
  const size_t before = loop.getCarries().size() + loop.getMaps().size() + loop.getSums().size();
  if (n >= before) return loop.getIntoInits()[n - before];
  return nullptr;
}

Extent extent_from(Value value) {
  Extent out;
  out.value = value;
  out.constant = constant_of(value);
  if (auto data = value.getDefiningOp<prob::DataOp>()) out.slot = data.getSlotAttr();
  return out;
}
}  // namespace

Extent extent_of(Value array, int64_t dimension) {
  while (true) {
    const auto type = mlir::cast<mlir::RankedTensorType>(array.getType());
    if (const int64_t extent = type.getDimSize(static_cast<unsigned>(dimension));
        !mlir::ShapedType::isDynamic(extent)) {
      Extent out;
      out.constant = extent;
      return out;
    }
    if (const Value source = shape_source(array)) {
      array = source;
      continue;
    }
    if (auto slice = array.getDefiningOp<prob::ExtractOp>()) {
      dimension += static_cast<int64_t>(slice.getIndices().size());
      array = slice.getArray();
      continue;
    }
    if (auto zeros = array.getDefiningOp<prob::ZerosOp>())
      return extent_from(zeros.getExtents()[static_cast<size_t>(dimension)]);
    if (auto data = array.getDefiningOp<prob::DataOp>()) {
      auto slot =
          mlir::SymbolTable::lookupNearestSymbolFrom<prob::SlotOp>(data, data.getSlotAttr());
      Extent out;
      if (!slot || slot.getDims().size() <= static_cast<size_t>(dimension)) return out;
      const mlir::Attribute extent = slot.getDims()[static_cast<unsigned>(dimension)];
      if (auto symbol = mlir::dyn_cast<mlir::FlatSymbolRefAttr>(extent)) {
        out.slot = symbol;
      } else {
        out.constant = mlir::cast<mlir::IntegerAttr>(extent).getInt();
      }
      return out;
    }
    auto loop = array.getDefiningOp<ForOp>();
    if (!loop) return {};
    const size_t n = mlir::cast<mlir::OpResult>(array).getResultNumber();
    if (n < loop.getCarries().size()) return {};  // and it is not an into: those have a source
    if (dimension > 0) {
      array = loop.terminator().getMaps()[n - loop.getCarries().size()];
      --dimension;
      continue;
    }
    if (constant_of(loop.getLower()) == 0) return extent_from(loop.getUpper());
    if (const auto trips = difference(loop.getUpper(), loop.getLower())) {
      Extent out;
      out.constant = std::max<int64_t>(*trips, 0);
      return out;
    }
    return {};
  }
}

namespace {
/// v where the value is max(v, 0): extents and trip counts are not negative anyway.
Value without_floor(Value value) {
  auto larger = value ? value.getDefiningOp<mlir::arith::MaxSIOp>() : mlir::arith::MaxSIOp();
  return larger && constant_of(larger.getRhs()) == 0 ? larger.getLhs() : value;
}
}  // namespace

bool covers(ForOp loop, Value array, int64_t dimension, int64_t shift) {
  Extent extent = extent_of(array, dimension);
  extent.value = without_floor(extent.value);
  const Value lower = loop.getLower(), upper = loop.getUpper();
  if (const auto first = constant_of(lower)) {
    if (extent.constant) return constant_of(upper) == *extent.constant + *first - shift;
    if (extent.value && difference(upper, extent.value) == *first - shift) return true;
    auto data = upper.getDefiningOp<prob::DataOp>();
    return data && extent.slot && *first == shift && data.getSlotAttr() == extent.slot;
  }
  if (extent.constant) {
    const auto trips = difference(upper, lower);
    return trips && *trips + shift == *extent.constant;
  }
  // upper - lower, spelled out as the extent.
  auto sub = extent.value ? extent.value.getDefiningOp<mlir::arith::SubIOp>() : nullptr;
  return sub && shift == 0 && difference(upper, sub.getLhs()) == 0 &&
         difference(lower, sub.getRhs()) == 0;
}

namespace {
/// The loop whose induction variable `value` is.
ForOp counted_by(Value value) {
  auto argument = value ? mlir::dyn_cast<mlir::BlockArgument>(value) : mlir::BlockArgument();
  if (!argument || argument.getArgNumber() != 0) return nullptr;
  return mlir::dyn_cast<ForOp>(argument.getOwner()->getParentOp());
}

/// Whether value + shift >= 0.
bool is_not_negative(Value value, int64_t shift) {
  const Offset at = offset_of(value);
  shift += at.offset;
  if (!at.base) return shift >= 0;
  if (ForOp loop = counted_by(at.base)) return is_not_negative(loop.getLower(), shift);
  if (shift < 0) return false;
  if (at.base.getDefiningOp<prob::DimOp>()) return true;
  auto data = at.base.getDefiningOp<prob::DataOp>();
  auto slot =
      data ? mlir::SymbolTable::lookupNearestSymbolFrom<prob::SlotOp>(data, data.getSlotAttr())
           : prob::SlotOp();
  return slot && slot.getKind() == "size";
}

/// Whether value + shift <= extent.
bool is_at_most(Value value, int64_t shift, Extent extent) {
  extent.value = without_floor(extent.value);
  const Offset at = offset_of(value);
  if (ForOp loop = counted_by(at.base))
    return is_at_most(loop.getUpper(), shift + at.offset - 1, extent);
  if (extent.constant) return !at.base && at.offset + shift <= *extent.constant;
  if (extent.value) {
    const auto excess = difference(value, extent.value);
    if (excess && *excess + shift <= 0) return true;
  }
  auto data = at.base ? at.base.getDefiningOp<prob::DataOp>() : prob::DataOp();
  return data && extent.slot && data.getSlotAttr() == extent.slot && at.offset + shift <= 0;
}
}  // namespace

bool is_in_range(Value index, Value array, int64_t dimension) {
  return is_not_negative(index, 0) && is_at_most(index, 1, extent_of(array, dimension));
}

bool same_range(ForOp a, ForOp b) {
  const auto same = [](Value x, Value y) {
    if (x == y) return true;
    const auto p = constant_of(x), q = constant_of(y);
    if (p && q) return *p == *q;
    auto r = x.getDefiningOp<prob::DataOp>(), s = y.getDefiningOp<prob::DataOp>();
    return r && s && r.getSlot() == s.getSlot();
  };
  if (!same(a.getLower(), b.getLower())) return false;
  // A bound that is never less than where the loop begins: the loop is as long without that.
  const auto bound = [](ForOp loop) {
    auto floored = loop.getUpper().getDefiningOp<mlir::arith::MaxSIOp>();
    if (!floored) return Value(loop.getUpper());
    const auto from = constant_of(loop.getLower()), least = constant_of(floored.getRhs());
    return from && least && *least <= *from ? Value(floored.getLhs()) : Value(loop.getUpper());
  };
  return same(bound(a), bound(b));
}

std::optional<int64_t> constant_trips(ForOp loop) {
  const auto trips = difference(loop.getUpper(), loop.getLower());
  if (!trips) return std::nullopt;
  return *trips > 0 ? *trips : 0;
}

bool is_zeros(Value array) { return array.getDefiningOp<prob::ZerosOp>() != nullptr; }

bool is_cheap(Operation* op) {
  if (op->hasTrait<mlir::OpTrait::ConstantLike>()) return true;
  if (mlir::isa<prob::DataOp, prob::DimOp, prob::ZerosOp>(op)) return true;
  if (mlir::isa<prob::ExtractOp>(op)) return true;
  // A choice between reals is arithmetic: an indicator of data is worth an array.
  if (mlir::isa<mlir::arith::SelectOp>(op) && prob::is_real(op->getResult(0).getType()))
    return false;
  if (mlir::isa<mlir::arith::AddIOp, mlir::arith::SubIOp, mlir::arith::MulIOp, mlir::arith::CmpIOp,
                mlir::arith::SelectOp, mlir::arith::MaxSIOp, mlir::arith::MinSIOp,
                mlir::arith::AndIOp, mlir::arith::OrIOp, mlir::arith::XOrIOp, mlir::arith::ExtUIOp>(
          op))
    return !mlir::isa<mlir::RankedTensorType>(op->getResult(0).getType());
  return false;
}

}  // namespace borel::analysis

#include "compiler/transform/hoist.h"

#include "compiler/analysis/data_only.h"
#include "compiler/analysis/loops.h"
#include "compiler/transform/fuse.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/simplify_loops.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace borel::transform {

namespace {

using analysis::DataOnly;
using mlir::Block;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

constexpr llvm::StringLiteral bind_name = "borel.bind";

/// Whether computing `value` once is worth a slot: somewhere on the way to it is real work. Values
/// for which `stops` holds are at hand already.
bool is_worth_storing(Value value, llvm::function_ref<bool(Value)> stops) {
  llvm::SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    const Value at = work.pop_back_val();
    if (stops(at) || !seen.insert(at).second) continue;
    Operation* op = at.getDefiningOp();
    if (!op) continue;
    if (!analysis::is_cheap(op)) return true;
    if (auto read = mlir::dyn_cast<prob::ExtractOp>(op)) {
      // A gather through data: contiguous once it is stored.
      for (const Value index : read.getIndices()) {
        const Value base = analysis::offset_of(index).base;
        if (base && !stops(base) && base.getDefiningOp<prob::ExtractOp>()) return true;
      }
      if (prob::is_array(read.getType())) continue;
    }
    llvm::append_range(work, op->getOperands());
  }
  return false;
}

/// Splits loops so that data-only work has loops of its own.
class Splitter {
 public:
  explicit Splitter(DataOnly& data) : data_(data) {}

  void split_block(Block& block) {
    for (ForOp loop : llvm::to_vector(block.getOps<ForOp>())) {
      const bool whole = loop->getNumResults() > 0 && data_.contains(loop->getResult(0));
      if (!whole) split(loop);
    }
  }

 private:
  /// `loop` is not data-only as a whole.
  void split(ForOp loop) {
    split_block(loop.block());
    // What a loop inside left here may not vary here either.
    mlir::moveLoopInvariantCode(mlir::cast<mlir::LoopLikeOpInterface>(*loop));
    if (!data_.contains(loop.induction())) return;
    const auto is_data = [&](Value value) {
      return data_.contains(value) && !analysis::is_outside(value, loop) &&
             has_one_shape(value, loop);
    };
    const auto stops = [&](Value value) { return analysis::is_outside(value, loop); };

    LoopEdit edit(loop);
    // Sums and maps of data leave with their results.
    llvm::SmallVector<size_t> sums, maps;
    for (size_t i = 0; i < edit.sums.size(); ++i)
      if (is_data(edit.sums[i].value) || is_outside_data(edit.sums[i].value, loop))
        sums.push_back(i);
    for (size_t i = 0; i < edit.maps.size(); ++i)
      if (is_data(edit.maps[i].value) || is_outside_data(edit.maps[i].value, loop))
        maps.push_back(i);
    // Values at the border: data that something else in the body uses.
    llvm::SetVector<Value> border;
    for (Operation& op : loop.block()) {
      if (&op == loop.block().getTerminator()) {
        for (const auto& entry : edit.carries) consider(entry.next, border, is_data, stops);
        continue;
      }
      if (op.getNumResults() > 0 && data_.contains(op.getResult(0))) continue;
      op.walk([&](Operation* inner) {
        for (Value operand : inner->getOperands())
          if (operand.getParentBlock() == &loop.block()) consider(operand, border, is_data, stops);
      });
    }
    if (sums.empty() && maps.empty() && border.empty()) return;

    // The data's own loop, before this one.
    OpBuilder b(loop);
    llvm::SmallVector<mlir::Type> elements, sum_types;
    for (const Value value : border) elements.push_back(value.getType());
    for (const size_t i : maps) elements.push_back(edit.maps[i].value.getType());
    for (const size_t i : sums) sum_types.push_back(edit.sums[i].value.getType());
    auto made = b.create<ForOp>(loop.getLoc(), loop.getLower(), loop.getUpper(), mlir::ValueRange(),
                                elements, sum_types, mlir::ValueRange());
    mlir::IRMapping mapping;
    mapping.map(loop.induction(), made.induction());
    b.setInsertionPointToEnd(&made.block());
    llvm::SetVector<Operation*> needed;
    for (const Value value : border) collect(value, loop, needed);
    for (const size_t i : maps) collect(edit.maps[i].value, loop, needed);
    for (const size_t i : sums) collect(edit.sums[i].value, loop, needed);
    for (Operation& op : loop.block())
      if (needed.contains(&op)) b.clone(op, mapping);
    llvm::SmallVector<Value> yielded_maps, yielded_sums;
    for (const Value value : border) yielded_maps.push_back(mapping.lookup(value));
    for (const size_t i : maps) yielded_maps.push_back(mapping.lookupOrDefault(edit.maps[i].value));
    for (const size_t i : sums) yielded_sums.push_back(mapping.lookupOrDefault(edit.sums[i].value));
    b.create<prob::YieldOp>(loop.getLoc(), mlir::ValueRange(), yielded_maps, yielded_sums,
                            mlir::ValueRange());
    for (const Value result : made.getResults()) data_.insert(result);

    // This loop reads what it used to compute.
    b.setInsertionPointToStart(&loop.block());
    Value position = loop.induction();
    if (!border.empty() && analysis::constant_of(loop.getLower()) != 0) {
      position = b.create<mlir::arith::SubIOp>(loop.getLoc(), position, loop.getLower());
      data_.insert(position);
    }
    for (auto [n, value] : llvm::enumerate(border)) {
      const Value read = prob::extract(b, loop.getLoc(), made.getMaps()[n], position);
      data_.insert(read);
      edit.replace(value, read);
    }
    size_t map = border.size(), sum = 0;
    for (const size_t i : maps) {
      edit.maps[i].result.replaceAllUsesWith(made.getMaps()[map++]);
      edit.maps[i].result = nullptr;
    }
    for (const size_t i : sums) {
      edit.sums[i].result.replaceAllUsesWith(made.getSums()[sum++]);
      edit.sums[i].result = nullptr;
    }
    for (const size_t i : llvm::reverse(maps)) edit.maps.erase(edit.maps.begin() + i);
    for (const size_t i : llvm::reverse(sums)) edit.sums.erase(edit.sums.begin() + i);
    ForOp rest = edit.apply();
    data_.forget(loop);
    edit.finish();
    // What only the moved values needed is dead now.
    for (Operation& op : llvm::make_early_inc_range(llvm::reverse(rest.block()))) {
      if (!mlir::isOpTriviallyDead(&op)) continue;
      data_.forget(&op);
      op.erase();
    }
    if (rest->use_empty() && mlir::isMemoryEffectFree(rest)) {
      data_.forget(rest);
      rest.erase();
      return;
    }
    rest = drop_unused(rest);
    if (rest) data_.insert(rest.induction());
  }

  /// Whether the array has one shape in all iterations: rows of different lengths have no array.
  static bool has_one_shape(Value value, ForOp loop) {
    const auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
    for (int64_t d = 0; type && d < type.getRank(); ++d) {
      const analysis::Extent extent = analysis::extent_of(value, d);
      if (extent.constant || extent.slot) continue;
      if (extent.value) {
        if (!analysis::is_outside(extent.value, loop)) return false;
        continue;
      }
      auto made = value.getDefiningOp<ForOp>();
      if (!made || d != 0 || !analysis::is_outside(made.getLower(), loop) ||
          !analysis::is_outside(made.getUpper(), loop))
        return false;
    }
    return true;
  }

  /// A sum or a map of a value from outside the loop that is data.
  bool is_outside_data(Value value, ForOp loop) const {
    return data_.contains(value) && analysis::is_outside(value, loop);
  }

  static void consider(Value value, llvm::SetVector<Value>& border,
                       llvm::function_ref<bool(Value)> is_data,
                       llvm::function_ref<bool(Value)> stops) {
    if (is_data(value) && is_worth_storing(value, stops)) border.insert(value);
  }

  static void collect(Value value, ForOp loop, llvm::SetVector<Operation*>& needed) {
    Operation* op = value.getDefiningOp();
    if (!op || analysis::is_outside(value, loop)) return;
    while (op->getBlock() != &loop.block()) op = op->getParentOp();
    if (!needed.insert(op)) return;
    op->walk([&](Operation* inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == &loop.block()) collect(operand, loop, needed);
    });
  }

  DataOnly& data_;
};

class HoistPass : public mlir::PassWrapper<HoistPass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(HoistPass)

  llvm::StringRef getArgument() const final { return "hoist"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect>();
  }

  void runOnOperation() final {
    mlir::ModuleOp module = getOperation();
    if (module.lookupSymbol(bind_name)) {
      module.emitError("data is hoisted already: the module has a function ") << bind_name;
      return signalPassFailure();
    }
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto bind = b.create<mlir::func::FuncOp>(module.getLoc(), bind_name, b.getFunctionType({}, {}));
    Block* body = bind.addEntryBlock();

    llvm::SmallVector<Value> copies;
    llvm::SmallVector<std::pair<Value, size_t>> hoisted;  // a function's value, its copy's number
    for (auto function : module.getOps<mlir::func::FuncOp>()) {
      if (function == bind || function.isExternal() || function.getBody().getBlocks().size() != 1)
        continue;
      // Checks run before bind computes anything.
      if (function->hasAttr(prob::check_attribute)) continue;
      Block& block = function.getBody().front();
      DataOnly data(block);
      lift_from_branches(block, data);
      Splitter(data).split_block(block);
      copy_border(block, DataOnly(block), body, copies, hoisted);
    }
    b.setInsertionPointToEnd(body);
    auto result = b.create<mlir::func::ReturnOp>(module.getLoc(), copies);
    share(bind);
    make_slots(bind, result, hoisted);
  }

 private:
  /// Arithmetic on data in branches leaves them: it can be done once whether they are taken or not.
  /// What reads or writes elements stays, for the branch may be what keeps it in range.
  static void lift_from_branches(Block& block, DataOnly& data) {
    for (auto branch : block.getOps<mlir::scf::IfOp>()) {
      for (mlir::Region& region : branch->getRegions()) {
        if (region.empty()) continue;
        for (Operation& op : llvm::make_early_inc_range(region.front())) {
          const bool is_arithmetic = op.getNumRegions() == 0 && op.getNumResults() == 1 &&
                                     mlir::isPure(&op) && !mlir::isa<prob::ExtractOp>(op) &&
                                     !prob::is_array(op.getResult(0).getType());
          if (!is_arithmetic || !llvm::all_of(op.getOperands(), [&](Value operand) {
                return data.contains(operand) && analysis::is_outside(operand, branch);
              }))
            continue;
          op.moveBefore(branch);
          data.insert(op.getResult(0));
        }
      }
    }
  }

  /// Copies everything of data that the rest of the function needs into bind.
  static void copy_border(Block& block, const DataOnly& data, Block* body,
                          llvm::SmallVectorImpl<Value>& copies,
                          llvm::SmallVectorImpl<std::pair<Value, size_t>>& hoisted) {
    llvm::SetVector<Value> border;
    const auto stops = [](Value) { return false; };
    const auto consider = [&](Value value) -> void {
      if (value.getParentBlock() != &block || !data.contains(value) || border.contains(value))
        return;
      if (is_worth_storing(value, stops)) border.insert(value);
    };
    for (Operation& op : block) {
      if (op.getNumResults() > 0 && data.contains(op.getResult(0))) continue;
      op.walk([&](Operation* inner) {
        for (const Value operand : inner->getOperands()) consider(operand);
      });
    }
    if (border.empty()) return;
    llvm::SmallVector<Value> work(border.begin(), border.end());
    llvm::DenseSet<Operation*> needed;
    while (!work.empty()) {
      Operation* op = work.pop_back_val().getDefiningOp();
      if (!op || op->getBlock() != &block || !needed.insert(op).second) continue;
      op->walk([&](Operation* inner) { llvm::append_range(work, inner->getOperands()); });
    }
    mlir::IRMapping mapping;
    OpBuilder b = OpBuilder::atBlockEnd(body);
    for (Operation& op : block)
      if (needed.contains(&op)) b.clone(op, mapping);
    for (const Value value : border) {
      hoisted.emplace_back(value, copies.size());
      copies.push_back(mapping.lookup(value));
    }
  }

  /// Makes equal values one value: several functions compute the same things in loops of their own.
  static void share(mlir::func::FuncOp bind) {
    mlir::IRRewriter rewriter(bind.getContext());
    mlir::DominanceInfo dominance(bind);
    mlir::eliminateCommonSubExpressions(rewriter, dominance, bind);
    fuse_plates(bind.getBody().front());
    mlir::eliminateCommonSubExpressions(rewriter, dominance, bind);
    bool changed = false;
    llvm::SmallVector<ForOp> loops;
    bind.walk([&](ForOp loop) { loops.push_back(loop); });
    for (ForOp loop : loops) clean_results(loop, changed);
    if (changed) mlir::eliminateCommonSubExpressions(rewriter, dominance, bind);
  }

  /// The operation `Op` on two values at the end of bind, found again where it is there already.
  template <typename Op>
  static Value computed(mlir::func::ReturnOp result, Value a, Value b) {
    for (Operation* user : a.getUsers()) {
      auto same = mlir::dyn_cast<Op>(user);
      if (same && same->getBlock() == result->getBlock() && same->getOperand(0) == a &&
          same->getOperand(1) == b)
        return same->getResult(0);
    }
    OpBuilder at(result);
    return at.create<Op>(result.getLoc(), a, b);
  }

  /// An extent that is not at hand, computed before bind returns; `known` may be negative, for an
  /// empty range.
  static Value extent_value(Value array, int64_t dimension, Value known, Value zero,
                            mlir::func::ReturnOp result) {
    auto loop = array.getDefiningOp<ForOp>();
    if (!known && loop && dimension == 0)
      known = computed<mlir::arith::SubIOp>(result, loop.getUpper(), loop.getLower());
    if (known) return computed<mlir::arith::MaxSIOp>(result, known, zero);
    OpBuilder b(result);
    return prob::dim(b, result.getLoc(), array, dimension);
  }

  /// Gives every different copy a slot, and the functions prob.data instead of their computation.
  void make_slots(mlir::func::FuncOp bind, mlir::func::ReturnOp result,
                  llvm::ArrayRef<std::pair<Value, size_t>> hoisted) {
    mlir::ModuleOp module = getOperation();
    OpBuilder slots(&getContext());
    slots.setInsertionPoint(*module.getOps<mlir::func::FuncOp>().begin());
    llvm::MapVector<Value, mlir::FlatSymbolRefAttr> slot_of;  // of a value of bind
    OpBuilder entry = OpBuilder::atBlockBegin(result->getBlock());
    const Value zero = prob::int_constant(entry, bind.getLoc(), 0);
    const auto slot_for = [&](Value copy, auto& self) -> mlir::FlatSymbolRefAttr {
      if (auto data = copy.getDefiningOp<prob::DataOp>()) return data.getSlotAttr();
      if (const auto found = slot_of.find(copy); found != slot_of.end()) return found->second;
      llvm::SmallVector<mlir::Attribute> dims;
      if (auto array = mlir::dyn_cast<mlir::RankedTensorType>(copy.getType())) {
        for (int64_t d = 0; d < array.getRank(); ++d) {
          analysis::Extent extent = analysis::extent_of(copy, d);
          if (extent.constant) {
            dims.push_back(slots.getI64IntegerAttr(std::max<int64_t>(*extent.constant, 0)));
          } else if (extent.slot) {
            dims.push_back(extent.slot);
          } else {
            Value known = extent.value;
            if (known && known.getParentBlock() != result->getBlock()) known = nullptr;
            dims.push_back(self(extent_value(copy, d, known, zero, result), self));
          }
        }
      }
      const std::string name = "borel.h" + std::to_string(slot_of.size());
      slots.create<prob::SlotOp>(
          bind.getLoc(), slots.getStringAttr(name), mlir::TypeAttr::get(copy.getType()),
          slots.getStringAttr("hoisted"), slots.getArrayAttr(dims), slots.getI64IntegerAttr(-1));
      const auto symbol = mlir::FlatSymbolRefAttr::get(&getContext(), name);
      slot_of.insert({copy, symbol});
      return symbol;
    };

    for (const auto& [value, number] : hoisted) {
      const Value copy = result.getOperand(static_cast<unsigned>(number));
      Operation* definition = value.getDefiningOp();
      OpBuilder at(definition);
      if (mlir::matchPattern(copy, mlir::m_Constant())) {
        Value constant = at.clone(*copy.getDefiningOp())->getResult(0);
        Value(value).replaceAllUsesWith(constant);
        continue;
      }
      const Value read =
          at.create<prob::DataOp>(value.getLoc(), value.getType(), slot_for(copy, slot_for));
      Value(value).replaceAllUsesWith(read);
    }
    llvm::SmallVector<Value> values;
    llvm::SmallVector<mlir::Type> types;
    for (const auto& [value, slot] : slot_of) {
      values.push_back(value);
      types.push_back(value.getType());
    }
    result.getOperandsMutable().assign(values);
    bind.setType(mlir::FunctionType::get(&getContext(), {}, types));

    // The functions no longer need what made the values.
    for (auto function : module.getOps<mlir::func::FuncOp>()) {
      if (function.isExternal()) continue;
      Block& block = function.getBody().front();
      for (Operation& op : llvm::make_early_inc_range(llvm::reverse(block)))
        if (mlir::isOpTriviallyDead(&op)) op.erase();
    }
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_hoist_pass() { return std::make_unique<HoistPass>(); }

}  // namespace borel::transform

#include "compiler/transform/split.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {

namespace {

using mlir::Block;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

/// What a plate of its own must save, in real additions per iteration: its loop, and a store and a
/// load for each array that it exchanges with the recurrence. Less work than that hides behind the
/// recurrence's latency anyway.
constexpr int plate_cost = 3, array_cost = 2;

/// Work in units of a real addition, roughly.
int cost_of(Operation* op) {
  if (analysis::is_cheap(op) || op->hasTrait<mlir::OpTrait::IsTerminator>()) return 0;
  if (mlir::isa<prob::AddAtOp>(op)) return 1;
  if (op->getNumRegions() > 0) {
    int total = mlir::isa<ForOp>(op) ? 20 : 1;
    for (mlir::Region& region : op->getRegions())
      for (Block& block : region)
        for (Operation& inner : block) total += cost_of(&inner);
    return total;
  }
  if (mlir::isa<mlir::arith::DivFOp, mlir::math::SqrtOp>(op)) return 8;
  if (op->getDialect() && op->getDialect()->getNamespace() == "math" &&
      !mlir::isa<mlir::math::AbsFOp, mlir::math::FmaOp>(op))
    return 20;
  if (mlir::isa<prob::SpecialOp>(op)) return 40;
  return 1;
}

/// One loop with carries, cut in three.
class Split {
 public:
  explicit Split(ForOp loop) : loop_(loop) {}

  void run() {
    classify();
    choose_before();
    choose_after();
    if (!split_before_ && !split_after_) return;
    if (!intos_are_whole()) return;
    rebuild();
  }

 private:
  using Operations = llvm::SetVector<Operation*>;

  //===- Facts -------------------------------------------------------------------------------===//

  /// Values of this body (arguments and results) that an operation uses, its regions included.
  template <typename Visit>
  void each_use(Operation* op, Visit visit) {
    op->walk([&](Operation* inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == &loop_.block()) visit(operand);
    });
  }

  bool is_carry(Value value) {
    auto argument = mlir::dyn_cast<mlir::BlockArgument>(value);
    return argument && argument.getArgNumber() >= 1 &&
           argument.getArgNumber() <= loop_.getCarryInits().size();
  }

  bool depends_on_carry(Value value) {
    return is_carry(value) || depends_.contains(value.getDefiningOp());
  }
  /// A carry that only hands a value to the next iteration's own work: no carry depends on it.
  bool is_delay(Value value) { return delays_.contains(value); }

  bool is_recurrent(Value value) {
    return (is_carry(value) && !is_delay(value)) ||
           (depends_.contains(value.getDefiningOp()) && feeds_.contains(value.getDefiningOp()));
  }

  void find_dependent() {
    depends_.clear();
    for (Operation& op : loop_.block().without_terminator())
      each_use(&op, [&](Value value) {
        if (depends_on_carry(value)) depends_.insert(&op);
      });
  }

  void classify() {
    find_dependent();
    find_accumulators();
    find_delays();
    feeds_.clear();
    llvm::SmallVector<Value> work;
    for (auto [argument, next] : llvm::zip(loop_.carry_args(), loop_.terminator().getCarries()))
      if (!is_delay(argument)) work.push_back(next);
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation* op = value.getDefiningOp();
      if (!op || op->getBlock() != &loop_.block() || !feeds_.insert(op).second) continue;
      each_use(op, [&](Value operand) { work.push_back(operand); });
    }
  }

  /// Arrays on their way from an into argument to the yield (and what comes along with them).
  void find_accumulators() {
    accumulators_.clear();
    accumulators_.insert(loop_.into_args().begin(), loop_.into_args().end());
    for (Operation& op : loop_.block().without_terminator()) {
      bool uses = false;
      if (!mlir::isa<prob::DimOp>(op))
        each_use(&op, [&](Value value) { uses |= accumulators_.contains(value); });
      if (!uses) continue;
      for (const Value result : op.getResults())
        if (prob::is_array(result.getType())) accumulators_.insert(result);
    }
  }

  /// The operations between an into argument and what is yielded for it.
  Operations chain_of(Value yielded) {
    Operations out;
    llvm::SmallVector<Value> work{yielded};
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation* op = value.getDefiningOp();
      if (!op || !accumulators_.contains(value) || op->getBlock() != &loop_.block() ||
          !out.insert(op))
        continue;
      each_use(op, [&](Value operand) { work.push_back(operand); });
    }
    return out;
  }

  /// Whether every into is in one place: a plate that does part of its additions would lose the
  /// rest.
  bool intos_are_whole() {
    for (const Value yielded : loop_.terminator().getIntos()) {
      const Home at = home(yielded);
      for (Operation* op : chain_of(yielded)) {
        const bool recurrent = depends_.contains(op) && feeds_.contains(op);
        if ((before_.contains(op) && at != Home::before) ||
            (after_.contains(op) && at != Home::after) || (recurrent && at != Home::loop))
          return false;
      }
    }
    return true;
  }

  void find_delays() {
    delays_.clear();
    if (loop_.getReverse() || !analysis::constant_of(loop_.getLower())) return;
    prob::YieldOp yield = loop_.terminator();
    for (auto [argument, next, result] :
         llvm::zip(loop_.carry_args(), yield.getCarries(), loop_.getCarries())) {
      if (!result.use_empty() || !mlir::isa<mlir::FloatType>(argument.getType()) ||
          !depends_on_carry(next) || is_carry(next))
        continue;
      llvm::DenseSet<Operation*> reached;
      for (Operation& op : loop_.block().without_terminator())
        each_use(&op, [&](Value value) {
          if (value == argument || reached.contains(value.getDefiningOp())) reached.insert(&op);
        });
      const bool feeds = llvm::any_of(yield.getCarries(), [&](Value value) {
        return value == argument || reached.contains(value.getDefiningOp());
      });
      if (!feeds) delays_.insert(argument);
    }
  }

  //===- Choices -----------------------------------------------------------------------------===//

  /// Adds what `value` needs to `out`; values for which `stop` holds are taken from elsewhere.
  template <typename Stop>
  void close_over(Value value, Operations& out, Stop stop) {
    llvm::SmallVector<Value> work{value};
    while (!work.empty()) {
      Value at = work.pop_back_val();
      if (at.getParentBlock() != &loop_.block() || stop(at)) continue;
      Operation* op = at.getDefiningOp();
      if (!op || !out.insert(op)) continue;
      each_use(op, [&](Value operand) { work.push_back(operand); });
    }
  }

  static int total_cost(const Operations& operations) {
    int total = 0;
    for (Operation* op : operations) total += cost_of(op);
    return total;
  }

  int cost_behind(Value value) {
    Operations needed;
    close_over(value, needed, [](Value) { return false; });
    return total_cost(needed);
  }

  /// Whether a size is the same in every iteration.
  bool is_fixed(Value size) {
    if (analysis::is_outside(size, loop_) || analysis::constant_of(size)) return true;
    Operation* op = size.getDefiningOp();
    if (auto dim = mlir::dyn_cast_or_null<prob::DimOp>(op)) return is_even(dim.getArray());
    if (mlir::isa_and_nonnull<prob::DataOp>(op)) return true;
    return op && mlir::isa<mlir::arith::ArithDialect>(op->getDialect()) &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return is_fixed(operand); });
  }

  /// Whether the iterations' arrays are known to have one shape: only those are rows of an array.
  bool is_even(Value array) {
    if (analysis::is_outside(array, loop_)) return true;
    Operation* op = array.getDefiningOp();
    if (!op) {  // of this loop or one in it: as long as what it begins with
      const unsigned n = mlir::cast<mlir::BlockArgument>(array).getArgNumber();
      auto loop = mlir::dyn_cast<ForOp>(array.getParentBlock()->getParentOp());
      return loop && is_even(loop->getOperand(1 + n));
    }
    if (auto loop = mlir::dyn_cast<ForOp>(op)) {
      const unsigned n = mlir::cast<mlir::OpResult>(array).getResultNumber();
      const size_t carries = loop.getCarries().size(), maps = loop.getMaps().size();
      if (n < carries) return is_even(loop.getCarryInits()[n]);
      if (n >= carries + maps)
        return is_even(loop.getIntoInits()[n - carries - maps - loop.getSums().size()]);
      const Value element = loop.terminator().getMaps()[n - carries];
      return is_fixed(loop.getLower()) && is_fixed(loop.getUpper()) &&
             (!prob::is_array(element.getType()) || is_even(element));
    }
    if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) return is_even(insert.getArray());
    if (auto add = mlir::dyn_cast<prob::AddAtOp>(op)) return is_even(add.getArray());
    if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op)) return is_even(extract.getArray());
    if (auto branch = mlir::dyn_cast<mlir::scf::IfOp>(op)) {
      const unsigned n = mlir::cast<mlir::OpResult>(array).getResultNumber();
      return is_even(branch.thenYield().getOperand(n)) && is_even(branch.elseYield().getOperand(n));
    }
    if (mlir::isa<mlir::scf::WhileOp>(op)) return false;
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      if (prob::is_array(operand.getType())) return is_even(operand);
      return mlir::isa<mlir::FloatType>(operand.getType()) || operand.getType().isInteger(1) ||
             is_fixed(operand);
    });
  }

  void choose_before() {
    // What the recurrence reads that does not depend on it.
    llvm::SetVector<Value> inputs;
    const auto consider = [&](Value value) {
      if (value.getParentBlock() != &loop_.block() || depends_on_carry(value)) return;
      if (value.getDefiningOp() && !accumulators_.contains(value) && cost_behind(value) > 0)
        inputs.insert(value);
    };
    for (Operation& op : loop_.block().without_terminator())
      if (depends_.contains(&op) && feeds_.contains(&op)) each_use(&op, consider);
    for (Value value : loop_.terminator().getCarries()) consider(value);
    for (Value input : inputs)
      if (prob::is_array(input.getType()) && !is_even(input)) return;
    for (Value input : inputs) close_over(input, before_, [](Value) { return false; });
    const int arrays = static_cast<int>(inputs.size());
    split_before_ = !inputs.empty() && total_cost(before_) >= plate_cost + array_cost * arrays;
    if (split_before_) {
      handed_.insert(inputs.begin(), inputs.end());
    } else {
      before_.clear();
    }
  }

  enum class Home { loop, before, after };

  /// Where a collected value is computed if the plates are made.
  bool goes_after(Value value) {
    return value.getParentBlock() == &loop_.block() && depends_on_carry(value) &&
           !is_recurrent(value);
  }

  bool handed_on(Value value) {
    return value.getDefiningOp() && before_.contains(value.getDefiningOp()) &&
           cost_behind(value) > array_cost && (!prob::is_array(value.getType()) || is_even(value));
  }

  void choose_after() {
    prob::YieldOp yield = loop_.terminator();
    llvm::SetVector<Value> recurrent, early;
    const auto at_hand = [&](Value at) {
      if (is_recurrent(at)) {
        recurrent.insert(at);
        return true;
      }
      if (split_before_ && handed_on(at)) {
        early.insert(at);
        return true;
      }
      return false;
    };
    const auto gather = [&](Value value) {
      close_over(value, after_, [&](Value at) {
        if (at_hand(at)) return true;
        if (!is_delay(at)) return false;
        // The iteration before computes it.
        const auto n = mlir::cast<mlir::BlockArgument>(at).getArgNumber() - 1;
        close_over(yield.getCarries()[n], delayed_[at], at_hand);
        return true;
      });
    };
    for (auto values : {yield.getMaps(), yield.getSums(), yield.getIntos()})
      for (Value value : values)
        if (goes_after(value)) gather(value);
    const int arrays = static_cast<int>(recurrent.size());
    split_after_ = !after_.empty() && total_cost(after_) >= plate_cost + array_cost * arrays;
    if (!split_after_) {
      after_.clear();
      delayed_.clear();
      return;
    }
    // What needs no recurrence at all goes along.
    for (auto values : {yield.getMaps(), yield.getSums(), yield.getIntos()})
      for (Value value : values)
        if (home(value) == Home::after) gather(value);
    recorded_ = std::move(recurrent);
    handed_.insert(early.begin(), early.end());
  }

  Home home(Value value) {
    if (goes_after(value)) return split_after_ ? Home::after : Home::loop;
    if (value.getParentBlock() == &loop_.block() && depends_on_carry(value)) return Home::loop;
    if (split_after_) return Home::after;
    return split_before_ ? Home::before : Home::loop;
  }

  //===- Rebuilding --------------------------------------------------------------------------===//

  /// A plate over this loop's range under construction.
  struct Plate {
    llvm::SmallVector<Value> maps, sums, intos, into_inits, into_arguments;  // of the old body
    llvm::SmallVector<Value> old_maps, old_sums, old_intos;  // results to replace; null: none
  };

  Value position(OpBuilder& b, Value induction) {
    if (analysis::constant_of(loop_.getLower()) == 0) return induction;
    return b.create<mlir::arith::SubIOp>(loop_.getLoc(), induction, loop_.getLower());
  }

  /// Makes the plate with the operations of `body`; `arrays` are read for the values they hold.
  ForOp make_plate(OpBuilder& b, const Plate& plate, const Operations& body,
                   llvm::ArrayRef<std::pair<Value, Value>> arrays) {
    const mlir::Location loc = loop_.getLoc();
    llvm::SmallVector<mlir::Type> elements, sums;
    for (const Value value : plate.maps) elements.push_back(value.getType());
    for (const Value value : plate.sums) sums.push_back(value.getType());
    auto made = b.create<ForOp>(loc, loop_.getLower(), loop_.getUpper(), mlir::ValueRange(),
                                elements, sums, plate.into_inits);
    mlir::IRMapping mapping;
    mapping.map(loop_.induction(), made.induction());
    for (auto [old, argument] : llvm::zip(plate.into_arguments, made.into_args()))
      mapping.map(old, argument);
    OpBuilder in = OpBuilder::atBlockEnd(&made.block());
    if (!arrays.empty()) {
      const Value at = position(in, made.induction());
      for (const auto& [value, array] : arrays)
        mapping.map(value, prob::extract(in, loc, array, at));
    }
    if (&body == &after_)
      for (const auto& [argument, operations] : delayed_)
        mapping.map(argument, delayed_value(in, made, argument, operations, arrays));
    for (Operation& op : loop_.block().without_terminator())
      if (body.contains(&op)) in.clone(op, mapping);
    const auto mapped = [&](llvm::ArrayRef<Value> values) {
      llvm::SmallVector<Value> out;
      for (const Value value : values) out.push_back(mapping.lookupOrDefault(value));
      return out;
    };
    in.create<prob::YieldOp>(loc, mlir::ValueRange(), mapped(plate.maps), mapped(plate.sums),
                             mapped(plate.intos));
    return made;
  }

  /// What a delay holds in an iteration of the plate after the loop: its init in the first one,
  /// what the iteration before made of its own values in the others.
  Value delayed_value(OpBuilder& in, ForOp plate, Value argument, const Operations& operations,
                      llvm::ArrayRef<std::pair<Value, Value>> arrays) {
    const mlir::Location loc = loop_.getLoc();
    const size_t n = mlir::cast<mlir::BlockArgument>(argument).getArgNumber() - 1;
    const Value first = in.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::eq,
                                                       plate.induction(), loop_.getLower());
    auto choice = in.create<mlir::scf::IfOp>(
        loc, first,
        [&](OpBuilder& then, mlir::Location at) {
          then.create<mlir::scf::YieldOp>(at, Value(loop_.getCarryInits()[n]));
        },
        [&](OpBuilder& otherwise, mlir::Location at) {
          const Value one = prob::int_constant(otherwise, at, 1);
          const Value before = otherwise.create<mlir::arith::SubIOp>(at, plate.induction(), one);
          mlir::IRMapping mapping;
          mapping.map(loop_.induction(), before);
          const Value place = position(otherwise, before);
          for (const auto& [value, array] : arrays)
            mapping.map(value, prob::extract(otherwise, at, array, place));
          for (Operation& op : loop_.block().without_terminator())
            if (operations.contains(&op)) otherwise.clone(op, mapping);
          const Value next = loop_.terminator().getCarries()[n];
          otherwise.create<mlir::scf::YieldOp>(at, mapping.lookupOrDefault(next));
        });
    return choice.getResult(0);
  }

  static void replace_results(ForOp made, const Plate& plate) {
    for (auto [old, result] : llvm::zip(plate.old_maps, made.getMaps()))
      if (old) Value(old).replaceAllUsesWith(result);
    for (auto [old, result] : llvm::zip(plate.old_sums, made.getSums()))
      Value(old).replaceAllUsesWith(result);
    for (auto [old, result] : llvm::zip(plate.old_intos, made.getIntos()))
      Value(old).replaceAllUsesWith(result);
  }

  void rebuild() {
    LoopEdit edit(loop_);
    Plate before, after;
    for (const Value value : handed_) {
      before.maps.push_back(value);
      before.old_maps.push_back(nullptr);
    }
    const auto plate_of = [&](Home at) -> Plate* {
      if (at == Home::loop) return nullptr;
      return at == Home::before ? &before : &after;
    };
    // Closing over values that go along with the plate before.
    const auto take = [&](Home at, Value value) {
      if (at == Home::before) close_over(value, before_, [](Value) { return false; });
    };
    llvm::SmallVector<LoopEdit::Map, 4> maps;
    for (const auto& entry : edit.maps) {
      const Home at = home(entry.value);
      if (Plate* plate = plate_of(at)) {
        take(at, entry.value);
        plate->maps.push_back(entry.value);
        plate->old_maps.push_back(entry.result);
      } else {
        maps.push_back(entry);
      }
    }
    llvm::SmallVector<LoopEdit::Sum, 4> sums;
    for (const auto& entry : edit.sums) {
      const Home at = home(entry.value);
      if (Plate* plate = plate_of(at)) {
        take(at, entry.value);
        plate->sums.push_back(entry.value);
        plate->old_sums.push_back(entry.result);
      } else {
        sums.push_back(entry);
      }
    }
    llvm::SmallVector<LoopEdit::Into, 4> intos;
    llvm::SmallVector<std::pair<Value, Value>> gone;  // arguments of intos that leave, their inits
    for (const auto& entry : edit.intos) {
      const Home at = home(entry.next);
      if (Plate* plate = plate_of(at)) {
        take(at, entry.next);
        plate->intos.push_back(entry.next);
        plate->into_inits.push_back(entry.init);
        plate->into_arguments.push_back(entry.argument);
        plate->old_intos.push_back(entry.result);
        gone.emplace_back(entry.argument, entry.init);
      } else {
        intos.push_back(entry);
      }
    }

    OpBuilder b(loop_);
    llvm::SmallVector<std::pair<Value, Value>> arrays;  // values of the old body, arrays of them
    if (split_before_) {
      ForOp made = make_plate(b, before, before_, {});
      for (auto [n, value] : llvm::enumerate(handed_))
        arrays.emplace_back(value, made.getMaps()[n]);
      replace_results(made, before);
    }

    // The plate after the loop is made from the old body, before that changes; its arrays come from
    // the loop, and stand-ins take their place until there is one.
    ForOp tail;
    llvm::SmallVector<Operation*> stand_ins;
    if (split_after_) {
      llvm::SmallVector<std::pair<Value, Value>> all(arrays);
      b.setInsertionPointAfter(loop_);
      for (const Value value : recorded_) {
        Operation* stand_in = b.create<mlir::UnrealizedConversionCastOp>(
            loop_.getLoc(), prob::array_type(value.getType(), 1), mlir::ValueRange());
        stand_ins.push_back(stand_in);
        all.emplace_back(value, stand_in->getResult(0));
      }
      tail = make_plate(b, after, after_, all);
    }

    edit.maps = std::move(maps);
    edit.sums = std::move(sums);
    edit.intos = std::move(intos);
    const size_t first_recorded = edit.maps.size();
    for (const Value value : recorded_) edit.maps.push_back({value, nullptr});
    // The loop reads what the plate before computed.
    if (!arrays.empty()) {
      b.setInsertionPointToStart(&loop_.block());
      const Value at = position(b, loop_.induction());
      for (const auto& [value, array] : arrays)
        edit.replace(value, prob::extract(b, loop_.getLoc(), array, at));
    }
    // Of an into that left, only dead additions and extents are still here.
    for (const auto& [argument, init] : gone) Value(argument).replaceAllUsesWith(init);
    ForOp middle = edit.apply();
    for (auto [n, stand_in] : llvm::enumerate(stand_ins)) {
      stand_in->getResult(0).replaceAllUsesWith(edit.maps[first_recorded + n].result);
      stand_in->erase();
    }
    if (tail) replace_results(tail, after);
    edit.finish();
    for (Operation& op : llvm::make_early_inc_range(llvm::reverse(middle.block())))
      if (mlir::isOpTriviallyDead(&op)) op.erase();
    drop_unused(middle);
  }

  ForOp loop_;
  llvm::DenseSet<Operation*> depends_, feeds_;  // on a carry; a carry
  llvm::DenseSet<Value> delays_, accumulators_;
  llvm::MapVector<Value, Operations> delayed_;  // by delay: what its next value needs
  Operations before_, after_;
  llvm::SetVector<Value> handed_, recorded_;  // arrays from the plate before; from the loop
  bool split_before_ = false, split_after_ = false;
};

class SplitPass : public mlir::PassWrapper<SplitPass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SplitPass)

  llvm::StringRef getArgument() const final { return "split"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect, mlir::scf::SCFDialect>();
  }

  void runOnOperation() final {
    llvm::SmallVector<ForOp> loops;
    getOperation().walk([&](ForOp loop) {
      if (!loop.getCarries().empty() && mlir::isMemoryEffectFree(loop)) loops.push_back(loop);
    });
    for (ForOp loop : loops) Split(loop).run();
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_split_pass() { return std::make_unique<SplitPass>(); }

}  // namespace borel::transform

#include "compiler/codegen/vector_plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

namespace borel::codegen {

namespace arith = mlir::arith;
namespace scf = mlir::scf;
using Accumulation = VectorPlan::Accumulation;
using mlir::Operation;
using mlir::Value;

namespace {

// How an index moves with the induction variable of the loop that is vectorised.
enum class Motion { Fixed, Unit, Other };

class Planner {
 public:
  Planner(prob::ForOp loop, const StoragePlan& storage, Extents& extents, unsigned width)
      : loop_(loop), storage_(storage), extents_(extents), width_(width) {}

  std::optional<VectorPlan> run() {
    if (!loop_.is_plate() && !find_extremes() && !find_scan()) return std::nullopt;
    plan_.varying.insert(loop_.induction());
    if (!accept_ends(loop_) || !accept(loop_.block(), 0)) return std::nullopt;
    for (const Value map : loop_.terminator().getMaps())
      if (prob::is_array(map.getType())) return std::nullopt;
    if (plan_.scanned && plan_.scanned_extreme) return std::optional(std::move(plan_));
    if (plan_.scanned)
      return is_linear(loop_.terminator().getCarries()[0]) ? std::optional(std::move(plan_))
                                                           : std::nullopt;
    if (inner_is_better()) return std::nullopt;
    find_log_sums();
    plan_.unroll = unroll();
    return std::move(plan_);
  }

 private:
  bool varies(Value value) const { return plan_.varying.contains(value); }
  bool any_varies(mlir::ValueRange values) const {
    return llvm::any_of(values, [&](Value value) { return varies(value); });
  }
  void set(Value value, bool varying) {
    if (varying) plan_.varying.insert(value);
  }

  // Accumulators must stay where they are: every name of one is the same buffer.
  bool in_place(Value a, Value b) const {
    return !StoragePlan::is_view(a) && storage_.buffer_of(a) == storage_.buffer_of(b);
  }

  bool accept_ends(prob::ForOp loop) {
    for (auto [argument, next] : llvm::zip(loop.into_args(), loop.terminator().getIntos()))
      if (!in_place(argument, next)) return false;
    return true;
  }

  bool accept(mlir::Block& block, unsigned conditions) {
    return llvm::all_of(block.without_terminator(),
                        [&](Operation& op) { return accept(op, conditions); });
  }

  bool accept(Operation& op, unsigned conditions) {
    if (auto inner = mlir::dyn_cast<prob::ForOp>(op)) return accept_loop(inner, conditions);
    if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) return accept_branch(branch, conditions);
    if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(op)) return accept_add_at(add_at, conditions);
    if (auto call = mlir::dyn_cast<mlir::func::CallOp>(op)) return accept_call(call);
    if (mlir::isa<prob::DataOp, prob::DimOp>(op)) return true;
    if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op)) {
      set(extract, any_varies(extract.getIndices()) || varies(extract.getArray()));
      return true;
    }
    if (!mlir::isa<arith::ArithDialect, mlir::math::MathDialect>(op.getDialect()) &&
        !mlir::isa<prob::SpecialOp, prob::UniformAtOp>(op))
      return false;
    for (const Value result : op.getResults()) {
      if (prob::is_array(result.getType())) return false;
      set(result, any_varies(op.getOperands()));
    }
    return true;
  }

  bool accept_branch(scf::IfOp branch, unsigned conditions) {
    const bool masked = varies(branch.getCondition());
    for (mlir::Region& region : branch->getRegions())
      if (!region.empty() && !accept(region.front(), conditions + 1)) return false;
    for (unsigned i = 0; i < branch.getNumResults(); ++i) {
      const Value result = branch.getResult(i), a = branch.thenYield().getOperand(i),
                  b = branch.elseYield().getOperand(i);
      if (!prob::is_array(result.getType()))
        set(result, masked || varies(a) || varies(b));
      else if (!in_place(a, result) || !in_place(b, result))
        return false;
    }
    return true;
  }

  bool accept_loop(prob::ForOp inner, unsigned conditions) {
    if (varies(inner.getLower()) || varies(inner.getUpper()) || !inner.getMaps().empty())
      return false;
    for (const Value carry : inner.getCarryInits())
      if (prob::is_array(carry.getType())) return false;
    for (auto [init, argument] : llvm::zip(inner.getIntoInits(), inner.into_args()))
      if (!in_place(init, argument)) return false;
    if (!accept_ends(inner)) return false;
    for (auto [init, argument] : llvm::zip(inner.getCarryInits(), inner.carry_args()))
      set(argument, varies(init));
    prob::YieldOp yield = inner.terminator();
    // What is carried round may become varying; then look again.
    for (bool changed = true; changed;) {
      changed = false;
      if (!accept(inner.block(), conditions + 1)) return false;
      for (auto [argument, next] : llvm::zip(inner.carry_args(), yield.getCarries()))
        if (varies(next) && !varies(argument)) {
          set(argument, true);
          changed = true;
        }
    }
    for (auto [argument, result] : llvm::zip(inner.carry_args(), inner.getCarries()))
      set(result, varies(argument));
    for (auto [value, result] : llvm::zip(yield.getSums(), inner.getSums()))
      set(result, varies(value) || fused_varies(value));
    return true;
  }

  // A product that is fused into a sum varies when its factors do; so does the product itself.
  bool fused_varies(Value value) const {
    Operation* op = value.getDefiningOp();
    return op && any_varies(op->getOperands()) && op->getNumRegions() == 0;
  }

  // A call is emitted in place: straight-line code, perhaps with branches, on scalars.
  bool accept_call(mlir::func::CallOp call) {
    if (depth_ > 8 || extents_.callee(call)->hasAttr(prob::host_attribute)) return false;
    mlir::Block& body = extents_.callee(call).getBody().front();
    for (const Value result : call.getResults())
      if (prob::is_array(result.getType())) return false;
    for (auto [argument, operand] : llvm::zip(body.getArguments(), call.getOperands()))
      set(argument, varies(operand));
    bool loops = false;
    body.walk([&](Operation* op) {
      loops = loops || mlir::isa<prob::ForOp, scf::WhileOp, prob::AddAtOp>(op);
    });
    if (loops) return false;
    ++depth_;
    const bool accepted = accept(body, 1);
    --depth_;
    for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
      set(result, varies(value));
    return accepted;
  }

  Motion motion(Value index) {
    if (!varies(index)) return Motion::Fixed;
    if (index == loop_.induction()) return Motion::Unit;
    Operation* op = index.getDefiningOp();
    if (op && mlir::isa<arith::AddIOp, arith::SubIOp>(op)) {
      const Motion a = motion(op->getOperand(0)), b = motion(op->getOperand(1));
      if (a == Motion::Unit && b == Motion::Fixed) return Motion::Unit;
      if (mlir::isa<arith::AddIOp>(op) && a == Motion::Fixed && b == Motion::Unit)
        return Motion::Unit;
    }
    return Motion::Other;
  }

  bool outside(Value value) { return !loop_.getBody().isAncestor(value.getParentRegion()); }

  bool accept_add_at(prob::AddAtOp op, unsigned conditions) {
    if (prob::is_array(op.getValue().getType()) || !in_place(op.getArray(), op.getResult()))
      return false;
    unsigned moving = 0, others = 0;
    bool last_moves = false, all_outside = true;
    for (const Value index : op.getIndices()) {
      const Motion m = motion(index);
      last_moves = m == Motion::Unit;
      moving += m == Motion::Unit;
      others += m == Motion::Other;
      all_outside = all_outside && outside(index);
    }
    Accumulation kind = Accumulation::Scattered;
    if (others == 0 && moving == 1)
      kind = last_moves ? Accumulation::Direct : Accumulation::Strided;
    else if (others == 0 && moving == 0)
      // In a branch the element need not exist when no lane takes the branch.
      kind = all_outside && conditions == 0 ? Accumulation::Register : Accumulation::Table;
    plan_.accumulations[op] = kind;
    return true;
  }

  // In a nest, the loop whose accesses have unit stride runs over lanes.
  bool inner_is_better() {
    unsigned ours = 0, inner = 0;
    bool nested = false, possible = false;
    loop_.getBody().walk([&](Operation* op) {
      if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
        nested = true;
        llvm::APInt trips;
        const bool brief = mlir::matchPattern(loop.getUpper(), mlir::m_ConstantInt(&trips)) &&
                           trips.slt(width_ / 2 + 1);
        possible = possible || (loop.is_plate() && !brief);
        return;
      }
      auto inside = op->getParentOfType<prob::ForOp>();
      if (inside == loop_) return;
      mlir::ValueRange indices;
      if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op)) indices = extract.getIndices();
      if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(op)) indices = add_at.getIndices();
      if (indices.empty()) return;
      const Value last = indices.back();
      if (motion(last) == Motion::Unit) ++ours;
      // Weigh what the outer loop would have to gather; what it can splat costs it nothing.
      else if (any_varies(indices) && !varies(last) && !outside(last))
        ++inner;
    });
    return nested && possible && inner > ours;
  }

  // Whether each carry is the greatest, or least, of what the iterations have come by.
  bool find_extremes() {
    if (!mlir::isMemoryEffectFree(loop_)) return false;
    for (auto [carry, next] : llvm::zip(loop_.carry_args(), loop_.terminator().getCarries())) {
      Operation* op = next.getDefiningOp();
      if (!op || op->getBlock() != &loop_.block() ||
          !mlir::isa<arith::MaximumFOp, arith::MinimumFOp>(op) || !carry.hasOneUse() ||
          !next.hasOneUse() || (op->getOperand(0) == carry) == (op->getOperand(1) == carry)) {
        plan_.extremes.clear();
        return false;
      }
      plan_.extremes.push_back(op);
    }
    return true;
  }

  // Whether the loop may be scanned, but for its step.
  bool find_scan() {
    if (loop_.getCarries().size() != 1 || !mlir::isMemoryEffectFree(loop_)) return false;
    const Value carry = loop_.carry_args()[0];
    if (prob::is_array(carry.getType())) return false;
    Operation* next = loop_.terminator().getCarries()[0].getDefiningOp();
    if (next && next->getBlock() == &loop_.block() &&
        mlir::isa<arith::MaxSIOp, arith::MinSIOp, arith::MaximumFOp, arith::MinimumFOp>(next) &&
        (next->getOperand(0) == carry) != (next->getOperand(1) == carry))
      plan_.scanned_extreme = next;
    if (!prob::is_real(carry.getType()) && !plan_.scanned_extreme) return false;
    plan_.varying.insert(carry);
    bool plain = true;
    for (Operation& op : loop_.block().without_terminator()) {
      bool behind = false;
      op.walk([&](Operation* inner) {
        // Lanes that do not run may be the first ones, where a check would see them.
        plain = plain && !mlir::isa<prob::ForOp, mlir::func::CallOp>(inner) &&
                !inner->hasAttr("place") && !inner->hasAttr(prob::place_attribute);
        for (const Value operand : inner->getOperands()) {
          Operation* of = operand.getDefiningOp();
          behind = behind || operand == carry || (of && plan_.behind_carry.contains(of));
        }
      });
      if (behind) plan_.behind_carry.insert(&op);
    }
    if (plan_.scanned_extreme)
      for (const Value operand : plan_.scanned_extreme->getOperands())
        if (Operation* of = operand.getDefiningOp())
          plain = plain && !plan_.behind_carry.contains(of);
    plan_.scanned = plain;
    return plain;
  }

  // Whether a value is a * carry + x, with an `a` that is known before the loop.
  bool is_linear(Value value) {
    if (value == loop_.carry_args()[0]) return true;
    Operation* op = value.getDefiningOp();
    if (!op || !plan_.behind_carry.contains(op)) return false;
    if (mlir::isa<arith::AddFOp, arith::SubFOp>(op))
      return linear_or_free(op->getOperand(0)) && linear_or_free(op->getOperand(1));
    if (mlir::isa<arith::NegFOp>(op)) return is_linear(op->getOperand(0));
    if (!mlir::isa<arith::MulFOp>(op)) return false;
    for (const unsigned i : {0u, 1u})
      if (is_fixed(op->getOperand(i)) && is_linear(op->getOperand(1 - i))) return true;
    return false;
  }
  bool linear_or_free(Value value) {
    return !plan_.behind_carry.contains(value.getDefiningOp()) || is_linear(value);
  }
  // A value from outside, or its negative.
  bool is_fixed(Value value) {
    if (auto negative = value.getDefiningOp<arith::NegFOp>()) value = negative.getOperand();
    return !loop_.getBody().isAncestor(value.getParentRegion());
  }

  void find_log_sums() {
    for (auto [i, value] : llvm::enumerate(loop_.terminator().getSums())) {
      Operation* log = value.getDefiningOp();
      if (!log || !varies(value) || !value.hasOneUse() || log->getBlock() != &loop_.block())
        continue;
      if (mlir::isa<mlir::math::LogOp>(log) ||
          (mlir::isa<mlir::math::Log1pOp>(log) && is_nonnegative(log->getOperand(0), 4)))
        plan_.log_sums[log] = static_cast<unsigned>(i);
    }
  }

  // Whether a real is never below 0 (it may be NaN). log1p of it can be multiplied up as 1 + x
  // without losing what is left of x.
  static bool is_nonnegative(Value value, unsigned depth) {
    Operation* op = value.getDefiningOp();
    if (!op || depth == 0) return false;
    if (mlir::isa<mlir::math::ExpOp, mlir::math::AbsFOp, mlir::math::SqrtOp>(op)) return true;
    llvm::APFloat constant(0.0);
    if (mlir::matchPattern(value, mlir::m_ConstantFloat(&constant)))
      return !constant.isNegative() || constant.isZero();
    if (auto product = mlir::dyn_cast<arith::MulFOp>(op); product)
      if (product.getLhs() == product.getRhs()) return true;
    if (auto select = mlir::dyn_cast<arith::SelectOp>(op))
      return is_nonnegative(select.getTrueValue(), depth - 1) &&
             is_nonnegative(select.getFalseValue(), depth - 1);
    if (mlir::isa<arith::MulFOp, arith::DivFOp, arith::AddFOp>(op))
      return is_nonnegative(op->getOperand(0), depth - 1) &&
             is_nonnegative(op->getOperand(1), depth - 1);
    return false;
  }

  // Short bodies that add to something wait for their additions: four vectors at a time hide that.
  // In long ones there is enough else to do, and the code would grow.
  unsigned unroll() {
    llvm::APInt trips;
    if (mlir::matchPattern(loop_.getUpper(), mlir::m_ConstantInt(&trips)) && trips.slt(8 * width_))
      return 1;
    // Random bits come of a long chain of products: other vectors run in its shadow.
    const bool draws = loop_.getBody()
                           .walk([](prob::UniformAtOp) { return mlir::WalkResult::interrupt(); })
                           .wasInterrupted();
    if (draws) return 4;
    constexpr unsigned much = 32;
    unsigned work = 0;
    bool nested = false;
    bool adds = !loop_.getSums().empty() || !plan_.extremes.empty();
    loop_.getBody().walk([&](Operation* op) {
      if (mlir::isa<prob::ForOp>(op)) {
        adds = nested = true;
      } else if (mlir::isa<prob::AddAtOp>(op)) {
        const Accumulation kind = plan_.accumulations.at(op);
        adds = adds || kind == Accumulation::Register || kind == Accumulation::Table;
        work += kind == Accumulation::Scattered ? much : 1;
      } else if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op)) {
        const bool gather =
            extract.getIndices().empty() || motion(extract.getIndices().back()) == Motion::Other;
        work += extract.getPlace() || gather ? much : 1;
      } else if (mlir::isa<mlir::func::CallOp, prob::SpecialOp, scf::IfOp, arith::DivFOp>(op)) {
        work += much;
      } else if (plan_.log_sums.contains(op)) {
        work += 4;
      } else if (mlir::isa<mlir::math::MathDialect>(op->getDialect())) {
        work += mlir::isa<mlir::math::AbsFOp, mlir::math::FmaOp, mlir::math::FloorOp,
                          mlir::math::CeilOp>(op)
                    ? 1
                    : much;
      } else if (!mlir::isa<arith::ConstantOp>(op)) {
        ++work;
      }
    });
    plan_.brief = work <= 2 * much && !nested;
    return adds && work <= 20 ? 4 : 1;
  }

  prob::ForOp loop_;
  const StoragePlan& storage_;
  Extents& extents_;
  unsigned width_;
  VectorPlan plan_;
  unsigned depth_ = 0;
};

}  // namespace

std::optional<VectorPlan> plan_vectors(prob::ForOp loop, const StoragePlan& storage,
                                       Extents& extents, unsigned width) {
  return Planner(loop, storage, extents, width).run();
}

}  // namespace borel::codegen

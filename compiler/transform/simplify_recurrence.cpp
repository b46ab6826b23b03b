#include "compiler/transform/simplify_recurrence.h"

#include "compiler/analysis/loops.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::transform {

namespace {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

/// A step with more operations than this (counted as often as they are used) is not expanded.
constexpr int max_linear = 32;

class Recurrence {
 public:
  explicit Recurrence(ForOp loop) : loop_(loop) {}

  bool run() {
    make_linear();
    shorten_chains();
    return changed_;
  }

 private:
  bool is_carry(Value value) {
    auto argument = mlir::dyn_cast<mlir::BlockArgument>(value);
    return argument && argument.getOwner() == &loop_.block() && argument.getArgNumber() >= 1 &&
           argument.getArgNumber() <= loop_.getCarryInits().size();
  }

  bool depends_on_carry(Value value) {
    return is_carry(value) || depends_.contains(value.getDefiningOp());
  }

  void find_dependent() {
    depends_.clear();
    for (Operation& op : loop_.block().without_terminator())
      op.walk([&](Operation* inner) {
        for (Value operand : inner->getOperands())
          if (operand.getParentBlock() == &loop_.block() && depends_on_carry(operand))
            depends_.insert(&op);
      });
  }

  /// A value as the sum over carries of coefficient * carry, plus the rest. A null coefficient is
  /// 1, a null rest 0.
  struct Linear {
    llvm::SmallVector<std::pair<Value, Value>, 2> terms;  // carry, coefficient
    Value rest;
  };

  /// A carry that is a linear function of carries in several steps, a (y - c) + x, becomes one:
  /// (-a) c + (a y + x), one product and one sum from carry to carry. Rounds differently.
  void make_linear() {
    find_dependent();
    prob::YieldOp yield = loop_.terminator();
    for (size_t i = 0; i < yield.getCarries().size(); ++i) {
      const Value next = yield.getCarries()[i];
      if (!mlir::isa<mlir::FloatType>(next.getType()) || is_carry(next) || !depends_on_carry(next))
        continue;
      OpBuilder b(yield);
      visits_ = 0;
      const auto steps = linear_steps(next);
      if (!steps || *steps <= 2 || is_expanded(next)) continue;
      changed_ = true;
      const Linear linear = linear_form(b, next);
      Value total = linear.rest;
      // The carry's own term last: that is the path that every iteration waits for.
      llvm::SmallVector<std::pair<Value, Value>> terms(linear.terms.begin(), linear.terms.end());
      llvm::stable_sort(terms, [&](const auto& x, const auto& y) {
        return x.first != loop_.carry_args()[i] && y.first == loop_.carry_args()[i];
      });
      for (const auto& [carry, coefficient] : terms) {
        const Value term = times(b, carry, coefficient);
        total =
            total ? b.create<mlir::arith::AddFOp>(loop_.getLoc(), total, term).getResult() : term;
      }
      yield->setOperand(static_cast<unsigned>(i), total);
      find_dependent();
    }
  }

  /// Whether `next` is a sum of a rest and of one multiple of each carry already.
  bool is_expanded(Value next) {
    llvm::SmallVector<Value, 2> seen;
    const auto is_term = [&](Value term) {
      if (auto product = term.getDefiningOp<mlir::arith::MulFOp>())
        term = is_carry(product.getLhs()) ? product.getLhs() : product.getRhs();
      if (!is_carry(term) || llvm::is_contained(seen, term)) return false;
      seen.push_back(term);
      return true;
    };
    while (depends_on_carry(next)) {
      Operation* op = next.getDefiningOp();
      if (!op || !mlir::isa<mlir::arith::AddFOp, mlir::arith::SubFOp>(op)) return is_term(next);
      const bool right = depends_on_carry(op->getOperand(1));
      if (!is_term(op->getOperand(right ? 1 : 0))) return false;
      next = op->getOperand(right ? 0 : 1);
    }
    return true;
  }

  /// How many operations lie on the longest way from a carry to `value`; nothing when one is not
  /// linear.
  std::optional<int> linear_steps(Value value) {
    if (is_carry(value)) return 0;
    Operation* op = value.getDefiningOp();
    if (!op || op->getBlock() != &loop_.block() || ++visits_ > max_linear) return std::nullopt;
    if (mlir::isa<mlir::arith::NegFOp>(op)) {
      const auto steps = linear_steps(op->getOperand(0));
      return steps ? std::optional(*steps + 1) : std::nullopt;
    }
    if (!mlir::isa<mlir::arith::AddFOp, mlir::arith::SubFOp, mlir::arith::MulFOp>(op))
      return std::nullopt;
    const bool left = depends_on_carry(op->getOperand(0));
    const bool right = depends_on_carry(op->getOperand(1));
    if (left && right) {
      if (mlir::isa<mlir::arith::MulFOp>(op)) return std::nullopt;
      const auto a = linear_steps(op->getOperand(0)), b = linear_steps(op->getOperand(1));
      return a && b ? std::optional(std::max(*a, *b) + 1) : std::nullopt;
    }
    const auto steps = linear_steps(op->getOperand(left ? 0 : 1));
    return steps ? std::optional(*steps + 1) : std::nullopt;
  }

  Value times(OpBuilder& b, Value x, Value factor) {
    if (!factor) return x;
    return b.create<mlir::arith::MulFOp>(loop_.getLoc(), x, factor);
  }

  Linear linear_form(OpBuilder& b, Value value) {
    const mlir::Location loc = loop_.getLoc();
    if (is_carry(value)) return {{{value, nullptr}}, nullptr};
    Operation* op = value.getDefiningOp();
    const auto negated = [&](Linear form) {
      for (auto& [carry, coefficient] : form.terms)
        coefficient = coefficient ? b.create<mlir::arith::NegFOp>(loc, coefficient).getResult()
                                  : prob::real_constant(b, loc, -1.0);
      if (form.rest) form.rest = b.create<mlir::arith::NegFOp>(loc, form.rest);
      return form;
    };
    if (mlir::isa<mlir::arith::NegFOp>(op)) return negated(linear_form(b, op->getOperand(0)));
    const Value left = op->getOperand(0), right = op->getOperand(1);
    if (mlir::isa<mlir::arith::MulFOp>(op)) {
      const bool first = depends_on_carry(left);
      Linear form = linear_form(b, first ? left : right);
      const Value factor = first ? right : left;
      for (auto& [carry, coefficient] : form.terms)
        coefficient = coefficient
                          ? b.create<mlir::arith::MulFOp>(loc, coefficient, factor).getResult()
                          : factor;
      if (form.rest) form.rest = b.create<mlir::arith::MulFOp>(loc, form.rest, factor);
      return form;
    }
    const auto part = [&](Value side) -> Linear {
      return depends_on_carry(side) ? linear_form(b, side) : Linear{{}, side};
    };
    Linear x = part(left), y = part(right);
    const bool subtract = mlir::isa<mlir::arith::SubFOp>(op);
    if (x.rest && y.rest) {
      x.rest = subtract ? b.create<mlir::arith::SubFOp>(loc, x.rest, y.rest).getResult()
                        : b.create<mlir::arith::AddFOp>(loc, x.rest, y.rest).getResult();
    } else if (y.rest) {
      x.rest = subtract ? b.create<mlir::arith::NegFOp>(loc, y.rest).getResult() : y.rest;
    }
    y.rest = nullptr;
    if (subtract) y = negated(std::move(y));
    for (const auto& [carry, coefficient] : y.terms) {
      auto* same = llvm::find_if(x.terms, [&](const auto& term) { return term.first == carry; });
      if (same == x.terms.end()) {
        x.terms.push_back({carry, coefficient});
        continue;
      }
      const Value one = prob::real_constant(b, loc, 1.0);
      same->second = b.create<mlir::arith::AddFOp>(loc, same->second ? same->second : one,
                                                   coefficient ? coefficient : one);
    }
    return x;
  }

  /// (c + x) + y = c + (x + y) along the recurrence: one addition less from carry to carry. Rounds
  /// differently.
  void shorten_chains() {
    find_dependent();
    for (Operation& op : llvm::make_early_inc_range(loop_.block().without_terminator())) {
      Term outer, inner;
      if (!term_of(&op, outer) || !outer.carried.hasOneUse()) continue;
      Operation* below = outer.carried.getDefiningOp();
      if (!below || below->getBlock() != &loop_.block() || !term_of(below, inner)) continue;
      Operation* made = combined(&op, outer, inner);
      op.getResult(0).replaceAllUsesWith(made->getResult(0));
      for (Operation* dead : {&op, below}) {
        depends_.erase(dead);
        dead->erase();
      }
      depends_.insert(made);
      changed_ = true;
    }
  }

  /// An addition or subtraction with one side that depends on a carry.
  struct Term {
    Value carried, rest;
    bool minus_carried = false, minus_rest = false;
  };
  bool term_of(Operation* op, Term& out) {
    const bool subtract = mlir::isa<mlir::arith::SubFOp>(op);
    if (!subtract && !mlir::isa<mlir::arith::AddFOp>(op)) return false;
    const Value a = op->getOperand(0), b = op->getOperand(1);
    if (depends_on_carry(a) == depends_on_carry(b)) return false;
    const bool left = depends_on_carry(a);
    out.carried = left ? a : b;
    out.rest = left ? b : a;
    out.minus_carried = subtract && !left;
    out.minus_rest = subtract && left;
    return true;
  }

  /// s (s' c + t' x) + t y as (s s') c + (s t' x + t y), before `op`, which is the former.
  static Operation* combined(Operation* op, const Term& outer, const Term& inner) {
    OpBuilder b(op);
    const mlir::Location loc = op->getLoc();
    const bool minus_x = outer.minus_carried != inner.minus_rest, minus_y = outer.minus_rest;
    const bool minus_carried = outer.minus_carried != inner.minus_carried;
    bool minus_rest = false;
    Value rest;
    if (minus_x == minus_y) {
      rest = b.create<mlir::arith::AddFOp>(loc, inner.rest, outer.rest);
      minus_rest = minus_x;
    } else if (minus_x) {
      rest = b.create<mlir::arith::SubFOp>(loc, outer.rest, inner.rest);
    } else {
      rest = b.create<mlir::arith::SubFOp>(loc, inner.rest, outer.rest);
    }
    if (minus_carried && minus_rest) rest = b.create<mlir::arith::NegFOp>(loc, rest);
    if (minus_carried) return b.create<mlir::arith::SubFOp>(loc, rest, inner.carried);
    if (minus_rest) return b.create<mlir::arith::SubFOp>(loc, inner.carried, rest);
    return b.create<mlir::arith::AddFOp>(loc, inner.carried, rest);
  }

  ForOp loop_;
  bool changed_ = false;
  int visits_ = 0;
  llvm::DenseSet<Operation*> depends_;  // on a carry
};

}  // namespace

ForOp shorten_recurrences(ForOp loop, bool& changed) {
  if (!loop.getCarries().empty()) changed |= Recurrence(loop).run();
  return loop;
}

}  // namespace borel::transform

#include "compiler/transform/simplify_scalar.h"

#include <cmath>

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

namespace borel::transform {

namespace {

using mlir::failure;
using mlir::LogicalResult;
using mlir::PatternRewriter;
using mlir::success;
using mlir::Value;
using mlir::arith::AddFOp;
using mlir::arith::DivFOp;
using mlir::arith::MulFOp;
using mlir::arith::NegFOp;
using mlir::arith::SubFOp;

std::optional<double> real_constant_of(Value value) {
  llvm::APFloat constant(0.0);
  if (!mlir::matchPattern(value, mlir::m_ConstantFloat(&constant))) return std::nullopt;
  bool loses = false;
  constant.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return constant.convertToDouble();
}

Value constant_like(PatternRewriter& rewriter, mlir::Location loc, Value like, double value) {
  return rewriter.create<mlir::arith::ConstantOp>(loc,
                                                  rewriter.getFloatAttr(like.getType(), value));
}

/// The loop in whose body (at any depth of branches) the operation is.
prob::ForOp loop_of(mlir::Operation* op) { return op->getParentOfType<prob::ForOp>(); }

bool varies_in(Value value, prob::ForOp loop) { return !analysis::is_outside(value, loop); }

/// Whether reciprocals of `divisor` pay: it divides in a loop in which it does not vary, or twice.
bool wants_reciprocal(Value divisor, mlir::Operation* user) {
  if (real_constant_of(divisor)) return true;
  if (auto loop = loop_of(user); loop && !varies_in(divisor, loop)) return true;
  unsigned divisions = 0;
  for (mlir::OpOperand& use : divisor.getUses())
    if (mlir::isa<DivFOp>(use.getOwner()) && use.getOperandNumber() == 1) ++divisions;
  return divisions >= 2;
}

/// x / c = x (1 / c). For c = 0, infinite or NaN both sides give the same infinities and NaN; they
/// differ by rounding, and where 1 / c overflows (|c| < 1e-308).
struct Reciprocal : mlir::OpRewritePattern<DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivFOp op, PatternRewriter& rewriter) const override {
    Value c = op.getRhs();
    if (real_constant_of(op.getLhs()) == 1.0 || !wants_reciprocal(c, op)) return failure();
    // One reciprocal, where c is: it dominates every division.
    Value reciprocal;
    for (mlir::Operation* user : c.getUsers()) {
      auto division = mlir::dyn_cast<DivFOp>(user);
      if (!division || division.getRhs() != c || real_constant_of(division.getLhs()) != 1.0 ||
          division->getBlock() != c.getParentBlock())
        continue;
      mlir::Operation* here = division->getBlock()->findAncestorOpInBlock(*op);
      if (here && division->isBeforeInBlock(here)) {
        reciprocal = division;
        break;
      }
    }
    if (!reciprocal) {
      mlir::OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointAfterValue(c);
      const Value one = constant_like(rewriter, op.getLoc(), c, 1.0);
      reciprocal = rewriter.create<DivFOp>(op.getLoc(), one, c);
    }
    rewriter.replaceOpWithNewOp<MulFOp>(op, op.getLhs(), reciprocal);
    return success();
  }
};

/// Powers that are products, quotients and roots. Equal for finite x (to rounding); x ** 0.5 of
/// -infinity is the one that turns infinity into NaN, and no log density has either sense there.
struct Power : mlir::OpRewritePattern<mlir::math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::math::PowFOp op, PatternRewriter& rewriter) const override {
    const auto exponent = real_constant_of(op.getRhs());
    if (!exponent) return failure();
    const Value x = op.getLhs();
    const mlir::Location loc = op.getLoc();
    const auto one = [&] { return constant_like(rewriter, loc, x, 1.0); };
    if (*exponent == 1.0) {
      rewriter.replaceOp(op, x);
    } else if (*exponent == 2.0) {
      rewriter.replaceOpWithNewOp<MulFOp>(op, x, x);
    } else if (*exponent == 3.0) {
      const Value square = rewriter.create<MulFOp>(loc, x, x);
      rewriter.replaceOpWithNewOp<MulFOp>(op, square, x);
    } else if (*exponent == 0.5) {
      rewriter.replaceOpWithNewOp<mlir::math::SqrtOp>(op, x);
    } else if (*exponent == -1.0) {
      rewriter.replaceOpWithNewOp<DivFOp>(op, one(), x);
    } else if (*exponent == -2.0) {
      const Value square = rewriter.create<MulFOp>(loc, x, x);
      rewriter.replaceOpWithNewOp<DivFOp>(op, one(), square);
    } else if (*exponent == -0.5) {
      const Value root = rewriter.create<mlir::math::SqrtOp>(loc, x);
      rewriter.replaceOpWithNewOp<DivFOp>(op, one(), root);
    } else {
      return failure();
    }
    return success();
  }
};

/// Small whole powers are products (of their reciprocal's, where the exponent is negative).
struct WholePower : mlir::OpRewritePattern<mlir::math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::math::FPowIOp op, PatternRewriter& rewriter) const override {
    const auto exponent = analysis::constant_of(op.getRhs());
    constexpr int64_t largest = 8;
    if (!exponent || *exponent < -largest || *exponent > largest) return failure();
    const mlir::Location loc = op.getLoc();
    const Value x = op.getLhs();
    if (*exponent == 0) {
      rewriter.replaceOp(op, constant_like(rewriter, loc, x, 1.0));
      return success();
    }
    // Squares of squares: as many products as bits and ones in the exponent.
    Value power, square = x;
    for (int64_t left = std::abs(*exponent); left != 0; left /= 2) {
      if (left % 2 != 0) power = power ? rewriter.create<MulFOp>(loc, power, square) : square;
      if (left > 1) square = rewriter.create<MulFOp>(loc, square, square);
    }
    if (*exponent < 0)
      power = rewriter.create<DivFOp>(loc, constant_like(rewriter, loc, x, 1.0), power);
    rewriter.replaceOp(op, power);
    return success();
  }
};

/// log(exp(x)) = x, log(sqrt(v)) = log(v) / 2, log(1 / v) = -log(v). The right sides are finite
/// wherever the left ones are; where exp or 1 / v over- or underflows they are finite and right.
struct Logarithm : mlir::OpRewritePattern<mlir::math::LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::math::LogOp op, PatternRewriter& rewriter) const override {
    const Value x = op.getOperand();
    const mlir::Location loc = op.getLoc();
    if (auto exp = x.getDefiningOp<mlir::math::ExpOp>()) {
      rewriter.replaceOp(op, exp.getOperand());
      return success();
    }
    if (auto root = x.getDefiningOp<mlir::math::SqrtOp>()) {
      const Value log = rewriter.create<mlir::math::LogOp>(loc, root.getOperand());
      const Value half = constant_like(rewriter, loc, x, 0.5);
      rewriter.replaceOpWithNewOp<MulFOp>(op, log, half);
      return success();
    }
    auto division = x.getDefiningOp<DivFOp>();
    if (division && real_constant_of(division.getLhs()) == 1.0) {
      const Value log = rewriter.create<mlir::math::LogOp>(loc, division.getRhs());
      rewriter.replaceOpWithNewOp<NegFOp>(op, log);
      return success();
    }
    return failure();
  }
};

LogicalResult signed_choice(MulFOp op, PatternRewriter& rewriter);

/// Products: signs go outwards, constants and invariants gather, roots cancel. Signs and grouping
/// change rounding at most; a product of finite values that overflows in one grouping and not in
/// another is out of the range that this pass keeps.
struct Product : mlir::OpRewritePattern<MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulFOp op, PatternRewriter& rewriter) const override {
    const mlir::Location loc = op.getLoc();
    const Value a = op.getLhs(), b = op.getRhs();
    auto na = a.getDefiningOp<NegFOp>(), nb = b.getDefiningOp<NegFOp>();
    if (na && nb) {
      rewriter.replaceOpWithNewOp<MulFOp>(op, na.getOperand(), nb.getOperand());
      return success();
    }
    if (na || nb) {
      const Value plain = na ? na.getOperand() : a, other = na ? b : nb.getOperand();
      if (const auto c = real_constant_of(na ? b : a)) {
        rewriter.replaceOpWithNewOp<MulFOp>(op, na ? plain : other,
                                            constant_like(rewriter, loc, a, -*c));
        return success();
      }
      const Value product = rewriter.create<MulFOp>(loc, plain, other);
      rewriter.replaceOpWithNewOp<NegFOp>(op, product);
      return success();
    }
    if (const auto c = real_constant_of(b)) {
      if (*c == 1.0) {
        rewriter.replaceOp(op, a);
        return success();
      }
      if (*c == -1.0) {
        rewriter.replaceOpWithNewOp<NegFOp>(op, a);
        return success();
      }
      if (auto inner = a.getDefiningOp<MulFOp>(); inner && inner->hasOneUse()) {
        if (const auto d = real_constant_of(inner.getRhs())) {
          rewriter.replaceOpWithNewOp<MulFOp>(op, inner.getLhs(),
                                              constant_like(rewriter, loc, a, *c * *d));
          return success();
        }
      }
    }
    // sqrt(v) sqrt(v) = v: the left side is NaN where v is negative, else equal to rounding.
    if (a == b) {
      if (auto root = a.getDefiningOp<mlir::math::SqrtOp>()) {
        rewriter.replaceOp(op, root.getOperand());
        return success();
      }
    }
    if (succeeded(quotient_of_roots(op, rewriter)) || succeeded(quotient(op, rewriter)) ||
        succeeded(signed_choice(op, rewriter)))
      return success();
    return gather_invariants(op, rewriter);
  }

 private:
  /// x (1 / c) = x / c where that is all that the reciprocal is for.
  static LogicalResult quotient(MulFOp op, PatternRewriter& rewriter) {
    for (const bool flip : {false, true}) {
      auto reciprocal = (flip ? op.getLhs() : op.getRhs()).getDefiningOp<DivFOp>();
      const Value x = flip ? op.getRhs() : op.getLhs();
      if (!reciprocal || real_constant_of(reciprocal.getLhs()) != 1.0 || !reciprocal->hasOneUse() ||
          reciprocal->getBlock() != op->getBlock() || wants_reciprocal(reciprocal.getRhs(), op))
        continue;
      rewriter.replaceOpWithNewOp<DivFOp>(op, x, reciprocal.getRhs());
      rewriter.eraseOp(reciprocal);  // two divisions by c would be made products again
      return success();
    }
    return failure();
  }

  /// (x / sqrt(v)) (y / sqrt(v)) = x y / v.
  static LogicalResult quotient_of_roots(MulFOp op, PatternRewriter& rewriter) {
    auto p = op.getLhs().getDefiningOp<DivFOp>(), q = op.getRhs().getDefiningOp<DivFOp>();
    if (!p || !q || p.getRhs() != q.getRhs()) return failure();
    auto root = p.getRhs().getDefiningOp<mlir::math::SqrtOp>();
    if (!root || !llvm::all_of(p->getUsers(), [&](auto* user) { return user == op; }) ||
        !llvm::all_of(q->getUsers(), [&](auto* user) { return user == op; }))
      return failure();
    const Value product = rewriter.create<MulFOp>(op.getLoc(), p.getLhs(), q.getLhs());
    rewriter.replaceOpWithNewOp<DivFOp>(op, product, root.getOperand());
    return success();
  }

  /// With c and k fixed (in a loop: not varying in it; elsewhere: constant) and x and y not:
  /// (c x) y = c (x y) and k (c x) = (k c) x, so that c can leave the loop, or the sum that the
  /// product ends in.
  static LogicalResult gather_invariants(MulFOp op, PatternRewriter& rewriter) {
    prob::ForOp loop = loop_of(op);
    const auto varies = [&](Value value) {
      return loop ? transform::varies_in(value, loop) : !real_constant_of(value);
    };
    for (const bool flip : {false, true}) {
      const Value product = flip ? op.getRhs() : op.getLhs(),
                  other = flip ? op.getLhs() : op.getRhs();
      auto inner = product.getDefiningOp<MulFOp>();
      if (!inner || !varies(product)) continue;
      const bool all_here = llvm::all_of(inner->getUsers(), [&](auto* user) { return user == op; });
      if (!all_here) continue;
      for (const bool swap : {false, true}) {
        const Value c = swap ? inner.getRhs() : inner.getLhs(),
                    x = swap ? inner.getLhs() : inner.getRhs();
        if (varies(c) || !varies(x)) continue;
        if (varies(other)) {
          const Value rest = rewriter.create<MulFOp>(op.getLoc(), x, other);
          rewriter.replaceOpWithNewOp<MulFOp>(op, rest, c);
        } else {
          const Value factor = rewriter.create<MulFOp>(op.getLoc(), c, other);
          rewriter.replaceOpWithNewOp<MulFOp>(op, x, factor);
        }
        return success();
      }
    }
    return failure();
  }
};

/// (c x) / y = c (x / y) in a loop where c is fixed; -x / y = -(x / y).
struct Quotient : mlir::OpRewritePattern<DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivFOp op, PatternRewriter& rewriter) const override {
    if (auto negative = op.getLhs().getDefiningOp<NegFOp>()) {
      const Value plain = rewriter.create<DivFOp>(op.getLoc(), negative.getOperand(), op.getRhs());
      rewriter.replaceOpWithNewOp<NegFOp>(op, plain);
      return success();
    }
    auto inner = op.getLhs().getDefiningOp<MulFOp>();
    prob::ForOp loop = loop_of(op);
    if (!inner || !loop || !inner->hasOneUse() || !varies_in(op.getRhs(), loop)) return failure();
    for (const bool swap : {false, true}) {
      const Value c = swap ? inner.getLhs() : inner.getRhs(),
                  x = swap ? inner.getRhs() : inner.getLhs();
      if (varies_in(c, loop) || !varies_in(x, loop)) continue;
      const Value rest = rewriter.create<DivFOp>(op.getLoc(), x, op.getRhs());
      rewriter.replaceOpWithNewOp<MulFOp>(op, rest, c);
      return success();
    }
    return failure();
  }
};

/// (a c) ± (b c) = (a ± b) c in a loop where c is fixed: one product less, and c can leave. Null
/// where the operands are no such products.
Value without_common_factor(mlir::Operation* op, PatternRewriter& rewriter, Value& factor) {
  prob::ForOp loop = loop_of(op);
  auto p = op->getOperand(0).getDefiningOp<MulFOp>(), q = op->getOperand(1).getDefiningOp<MulFOp>();
  if (!loop || !p || !q || !p->hasOneUse() || !q->hasOneUse()) return nullptr;
  for (const unsigned i : {0U, 1U}) {
    for (const unsigned j : {0U, 1U}) {
      const Value c = p->getOperand(i), a = p->getOperand(1 - i), b = q->getOperand(1 - j);
      if (c != q->getOperand(j) || varies_in(c, loop) || !varies_in(a, loop) || !varies_in(b, loop))
        continue;
      factor = c;
      if (mlir::isa<AddFOp>(op)) return rewriter.create<AddFOp>(op->getLoc(), a, b);
      return rewriter.create<SubFOp>(op->getLoc(), a, b);
    }
  }
  return nullptr;
}

/// x + x = 2 x, x + 0 = x, a + -b = a - b, (x + c) + k = x + (c + k) for fixed c and k. Zeros may
/// change sign.
struct Sum : mlir::OpRewritePattern<AddFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddFOp op, PatternRewriter& rewriter) const override {
    const Value a = op.getLhs(), b = op.getRhs();
    if (a == b) {
      rewriter.replaceOpWithNewOp<MulFOp>(op, a, constant_like(rewriter, op.getLoc(), a, 2.0));
      return success();
    }
    if (real_constant_of(b) == 0.0) {
      rewriter.replaceOp(op, a);
      return success();
    }
    if (real_constant_of(a) == 0.0) {
      rewriter.replaceOp(op, b);
      return success();
    }
    if (auto negative = b.getDefiningOp<NegFOp>()) {
      rewriter.replaceOpWithNewOp<SubFOp>(op, a, negative.getOperand());
      return success();
    }
    if (auto negative = a.getDefiningOp<NegFOp>()) {
      rewriter.replaceOpWithNewOp<SubFOp>(op, b, negative.getOperand());
      return success();
    }
    if (Value factor; const Value rest = without_common_factor(op, rewriter, factor)) {
      rewriter.replaceOpWithNewOp<MulFOp>(op, rest, factor);
      return success();
    }
    prob::ForOp loop = loop_of(op);
    for (const bool flip : {false, true}) {
      const Value total = flip ? b : a, k = flip ? a : b;
      auto inner = total.getDefiningOp<AddFOp>();
      if (!inner || !inner->hasOneUse()) continue;
      for (const bool swap : {false, true}) {
        const Value c = swap ? inner.getLhs() : inner.getRhs(),
                    x = swap ? inner.getRhs() : inner.getLhs();
        // Not where x is one too: regrouping constants alone would never end.
        const bool constants = real_constant_of(c) && real_constant_of(k) && !real_constant_of(x);
        const bool fixed = loop && !varies_in(c, loop) && !varies_in(k, loop) && varies_in(x, loop);
        if (!constants && !fixed) continue;
        const Value both = rewriter.create<AddFOp>(op.getLoc(), c, k);
        rewriter.replaceOpWithNewOp<AddFOp>(op, x, both);
        return success();
      }
    }
    return failure();
  }
};

/// x - x = 0 (where x is finite), a - -b = a + b, 0 - b = -b, -a - b = -(a + b).
struct Difference : mlir::OpRewritePattern<SubFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SubFOp op, PatternRewriter& rewriter) const override {
    if (op.getLhs() == op.getRhs()) {
      rewriter.replaceOp(op, constant_like(rewriter, op.getLoc(), op.getLhs(), 0.0));
      return success();
    }
    if (auto negative = op.getRhs().getDefiningOp<NegFOp>()) {
      rewriter.replaceOpWithNewOp<AddFOp>(op, op.getLhs(), negative.getOperand());
      return success();
    }
    if (real_constant_of(op.getLhs()) == 0.0) {
      rewriter.replaceOpWithNewOp<NegFOp>(op, op.getRhs());
      return success();
    }
    if (real_constant_of(op.getRhs()) == 0.0) {
      rewriter.replaceOp(op, op.getLhs());
      return success();
    }
    if (Value factor; const Value rest = without_common_factor(op, rewriter, factor)) {
      rewriter.replaceOpWithNewOp<MulFOp>(op, rest, factor);
      return success();
    }
    if (auto negative = op.getLhs().getDefiningOp<NegFOp>(); negative && negative->hasOneUse()) {
      const Value total = rewriter.create<AddFOp>(op.getLoc(), negative.getOperand(), op.getRhs());
      rewriter.replaceOpWithNewOp<NegFOp>(op, total);
      return success();
    }
    return failure();
  }
};

/// -(-x) = x, -(a - b) = b - a, -(c x) = (-c) x.
struct Negation : mlir::OpRewritePattern<NegFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NegFOp op, PatternRewriter& rewriter) const override {
    const Value x = op.getOperand();
    if (auto inner = x.getDefiningOp<NegFOp>()) {
      rewriter.replaceOp(op, inner.getOperand());
      return success();
    }
    if (auto difference = x.getDefiningOp<SubFOp>(); difference && difference->hasOneUse()) {
      rewriter.replaceOpWithNewOp<SubFOp>(op, difference.getRhs(), difference.getLhs());
      return success();
    }
    if (auto product = x.getDefiningOp<MulFOp>(); product && product->hasOneUse()) {
      if (const auto c = real_constant_of(product.getRhs())) {
        rewriter.replaceOpWithNewOp<MulFOp>(op, product.getLhs(),
                                            constant_like(rewriter, op.getLoc(), x, -*c));
        return success();
      }
    }
    return failure();
  }
};

/// sqrt(v) > 0 is v > 0, also where v is NaN or negative.
struct PositiveRoot : mlir::OpRewritePattern<mlir::arith::CmpFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::arith::CmpFOp op, PatternRewriter& rewriter) const override {
    auto root = op.getLhs().getDefiningOp<mlir::math::SqrtOp>();
    if (!root || op.getPredicate() != mlir::arith::CmpFPredicate::OGT ||
        real_constant_of(op.getRhs()) != 0.0)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getLhsMutable().assign(root.getOperand()); });
    return success();
  }
};

/// select(c, f(select(c, x, y)), z) = select(c, f(x), z), and the same on the other side, where
/// nothing else uses f or the inner select: only the chosen side's value matters.
struct NestedSelect : mlir::OpRewritePattern<mlir::arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::arith::SelectOp op,
                                PatternRewriter& rewriter) const override {
    return mlir::success(resolve(op, op.getTrueValue(), true, rewriter, max_depth) ||
                         resolve(op, op.getFalseValue(), false, rewriter, max_depth));
  }

 private:
  static constexpr int max_depth = 6;

  static bool resolve(mlir::arith::SelectOp outer, Value value, bool side,
                      PatternRewriter& rewriter, int depth) {
    mlir::Operation* op = value.getDefiningOp();
    if (!op || depth == 0 || !value.hasOneUse() || op->getNumRegions() > 0) return false;
    auto inner = mlir::dyn_cast<mlir::arith::SelectOp>(op);
    if (inner && inner.getCondition() == outer.getCondition()) {
      rewriter.replaceOp(inner, side ? inner.getTrueValue() : inner.getFalseValue());
      return true;
    }
    for (const Value operand : op->getOperands())
      if (resolve(outer, operand, side, rewriter, depth - 1)) return true;
    return false;
  }
};

/// t select(c, 1, -1) = select(c, t, -t), exactly.
LogicalResult signed_choice(MulFOp op, PatternRewriter& rewriter) {
  for (const bool flip : {false, true}) {
    auto sign = (flip ? op.getLhs() : op.getRhs()).getDefiningOp<mlir::arith::SelectOp>();
    const Value other = flip ? op.getRhs() : op.getLhs();
    if (!sign) continue;
    const auto yes = real_constant_of(sign.getTrueValue()),
               no = real_constant_of(sign.getFalseValue());
    if (!yes || !no || std::fabs(*yes) != 1.0 || *no != -*yes) continue;
    const Value negative = rewriter.create<NegFOp>(op.getLoc(), other);
    rewriter.replaceOpWithNewOp<mlir::arith::SelectOp>(
        op, sign.getCondition(), *yes > 0 ? other : negative, *yes > 0 ? negative : other);
    return success();
  }
  return failure();
}

/// select(c, a, b) + select(c, x, y) = select(c, a + x, b + y), and so for differences, where
/// nothing else uses the selects.
template <typename Combine>
struct ChoicesCombine : mlir::OpRewritePattern<Combine> {
  using mlir::OpRewritePattern<Combine>::OpRewritePattern;
  LogicalResult matchAndRewrite(Combine op, PatternRewriter& rewriter) const override {
    auto a = op.getLhs().template getDefiningOp<mlir::arith::SelectOp>(),
         b = op.getRhs().template getDefiningOp<mlir::arith::SelectOp>();
    if (!a || !b || a.getCondition() != b.getCondition() || !a->hasOneUse() || !b->hasOneUse())
      return failure();
    const Value yes = rewriter.create<Combine>(op.getLoc(), a.getTrueValue(), b.getTrueValue()),
                no = rewriter.create<Combine>(op.getLoc(), a.getFalseValue(), b.getFalseValue());
    rewriter.replaceOpWithNewOp<mlir::arith::SelectOp>(op, a.getCondition(), yes, no);
    return success();
  }
};

/// select(c, a, a + b) = a + select(c, 0, b) and select(c, 0, log1p(x)) = log1p(select(c, 0, x)),
/// where nothing else uses the sum or the logarithm, and the same on the other side: a sum over
/// them falls apart into one of a and one of logarithms.
struct ChosenAddend : mlir::OpRewritePattern<mlir::arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::arith::SelectOp op,
                                PatternRewriter& rewriter) const override {
    if (!mlir::isa<mlir::FloatType>(op.getType())) return failure();
    const mlir::Location loc = op.getLoc();
    for (const bool flip : {false, true}) {
      const Value plain = flip ? op.getFalseValue() : op.getTrueValue(),
                  whole = flip ? op.getTrueValue() : op.getFalseValue();
      if (!whole.hasOneUse()) continue;
      const auto choose = [&](Value other) -> Value {
        const Value zero = constant_like(rewriter, loc, plain, 0.0);
        return rewriter.create<mlir::arith::SelectOp>(loc, op.getCondition(), flip ? other : zero,
                                                      flip ? zero : other);
      };
      if (auto log = whole.getDefiningOp<mlir::math::Log1pOp>();
          log && real_constant_of(plain) == 0.0) {
        rewriter.replaceOpWithNewOp<mlir::math::Log1pOp>(op, choose(log.getOperand()));
        return success();
      }
      auto sum = whole.getDefiningOp<AddFOp>();
      if (!sum || (sum.getLhs() != plain && sum.getRhs() != plain)) continue;
      const Value addend = sum.getLhs() == plain ? sum.getRhs() : sum.getLhs();
      rewriter.replaceOpWithNewOp<AddFOp>(op, plain, choose(addend));
      return success();
    }
    return failure();
  }
};

/// An access that is shown to be in range needs no check.
template <typename Access>
struct KnownInRange : mlir::OpRewritePattern<Access> {
  using mlir::OpRewritePattern<Access>::OpRewritePattern;
  LogicalResult matchAndRewrite(Access op, PatternRewriter& rewriter) const override {
    if (!op.getPlace()) return failure();
    for (auto [dimension, index] : llvm::enumerate(op.getIndices()))
      if (!analysis::is_in_range(index, op.getArray(), static_cast<int64_t>(dimension)))
        return failure();
    rewriter.modifyOpInPlace(op, [&] { op.removePlaceAttr(); });
    return success();
  }
};

/// max(n, 0) = n for what counts elements.
struct LargerThanNothing : mlir::OpRewritePattern<mlir::arith::MaxSIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(mlir::arith::MaxSIOp op, PatternRewriter& rewriter) const override {
    if (!mlir::matchPattern(op.getRhs(), mlir::m_Zero()) || !prob::is_extent(op.getLhs()))
      return failure();
    rewriter.replaceOp(op, op.getLhs());
    return success();
  }
};

/// Adding zero to an element changes nothing.
struct AddNothing : mlir::OpRewritePattern<prob::AddAtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(prob::AddAtOp op, PatternRewriter& rewriter) const override {
    if (real_constant_of(op.getValue()) != 0.0 && !analysis::is_zeros(op.getValue()))
      return failure();
    rewriter.replaceOp(op, op.getArray());
    return success();
  }
};

}  // namespace

void add_scalar_patterns(mlir::RewritePatternSet& patterns) {
  patterns.add<LargerThanNothing, Reciprocal, Power, WholePower, Logarithm, Product, Quotient, Sum,
               Difference, Negation, PositiveRoot, NestedSelect, AddNothing, ChoicesCombine<AddFOp>,
               ChoicesCombine<SubFOp>, ChosenAddend, KnownInRange<prob::ExtractOp>,
               KnownInRange<prob::InsertOp>>(patterns.getContext());
}

}  // namespace borel::transform

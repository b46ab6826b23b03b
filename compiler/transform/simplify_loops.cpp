#include "compiler/transform/simplify_loops.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

namespace borel::transform {

using analysis::is_outside;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

namespace {

using mlir::arith::AddFOp;
using mlir::arith::DivFOp;
using mlir::arith::MulFOp;
using mlir::arith::NegFOp;
using mlir::arith::SubFOp;

bool is_one(Value value) { return mlir::matchPattern(value, mlir::m_OneFloat()); }

/// A factor that is finite whatever the parameters are: n (x) needs no guard against n = 0.
bool surely_finite(Value factor) {
  llvm::APFloat constant(0.0);
  if (mlir::matchPattern(factor, mlir::m_ConstantFloat(&constant))) return constant.isFinite();
  return factor.getDefiningOp<mlir::arith::SIToFPOp>() != nullptr;
}

/// A logarithm that nothing else uses: summed by itself it is the logarithm of a product.
bool is_lone_log(Value value) {
  mlir::Operation* op = value ? value.getDefiningOp() : nullptr;
  return op && mlir::isa<mlir::math::LogOp, mlir::math::Log1pOp>(op) && value.hasOneUse();
}

/// One addend of a sum over iterations: ± factor * body. A null factor is 1; a null body too (the
/// addend does not vary).
struct Addend {
  Value factor, body;
  bool negative = false;
};

/// Takes the value that a loop sums apart into addends. New operations go to the end of the body
/// (products without their invariant factors) or before the loop (products of factors).
class Addends {
 public:
  explicit Addends(ForOp loop)
      : loop_(loop),
        plate_(loop.is_plate()),
        outside_(loop),
        inside_(loop.terminator()),
        loc_(loop.getLoc()) {}

  void gather(Value value, Value factor, bool negative, llvm::SmallVectorImpl<Addend>& out) {
    if (is_outside(value, loop_)) {
      out.push_back({times(factor, value), nullptr, negative});
      return;
    }
    // A value with other uses is computed anyway: taking it apart would only add work.
    const bool single = value.hasOneUse();
    if (auto negation = value.getDefiningOp<NegFOp>())
      return gather(negation.getOperand(), factor, !negative, out);
    if (auto product = value.getDefiningOp<MulFOp>()) {
      const Value a = product.getLhs(), b = product.getRhs();
      if (is_outside(a, loop_)) return gather(b, times(factor, a), negative, out);
      if (is_outside(b, loop_)) return gather(a, times(factor, b), negative, out);
      if (single) {
        const Addend x = strip(a), y = a == b ? x : strip(b);
        if (x.factor || x.negative || y.factor || y.negative) {
          const Value body = inside_.create<MulFOp>(loc_, x.body, y.body);
          return gather(body, times(times(factor, x.factor), y.factor),
                        negative != (x.negative != y.negative), out);
        }
      }
    }
    if (auto quotient = value.getDefiningOp<DivFOp>(); quotient && single) {
      const Addend x = strip(quotient.getLhs());
      if (x.factor || x.negative) {
        const Value body = inside_.create<DivFOp>(loc_, x.body, quotient.getRhs());
        return gather(body, times(factor, x.factor), negative != x.negative, out);
      }
    }
    auto add = value.getDefiningOp<AddFOp>();
    auto subtract = value.getDefiningOp<SubFOp>();
    if (single && (add || subtract)) {
      const Value a = value.getDefiningOp()->getOperand(0),
                  b = value.getDefiningOp()->getOperand(1);
      llvm::SmallVector<Addend> parts;
      gather(a, factor, negative, parts);
      gather(b, factor, negative != static_cast<bool>(subtract), parts);
      const bool logs = stays_apart(a) || stays_apart(b);
      const bool as_it_was = !logs && parts.size() == 2 && parts[0].body == a &&
                             parts[1].body == b && parts[0].factor == factor &&
                             parts[1].factor == factor;
      if (!as_it_was) {
        out.append(parts);
        return;
      }
    }
    out.push_back({factor, value, negative});
  }

  /// Whether the addends are anything but the value itself.
  static bool same(llvm::ArrayRef<Addend> addends, Value value) {
    return addends.size() == 1 && addends[0].body == value && !addends[0].factor &&
           !addends[0].negative;
  }

  /// Addends with one factor are one sum: combines their bodies.
  llvm::SmallVector<Addend> grouped(llvm::ArrayRef<Addend> addends) {
    llvm::SmallVector<Addend> out;
    for (const Addend& addend : addends) {
      auto* same_factor = llvm::find_if(out, [&](const Addend& other) {
        return other.factor == addend.factor &&
               (other.body == nullptr) == (addend.body == nullptr) && !stays_apart(other.body);
      });
      if (same_factor == out.end() || !addend.body || stays_apart(addend.body)) {
        out.push_back(addend);
        continue;
      }
      if (same_factor->negative == addend.negative) {
        same_factor->body = inside_.create<AddFOp>(loc_, same_factor->body, addend.body);
      } else {
        same_factor->body = inside_.create<SubFOp>(loc_, same_factor->body, addend.body);
      }
    }
    return out;
  }

  Value times(Value a, Value b) {
    if (!a || (b && is_one(a))) return b;
    if (!b || is_one(b)) return a;
    return outside_.createOrFold<MulFOp>(loc_, a, b);
  }

 private:
  /// value = ± factor * body with a body that exists already; a null factor and no sign when there
  /// is nothing to strip.
  Addend strip(Value value) {
    Addend out{nullptr, value, false};
    while (true) {
      if (auto negation = out.body.getDefiningOp<NegFOp>();
          negation && !is_outside(negation, loop_)) {
        out.negative = !out.negative;
        out.body = negation.getOperand();
        continue;
      }
      auto product = out.body.getDefiningOp<MulFOp>();
      if (!product || is_outside(product, loop_)) return out;
      if (is_outside(product.getLhs(), loop_) && !is_outside(product.getRhs(), loop_)) {
        out.factor = times(out.factor, product.getLhs());
        out.body = product.getRhs();
      } else if (is_outside(product.getRhs(), loop_) && !is_outside(product.getLhs(), loop_)) {
        out.factor = times(out.factor, product.getRhs());
        out.body = product.getLhs();
      } else {
        return out;
      }
    }
  }

  /// Addends that are not combined with others where the loop is a plate.
  bool stays_apart(Value value) {
    return plate_ && is_lone_log(value) && !is_outside(value, loop_);
  }

  ForOp loop_;
  bool plate_;
  OpBuilder outside_, inside_;
  mlir::Location loc_;
};

}  // namespace

// Why this keeps the meaning: addition of finite reals is reordered, which rounds differently. An
// addend of -infinity makes its own part -infinity and so the total, unless another part is
// +infinity or NaN, in which case the old total was NaN too or had +infinity against -infinity. A
// factor times an empty sum would be 0 * infinity = NaN for a factor that is not finite, so the
// total is guarded by the trip count unless every factor is surely finite.
ForOp simplify_sums(ForOp loop, bool& changed) {
  if (loop.getSums().empty()) return loop;
  LoopEdit edit(loop);
  Addends algebra(loop);
  struct Change {
    size_t sum;
    llvm::SmallVector<Addend> addends;
    llvm::SmallVector<size_t> sums;  // per addend with a body, its sum's index in the edit
  };
  llvm::SmallVector<Change> changes;
  for (size_t i = 0; i < edit.sums.size(); ++i) {
    const Value value = edit.sums[i].value;
    if (!mlir::isa<mlir::FloatType>(value.getType())) continue;
    if (edit.sums[i].result.use_empty()) continue;
    llvm::SmallVector<Addend> addends;
    algebra.gather(value, nullptr, false, addends);
    if (Addends::same(addends, value)) continue;
    changes.push_back({i, algebra.grouped(addends), {}});
  }
  if (changes.empty()) return loop;
  changed = true;

  llvm::SmallVector<Value> old_results;
  for (Change& change : changes) {
    for (const Addend& addend : change.addends) {
      if (!addend.body) continue;
      change.sums.push_back(edit.sums.size());
      edit.sums.push_back({addend.body, nullptr});
    }
    old_results.push_back(edit.sums[change.sum].result);
    edit.sums[change.sum].result = nullptr;
  }
  ForOp made = edit.apply();

  OpBuilder b(made->getContext());
  b.setInsertionPointAfter(made);
  const mlir::Location loc = made.getLoc();
  Value trips, positive;
  const auto fixed_trips = analysis::constant_trips(made);
  for (auto [change, old] : llvm::zip(changes, old_results)) {
    Value total;
    bool guarded = false;
    const auto add = [&](Value term, bool negative) {
      if (!total) {
        total = negative ? b.create<NegFOp>(loc, term).getResult() : term;
      } else if (negative) {
        total = b.create<SubFOp>(loc, total, term);
      } else {
        total = b.create<AddFOp>(loc, total, term);
      }
    };
    size_t next_sum = 0;
    for (const Addend& addend : change.addends) {
      if (addend.factor && !surely_finite(addend.factor)) guarded = true;
      if (addend.body) {
        const Value sum = edit.sums[change.sums[next_sum++]].result;
        add(addend.factor ? b.createOrFold<MulFOp>(loc, sum, addend.factor) : sum, addend.negative);
        continue;
      }
      if (!trips) {
        const Value count =
            b.createOrFold<mlir::arith::SubIOp>(loc, made.getUpper(), made.getLower());
        trips = b.createOrFold<mlir::arith::SIToFPOp>(loc, addend.factor.getType(), count);
        if (!fixed_trips) {
          // A range that runs backwards has no iterations, not a negative number of them.
          guarded = true;
        }
      } else if (!fixed_trips) {
        guarded = true;
      }
      add(b.createOrFold<MulFOp>(loc, trips, addend.factor), addend.negative);
    }
    if (fixed_trips && *fixed_trips > 0) guarded = false;
    const Value zero =
        b.create<mlir::arith::ConstantOp>(loc, b.getFloatAttr(old.getType(), 0.0)).getResult();
    if (fixed_trips && *fixed_trips == 0) {
      total = zero;
    } else if (guarded) {
      if (!positive)
        positive = b.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::slt,
                                                 made.getLower(), made.getUpper());
      total = b.create<mlir::arith::SelectOp>(loc, positive, total, zero);
    }
    old.replaceAllUsesWith(total);
  }
  edit.finish();
  return drop_unused(made);
}

namespace {

/// Whether the element exists also where the loop runs not at all.
bool is_safe(prob::AddAtOp add, Value array) {
  for (auto [dimension, index] : llvm::enumerate(add.getIndices()))
    if (!analysis::is_in_range(index, array, static_cast<int64_t>(dimension))) return false;
  return true;
}

/// The additions at body level on the way from an into argument to what it yields; empty when the
/// chain passes through something else.
llvm::SmallVector<prob::AddAtOp> additions(Value argument, Value yielded) {
  llvm::SmallVector<prob::AddAtOp> out;
  for (Value at = yielded; at != argument;) {
    auto add = at.getDefiningOp<prob::AddAtOp>();
    if (!add || !add->hasOneUse()) return {};
    out.push_back(add);
    at = add.getArray();
  }
  return out;
}

}  // namespace

// Additions to one element commute with those to others, and a sum started at zero and added to the
// element once differs by rounding only. A map takes the place of additions to zeros: 0 + x = x but
// for the sign of a zero.
ForOp simplify_intos(ForOp loop, bool& changed) {
  if (loop.getIntos().empty()) return loop;
  LoopEdit edit(loop);
  struct Moved {
    size_t into, sum;
    llvm::SmallVector<Value> indices;
  };
  llvm::SmallVector<Moved> moved;
  llvm::SmallVector<std::pair<Value, size_t>> mapped;  // old result, map
  for (size_t i = 0; i < edit.intos.size(); ++i) {
    for (prob::AddAtOp add : additions(edit.intos[i].argument, edit.intos[i].next)) {
      if (prob::is_array(add.getValue().getType())) continue;
      if (!llvm::all_of(add.getIndices(), [&](Value index) { return is_outside(index, loop); }) ||
          !is_safe(add, edit.intos[i].init))
        continue;
      moved.push_back({i, edit.sums.size(), llvm::to_vector(add.getIndices())});
      edit.sums.push_back({add.getValue(), nullptr});
      edit.replace(add, add.getArray());
      add.erase();
    }
  }
  llvm::SmallVector<size_t> gone;
  for (size_t i = 0; i < edit.intos.size(); ++i) {
    LoopEdit::Into& entry = edit.intos[i];
    auto chain = additions(entry.argument, entry.next);
    if (chain.size() != 1 || llvm::any_of(moved, [&](const Moved& m) { return m.into == i; }))
      continue;
    prob::AddAtOp add = chain[0];
    // Other uses of the argument (its extents) would keep the array alive.
    if (!entry.argument.hasOneUse() || add.getIndices().size() != 1) continue;
    if (!analysis::is_zeros(entry.init) || analysis::position_in(loop, add.getIndices()[0]) != 0 ||
        !analysis::covers(loop, entry.init, 0))
      continue;
    mapped.push_back({entry.result, edit.maps.size()});
    edit.maps.push_back({add.getValue(), nullptr});
    entry.next = entry.argument;
    add.replaceAllUsesWith(add.getArray());
    add.erase();
    gone.push_back(i);
  }
  if (moved.empty() && mapped.empty()) return loop;
  changed = true;
  for (const size_t i : llvm::reverse(gone)) {
    edit.replace(edit.intos[i].argument, edit.intos[i].init);
    edit.intos.erase(edit.intos.begin() + i);
    for (Moved& m : moved)
      if (m.into > i) --m.into;
  }
  ForOp made = edit.apply();
  for (auto& [old, map] : mapped) old.replaceAllUsesWith(edit.maps[map].result);
  OpBuilder b(made->getContext());
  b.setInsertionPointAfter(made);
  for (const Moved& m : moved) {
    Value array = edit.intos[m.into].result;
    auto add = b.create<prob::AddAtOp>(made.getLoc(), array.getType(), edit.sums[m.sum].result,
                                       array, m.indices);
    array.replaceAllUsesExcept(add.getResult(), add);
    edit.intos[m.into].result = add;
  }
  edit.finish();
  return made;
}

namespace {
/// The function under which a carry is rotated: it undoes the carry's last operation.
enum class Rotation { none, square, log };

Rotation rotation_for(Value next) {
  if (next.getDefiningOp<mlir::math::SqrtOp>()) return Rotation::square;
  if (next.getDefiningOp<mlir::math::ExpOp>()) return Rotation::log;
  return Rotation::none;
}

bool is_rotated_use(Operation* user, Value argument, Rotation rotation) {
  if (rotation == Rotation::log) return mlir::isa<mlir::math::LogOp>(user);
  auto product = mlir::dyn_cast<MulFOp>(user);
  return product && product.getLhs() == argument && product.getRhs() == argument;
}

Value rotated(OpBuilder& b, Rotation rotation, Value value) {
  if (rotation_for(value) == rotation) return value.getDefiningOp()->getOperand(0);
  if (rotation == Rotation::square) return b.create<MulFOp>(value.getLoc(), value, value);
  return b.create<mlir::math::LogOp>(value.getLoc(), value);
}
}  // namespace

// The new carry's value is the same function of the same values, computed at the end of an
// iteration instead of at the start of the next: sqrt(v)^2 = v to rounding, log(exp(x)) = x.
ForOp rotate_carries(ForOp loop, bool& changed) {
  LoopEdit edit(loop);
  llvm::SmallVector<LoopEdit::Carry, 2> made_carries;
  for (const LoopEdit::Carry& entry : edit.carries) {
    if (!mlir::isa<mlir::FloatType>(entry.argument.getType()) || is_outside(entry.next, loop))
      continue;
    const Rotation rotation = rotation_for(entry.next);
    if (rotation == Rotation::none) continue;
    llvm::SmallPtrSet<Operation*, 4> uses;
    for (Operation* user : entry.argument.getUsers())
      if (is_rotated_use(user, entry.argument, rotation)) uses.insert(user);
    if (uses.empty()) continue;
    OpBuilder before(loop);
    made_carries.push_back({rotated(before, rotation, entry.init),
                            edit.new_argument(entry.argument.getType()),
                            entry.next.getDefiningOp()->getOperand(0), nullptr});
    for (Operation* user : uses) {
      const Value old = user->getResult(0);
      for (LoopEdit::Carry& made : made_carries)
        if (made.next == old) made.next = made_carries.back().argument;
      edit.replace(old, made_carries.back().argument);
      user->erase();
    }
  }
  if (made_carries.empty()) return loop;
  changed = true;
  edit.carries.append(made_carries.begin(), made_carries.end());
  ForOp made = edit.apply();
  edit.finish();
  return drop_unused(made);
}

namespace {
/// Whether `read` gives an element of an array from outside at indices that are fixed or move with
/// the loop.
bool is_copy(ForOp loop, prob::ExtractOp read) {
  return read && !read.getPlace() && !prob::is_array(read.getType()) &&
         is_outside(read.getArray(), loop) && llvm::all_of(read.getIndices(), [&](Value index) {
           return is_outside(index, loop) || analysis::offset_of(index).base == loop.induction();
         });
}
}  // namespace

ForOp forward_copies(ForOp loop, bool& changed) {
  for (auto [map, value] : llvm::zip(loop.getMaps(), loop.terminator().getMaps())) {
    auto read = value.getDefiningOp<prob::ExtractOp>();
    if (map.use_empty() || !is_copy(loop, read)) continue;
    for (Operation* user : llvm::make_early_inc_range(map.getUsers())) {
      auto reader = mlir::dyn_cast<prob::ExtractOp>(user);
      if (!reader || reader.getArray() != map || reader.getPlace()) continue;
      OpBuilder b(reader);
      const mlir::Location loc = reader.getLoc();
      const Value iteration =
          b.createOrFold<mlir::arith::AddIOp>(loc, reader.getIndices()[0], loop.getLower());
      llvm::SmallVector<Value> indices;
      for (const Value index : read.getIndices()) {
        if (is_outside(index, loop)) {
          indices.push_back(index);
          continue;
        }
        const Value shift = prob::int_constant(b, loc, analysis::offset_of(index).offset);
        indices.push_back(b.createOrFold<mlir::arith::AddIOp>(loc, iteration, shift));
      }
      const Value element = prob::extract(b, loc, read.getArray(), indices);
      reader.replaceAllUsesWith(element);
      reader.erase();
      changed = true;
    }
  }
  return loop;
}

ForOp clean_results(ForOp loop, bool& changed) {
  // Equal sums and maps are one, and so are carries that start and go on alike.
  prob::YieldOp yield = loop.terminator();
  const auto merge = [&](auto values, auto results) {
    for (size_t i = 1; i < results.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (values[i] != values[j] || results[i].use_empty()) continue;
        results[i].replaceAllUsesWith(results[j]);
        changed = true;
        break;
      }
    }
  };
  merge(yield.getSums(), loop.getSums());
  merge(yield.getMaps(), loop.getMaps());
  for (size_t i = 0; i < loop.getCarries().size(); ++i) {
    // A carry that never changes is what it starts as.
    if (yield.getCarries()[i] == loop.carry_args()[i] &&
        !(loop.carry_args()[i].hasOneUse() && loop.getCarries()[i].use_empty())) {
      loop.getCarries()[i].replaceAllUsesWith(loop.getCarryInits()[i]);
      loop.carry_args()[i].replaceAllUsesExcept(loop.getCarryInits()[i], yield);
      changed = true;
    }
    for (size_t j = 0; j < i; ++j) {
      if (yield.getCarries()[i] != yield.getCarries()[j] ||
          loop.getCarryInits()[i] != loop.getCarryInits()[j])
        continue;
      if (loop.getCarries()[i].use_empty() && loop.carry_args()[i].use_empty()) continue;
      loop.getCarries()[i].replaceAllUsesWith(loop.getCarries()[j]);
      loop.carry_args()[i].replaceAllUsesWith(loop.carry_args()[j]);
      changed = true;
      break;
    }
  }
  // An into to which nothing is added is its init.
  for (auto [argument, next, init, result] :
       llvm::zip(loop.into_args(), yield.getIntos(), loop.getIntoInits(), loop.getIntos())) {
    if (next != argument || result.use_empty()) continue;
    result.replaceAllUsesWith(init);
    changed = true;
  }
  Operation* before = loop;
  ForOp left = drop_unused(loop);
  if (!left || left.getOperation() != before) changed = true;
  return left;
}

}  // namespace borel::transform

#include "compiler/transform/structure_array.h"

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::transform {

using analysis::is_outside;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ExtractOp;
using prob::ForOp;
using prob::InsertOp;

namespace {

/// An array read further back than this stays an array.
constexpr int64_t max_lags = 4;

/// The writes between a carry's argument and what it yields, in program order; nothing when the
/// chain is not one of prob.insert in the body itself.
std::optional<llvm::SmallVector<InsertOp>> write_chain(ForOp loop, const LoopEdit::Carry& carry) {
  llvm::SmallVector<InsertOp> out;
  for (Value at = carry.next; at != carry.argument;) {
    auto insert = at.getDefiningOp<InsertOp>();
    if (!insert || insert->getBlock() != &loop.block()) return std::nullopt;
    out.push_back(insert);
    at = insert.getArray();
  }
  std::reverse(out.begin(), out.end());
  return out;
}

bool same_indices(mlir::OperandRange a, mlir::OperandRange b, size_t count) {
  return llvm::all_of(llvm::seq<size_t>(0, count),
                      [&](size_t i) { return analysis::difference(a[i], b[i]) == 0; });
}

/// Whether some of the first `count` indices surely differ.
bool differ(mlir::OperandRange a, mlir::OperandRange b, size_t count) {
  return llvm::any_of(llvm::seq<size_t>(0, std::min({count, a.size(), b.size()})),
                      [&](size_t i) { return analysis::difference(a[i], b[i]).value_or(0) != 0; });
}

class Finder {
 public:
  Finder(ForOp loop, const LoopEdit::Carry& carry) : loop_(loop), carry_(carry) {}

  std::optional<FilledArray> find() {
    if (!prob::is_array(carry_.argument.getType())) return std::nullopt;
    auto writes = write_chain(loop_, carry_);
    if (!writes || writes->empty()) return std::nullopt;
    array_.writes = std::move(*writes);
    if (!find_place()) return std::nullopt;
    if (!classify(carry_.argument, 0)) return std::nullopt;
    for (size_t i = 0; i < array_.writes.size(); ++i)
      if (!classify(array_.writes[i].getResult(), i + 1)) return std::nullopt;
    return std::move(array_);
  }

 private:
  bool find_place() {
    InsertOp first = array_.writes.front();
    const auto indices = first.getIndices();
    size_t depth = 0;
    while (depth < indices.size() && is_outside(indices[depth], loop_)) ++depth;
    if (depth == indices.size()) return false;
    const auto position = analysis::position_in(loop_, indices[depth]);
    if (!position || *position < 0) return false;
    array_.prefix.assign(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(depth));
    array_.position = *position;
    array_.place = indices[depth];
    array_.check = first.getPlaceAttr();
    array_.to_the_end =
        analysis::covers(loop_, carry_.init, static_cast<int64_t>(depth), *position);
    for (InsertOp write : array_.writes) {
      if (write.getIndices().size() <= depth ||
          !same_indices(write.getIndices(), indices, depth + 1))
        return false;
      // Only a range that ends with the array shows that a checked write is in range.
      if (write.getPlace() && !array_.to_the_end) return false;
    }
    return true;
  }

  /// Sorts the uses of the array as it is after `written` writes of the iteration.
  bool classify(Value version, size_t written) {
    for (mlir::OpOperand& use : version.getUses()) {
      Operation* user = use.getOwner();
      if (written < array_.writes.size() && user == array_.writes[written]) {
        if (array_.writes[written].getValue() == version) return false;
        continue;
      }
      if (user == loop_.terminator()) {
        // Yielded as itself, and as nothing else.
        if (written != array_.writes.size() || version != carry_.next) return false;
        if (++yields_ > 1) return false;
        continue;
      }
      if (mlir::isa<prob::DimOp>(user)) {
        array_.extents.push_back(user);
        continue;
      }
      auto read = mlir::dyn_cast<ExtractOp>(user);
      if (!read || !classify_read(read, written)) return false;
    }
    return true;
  }

  bool classify_read(ExtractOp read, size_t written) {
    const size_t depth = array_.prefix.size();
    const auto indices = read.getIndices();
    const auto add = [&](FilledArray::From from, int64_t which) {
      array_.reads.push_back({read, from, which});
      return true;
    };
    InsertOp first = array_.writes.front();
    if (differ(indices, first.getIndices(), depth)) return add(FilledArray::From::before, 0);
    if (indices.size() <= depth || !same_indices(indices, first.getIndices(), depth)) return false;
    const Value index = indices[depth];
    if (const auto constant = analysis::constant_of(index)) {
      // Ahead of everything that the loop writes.
      return *constant < array_.position && add(FilledArray::From::before, 0);
    }
    const auto position = analysis::position_in(loop_, index);
    if (!position) return false;
    const int64_t back = array_.position - *position;
    if (back == 0) {
      return written == 0 ? add(FilledArray::From::before, 0)
                          : add(FilledArray::From::written, static_cast<int64_t>(written));
    }
    const bool is_earlier = loop_.getReverse() ? back < 0 : back > 0;
    if (!is_earlier) return add(FilledArray::From::before, 0);
    if (loop_.getReverse() || back > max_lags || back > array_.position) return false;
    array_.lags = std::max(array_.lags, back);
    return add(FilledArray::From::earlier, back);
  }

  ForOp loop_;
  const LoopEdit::Carry& carry_;
  FilledArray array_;
  int yields_ = 0;
};

/// array[index], found in what the array was made from where it can be; null otherwise.
Value known_element(OpBuilder& b, Value array, int64_t index) {
  while (true) {
    if (auto insert = array.getDefiningOp<InsertOp>()) {
      const auto at = analysis::constant_of(insert.getIndices()[0]);
      if (!at) return nullptr;
      if (*at != index) {
        array = insert.getArray();
        continue;
      }
      return insert.getIndices().size() == 1 ? insert.getValue() : nullptr;
    }
    if (auto zeros = array.getDefiningOp<prob::ZerosOp>();
        zeros && zeros.getExtents().size() == 1 &&
        mlir::isa<mlir::FloatType>(prob::scalar_type(zeros.getType())))
      return prob::real_constant(b, array.getLoc(), 0.0);
    return nullptr;
  }
}

/// Zeros like one element of `array` (a scalar or a sub-array).
Value zero_element(OpBuilder& b, mlir::Location loc, Value array) {
  const mlir::Type type = prob::element_type(array.getType());
  if (!prob::is_array(type)) return b.create<mlir::arith::ConstantOp>(loc, b.getZeroAttr(type));
  llvm::SmallVector<Value> extents;
  const int64_t rank = mlir::cast<mlir::RankedTensorType>(type).getRank();
  for (int64_t d = 0; d < rank; ++d) extents.push_back(prob::dim(b, loc, array, d + 1));
  return b.create<prob::ZerosOp>(loc, type, extents);
}

/// array[index] where `loop` runs at all, else zeros: the array may be shorter then.
Value guarded_element(OpBuilder& b, ForOp loop, Value array, int64_t index) {
  if (const Value known = known_element(b, array, index)) return known;
  const mlir::Location loc = loop.getLoc();
  const Value runs = b.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::slt,
                                                   loop.getLower(), loop.getUpper());
  auto branch = b.create<mlir::scf::IfOp>(
      loc, runs,
      [&](OpBuilder& then, mlir::Location at) {
        const Value place = prob::int_constant(then, at, index);
        then.create<mlir::scf::YieldOp>(at, prob::extract(then, at, array, place));
      },
      [&](OpBuilder& otherwise, mlir::Location at) {
        otherwise.create<mlir::scf::YieldOp>(at, zero_element(otherwise, at, array));
      });
  return branch.getResult(0);
}

/// The init's part that the loop fills.
Value part_of(OpBuilder& b, mlir::Location loc, Value init, const FilledArray& array) {
  if (array.prefix.empty()) return init;
  const Value part = prob::extract(b, loc, init, array.prefix);
  if (array.check) part.getDefiningOp<ExtractOp>().setPlaceAttr(array.check);
  return part;
}

}  // namespace

std::optional<FilledArray> find_filled(ForOp loop, const LoopEdit::Carry& carry) {
  return Finder(loop, carry).find();
}

bool find_accumulated(ForOp loop, const LoopEdit::Carry& carry, bool rewrite) {
  if (!prob::is_array(carry.argument.getType()) || !prob::is_real(carry.argument.getType()))
    return false;
  // insert(extract(c, k) + v, c, k) is add_at(v, c, k); a checked access stays checked by its read.
  Value at = carry.next;
  llvm::SmallVector<std::pair<InsertOp, Value>> updates;  // with what is added
  while (at != carry.argument) {
    Operation* op = at.getDefiningOp();
    if (!op || op->getBlock() != &loop.block()) return false;
    if (!at.hasOneUse()) {
      // The version may be read once, by the update that follows it.
      if (std::distance(at.use_begin(), at.use_end()) > 2) return false;
    }
    if (auto add = mlir::dyn_cast<prob::AddAtOp>(op)) {
      at = add.getArray();
      continue;
    }
    auto insert = mlir::dyn_cast<InsertOp>(op);
    if (!insert || prob::is_array(insert.getValue().getType())) return false;
    auto sum = insert.getValue().getDefiningOp<mlir::arith::AddFOp>();
    // What else reads the sum would still read the element.
    if (!sum || !sum->hasOneUse()) return false;
    const auto is_element = [&](Value value) {
      auto read = value.getDefiningOp<ExtractOp>();
      return read && !read.getPlace() && !insert.getPlace() && read->hasOneUse() &&
             read.getArray() == insert.getArray() &&
             read.getIndices().size() == insert.getIndices().size() &&
             same_indices(read.getIndices(), insert.getIndices(), insert.getIndices().size());
    };
    const bool left = is_element(sum.getLhs()), right = !left && is_element(sum.getRhs());
    if (!left && !right) return false;
    updates.emplace_back(insert, left ? sum.getRhs() : sum.getLhs());
    at = insert.getArray();
  }
  if (at != carry.argument || carry.next == carry.argument) return false;
  // Every version is used by the next update alone (and by the read that it replaces).
  size_t extra = updates.size();
  for (Value version = carry.next;;) {
    for (Operation* user : version.getUsers()) {
      if (version == carry.next && user == loop.terminator()) continue;
      if (mlir::isa<prob::AddAtOp, InsertOp>(user) && user->getBlock() == &loop.block() &&
          user->getOperand(1) == version && user->getOperand(0) != version)
        continue;
      if (mlir::isa<prob::DimOp>(user)) continue;
      if (mlir::isa<ExtractOp>(user) && extra > 0) {
        --extra;
        continue;
      }
      return false;
    }
    if (version == carry.argument) break;
    version = version.getDefiningOp()->getOperand(1);
  }
  if (extra != 0) return false;
  if (!rewrite) return true;
  for (auto& [insert, added] : updates) {
    OpBuilder b(insert);
    auto add = b.create<prob::AddAtOp>(insert.getLoc(), insert.getType(), added, insert.getArray(),
                                       insert.getIndices());
    Operation* sum = insert.getValue().getDefiningOp();
    insert.replaceAllUsesWith(add.getResult());
    insert.erase();
    Operation* reads[2] = {sum->getOperand(0).getDefiningOp(), sum->getOperand(1).getDefiningOp()};
    if (sum->use_empty()) sum->erase();
    for (Operation* read : reads)
      if (read && mlir::isa<ExtractOp>(read) && read->use_empty()) read->erase();
  }
  return true;
}

FilledResult rewrite_filled(LoopEdit& edit, LoopEdit::Carry carry, FilledArray array) {
  ForOp loop = edit.loop;
  const mlir::Location loc = loop.getLoc();
  const size_t depth = array.prefix.size();
  OpBuilder before(loop);
  const Value part = part_of(before, loc, carry.init, array);

  // The element as the iteration's writes make it.
  llvm::SmallVector<Value> element(array.writes.size() + 1);
  for (size_t i = 0; i < array.writes.size(); ++i) {
    InsertOp write = array.writes[i];
    const auto rest = write.getIndices().drop_front(depth + 1);
    if (rest.empty()) {
      element[i + 1] = write.getValue();
      continue;
    }
    OpBuilder b(write);
    if (!element[i]) element[i] = prob::extract(b, loc, part, array.place);
    element[i + 1] = b.create<InsertOp>(write.getLoc(), element[i].getType(), write.getValue(),
                                        element[i], rest, mlir::IntegerAttr());
  }
  const Value last = element.back();

  llvm::SmallVector<LoopEdit::Carry> lags;
  for (int64_t lag = 1; lag <= array.lags; ++lag) {
    const Value argument = edit.new_argument(last.getType());
    const Value init = guarded_element(before, loop, part, array.position - lag);
    lags.push_back({init, argument, lag == 1 ? last : lags.back().argument, nullptr});
  }
  edit.maps.push_back({last, nullptr});
  const size_t map = edit.maps.size() - 1;

  for (FilledArray::Read& read : array.reads) {
    if (read.from == FilledArray::From::before) {
      read.op.getArrayMutable().assign(carry.init);
      continue;
    }
    Value value = read.from == FilledArray::From::written
                      ? element[static_cast<size_t>(read.which)]
                      : lags[static_cast<size_t>(read.which) - 1].argument;
    const auto rest = read.op.getIndices().drop_front(depth + 1);
    if (!rest.empty()) {
      OpBuilder b(read.op);
      value = b.create<ExtractOp>(read.op.getLoc(), read.op.getType(), value, rest,
                                  read.op.getPlaceAttr());
    }
    edit.replace(read.op, value);
    for (Value& other : element)
      if (other == read.op.getResult()) other = value;
    for (LoopEdit::Carry& lag : lags)
      if (lag.next == read.op.getResult()) lag.next = value;
    read.op.erase();
  }
  for (Operation* extent : array.extents) extent->setOperand(0, carry.init);
  edit.carries.append(lags.begin(), lags.end());
  if (part != carry.init && part.use_empty()) part.getDefiningOp()->erase();
  // Each write is used by the next one, the last by the yield (which is made anew).
  prob::YieldOp yield = loop.terminator();
  for (InsertOp write : llvm::reverse(array.writes)) {
    Value result = write.getResult();
    result.replaceUsesWithIf(carry.init,
                             [&](mlir::OpOperand& use) { return use.getOwner() == yield; });
    write.erase();
  }
  return {carry.result, carry.init, map, std::move(array)};
}

void finish_filled(LoopEdit& edit, ForOp made, const FilledResult& filled) {
  if (filled.old_result.use_empty()) return;
  OpBuilder b(made->getContext());
  b.setInsertionPointAfter(made);
  const mlir::Location loc = made.getLoc();
  const Value map = edit.maps[filled.map].result;
  const FilledArray& array = filled.array;
  Value whole = map;
  if (!array.to_the_end || array.position != 0) {
    // What was there before, and what the loop wrote, in one array.
    const Value part = part_of(b, loc, filled.init, array);
    const Value extent = prob::dim(b, loc, part, 0);
    const Value zero = prob::int_constant(b, loc, 0);
    const Value first = prob::int_constant(b, loc, array.position);
    Value end;
    if (!array.to_the_end) {
      const Value trips = b.create<mlir::arith::SubIOp>(loc, made.getUpper(), made.getLower());
      end = b.create<mlir::arith::AddIOp>(loc, trips, first);
    }
    Value only;  // the one element before the loop's, where it is known
    if (array.to_the_end && array.position == 1) only = known_element(b, part, 0);
    auto plate = b.create<ForOp>(loc, zero, extent, mlir::ValueRange(),
                                 mlir::TypeRange{prob::element_type(part.getType())},
                                 mlir::TypeRange{}, mlir::ValueRange());
    OpBuilder in = OpBuilder::atBlockEnd(&plate.block());
    const Value k = plate.induction();
    using mlir::arith::CmpIPredicate;
    const Value early = in.create<mlir::arith::CmpIOp>(loc, CmpIPredicate::slt, k, first);
    Value old = early;
    if (end) {
      const Value late = in.create<mlir::arith::CmpIOp>(loc, CmpIPredicate::sge, k, end);
      old = in.create<mlir::arith::OrIOp>(loc, early, late);
    }
    auto branch = in.create<mlir::scf::IfOp>(
        loc, old,
        [&](OpBuilder& then, mlir::Location at) {
          const Value kept = only ? only : prob::extract(then, at, part, k);
          then.create<mlir::scf::YieldOp>(at, kept);
        },
        [&](OpBuilder& otherwise, mlir::Location at) {
          const Value place = otherwise.create<mlir::arith::SubIOp>(at, k, first);
          otherwise.create<mlir::scf::YieldOp>(at, prob::extract(otherwise, at, map, place));
        });
    in.create<prob::YieldOp>(loc, mlir::ValueRange(), branch.getResults(), mlir::ValueRange(),
                             mlir::ValueRange());
    whole = plate.getMaps()[0];
  }
  if (!array.prefix.empty())
    whole = b.create<InsertOp>(loc, filled.init.getType(), whole, filled.init, array.prefix,
                               array.check);
  Value old_result = filled.old_result;
  old_result.replaceAllUsesWith(whole);
}

}  // namespace borel::transform

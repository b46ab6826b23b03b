#include "compiler/transform/condense.h"

#include <array>

#include "compiler/analysis/data_only.h"
#include "compiler/analysis/loops.h"
#include "compiler/transform/condense_forms.h"
#include "compiler/transform/condense_triangles.h"
#include "compiler/transform/loop_edit.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

namespace borel::transform {

namespace {

using mlir::Block;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;
namespace arith = mlir::arith;

constexpr size_t most_grouped_columns = 6;  // 21 products for each group

/// What a value of a loop's body is computed from: its part of the body.
using Slice = llvm::SetVector<Operation*>;

/// Takes out of one loop what it adds up of one group of parameters, or of parameters that do not
/// vary where `group` is null. What is computed of parameters, once for every group, is built in a
/// block of its own, which is thrown away where nothing comes of it.
class Condenser {
 public:
  Condenser(ForOp loop, const analysis::DataOnly& data, Value group)
      : loop_(loop),
        loc_(loop.getLoc()),
        data_(data),
        group_(group),
        b_(loop.getContext()),
        forms_(loop, data, group, scratch_) {
    scratch_.addArgument(b_.getI64Type(), loc_);  // the group
    const mlir::Type real = prob::real_type(loop.getContext());
    scratch_.addArgument(prob::array_type(real, 3), loc_);  // the factors
    for (const Value init : loop.getIntoInits()) scratch_.addArgument(init.getType(), loc_);
    b_.setInsertionPointToEnd(&scratch_);
  }

  ~Condenser() { scratch_.dropAllReferences(); }

  /// The data that parameters are indexed by in the loop, each with a bound; and null.
  static llvm::SetVector<Value> groups_of(ForOp loop, const analysis::DataOnly& data) {
    llvm::SetVector<Value> out;
    for (Operation& op : loop.block()) {
      Slice self;
      self.insert(&op);
      llvm::SetVector<Value> bases;
      if (bases_of(self, loop, data, bases)) out.insert(bases.begin(), bases.end());
    }
    out.insert(Value());
    return out;
  }

  /// Whether anything left the loop, which is erased where all did, or is another one now.
  bool run(ForOp& rest) {
    if (!is_of_the_kind() || (group_ && !count_groups())) return false;
    find_outputs();
    if (outputs_.empty() || !stands_apart() || !order_columns()) return false;
    llvm::SmallVector<Value> sums(rest_of_sum_.size()),
        arrays(scratch_.getArguments().drop_front(2));
    for (const Output& output : outputs_) {
      const Value value = total(output.value);
      if (output.add) {
        Value& array = arrays[output.number];
        array = b_.create<prob::AddAtOp>(loc_, array.getType(), value, array, output.at);
      } else {
        Value& sum = sums[output.number];
        sum = sum ? b_.create<arith::AddFOp>(loc_, sum, value) : value;
      }
    }
    put_before(sums, arrays);
    rest = take_out(sums);
    return true;
  }

 private:
  /// An addend of the loop's sum of this number, or of an addition to its into of this number.
  struct Output {
    size_t number = 0;
    prob::AddAtOp add;
    llvm::SmallVector<Value> at;  // in the new block
    FormProducts value;
  };
  /// Addends that stay.
  struct Addend {
    Value value;
    bool negated;
  };
  using Rest = llvm::SmallVector<Addend, 1>;

  //===- What the loop is ---------------------------------------------------------------------===//

  bool is_of_the_kind() {
    if (!loop_.getCarryInits().empty() || loop_.getReverse()) return false;
    if (!data_.contains(loop_.getLower()) || !data_.contains(loop_.getUpper())) return false;
    return llvm::all_of(loop_.block().without_terminator(),
                        [](Operation& op) { return mlir::isPure(&op); });
  }

  static void slice(Value value, ForOp loop, Slice& out) {
    Operation* op = value.getDefiningOp();
    if (!op || analysis::is_outside(value, loop)) return;
    while (op->getBlock() != &loop.block()) op = op->getParentOp();
    if (!out.insert(op)) return;
    op->walk([&](Operation* inner) {
      for (const Value operand : inner->getOperands()) slice(operand, loop, out);
    });
  }

  /// What parameters are indexed by in a part of the body; false where it is not data.
  static bool bases_of(const Slice& part, ForOp loop, const analysis::DataOnly& data,
                       llvm::SetVector<Value>& bases) {
    const auto visit = [&](mlir::ValueRange indices) {
      return llvm::all_of(indices, [&](Value index) {
        const Value base = stripped_index(index, loop);
        if (!base) return true;
        bases.insert(base);
        return base != loop.induction() && data.contains(base);
      });
    };
    return llvm::all_of(part, [&](Operation* op) {
      if (auto read = mlir::dyn_cast<prob::ExtractOp>(op); read && !data.contains(read.getArray()))
        return visit(read.getIndices());
      auto add = mlir::dyn_cast<prob::AddAtOp>(op);
      return !add || visit(add.getIndices());
    });
  }

  /// Whether `part` has to do with the group, and with no other.
  bool is_of_group(const Slice& part) const {
    llvm::SetVector<Value> bases;
    if (!bases_of(part, loop_, data_, bases)) return false;
    return group_ ? bases.size() == 1 && bases.front() == group_ : bases.empty();
  }

  /// Whether the output is a sum of products of forms, which it becomes.
  bool fits(Output& output, Value value, bool negated) {
    Slice part;
    slice(value, loop_, part);
    if (output.add) part.insert(output.add);
    if (!prob::is_real(value.getType()) || data_.contains(value) || !is_of_group(part))
      return false;
    if (output.add)
      for (const Value index : output.add.getIndices()) {
        if (forms_.varies(index) == LinearForms::Varies::ByIteration) return false;
        output.at.push_back(forms_.of_group(index));
      }
    if (!forms_.products(value, negated ? forms_.number(-1) : Value(), output.value)) return false;
    for (const FormProduct& product : output.value) {
      used_.insert(product.a);
      used_.insert(product.b);
    }
    outputs_.push_back(std::move(output));
    return true;
  }

  void find_addends(const Output& output, Value value, bool negated, Rest& rest) {
    Output whole = output;
    if (fits(whole, value, negated)) return;
    Operation* op = value.getDefiningOp();
    if (op && mlir::isa<arith::AddFOp, arith::SubFOp>(op) && forms_.is_mixed(value)) {
      find_addends(output, op->getOperand(0), negated, rest);
      find_addends(output, op->getOperand(1), negated != mlir::isa<arith::SubFOp>(op), rest);
      return;
    }
    slice(value, loop_, others_);
    rest.push_back({value, negated});
  }

  /// What can leave the loop; what the rest needs.
  void find_outputs() {
    auto yield = loop_.terminator();
    for (const Value map : yield.getMaps()) slice(map, loop_, others_);
    rest_of_sum_.resize(yield.getSums().size());
    for (const auto [i, value] : llvm::enumerate(yield.getSums()))
      find_addends({i, {}, {}, {}}, value, false, rest_of_sum_[i]);
    for (const auto [i, end] : llvm::enumerate(yield.getIntos())) {
      Value chain = end;
      while (auto add = chain.getDefiningOp<prob::AddAtOp>()) {
        Rest& rest = rest_of_add_[add];
        find_addends({i, add, {}, {}}, add.getValue(), false, rest);
        if (!rest.empty())
          for (const Value index : add.getIndices()) slice(index, loop_, others_);
        chain = add.getArray();
      }
      slice(chain, loop_, others_);
    }
  }

  /// Whether what stays in the loop has no use for the factors of the outputs, which would be
  /// computed there all the same.
  bool stands_apart() {
    return llvm::all_of(outputs_, [&](const Output& output) {
      return llvm::all_of(output.value, [&](const FormProduct& product) {
        return llvm::all_of(std::array{product.a_value, product.b_value}, [&](Value value) {
          return !value || !forms_.is_mixed(value) || !others_.contains(value.getDefiningOp());
        });
      });
    });
  }

  /// Indices from data have their bound there.
  bool count_groups() {
    auto read = group_.getDefiningOp<prob::ExtractOp>();
    auto data = read ? read.getArray().getDefiningOp<prob::DataOp>() : prob::DataOp();
    if (!data) return false;
    auto slot = mlir::SymbolTable::lookupNearestSymbolFrom<prob::SlotOp>(data, data.getSlotAttr());
    if (!slot || !slot->hasAttr(prob::below_attribute)) return false;
    below_ = slot->getAttr(prob::below_attribute);
    return !is_checked(data.getSlot());
  }

  /// Whether an access of the function is checked at an index from the slot: a group that no data
  /// have may then lie outside an array, where no iteration went.
  bool is_checked(llvm::StringRef slot) {
    const auto reads_slot = [&](Value index) {
      llvm::SetVector<Value> work;
      work.insert(index);
      for (size_t i = 0; i < work.size(); ++i) {
        Operation* op = work[i].getDefiningOp();
        if (auto data = op ? mlir::dyn_cast<prob::DataOp>(op) : prob::DataOp();
            data && data.getSlot() == slot)
          return true;
        if (op) work.insert(op->operand_begin(), op->operand_end());
      }
      return false;
    };
    const auto result = loop_->getParentOfType<mlir::func::FuncOp>().walk([&](Operation* op) {
      bool found = false;
      if (auto read = mlir::dyn_cast<prob::ExtractOp>(op); read && read.getPlace())
        found = llvm::any_of(read.getIndices(), reads_slot);
      if (auto write = mlir::dyn_cast<prob::InsertOp>(op); write && write.getPlace())
        found = llvm::any_of(write.getIndices(), reads_slot);
      return found ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
    });
    return result.wasInterrupted();
  }

  /// The number of groups, by `b`.
  Value groups(OpBuilder& b) const {
    if (!group_) return prob::int_constant(b, loc_, 1);
    const auto read = [&](mlir::Attribute symbol) -> Value {
      return b.create<prob::DataOp>(loc_, b.getI64Type(),
                                    mlir::cast<mlir::FlatSymbolRefAttr>(symbol));
    };
    Value out;
    if (const auto constant = mlir::dyn_cast<mlir::IntegerAttr>(below_)) {
      out = prob::int_constant(b, loc_, constant.getInt());
    } else if (const auto sum = mlir::dyn_cast<mlir::ArrayAttr>(below_)) {
      out = b.create<arith::AddIOp>(
          loc_, read(sum[0]),
          prob::int_constant(b, loc_, mlir::cast<mlir::IntegerAttr>(sum[1]).getInt()));
    } else {
      out = read(below_);
    }
    return b.createOrFold<arith::MaxSIOp>(loc_, out, prob::int_constant(b, loc_, 0));
  }

  //===- Columns ------------------------------------------------------------------------------===//

  /// Columns in the order of Gram-Schmidt. One that stands alone in products comes early, where its
  /// part of R is short; ones first of all; those with known coefficients, as y, last.
  bool order_columns() {
    llvm::SmallVector<Value> alone, others, known;
    for (const LinearForm* form : used_)
      for (const auto& [column, coefficient] : form->terms) {
        if (!column) {
          columns_.insert(column);
        } else if (form->terms.size() == 1) {
          alone.push_back(column);
        } else if (!coefficient || mlir::matchPattern(coefficient, mlir::m_Constant())) {
          known.push_back(column);
        } else {
          others.push_back(column);
        }
      }
    for (const auto* list : {&alone, &others, &known}) columns_.insert(list->begin(), list->end());
    return columns_.size() <= (group_ ? most_grouped_columns : LinearForms::most_columns);
  }

  size_t position(Value column) const {
    return static_cast<size_t>(llvm::find(columns_, column) - columns_.begin());
  }

  /// R[i, j] of the group.
  Value factor(size_t i, size_t j) {
    Value& known = factors_[i * columns_.size() + j];
    if (!known) {
      const Value group = group_ ? Value(scratch_.getArgument(0)) : prob::int_constant(b_, loc_, 0);
      known = prob::extract(b_, loc_, scratch_.getArgument(1),
                            {prob::int_constant(b_, loc_, static_cast<int64_t>(i)),
                             prob::int_constant(b_, loc_, static_cast<int64_t>(j)), group});
    }
    return known;
  }

  /// R v of a form, null where it is zero.
  llvm::ArrayRef<Value> projected(const LinearForm& form) {
    auto& known = projected_[&form];
    if (!known.empty()) return known;
    known.resize(columns_.size());
    for (const auto& [column, coefficient] : form.terms) {
      const size_t j = position(column);
      for (size_t i = 0; i <= j; ++i) {
        const Value product = forms_.times(factor(i, j), coefficient);
        known[i] = known[i] ? b_.create<arith::AddFOp>(loc_, known[i], product) : product;
      }
    }
    return known;
  }

  Value total(const FormProducts& products) {
    Value sum;
    for (const FormProduct& term : products) {
      const llvm::SmallVector<Value> a(projected(*term.a)), b(projected(*term.b));
      Value product;
      for (const auto [x, y] : llvm::zip(a, b)) {
        if (!x || !y) continue;
        const Value xy = forms_.times(x, y);
        product = product ? b_.create<arith::AddFOp>(loc_, product, xy) : xy;
      }
      product = forms_.times(product ? product : forms_.number(0), term.scale);
      sum = sum ? b_.create<arith::AddFOp>(loc_, sum, product) : product;
    }
    return sum ? sum : forms_.number(0);
  }

  //===- The new loops ------------------------------------------------------------------------===//

  /// A value of data in the loop over the columns.
  static Value of_iteration(Value value, ForOp from, mlir::IRMapping& mapping, OpBuilder& b) {
    if (analysis::is_outside(value, from)) return value;
    if (const Value known = mapping.lookupOrNull(value)) return known;
    Operation* op = value.getDefiningOp();
    op->walk([&](Operation* inner) {
      for (const Value operand : inner->getOperands())
        if (!analysis::is_outside(operand, from) && analysis::is_outside(operand, op))
          of_iteration(operand, from, mapping, b);
    });
    b.clone(*op, mapping);
    return mapping.lookup(value);
  }

  Value columns_and_triangles(Value groups) {
    OpBuilder b(loop_);
    const Value zero = prob::int_constant(b, loc_, 0);
    const Value k = prob::int_constant(b, loc_, static_cast<int64_t>(columns_.size()));
    const Value n = b.createOrFold<arith::MaxSIOp>(
        loc_, b.createOrFold<arith::SubIOp>(loc_, loop_.getUpper(), loop_.getLower()), zero);
    const mlir::Type matrix = prob::array_type(prob::real_type(b.getContext()), 2);
    const Value empty = b.create<prob::ZerosOp>(loc_, matrix, mlir::ValueRange{k, n});
    auto made = b.create<ForOp>(loc_, loop_.getLower(), loop_.getUpper(), mlir::ValueRange(),
                                mlir::TypeRange{b.getI64Type()}, mlir::TypeRange(),
                                mlir::ValueRange{empty});
    b.setInsertionPointToEnd(&made.block());
    mlir::IRMapping mapping;
    mapping.map(loop_.induction(), made.induction());
    const Value at = b.createOrFold<arith::SubIOp>(loc_, made.induction(), loop_.getLower());
    Value filled = made.into_args().front();
    for (const auto [i, column] : llvm::enumerate(columns_)) {
      const Value value =
          column ? of_iteration(column, loop_, mapping, b) : prob::real_constant(b, loc_, 1);
      const Value row = prob::int_constant(b, loc_, static_cast<int64_t>(i));
      filled = b.create<prob::AddAtOp>(loc_, matrix, value, filled, mlir::ValueRange{row, at});
    }
    const Value group = group_ ? of_iteration(group_, loop_, mapping, b) : zero;
    b.create<prob::YieldOp>(loc_, mlir::ValueRange(), group, mlir::ValueRange(), filled);
    b.setInsertionPoint(loop_);
    return triangles(b, k, n, groups, made.getIntos().front(), made.getMaps().front());
  }

  bool is_added_to(size_t into, llvm::ArrayRef<Value> arrays) {
    return arrays[into] != scratch_.getArgument(2 + static_cast<unsigned>(into));
  }

  /// Puts the new computation before the loop. `sums` become its results; the loop goes on from its
  /// arrays.
  void put_before(llvm::MutableArrayRef<Value> sums, llvm::ArrayRef<Value> arrays) {
    OpBuilder b(loop_);
    const Value count = groups(b);
    const Value factors = columns_and_triangles(count);
    const auto settle = [&](unsigned argument, Value by) {
      scratch_.getArgument(argument).replaceAllUsesWith(by);
    };
    const auto go_on_from = [&](size_t into, Value array) {
      loop_.getIntoInitsMutable().slice(static_cast<unsigned>(into), 1).assign(array);
    };
    settle(1, factors);
    const size_t intos = loop_.getIntoInits().size();
    if (!group_) {
      for (size_t i = 0; i < intos; ++i) {
        if (!is_added_to(i, arrays)) continue;
        settle(2 + static_cast<unsigned>(i), loop_.getIntoInits()[i]);
        go_on_from(i, arrays[i]);
      }
      loop_->getBlock()->getOperations().splice(loop_->getIterator(), scratch_.getOperations());
      return;
    }
    llvm::SmallVector<Value> inits, next_arrays, next_sums;
    for (size_t i = 0; i < intos; ++i) {
      if (!is_added_to(i, arrays)) continue;
      inits.push_back(loop_.getIntoInits()[i]);
      next_arrays.push_back(arrays[i]);
    }
    for (const Value sum : sums)
      if (sum) next_sums.push_back(sum);
    const llvm::SmallVector<mlir::Type> types(next_sums.size(), prob::real_type(b.getContext()));
    auto over = b.create<ForOp>(loc_, prob::int_constant(b, loc_, 0), count, mlir::ValueRange(),
                                mlir::TypeRange(), types, inits);
    Block& body = over.block();
    body.getOperations().splice(body.end(), scratch_.getOperations());
    b.setInsertionPointToEnd(&body);
    b.create<prob::YieldOp>(loc_, mlir::ValueRange(), mlir::ValueRange(), next_sums, next_arrays);
    settle(0, over.induction());
    for (size_t i = 0, into = 0; i < intos; ++i) {
      if (!is_added_to(i, arrays)) continue;
      settle(2 + static_cast<unsigned>(i), over.into_args()[into]);
      go_on_from(i, over.getIntos()[into++]);
    }
    size_t result = 0;
    for (Value& sum : sums)
      if (sum) sum = over.getSums()[result++];
  }

  /// Takes the outputs out of the loop. Returns what is left of it, null when that is nothing.
  ForOp take_out(llvm::ArrayRef<Value> sums) {
    for (auto& [op, rest] : rest_of_add_) {
      auto add = mlir::cast<prob::AddAtOp>(op);
      if (!rest.empty()) {
        add.getValueMutable().assign(sum_of(rest, add));
        continue;
      }
      add.getResult().replaceAllUsesWith(add.getArray());
      add->erase();
    }
    LoopEdit edit(loop_);
    for (size_t i = edit.intos.size(); i-- > 0;) {
      if (edit.intos[i].next != edit.intos[i].argument) continue;
      edit.intos[i].result.replaceAllUsesWith(edit.intos[i].init);
      edit.intos.erase(edit.intos.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (size_t i = sums.size(); i-- > 0;) {
      if (!sums[i]) continue;
      if (rest_of_sum_[i].empty()) {
        edit.sums[i].result.replaceAllUsesWith(sums[i]);
        edit.sums.erase(edit.sums.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
      OpBuilder after(loop_->getContext());
      after.setInsertionPointAfter(loop_);
      auto whole = after.create<arith::AddFOp>(loc_, edit.sums[i].result, sums[i]);
      edit.sums[i].result.replaceAllUsesExcept(whole, whole);
      edit.sums[i].value = sum_of(rest_of_sum_[i], loop_.terminator());
    }
    ForOp rest = edit.apply();
    edit.finish();
    for (Operation& op : llvm::make_early_inc_range(llvm::reverse(rest.block())))
      if (mlir::isOpTriviallyDead(&op)) op.erase();
    forms_.forget_columns();  // they were among the dead
    return drop_unused(rest);
  }

  Value sum_of(const Rest& rest, Operation* before) const {
    OpBuilder body(before);
    Value out;
    for (const Addend& addend : rest) {
      if (!out) {
        out = addend.negated ? body.create<arith::NegFOp>(loc_, addend.value).getResult()
                             : addend.value;
      } else if (addend.negated) {
        out = body.create<arith::SubFOp>(loc_, out, addend.value);
      } else {
        out = body.create<arith::AddFOp>(loc_, out, addend.value);
      }
    }
    return out;
  }

  ForOp loop_;
  mlir::Location loc_;
  const analysis::DataOnly& data_;
  Value group_;            // null: all iterations are of one
  mlir::Attribute below_;  // how many groups there are, as prob.slot's extents are written
  Block scratch_;
  OpBuilder b_;
  LinearForms forms_;
  llvm::SmallVector<Output> outputs_;
  llvm::SmallVector<Rest> rest_of_sum_;
  llvm::MapVector<Operation*, Rest> rest_of_add_;
  Slice others_;  // of the body: what stays
  llvm::SetVector<const LinearForm*> used_;
  llvm::SetVector<Value> columns_;
  llvm::DenseMap<size_t, Value> factors_;
  llvm::DenseMap<const LinearForm*, llvm::SmallVector<Value>> projected_;
};

class CondensePass
    : public mlir::PassWrapper<CondensePass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CondensePass)

  llvm::StringRef getArgument() const final { return "condense"; }

  void getDependentDialects(mlir::DialectRegistry& registry) const final {
    registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect,
                    prob::ProbDialect>();
  }

  void runOnOperation() final {
    mlir::func::FuncOp function = getOperation();
    if (function.isExternal() || function.getBody().getBlocks().size() != 1) return;
    Block& block = function.getBody().front();
    for (ForOp loop : llvm::to_vector(block.getOps<ForOp>()))
      while (loop && condense(loop, block)) {
      }
  }

 private:
  /// Whether something left the loop; `loop` is what is left, or null.
  static bool condense(ForOp& loop, Block& block) {
    const analysis::DataOnly data(block);
    if (llvm::all_of(loop->getResults(), [&](Value v) { return data.contains(v); })) return false;
    for (const Value group : Condenser::groups_of(loop, data))
      if (Condenser(loop, data, group).run(loop)) return true;
    return false;
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_condense_pass() { return std::make_unique<CondensePass>(); }

}  // namespace borel::transform

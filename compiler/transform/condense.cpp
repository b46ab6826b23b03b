#include "compiler/transform/condense.h"

#include "compiler/analysis/data_only.h"
#include "compiler/analysis/loops.h"
#include "compiler/transform/condense_triangles.h"
#include "llvm/ADT/DenseMap.h"
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

constexpr size_t most_columns = 12;         // of one group: 78 products
constexpr size_t most_grouped_columns = 6;  // of each of many: 21

/// Writes one loop anew. What is computed of parameters, once for every group, is built in a block
/// of its own, which is thrown away where the loop turns out to be of another kind.
class Condenser {
 public:
  Condenser(ForOp loop, const analysis::DataOnly& data)
      : loop_(loop), loc_(loop.getLoc()), data_(data), b_(loop.getContext()) {
    mlir::MLIRContext* context = loop.getContext();
    scratch_.addArgument(b_.getI64Type(), loc_);                                // the group
    scratch_.addArgument(prob::array_type(prob::real_type(context), 3), loc_);  // the factors
    for (const Value init : loop.getIntoInits()) scratch_.addArgument(init.getType(), loc_);
    b_.setInsertionPointToEnd(&scratch_);
  }

  ~Condenser() {
    for (Operation* op : llvm::reverse(products_))
      if (op->use_empty()) op->erase();
    scratch_.dropAllReferences();
  }

  /// Whether the loop was replaced; it is erased then.
  bool run() {
    if (!is_of_the_kind() || !find_group()) return false;
    auto yield = loop_.terminator();
    llvm::SmallVector<Terms> sums;
    for (const Value value : yield.getSums()) {
      sums.emplace_back();
      if (!terms(value, Value(), sums.back())) return false;
    }
    llvm::SmallVector<Addition> additions;
    for (const auto [i, value] : llvm::enumerate(yield.getIntos()))
      if (!additions_of(value, i, additions)) return false;
    for (const Terms& sum : sums) use(sum);
    for (const Addition& add : additions) use(add.value);
    if (!order_columns()) return false;

    llvm::SmallVector<Value> totals;
    for (const Terms& sum : sums) totals.push_back(total(sum));
    llvm::SmallVector<Value> arrays(scratch_.getArguments().drop_front(2));
    for (const Addition& add : additions)
      arrays[add.array] = b_.create<prob::AddAtOp>(loc_, arrays[add.array].getType(),
                                                   total(add.value), arrays[add.array], add.at);
    replace(totals, arrays);
    return true;
  }

 private:
  /// sum over columns c of c times its coefficient. A null column is of ones, a null coefficient 1.
  struct Form {
    llvm::SmallVector<std::pair<Value, Value>, 4> terms;
  };
  /// scale * sum over iterations of a * b; a null scale is 1.
  struct Term {
    Value scale;
    const Form *a = nullptr, *b = nullptr;
  };
  using Terms = llvm::SmallVector<Term, 2>;
  struct Addition {
    size_t array = 0;
    llvm::SmallVector<Value> at;
    Terms value;
  };
  enum class Varies { Not, ByGroup, ByIteration };

  //===- What the loop is ---------------------------------------------------------------------===//

  bool is_of_the_kind() {
    if (!loop_.getCarryInits().empty() || !loop_.getMaps().empty() || loop_.getReverse())
      return false;
    if (!data_.contains(loop_.getLower()) || !data_.contains(loop_.getUpper())) return false;
    for (const Value sum : loop_.getSums())
      if (!prob::is_real(sum.getType())) return false;
    if (llvm::all_of(loop_->getResults(), [&](Value v) { return data_.contains(v); })) return false;
    for (Operation& op : loop_.block().without_terminator())
      if (!mlir::isPure(&op)) return false;
    return true;
  }

  /// `index` without what does not vary.
  Value stripped(Value index) const {
    while (Operation* op = index.getDefiningOp()) {
      if (analysis::is_outside(index, loop_)) return Value();
      if (!mlir::isa<arith::AddIOp, arith::SubIOp>(op)) break;
      if (analysis::is_outside(op->getOperand(1), loop_)) {
        index = op->getOperand(0);
      } else if (mlir::isa<arith::AddIOp>(op) && analysis::is_outside(op->getOperand(0), loop_)) {
        index = op->getOperand(1);
      } else {
        break;
      }
    }
    return analysis::is_outside(index, loop_) ? Value() : index;
  }

  /// The data that parameters are indexed by: one array only.
  bool find_group() {
    bool one = true;
    const auto visit = [&](mlir::ValueRange indices) {
      for (const Value index : indices) {
        const Value base = stripped(index);
        if (!base) continue;
        one &= (!group_ || group_ == base) && base != loop_.induction() && data_.contains(base);
        group_ = base;
      }
    };
    for (Operation& op : loop_.block()) {
      if (auto read = mlir::dyn_cast<prob::ExtractOp>(op); read && !data_.contains(read.getArray()))
        visit(read.getIndices());
      if (auto add = mlir::dyn_cast<prob::AddAtOp>(op)) visit(add.getIndices());
    }
    return one && (!group_ || count_groups());
  }

  /// Indices from data have their bound there.
  bool count_groups() {
    auto read = group_.getDefiningOp<prob::ExtractOp>();
    auto data = read ? read.getArray().getDefiningOp<prob::DataOp>() : prob::DataOp();
    if (!data) return false;
    auto slot = mlir::SymbolTable::lookupNearestSymbolFrom<prob::SlotOp>(data, data.getSlotAttr());
    if (!slot || !slot->hasAttr(prob::below_attribute)) return false;
    below_ = slot->getAttr(prob::below_attribute);
    return true;
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

  Varies varies(Value value) {
    if (analysis::is_outside(value, loop_)) return Varies::Not;
    if (value == group_) return Varies::ByGroup;
    Operation* op = value.getDefiningOp();
    if (!op || op->getNumRegions() > 0) return Varies::ByIteration;
    if (const auto known = varies_.find(value); known != varies_.end()) return known->second;
    auto out = Varies::Not;
    for (const Value operand : op->getOperands()) out = std::max(out, varies(operand));
    // Of groups that no data have, indices from data that lie within bounds may lie beyond them.
    if (auto read = mlir::dyn_cast<prob::ExtractOp>(op); read && out == Varies::ByGroup)
      for (const Value index : read.getIndices())
        if (const Value base = stripped(index); base && base != group_) out = Varies::ByIteration;
    return varies_[value] = out;
  }

  //===- Forms and products of them -----------------------------------------------------------===//

  /// A value that does not vary within a group, in the new block.
  Value of_group(Value value) {
    if (analysis::is_outside(value, loop_)) return value;
    if (value == group_) return scratch_.getArgument(0);
    if (const Value known = grouped_.lookupOrNull(value)) return known;
    for (const Value operand : value.getDefiningOp()->getOperands())
      grouped_.map(operand, of_group(operand));
    return b_.clone(*value.getDefiningOp(), grouped_)->getResult(0);
  }

  Value times(Value a, Value b) {
    if (!a || !b) return a ? a : b;
    return b_.createOrFold<arith::MulFOp>(loc_, a, b);
  }
  Value one() { return prob::real_constant(b_, loc_, 1); }

  /// `value` as a linear form; null where it is none.
  const Form* form(Value value) {
    if (const auto known = forms_.find(value); known != forms_.end()) return known->second.get();
    Form out;
    const bool found = linear(value, out);
    auto& entry = forms_[value];
    if (found) entry = std::make_unique<Form>(std::move(out));
    return entry.get();
  }

  static bool add_term(Form& out, Value column, Value coefficient) {
    for (const auto& term : out.terms)
      if (term.first == column) return false;
    out.terms.emplace_back(column, coefficient);
    return out.terms.size() <= most_columns;
  }

  /// out += sign * form.
  bool add_form(Form& out, const Form& form, bool negated) {
    for (const auto& [column, coefficient] : form.terms) {
      Value signed_coefficient = coefficient;
      if (negated)
        signed_coefficient =
            b_.createOrFold<arith::NegFOp>(loc_, coefficient ? coefficient : one());
      auto* found = llvm::find_if(out.terms, [c = column](auto& term) { return term.first == c; });
      if (found == out.terms.end()) {
        if (!add_term(out, column, signed_coefficient)) return false;
        continue;
      }
      found->second =
          b_.createOrFold<arith::AddFOp>(loc_, found->second ? found->second : one(),
                                         signed_coefficient ? signed_coefficient : one());
    }
    return true;
  }

  bool linear(Value value, Form& out) {
    if (!prob::is_real(value.getType())) return false;
    if (varies(value) != Varies::ByIteration) return add_term(out, Value(), of_group(value));
    if (data_.contains(value)) return add_term(out, value, Value());
    Operation* op = value.getDefiningOp();
    if (mlir::isa<arith::AddFOp, arith::SubFOp>(op)) {
      const Form *a = form(op->getOperand(0)), *b = form(op->getOperand(1));
      return a && b && add_form(out, *a, false) && add_form(out, *b, mlir::isa<arith::SubFOp>(op));
    }
    if (mlir::isa<arith::NegFOp>(op)) {
      const Form* a = form(op->getOperand(0));
      return a && add_form(out, *a, true);
    }
    if (mlir::isa<arith::MulFOp>(op)) {
      Value a = op->getOperand(0), b = op->getOperand(1);
      if (varies(a) != Varies::ByIteration) std::swap(a, b);
      if (varies(b) != Varies::ByIteration) return scaled(a, of_group(b), out);
      if (data_.contains(a)) std::swap(a, b);
      return data_.contains(b) && by_data(a, b, /*divided=*/false, out);
    }
    if (mlir::isa<arith::DivFOp>(op)) {
      const Value a = op->getOperand(0), b = op->getOperand(1);
      if (varies(b) != Varies::ByIteration)
        return scaled(a, b_.createOrFold<arith::DivFOp>(loc_, one(), of_group(b)), out);
      return data_.contains(b) && by_data(a, b, /*divided=*/true, out);
    }
    return false;
  }

  bool scaled(Value value, Value factor, Form& out) {
    const Form* a = form(value);
    if (!a) return false;
    for (const auto& [column, coefficient] : a->terms)
      if (!add_term(out, column, times(coefficient, factor))) return false;
    return true;
  }

  /// Every column times data.
  bool by_data(Value value, Value by, bool divided, Form& out) {
    const Form* a = form(value);
    if (!a) return false;
    OpBuilder body(loop_.terminator());
    for (const auto& [column, coefficient] : a->terms) {
      Value product = by;
      if (column || divided) {
        const Value left = column ? column : prob::real_constant(body, loc_, 1);
        if (!column) products_.push_back(left.getDefiningOp());
        product = divided ? body.create<arith::DivFOp>(loc_, left, by).getResult()
                          : body.create<arith::MulFOp>(loc_, left, by).getResult();
        products_.push_back(product.getDefiningOp());
      }
      if (!add_term(out, product, coefficient)) return false;
    }
    return true;
  }

  /// `value` times `scale`, as products of forms.
  bool terms(Value value, Value scale, Terms& out) {
    Operation* op = value.getDefiningOp();
    if (varies(value) == Varies::ByIteration && !data_.contains(value) && op) {
      if (mlir::isa<arith::NegFOp>(op))
        return terms(op->getOperand(0), times(scale, prob::real_constant(b_, loc_, -1)), out);
      if (mlir::isa<arith::MulFOp>(op)) {
        Value a = op->getOperand(0), b = op->getOperand(1);
        if (varies(a) != Varies::ByIteration) std::swap(a, b);
        if (varies(b) != Varies::ByIteration) return terms(a, times(scale, of_group(b)), out);
        const Form *left = form(a), *right = form(b);
        if (!left || !right) return false;
        out.push_back({scale, left, right});
        return true;
      }
    }
    if (const Form* whole = form(value)) {
      out.push_back({scale, whole, &ones_});
      return true;
    }
    if (!op || !mlir::isa<arith::AddFOp, arith::SubFOp>(op)) return false;
    const Value right =
        mlir::isa<arith::SubFOp>(op) ? times(scale, prob::real_constant(b_, loc_, -1)) : scale;
    return terms(op->getOperand(0), scale, out) && terms(op->getOperand(1), right, out);
  }

  bool additions_of(Value chain, size_t array, llvm::SmallVectorImpl<Addition>& out) {
    auto add = chain.getDefiningOp<prob::AddAtOp>();
    if (!add) return chain == loop_.into_args()[array];
    if (!prob::is_real(add.getValue().getType()) || !additions_of(add.getArray(), array, out))
      return false;
    out.emplace_back();
    out.back().array = array;
    for (const Value index : add.getIndices()) {
      if (varies(index) == Varies::ByIteration) return false;
      out.back().at.push_back(of_group(index));
    }
    return terms(add.getValue(), Value(), out.back().value);
  }

  //===- Columns ------------------------------------------------------------------------------===//

  /// Columns in the order of Gram-Schmidt. One that stands alone in products comes early, where its
  /// part of R is short; ones first of all; those with known coefficients, as y, last.
  bool order_columns() {
    llvm::SmallVector<Value> alone, others, known;
    for (const Form* form : used_)
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
    return columns_.size() <= (group_ ? most_grouped_columns : most_columns);
  }

  void use(const Terms& terms) {
    for (const Term& term : terms) {
      used_.insert(term.a);
      used_.insert(term.b);
    }
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
  llvm::ArrayRef<Value> projected(const Form& form) {
    auto& known = projected_[&form];
    if (!known.empty()) return known;
    known.resize(columns_.size());
    for (const auto& [column, coefficient] : form.terms) {
      const size_t j = position(column);
      for (size_t i = 0; i <= j; ++i) {
        const Value product = times(factor(i, j), coefficient);
        known[i] = known[i] ? b_.create<arith::AddFOp>(loc_, known[i], product) : product;
      }
    }
    return known;
  }

  Value total(const Terms& terms) {
    Value sum;
    for (const Term& term : terms) {
      const llvm::SmallVector<Value> a(projected(*term.a)), b(projected(*term.b));
      Value product;
      for (const auto [x, y] : llvm::zip(a, b)) {
        if (!x || !y) continue;
        const Value xy = times(x, y);
        product = product ? b_.create<arith::AddFOp>(loc_, product, xy) : xy;
      }
      product = times(product ? product : prob::real_constant(b_, loc_, 0), term.scale);
      sum = sum ? b_.create<arith::AddFOp>(loc_, sum, product) : product;
    }
    return sum ? sum : prob::real_constant(b_, loc_, 0);
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

  void replace(llvm::ArrayRef<Value> totals, llvm::ArrayRef<Value> arrays) {
    OpBuilder b(loop_);
    const Value count = groups(b);
    const Value factors = columns_and_triangles(count);
    const auto settle = [&](unsigned argument, Value by) {
      scratch_.getArgument(argument).replaceAllUsesWith(by);
    };
    settle(1, factors);
    if (!group_) {
      for (const auto [i, init] : llvm::enumerate(loop_.getIntoInits()))
        settle(2 + static_cast<unsigned>(i), init);
      llvm::SmallVector<Value> results(totals);
      // An array that nothing is added to is its own init.
      for (const auto [i, array] : llvm::enumerate(arrays))
        results.push_back(array == scratch_.getArgument(2 + static_cast<unsigned>(i))
                              ? Value(loop_.getIntoInits()[i])
                              : array);
      loop_->getBlock()->getOperations().splice(loop_->getIterator(), scratch_.getOperations());
      loop_->replaceAllUsesWith(results);
    } else {
      const llvm::SmallVector<mlir::Type> types(totals.size(), prob::real_type(b.getContext()));
      auto over = b.create<ForOp>(loc_, prob::int_constant(b, loc_, 0), count, mlir::ValueRange(),
                                  mlir::TypeRange(), types, loop_.getIntoInits());
      settle(0, over.induction());
      llvm::SmallVector<Value> yielded(arrays);
      for (const auto [i, argument] : llvm::enumerate(over.into_args())) {
        Value old = scratch_.getArgument(2 + static_cast<unsigned>(i));
        old.replaceAllUsesWith(argument);
        if (yielded[i] == old) yielded[i] = argument;
      }
      Block& body = over.block();
      body.getOperations().splice(body.end(), scratch_.getOperations());
      b.setInsertionPointToEnd(&body);
      b.create<prob::YieldOp>(loc_, mlir::ValueRange(), mlir::ValueRange(), totals, yielded);
      loop_->replaceAllUsesWith(over->getResults());
    }
    products_.clear();  // they go with the loop
    loop_.erase();
  }

  ForOp loop_;
  mlir::Location loc_;
  const analysis::DataOnly& data_;
  Block scratch_;
  OpBuilder b_;
  Value group_;            // null: all iterations are of one
  mlir::Attribute below_;  // how many groups there are, as prob.slot's extents are written
  const Form ones_{{{Value(), Value()}}};
  llvm::DenseMap<Value, Varies> varies_;
  mlir::IRMapping grouped_;
  llvm::DenseMap<Value, std::unique_ptr<Form>> forms_;
  llvm::SmallVector<Operation*> products_;  // columns made of others, in the old loop
  llvm::SetVector<const Form*> used_;
  llvm::SetVector<Value> columns_;
  llvm::DenseMap<size_t, Value> factors_;
  llvm::DenseMap<const Form*, llvm::SmallVector<Value>> projected_;
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
    for (ForOp loop : llvm::to_vector(block.getOps<ForOp>())) {
      const analysis::DataOnly data(block);
      Condenser(loop, data).run();
    }
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> create_condense_pass() { return std::make_unique<CondensePass>(); }

}  // namespace borel::transform

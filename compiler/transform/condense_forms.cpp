#include "compiler/transform/condense_forms.h"

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::transform {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;
namespace arith = mlir::arith;

Value stripped_index(Value index, ForOp loop) {
  while (!analysis::is_outside(index, loop)) {
    Operation* op = index.getDefiningOp();
    if (!op || !mlir::isa<arith::AddIOp, arith::SubIOp>(op)) return index;
    if (analysis::is_outside(op->getOperand(1), loop)) {
      index = op->getOperand(0);
    } else if (mlir::isa<arith::AddIOp>(op) && analysis::is_outside(op->getOperand(0), loop)) {
      index = op->getOperand(1);
    } else {
      return index;
    }
  }
  return Value();
}

LinearForms::LinearForms(ForOp loop, const analysis::DataOnly& data, Value group,
                         mlir::Block& block)
    : loop_(loop),
      loc_(loop.getLoc()),
      data_(data),
      group_(group),
      block_(block),
      b_(loop.getContext()) {
  b_.setInsertionPointToEnd(&block);
}

LinearForms::~LinearForms() {
  for (Operation* op : llvm::reverse(columns_))
    if (op->use_empty()) op->erase();
}

LinearForms::Varies LinearForms::varies(Value value) {
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
      if (const Value base = stripped_index(index, loop_); base && base != group_)
        out = Varies::ByIteration;
  return varies_[value] = out;
}

bool LinearForms::is_mixed(Value value) {
  return varies(value) == Varies::ByIteration && !data_.contains(value);
}

Value LinearForms::number(double value) { return prob::real_constant(b_, loc_, value); }

Value LinearForms::of_group(Value value) {
  if (analysis::is_outside(value, loop_)) return value;
  if (value == group_) return block_.getArgument(0);
  if (const Value known = grouped_.lookupOrNull(value)) return known;
  for (const Value operand : value.getDefiningOp()->getOperands())
    grouped_.map(operand, of_group(operand));
  return b_.clone(*value.getDefiningOp(), grouped_)->getResult(0);
}

Value LinearForms::times(Value a, Value b) {
  if (!a || !b) return a ? a : b;
  return b_.createOrFold<arith::MulFOp>(loc_, a, b);
}

/// `value` as a linear form; null where it is none.
const LinearForm* LinearForms::form(Value value) {
  if (const auto known = forms_.find(value); known != forms_.end()) return known->second.get();
  LinearForm out;
  const bool found = linear(value, out);
  auto& entry = forms_[value];
  if (found) entry = std::make_unique<LinearForm>(std::move(out));
  return entry.get();
}

bool LinearForms::add_term(LinearForm& out, Value column, Value coefficient) {
  for (const auto& term : out.terms)
    if (term.first == column) return false;
  out.terms.emplace_back(column, coefficient);
  return out.terms.size() <= most_columns;
}

/// out += sign * form.
bool LinearForms::add_form(LinearForm& out, const LinearForm& form, bool negated) {
  for (const auto& [column, coefficient] : form.terms) {
    Value signed_coefficient = coefficient;
    if (negated)
      signed_coefficient =
          b_.createOrFold<arith::NegFOp>(loc_, coefficient ? coefficient : number(1));
    auto* found = llvm::find_if(out.terms, [c = column](auto& term) { return term.first == c; });
    if (found == out.terms.end()) {
      if (!add_term(out, column, signed_coefficient)) return false;
      continue;
    }
    found->second =
        b_.createOrFold<arith::AddFOp>(loc_, found->second ? found->second : number(1),
                                       signed_coefficient ? signed_coefficient : number(1));
  }
  return true;
}

bool LinearForms::linear(Value value, LinearForm& out) {
  if (!prob::is_real(value.getType())) return false;
  if (varies(value) != Varies::ByIteration) return add_term(out, Value(), of_group(value));
  if (data_.contains(value)) return add_term(out, value, Value());
  Operation* op = value.getDefiningOp();
  if (mlir::isa<arith::AddFOp, arith::SubFOp>(op)) {
    const LinearForm *a = form(op->getOperand(0)), *b = form(op->getOperand(1));
    return a && b && add_form(out, *a, false) && add_form(out, *b, mlir::isa<arith::SubFOp>(op));
  }
  if (mlir::isa<arith::NegFOp>(op)) {
    const LinearForm* a = form(op->getOperand(0));
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
      return scaled(a, b_.createOrFold<arith::DivFOp>(loc_, number(1), of_group(b)), out);
    return data_.contains(b) && by_data(a, b, /*divided=*/true, out);
  }
  return false;
}

bool LinearForms::scaled(Value value, Value factor, LinearForm& out) {
  const LinearForm* a = form(value);
  if (!a) return false;
  for (const auto& [column, coefficient] : a->terms)
    if (!add_term(out, column, times(coefficient, factor))) return false;
  return true;
}

/// Every column times data.
bool LinearForms::by_data(Value value, Value by, bool divided, LinearForm& out) {
  const LinearForm* a = form(value);
  if (!a) return false;
  OpBuilder body(loop_.terminator());
  for (const auto& [column, coefficient] : a->terms) {
    Value product = by;
    if (column || divided) {
      const Value left = column ? column : prob::real_constant(body, loc_, 1);
      if (!column) columns_.push_back(left.getDefiningOp());
      product = divided ? body.create<arith::DivFOp>(loc_, left, by).getResult()
                        : body.create<arith::MulFOp>(loc_, left, by).getResult();
      columns_.push_back(product.getDefiningOp());
    }
    if (!add_term(out, product, coefficient)) return false;
  }
  return true;
}

bool LinearForms::products(Value value, Value scale, FormProducts& out) {
  Operation* op = value.getDefiningOp();
  if (op && is_mixed(value)) {
    if (mlir::isa<arith::NegFOp>(op))
      return products(op->getOperand(0), times(scale, number(-1)), out);
    if (mlir::isa<arith::MulFOp>(op)) {
      Value a = op->getOperand(0), b = op->getOperand(1);
      if (varies(a) != Varies::ByIteration) std::swap(a, b);
      if (varies(b) != Varies::ByIteration) return products(a, times(scale, of_group(b)), out);
      const LinearForm *left = form(a), *right = form(b);
      if (!left || !right) return false;
      out.push_back({scale, left, right, a, b});
      return true;
    }
  }
  if (const LinearForm* whole = form(value)) {
    out.push_back({scale, whole, &ones_, value, Value()});
    return true;
  }
  if (!op || !mlir::isa<arith::AddFOp, arith::SubFOp>(op)) return false;
  const Value right = mlir::isa<arith::SubFOp>(op) ? times(scale, number(-1)) : scale;
  return products(op->getOperand(0), scale, out) && products(op->getOperand(1), right, out);
}

}  // namespace borel::transform

// Where particles keep their values: rows of the frames.
#include "compiler/transform/suspend_functions.h"

#include <limits>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace borel::transform {

using mlir::BlockArgument;
using mlir::Location;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;
namespace arith = mlir::arith;
namespace scf = mlir::scf;
using Values = llvm::SmallVector<Value>;

void Suspend::place_rows(Common& common) {
  real_rows_ = int_rows_ = integer(0);
  rows_.resize(stages_.kept.size());
  extents_.resize(stages_.kept.size());
  for (unsigned i = 0; i < stages_.kept.size(); ++i) {
    if (stages_.find(i) != i) continue;
    const mlir::Type type = stages_.kept[i].type;
    Value& next = in_reals(type) ? real_rows_ : int_rows_;
    rows_[i] = next;
    Value elements = integer(1);
    if (prob::is_array(type)) {
      extents_[i] = extents_of(i, common);
      for (const Value extent : extents_[i]) elements = multiply_sizes(b_, loc_, elements, extent);
    }
    next = add_sizes(b_, loc_, next, elements);
  }
}

/// The extents of a kept array, from a value that all who share its rows agree with.
Values Suspend::extents_of(unsigned kept, Common& common) {
  Value value = stages_.kept[kept].value;
  for (unsigned i = 0; !value && i < stages_.kept.size(); ++i)
    if (stages_.find(i) == kept) value = stages_.kept[i].value;
  if (!value) value = stages_.site_value(0, stages_.kept[kept].site);
  return extents_of(value, common);
}

Values Suspend::extents_of(Value array, Common& common) {
  const auto rank = mlir::cast<mlir::RankedTensorType>(array.getType()).getRank();
  Values out;
  for (int64_t d = 0; d < rank; ++d) out.push_back(extent_of(array, d, common));
  return out;
}

/// Extents are common even where the array is not.
Value Suspend::extent_of(Value array, int64_t dimension, Common& common) {
  if (stages_.is_common(array)) return prob::dim(b_, loc_, common.get(array), dimension);
  if (auto argument = mlir::dyn_cast<BlockArgument>(array)) {
    auto loop = mlir::cast<prob::ForOp>(argument.getOwner()->getParentOp());
    const unsigned number = argument.getArgNumber() - 1;
    if (number < loop.getCarryInits().size())
      return extent_of(loop.getCarryInits()[number], dimension, common);
    return extent_of(loop.getIntoInits()[number - loop.getCarryInits().size()], dimension, common);
  }
  Operation* op = array.getDefiningOp();
  if (auto insert = mlir::dyn_cast<prob::InsertOp>(op))
    return extent_of(insert.getArray(), dimension, common);
  if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(op))
    return extent_of(add_at.getArray(), dimension, common);
  if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op))
    return extent_of(extract.getArray(),
                     dimension + static_cast<int64_t>(extract.getIndices().size()), common);
  if (auto zeros = mlir::dyn_cast<prob::ZerosOp>(op))
    return common.get(zeros.getExtents()[static_cast<unsigned>(dimension)]);
  const unsigned number = mlir::cast<mlir::OpResult>(array).getResultNumber();
  if (auto branch = mlir::dyn_cast<scf::IfOp>(op))
    return extent_of(branch.thenYield().getOperand(number), dimension, common);
  if (auto select = mlir::dyn_cast<arith::SelectOp>(op))
    return extent_of(select.getTrueValue(), dimension, common);
  if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
    const unsigned carries = static_cast<unsigned>(loop.getCarries().size());
    const unsigned maps = static_cast<unsigned>(loop.getMaps().size());
    if (number < carries) return extent_of(loop.getCarryInits()[number], dimension, common);
    if (number >= carries + maps)
      return extent_of(loop.getIntoInits()[number - carries - maps - loop.getSums().size()],
                       dimension, common);
    if (dimension > 0)
      return extent_of(loop.terminator().getMaps()[number - carries], dimension - 1, common);
    const Value trips = b_.createOrFold<arith::SubIOp>(loc_, common.get(loop.getUpper()),
                                                       common.get(loop.getLower()));
    return b_.createOrFold<arith::MaxSIOp>(loc_, trips, integer(0));
  }
  op->emitOpError("is an array of which particles would need to know the size");
  return integer(0);
}

Value Suspend::row_index(OpBuilder& b, unsigned kept, ValueRange indices) {
  return add_sizes(b, loc_, rows_[kept],
                   indices.empty() ? prob::int_constant(b, loc_, 0)
                                   : linear_index(b, loc_, indices, extents_[kept]));
}

/// A kept value of one particle.
Value Suspend::load(OpBuilder& b, unsigned kept, Value particle) {
  Values indices;
  return load(b, kept, particle, indices, stages_.kept[kept].type);
}

Value Suspend::load(OpBuilder& b, unsigned kept, Value particle, Values& indices, mlir::Type type) {
  const mlir::Type scalar = prob::scalar_type(stages_.kept[kept].type);
  if (!prob::is_array(type)) {
    const Value row = row_index(b, kept, indices);
    const Value held = prob::extract(b, loc_, in_reals(scalar) ? reals_ : ints_, {row, particle});
    if (!scalar.isInteger(1)) return held;
    return b.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ne, held,
                                   prob::int_constant(b, loc_, 0));
  }
  const mlir::Type element = prob::element_type(type);
  auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0),
                                    extents_[kept][indices.size()], ValueRange{},
                                    mlir::TypeRange{element}, mlir::TypeRange{}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  indices.push_back(loop.induction());
  const Value value = load(b, kept, particle, indices, element);
  indices.pop_back();
  b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{value}, ValueRange{}, ValueRange{});
  return loop.getMaps().front();
}

/// A column of values, an element for each particle, goes to the rows of `kept`.
void Suspend::store(unsigned kept, Value column) {
  Values indices;
  Value& frames = in_reals(stages_.kept[kept].type) ? reals_ : ints_;
  frames = store(b_, kept, column, frames, indices);
}

Value Suspend::store(OpBuilder& b, unsigned kept, Value column, Value frames, Values& indices) {
  const size_t rank = extents_[kept].size();
  if (indices.size() == rank) {
    Value row = column;
    if (rank > 0)
      row = for_particles(b, [&](OpBuilder& in, Value particle) {
        Values at{particle};
        at.append(indices);
        return prob::extract(in, loc_, column, at);
      });
    return b.create<prob::InsertOp>(loc_, row, frames, ValueRange{row_index(b, kept, indices)},
                                    mlir::IntegerAttr());
  }
  auto loop =
      b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), extents_[kept][indices.size()],
                            ValueRange{frames}, mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  indices.push_back(loop.induction());
  const Value next = store(b, kept, column, loop.carry_args().front(), indices);
  indices.pop_back();
  b.create<prob::YieldOp>(loc_, ValueRange{next}, ValueRange{}, ValueRange{}, ValueRange{});
  return loop.getCarries().front();
}

Value Suspend::for_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> body) {
  OpBuilder::InsertionGuard guard(b);
  auto loop =
      particle_loop(b, [&](OpBuilder& in, Value particle) { return Values{body(in, particle)}; });
  return loop.getMaps().front();
}

/// A plate over the particles, whose maps' types are those of what the body gives.
prob::ForOp Suspend::particle_loop(OpBuilder& b,
                                   llvm::function_ref<Values(OpBuilder&, Value)> body) {
  // The body first: it says what the maps are.
  auto shell = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), particles_, ValueRange{},
                                     mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
  Values values;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&shell.block());
    values = body(b, shell.induction());
  }
  b.setInsertionPoint(shell);
  auto loop =
      b.create<prob::ForOp>(loc_, shell.getLower(), shell.getUpper(), ValueRange{},
                            mlir::TypeRange(ValueRange(values)), mlir::TypeRange{}, ValueRange{});
  shell.induction().replaceAllUsesWith(loop.induction());
  for (Value& value : values)
    if (value == shell.induction()) value = loop.induction();
  loop.block().getOperations().splice(loop.block().end(), shell.block().getOperations());
  shell.erase();
  b.setInsertionPointToEnd(&loop.block());
  b.create<prob::YieldOp>(loc_, ValueRange{}, values, ValueRange{}, ValueRange{});
  b.setInsertionPointAfter(loop);
  return loop;
}

Value Suspend::write_element(OpBuilder& b, unsigned kept, Value value, Value column, Value frames,
                             Values& indices) {
  if (indices.size() == extents_[kept].size()) {
    Value element = indices.empty() ? value : prob::extract(b, loc_, value, indices);
    if (element.getType().isInteger(1)) element = b.create<arith::ExtUIOp>(loc_, integer_, element);
    return b.create<prob::InsertOp>(loc_, element, frames,
                                    ValueRange{row_index(b, kept, indices), column},
                                    mlir::IntegerAttr());
  }
  auto loop =
      b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), extents_[kept][indices.size()],
                            ValueRange{frames}, mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  indices.push_back(loop.induction());
  const Value next = write_element(b, kept, value, column, loop.carry_args().front(), indices);
  indices.pop_back();
  b.create<prob::YieldOp>(loc_, ValueRange{next}, ValueRange{}, ValueRange{}, ValueRange{});
  return loop.getCarries().front();
}

/// Truths are kept as whole numbers.
Value Suspend::as_held(OpBuilder& b, Value value) {
  const mlir::Type scalar = prob::scalar_type(value.getType());
  if (!scalar.isInteger(1)) return value;
  if (!prob::is_array(value.getType())) return b.create<arith::ExtUIOp>(loc_, integer_, value);
  auto loop = b.create<prob::ForOp>(
      loc_, prob::int_constant(b, loc_, 0), prob::dim(b, loc_, value, 0), ValueRange{},
      mlir::TypeRange{prob::array_type(
          integer_, static_cast<unsigned>(
                        mlir::cast<mlir::RankedTensorType>(value.getType()).getRank() - 1))},
      mlir::TypeRange{}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  const Value element = as_held(b, prob::extract(b, loc_, value, loop.induction()));
  b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{element}, ValueRange{}, ValueRange{});
  return loop.getMaps().front();
}

}  // namespace borel::transform

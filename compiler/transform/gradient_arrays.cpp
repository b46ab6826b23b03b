#include "compiler/transform/gradient_arrays.h"

namespace borel::transform {

using mlir::Value;
using mlir::ValueRange;

Value add_array(mlir::OpBuilder& b, mlir::Location loc, Value accumulator, Value addend,
                llvm::SmallVector<Value> prefix) {
  const Value zero = prob::int_constant(b, loc, 0);
  auto loop = b.create<prob::ForOp>(loc, zero, prob::dim(b, loc, addend, 0), ValueRange{},
                                    mlir::TypeRange{}, mlir::TypeRange{}, accumulator);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&loop.block());
  const Value element = prob::extract(b, loc, addend, loop.induction());
  prefix.push_back(loop.induction());
  const Value argument = loop.into_args().front();
  const Value sum = prob::is_array(element.getType())
                        ? add_array(b, loc, argument, element, prefix)
                        : Value(b.create<prob::AddAtOp>(loc, element, argument, prefix));
  b.create<prob::YieldOp>(loc, ValueRange{}, ValueRange{}, ValueRange{}, sum);
  return loop.getIntos().front();
}

}  // namespace borel::transform

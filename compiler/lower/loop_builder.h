/// Loops of functions that the compiler writes itself (linear algebra and its adjoints), so that
/// they read as formulas.
#pragma once

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::lowering {

struct LoopBuilder {
  mlir::OpBuilder& b;
  mlir::Location loc;

  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  /// What an iteration does to one array: from its value before to its value after.
  using Update = llvm::function_ref<Value(Value iv, Value array)>;

  Value integer(int64_t value) { return prob::int_constant(b, loc, value); }
  Value real(double value) { return prob::real_constant(b, loc, value); }
  Value at(Value array, ValueRange indices) { return prob::extract(b, loc, array, indices); }
  Value dim(Value array, int64_t dimension) { return prob::dim(b, loc, array, dimension); }
  Value zeros(mlir::Type type, ValueRange extents) {
    return b.create<prob::ZerosOp>(loc, type, extents);
  }
  Value insert(Value value, Value array, ValueRange indices) {
    return b.create<prob::InsertOp>(loc, value, array, indices, mlir::IntegerAttr());
  }
  Value add_at(Value value, Value array, ValueRange indices) {
    return b.create<prob::AddAtOp>(loc, value, array, indices);
  }
  Value mul(Value x, Value y) { return b.create<mlir::arith::MulFOp>(loc, x, y); }
  Value sub(Value x, Value y) { return b.create<mlir::arith::SubFOp>(loc, x, y); }
  Value add(Value x, Value y) { return b.create<mlir::arith::AddFOp>(loc, x, y); }
  Value div(Value x, Value y) { return b.create<mlir::arith::DivFOp>(loc, x, y); }
  Value neg(Value x) { return b.create<mlir::arith::NegFOp>(loc, x); }
  Value next(Value index) { return b.createOrFold<mlir::arith::AddIOp>(loc, index, integer(1)); }

  /// The sum of term(i) for i in lower..upper.
  Value sum(Value lower, Value upper, llvm::function_ref<Value(Value)> term) {
    auto loop =
        b.create<prob::ForOp>(loc, lower, upper, ValueRange{}, mlir::TypeRange{},
                              mlir::TypeRange{prob::real_type(b.getContext())}, ValueRange{});
    fill(loop, [&] { yield({}, {}, term(loop.induction()), {}); });
    return loop.getSums().front();
  }
  /// The array of body(i) for i in 0..upper.
  Value map(Value upper, mlir::Type element, llvm::function_ref<Value(Value)> body) {
    auto loop = b.create<prob::ForOp>(loc, integer(0), upper, ValueRange{},
                                      mlir::TypeRange{element}, mlir::TypeRange{}, ValueRange{});
    fill(loop, [&] { yield({}, body(loop.induction()), {}, {}); });
    return loop.getMaps().front();
  }
  /// One iteration after the other, from the last to the first with `reverse`.
  Value carry(Value lower, Value upper, Value init, Update body, bool reverse = false) {
    auto loop = b.create<prob::ForOp>(loc, lower, upper, ValueRange{init}, mlir::TypeRange{},
                                      mlir::TypeRange{}, ValueRange{}, reverse);
    fill(loop, [&] { yield(body(loop.induction(), loop.carry_args().front()), {}, {}, {}); });
    return loop.getCarries().front();
  }
  /// Iterations that add to an array which they do not read.
  Value into(Value lower, Value upper, Value init, Update body) {
    auto loop = b.create<prob::ForOp>(loc, lower, upper, ValueRange{}, mlir::TypeRange{},
                                      mlir::TypeRange{}, ValueRange{init});
    fill(loop, [&] { yield({}, {}, {}, body(loop.induction(), loop.into_args().front())); });
    return loop.getIntos().front();
  }

  /// Builds the body of a loop of any other kind; it ends in `yield`.
  void fill(prob::ForOp loop, llvm::function_ref<void()> body) {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    body();
  }
  void yield(ValueRange carries, ValueRange maps, ValueRange sums, ValueRange intos) {
    b.create<prob::YieldOp>(loc, carries, maps, sums, intos);
  }
};

}  // namespace borel::lowering

// Linear algebra as loops in value form. Matrices are stored column by column: element (i, j) of A
// is A[j, i] here.
#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace borel::lowering {

using mlir::Value;
using mlir::ValueRange;
using typed::Op;
namespace arith = mlir::arith;
namespace math = mlir::math;

/// A view of a product: each element is a sum over the dimension that the operands share.
View FunctionLowering::matrix_product(const typed::Expr& left, const typed::Expr& right) {
  const View a = cheap(view(left)), b = cheap(view(right));
  const auto none = typed::PlaceId::None;
  auto product = [this, none](Value x, Value y) { return operation(Op::Mul, {x, y}, none); };
  const bool left_matrix = a.rank() == 2, right_matrix = b.rank() == 2;
  if (!left_matrix && !right_matrix)
    return view_of(sum(
        elementwise({a, b}, [this, none](ValueRange x) { return operation(Op::Mul, x, none); })));

  // Element (row i, column j): sum over k of A[k, i] * B[j, k].
  const Value shared = left_matrix ? a.extents[0] : a.extents[0];
  auto element = [=, this](Value i, Value j) {
    return view_of(loop_over(shared, /*summing=*/true, [&](Value k) {
      const Value x = left_matrix ? at_all(a, {k, i}) : at_all(a, {k});
      const Value y = right_matrix ? at_all(b, {j, k}) : at_all(b, {k});
      return product(x, y);
    }));
  };
  auto rows = [=, this](Value j) {
    View column;
    column.extents = {a.extents[1]};
    column.element = [=](Value i) { return element(i, j); };
    return column;
  };
  if (!right_matrix) return rows(Value());
  View out;
  out.extents = {b.extents[0]};
  if (left_matrix) {
    out.extents.push_back(a.extents[1]);
    out.element = rows;
  } else {
    out.element = [=](Value j) { return element(Value(), j); };
  }
  return out;
}

//===- Functions emitted on demand ------------------------------------------------------------===//

namespace {

/// Builds loops of one function.
struct LoopBuilder {
  mlir::OpBuilder& b;
  mlir::Location loc;

  Value integer(int64_t value) { return prob::int_constant(b, loc, value); }
  Value at(Value array, ValueRange indices) { return prob::extract(b, loc, array, indices); }
  Value sum(Value upper, llvm::function_ref<Value(Value)> term) {
    auto loop =
        b.create<prob::ForOp>(loc, integer(0), upper, ValueRange{}, mlir::TypeRange{},
                              mlir::TypeRange{prob::real_type(b.getContext())}, ValueRange{});
    fill(loop, [&] {
      const Value value = term(loop.induction());
      b.create<prob::YieldOp>(loc, ValueRange{}, ValueRange{}, ValueRange{value}, ValueRange{});
    });
    return loop.getSums().front();
  }
  Value map(Value upper, mlir::Type element, llvm::function_ref<Value(Value)> body) {
    auto loop = b.create<prob::ForOp>(loc, integer(0), upper, ValueRange{},
                                      mlir::TypeRange{element}, mlir::TypeRange{}, ValueRange{});
    fill(loop, [&] {
      const Value value = body(loop.induction());
      b.create<prob::YieldOp>(loc, ValueRange{}, ValueRange{value}, ValueRange{}, ValueRange{});
    });
    return loop.getMaps().front();
  }
  Value carry(Value upper, Value init, llvm::function_ref<Value(Value, Value)> body) {
    auto loop = b.create<prob::ForOp>(loc, integer(0), upper, ValueRange{init}, mlir::TypeRange{},
                                      mlir::TypeRange{}, ValueRange{});
    fill(loop, [&] {
      const Value value = body(loop.induction(), loop.carry_args().front());
      b.create<prob::YieldOp>(loc, ValueRange{value}, ValueRange{}, ValueRange{}, ValueRange{});
    });
    return loop.getCarries().front();
  }
  Value insert(Value value, Value array, Value index) {
    return b.create<prob::InsertOp>(loc, value, array, ValueRange{index}, mlir::IntegerAttr());
  }

 private:
  void fill(prob::ForOp loop, llvm::function_ref<void()> body) {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    body();
  }
};

/// x with L x = y, for a vector y.
Value forward_substitution(LoopBuilder loops, Value lower, Value y) {
  auto& b = loops.b;
  const Value n = prob::dim(b, loops.loc, y, 0);
  const Value start = b.create<prob::ZerosOp>(loops.loc, y.getType(), ValueRange{n});
  return loops.carry(n, start, [&](Value i, Value x) {
    const Value known = loops.sum(i, [&](Value k) {
      return b.create<arith::MulFOp>(loops.loc, loops.at(lower, {k, i}), loops.at(x, {k}));
    });
    const Value rest = b.create<arith::SubFOp>(loops.loc, loops.at(y, {i}), known);
    const Value value = b.create<arith::DivFOp>(loops.loc, rest, loops.at(lower, {i, i}));
    return loops.insert(value, x, i);
  });
}

}  // namespace

/// "cholesky": L with A = L L', from A's lower triangle, column by column. Where A is not positive
/// definite the density is 0, and `place` says where it was asked for.
mlir::func::FuncOp ModuleLowering::cholesky(typed::PlaceId place) {
  std::string name = "linear_algebra.cholesky";
  if (place != typed::PlaceId::None) name += "." + std::to_string(static_cast<int32_t>(place));
  mlir::func::FuncOp& function = on_demand_[name];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type real = prob::real_type(context_);
  const mlir::Type matrix = prob::array_type(real, 2), vector = prob::array_type(real, 1);
  function = make_function(name, matrix, matrix, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value a = function.getArgument(0);
  const Value n = prob::dim(b, loc, a, 0);
  const Value start = b.create<prob::ZerosOp>(loc, matrix, ValueRange{n, n});
  const Value factor = loops.carry(n, start, [&](Value j, Value lower) {
    auto dot = [&](Value i) {
      return loops.sum(j, [&](Value k) {
        return b.create<arith::MulFOp>(loc, loops.at(lower, {k, i}), loops.at(lower, {k, j}));
      });
    };
    const Value square = b.create<arith::SubFOp>(loc, loops.at(a, {j, j}), dot(j));
    const Value positive = b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OGT, square,
                                                   prob::real_constant(b, loc, 0.0));
    b.create<prob::RequireOp>(loc, positive, static_cast<int64_t>(place));
    const Value diagonal = b.create<math::SqrtOp>(loc, square);
    // Above the diagonal the same is computed for nothing: without a branch the column is one
    // plate.
    const Value column = loops.map(n, real, [&](Value i) -> Value {
      const Value rest = b.create<arith::SubFOp>(loc, loops.at(a, {j, i}), dot(i));
      const Value below = b.create<arith::DivFOp>(loc, rest, diagonal);
      const Value is_below = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt, i, j);
      const Value is_on = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, i, j);
      const Value other =
          b.create<arith::SelectOp>(loc, is_on, diagonal, prob::real_constant(b, loc, 0.0));
      return b.create<arith::SelectOp>(loc, is_below, below, other);
    });
    if (column.getType() != vector) throw InternalError("a column is not a vector");
    return loops.insert(column, lower, j);
  });
  b.create<mlir::func::ReturnOp>(loc, factor);
  return function;
}

/// "solve_lower": X with L X = Y, for a vector Y or column by column for a matrix.
mlir::func::FuncOp ModuleLowering::solve_lower(bool is_matrix) {
  mlir::func::FuncOp& function =
      on_demand_[is_matrix ? "solve_lower_matrix" : "solve_lower_vector"];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type real = prob::real_type(context_);
  const mlir::Type matrix = prob::array_type(real, 2), vector = prob::array_type(real, 1);
  const mlir::Type right = is_matrix ? matrix : vector;
  function = make_function(
      is_matrix ? "linear_algebra.solve_lower_matrix" : "linear_algebra.solve_lower_vector",
      {matrix, right}, right, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value lower = function.getArgument(0), y = function.getArgument(1);
  Value x;
  if (is_matrix) {
    x = loops.map(prob::dim(b, loc, y, 0), vector, [&](Value column) {
      return forward_substitution(loops, lower, loops.at(y, {column}));
    });
  } else {
    x = forward_substitution(loops, lower, y);
  }
  b.create<mlir::func::ReturnOp>(loc, x);
  return function;
}

}  // namespace borel::lowering

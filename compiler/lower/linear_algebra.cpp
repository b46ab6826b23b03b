// Linear algebra as loops in value form. Matrices are stored column by column: element (i, j) of A
// is A[j, i] here.
#include "compiler/lower/function_lowering.h"
#include "compiler/lower/loop_builder.h"
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
  constexpr auto none = typed::PlaceId::None;
  auto product = [this](Value x, Value y) { return operation(Op::Mul, {x, y}, none); };
  const bool left_matrix = a.rank() == 2, right_matrix = b.rank() == 2;
  if (!left_matrix && !right_matrix)
    return view_of(
        sum(elementwise({a, b}, [this](ValueRange x) { return operation(Op::Mul, x, none); })));

  // Of two matrices the product is computed once, by a function with an adjoint of its own.
  if (left_matrix && right_matrix)
    return view_of(call(module_.product(), {materialise(a), materialise(b)}).front());

  // Element (row i, column j): sum over k of A[k, i] * B[j, k].
  const Value shared = a.extents[0];
  auto element = [=, this](Value i, Value j) {
    return view_of(loop_over(shared, /*summing=*/true, [&](Value k) {
      const Value x = left_matrix ? at_all(a, {k, i}) : at_all(a, {k});
      const Value y = right_matrix ? at_all(b, {j, k}) : at_all(b, {k});
      return product(x, y);
    }));
  };
  auto rows = [=](Value j) {
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
// Each has an adjoint of its own (linear_algebra_adjoints.cpp), so that its loops need no record.

namespace {

struct Types {
  mlir::Type real, vector, matrix;
  explicit Types(mlir::MLIRContext* context)
      : real(prob::real_type(context)),
        vector(prob::array_type(real, 1)),
        matrix(prob::array_type(real, 2)) {}
};

/// x with L x = y, for a vector y: what is known of x is taken from the rest of y column by column,
/// so that memory is read in order.
Value forward_substitution(LoopBuilder loops, Value lower, Value y) {
  const Value n = loops.dim(y, 0);
  auto loop = loops.b.create<prob::ForOp>(loops.loc, loops.integer(0), n, ValueRange{y},
                                          mlir::TypeRange{prob::element_type(y.getType())},
                                          mlir::TypeRange{}, ValueRange{});
  loops.fill(loop, [&] {
    const Value i = loop.induction(), rest = loop.carry_args().front();
    const Value x = loops.div(loops.at(rest, {i}), loops.at(lower, {i, i}));
    const Value left = loops.into(loops.next(i), n, rest, [&](Value k, Value array) {
      return loops.add_at(loops.neg(loops.mul(x, loops.at(lower, {i, k}))), array, {k});
    });
    loops.yield(left, x, {}, {});
  });
  return loop.getMaps().front();
}

}  // namespace

/// "cholesky": L with A = L L'. Where A is not positive definite the density is 0, and `place` says
/// where it was asked for.
mlir::func::FuncOp ModuleLowering::cholesky(typed::PlaceId place) {
  std::string name = "linear_algebra.cholesky";
  if (place != typed::PlaceId::None) name += "." + std::to_string(static_cast<int32_t>(place));
  mlir::func::FuncOp& function = on_demand_[name];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type matrix = Types(context_).matrix;
  mlir::func::FuncOp factor = cholesky_factor();
  function = make_function(name, matrix, matrix, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  auto call = b.create<mlir::func::CallOp>(loc, factor, function.getArguments());
  const Value definite = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, call.getResult(1),
                                                 prob::int_constant(b, loc, 0));
  b.create<prob::RequireOp>(loc, definite, static_cast<int64_t>(place));
  b.create<mlir::func::ReturnOp>(loc, call.getResult(0));
  return function;
}

/// (A) -> (L, the number of pivots that are not positive), from A's lower triangle, column by
/// column.
mlir::func::FuncOp ModuleLowering::cholesky_factor() {
  mlir::func::FuncOp& function = on_demand_["cholesky_factor"];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const Types types(context_);
  const mlir::Type count = mlir::IntegerType::get(context_, 64);
  function = make_function("linear_algebra.cholesky_factor", types.matrix, {types.matrix, count},
                           loc, true);
  set_adjoint(function, cholesky_adjoint());
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value a = function.getArgument(0);
  const Value n = loops.dim(a, 0);
  auto loop =
      b.create<prob::ForOp>(loc, loops.integer(0), n, ValueRange{loops.zeros(types.matrix, {n, n})},
                            mlir::TypeRange{}, mlir::TypeRange{count}, ValueRange{});
  loops.fill(loop, [&] {
    const Value j = loop.induction(), lower = loop.carry_args().front();
    // The column, times the diagonal.
    const Value column =
        loops.into(j, n, loops.zeros(types.vector, {n}), [&](Value i, Value array) {
          const Value known = loops.sum(loops.integer(0), j, [&](Value k) {
            return loops.mul(loops.at(lower, {k, i}), loops.at(lower, {k, j}));
          });
          return loops.add_at(loops.sub(loops.at(a, {j, i}), known), array, {i});
        });
    const Value square = loops.at(column, {j});
    const Value bad =
        b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::ULE, square, loops.real(0.0));
    const Value diagonal = b.create<math::SqrtOp>(loc, square);
    const Value scaled = loops.map(
        n, types.real, [&](Value i) { return loops.div(loops.at(column, {i}), diagonal); });
    const Value bads = b.create<arith::ExtUIOp>(loc, count, bad);
    loops.yield(loops.insert(scaled, lower, {j}), {}, bads, {});
  });
  b.create<mlir::func::ReturnOp>(loc,
                                 ValueRange{loop.getCarries().front(), loop.getSums().front()});
  return function;
}

/// "solve_lower": X with L X = Y, for a vector Y or column by column for a matrix.
mlir::func::FuncOp ModuleLowering::solve_lower(bool is_matrix) {
  const char* name =
      is_matrix ? "linear_algebra.solve_lower_matrix" : "linear_algebra.solve_lower_vector";
  mlir::func::FuncOp& function = on_demand_[name];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const Types types(context_);
  const mlir::Type right = is_matrix ? types.matrix : types.vector;
  function = make_function(name, {types.matrix, right}, right, loc, true);
  set_adjoint(function, solve_lower_adjoint(is_matrix));
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value lower = function.getArgument(0), y = function.getArgument(1);
  const Value x =
      is_matrix ? loops.map(loops.dim(y, 0), types.vector,
                            [&](Value column) {
                              return forward_substitution(loops, lower, loops.at(y, {column}));
                            })
                : forward_substitution(loops, lower, y);
  b.create<mlir::func::ReturnOp>(loc, x);
  return function;
}

/// "product": C = A B of two matrices.
mlir::func::FuncOp ModuleLowering::product() {
  mlir::func::FuncOp& function = on_demand_["product"];
  if (function) return function;
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const Types types(context_);
  function = make_function("linear_algebra.product", {types.matrix, types.matrix}, types.matrix,
                           loc, true);
  set_adjoint(function, product_adjoint());
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value left = function.getArgument(0), right = function.getArgument(1);
  const Value shared = loops.dim(left, 0), rows = loops.dim(left, 1);
  const Value out = loops.map(loops.dim(right, 0), types.vector, [&](Value j) {
    return loops.map(rows, types.real, [&](Value i) {
      return loops.sum(loops.integer(0), shared, [&](Value k) {
        return loops.mul(loops.at(left, {k, i}), loops.at(right, {j, k}));
      });
    });
  });
  b.create<mlir::func::ReturnOp>(loc, out);
  return function;
}

}  // namespace borel::lowering

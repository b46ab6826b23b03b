// Adjoints of linear algebra: (arguments…, results…, seeds of the real results…) -> adjoints of the
// arguments. They are functions like any other, so second derivatives go through their loops. See
// Murray, Differentiation of the Cholesky decomposition (2016), and Giles, An extended collection
// of matrix derivative results (2008). Matrices are stored column by column.
#include "compiler/lower/loop_builder.h"
#include "compiler/lower/module_lowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace borel::lowering {

using mlir::Value;
using mlir::ValueRange;
namespace arith = mlir::arith;

namespace {

Value compare(LoopBuilder loops, arith::CmpIPredicate predicate, Value x, Value y) {
  return loops.b.create<arith::CmpIOp>(loops.loc, predicate, x, y);
}

Value select(LoopBuilder loops, Value condition, Value x, Value y) {
  return loops.b.create<arith::SelectOp>(loops.loc, condition, x, y);
}

/// z with L' z = y, for a vector y: the last element first. Element i needs column i of L alone.
Value back_substitution(LoopBuilder loops, Value lower, Value y) {
  const Value n = loops.dim(y, 0);
  return loops.carry(
      loops.integer(0), n, loops.zeros(y.getType(), {n}),
      [&](Value i, Value z) {
        const Value known = loops.sum(loops.next(i), n, [&](Value k) {
          return loops.mul(loops.at(lower, {i, k}), loops.at(z, {k}));
        });
        const Value rest = loops.sub(loops.at(y, {i}), known);
        return loops.insert(loops.div(rest, loops.at(lower, {i, i})), z, {i});
      },
      /*reverse=*/true);
}

}  // namespace

void ModuleLowering::set_adjoint(mlir::func::FuncOp function, mlir::func::FuncOp adjoint) {
  function->setAttr(prob::adjoint_attribute, mlir::FlatSymbolRefAttr::get(adjoint));
  adjoint->setAttr(prob::adjoint_of_attribute, mlir::FlatSymbolRefAttr::get(function));
}

/// (A, L, number of bad pivots, L's adjoint) -> A's, whose upper triangle is zero as A's is not
/// read. The factorisation backwards, column by column (Murray, section 3.2).
mlir::func::FuncOp ModuleLowering::cholesky_adjoint() {
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type real = prob::real_type(context_), matrix = prob::array_type(real, 2);
  mlir::func::FuncOp function = make_function(
      "linear_algebra.cholesky_adjoint",
      {matrix, matrix, mlir::IntegerType::get(context_, 64), matrix}, matrix, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value lower = function.getArgument(1), seed = function.getArgument(3);
  const Value n = loops.dim(lower, 0);
  const Value adjoint = loops.carry(
      loops.integer(0), n, seed,
      [&](Value j, Value so_far) {
        const Value column = loops.at(so_far, {j}), factor = loops.at(lower, {j});
        const Value diagonal = loops.at(factor, {j}), below = loops.next(j);
        const Value along = loops.sum(below, n, [&](Value i) {
          return loops.mul(loops.at(column, {i}), loops.at(factor, {i}));
        });
        const Value on_diagonal =
            loops.div(loops.sub(loops.at(column, {j}), loops.div(along, diagonal)), diagonal);
        const Value finished = loops.map(n, real, [&](Value i) {
          const Value scaled = loops.div(loops.at(column, {i}), diagonal);
          const Value half = loops.mul(on_diagonal, loops.real(0.5));
          const Value upper =
              select(loops, compare(loops, arith::CmpIPredicate::eq, i, j), half, loops.real(0.0));
          return select(loops, compare(loops, arith::CmpIPredicate::sgt, i, j), scaled, upper);
        });
        // What the columns before gave to this one.
        return loops.into(
            loops.integer(0), j, loops.insert(finished, so_far, {j}), [&](Value k, Value array) {
              const Value before = loops.at(lower, {k});
              const Value weight = loops.at(before, {j});
              auto loop = b.create<prob::ForOp>(loc, below, n, ValueRange{}, mlir::TypeRange{},
                                                mlir::TypeRange{real}, ValueRange{array});
              loops.fill(loop, [&] {
                const Value i = loop.induction(), d = loops.at(finished, {i});
                const Value update =
                    loops.add_at(loops.neg(loops.mul(d, weight)), loop.into_args().front(), {k, i});
                loops.yield({}, {}, loops.mul(d, loops.at(before, {i})), update);
              });
              const Value total = loops.add(loops.mul(on_diagonal, weight), loop.getSums().front());
              return loops.add_at(loops.neg(total), loop.getIntos().front(), {k, j});
            });
      },
      /*reverse=*/true);
  b.create<mlir::func::ReturnOp>(loc, adjoint);
  return function;
}

/// (L, Y, X, X's adjoint) -> (L's, Y's): Y's solves L' Z = X's adjoint, L's is the lower triangle
/// of -Z X'.
mlir::func::FuncOp ModuleLowering::solve_lower_adjoint(bool is_matrix) {
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type real = prob::real_type(context_), vector = prob::array_type(real, 1),
                   matrix = prob::array_type(real, 2), right = is_matrix ? matrix : vector;
  mlir::func::FuncOp function =
      make_function(is_matrix ? "linear_algebra.solve_lower_matrix_adjoint"
                              : "linear_algebra.solve_lower_vector_adjoint",
                    {matrix, right, right, right}, {matrix, right}, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value lower = function.getArgument(0), x = function.getArgument(2),
              seed = function.getArgument(3);
  const Value n = loops.dim(lower, 0);
  const Value z =
      is_matrix ? loops.map(loops.dim(seed, 0), vector,
                            [&](Value column) {
                              return back_substitution(loops, lower, loops.at(seed, {column}));
                            })
                : back_substitution(loops, lower, seed);
  const Value of_lower =
      loops.into(loops.integer(0), n, loops.zeros(matrix, {n, n}), [&](Value k, Value array) {
        return loops.into(k, n, array, [&](Value i, Value inner) {
          const Value product =
              is_matrix ? loops.sum(loops.integer(0), loops.dim(x, 0),
                                    [&](Value c) {
                                      return loops.mul(loops.at(z, {c, i}), loops.at(x, {c, k}));
                                    })
                        : loops.mul(loops.at(z, {i}), loops.at(x, {k}));
          return loops.add_at(loops.neg(product), inner, {k, i});
        });
      });
  b.create<mlir::func::ReturnOp>(loc, ValueRange{of_lower, z});
  return function;
}

/// (A, B, C, C's adjoint D) -> (D B', A' D).
mlir::func::FuncOp ModuleLowering::product_adjoint() {
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  const mlir::Type real = prob::real_type(context_), vector = prob::array_type(real, 1),
                   matrix = prob::array_type(real, 2);
  mlir::func::FuncOp function =
      make_function("linear_algebra.product_adjoint", {matrix, matrix, matrix, matrix},
                    {matrix, matrix}, loc, true);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(&function.getBody().front());
  LoopBuilder loops{b, loc};
  const Value left = function.getArgument(0), right = function.getArgument(1),
              seed = function.getArgument(3);
  const Value shared = loops.dim(left, 0), rows = loops.dim(left, 1), columns = loops.dim(right, 0);
  const Value of_left = loops.map(shared, vector, [&](Value k) {
    return loops.map(rows, real, [&](Value i) {
      return loops.sum(loops.integer(0), columns, [&](Value j) {
        return loops.mul(loops.at(seed, {j, i}), loops.at(right, {j, k}));
      });
    });
  });
  const Value of_right = loops.map(columns, vector, [&](Value j) {
    return loops.map(shared, real, [&](Value k) {
      return loops.sum(loops.integer(0), rows, [&](Value i) {
        return loops.mul(loops.at(left, {k, i}), loops.at(seed, {j, i}));
      });
    });
  });
  b.create<mlir::func::ReturnOp>(loc, ValueRange{of_left, of_right});
  return function;
}

}  // namespace borel::lowering

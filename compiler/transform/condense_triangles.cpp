#include "compiler/transform/condense_triangles.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"

namespace borel::transform {

namespace {

// Modified Gram-Schmidt. What is left of a column, w[i], has its length on the diagonal, and is
// then taken out of the columns after it.
constexpr const char* text = R"mlir(
func.func @triangles(%k: i64, %n: i64, %groups: i64, %columns: tensor<?x?xf64>,
                     %group: tensor<?xi64>) -> tensor<?x?x?xf64> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1.0 : f64
  %tiny = arith.constant 1.0e-30 : f64
  %none = prob.zeros(%k, %k, %groups) : tensor<?x?x?xf64>
  %rest, %factors = prob.for %i = %c0 to %k
      carry(%w = %columns : tensor<?x?xf64>, %r = %none : tensor<?x?x?xf64>) {
    %start = prob.zeros(%groups) : tensor<?xf64>
    %before, %now = prob.for %j = %c0 to %n
        into(%b = %start : tensor<?xf64>, %a = %start : tensor<?xf64>) {
      %q = prob.extract %group[%j] : tensor<?xi64> -> i64
      %c = prob.extract %columns[%i, %j] : tensor<?x?xf64> -> f64
      %cc = arith.mulf %c, %c : f64
      %left = prob.extract %w[%i, %j] : tensor<?x?xf64> -> f64
      %ll = arith.mulf %left, %left : f64
      %b1 = prob.add_at %cc into %b[%q] : f64 into tensor<?xf64>
      %a1 = prob.add_at %ll into %a[%q] : f64 into tensor<?xf64>
      prob.yield into(%b1, %a1 : tensor<?xf64>, tensor<?xf64>)
    }
    %inverse = prob.for %q = %c0 to %groups map(f64) {
      %was = prob.extract %before[%q] : tensor<?xf64> -> f64
      %is = prob.extract %now[%q] : tensor<?xf64> -> f64
      %noise = arith.mulf %was, %tiny : f64
      %nothing = arith.cmpf ole, %is, %noise : f64
      %length = math.sqrt %is : f64
      %reciprocal = arith.divf %one, %length : f64
      %value = arith.select %nothing, %zero, %reciprocal : f64
      prob.yield map(%value : f64)
    }
    %diagonal = prob.for %q = %c0 to %groups carry(%rows = %r : tensor<?x?x?xf64>) {
      %is = prob.extract %now[%q] : tensor<?xf64> -> f64
      %reciprocal = prob.extract %inverse[%q] : tensor<?xf64> -> f64
      %length = arith.mulf %is, %reciprocal : f64
      %written = prob.insert %length into %rows[%i, %i, %q] : f64 into tensor<?x?x?xf64>
      prob.yield carry(%written : tensor<?x?x?xf64>)
    }
    %next = arith.addi %i, %c1 : i64
    %w1, %r1 = prob.for %l = %next to %k
        carry(%v = %w : tensor<?x?xf64>, %s = %diagonal : tensor<?x?x?xf64>) {
      %dots = prob.for %j = %c0 to %n into(%d = %start : tensor<?xf64>) {
        %q = prob.extract %group[%j] : tensor<?xi64> -> i64
        %x = prob.extract %v[%i, %j] : tensor<?x?xf64> -> f64
        %y = prob.extract %v[%l, %j] : tensor<?x?xf64> -> f64
        %xy = arith.mulf %x, %y : f64
        %d1 = prob.add_at %xy into %d[%q] : f64 into tensor<?xf64>
        prob.yield into(%d1 : tensor<?xf64>)
      }
      %written = prob.for %q = %c0 to %groups carry(%rows = %s : tensor<?x?x?xf64>) {
        %dot = prob.extract %dots[%q] : tensor<?xf64> -> f64
        %reciprocal = prob.extract %inverse[%q] : tensor<?xf64> -> f64
        %along = arith.mulf %dot, %reciprocal : f64
        %row = prob.insert %along into %rows[%i, %l, %q] : f64 into tensor<?x?x?xf64>
        prob.yield carry(%row : tensor<?x?x?xf64>)
      }
      %taken = prob.for %j = %c0 to %n carry(%u = %v : tensor<?x?xf64>) {
        %q = prob.extract %group[%j] : tensor<?xi64> -> i64
        %along = prob.extract %written[%i, %l, %q] : tensor<?x?x?xf64> -> f64
        %reciprocal = prob.extract %inverse[%q] : tensor<?xf64> -> f64
        %share = arith.mulf %along, %reciprocal : f64
        %x = prob.extract %u[%i, %j] : tensor<?x?xf64> -> f64
        %y = prob.extract %u[%l, %j] : tensor<?x?xf64> -> f64
        %sx = arith.mulf %share, %x : f64
        %left = arith.subf %y, %sx : f64
        %row = prob.insert %left into %u[%l, %j] : f64 into tensor<?x?xf64>
        prob.yield carry(%row : tensor<?x?xf64>)
      }
      prob.yield carry(%taken, %written : tensor<?x?xf64>, tensor<?x?x?xf64>)
    }
    prob.yield carry(%w1, %r1 : tensor<?x?xf64>, tensor<?x?x?xf64>)
  }
  return %factors : tensor<?x?x?xf64>
}
)mlir";

}  // namespace

mlir::Value triangles(mlir::OpBuilder& b, mlir::Value k, mlir::Value n, mlir::Value groups,
                      mlir::Value columns, mlir::Value group) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, b.getContext());
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  mlir::IRMapping mapping;
  mapping.map(function.getArguments(), mlir::ValueRange{k, n, groups, columns, group});
  mlir::Block& body = function.getBody().front();
  for (mlir::Operation& op : body.without_terminator()) b.clone(op, mapping);
  return mapping.lookup(body.getTerminator()->getOperand(0));
}

}  // namespace borel::transform

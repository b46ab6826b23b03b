// RUN: borel-opt %s --pass=simplify | FileCheck %s

// Nine addends, of which each would wait for the one before: five and four.
// CHECK-LABEL: func.func @regression
// CHECK: prob.for
// CHECK: %[[A:.*]] = arith.addf
// CHECK: %[[B:.*]] = arith.addf %[[A]]
// CHECK: %[[C:.*]] = arith.addf %[[B]]
// CHECK: %[[D:.*]] = arith.addf %[[C]]
// CHECK: %[[E:.*]] = arith.addf
// CHECK: %[[F:.*]] = arith.addf %[[E]]
// CHECK: %[[G:.*]] = arith.addf %[[F]]
// CHECK: %[[S:.*]] = arith.addf %[[D]], %[[G]]
// CHECK: prob.yield map(%[[S]] : f64)
func.func @regression(%x: tensor<?x?xf64>, %b: f64) -> tensor<?xf64> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %c3 = arith.constant 3 : i64
  %c4 = arith.constant 4 : i64
  %c5 = arith.constant 5 : i64
  %c6 = arith.constant 6 : i64
  %c7 = arith.constant 7 : i64
  %n = prob.dim %x 1 : tensor<?x?xf64>
  %r = prob.for %i = %c0 to %n map(f64) {
    %x0 = prob.extract %x[%c0, %i] : tensor<?x?xf64> -> f64
    %x1 = prob.extract %x[%c1, %i] : tensor<?x?xf64> -> f64
    %x2 = prob.extract %x[%c2, %i] : tensor<?x?xf64> -> f64
    %x3 = prob.extract %x[%c3, %i] : tensor<?x?xf64> -> f64
    %x4 = prob.extract %x[%c4, %i] : tensor<?x?xf64> -> f64
    %x5 = prob.extract %x[%c5, %i] : tensor<?x?xf64> -> f64
    %x6 = prob.extract %x[%c6, %i] : tensor<?x?xf64> -> f64
    %x7 = prob.extract %x[%c7, %i] : tensor<?x?xf64> -> f64
    %s0 = arith.addf %b, %x0 : f64
    %s1 = arith.addf %s0, %x1 : f64
    %s2 = arith.addf %s1, %x2 : f64
    %s3 = arith.addf %s2, %x3 : f64
    %s4 = arith.addf %s3, %x4 : f64
    %s5 = arith.addf %s4, %x5 : f64
    %s6 = arith.addf %s5, %x6 : f64
    %s7 = arith.addf %s6, %x7 : f64
    prob.yield map(%s7 : f64)
  }
  return %r : tensor<?xf64>
}

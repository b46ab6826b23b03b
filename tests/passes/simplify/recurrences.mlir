// RUN: borel-opt %s --pass=simplify | FileCheck %s

// A linear step is one product and one sum from carry to carry, however it was written.
// CHECK-LABEL: func.func @linear
// CHECK-SAME: %[[N:.*]]: i64, %[[B:.*]]: f64, %[[A:.*]]: f64
func.func @linear(%x: tensor<?xf64>, %y: tensor<?xf64>, %n: i64, %b: f64, %a: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(%[[C:.*]] = %{{.*}} : f64) {
  // CHECK: %[[YA:.*]] = arith.mulf %{{.*}}, %[[A]]
  // CHECK: %[[REST:.*]] = arith.addf %[[YA]], %{{.*}}
  // CHECK: %[[CA:.*]] = arith.mulf %[[C]], %[[A]]
  // CHECK: %[[NEXT:.*]] = arith.subf %[[REST]], %[[CA]]
  // CHECK: prob.yield carry(%[[NEXT]] : f64)
  %c0 = arith.constant 0 : i64
  %last = prob.for %i = %c0 to %n carry(%c = %b : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %e = arith.subf %yi, %c : f64
    %p = arith.mulf %e, %a : f64
    %next = arith.addf %p, %xi : f64
    prob.yield carry(%next : f64)
  }
  return %last : f64
}

// Two carries, each linear in both; and a product of carries, which is not.
// CHECK-LABEL: func.func @two
func.func @two(%x: tensor<?xf64>, %n: i64, %b: f64, %a: f64) -> (f64, f64, f64) {
  // CHECK: prob.for
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %last:3 = prob.for %i = %c0 to %n carry(%c = %b : f64, %d = %a : f64, %q = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %s = arith.addf %c, %d : f64
    %t = arith.mulf %s, %a : f64
    %u = arith.subf %xi, %t : f64
    %v = arith.subf %u, %c : f64
    %w = arith.mulf %d, %q : f64
    %w1 = arith.addf %w, %c : f64
    %w2 = arith.mulf %w1, %b : f64
    prob.yield carry(%v, %c, %w2 : f64, f64, f64)
  }
  return %last#0, %last#1, %last#2 : f64, f64, f64
}

// One addition from carry to carry in a step that is not linear: the rest of the sum is taken
// together first.
// CHECK-LABEL: func.func @shorter
// CHECK-SAME: %[[N:.*]]: i64, %[[B:.*]]: f64
func.func @shorter(%x: tensor<?xf64>, %y: tensor<?xf64>, %n: i64, %b: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(%[[C:.*]] = %{{.*}} : f64) {
  // CHECK-DAG: %[[P:.*]] = arith.mulf %[[C]], %[[C]]
  // CHECK-DAG: %[[REST:.*]] = arith.subf %{{.*}}, %{{.*}} : f64
  // CHECK-DAG: %[[NEXT:.*]] = arith.subf %[[REST]], %[[P]]
  // CHECK: prob.yield carry(%[[NEXT]] : f64)
  %c0 = arith.constant 0 : i64
  %last = prob.for %i = %c0 to %n carry(%c = %b : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %c, %c : f64
    %m = arith.addf %p, %xi : f64
    %next = arith.subf %yi, %m : f64
    prob.yield carry(%next : f64)
  }
  return %last : f64
}

// RUN: borel-opt %s --pass=simplify | FileCheck %s

// A normal likelihood: residuals squared are all that is left in the loop.
// CHECK-LABEL: func.func @normal
// CHECK-SAME: %[[Y:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[MU:.*]]: f64, %[[U:.*]]: f64
func.func @normal(%y: tensor<?xf64>, %n: i64, %mu: f64, %u: f64) -> f64 {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00
  // CHECK-DAG: %[[HALF:.*]] = arith.constant -5.000000e-01
  // CHECK-DAG: %[[EXP:.*]] = math.exp %[[U]]
  // CHECK: %[[SUM:.*]] = prob.for %[[I:.*]] =
  // CHECK-NEXT: %[[YI:.*]] = prob.extract %[[Y]][%[[I]]]
  // CHECK-NEXT: %[[D:.*]] = arith.subf %[[YI]], %[[MU]]
  // CHECK-NEXT: %[[DD:.*]] = arith.mulf %[[D]], %[[D]]
  // CHECK-NEXT: prob.yield sum(%[[DD]] : f64)
  // CHECK-NEXT: }
  // CHECK-DAG: %[[SCALED:.*]] = arith.mulf %{{.*}}, %[[HALF]]
  // CHECK-DAG: %[[TRIPS:.*]] = arith.sitofp %[[N]]
  // CHECK-DAG: %[[CONSTANT:.*]] = arith.mulf %[[TRIPS]], %[[U]]
  // CHECK-DAG: %[[TOTAL:.*]] = arith.subf %[[SCALED]], %[[CONSTANT]]
  // No iterations, no terms: the factors may be infinite.
  // CHECK-DAG: %[[SOME:.*]] = arith.cmpi sgt, %[[N]]
  // CHECK: %[[SAFE:.*]] = arith.select %[[SOME]], %[[TOTAL]], %[[ZERO]]
  // CHECK: return %[[SAFE]]
  %c0 = arith.constant 0 : i64
  %half = arith.constant -0.5 : f64
  %s = prob.for %i = %c0 to %n sum(f64) {
    %sigma = math.exp %u : f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %d = arith.subf %yi, %mu : f64
    %z = arith.divf %d, %sigma : f64
    %zz = arith.mulf %z, %z : f64
    %q = arith.mulf %half, %zz : f64
    %l = math.log %sigma : f64
    %t = arith.subf %q, %l : f64
    prob.yield sum(%t : f64)
  }
  return %s : f64
}

// Finite factors need no guard, nor do loops with a known positive number of iterations.
// CHECK-LABEL: func.func @no_guard
func.func @no_guard(%y: tensor<?xf64>, %n: i64, %c: f64) -> (f64, f64) {
  // CHECK-NOT: arith.select
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %c7 = arith.constant 7 : i64
  %half = arith.constant -0.5 : f64
  %a = prob.for %i = %c0 to %n sum(f64) {
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %q = arith.mulf %half, %yi : f64
    prob.yield sum(%q : f64)
  }
  %b = prob.for %i = %c0 to %c7 sum(f64) {
    prob.yield sum(%c : f64)
  }
  return %a, %b : f64, f64
}

// A linear predictor's sum is the predictors' sums.
// CHECK-LABEL: func.func @linear
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[A:.*]]: f64, %[[B:.*]]: f64
func.func @linear(%x: tensor<?xf64>, %n: i64, %a: f64, %b: f64) -> f64 {
  // CHECK: %[[SUM:.*]] = prob.for %[[I:.*]] =
  // CHECK-NEXT: %[[XI:.*]] = prob.extract %[[X]][%[[I]]]
  // CHECK-NEXT: prob.yield sum(%[[XI]] : f64)
  // CHECK: %[[BX:.*]] = arith.mulf %[[SUM]], %[[B]]
  // CHECK: arith.addf %{{.*}}, %[[BX]]
  %c0 = arith.constant 0 : i64
  %s = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %b, %xi : f64
    %m = arith.addf %a, %p : f64
    prob.yield sum(%m : f64)
  }
  return %s : f64
}

// Neither part is a multiple of a fixed value: one sum is cheaper than two.
// CHECK-LABEL: func.func @together
func.func @together(%x: tensor<?xf64>, %y: tensor<?xf64>, %n: i64) -> f64 {
  // CHECK: prob.for {{.*}} sum(f64) {
  // CHECK: %[[T:.*]] = arith.addf
  // CHECK: prob.yield sum(%[[T]] : f64)
  %c0 = arith.constant 0 : i64
  %s = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %t = arith.addf %e, %yi : f64
    prob.yield sum(%t : f64)
  }
  return %s : f64
}

// What a body needs anyway is not taken apart: the sum of residuals would lose digits for nothing.
// CHECK-LABEL: func.func @residuals
func.func @residuals(%y: tensor<?xf64>, %n: i64, %mu: f64) -> (f64, f64) {
  // CHECK: %[[D:.*]] = arith.subf
  // CHECK: %[[DD:.*]] = arith.mulf %[[D]], %[[D]]
  // CHECK: prob.yield sum(%[[D]], %[[DD]] : f64, f64)
  %c0 = arith.constant 0 : i64
  %s:2 = prob.for %i = %c0 to %n sum(f64, f64) {
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %d = arith.subf %yi, %mu : f64
    %dd = arith.mulf %d, %d : f64
    prob.yield sum(%d, %dd : f64, f64)
  }
  return %s#0, %s#1 : f64, f64
}

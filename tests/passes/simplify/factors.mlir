// RUN: borel-opt %s --pass=simplify | FileCheck %s

// A fixed factor of what a loop collects goes to who reads it: the first loop needs no %c.
// CHECK-LABEL: func.func @sink
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[G:.*]]: tensor<?xi64>, %[[N:.*]]: i64, %[[C:.*]]: f64
func.func @sink(%x: tensor<?xf64>, %g: tensor<?xi64>, %n: i64, %c: f64) -> (f64, f64) {
  // CHECK: prob.for
  // CHECK: %[[E:.*]] = math.exp
  // CHECK: %[[S:.*]] = math.sin
  // CHECK: %[[D:.*]] = arith.subf %[[E]], %[[S]]
  // CHECK: prob.add_at %[[E]]
  // CHECK: prob.yield map(%[[D]] : f64) into(
  // CHECK: prob.for {{.*}} carry(
  // CHECK: arith.mulf %{{.*}}, %[[C]]
  // CHECK: arith.mulf %{{.*}}, %[[C]]
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %m, %h = prob.for %i = %c0 to %n into(%a = %z : tensor<?xf64>) map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %e = math.exp %xi : f64
    %s = math.sin %xi : f64
    %ce = arith.mulf %c, %e : f64
    %cs = arith.mulf %s, %c : f64
    %d = arith.subf %ce, %cs : f64
    %ce2 = arith.mulf %e, %c : f64
    %a1 = prob.add_at %ce2 into %a[%gi] : f64 into tensor<?xf64>
    prob.yield map(%d : f64) into(%a1 : tensor<?xf64>)
  }
  %p, %q = prob.for %i = %c0 to %n carry(%v = %c : f64, %w = %c : f64) {
    %mi = prob.extract %m[%i] : tensor<?xf64> -> f64
    %hi = prob.extract %h[%i] : tensor<?xf64> -> f64
    %v1 = arith.mulf %v, %mi : f64
    %w1 = arith.mulf %w, %hi : f64
    %v2 = math.sin %v1 : f64
    %w2 = math.sin %w1 : f64
    prob.yield carry(%v2, %w2 : f64, f64)
  }
  return %p, %q : f64, f64
}

// An array that leaves the function, or is read over and over, keeps its factor.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<?xf64>, %n: i64, %c: f64) -> (tensor<?xf64>, f64) {
  // CHECK: arith.mulf
  // CHECK: arith.mulf
  // CHECK: prob.yield map(
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %m:2 = prob.for %i = %c0 to %n map(f64, f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %s = math.sin %xi : f64
    %ce = arith.mulf %c, %e : f64
    %cs = arith.mulf %c, %s : f64
    prob.yield map(%ce, %cs : f64, f64)
  }
  %t = prob.for %j = %c0 to %n sum(f64) {
    %xj = prob.extract %x[%j] : tensor<?xf64> -> f64
    %u = prob.for %i = %c0 to %n sum(f64) {
      %mi = prob.extract %m#1[%i] : tensor<?xf64> -> f64
      %p = arith.mulf %mi, %xj : f64
      %r = math.exp %p : f64
      prob.yield sum(%r : f64)
    }
    prob.yield sum(%u : f64)
  }
  return %m#0, %t : tensor<?xf64>, f64
}

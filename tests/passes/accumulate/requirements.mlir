// RUN: borel-opt %s --pass=accumulate | FileCheck %s
// A failed requirement makes the density 0 whatever the terms are: a choice at the end, no sum with
// -infinity. One that a loop does not change is asked before it, and holds where the loop is empty.

// CHECK-LABEL: func.func @density(
// CHECK-SAME: %[[N:.*]]: i64, %[[X:.*]]: tensor<?xf64>, %[[S:.*]]: f64) -> f64
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK-DAG: %[[POSITIVE:.*]] = arith.cmpf ogt, %[[S]], %[[ZERO]] : f64
// CHECK-DAG: %[[EMPTY:.*]] = arith.cmpi sle, %[[N]], %{{.*}} : i64
// CHECK: %[[FINE:.*]] = arith.ori %[[POSITIVE]], %[[EMPTY]] : i1
// CHECK: %[[ONCE:.*]] = arith.select %[[FINE]], %{{.*}}, %{{.*}} : i64
// CHECK: %[[LOOP:[^:]*]]:2 = prob.for {{.*}} sum(f64, i64) {
// CHECK: %[[BAD:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : i64
// CHECK: prob.yield sum(%{{.*}}, %[[BAD]] : f64, i64)
// CHECK: %[[FAILURES:.*]] = arith.addi %[[ONCE]], %[[LOOP]]#1 : i64
// CHECK: %[[NONE:.*]] = arith.cmpi eq, %[[FAILURES]], %{{.*}} : i64
// CHECK: %[[RESULT:.*]] = arith.select %[[NONE]], %[[LOOP]]#0, %{{.*}} : f64
// CHECK: return %[[RESULT]] : f64
func.func @density(%n: i64, %x: tensor<?xf64>, %s: f64) {
  %zero = arith.constant 0 : i64
  prob.for %i = %zero to %n {
    %none = arith.constant 0.0 : f64
    %positive = arith.cmpf ogt, %s, %none : f64
    prob.require %positive at 0
    %e = prob.extract %x[%i] : tensor<?xf64> -> f64
    %inside = arith.cmpf ogt, %e, %none : f64
    prob.require %inside at 1
    prob.score %e : f64 at 2
    prob.yield
  }
  return
}

// A log density of the library, called outside of models: its own result becomes -infinity.
// CHECK-LABEL: func.func @logp(
// CHECK-SAME: %[[S:.*]]: f64, %[[X:.*]]: f64) -> f64
// CHECK: %[[IMPOSSIBLE:.*]] = arith.constant 0xFFF0000000000000 : f64
// CHECK: %[[R:.*]] = arith.select %{{.*}}, %[[X]], %[[IMPOSSIBLE]] : f64
// CHECK: return %[[R]] : f64
func.func @logp(%s: f64, %x: f64) -> f64 {
  %none = arith.constant 0.0 : f64
  %positive = arith.cmpf ogt, %s, %none : f64
  prob.require %positive at 0
  return %x : f64
}

// Elsewhere a requirement means nothing.
// CHECK-LABEL: func.func @sampler(
// CHECK-NEXT: return
func.func @sampler(%q: i1, %k: i64) -> i64 {
  prob.require %q at 0
  return %k : i64
}

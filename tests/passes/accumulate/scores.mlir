// RUN: borel-opt %s --pass=accumulate | FileCheck %s
// A loop's scores are a sum of the loop; a branch's and a while loop's travel with its values.

// CHECK-LABEL: func.func @loops(
// CHECK-SAME: %[[N:.*]]: i64, %[[X:.*]]: tensor<?xf64>, %[[W:.*]]: f64) -> f64
// CHECK: %[[LAST:.*]], %[[LOOP:.*]] = prob.for {{.*}} carry(%[[C:.*]] = {{.*}}) sum(f64) {
// CHECK: %[[INNER:.*]] = prob.for {{.*}} sum(f64) {
// CHECK: prob.yield sum(%[[W]] : f64)
// CHECK: %[[BODY:.*]] = arith.addf %{{.*}}, %[[INNER]] : f64
// CHECK: prob.yield carry(%{{.*}} : f64) sum(%[[BODY]] : f64)
// CHECK: %[[ALL:.*]] = arith.addf %[[W]], %[[LOOP]] : f64
// CHECK: return %[[ALL]] : f64
func.func @loops(%n: i64, %x: tensor<?xf64>, %w: f64) {
  %zero = arith.constant 0 : i64
  prob.score %w : f64 at 0
  %last = prob.for %i = %zero to %n carry(%c = %w : f64) {
    %e = prob.extract %x[%i] : tensor<?xf64> -> f64
    %d = arith.mulf %c, %e : f64
    prob.score %d : f64 at 1
    prob.for %j = %zero to %i {
      prob.score %w : f64 at 2
      prob.yield
    }
    prob.yield carry(%d : f64)
  }
  return
}

// CHECK-LABEL: func.func @branches(
// CHECK-SAME: %[[Q:[^:]*]]: i1, %[[A:[^:]*]]: f64
// CHECK: %[[IF:[^:]*]]:2 = scf.if %[[Q]] -> (f64, f64) {
// CHECK-NEXT: scf.yield %[[A]], %[[A]] : f64, f64
// CHECK: %[[NONE:.*]] = arith.constant 0.000000e+00 : f64
// CHECK-NEXT: scf.yield %{{.*}}, %[[NONE]] : f64, f64
// CHECK: %[[ALL:.*]] = arith.addf %[[IF]]#1, %[[IF]]#0 : f64
// CHECK: return %[[ALL]] : f64
func.func @branches(%q: i1, %a: f64, %b: f64) {
  %r = scf.if %q -> f64 {
    prob.score %a : f64 at 0
    scf.yield %a : f64
  } else {
    scf.yield %b : f64
  }
  prob.score %r : f64 at 1
  return
}

// CHECK-LABEL: func.func @while(
// CHECK: %[[LOOP:[^:]*]]:2 = scf.while (%{{.*}} = %{{.*}}, %[[T:.*]] = %{{.*}}) : (f64, f64) -> (f64, f64) {
// CHECK: scf.condition(%{{.*}}) %{{.*}}, %[[T]] : f64, f64
// CHECK: ^bb0(%[[V:.*]]: f64, %[[S:.*]]: f64):
// CHECK: %[[NEXT:.*]] = arith.addf %[[S]], %[[V]] : f64
// CHECK: scf.yield %{{.*}}, %[[NEXT]] : f64, f64
// CHECK: return %[[LOOP]]#1 : f64
func.func @while(%a: f64) {
  %one = arith.constant 1.0 : f64
  %r = scf.while (%v = %a) : (f64) -> f64 {
    %more = arith.cmpf ogt, %v, %one : f64
    scf.condition(%more) %v : f64
  } do {
  ^bb0(%v: f64):
    prob.score %v : f64 at 0
    %next = arith.subf %v, %one : f64
    scf.yield %next : f64
  }
  return
}

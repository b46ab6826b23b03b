// RUN: borel-opt %s --pass=simplify | FileCheck %s

// Additions to every element in turn are a map; additions to a fixed one are a sum.
// CHECK-LABEL: func.func @intos
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[A:.*]]: tensor<5xf64>
func.func @intos(%x: tensor<?xf64>, %n: i64, %a: tensor<5xf64>) -> (tensor<?xf64>, tensor<5xf64>) {
  // CHECK-DAG: %[[C2:.*]] = arith.constant 2 : i64
  // CHECK: %[[MAP:.*]], %[[SUM:.*]] = prob.for %[[I:.*]] = {{.*}} map(f64) sum(f64) {
  // CHECK: %[[E:.*]] = math.exp
  // CHECK: prob.yield map(%[[E]] : f64) sum(%[[E]] : f64)
  // CHECK: %[[AT:.*]] = prob.add_at %[[SUM]] into %[[A]][%[[C2]]]
  // CHECK: return %[[MAP]], %[[AT]]
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n into(%p = %z : tensor<?xf64>, %q = %a : tensor<5xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %p1 = prob.add_at %e into %p[%i] : f64 into tensor<?xf64>
    %q1 = prob.add_at %e into %q[%c2] : f64 into tensor<5xf64>
    prob.yield into(%p1, %q1 : tensor<?xf64>, tensor<5xf64>)
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<5xf64>
}

// Gathered additions stay, and so do additions that leave elements out.
// CHECK-LABEL: func.func @kept_intos
func.func @kept_intos(%x: tensor<?xf64>, %g: tensor<?xi64>, %n: i64, %k: i64)
    -> (tensor<?xf64>, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} into({{.*}}, {{.*}}) {
  // CHECK: prob.add_at
  // CHECK: prob.add_at
  // CHECK: prob.yield into
  %c1 = arith.constant 1 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %zk = prob.zeros(%k) : tensor<?xf64>
  %r:2 = prob.for %i = %c1 to %n into(%p = %zk : tensor<?xf64>, %q = %z : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %p1 = prob.add_at %xi into %p[%gi] : f64 into tensor<?xf64>
    %q1 = prob.add_at %xi into %q[%i] : f64 into tensor<?xf64>
    prob.yield into(%p1, %q1 : tensor<?xf64>, tensor<?xf64>)
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<?xf64>
}

// A standard deviation that is carried only to be squared is carried as a variance.
// CHECK-LABEL: func.func @rotate
// CHECK-SAME: %[[Y:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[S0:.*]]: f64, %[[B:.*]]: f64
func.func @rotate(%y: tensor<?xf64>, %n: i64, %s0: f64, %b: f64) -> tensor<?xf64> {
  // CHECK: %[[V0:.*]] = arith.mulf %[[S0]], %[[S0]]
  // CHECK: prob.for {{.*}} carry(%[[V:.*]] = %[[V0]] : f64) map(f64) {
  // CHECK-DAG: %[[BV:.*]] = arith.mulf %[[B]], %[[V]]
  // CHECK-DAG: %[[NEXT:.*]] = arith.addf %{{.*}}, %[[BV]]
  // CHECK-DAG: %[[ROOT:.*]] = math.sqrt %[[NEXT]]
  // CHECK: prob.yield carry(%[[NEXT]] : f64) map(%[[ROOT]] : f64)
  %c0 = arith.constant 0 : i64
  %last, %r = prob.for %i = %c0 to %n carry(%s = %s0 : f64) map(f64) {
    %v = arith.mulf %s, %s : f64
    %bv = arith.mulf %b, %v : f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %next = arith.addf %yi, %bv : f64
    %root = math.sqrt %next : f64
    prob.yield carry(%root : f64) map(%root : f64)
  }
  return %r : tensor<?xf64>
}

// Its last value is asked for, or the carry itself is used too: both are carried.
// CHECK-LABEL: func.func @rotate_beside
func.func @rotate_beside(%n: i64, %s0: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(%{{.*}} = %{{.*}} : f64, %[[V:.*]] = %{{.*}} : f64) {
  // CHECK: %[[NEXT:.*]] = arith.addf %[[V]]
  // CHECK: %[[ROOT:.*]] = math.sqrt %[[NEXT]]
  // CHECK: prob.yield carry(%[[ROOT]], %[[NEXT]] : f64, f64)
  %c0 = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %last = prob.for %i = %c0 to %n carry(%s = %s0 : f64) {
    %v = arith.mulf %s, %s : f64
    %next = arith.addf %one, %v : f64
    %root = math.sqrt %next : f64
    prob.yield carry(%root : f64)
  }
  return %last : f64
}

// Results that nobody needs go, and equal ones are one. Two carries that only feed each other go
// too.
// CHECK-LABEL: func.func @clean
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>
func.func @clean(%x: tensor<?xf64>, %n: i64, %a: f64) -> (f64, f64) {
  // CHECK: %[[SUM:.*]] = prob.for %[[I:.*]] = %{{.*}} to %{{.*}} sum(f64) {
  // CHECK-NEXT: %[[XI:.*]] = prob.extract %[[X]][%[[I]]]
  // CHECK-NEXT: %[[E:.*]] = math.exp %[[XI]]
  // CHECK-NEXT: prob.yield sum(%[[E]] : f64)
  // CHECK-NEXT: }
  // CHECK-NEXT: return %[[SUM]], %[[SUM]]
  %c0 = arith.constant 0 : i64
  %p, %q, %m, %s:2 = prob.for %i = %c0 to %n carry(%u = %a : f64, %v = %a : f64) map(f64)
      sum(f64, f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %f = math.exp %xi : f64
    %u1 = arith.mulf %v, %xi : f64
    %v1 = arith.addf %u, %xi : f64
    prob.yield carry(%u1, %v1 : f64, f64) map(%u : f64) sum(%e, %f : f64, f64)
  }
  return %s#0, %s#1 : f64, f64
}

// Extents of data are sizes.
prob.slot "size" @M : i64
prob.slot "input" @t : tensor<?x5xf64> {dims = [@M, 5]}
// CHECK-LABEL: func.func @extents
func.func @extents() -> (i64, i64) {
  // CHECK-DAG: %[[M:.*]] = prob.data @M
  // CHECK-DAG: %[[FIVE:.*]] = arith.constant 5
  // CHECK: return %[[M]], %[[FIVE]]
  %t = prob.data @t : tensor<?x5xf64>
  %a = prob.dim %t 0 : tensor<?x5xf64>
  %b = prob.dim %t 1 : tensor<?x5xf64>
  return %a, %b : i64, i64
}

// The element may not exist where the loop does not run: the additions stay in it.
// CHECK-LABEL: func.func @unsure
func.func @unsure(%x: tensor<?xf64>, %n: i64, %a: tensor<?xf64>) -> tensor<?xf64> {
  // CHECK: prob.for
  // CHECK: prob.add_at
  // CHECK: prob.yield into
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %r = prob.for %i = %c0 to %n into(%q = %a : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %q1 = prob.add_at %xi into %q[%c2] : f64 into tensor<?xf64>
    prob.yield into(%q1 : tensor<?xf64>)
  }
  return %r : tensor<?xf64>
}

// Checks of places that loops count within the array go; others stay.
// CHECK-LABEL: func.func @checks
func.func @checks() -> (f64, f64) {
  // CHECK: prob.for
  // CHECK: prob.extract %{{.*}}[%{{.*}}, %{{.*}}] : tensor<?x5xf64> -> f64
  // CHECK: prob.for
  // CHECK: prob.extract %{{.*}}[%{{.*}}, %{{.*}}] {place = 2 : i64}
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c99 = arith.constant 99 : i64
  %t = prob.data @t : tensor<?x5xf64>
  %m = prob.data @M : i64
  %a = prob.for %i = %c1 to %m sum(f64) {
    %b = prob.for %j = %c0 to %i sum(f64) {
      %h = arith.subi %i, %c1 : i64
      %v = prob.extract %t[%j, %c1] {place = 1 : i64} : tensor<?x5xf64> -> f64
      %e = math.exp %v : f64
      prob.yield sum(%e : f64)
    }
    prob.yield sum(%b : f64)
  }
  %d = prob.for %i = %c0 to %c99 sum(f64) {
    %v = prob.extract %t[%i, %c0] {place = 2 : i64} : tensor<?x5xf64> -> f64
    prob.yield sum(%v : f64)
  }
  return %a, %d : f64, f64
}

// A copy of a part of an array is that part.
// CHECK-LABEL: func.func @copy
// CHECK-SAME: %[[U:.*]]: tensor<?xf64>, %[[N:.*]]: i64
func.func @copy(%u: tensor<?xf64>, %n: i64, %g: tensor<?xi64>) -> f64 {
  // CHECK: %[[S:.*]] = prob.for
  // CHECK: %[[PLACE:.*]] = arith.remsi
  // CHECK: %[[AT:.*]] = arith.addi %[[PLACE]], %c2_i64
  // CHECK: prob.extract %[[U]][%[[AT]]]
  // CHECK: prob.yield sum(
  // CHECK-NOT: prob.for
  // CHECK: return %[[S]]
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %end = arith.subi %n, %c2 : i64
  %m = prob.for %i = %c0 to %end map(f64) {
    %at = arith.addi %i, %c2 : i64
    %v = prob.extract %u[%at] : tensor<?xf64> -> f64
    prob.yield map(%v : f64)
  }
  %s = prob.for %i = %c0 to %end sum(f64) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %small = arith.remsi %gi, %end : i64
    %v = prob.extract %m[%small] : tensor<?xf64> -> f64
    %e = math.exp %v : f64
    prob.yield sum(%e : f64)
  }
  return %s : f64
}

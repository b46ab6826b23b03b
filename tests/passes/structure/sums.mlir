// RUN: borel-opt %s --pass=structure,canonicalize | FileCheck %s

// CHECK-LABEL: func.func @unchanged
// CHECK-SAME: %{{.*}}: i64, %[[A:.*]]: f64
func.func @unchanged(%n: i64, %a: f64) -> f64 {
  // CHECK: return %[[A]]
  %c0 = arith.constant 0 : i64
  %r = prob.for %i = %c0 to %n carry(%c = %a : f64) {
    prob.yield carry(%c : f64)
  }
  return %r : f64
}

// Several additions and subtractions in a row, real and integer.
// CHECK-LABEL: func.func @sums
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[A:.*]]: f64, %[[K:.*]]: i64
func.func @sums(%x: tensor<?xf64>, %n: i64, %a: f64, %k: i64) -> (f64, i64) {
  // CHECK: %[[S:.*]]:2 = prob.for %[[I:.*]] = {{.*}} sum(f64, i64) {
  // CHECK: %[[XI:.*]] = prob.extract
  // CHECK-DAG: %[[E:.*]] = math.exp %[[XI]]
  // CHECK-DAG: %[[D:.*]] = arith.subf %[[XI]], %[[E]]
  // CHECK: prob.yield sum(%[[D]], %[[I]] : f64, i64)
  // CHECK-DAG: %[[R:.*]] = arith.addf %[[A]], %[[S]]#0
  // CHECK-DAG: %[[L:.*]] = arith.addi %[[K]], %[[S]]#1
  // CHECK: return %[[R]], %[[L]]
  %c0 = arith.constant 0 : i64
  %r:2 = prob.for %i = %c0 to %n carry(%c = %a : f64, %l = %k : i64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %c1 = arith.addf %xi, %c : f64
    %c2 = arith.subf %c1, %e : f64
    %l1 = arith.addi %l, %i : i64
    prob.yield carry(%c2, %l1 : f64, i64)
  }
  return %r#0, %r#1 : f64, i64
}

// Added on one branch.
// CHECK-LABEL: func.func @branch
func.func @branch(%x: tensor<?xf64>, %n: i64, %a: f64) -> f64 {
  // CHECK: %[[S:.*]] = prob.for {{.*}} sum(f64) {
  // CHECK: %[[V:.*]] = scf.if
  // CHECK: %[[E:.*]] = math.exp
  // CHECK: scf.yield %[[E]]
  // CHECK: else
  // CHECK: scf.yield %{{.*cst.*}} : f64
  // CHECK: prob.yield sum(%[[V]] : f64)
  %c0 = arith.constant 0 : i64
  %r = prob.for %i = %c0 to %n carry(%c = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %p = arith.cmpf ogt, %xi, %a : f64
    %c2 = scf.if %p -> f64 {
      %e = math.exp %xi : f64
      %c1 = arith.addf %c, %e : f64
      scf.yield %c1 : f64
    } else {
      scf.yield %c : f64
    }
    prob.yield carry(%c2 : f64)
  }
  return %r : f64
}

// A sum that the loop reads as it goes is a recurrence, and so is one that is scaled.
// CHECK-LABEL: func.func @not_sums
func.func @not_sums(%x: tensor<?xf64>, %n: i64, %a: f64) -> (f64, f64, f64) {
  // CHECK: prob.for {{.*}} carry({{.*}}, {{.*}}) sum(f64) {
  // CHECK: prob.yield carry(%{{.*}}, %{{.*}} : f64, f64) sum(%{{.*}} : f64)
  %c0 = arith.constant 0 : i64
  %r:3 = prob.for %i = %c0 to %n carry(%c = %a : f64, %d = %a : f64, %t = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %c1 = arith.addf %c, %xi : f64
    %e = math.exp %c : f64
    %t1 = arith.addf %t, %e : f64
    %d1 = arith.mulf %d, %a : f64
    %d2 = arith.addf %d1, %xi : f64
    prob.yield carry(%c1, %d2, %t1 : f64, f64, f64)
  }
  return %r#0, %r#1, %r#2 : f64, f64, f64
}

// A running sum that is also kept is a recurrence, whichever of the two is carried first.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<?xf64>, %n: i64, %a: f64) -> (tensor<?xf64>, tensor<?xf64>) {
  // CHECK-COUNT-2: prob.for {{.*}} carry(%{{.*}} = %{{.*}} : f64) map(f64) {
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n carry(%m = %z : tensor<?xf64>, %c = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %c1 = arith.addf %c, %xi : f64
    %m1 = prob.insert %c1 into %m[%i] : f64 into tensor<?xf64>
    prob.yield carry(%m1, %c1 : tensor<?xf64>, f64)
  }
  %s:2 = prob.for %i = %c0 to %n carry(%c = %a : f64, %m = %z : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %c1 = arith.addf %c, %xi : f64
    %m1 = prob.insert %c1 into %m[%i] : f64 into tensor<?xf64>
    prob.yield carry(%c1, %m1 : f64, tensor<?xf64>)
  }
  return %r#0, %s#1 : tensor<?xf64>, tensor<?xf64>
}

// RUN: borel-opt %s --pass=simplify | FileCheck %s

// The first iteration is another: it leaves, and the rest has no branch.
// CHECK-LABEL: func.func @peel
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[A:.*]]: f64, %[[Z:.*]]: tensor<?xf64>
func.func @peel(%x: tensor<?xf64>, %n: i64, %a: f64, %z: tensor<?xf64>) -> (f64, tensor<?xf64>) {
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i64
  // CHECK-DAG: %[[ANY:.*]] = arith.cmpi sgt, %[[N]], %{{.*}} : i64
  // CHECK: %[[FIRST:.*]]:2 = scf.if %[[ANY]] -> (f64, tensor<?xf64>)
  // CHECK: math.log %[[A]]
  // CHECK: %[[H:.*]] = prob.add_at %{{.*}} into %[[Z]][
  // CHECK: scf.yield %{{.*}}, %[[H]]
  // CHECK: else
  // CHECK: scf.yield %{{.*}}, %[[Z]]
  // CHECK: %[[S:.*]], %[[R:.*]] = prob.for %{{.*}} = %[[C1]] to %[[N]] into(%{{.*}} = %[[FIRST]]#1 : tensor<?xf64>) sum(f64) {
  // CHECK-NOT: scf.if
  // CHECK: %[[T:.*]] = arith.addf %[[FIRST]]#0, %[[S]]
  // CHECK: return %[[T]], %[[R]]
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c3 = arith.constant 3 : i64
  %s, %r = prob.for %i = %c0 to %n into(%h = %z : tensor<?xf64>) sum(f64) {
    %p = arith.cmpi slt, %i, %c1 : i64
    %v = scf.if %p -> f64 {
      scf.yield %a : f64
    } else {
      %before = arith.subi %i, %c1 : i64
      %w = prob.extract %x[%before] : tensor<?xf64> -> f64
      scf.yield %w : f64
    }
    %l = math.log %v : f64
    %at = arith.remsi %i, %c3 : i64
    %h1 = prob.add_at %l into %h[%at] : f64 into tensor<?xf64>
    prob.yield sum(%l : f64) into(%h1 : tensor<?xf64>)
  }
  return %s, %r : f64, tensor<?xf64>
}

// A comparison with a later iteration, or a map, leaves the loop whole.
// CHECK-LABEL: func.func @whole
func.func @whole(%x: tensor<?xf64>, %n: i64, %a: f64) -> (f64, tensor<?xf64>) {
  // CHECK: prob.for
  // CHECK: scf.if
  // CHECK: prob.for
  // CHECK: scf.if
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %s = prob.for %i = %c0 to %n sum(f64) {
    %p = arith.cmpi slt, %i, %c4 : i64
    %v = scf.if %p -> f64 {
      scf.yield %a : f64
    } else {
      %before = arith.subi %i, %c4 : i64
      %w = prob.extract %x[%before] : tensor<?xf64> -> f64
      scf.yield %w : f64
    }
    %l = math.log %v : f64
    prob.yield sum(%l : f64)
  }
  %m = prob.for %i = %c0 to %n map(f64) {
    %p = arith.cmpi slt, %i, %c1 : i64
    %v = scf.if %p -> f64 {
      scf.yield %a : f64
    } else {
      %before = arith.subi %i, %c1 : i64
      %w = prob.extract %x[%before] : tensor<?xf64> -> f64
      scf.yield %w : f64
    }
    prob.yield map(%v : f64)
  }
  return %s, %m : f64, tensor<?xf64>
}

// RUN: borel-opt %s --pass=simplify | FileCheck %s

// A few coefficients: values of their own.
// CHECK-LABEL: func.func @coefficients
// CHECK-SAME: %[[U:.*]]: tensor<?xf64>
func.func @coefficients(%u: tensor<?xf64>) -> (f64, f64) {
  // CHECK-NOT: prob.for
  // CHECK-DAG: %[[A:.*]] = prob.extract %[[U]][%c1_i64]
  // CHECK-DAG: %[[B:.*]] = prob.extract %[[U]][%c2_i64]
  // CHECK-DAG: %[[S:.*]] = arith.addf
  // CHECK-DAG: %[[T:.*]] = arith.addf %[[A]], %[[B]]
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %m, %s = prob.for %i = %c0 to %c2 map(f64) sum(f64) {
    %at = arith.addi %i, %c1 : i64
    %v = prob.extract %u[%at] : tensor<?xf64> -> f64
    %q = arith.mulf %v, %v : f64
    prob.yield map(%v : f64) sum(%q : f64)
  }
  %a = prob.extract %m[%c0] : tensor<?xf64> -> f64
  %b = prob.extract %m[%c1] : tensor<?xf64> -> f64
  %t = arith.addf %a, %b : f64
  return %s, %t : f64, f64
}

// Carries and intos go on from iteration to iteration; backwards too.
// CHECK-LABEL: func.func @steps
// CHECK-SAME: %[[X:.*]]: tensor<4xf64>, %[[A:.*]]: f64, %[[Z:.*]]: tensor<4xf64>
func.func @steps(%x: tensor<4xf64>, %a: f64, %z: tensor<4xf64>) -> (f64, tensor<4xf64>) {
  // CHECK-NOT: prob.for
  // CHECK: %[[X1:.*]] = prob.extract %[[X]][%c1_i64]
  // CHECK: %[[P1:.*]] = arith.mulf %[[A]], %[[X1]]
  // CHECK: %[[Z1:.*]] = prob.add_at %[[A]] into %[[Z]][%c1_i64]
  // CHECK: %[[X0:.*]] = prob.extract %[[X]][%c0_i64]
  // CHECK: %[[P0:.*]] = arith.mulf %[[P1]], %[[X0]]
  // CHECK: %[[Z0:.*]] = prob.add_at %[[P1]] into %[[Z1]][%c0_i64]
  // CHECK: return %[[P0]], %[[Z0]]
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %c, %h = prob.for %i = %c0 to %c2 reverse carry(%p = %a : f64) into(%q = %z : tensor<4xf64>) {
    %v = prob.extract %x[%i] : tensor<4xf64> -> f64
    %p1 = arith.mulf %p, %v : f64
    %q1 = prob.add_at %p into %q[%i] : f64 into tensor<4xf64>
    prob.yield carry(%p1 : f64) into(%q1 : tensor<4xf64>)
  }
  return %c, %h : f64, tensor<4xf64>
}

// An array that is read at places only known later stays one; so does a long loop.
// CHECK-LABEL: func.func @kept
func.func @kept(%u: tensor<?xf64>, %k: i64) -> (tensor<?xf64>, f64) {
  // CHECK: prob.for {{.*}} map(f64)
  // CHECK: prob.for {{.*}} sum(f64)
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %c99 = arith.constant 99 : i64
  %m = prob.for %i = %c0 to %c2 map(f64) {
    %v = arith.sitofp %i : i64 to f64
    prob.yield map(%v : f64)
  }
  %s = prob.for %i = %c0 to %c99 sum(f64) {
    %v = arith.sitofp %i : i64 to f64
    %e = math.exp %v : f64
    prob.yield sum(%e : f64)
  }
  return %m, %s : tensor<?xf64>, f64
}

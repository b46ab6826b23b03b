// RUN: borel-opt %s --pass=simplify | FileCheck %s

// A logarithm that is only summed is summed by itself: code generation multiplies its arguments up.
// CHECK-LABEL: func.func @apart
func.func @apart(%x: tensor<?xf64>) -> f64 {
  // CHECK: prob.for {{.*}} sum(f64, f64) {
  // CHECK: %[[V:.*]] = prob.extract
  // CHECK: %[[L:.*]] = math.log %[[V]]
  // CHECK: %[[Q:.*]] = arith.mulf %[[V]], %[[V]]
  // CHECK: prob.yield sum(%{{.*}}, %{{.*}} : f64, f64)
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %s = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %l = math.log %v : f64
    %q = arith.mulf %v, %v : f64
    %t = arith.subf %q, %l : f64
    prob.yield sum(%t : f64)
  }
  return %s : f64
}

// The derivative of log(1 + exp(-|x|)): choices by one condition are one choice.
// CHECK-LABEL: func.func @choices
// CHECK-SAME: %[[C:.*]]: i1, %[[T:.*]]: f64
func.func @choices(%c: i1, %t: f64) -> f64 {
  // CHECK-DAG: %[[YES:.*]] = arith.addf %[[T]], %{{.*}}
  // CHECK-DAG: %[[NO:.*]] = arith.negf %[[T]]
  // CHECK: %[[R:.*]] = arith.select %[[C]], %[[YES]], %[[NO]]
  // CHECK: return %[[R]]
  %one = arith.constant 1.0 : f64
  %minus = arith.constant -1.0 : f64
  %zero = arith.constant 0.0 : f64
  %sign = arith.select %c, %one, %minus : f64
  %base = arith.select %c, %minus, %zero : f64
  %p = arith.mulf %t, %sign : f64
  %r = arith.addf %p, %base : f64
  return %r : f64
}

// What both sides have comes out of a choice, which goes into a logarithm.
// CHECK-LABEL: func.func @addend
// CHECK-SAME: %[[C:.*]]: i1, %[[A:.*]]: f64, %[[E:.*]]: f64
func.func @addend(%c: i1, %a: f64, %e: f64) -> f64 {
  // CHECK: %[[X:.*]] = arith.select %[[C]], %{{.*}}, %[[E]]
  // CHECK: %[[L:.*]] = math.log1p %[[X]]
  // CHECK: %[[R:.*]] = arith.addf %[[A]], %[[L]]
  // CHECK: return %[[R]]
  %l = math.log1p %e : f64
  %t = arith.addf %a, %l : f64
  %r = arith.select %c, %a, %t : f64
  return %r : f64
}

// One division where the reciprocal is for one product.
// CHECK-LABEL: func.func @quotient
// CHECK-SAME: %[[X:.*]]: f64, %[[Y:.*]]: f64
func.func @quotient(%x: f64, %y: f64) -> f64 {
  // CHECK: %[[R:.*]] = arith.divf %[[X]], %[[Y]]
  // CHECK: return %[[R]]
  %one = arith.constant 1.0 : f64
  %q = arith.divf %one, %y : f64
  %r = arith.mulf %x, %q : f64
  return %r : f64
}

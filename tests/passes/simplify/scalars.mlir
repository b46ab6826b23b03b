// RUN: borel-opt %s --pass=simplify | FileCheck %s

// Powers with the exponents that have cheaper forms.
// CHECK-LABEL: func.func @powers
// CHECK-SAME: %[[X:.*]]: f64
func.func @powers(%x: f64) -> (f64, f64, f64, f64, f64, f64) {
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00
  // CHECK-DAG: %[[ODD:.*]] = arith.constant 1.7
  // CHECK-DAG: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
  // CHECK-DAG: %[[CUBE:.*]] = arith.mulf %[[SQUARE]], %[[X]]
  // CHECK-DAG: %[[ROOT:.*]] = math.sqrt %[[X]]
  // CHECK-DAG: %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[X]]
  // CHECK-DAG: %[[INVERSE_ROOT:.*]] = arith.divf %[[ONE]], %[[ROOT]]
  // CHECK-DAG: %[[KEPT:.*]] = math.powf %[[X]], %[[ODD]]
  // CHECK: return %[[SQUARE]], %[[CUBE]], %[[ROOT]], %[[INVERSE]], %[[INVERSE_ROOT]], %[[KEPT]]
  %two = arith.constant 2.0 : f64
  %three = arith.constant 3.0 : f64
  %half = arith.constant 0.5 : f64
  %minus = arith.constant -1.0 : f64
  %minus_half = arith.constant -0.5 : f64
  %odd = arith.constant 1.7 : f64
  %a = math.powf %x, %two : f64
  %b = math.powf %x, %three : f64
  %c = math.powf %x, %half : f64
  %d = math.powf %x, %minus : f64
  %e = math.powf %x, %minus_half : f64
  %f = math.powf %x, %odd : f64
  return %a, %b, %c, %d, %e, %f : f64, f64, f64, f64, f64, f64
}

// CHECK-LABEL: func.func @logs
// CHECK-SAME: %[[X:.*]]: f64
func.func @logs(%x: f64) -> (f64, f64, f64, f64) {
  // CHECK-DAG: %[[HALF:.*]] = arith.constant 5.000000e-01
  // CHECK-DAG: %[[LOG:.*]] = math.log %[[X]]
  // CHECK-DAG: %[[HALVED:.*]] = arith.mulf %[[LOG]], %[[HALF]]
  // CHECK-DAG: %[[MINUS:.*]] = arith.negf %[[LOG]]
  // exp(log(x)) is not x: it is NaN for a negative x.
  // CHECK-DAG: %[[EXP:.*]] = math.exp %[[LOG]]
  // CHECK: return %[[X]], %[[HALVED]], %[[MINUS]], %[[EXP]]
  %one = arith.constant 1.0 : f64
  %e = math.exp %x : f64
  %a = math.log %e : f64
  %s = math.sqrt %x : f64
  %b = math.log %s : f64
  %r = arith.divf %one, %x : f64
  %c = math.log %r : f64
  %l = math.log %x : f64
  %d = math.exp %l : f64
  return %a, %b, %c, %d : f64, f64, f64, f64
}

// A standardised residual squared needs the variance, not its root.
// CHECK-LABEL: func.func @roots
// CHECK-SAME: %[[D:.*]]: f64, %[[V:.*]]: f64
func.func @roots(%d: f64, %v: f64) -> (f64, f64) {
  // CHECK-NOT: math.sqrt
  // CHECK: %[[DD:.*]] = arith.mulf %[[D]], %[[D]]
  // CHECK: %[[Q:.*]] = arith.divf %[[DD]], %[[V]]
  // CHECK: return %[[Q]], %[[V]]
  %s = math.sqrt %v : f64
  %z = arith.divf %d, %s : f64
  %zz = arith.mulf %z, %z : f64
  %ss = arith.mulf %s, %s : f64
  return %zz, %ss : f64, f64
}

// CHECK-LABEL: func.func @signs
// CHECK-SAME: %[[A:.*]]: f64, %[[B:.*]]: f64
func.func @signs(%a: f64, %b: f64) -> (f64, f64, f64, f64, f64) {
  // CHECK-DAG: %[[C:.*]] = arith.constant -3.000000e+00
  // CHECK-DAG: %[[P:.*]] = arith.mulf %[[A]], %[[B]]
  // CHECK-DAG: %[[M:.*]] = arith.negf %[[P]]
  // CHECK-DAG: %[[T:.*]] = arith.mulf %[[A]], %[[C]]
  // CHECK-DAG: %[[S:.*]] = arith.subf %[[A]], %[[B]]
  // CHECK: return %[[P]], %[[M]], %[[T]], %[[S]], %[[A]]
  %three = arith.constant 3.0 : f64
  %zero = arith.constant 0.0 : f64
  %na = arith.negf %a : f64
  %nb = arith.negf %b : f64
  %p = arith.mulf %na, %nb : f64
  %m = arith.mulf %na, %b : f64
  %t = arith.mulf %na, %three : f64
  %s = arith.addf %nb, %a : f64
  %z = arith.addf %a, %zero : f64
  return %p, %m, %t, %s, %z : f64, f64, f64, f64, f64
}

// Zero times x stays: x may be infinite.
// CHECK-LABEL: func.func @zero_times
func.func @zero_times(%x: f64) -> f64 {
  // CHECK: %[[P:.*]] = arith.mulf
  // CHECK: return %[[P]]
  %zero = arith.constant 0.0 : f64
  %p = arith.mulf %x, %zero : f64
  return %p : f64
}

// Whole powers are products; a variable exponent stays.
// CHECK-LABEL: func.func @whole_powers
// CHECK-SAME: %[[X:.*]]: f64, %[[K:.*]]: i64
func.func @whole_powers(%x: f64, %k: i64) -> (f64, f64, f64, f64, f64) {
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00
  // CHECK-DAG: %[[X2:.*]] = arith.mulf %[[X]], %[[X]]
  // CHECK-DAG: %[[X4:.*]] = arith.mulf %[[X2]], %[[X2]]
  // CHECK-DAG: %[[X5:.*]] = arith.mulf %[[X]], %[[X4]]
  // CHECK-DAG: %[[I2:.*]] = arith.divf %[[ONE]], %[[X2]]
  // CHECK-DAG: %[[XK:.*]] = math.fpowi %[[X]], %[[K]]
  // CHECK: return %[[ONE]], %[[X]], %[[X5]], %[[I2]], %[[XK]]
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c5 = arith.constant 5 : i64
  %m2 = arith.constant -2 : i64
  %a = math.fpowi %x, %c0 : f64, i64
  %b = math.fpowi %x, %c1 : f64, i64
  %c = math.fpowi %x, %c5 : f64, i64
  %d = math.fpowi %x, %m2 : f64, i64
  %e = math.fpowi %x, %k : f64, i64
  return %a, %b, %c, %d, %e : f64, f64, f64, f64, f64
}

// What counts elements is not negative.
// CHECK-LABEL: func.func @extents
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64
func.func @extents(%x: tensor<?xf64>, %n: i64) -> (i64, i64) {
  // CHECK-DAG: %[[K:.*]] = prob.dim %[[X]] 0
  // CHECK-DAG: %[[A:.*]] = arith.addi %[[K]], %c2
  // CHECK-DAG: %[[B:.*]] = arith.maxsi %[[N]], %c0
  // CHECK: return %[[A]], %[[B]]
  %c0 = arith.constant 0 : i64
  %c2 = arith.constant 2 : i64
  %k = prob.dim %x 0 : tensor<?xf64>
  %s = arith.addi %k, %c2 : i64
  %a = arith.maxsi %s, %c0 : i64
  %b = arith.maxsi %n, %c0 : i64
  return %a, %b : i64, i64
}

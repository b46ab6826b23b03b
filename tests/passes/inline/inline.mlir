// RUN: borel-opt %s --pass=inline | FileCheck %s
// Ordinary functions, through each other; not recursive ones, nor what is made once from a model.

func.func private @twice(%x: f64) -> f64 {
  %y = arith.addf %x, %x : f64
  return %y : f64
}
func.func private @four(%x: f64) -> f64 {
  %y = call @twice(%x) : (f64) -> f64
  %z = call @twice(%y) : (f64) -> f64
  return %z : f64
}
func.func private @forever(%x: f64) -> f64 {
  %y = call @again(%x) : (f64) -> f64
  return %y : f64
}
func.func private @again(%x: f64) -> f64 {
  %y = call @forever(%x) : (f64) -> f64
  return %y : f64
}
func.func private @density(%x: f64) -> f64 attributes {prob.derive = {kind = "log_density"}} {
  return %x : f64
}

// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[N:.*]]: i64, %[[X:.*]]: f64)
// CHECK: %[[A:.*]] = prob.for {{.*}} carry(%[[C:.*]] = %[[X]] : f64) {
// CHECK-NEXT: %[[T:.*]] = arith.addf %[[C]], %[[C]] : f64
// CHECK-NEXT: %[[F:.*]] = arith.addf %[[T]], %[[T]] : f64
// CHECK-NEXT: prob.yield carry(%[[F]] : f64)
// CHECK: %[[R:.*]] = call @forever(%[[A]])
// CHECK: %[[D:.*]] = call @density(%[[R]])
// CHECK: return %[[D]] : f64
func.func @f(%n: i64, %x: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %a = prob.for %i = %zero to %n carry(%c = %x : f64) {
    %y = func.call @four(%c) : (f64) -> f64
    prob.yield carry(%y : f64)
  }
  %r = call @forever(%a) : (f64) -> f64
  %d = call @density(%r) : (f64) -> f64
  return %d : f64
}

// Nor one with an adjoint of its own: the gradient calls that.
func.func private @cube(%x: f64) -> f64 attributes {prob.adjoint = @cube_adjoint} {
  %y = arith.mulf %x, %x : f64
  %z = arith.mulf %x, %y : f64
  return %z : f64
}
func.func private @cube_adjoint(f64, f64, f64) -> f64
// CHECK-LABEL: func.func @h(
// CHECK: call @cube(
func.func @h(%x: f64) -> f64 {
  %y = call @cube(%x) : (f64) -> f64
  return %y : f64
}

// RUN: borel-opt %s --pass=tangent | FileCheck %s
// Tangents beside their values: of scalars, of what loops carry, collect, sum and add to, of
// branches, of calls.

// CHECK-LABEL: func.func private @product_along(
// CHECK-SAME: %[[X:.*]]: f64, %[[Y:.*]]: f64, %[[DX:.*]]: f64)
// CHECK: %[[P:.*]] = arith.mulf %[[X]], %[[Y]]
// CHECK: %[[D:.*]] = arith.mulf %[[DX]], %[[Y]]
// CHECK: return %[[P]], %[[D]]
func.func private @product(%x: f64, %y: f64) -> f64 {
  %p = arith.mulf %x, %y : f64
  return %p : f64
}
func.func private @product_along(f64, f64, f64) -> (f64, f64)
    attributes {prob.derive = {kind = "tangent", of = @product, wrt = [true, false]}}

// CHECK-LABEL: func.func private @loops_along(
// CHECK: prob.for {{.*}} carry(%{{.*}} : f64, %{{.*}} : f64) into(%{{.*}} : tensor<?xf64>, %{{.*}} : tensor<?xf64>) map(f64, f64) sum(f64, f64)
// CHECK: prob.add_at
// CHECK: prob.add_at
// CHECK: return %{{.*}}#0, %{{.*}}#0, %{{.*}}#0, %{{.*}}#0, %{{.*}}#1, %{{.*}}#1, %{{.*}}#1, %{{.*}}#1
func.func private @loops(%a: tensor<?xf64>, %n: i64) -> (f64, tensor<?xf64>, f64, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %start = prob.zeros(%n) : tensor<?xf64>
  %c, %m, %s, %t = prob.for %i = %zero to %n carry(%last = %one : f64) into(%to = %start : tensor<?xf64>) map(f64) sum(f64) {
    %e = prob.extract %a[%i] : tensor<?xf64> -> f64
    %next = arith.mulf %last, %e : f64
    %added = prob.add_at %e into %to[%zero] : f64 into tensor<?xf64>
    prob.yield carry(%next : f64) map(%next : f64) sum(%e : f64) into(%added : tensor<?xf64>)
  }
  return %c, %m, %s, %t : f64, tensor<?xf64>, f64, tensor<?xf64>
}
func.func private @loops_along(tensor<?xf64>, i64, tensor<?xf64>) -> (f64, tensor<?xf64>, f64, tensor<?xf64>, f64, tensor<?xf64>, f64, tensor<?xf64>)
    attributes {prob.derive = {kind = "tangent", of = @loops, wrt = [true, false]}}

// What a branch does not touch has a tangent of zero there.
// CHECK-LABEL: func.func private @branch_along(
// CHECK: %[[R:.*]]:2 = scf.if
// CHECK: math.exp
// CHECK: } else {
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: scf.yield %{{.*}}, %[[ZERO]]
// CHECK: return %[[R]]#0, %[[R]]#1
func.func private @branch(%x: f64, %c: i1) -> f64 {
  %one = arith.constant 1.0 : f64
  %r = scf.if %c -> f64 {
    %e = math.exp %x : f64
    scf.yield %e : f64
  } else {
    scf.yield %one : f64
  }
  return %r : f64
}
func.func private @branch_along(f64, i1, f64) -> (f64, f64)
    attributes {prob.derive = {kind = "tangent", of = @branch, wrt = [true, false]}}

// CHECK-LABEL: func.func private @call_along(
// CHECK: call @product.jvp.11(
// CHECK-LABEL: func.func private @product.jvp.11(
func.func private @call(%x: f64) -> f64 {
  %r = call @product(%x, %x) : (f64, f64) -> f64
  return %r : f64
}
func.func private @call_along(f64, f64) -> (f64, f64)
    attributes {prob.derive = {kind = "tangent", of = @call, wrt = [true]}}

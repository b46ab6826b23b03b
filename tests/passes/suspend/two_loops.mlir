// RUN: borel-opt %s --pass=derive | FileCheck %s
// Two loops in a row. The second begins with what the first ended with, which is what the first
// began with when it did not run at all.

prob.slot "size" @n : i64
prob.slot "size" @k : i64
func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %d = arith.mulf %x, %mu : f64
  return %d : f64
}
func.func private @draw(%mu: f64) -> f64 {
  %u = prob.uniform : f64
  %x = arith.addf %u, %mu : f64
  return %x : f64
}
func.func @shape() -> (i64, i64, i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  %k = prob.data @k : i64
  return %n, %n, %n, %zero, %k, %n, %none : i64, i64, i64, i64, i64, i64, i64
}
func.func private @m() -> (tensor<?xf64>, tensor<?xf64>) attributes {prob.model,
    prob.shape = @shape, prob.sites = [{kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 0 : i64}]} {
  %zero = arith.constant 0 : i64
  %mu = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %k = prob.data @k : i64
  %x = prob.zeros(%n) : tensor<?xf64>
  %y = prob.zeros(%k) : tensor<?xf64>
  %xs, %end = prob.for %t = %zero to %n carry(%c = %x : tensor<?xf64>, %s = %mu : f64) {
    %e = prob.sample @logp(%s : f64) site 0 [%t] of (%n) at 5 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    prob.observe %mu : f64 from @logp(%e : f64) site 2 at 6
    prob.stop
    prob.yield carry(%next, %e : tensor<?xf64>, f64)
  }
  %ys, %last = prob.for %t = %zero to %k carry(%c = %y : tensor<?xf64>, %s = %end : f64) {
    %e = prob.sample @logp(%s : f64) site 1 [%t] of (%k) at 7 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    prob.observe %mu : f64 from @logp(%e : f64) site 2 at 8
    prob.stop
    prob.yield carry(%next, %e : tensor<?xf64>, f64)
  }
  return %xs, %ys : tensor<?xf64>, tensor<?xf64>
}

// CHECK-LABEL: func.func private @count()
// CHECK: %[[FIRST:.*]] = arith.maxsi
// CHECK: %[[SO_FAR:.*]] = arith.addi %[[FIRST]],
// CHECK: %[[SECOND:.*]] = arith.maxsi
// CHECK: %[[ALL:.*]] = arith.addi %[[SO_FAR]], %[[SECOND]]
// CHECK: return %[[ALL]]
func.func private @count() -> i64 attributes {prob.derive = {kind = "stage_count", of = @m}}
// The state of both loops; the first site, which stays what it was in the second loop; and the second
// site, which is not yet the state in the first.
// CHECK-LABEL: func.func private @reals()
// CHECK: %[[THREE:.*]] = arith.constant 3
// CHECK: return %[[THREE]]
func.func private @reals() -> i64 attributes {prob.derive = {kind = "frame_reals", of = @m}}

// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %{{.*}}: i64, %[[REALS:.*]]: tensor<?x?xf64>
// CHECK: scf.if
// In the first loop: 2, or the state.
// CHECK: %[[BEGIN:.*]] = arith.cmpi eq
// CHECK: scf.if %[[BEGIN]] -> (f64)
// CHECK: prob.extract %[[REALS]][
// In the second: at its beginning what the first loop left, or 2 where it did not run.
// CHECK: %[[BEGIN2:.*]] = arith.cmpi eq
// CHECK: %[[EMPTY:.*]] = arith.cmpi sge
// CHECK: scf.if %[[BEGIN2]] -> (f64)
// CHECK: scf.if %[[EMPTY]] -> (f64)
// CHECK: prob.extract %[[REALS]][
// CHECK: prob.extract %[[REALS]][
func.func private @advance(i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}

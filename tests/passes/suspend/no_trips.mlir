// RUN: borel-opt %s --pass=derive | FileCheck %s
// What a loop gave is read by a later stage: where it did not run, what it began with.

prob.slot "size" @n : i64
func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %d = arith.mulf %x, %mu : f64
  return %d : f64
}
func.func private @draw(%mu: f64) -> f64 {
  %u = prob.uniform : f64
  %x = arith.addf %u, %mu : f64
  return %x : f64
}
func.func private @shape(%start: f64) -> (i64, i64, i64, i64, i64) {
  %zero = arith.constant 0 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  return %n, %n, %n, %zero, %none : i64, i64, i64, i64, i64
}
func.func private @m(%start: f64) -> tensor<?xf64> attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 0 : i64}]} {
  %zero = arith.constant 0 : i64
  %mu = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %x = prob.zeros(%n) : tensor<?xf64>
  %xs, %end = prob.for %t = %zero to %n carry(%c = %x : tensor<?xf64>, %s = %start : f64) {
    %e = prob.sample @logp(%s : f64) site 0 [%t] of (%n) at 5 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    prob.observe %mu : f64 from @logp(%e : f64) site 1 at 6
    prob.stop
    prob.yield carry(%next, %e : tensor<?xf64>, f64)
  }
  prob.observe %mu : f64 from @logp(%end : f64) site 1 at 7
  prob.stop
  return %xs : tensor<?xf64>
}

// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %[[START:.*]]: f64, %{{.*}}: i64, %[[REALS:.*]]: tensor<?x?xf64>
// CHECK: scf.if
// CHECK: } else {
// CHECK: scf.if
// CHECK: %[[EMPTY:.*]] = arith.cmpi sge
// CHECK: prob.for
// CHECK: %[[END:.*]] = scf.if %[[EMPTY]] -> (f64) {
// CHECK-NEXT: scf.yield %[[START]]
// CHECK: prob.extract %[[REALS]][
// CHECK: arith.mulf %{{.*}}, %[[END]]
// One row for the state and the site.
// CHECK-LABEL: func.func private @reals(
// CHECK: %[[ONE:.*]] = arith.constant 1
// CHECK: return %[[ONE]]
func.func private @advance(f64, i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}
func.func private @reals(f64) -> i64 attributes {prob.derive = {kind = "frame_reals", of = @m}}

// RUN: borel-opt %s --pass=derive | FileCheck %s
// All values that a loop drew are wanted after it: particles keep the array whole, an element a row.

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
func.func @shape() -> (i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  return %n, %n, %n, %zero, %none : i64, i64, i64, i64, i64
}
func.func private @m() -> tensor<?xf64> attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 0 : i64}]} {
  %zero = arith.constant 0 : i64
  %mu = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %x = prob.zeros(%n) : tensor<?xf64>
  %all = prob.for %t = %zero to %n carry(%c = %x : tensor<?xf64>) {
    %e = prob.sample @logp(%mu : f64) site 0 [%t] of (%n) at 5 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    prob.observe %mu : f64 from @logp(%e : f64) site 1 at 6
    prob.stop
    prob.yield carry(%next : tensor<?xf64>)
  }
  %sum = prob.for %i = %zero to %n sum(f64) {
    %e = prob.extract %all[%i] : tensor<?xf64> -> f64
    prob.yield sum(%e : f64)
  }
  prob.observe %mu : f64 from @logp(%sum : f64) site 1 at 7
  prob.stop
  return %all : tensor<?xf64>
}

// The array's n rows, and one by which the site is known.
// CHECK-LABEL: func.func private @reals()
// CHECK: %[[N:.*]] = prob.data @n
// CHECK: %[[WHOLE:.*]] = arith.muli %[[N]],
// CHECK: arith.addi %[[WHOLE]],
func.func private @reals() -> i64 attributes {prob.derive = {kind = "frame_reals", of = @m}}

// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %[[STAGE:.*]]: i64, %[[REALS:.*]]: tensor<?x?xf64>
// Each row goes to the frames.
// CHECK: prob.for %[[ROW:.*]] = {{.*}} carry(%[[FRAMES:.*]] = %[[REALS]] : tensor<?x?xf64>) {
// CHECK: prob.insert %{{.*}} into %[[FRAMES]][
// Later the whole array comes from there.
// CHECK: } else {
// CHECK: prob.for %{{.*}} map(f64) {
// CHECK: prob.extract %[[REALS]][
// CHECK: prob.for %{{.*}} sum(f64) {
func.func private @advance(i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}

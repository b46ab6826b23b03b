// RUN: borel-opt %s --pass=derive | FileCheck %s
// Whole numbers and truths are kept in the second frame, truths as 0 and 1.

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
func.func private @coin(%p: f64, %x: i1) -> f64 {
  %n = arith.negf %p : f64
  %d = arith.select %x, %p, %n : f64
  return %d : f64
}
func.func private @coin.draw(%p: f64) -> i1 {
  %u = prob.uniform : f64
  %x = arith.cmpf olt, %u, %p : f64
  return %x : i1
}
func.func @shape() -> (i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  return %n, %n, %n, %zero, %none : i64, i64, i64, i64, i64
}
func.func private @m() -> tensor<?xi1> attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "bool", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 0 : i64}]} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %no = arith.constant false
  %half = arith.constant 0.5 : f64
  %n = prob.data @n : i64
  %x = prob.zeros(%n) : tensor<?xi1>
  %all, %last, %changes = prob.for %t = %zero to %n
      carry(%c = %x : tensor<?xi1>, %before = %no : i1, %count = %zero : i64) {
    %e = prob.sample @coin(%half : f64) site 0 [%t] of (%n) at 5 {sampler = @coin.draw} : i1
    %next = prob.insert %e into %c[%t] : i1 into tensor<?xi1>
    %changed = arith.xori %e, %before : i1
    %more = arith.addi %count, %one : i64
    %now = arith.select %changed, %more, %count : i64
    %real = arith.sitofp %now : i64 to f64
    prob.observe %half : f64 from @logp(%real : f64) site 1 at 6
    prob.stop
    prob.yield carry(%next, %e, %now : tensor<?xi1>, i1, i64)
  }
  return %all : tensor<?xi1>
}

// CHECK-LABEL: func.func private @reals()
// CHECK: %[[NONE:.*]] = arith.constant 0
// CHECK: return %[[NONE]]
func.func private @reals() -> i64 attributes {prob.derive = {kind = "frame_reals", of = @m}}

// The number of changes; the latest draw, by which the site is known too.
// CHECK-LABEL: func.func private @ints()
// CHECK: %[[TWO:.*]] = arith.constant 2
// CHECK: return %[[TWO]]
func.func private @ints() -> i64 attributes {prob.derive = {kind = "frame_ints", of = @m}}

// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %[[STAGE:.*]]: i64, %{{.*}}: tensor<?x?xf64>, %[[INTS:.*]]: tensor<?x?xi64>
// CHECK: %[[HELD:.*]] = prob.extract %[[INTS]][
// CHECK: arith.cmpi ne, %[[HELD]]
// CHECK: arith.extui
func.func private @advance(i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}

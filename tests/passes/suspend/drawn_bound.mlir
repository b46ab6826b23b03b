// RUN: borel-opt %s --pass=derive | FileCheck %s
// A loop that runs as often as a draw says: particles stop behind it, as one stage.

func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %d = arith.mulf %x, %mu : f64
  return %d : f64
}
func.func private @draw(%mu: f64) -> f64 {
  %u = prob.uniform : f64
  %x = arith.addf %u, %mu : f64
  return %x : f64
}
func.func private @coin(%p: f64, %x: i64) -> f64 {
  return %p : f64
}
func.func private @coin.draw(%p: f64) -> i64 {
  %u = prob.uniform : f64
  %x = arith.cmpf olt, %u, %p : f64
  %i = arith.extui %x : i1 to i64
  return %i : i64
}
func.func @shape() -> (i64, i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %one = arith.constant 1 : i64
  %none = arith.constant -1 : i64
  return %one, %one, %none, %one, %none, %none : i64, i64, i64, i64, i64, i64
}
func.func private @m() -> (i64, tensor<?xf64>) attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "int", rank = 0 : i64},
                  {kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 0 : i64}]} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %half = arith.constant 0.5 : f64
  %x = prob.zeros(%one) : tensor<?xf64>
  %often = prob.sample @coin(%half : f64) site 0 at 5 {sampler = @coin.draw} : i64
  prob.stop
  %all = prob.for %t = %zero to %often carry(%c = %x : tensor<?xf64>) {
    %e = prob.sample @logp(%half : f64) site 1 [%t] of (%one) at 6 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    prob.observe %half : f64 from @logp(%e : f64) site 2 at 7
    prob.stop
    prob.yield carry(%next : tensor<?xf64>)
  }
  return %often, %all : i64, tensor<?xf64>
}

// CHECK-LABEL: func.func private @count()
// CHECK: %[[TWO:.*]] = arith.constant 2
// CHECK: return %[[TWO]]
func.func private @count() -> i64 attributes {prob.derive = {kind = "stage_count", of = @m}}

// The second stage runs the loop for each particle, by what it has drawn.
// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %{{.*}}: i64, %{{.*}}: tensor<?x?xf64>, %[[INTS:.*]]: tensor<?x?xi64>
// CHECK: prob.for %[[I:.*]] = {{.*}} map(f64, f64) {
// CHECK: %[[OFTEN:.*]] = prob.extract %[[INTS]][%{{.*}}, %[[I]]]
// CHECK: prob.for %{{.*}} to %[[OFTEN]] carry(
// CHECK: prob.uniform_at
func.func private @advance(i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}

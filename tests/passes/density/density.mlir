// RUN: borel-opt %s --pass=density | FileCheck %s
// Draws read the trace and score; data score; records and results go, with the arrays kept for them.

prob.slot "size" @n : i64
prob.slot "input" @y : tensor<?xf64> {dims = [@n]}
func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %d = arith.subf %x, %mu : f64
  return %d : f64
}
func.func private @constrain(%lo: f64, %u: f64) -> (f64, f64) {
  return %u, %lo : f64, f64
}

// CHECK-LABEL: func.func private @m(
// CHECK-SAME: %[[A:.*]]: f64, %[[MU:.*]]: f64, %[[X:.*]]: tensor<?xf64>)
// CHECK-NOT: prob.model
// CHECK: %[[V:.*]] = prob.latent %[[MU]] : f64 site 0 on @constrain given(%[[A]] : f64) at 4 : f64
// CHECK: %[[S:.*]] = call @logp(%[[A]], %[[V]]) {prob.drawn_at = 4 : i64} : (f64, f64) -> f64
// CHECK: prob.score %[[S]] : f64 at 4
// CHECK: prob.for %[[I:.*]] = %{{.*}} to %[[N:[^ ]*]] {
// CHECK-NEXT: %[[E:.*]] = prob.latent %[[X]] : tensor<?xf64> site 1[%[[I]]] of(%[[N]]) at 5 : f64
// CHECK-NEXT: %[[T:.*]] = func.call @logp(%[[V]], %[[E]])
// CHECK-NEXT: prob.score %[[T]] : f64 at 5
// CHECK: %[[U:.*]] = func.call @logp(%[[E]], %[[Y:.*]])
// CHECK-NEXT: prob.score %[[U]] : f64 at 6
// CHECK-NOT: prob.record
// CHECK-NOT: prob.insert
// CHECK: return{{$}}
func.func private @m(%a: f64) -> (f64, tensor<?xf64>, tensor<?xf64>) attributes {prob.model, prob.sites = [
    {kind = "latent", type = "real", rank = 0 : i64}, {kind = "latent", type = "real", rank = 1 : i64},
    {kind = "derived", type = "real", rank = 1 : i64}, {kind = "observed", type = "real", rank = 1 : i64}]} {
  %zero = arith.constant 0 : i64
  %n = prob.data @n : i64
  %y = prob.data @y : tensor<?xf64>
  %x0 = prob.zeros(%n) : tensor<?xf64>
  %mu = prob.sample @logp(%a : f64) site 0 on @constrain given(%a : f64) at 4 : f64
  %x, %d = prob.for %i = %zero to %n carry(%c = %x0 : tensor<?xf64>, %r = %x0 : tensor<?xf64>) {
    %e = prob.sample @logp(%mu : f64) site 1 [%i] of (%n) at 5 : f64
    %next = prob.insert %e into %c[%i] : f64 into tensor<?xf64>
    %twice = arith.addf %e, %e : f64
    prob.record %twice : f64 site 2 [%i] of (%n) at 7
    %kept = prob.insert %twice into %r[%i] : f64 into tensor<?xf64>
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    prob.observe %yi : f64 from @logp(%e : f64) site 3 [%i] at 6
    prob.yield carry(%next, %kept : tensor<?xf64>, tensor<?xf64>)
  }
  return %mu, %x, %d : f64, tensor<?xf64>, tensor<?xf64>
}

// A site's array that the model reads itself stays.
// CHECK-LABEL: func.func private @reads(
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>)
// CHECK: prob.for {{.*}} carry(
// CHECK: prob.insert
func.func private @reads() -> tensor<?xf64> attributes {prob.model, prob.sites = [
    {kind = "latent", type = "real", rank = 1 : i64}]} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %first = arith.constant 0.0 : f64
  %n = prob.data @n : i64
  %x0 = prob.zeros(%n) : tensor<?xf64>
  %x = prob.for %i = %one to %n carry(%c = %x0 : tensor<?xf64>) {
    %j = arith.subi %i, %one : i64
    %last = prob.extract %c[%j] : tensor<?xf64> -> f64
    %e = prob.sample @logp(%last : f64) site 0 [%i] of (%n) at 5 : f64
    %next = prob.insert %e into %c[%i] : f64 into tensor<?xf64>
    prob.yield carry(%next : tensor<?xf64>)
  }
  return %x : tensor<?xf64>
}

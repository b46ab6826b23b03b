// RUN: borel-opt %s --pass=unconstrain,inline,simplify | FileCheck %s
// Sites follow one another in u; an element's reals are together; constrain's log Jacobian scores.

prob.slot "size" @n : i64
prob.slot "size" @k : i64
func.func private @positive(%u: f64) -> (f64, f64) {
  %x = math.exp %u : f64
  return %x, %u : f64, f64
}
func.func private @pairs(%u: tensor<?xf64>) -> (tensor<?xf64>, f64) {
  %c = arith.constant 2.0 : f64
  return %u, %c : tensor<?xf64>, f64
}
func.func private @use(tensor<?xf64>, f64)
// dimension, draw size; tau: offset 0; x[n]: n, 1; v[n] of vectors of k: n, k, 1 + n
func.func private @shape() -> (i64, i64, i64, i64, i64, i64, i64, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %n = prob.data @n : i64
  %k = prob.data @k : i64
  %nk = arith.muli %n, %k : i64
  %b = arith.addi %one, %n : i64
  %all = arith.addi %b, %nk : i64
  return %all, %all, %zero, %n, %one, %n, %k, %b : i64, i64, i64, i64, i64, i64, i64, i64
}

// CHECK-LABEL: func.func @density(
// CHECK-SAME: %[[U:.*]]: tensor<?xf64>)
// CHECK: %[[TAU:.*]] = prob.extract %[[U]][%{{.*}}] : tensor<?xf64> -> f64
// CHECK: %[[POSITIVE:.*]] = math.exp %[[TAU]]
// CHECK: prob.score %[[TAU]] : f64 at 1
// CHECK: prob.for %[[I:.*]] = {{.*}} {
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %{{.*}} : i64
// CHECK: prob.extract %[[U]][%[[AT]]] : tensor<?xf64> -> f64
// An element of v: k reals from offset + i k.
// CHECK: %[[ROW:.*]] = arith.muli %[[I]], %[[K:.*]] : i64
// CHECK: prob.for {{.*}} = %{{.*}} to %[[K]] map(f64)
// CHECK: prob.extract %[[U]]
// CHECK: prob.score %{{.*}} : f64 at 3
func.func @density(%tau: f64, %x: tensor<?xf64>, %v: tensor<?x?xf64>) attributes {
    prob.shape = @shape, prob.sites = [{kind = "latent", type = "real", rank = 0 : i64},
    {kind = "latent", type = "real", rank = 1 : i64}, {kind = "latent", type = "real", rank = 2 : i64}]} {
  %zero = arith.constant 0 : i64
  %n = prob.data @n : i64
  %k = prob.data @k : i64
  %t = prob.latent %tau : f64 site 0 on @positive at 1 : f64
  prob.for %i = %zero to %n {
    %e = prob.latent %x : tensor<?xf64> site 1 [%i] of (%n) at 2 : f64
    %r = prob.latent %v : tensor<?x?xf64> site 2 [%i] of (%n) on @pairs reals %k values %k at 3 : tensor<?xf64>
    %s = arith.mulf %e, %t : f64
    func.call @use(%r, %s) : (tensor<?xf64>, f64) -> ()
    prob.yield
  }
  return
}

// RUN: borel-opt %s --pass=derive | FileCheck %s
// A random walk that is observed at each step: one stage before the loop, one for each iteration. A
// particle keeps the latest value alone, which is also what its site is known by.

prob.slot "size" @n : i64
prob.slot "input" @y : tensor<?xf64> {dims = [@n]}
func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  %ok = arith.cmpf oge, %mu, %zero : f64
  prob.require %ok at 0
  %d = arith.mulf %x, %mu : f64
  return %d : f64
}
func.func private @draw(%mu: f64) -> f64 {
  %u = prob.uniform : f64
  %x = arith.addf %u, %mu : f64
  return %x : f64
}
func.func @shape() -> (i64, i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  return %n, %n, %n, %zero, %n, %none : i64, i64, i64, i64, i64, i64
}
func.func private @m() -> tensor<?xf64> attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 1 : i64, moves},
                  {kind = "observed", type = "real", rank = 1 : i64}]} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %mu = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %y = prob.data @y : tensor<?xf64>
  %x = prob.zeros(%n) : tensor<?xf64>
  %first = prob.sample @logp(%mu : f64) site 0 [%zero] of (%n) at 5 {sampler = @draw} : f64
  %x0 = prob.insert %first into %x[%zero] {place = 6 : i64} : f64 into tensor<?xf64>
  %y0 = prob.extract %y[%zero] {place = 7 : i64} : tensor<?xf64> -> f64
  prob.observe %y0 : f64 from @logp(%first : f64) site 1 [%zero] at 8
  prob.stop
  %all = prob.for %t = %one to %n carry(%c = %x0 : tensor<?xf64>) {
    %before = arith.subi %t, %one : i64
    %last = prob.extract %c[%before] : tensor<?xf64> -> f64
    %e = prob.sample @logp(%last : f64) site 0 [%t] of (%n) at 9 {sampler = @draw} : f64
    %next = prob.insert %e into %c[%t] : f64 into tensor<?xf64>
    %yt = prob.extract %y[%t] : tensor<?xf64> -> f64
    prob.observe %yt : f64 from @logp(%e : f64) site 1 [%t] at 10
    prob.stop
    prob.yield carry(%next : tensor<?xf64>)
  }
  return %all : tensor<?xf64>
}

// CHECK-LABEL: func.func private @count()
// CHECK: %[[ITERATIONS:.*]] = arith.maxsi
// CHECK: arith.addi %[[ITERATIONS]]
func.func private @count() -> i64 attributes {prob.derive = {kind = "stage_count", of = @m}}

// CHECK-LABEL: func.func private @reals()
// CHECK: %[[ONE:.*]] = arith.constant 1
// CHECK: return %[[ONE]]
func.func private @reals() -> i64 attributes {prob.derive = {kind = "frame_reals", of = @m}}
// CHECK-LABEL: func.func private @ints()
// CHECK: %[[NONE:.*]] = arith.constant 0
// CHECK: return %[[NONE]]
func.func private @ints() -> i64 attributes {prob.derive = {kind = "frame_ints", of = @m}}

// In the loop's stage a draw takes its own key and number, reads the state, and writes it.
// CHECK-LABEL: func.func private @advance(
// CHECK-SAME: %[[STAGE:.*]]: i64, %[[REALS:.*]]: tensor<?x?xf64>, %{{.*}}: tensor<?x?xi64>, %[[W:.*]]: tensor<?xf64>)
// CHECK: %[[KEY:.*]] = prob.key
// CHECK: scf.if
// CHECK: prob.for %[[I:.*]] = {{.*}} map(f64, f64) {
// CHECK: prob.uniform_at %{{.*}}[%[[I]], %{{.*}}]
// CHECK-NOT: tensor<?xf64> -> f64
// CHECK: prob.extract %[[W]][%[[I]]]
// CHECK: } else {
// CHECK: scf.if
// CHECK: prob.for %[[I:.*]] = {{.*}} map(f64, f64) {
// CHECK: %[[U:.*]] = prob.uniform_at %{{.*}}[%[[I]], %{{.*}}]
// CHECK: %[[LAST:.*]] = prob.extract %[[REALS]][%{{.*}}, %[[I]]]
// CHECK: %[[NEXT:.*]] = arith.addf %[[U]], %[[LAST]]
// CHECK: prob.yield map(%{{.*}}, %[[NEXT]] :
// CHECK: prob.insert %{{.*}} into %[[REALS]]
// CHECK-NOT: prob.stop
// CHECK: return
func.func private @advance(i64, tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    -> (tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>)
    attributes {prob.derive = {kind = "advance", of = @m}}

// The observation that no particle explains is named.
// CHECK-LABEL: func.func private @check(
// CHECK: prob.fault %{{.*}} kind 11 at 8
// CHECK: prob.fault %{{.*}} element %{{.*}} kind 11 at 10
func.func private @check(i64, tensor<?xf64>)
    attributes {prob.derive = {kind = "check_stage", of = @m}}

// CHECK-LABEL: func.func private @summary(
// CHECK: math.sqrt
// CHECK: return %{{.*}}, %{{.*}} : f64, f64
func.func private @summary(tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>) -> (f64, f64)
    attributes {prob.derive = {kind = "stage_summary", of = @m}}

// All else made of the model knows nothing of stops.
// CHECK-LABEL: func.func private @lp(
// CHECK-NOT: prob.stop
// CHECK: return
func.func private @lp(tensor<?xf64>) -> f64 attributes {prob.derive = {kind = "log_density", of = @m}}

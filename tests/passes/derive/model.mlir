// RUN: borel-opt %s --pass=derive | FileCheck %s
// Every kind of function made from a model, each of the type that it is declared with.

prob.slot "size" @n : i64
func.func private @logp(%mu: f64, %x: f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  %ok = arith.cmpf oge, %mu, %zero : f64
  prob.require %ok at 0
  %d = arith.mulf %x, %mu : f64
  return %d : f64
}
func.func private @draw(%mu: f64) -> f64 {
  %u = prob.uniform : f64
  %x = arith.mulf %u, %mu : f64
  return %x : f64
}
func.func private @positive(%u: f64) -> (f64, f64) {
  %x = math.exp %u : f64
  return %x, %u : f64, f64
}
func.func private @to_real(%x: f64) -> f64 {
  %u = math.log %x : f64
  return %u : f64
}
func.func @shape() -> (i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %n = prob.data @n : i64
  return %n, %n, %n, %zero : i64, i64, i64, i64
}
func.func private @m() -> tensor<?xf64> attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 1 : i64}]} {
  %zero = arith.constant 0 : i64
  %mu = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %x0 = prob.zeros(%n) : tensor<?xf64>
  %x = prob.for %i = %zero to %n carry(%c = %x0 : tensor<?xf64>) {
    %e = prob.sample @logp(%mu : f64) site 0 [%i] of (%n) on @positive at 5 {sampler = @draw, unconstrain = @to_real} : f64
    %next = prob.insert %e into %c[%i] : f64 into tensor<?xf64>
    prob.yield carry(%next : tensor<?xf64>)
  }
  return %x : tensor<?xf64>
}

// CHECK-LABEL: func.func @lp(
// CHECK: prob.for {{.*}} sum(f64
// CHECK: math.exp
// CHECK-NOT: prob.score
// CHECK: return %{{.*}} : f64
func.func private @lp(tensor<?xf64>) -> f64 attributes {prob.derive = {kind = "log_density", of = @m}, prob.entry = "log_density"}
// CHECK-LABEL: func.func private @lp_gradient(
// CHECK: return %{{.*}}, %{{.*}} : f64, tensor<?xf64>
func.func private @lp_gradient(tensor<?xf64>) -> (f64, tensor<?xf64>) attributes {prob.derive = {kind = "log_density_gradient", of = @m}}
// CHECK-LABEL: func.func private @plain(
// CHECK: return %{{.*}} : f64
func.func private @plain(tensor<?xf64>) -> f64 attributes {prob.derive = {kind = "log_density_plain", of = @m}}
// CHECK-LABEL: func.func private @trace(
// CHECK: math.exp
// CHECK-NEXT: prob.insert
// CHECK: return %{{.*}} : tensor<?xf64>
func.func private @trace(tensor<?xf64>) -> tensor<?xf64> attributes {prob.derive = {kind = "constrain", of = @m}}
// CHECK-LABEL: func.func private @reals(
// CHECK: %[[E:.*]] = prob.extract
// CHECK: %[[U:.*]] = math.log %[[E]]
// CHECK: prob.insert %[[U]]
func.func private @reals(tensor<?xf64>) -> tensor<?xf64> attributes {prob.derive = {kind = "unconstrain", of = @m}}
// CHECK-LABEL: func.func private @trace_lp(
// CHECK-NOT: math.exp
// CHECK: prob.extract
// CHECK: return %{{.*}} : f64
func.func private @trace_lp(tensor<?xf64>) -> f64 attributes {prob.derive = {kind = "trace_log_density", of = @m}}
// CHECK-LABEL: func.func private @simulated(
// CHECK: prob.uniform
// CHECK-NOT: prob.require
// CHECK: return
func.func private @simulated() -> tensor<?xf64> attributes {prob.derive = {kind = "simulate", of = @m}}
// CHECK-LABEL: func.func private @size(
// CHECK: %[[S:.*]] = prob.data @n : i64
// CHECK: return %[[S]] : i64
func.func private @size() -> i64 attributes {prob.derive = {kind = "dimension", of = @m}}

// A function of the program that asks for a log density, and its gradient.
// CHECK-LABEL: func.func private @kernel(
// CHECK: call @plain
func.func private @kernel(%u: tensor<?xf64>, %s: f64) -> f64 {
  %lp = call @plain(%u) : (tensor<?xf64>) -> f64
  %out = arith.mulf %lp, %s : f64
  return %out : f64
}
// CHECK-LABEL: func.func private @kernel_gradient(
// CHECK: return %{{.*}}, %{{.*}} : f64, f64
func.func private @kernel_gradient(tensor<?xf64>, f64) -> (f64, f64) attributes {prob.derive = {kind = "gradient", of = @kernel, wrt = [false, true]}}

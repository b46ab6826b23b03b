// RUN: borel-opt %s --pass=derive | FileCheck %s
// What is made of observed sites: a recurrence, which reads what it draws, and a row at a time.

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
  %x = arith.mulf %u, %mu : f64
  return %x : f64
}
func.func @shape() -> (i64, i64, i64, i64, i64) attributes {prob.entry = "shape"} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %none = arith.constant -1 : i64
  %n = prob.data @n : i64
  return %one, %one, %zero, %n, %none : i64, i64, i64, i64, i64
}
func.func @m() -> f64 attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 0 : i64},
                  {kind = "observed", type = "real", rank = 1 : i64}]} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2.0 : f64
  %n = prob.data @n : i64
  %data = prob.data @y : tensor<?xf64>
  %start = prob.observed %data : tensor<?xf64> site 1 -> tensor<?xf64>
  %x = prob.sample @logp(%two : f64) site 0 at 5 {sampler = @draw} : f64
  prob.for %i = %one to %n {
    %before = arith.subi %i, %one : i64
    %all = prob.observed %data : tensor<?xf64> site 1 -> tensor<?xf64>
    %last = prob.extract %all[%before] : tensor<?xf64> -> f64
    %mean = arith.addf %last, %x : f64
    %e = prob.extract %data[%i] : tensor<?xf64> -> f64
    prob.observe %e : f64 from @logp(%mean : f64) site 1 [%i] at 6 {sampler = @draw}
    prob.yield
  }
  return %x : f64
}

// CHECK-LABEL: func.func @predicted(
// CHECK-SAME: %[[X:.*]]: f64)
// CHECK: %[[DATA:.*]] = prob.data @y
// CHECK: prob.for {{.*}} carry(%[[C:.*]] = %[[DATA]] : tensor<?xf64>)
// CHECK: prob.extract %[[C]]
// CHECK: prob.uniform
// CHECK: %[[NEXT:.*]] = prob.insert %{{.*}} into %[[C]]
// CHECK: prob.yield carry(%[[NEXT]] : tensor<?xf64>)
func.func private @predicted(f64) -> tensor<?xf64> attributes {prob.derive = {kind = "predict", of = @m}, prob.entry = "predict"}
// CHECK-LABEL: func.func @terms(
// CHECK: %[[ZEROS:.*]] = prob.zeros
// CHECK: prob.for {{.*}} carry(%[[C:.*]] = %[[ZEROS]] : tensor<?xf64>)
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f64
// CHECK: prob.insert %{{.*}} into %[[C]]
func.func private @terms(f64) -> tensor<?xf64> attributes {prob.derive = {kind = "log_likelihood", of = @m}, prob.entry = "log_likelihood"}
// CHECK-LABEL: func.func @hv(
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : f64, tensor<?xf64>, tensor<?xf64>
func.func private @hv(tensor<?xf64>, tensor<?xf64>) -> (f64, tensor<?xf64>, tensor<?xf64>) attributes {prob.derive = {kind = "hessian_vector", of = @m}, prob.entry = "hessian_vector"}

// RUN: not borel-opt %s --pass=derive 2>&1 | FileCheck %s
func.func private @shape() -> (i64, i64, i64) {
  %zero = arith.constant 0 : i64
  return %zero, %zero, %zero : i64, i64, i64
}
func.func private @logp(f64) -> f64
func.func private @m() -> f64 attributes {prob.model, prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "real", rank = 0 : i64}]} {
  // CHECK: error: 'prob.sample' op has a distribution that cannot be simulated
  %x = prob.sample @logp() site 0 at 5 : f64
  return %x : f64
}
func.func private @simulated() -> f64 attributes {prob.derive = {kind = "simulate", of = @m}}

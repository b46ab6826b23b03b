// RUN: not borel-opt %s --pass=unconstrain 2>&1 | FileCheck %s
func.func private @shape() -> (i64, i64, i64) {
  %zero = arith.constant 0 : i64
  return %zero, %zero, %zero : i64, i64, i64
}
func.func @density(%k: i64) attributes {prob.shape = @shape,
    prob.sites = [{kind = "latent", type = "int", rank = 0 : i64}]} {
  // CHECK: error: 'prob.latent' op is discrete, so it has no unconstrained real
  %v = prob.latent %k : i64 site 0 at 1 : i64
  return
}

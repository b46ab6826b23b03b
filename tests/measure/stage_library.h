/// Distributions that random models with stops draw from and observe, as prob IR.
#pragma once

namespace borel::testing {

/// Distributions whose samplers take one uniform, two, or as many as it comes to. Particles weigh
/// nothing by what they draw, so that densities of draws matter nowhere.
inline constexpr const char* stage_library = R"(
func.func private @coin(%p: f64, %x: i64) -> f64 {
  %one = arith.constant 1 : i64
  %heads = arith.cmpi eq, %x, %one : i64
  %n = arith.negf %p : f64
  %l = math.log %p : f64
  %m = math.log1p %n : f64
  %r = arith.select %heads, %l, %m : f64
  return %r : f64
}
func.func private @coin.draw(%p: f64) -> i64 {
  %u = prob.uniform : f64
  %c = arith.cmpf olt, %u, %p : f64
  %r = arith.extui %c : i1 to i64
  return %r : i64
}
func.func private @flip(%p: f64, %x: i1) -> f64 {
  %l = math.log %p : f64
  %n = arith.negf %p : f64
  %m = math.log1p %n : f64
  %r = arith.select %x, %l, %m : f64
  return %r : f64
}
func.func private @flip.draw(%p: f64) -> i1 {
  %u = prob.uniform : f64
  %c = arith.cmpf olt, %u, %p : f64
  return %c : i1
}
func.func private @level(%a: f64, %x: f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  %ok = arith.cmpf oge, %x, %a : f64
  prob.require %ok at 1
  return %zero : f64
}
func.func private @level.draw(%a: f64) -> f64 {
  %u = prob.uniform : f64
  %r = arith.addf %a, %u : f64
  return %r : f64
}
// A second uniform where the first is small.
func.func private @spread(%a: f64, %x: f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  return %zero : f64
}
func.func private @spread.draw(%a: f64) -> f64 {
  %half = arith.constant 0.5 : f64
  %u = prob.uniform : f64
  %small = arith.cmpf olt, %u, %half : f64
  %r = scf.if %small -> f64 {
    %v = prob.uniform : f64
    %p = arith.mulf %v, %a : f64
    scf.yield %p : f64
  } else {
    %p = arith.subf %u, %a : f64
    scf.yield %p : f64
  }
  return %r : f64
}
func.func private @levels(%a: f64, %k: i64, %x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0.0 : f64
  return %zero : f64
}
func.func private @levels.draw(%a: f64, %k: i64) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %x = prob.for %i = %zero to %k map(f64) {
    %u = prob.uniform : f64
    %t = arith.sitofp %i : i64 to f64
    %s = arith.mulf %t, %a : f64
    %v = arith.addf %s, %u : f64
    prob.yield map(%v : f64)
  }
  return %x : tensor<?xf64>
}
// What is observed: possible only not far from its centre.
func.func private @bell(%mu: f64, %x: f64) -> f64 {
  %half = arith.constant -0.5 : f64
  %far = arith.constant 2.5 : f64
  %d = arith.subf %x, %mu : f64
  %a = math.absf %d : f64
  %ok = arith.cmpf olt, %a, %far : f64
  prob.require %ok at 2
  %q = arith.mulf %d, %d : f64
  %h = arith.mulf %q, %half : f64
  return %h : f64
}
)";

}  // namespace borel::testing

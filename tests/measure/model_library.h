/// Distributions and supports that random models draw from, as prob IR.
#pragma once

namespace borel::testing {

inline constexpr const char* model_library = R"(
func.func private @normal(%mu: f64, %s: f64, %x: f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  %half = arith.constant -0.5 : f64
  %ok = arith.cmpf ogt, %s, %zero : f64
  prob.require %ok at 1
  %d = arith.subf %x, %mu : f64
  %z = arith.divf %d, %s : f64
  %q = arith.mulf %z, %z : f64
  %h = arith.mulf %q, %half : f64
  %l = math.log %s : f64
  %r = arith.subf %h, %l : f64
  return %r : f64
}
func.func private @normal.draw(%mu: f64, %s: f64) -> f64 {
  %u = prob.uniform : f64
  %one = arith.constant 1.0 : f64
  %v = arith.subf %one, %u : f64
  %o = arith.divf %u, %v : f64
  %l = math.log %o : f64
  %t = arith.mulf %l, %s : f64
  %r = arith.addf %mu, %t : f64
  return %r : f64
}
func.func private @exponential(%rate: f64, %x: f64) -> f64 {
  %l = math.log %rate : f64
  %t = arith.mulf %rate, %x : f64
  %r = arith.subf %l, %t : f64
  return %r : f64
}
func.func private @exponential.draw(%rate: f64) -> f64 {
  %u = prob.uniform : f64
  %l = math.log %u : f64
  %n = arith.negf %l : f64
  %r = arith.divf %n, %rate : f64
  return %r : f64
}
func.func private @uniform(%a: f64, %b: f64, %x: f64) -> f64 {
  %ok = arith.cmpf olt, %a, %b : f64
  prob.require %ok at 2
  %w = arith.subf %b, %a : f64
  %l = math.log %w : f64
  %r = arith.negf %l : f64
  return %r : f64
}
func.func private @uniform.draw(%a: f64, %b: f64) -> f64 {
  %u = prob.uniform : f64
  %w = arith.subf %b, %a : f64
  %t = arith.mulf %w, %u : f64
  %r = arith.addf %a, %t : f64
  return %r : f64
}
func.func private @coin(%p: f64, %x: i64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %none = arith.constant 0xFFF0000000000000 : f64
  %heads = arith.cmpi eq, %x, %one : i64
  %r = scf.if %heads -> f64 {
    %l = math.log %p : f64
    scf.yield %l : f64
  } else {
    %tails = arith.cmpi eq, %x, %zero : i64
    %n = arith.negf %p : f64
    %l = math.log1p %n : f64
    %t = arith.select %tails, %l, %none : f64
    scf.yield %t : f64
  }
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
// 0, 1, 2 with weights 1, exp(a), exp(b).
func.func private @three(%a: f64, %b: f64, %x: i64) -> f64 {
  %three = arith.constant 3 : i64
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %z = prob.zeros(%three) : tensor<?xf64>
  %w1 = prob.insert %a into %z[%one] : f64 into tensor<?xf64>
  %w = prob.insert %b into %w1[%two] : f64 into tensor<?xf64>
  %total = prob.for %i = %zero to %three sum(f64) {
    %v = prob.extract %w[%i] : tensor<?xf64> -> f64
    %e = math.exp %v : f64
    prob.yield sum(%e : f64)
  }
  %v = prob.extract %w[%x] : tensor<?xf64> -> f64
  %l = math.log %total : f64
  %r = arith.subf %v, %l : f64
  return %r : f64
}
func.func private @three.draw(%a: f64, %b: f64) -> i64 {
  %u = prob.uniform : f64
  %c = arith.cmpf olt, %u, %a : f64
  %d = arith.cmpf olt, %u, %b : f64
  %x = arith.extui %c : i1 to i64
  %y = arith.extui %d : i1 to i64
  %r = arith.addi %x, %y : i64
  return %r : i64
}
func.func private @normals(%mu: f64, %s: f64, %x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %start = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %r = prob.for %i = %zero to %n carry(%t = %start : f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %l = func.call @normal(%mu, %s, %v) : (f64, f64, f64) -> f64
    %next = arith.addf %t, %l : f64
    prob.yield carry(%next : f64)
  }
  return %r : f64
}
func.func private @shares(%c: f64, %x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %r = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %l = math.log %v : f64
    %t = arith.mulf %c, %l : f64
    prob.yield sum(%t : f64)
  }
  return %r : f64
}
func.func private @lower(%lo: f64, %u: f64) -> (f64, f64) {
  %e = math.exp %u : f64
  %x = arith.addf %lo, %e : f64
  return %x, %u : f64, f64
}
func.func private @lower.inverse(%lo: f64, %x: f64) -> f64 {
  %d = arith.subf %x, %lo : f64
  %u = math.log %d : f64
  return %u : f64
}
func.func private @interval(%lo: f64, %hi: f64, %u: f64) -> (f64, f64) {
  %one = arith.constant 1.0 : f64
  %n = arith.negf %u : f64
  %e = math.exp %n : f64
  %o = arith.addf %one, %e : f64
  %s = arith.divf %one, %o : f64
  %w = arith.subf %hi, %lo : f64
  %t = arith.mulf %w, %s : f64
  %x = arith.addf %lo, %t : f64
  %r = arith.subf %one, %s : f64
  %q = arith.mulf %s, %r : f64
  %v = arith.mulf %w, %q : f64
  %j = math.log %v : f64
  return %x, %j : f64, f64
}
func.func private @interval.inverse(%lo: f64, %hi: f64, %x: f64) -> f64 {
  %a = arith.subf %x, %lo : f64
  %b = arith.subf %hi, %x : f64
  %o = arith.divf %a, %b : f64
  %u = math.log %o : f64
  return %u : f64
}
func.func private @ordered(%u: tensor<?xf64>) -> (tensor<?xf64>, f64) {
  %zero = arith.constant 0 : i64
  %start = arith.constant 0.0 : f64
  %n = prob.dim %u 0 : tensor<?xf64>
  %last, %x, %j = prob.for %i = %zero to %n carry(%before = %start : f64) map(f64) sum(f64) {
    %v = prob.extract %u[%i] : tensor<?xf64> -> f64
    %first = arith.cmpi eq, %i, %zero : i64
    %e = math.exp %v : f64
    %s = arith.addf %before, %e : f64
    %y = arith.select %first, %v, %s : f64
    %l = arith.select %first, %start, %v : f64
    prob.yield carry(%y : f64) map(%y : f64) sum(%l : f64)
  }
  return %x, %j : tensor<?xf64>, f64
}
func.func private @ordered.inverse(%x: tensor<?xf64>) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %start = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %last, %u = prob.for %i = %zero to %n carry(%before = %start : f64) map(f64) {
    %y = prob.extract %x[%i] : tensor<?xf64> -> f64
    %first = arith.cmpi eq, %i, %zero : i64
    %d = arith.subf %y, %before : f64
    %l = math.log %d : f64
    %v = arith.select %first, %y, %l : f64
    prob.yield carry(%y : f64) map(%v : f64)
  }
  return %u : tensor<?xf64>
}
// n reals to n + 1 shares; the density is of the first n.
func.func private @simplex(%u: tensor<?xf64>) -> (tensor<?xf64>, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %unit = arith.constant 1.0 : f64
  %n = prob.dim %u 0 : tensor<?xf64>
  %size = arith.addi %n, %one : i64
  %s = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %u[%i] : tensor<?xf64> -> f64
    %e = math.exp %v : f64
    prob.yield sum(%e : f64)
  }
  %total = arith.addf %s, %unit : f64
  %x, %j = prob.for %i = %zero to %size map(f64) sum(f64) {
    %inside = arith.cmpi slt, %i, %n : i64
    %w = scf.if %inside -> f64 {
      %v = prob.extract %u[%i] : tensor<?xf64> -> f64
      %e = math.exp %v : f64
      scf.yield %e : f64
    } else {
      scf.yield %unit : f64
    }
    %share = arith.divf %w, %total : f64
    %l = math.log %share : f64
    prob.yield map(%share : f64) sum(%l : f64)
  }
  return %x, %j : tensor<?xf64>, f64
}
func.func private @simplex.inverse(%x: tensor<?xf64>) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %size = prob.dim %x 0 : tensor<?xf64>
  %n = arith.subi %size, %one : i64
  %last = prob.extract %x[%n] : tensor<?xf64> -> f64
  %u = prob.for %i = %zero to %n map(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %r = arith.divf %v, %last : f64
    %l = math.log %r : f64
    prob.yield map(%l : f64)
  }
  return %u : tensor<?xf64>
}
)";

}  // namespace borel::testing

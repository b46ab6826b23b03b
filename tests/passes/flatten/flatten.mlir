// RUN: borel-opt %s --pass=flatten | FileCheck %s
// RUN: borel-opt %s --pass=flatten,simplify | FileCheck %s --check-prefix=SIMPLE

// The sum of log(exp(a) + exp(b)), guarded where both are -infinity: with simplify, a sum of maxima
// and one of logarithms.
// CHECK-LABEL: func.func @mixture
// CHECK-NOT: scf.if
// CHECK: %[[E:.*]] = math.exp
// CHECK: %[[S:.*]] = arith.select %{{.*}}, %[[M:.*]], %{{.*}} : f64
// CHECK: prob.yield sum(%[[S]] : f64)
// SIMPLE-LABEL: func.func @mixture
// SIMPLE: prob.for {{.*}} sum(f64, f64) {
// SIMPLE: %[[M:.*]] = arith.maximumf
// SIMPLE: %[[X:.*]] = arith.select
// SIMPLE: %[[L:.*]] = math.log1p %[[X]]
// SIMPLE: prob.yield sum(%[[M]], %[[L]] : f64, f64)
func.func @mixture(%a: tensor<?xf64>, %b: tensor<?xf64>) -> f64 {
  %c0 = arith.constant 0 : i64
  %infinite = arith.constant 0xFFF0000000000000 : f64
  %n = prob.dim %a 0 : tensor<?xf64>
  %s = prob.for %i = %c0 to %n sum(f64) {
    %x = prob.extract %a[%i] : tensor<?xf64> -> f64
    %y = prob.extract %b[%i] : tensor<?xf64> -> f64
    %m = arith.maximumf %x, %y : f64
    %none = arith.cmpf oeq, %m, %infinite : f64
    %v = scf.if %none -> f64 {
      scf.yield %m : f64
    } else {
      %d = arith.subf %x, %y : f64
      %e = math.absf %d : f64
      %f = arith.negf %e : f64
      %g = math.exp %f : f64
      %l = math.log1p %g : f64
      %t = arith.addf %m, %l : f64
      scf.yield %t : f64
    }
    prob.yield sum(%v : f64)
  }
  return %s : f64
}

// What the branch keeps in range stays, as does what a recurrence needs, and what does not vary.
// CHECK-LABEL: func.func @stays
// CHECK-COUNT-3: scf.if
func.func @stays(%a: tensor<?xf64>, %q: i1) -> (tensor<?xf64>, f64, f64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %zero = arith.constant 0.0 : f64
  %n = prob.dim %a 0 : tensor<?xf64>
  %m, %u = prob.for %i = %c0 to %n map(f64) sum(f64) {
    %first = arith.cmpi eq, %i, %c0 : i64
    %v = scf.if %first -> f64 {
      scf.yield %zero : f64
    } else {
      %k = arith.subi %i, %c1 : i64
      %w = prob.extract %a[%k] : tensor<?xf64> -> f64
      scf.yield %w : f64
    }
    %x = scf.if %q -> f64 {
      %y = math.sin %v : f64
      scf.yield %y : f64
    } else {
      scf.yield %zero : f64
    }
    prob.yield map(%v : f64) sum(%x : f64)
  }
  %c = prob.for %i = %c0 to %n carry(%s = %zero : f64) {
    %w = prob.extract %m[%i] : tensor<?xf64> -> f64
    %p = arith.cmpf ogt, %w, %s : f64
    %r = scf.if %p -> f64 {
      %y = math.sin %s : f64
      scf.yield %y : f64
    } else {
      scf.yield %w : f64
    }
    prob.yield carry(%r : f64)
  }
  return %m, %c, %u : tensor<?xf64>, f64, f64
}

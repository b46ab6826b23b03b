// RUN: borel-opt %s --pass=sweep | FileCheck %s
// What no result needs goes, with calls that do nothing besides; effects and checks of their own stay.

func.func private @deep(%n: i64, %x: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %end = arith.cmpi eq, %n, %zero : i64
  %r = scf.if %end -> f64 {
    scf.yield %x : f64
  } else {
    %less = arith.subi %n, %one : i64
    %inner = func.call @deep(%less, %x) : (i64, f64) -> f64
    scf.yield %inner : f64
  }
  return %r : f64
}
func.func private @draws() -> f64 {
  %u = prob.uniform : f64
  return %u : f64
}

// CHECK-LABEL: func.func @f(
// CHECK-NOT: @deep
// CHECK: prob.fault
// CHECK: call @draws
// CHECK: %[[S:.*]] = prob.for {{.*}} sum(f64) {
// CHECK-NOT: prob.insert
// CHECK: prob.extract
// CHECK-NEXT: prob.yield sum
// CHECK: return %[[S]]
func.func @f(%n: i64, %x: tensor<?xf64>, %q: i1) -> f64 {
  %zero = arith.constant 0 : i64
  %w = arith.constant 1.0 : f64
  prob.fault %q kind 5 at 0
  %u = call @draws() : () -> f64
  %a0 = prob.zeros(%n) : tensor<?xf64>
  %a, %m, %s = prob.for %i = %zero to %n carry(%c = %a0 : tensor<?xf64>) map(f64) sum(f64) {
    %e = prob.extract %x[%i] {place = 3 : i64} : tensor<?xf64> -> f64
    %d = func.call @deep(%i, %e) : (i64, f64) -> f64
    %next = prob.insert %d into %c[%i] : f64 into tensor<?xf64>
    prob.yield carry(%next : tensor<?xf64>) map(%d : f64) sum(%e : f64)
  }
  %unused = scf.if %q -> f64 {
    prob.fault %q kind 5 at 1
    %d = func.call @deep(%n, %w) : (i64, f64) -> f64
    scf.yield %d : f64
  } else {
    scf.yield %w : f64
  }
  return %s : f64
}

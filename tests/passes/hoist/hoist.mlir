// RUN: borel-opt %s --pass=hoist,cse,canonicalize | FileCheck %s

prob.slot "size" @N : i64
prob.slot "size" @K : i64
prob.slot "input" @X : tensor<?x?xi64> {dims = [@N, @K]}
prob.slot "input" @y : tensor<?xf64> {dims = [@N]}
prob.slot "input" @group : tensor<?xi64> {dims = [@N]}
// CHECK-DAG: prob.slot "hoisted" @borel.h[[XR:[0-9]+]] : tensor<?x?xf64> {dims = [@N, @K]}
// CHECK-DAG: prob.slot "hoisted" @borel.h[[LY:[0-9]+]] : tensor<?xf64> {dims = [@N]}
// CHECK-DAG: prob.slot "hoisted" @borel.h[[SLY:[0-9]+]] : f64
// CHECK-DAG: prob.slot "hoisted" @borel.h[[TAIL:[0-9]+]] : i64
// CHECK-DAG: prob.slot "hoisted" @borel.h[[TX:[0-9]+]] : tensor<?xf64> {dims = [@borel.h[[TAIL]]]}

// CHECK-LABEL: func.func @density
// CHECK-SAME: %[[A:.*]]: tensor<?xf64>, %[[B:.*]]: tensor<?xf64>
func.func @density(%a: tensor<?xf64>, %b: tensor<?xf64>) -> (f64, f64) {
  // CHECK-DAG: %[[DXR:.*]] = prob.data @borel.h[[XR]]
  // CHECK-DAG: %[[DLY:.*]] = prob.data @borel.h[[LY]]
  // CHECK-DAG: %[[DSLY:.*]] = prob.data @borel.h[[SLY]]
  // CHECK: %[[S:.*]] = prob.for %[[I:.*]] = {{.*}} sum(f64) {
  // CHECK-DAG: prob.extract %[[DLY]][%[[I]]]
  // CHECK: prob.for %[[J:.*]] = {{.*}} sum(f64) {
  // CHECK: prob.extract %[[DXR]][%[[I]], %[[J]]]
  // CHECK-NOT: sitofp
  // A plain read of data and an offset stay.
  // CHECK: %[[GI:.*]] = prob.extract %{{.*}}[%[[I]]] : tensor<?xi64> -> i64
  // CHECK: arith.subi %[[GI]]
  // CHECK-NOT: math.log
  // CHECK: return %[[S]], %[[DSLY]]
  %n = prob.data @N : i64
  %k = prob.data @K : i64
  %x = prob.data @X : tensor<?x?xi64>
  %y = prob.data @y : tensor<?xf64>
  %g = prob.data @group : tensor<?xi64>
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %s:2 = prob.for %i = %c0 to %n sum(f64, f64) {
    %mu = prob.for %j = %c0 to %k sum(f64) {
      %xi = prob.extract %x[%i, %j] : tensor<?x?xi64> -> i64
      %xr = arith.sitofp %xi : i64 to f64
      %bj = prob.extract %b[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %xr, %bj : f64
      prob.yield sum(%p : f64)
    }
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %gj = arith.subi %gi, %c1 : i64
    %ai = prob.extract %a[%gj] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %ly = math.log %yi : f64
    %m = arith.addf %mu, %ai : f64
    %d = arith.subf %ly, %m : f64
    prob.yield sum(%d, %ly : f64, f64)
  }
  return %s#0, %s#1 : f64, f64
}

// What two functions compute is computed once, although in loops of their own.
// CHECK-LABEL: func.func @again
func.func @again(%u: f64) -> f64 {
  // CHECK-NOT: prob.for
  // CHECK: %[[D:.*]] = prob.data @borel.h[[SLY]]
  // CHECK: arith.mulf %{{.*}}, %[[D]]
  %n = prob.data @N : i64
  %y = prob.data @y : tensor<?xf64>
  %c0 = arith.constant 0 : i64
  %s = prob.for %i = %c0 to %n sum(f64) {
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %ly = math.log %yi : f64
    prob.yield sum(%ly : f64)
  }
  %t = arith.mulf %u, %s : f64
  return %t : f64
}

// A recurrence reads what data alone gives; a range from 1 makes an array of N - 1.
// CHECK-LABEL: func.func @recurrence
func.func @recurrence(%a: f64) -> f64 {
  // CHECK: %[[D:.*]] = prob.data @borel.h[[TX]]
  // CHECK: prob.for %[[I:.*]] = {{.*}} carry(
  // CHECK-NOT: sqrt
  // CHECK: %[[AT:.*]] = arith.subi %[[I]]
  // CHECK: prob.extract %[[D]][%[[AT]]]
  %n = prob.data @N : i64
  %y = prob.data @y : tensor<?xf64>
  %c1 = arith.constant 1 : i64
  %s = prob.for %i = %c1 to %n carry(%c = %a : f64) {
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %r = math.sqrt %yi : f64
    %p = arith.mulf %c, %a : f64
    %q = arith.addf %p, %r : f64
    prob.yield carry(%q : f64)
  }
  return %s : f64
}

// An access that may fault stays where the program has it.
// CHECK-LABEL: func.func @checked
func.func @checked(%a: f64) -> f64 {
  // CHECK: prob.extract {{.*}} {place = 3 : i64}
  // CHECK: math.exp
  %y = prob.data @y : tensor<?xf64>
  %c5 = arith.constant 5 : i64
  %v = prob.extract %y[%c5] {place = 3 : i64} : tensor<?xf64> -> f64
  %e = math.exp %v : f64
  %r = arith.mulf %e, %a : f64
  return %r : f64
}

// CHECK-LABEL: func.func @borel.bind() ->
// CHECK-COUNT-1: math.log
// CHECK-NOT: math.log
// CHECK: return

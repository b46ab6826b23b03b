// RUN: borel-opt %s --pass=condense | FileCheck %s

prob.slot "size" @n : i64
prob.slot "size" @k : i64
prob.slot "input" @x : tensor<?xf64> {dims = [@n]}
prob.slot "input" @y : tensor<?xf64> {dims = [@n]}
prob.slot "input" @g : tensor<?xi64> {dims = [@n], prob.below = @k}
prob.slot "input" @h : tensor<?xi64> {dims = [@n]}

// The columns 1, x and y; what parameters there are is no longer in any loop.
// CHECK-LABEL: func.func @regression
func.func @regression(%a: f64, %b: f64) -> (f64, f64) {
  // CHECK: %[[GROUP:.*]], %[[C:.*]] = prob.for %[[I:.*]] = {{.*}} into(%{{.*}} = %{{.*}} : tensor<?x?xf64>) map(i64) {
  // CHECK: prob.add_at %{{.*}} into
  // CHECK: %[[X:.*]] = prob.extract %{{.*}}[%[[I]]]
  // CHECK: prob.add_at %[[X]] into
  // CHECK: %[[Y:.*]] = prob.extract %{{.*}}[%[[I]]]
  // CHECK: prob.add_at %[[Y]] into
  // CHECK: %[[R:.*]]:2 = prob.for {{.*}} carry(%{{.*}} = %[[C]] : tensor<?x?xf64>, %{{.*}} : tensor<?x?x?xf64>) {
  // CHECK: math.sqrt
  // CHECK: %[[A:.*]] = arith.negf %arg0
  // CHECK: %[[B:.*]] = arith.negf %arg1
  // CHECK: prob.extract %[[R]]#1
  // CHECK-NOT: prob.for
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %n = prob.data @n : i64
  %x = prob.data @x : tensor<?xf64>
  %y = prob.data @y : tensor<?xf64>
  %s:2 = prob.for %i = %c0 to %n sum(f64, f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %bx = arith.mulf %b, %xi : f64
    %m = arith.addf %a, %bx : f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %d = arith.subf %yi, %m : f64
    %dd = arith.mulf %d, %d : f64
    %dx = arith.mulf %d, %xi : f64
    prob.yield sum(%dd, %dx : f64, f64)
  }
  return %s#0, %s#1 : f64, f64
}

// A loop over the groups in place of the one over the data.
// CHECK-LABEL: func.func @groups
func.func @groups(%a: tensor<?xf64>, %t: tensor<?xf64>) -> (f64, tensor<?xf64>) {
  // CHECK: %[[K:.*]] = prob.data @k : i64
  // CHECK: %[[GROUPS:.*]] = arith.maxsi %[[K]]
  // CHECK: %[[SUM:.*]], %[[INTO:.*]] = prob.for %[[G:.*]] = %{{.*}} to %[[GROUPS]] into(%[[T:.*]] = %arg1 : tensor<?xf64>) sum(f64) {
  // CHECK: prob.extract %arg0[%[[G]]]
  // CHECK: prob.add_at %{{.*}} into %[[T]][%[[G]]]
  // CHECK: return %[[SUM]], %[[INTO]]
  %c0 = arith.constant 0 : i64
  %n = prob.data @n : i64
  %y = prob.data @y : tensor<?xf64>
  %g = prob.data @g : tensor<?xi64>
  %s, %into = prob.for %i = %c0 to %n into(%u = %t : tensor<?xf64>) sum(f64) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %m = prob.extract %a[%gi] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %d = arith.subf %yi, %m : f64
    %dd = arith.mulf %d, %d : f64
    %v = prob.add_at %d into %u[%gi] : f64 into tensor<?xf64>
    prob.yield sum(%dd : f64) into(%v : tensor<?xf64>)
  }
  return %s, %into : f64, tensor<?xf64>
}

// No bound is known for the groups.
// CHECK-LABEL: func.func @unbounded
func.func @unbounded(%a: tensor<?xf64>) -> f64 {
  // CHECK: prob.for
  // CHECK-NOT: math.sqrt
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %n = prob.data @n : i64
  %y = prob.data @y : tensor<?xf64>
  %h = prob.data @h : tensor<?xi64>
  %s = prob.for %i = %c0 to %n sum(f64) {
    %gi = prob.extract %h[%i] : tensor<?xi64> -> i64
    %m = prob.extract %a[%gi] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %d = arith.subf %yi, %m : f64
    %dd = arith.mulf %d, %d : f64
    prob.yield sum(%dd : f64)
  }
  return %s : f64
}

// A parameter for every place, and what is not linear.
// CHECK-LABEL: func.func @others
func.func @others(%a: tensor<?xf64>, %b: f64) -> (f64, f64) {
  // CHECK: prob.for
  // CHECK: prob.for
  // CHECK-NOT: math.sqrt
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %n = prob.data @n : i64
  %x = prob.data @x : tensor<?xf64>
  %s = prob.for %i = %c0 to %n sum(f64) {
    %m = prob.extract %a[%i] : tensor<?xf64> -> f64
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %d = arith.subf %xi, %m : f64
    %dd = arith.mulf %d, %d : f64
    prob.yield sum(%dd : f64)
  }
  %t = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %bx = arith.mulf %b, %xi : f64
    %e = math.exp %bx : f64
    prob.yield sum(%e : f64)
  }
  return %s, %t : f64, f64
}

// An index that is checked elsewhere may be outside for a group that no data have.
// CHECK-LABEL: func.func @checked
func.func @checked(%a: tensor<?xf64>, %t: tensor<?xf64>, %b: f64) -> (f64, tensor<?xf64>) {
  // CHECK-NOT: math.sqrt
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %n = prob.data @n : i64
  %g = prob.data @g : tensor<?xi64>
  %s = prob.for %i = %c0 to %n sum(f64) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %before = arith.subi %gi, %c1 : i64
    %m = prob.extract %a[%before] {place = 0 : i64} : tensor<?xf64> -> f64
    prob.yield sum(%m : f64)
  }
  %into = prob.for %i = %c0 to %n into(%u = %t : tensor<?xf64>) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %before = arith.subi %gi, %c1 : i64
    %v = prob.add_at %b into %u[%before] : f64 into tensor<?xf64>
    prob.yield into(%v : tensor<?xf64>)
  }
  return %s, %into : f64, tensor<?xf64>
}

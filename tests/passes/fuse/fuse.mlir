// RUN: borel-opt %s --pass=fuse | FileCheck %s

// Producer and consumer: the array between them goes.
// CHECK-LABEL: func.func @through_a_map
func.func @through_a_map(%x: tensor<?xf64>, %n: i64) -> f64 {
  // CHECK: %[[S:.*]] = prob.for %[[I:.*]] = {{.*}} sum(f64) {
  // CHECK-NEXT: %[[XI:.*]] = prob.extract %{{.*}}[%[[I]]]
  // CHECK-NEXT: %[[E:.*]] = math.exp %[[XI]]
  // CHECK-NEXT: %[[R:.*]] = math.sqrt %[[E]]
  // CHECK-NEXT: prob.yield sum(%[[R]] : f64)
  // CHECK-NEXT: }
  // CHECK-NEXT: return %[[S]]
  %c0 = arith.constant 0 : i64
  %m = prob.for %i = %c0 to %n map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    prob.yield map(%e : f64)
  }
  %s = prob.for %i = %c0 to %n sum(f64) {
    %mi = prob.extract %m[%i] : tensor<?xf64> -> f64
    %r = math.sqrt %mi : f64
    prob.yield sum(%r : f64)
  }
  return %s : f64
}

// The map is kept where it is used elsewhere; rows are handed over too; the range need not start
// at 0.
// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<?x?xf64>, %n: i64, %k: i64) -> (tensor<?x?xf64>, f64) {
  // CHECK: %[[M:.*]], %[[S:.*]] = prob.for %[[I:.*]] = {{.*}} map(tensor<?xf64>) sum(f64) {
  // CHECK: %[[ROW:.*]] = prob.for
  // CHECK: prob.extract %[[ROW]][%{{.*}}] : tensor<?xf64> -> f64
  // CHECK: prob.yield map(%[[ROW]] : tensor<?xf64>) sum(
  // CHECK: return %[[M]], %[[S]]
  %c0 = arith.constant 0 : i64
  %c3 = arith.constant 3 : i64
  %m = prob.for %i = %c3 to %n map(tensor<?xf64>) {
    %row = prob.for %j = %c0 to %k map(f64) {
      %xij = prob.extract %x[%i, %j] : tensor<?x?xf64> -> f64
      %e = math.exp %xij : f64
      prob.yield map(%e : f64)
    }
    prob.yield map(%row : tensor<?xf64>)
  }
  %s = prob.for %i = %c3 to %n sum(f64) {
    %at = arith.subi %i, %c3 : i64
    %t = prob.for %j = %c0 to %at sum(f64) {
      %mij = prob.extract %m[%at, %j] : tensor<?x?xf64> -> f64
      prob.yield sum(%mij : f64)
    }
    prob.yield sum(%t : f64)
  }
  return %m, %s : tensor<?x?xf64>, f64
}

// Independent plates merge, and what lies between and depends on the first moves behind.
// CHECK-LABEL: func.func @side_by_side
func.func @side_by_side(%x: tensor<?xf64>, %n: i64) -> (f64, f64) {
  // CHECK: prob.for
  // CHECK: prob.yield sum(%{{.*}}, %{{.*}} : f64, f64)
  // CHECK-NOT: prob.for
  // CHECK: math.log
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %a = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    prob.yield sum(%xi : f64)
  }
  %l = math.log %a : f64
  %b = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    prob.yield sum(%e : f64)
  }
  return %l, %b : f64, f64
}

// A consumer of a sum stays behind it, and takes a third plate along.
// CHECK-LABEL: func.func @barrier
func.func @barrier(%x: tensor<?xf64>, %n: i64) -> (f64, f64) {
  // CHECK: %[[A:.*]] = prob.for
  // CHECK: %[[L:.*]] = math.log %[[A]]
  // CHECK: prob.for
  // CHECK: arith.mulf %{{.*}}, %[[L]]
  %c0 = arith.constant 0 : i64
  %a = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    prob.yield sum(%xi : f64)
  }
  %l = math.log %a : f64
  %b = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = arith.mulf %xi, %l : f64
    prob.yield sum(%e : f64)
  }
  return %l, %b : f64, f64
}

// Reading another iteration's element, or another range, forbids it.
// CHECK-LABEL: func.func @other_places
func.func @other_places(%x: tensor<?xf64>, %n: i64, %k: i64) -> (f64, f64) {
  // CHECK: prob.for
  // CHECK: prob.for
  // CHECK: prob.for
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %last = arith.subi %n, %c1 : i64
  %m = prob.for %i = %c0 to %n map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    prob.yield map(%e : f64)
  }
  %s = prob.for %i = %c0 to %n sum(f64) {
    %at = arith.subi %last, %i : i64
    %mi = prob.extract %m[%at] : tensor<?xf64> -> f64
    prob.yield sum(%mi : f64)
  }
  %t = prob.for %i = %c0 to %k sum(f64) {
    %mi = prob.extract %m[%i] : tensor<?xf64> -> f64
    prob.yield sum(%mi : f64)
  }
  return %s, %t : f64, f64
}

// Loops that add to one array share the accumulator; a single addition in between moves behind.
// CHECK-LABEL: func.func @one_accumulator
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[G:.*]]: tensor<?xi64>, %[[N:.*]]: i64, %[[Z:.*]]: tensor<?xf64>, %[[V:.*]]: f64
func.func @one_accumulator(%x: tensor<?xf64>, %g: tensor<?xi64>, %n: i64, %z: tensor<?xf64>, %v: f64)
    -> tensor<?xf64> {
  // CHECK: %[[R:.*]] = prob.for {{.*}} into(%[[P:.*]] = %[[Z]] : tensor<?xf64>) {
  // CHECK: %[[P1:.*]] = prob.add_at %{{.*}} into %[[P]][
  // CHECK: %[[P2:.*]] = prob.add_at %{{.*}} into %[[P1]][
  // CHECK: prob.yield into(%[[P2]] : tensor<?xf64>)
  // CHECK: %[[S:.*]] = prob.add_at %[[V]] into %[[R]][
  // CHECK: return %[[S]]
  %c0 = arith.constant 0 : i64
  %a = prob.for %i = %c0 to %n into(%p = %z : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %p1 = prob.add_at %xi into %p[%gi] : f64 into tensor<?xf64>
    prob.yield into(%p1 : tensor<?xf64>)
  }
  %b = prob.add_at %v into %a[%c0] : f64 into tensor<?xf64>
  %c = prob.for %i = %c0 to %n into(%p = %b : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %p1 = prob.add_at %xi into %p[%i] : f64 into tensor<?xf64>
    prob.yield into(%p1 : tensor<?xf64>)
  }
  return %c : tensor<?xf64>
}

// A plate between the two that needs the first moves behind and then merges itself.
// CHECK-LABEL: func.func @three
func.func @three(%x: tensor<?xf64>, %n: i64) -> (f64, f64, f64) {
  // CHECK: prob.for
  // CHECK: prob.yield sum(%{{.*}}, %{{.*}}, %{{.*}} : f64, f64, f64)
  // CHECK-NOT: prob.for
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %m, %a = prob.for %i = %c0 to %n map(f64) sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    prob.yield map(%e : f64) sum(%xi : f64)
  }
  %b = prob.for %i = %c0 to %n sum(f64) {
    %mi = prob.extract %m[%i] : tensor<?xf64> -> f64
    prob.yield sum(%mi : f64)
  }
  %c = prob.for %i = %c0 to %n sum(f64) {
    %mi = prob.extract %m[%i] : tensor<?xf64> -> f64
    %r = math.sqrt %mi : f64
    prob.yield sum(%r : f64)
  }
  return %a, %b, %c : f64, f64, f64
}

// Draws and scores keep their order: a loop with an effect is no plate.
// CHECK-LABEL: func.func @effects
func.func @effects(%x: tensor<?xf64>, %n: i64) -> f64 {
  // CHECK: prob.for
  // CHECK: prob.score
  // CHECK: prob.for
  %c0 = arith.constant 0 : i64
  prob.for %i = %c0 to %n {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    prob.score %xi : f64 at 1
    prob.yield
  }
  %b = prob.for %i = %c0 to %n sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    prob.yield sum(%xi : f64)
  }
  return %b : f64
}

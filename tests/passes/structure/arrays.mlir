// RUN: borel-opt %s --pass=structure,canonicalize,cse | FileCheck %s

prob.slot "size" @T : i64
prob.slot "input" @y : tensor<?xf64> {dims = [@T]}

// Every element written once, and read after that.
// CHECK-LABEL: func.func @map
func.func @map(%n: i64, %a: f64) -> (tensor<?xf64>, f64) {
  // CHECK: %[[M:.*]], %[[S:.*]] = prob.for %[[I:.*]] = {{.*}} map(f64) sum(f64) {
  // CHECK: %[[R:.*]] = arith.sitofp %[[I]]
  // CHECK: %[[E:.*]] = math.exp %[[R]]
  // CHECK: prob.yield map(%[[R]] : f64) sum(%[[E]] : f64)
  // CHECK: return %[[M]]
  %c0 = arith.constant 0 : i64
  %zero = arith.constant 0.0 : f64
  %z = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n carry(%c = %z : tensor<?xf64>, %s = %zero : f64) {
    %v = arith.sitofp %i : i64 to f64
    %c1 = prob.insert %v into %c[%i] {place = 7 : i64} : f64 into tensor<?xf64>
    %w = prob.extract %c1[%i] {place = 8 : i64} : tensor<?xf64> -> f64
    %e = math.exp %w : f64
    %s1 = arith.addf %s, %e : f64
    prob.yield carry(%c1, %s1 : tensor<?xf64>, f64)
  }
  return %r#0, %r#1 : tensor<?xf64>, f64
}

// Two indices, two loops: a map of maps.
// CHECK-LABEL: func.func @matrix
func.func @matrix(%n: i64, %k: i64, %a: f64) -> tensor<?x?xf64> {
  // CHECK: %[[M:.*]] = prob.for {{.*}} map(tensor<?xf64>) {
  // CHECK: %[[R:.*]] = prob.for {{.*}} map(f64) {
  // CHECK: prob.yield map(%{{.*}} : f64)
  // CHECK: prob.yield map(%[[R]] : tensor<?xf64>)
  // CHECK: return %[[M]]
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%n, %k) : tensor<?x?xf64>
  %r = prob.for %i = %c0 to %n carry(%c = %z : tensor<?x?xf64>) {
    %q = prob.for %j = %c0 to %k carry(%d = %c : tensor<?x?xf64>) {
      %t = arith.muli %i, %j : i64
      %v = arith.sitofp %t : i64 to f64
      %d1 = prob.insert %v into %d[%i, %j] : f64 into tensor<?x?xf64>
      prob.yield carry(%d1 : tensor<?x?xf64>)
    }
    prob.yield carry(%q : tensor<?x?xf64>)
  }
  return %r : tensor<?x?xf64>
}

// Read one and two places back: carried scalars. The two elements before the loop's are kept.
// CHECK-LABEL: func.func @lags
// CHECK-SAME: %[[A:.*]]: f64, %[[B:.*]]: f64
func.func @lags(%a: f64, %b: f64) -> tensor<?xf64> {
  // CHECK: prob.for %[[I:.*]] = %{{.*}} to %[[T:.*]] carry(%[[L1:.*]] = %[[B]] : f64, %[[L2:.*]] = %[[A]] : f64) map(f64) {
  // CHECK: %[[V:.*]] = arith.addf %[[L1]], %[[L2]]
  // CHECK: prob.yield carry(%[[V]], %[[L1]] : f64, f64) map(%[[V]] : f64)
  // The whole array.
  // CHECK: prob.for %[[K:.*]] = %{{.*}} to %[[T]] map(f64) {
  // CHECK: %[[EARLY:.*]] = arith.cmpi slt, %[[K]]
  // CHECK: scf.if %[[EARLY]]
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %n = prob.data @T : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %z1 = prob.insert %a into %z[%c0] {place = 1 : i64} : f64 into tensor<?xf64>
  %z2 = prob.insert %b into %z1[%c1] {place = 2 : i64} : f64 into tensor<?xf64>
  %r = prob.for %i = %c2 to %n carry(%c = %z2 : tensor<?xf64>) {
    %i1 = arith.subi %i, %c1 : i64
    %i2 = arith.subi %i, %c2 : i64
    %x1 = prob.extract %c[%i1] {place = 3 : i64} : tensor<?xf64> -> f64
    %x2 = prob.extract %c[%i2] {place = 4 : i64} : tensor<?xf64> -> f64
    %v = arith.addf %x1, %x2 : f64
    %s = prob.insert %v into %c[%i] {place = 5 : i64} : f64 into tensor<?xf64>
    prob.yield carry(%s : tensor<?xf64>)
  }
  return %r : tensor<?xf64>
}

// A row that depends on the row before: a carried row.
// CHECK-LABEL: func.func @rows
func.func @rows(%k: i64, %first: tensor<?xf64>, %p: tensor<?x?xf64>) -> f64 {
  // CHECK: prob.for %{{.*}} carry(%[[ROW:.*]] = %{{.*}} : tensor<?xf64>) map(tensor<?xf64>) {
  // CHECK: %[[NEXT:.*]] = prob.for {{.*}} map(f64) {
  // CHECK: prob.for {{.*}} sum(f64) {
  // CHECK: prob.extract %[[ROW]][%{{.*}}]
  // CHECK: prob.yield carry(%[[NEXT]] : tensor<?xf64>) map(%[[NEXT]] : tensor<?xf64>)
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %zero = arith.constant 0.0 : f64
  %t = prob.data @T : i64
  %z = prob.zeros(%t, %k) : tensor<?x?xf64>
  %g0 = prob.insert %first into %z[%c0] : tensor<?xf64> into tensor<?x?xf64>
  %r = prob.for %i = %c1 to %t carry(%c = %g0 : tensor<?x?xf64>) {
    %before = arith.subi %i, %c1 : i64
    %q = prob.for %j = %c0 to %k carry(%d = %c : tensor<?x?xf64>) {
      %s = prob.for %l = %c0 to %k carry(%acc = %zero : f64) {
        %dl = prob.extract %d[%before, %l] : tensor<?x?xf64> -> f64
        %plj = prob.extract %p[%l, %j] : tensor<?x?xf64> -> f64
        %m = arith.mulf %dl, %plj : f64
        %acc1 = arith.addf %acc, %m : f64
        prob.yield carry(%acc1 : f64)
      }
      %d1 = prob.insert %s into %d[%i, %j] : f64 into tensor<?x?xf64>
      prob.yield carry(%d1 : tensor<?x?xf64>)
    }
    prob.yield carry(%q : tensor<?x?xf64>)
  }
  %last = arith.subi %t, %c1 : i64
  %v = prob.extract %r[%last, %c0] {place = 9 : i64} : tensor<?x?xf64> -> f64
  return %v : f64
}

// Added to elements in any order.
// CHECK-LABEL: func.func @histogram
func.func @histogram(%g: tensor<?xi64>, %n: i64, %start: tensor<?xf64>) -> tensor<?xf64> {
  // CHECK: prob.for {{.*}} into(%[[H:.*]] = %{{.*}} : tensor<?xf64>) {
  // CHECK: %[[G:.*]] = prob.extract
  // CHECK: prob.add_at %{{.*}} into %[[H]][%[[G]]]
  %c0 = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %r = prob.for %i = %c0 to %n carry(%h = %start : tensor<?xf64>) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %v = prob.extract %h[%gi] : tensor<?xf64> -> f64
    %w = arith.addf %v, %one : f64
    %h1 = prob.insert %w into %h[%gi] : f64 into tensor<?xf64>
    prob.yield carry(%h1 : tensor<?xf64>)
  }
  return %r : tensor<?xf64>
}

// Written on either branch of an if; written on one, the rest stays.
// CHECK-LABEL: func.func @branches
func.func @branches(%n: i64, %start: tensor<?xf64>, %a: f64) -> (tensor<?xf64>, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} map(f64, f64) {
  // CHECK-NOT: prob.insert
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %c3 = arith.constant 3 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n carry(%c = %z : tensor<?xf64>, %d = %z : tensor<?xf64>) {
    %p = arith.cmpi slt, %i, %c3 : i64
    %both, %one = scf.if %p -> (tensor<?xf64>, tensor<?xf64>) {
      %e = math.exp %a : f64
      %c1 = prob.insert %e into %c[%i] : f64 into tensor<?xf64>
      %d1 = prob.insert %e into %d[%i] : f64 into tensor<?xf64>
      scf.yield %c1, %d1 : tensor<?xf64>, tensor<?xf64>
    } else {
      %c1 = prob.insert %a into %c[%i] : f64 into tensor<?xf64>
      scf.yield %c1, %d : tensor<?xf64>, tensor<?xf64>
    }
    prob.yield carry(%both, %one : tensor<?xf64>, tensor<?xf64>)
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<?xf64>
}

// Not filled place by place: read at a place that the data choose, or written there.
// CHECK-LABEL: func.func @kept
func.func @kept(%g: tensor<?xi64>, %n: i64, %a: f64) -> (tensor<?xf64>, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} carry({{.*}}, {{.*}}) {
  // CHECK: prob.insert
  // CHECK: prob.insert
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n carry(%c = %z : tensor<?xf64>, %d = %z : tensor<?xf64>) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %x = prob.extract %c[%gi] : tensor<?xf64> -> f64
    %v = arith.addf %x, %a : f64
    %c1 = prob.insert %v into %c[%i] : f64 into tensor<?xf64>
    %d1 = prob.insert %v into %d[%gi] : f64 into tensor<?xf64>
    prob.yield carry(%c1, %d1 : tensor<?xf64>, tensor<?xf64>)
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<?xf64>
}

// Filled column by column: the loops change places, and it is filled row by row.
// CHECK-LABEL: func.func @transposed
// CHECK-SAME: %[[N:.*]]: i64, %[[K:.*]]: i64
func.func @transposed(%n: i64, %k: i64, %x: tensor<?xf64>) -> tensor<?x?xf64> {
  // CHECK: %[[M:.*]] = prob.for %[[J:.*]] = %{{.*}} to %[[K]] map(tensor<?xf64>) {
  // CHECK: %[[R:.*]] = prob.for %[[I:.*]] = %{{.*}} to %[[N]] map(f64) {
  // CHECK: prob.extract %{{.*}}[%[[I]]]
  // CHECK: prob.yield map(%{{.*}} : f64)
  // CHECK: prob.yield map(%[[R]] : tensor<?xf64>)
  // CHECK: return %[[M]]
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%k, %n) : tensor<?x?xf64>
  %r = prob.for %i = %c0 to %n carry(%c = %z : tensor<?x?xf64>) {
    %w = prob.extract %x[%i] : tensor<?xf64> -> f64
    %q = prob.for %j = %c0 to %k carry(%d = %c : tensor<?x?xf64>) {
      %y = arith.sitofp %j : i64 to f64
      %v = arith.addf %y, %w : f64
      %d1 = prob.insert %v into %d[%j, %i] : f64 into tensor<?x?xf64>
      prob.yield carry(%d1 : tensor<?x?xf64>)
    }
    prob.yield carry(%q : tensor<?x?xf64>)
  }
  return %r : tensor<?x?xf64>
}

// The iterations read what others wrote: their order stays.
// CHECK-LABEL: func.func @not_transposed
// CHECK-SAME: %[[N:.*]]: i64, %[[K:.*]]: i64
func.func @not_transposed(%n: i64, %k: i64) -> tensor<?x?xf64> {
  // CHECK: prob.for %{{.*}} = %{{.*}} to %[[N]] carry(%{{.*}} : tensor<?x?xf64>) {
  // CHECK: prob.for %{{.*}} = %{{.*}} to %[[K]]
  %c0 = arith.constant 0 : i64
  %z = prob.zeros(%k, %n) : tensor<?x?xf64>
  %r = prob.for %i = %c0 to %n carry(%c = %z : tensor<?x?xf64>) {
    %q = prob.for %j = %c0 to %k carry(%d = %c : tensor<?x?xf64>) {
      %y = arith.sitofp %j : i64 to f64
      %w = prob.extract %d[%c0, %c0] : tensor<?x?xf64> -> f64
      %v = arith.addf %y, %w : f64
      %d1 = prob.insert %v into %d[%j, %i] : f64 into tensor<?x?xf64>
      prob.yield carry(%d1 : tensor<?x?xf64>)
    }
    prob.yield carry(%q : tensor<?x?xf64>)
  }
  return %r : tensor<?x?xf64>
}

// An element whose sum is wanted for more than the array is no mere addition into it.
// CHECK-LABEL: func.func @sum_read_elsewhere
func.func @sum_read_elsewhere(%x: tensor<?xf64>, %n: i64) -> (tensor<?xf64>, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} map(f64, f64) {
  // CHECK: %[[S:.*]] = arith.addf
  // CHECK: prob.yield map(%[[S]], %[[S]] : f64, f64)
  %c0 = arith.constant 0 : i64
  %a = prob.zeros(%n) : tensor<?xf64>
  %b = prob.zeros(%n) : tensor<?xf64>
  %r:2 = prob.for %i = %c0 to %n carry(%c = %a : tensor<?xf64>, %d = %b : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %old = prob.extract %c[%i] : tensor<?xf64> -> f64
    %s = arith.addf %old, %xi : f64
    %c1 = prob.insert %s into %c[%i] : f64 into tensor<?xf64>
    %d1 = prob.insert %s into %d[%i] : f64 into tensor<?xf64>
    prob.yield carry(%c1, %d1 : tensor<?xf64>, tensor<?xf64>)
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<?xf64>
}

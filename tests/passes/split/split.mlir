// RUN: borel-opt %s --pass=split,canonicalize,cse | FileCheck %s

// Work that the recurrence waits for goes before it, work that waits for it behind; the loop keeps
// the steps from carry to carry.
// CHECK-LABEL: func.func @both
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[B:.*]]: f64
func.func @both(%x: tensor<?xf64>, %n: i64, %b: f64) -> f64 {
  // CHECK: %[[Q:.*]] = prob.for {{.*}} map(f64) {
  // CHECK: math.exp
  // CHECK: prob.yield map(
  // CHECK: %{{.*}}, %[[V:.*]] = prob.for %[[I:.*]] = {{.*}} carry(%[[C:.*]] = %[[B]] : f64) map(f64) {
  // CHECK-NOT: math.
  // CHECK-DAG: %[[QI:.*]] = prob.extract %[[Q]][%[[I]]]
  // CHECK-DAG: %[[P:.*]] = arith.mulf %[[C]], %[[B]]
  // CHECK-DAG: %[[NEXT:.*]] = arith.addf %[[P]], %[[QI]]
  // CHECK: prob.yield carry(%[[NEXT]] : f64) map(%[[NEXT]] : f64)
  // CHECK: %[[S:.*]] = prob.for %[[J:.*]] = {{.*}} sum(f64) {
  // CHECK: %[[VJ:.*]] = prob.extract %[[V]][%[[J]]]
  // CHECK: %[[L:.*]] = math.log %[[VJ]]
  // CHECK: prob.yield sum(%[[L]] : f64)
  // CHECK: return %[[S]]
  %c0 = arith.constant 0 : i64
  %last, %s = prob.for %i = %c0 to %n carry(%c = %b : f64) sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %p = arith.mulf %c, %b : f64
    %next = arith.addf %p, %e : f64
    %l = math.log %next : f64
    prob.yield carry(%next : f64) sum(%l : f64)
  }
  return %s : f64
}

// A few additions hide behind the recurrence: no arrays for them.
// CHECK-LABEL: func.func @cheap
func.func @cheap(%x: tensor<?xf64>, %n: i64, %b: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(
  // CHECK-NOT: prob.for
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %last, %s = prob.for %i = %c0 to %n carry(%c = %b : f64) sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %d = arith.subf %xi, %b : f64
    %p = arith.mulf %c, %b : f64
    %next = arith.addf %p, %d : f64
    %q = arith.mulf %next, %next : f64
    prob.yield carry(%next : f64) sum(%q : f64)
  }
  return %s : f64
}

// Sums, maps and intos that need no recurrence leave with what is behind it; a range from 2.
// CHECK-LABEL: func.func @along
func.func @along(%x: tensor<?xf64>, %g: tensor<?xi64>, %n: i64, %b: f64, %z: tensor<?xf64>)
    -> (f64, f64, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} carry(%{{.*}} = %{{.*}} : f64) map(f64) {
  // CHECK-NOT: math.
  // CHECK: prob.for {{.*}} into({{.*}}) sum(f64, f64) {
  // CHECK: prob.yield sum(
  // CHECK-NOT: prob.for
  %c2 = arith.constant 2 : i64
  %last, %s:2, %a = prob.for %i = %c2 to %n carry(%c = %b : f64) into(%h = %z : tensor<?xf64>)
      sum(f64, f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %next = arith.mulf %c, %xi : f64
    %l = math.log %next : f64
    %e = math.exp %xi : f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %h1 = prob.add_at %l into %h[%gi] : f64 into tensor<?xf64>
    prob.yield carry(%next : f64) sum(%l, %e : f64, f64) into(%h1 : tensor<?xf64>)
  }
  return %s#0, %s#1, %a : f64, f64, tensor<?xf64>
}

// Backwards, and values of the carry before the step.
// CHECK-LABEL: func.func @backwards
func.func @backwards(%x: tensor<?xf64>, %n: i64, %b: f64) -> (tensor<?xf64>, f64) {
  // CHECK: %{{.*}}, %[[C:.*]] = prob.for {{.*}} reverse carry(%[[V:.*]] = {{.*}}) map(f64) {
  // CHECK: prob.yield carry(%{{.*}} : f64) map(%[[V]] : f64)
  // CHECK: %[[E:.*]] = prob.for {{.*}} map(f64) {
  // CHECK: prob.extract %[[C]][
  // CHECK: math.exp
  %c0 = arith.constant 0 : i64
  %last, %m = prob.for %i = %c0 to %n reverse carry(%c = %b : f64) map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %next = arith.mulf %c, %xi : f64
    %e = math.exp %c : f64
    prob.yield carry(%next : f64) map(%e : f64)
  }
  return %m, %last : tensor<?xf64>, f64
}

// Draws stay in order: a loop with effects is left alone.
// CHECK-LABEL: func.func @effects
func.func @effects(%x: tensor<?xf64>, %n: i64, %b: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(
  // CHECK: math.exp
  // CHECK: prob.score
  // CHECK-NOT: prob.for
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %last = prob.for %i = %c0 to %n carry(%c = %b : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    prob.score %e : f64 at 1
    %next = arith.mulf %c, %e : f64
    prob.yield carry(%next : f64)
  }
  return %last : f64
}

// A carry that only hands on what the step before made of the recurrence is made anew behind it.
// CHECK-LABEL: func.func @delay
// CHECK-SAME: %[[Y:.*]]: tensor<?xf64>, %[[N:.*]]: i64, %[[B:.*]]: f64, %[[S0:.*]]: f64
func.func @delay(%y: tensor<?xf64>, %n: i64, %b: f64, %s0: f64) -> f64 {
  // CHECK: prob.for {{.*}} carry(%{{.*}} = %[[B]] : f64) map(f64) {
  // CHECK-NOT: math.
  // CHECK: prob.for %[[J:.*]] = {{.*}} sum(f64) {
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[J]]
  // CHECK: %[[S:.*]] = scf.if %[[FIRST]] -> (f64) {
  // CHECK: scf.yield %[[S0]]
  // CHECK: math.sqrt
  // CHECK: arith.divf %{{.*}}, %[[S]]
  %c0 = arith.constant 0 : i64
  %v_last, %s_last, %t = prob.for %i = %c0 to %n carry(%v = %b : f64, %s = %s0 : f64) sum(f64) {
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %z = arith.divf %yi, %s : f64
    %l = math.log %s : f64
    %q = arith.addf %z, %l : f64
    %p = arith.mulf %v, %b : f64
    %next = arith.addf %p, %yi : f64
    %root = math.sqrt %next : f64
    prob.yield carry(%next, %root : f64, f64) sum(%q : f64)
  }
  return %t : f64
}

// An into that is added to on a branch of the recurrence stays in the loop with all its additions.
// CHECK-LABEL: func.func @into_on_a_branch
func.func @into_on_a_branch(%x: tensor<?xf64>, %g: tensor<?xi64>, %n: i64, %b: f64,
                            %z: tensor<?xf64>) -> (f64, tensor<?xf64>) {
  // CHECK: prob.for {{.*}} carry({{.*}}) into(
  // CHECK: %[[H:.*]] = prob.add_at
  // CHECK: scf.if
  // CHECK: prob.add_at %{{.*}} into %[[H]]
  // CHECK: prob.yield carry({{.*}}) into(
  %c0 = arith.constant 0 : i64
  %last, %a = prob.for %i = %c0 to %n carry(%c = %b : f64) into(%h = %z : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %xi : f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %h1 = prob.add_at %e into %h[%gi] : f64 into tensor<?xf64>
    %p = arith.cmpf ogt, %c, %e : f64
    %c1, %h2 = scf.if %p -> (f64, tensor<?xf64>) {
      %l = math.log %c : f64
      %h3 = prob.add_at %l into %h1[%i] : f64 into tensor<?xf64>
      scf.yield %l, %h3 : f64, tensor<?xf64>
    } else {
      %s = math.sin %c : f64
      scf.yield %s, %h1 : f64, tensor<?xf64>
    }
    prob.yield carry(%c1 : f64) into(%h2 : tensor<?xf64>)
  }
  return %last, %a : f64, tensor<?xf64>
}

// Rows of one length are handed on as an array of two dimensions; of rows that each iteration makes
// as long as it likes there is none.
// CHECK-LABEL: func.func @rows_of_one_length
func.func @rows_of_one_length(%x: tensor<?xf64>, %n: i64, %m: i64, %b: f64) -> f64 {
  // CHECK: prob.for {{.*}} map(tensor<?xf64>)
  // CHECK: prob.for {{.*}} carry(
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %last = prob.for %i = %c0 to %n carry(%c = %b : f64) {
    %row = prob.for %j = %c0 to %m map(f64) {
      %k = arith.addi %i, %j : i64
      %xk = prob.extract %x[%k] : tensor<?xf64> -> f64
      %e = math.exp %xk : f64
      prob.yield map(%e : f64)
    }
    %next = prob.for %j = %c0 to %m carry(%d = %c : f64) {
      %r = prob.extract %row[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %d, %r : f64
      %q = arith.addf %p, %b : f64
      prob.yield carry(%q : f64)
    }
    prob.yield carry(%next : f64)
  }
  return %last : f64
}

// CHECK-LABEL: func.func @ragged_rows
func.func @ragged_rows(%x: tensor<?xf64>, %n: i64, %m: i64, %b: f64) -> f64 {
  // CHECK-NOT: map(tensor<?xf64>)
  // CHECK: return
  %c0 = arith.constant 0 : i64
  %last = prob.for %i = %c0 to %n carry(%c = %b : f64) {
    %left = arith.subi %m, %i : i64
    %row = prob.for %j = %c0 to %left map(f64) {
      %k = arith.addi %i, %j : i64
      %xk = prob.extract %x[%k] : tensor<?xf64> -> f64
      %e = math.exp %xk : f64
      prob.yield map(%e : f64)
    }
    %next = prob.for %j = %c0 to %left carry(%d = %c : f64) {
      %r = prob.extract %row[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %d, %r : f64
      %q = arith.addf %p, %b : f64
      prob.yield carry(%q : f64)
    }
    prob.yield carry(%next : f64)
  }
  return %last : f64
}

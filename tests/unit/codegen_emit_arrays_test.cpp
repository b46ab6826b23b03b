// Arrays: updates in place, loops and branches that carry arrays, calls, recursion, space, faults.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/core/philox.h"
#include "tests/unit/codegen_emit_support.h"

namespace borel::codegen {
namespace {

using testing::as_array;
using testing::int_array;
using testing::make_array;
using testing::real_array;

Datum ramp(std::int64_t n, double step = 1) {
  std::vector<double> list;
  for (std::int64_t i = 0; i < n; ++i) list.push_back(1 + step * static_cast<double>(i));
  return real_array(list);
}

const std::int64_t zero = 0;

TEST(Arrays, UpdatesInALoopAreInPlace) {
  CompiledIr ir(R"(
func.func @f(%n: i64) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %f1 = arith.constant 1.0 : f64
  %z = prob.zeros(%n) : tensor<?xf64>
  %start = prob.insert %f1 into %z[%zero] : f64 into tensor<?xf64>
  %r = prob.for %i = %one to %n carry(%a = %start : tensor<?xf64>) {
    %j = arith.subi %i, %one : i64
    %p = prob.extract %a[%j] : tensor<?xf64> -> f64
    %q = arith.addf %p, %f1 : f64
    %b = prob.insert %q into %a[%i] : f64 into tensor<?xf64>
    prob.yield carry(%b : tensor<?xf64>)
  }
  return %r : tensor<?xf64>
})");
  for (const std::int64_t n : {1, 2, 9, 100}) ir.expect_same("f", {n});
  EXPECT_EQ(ir.count_in("f", "call void @borel.copy"), 0) << ir.llvm_ir();
}

TEST(Arrays, AnOldValueThatIsStillUsedIsKept) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %i: i64) -> (tensor<?xf64>, tensor<?xf64>, f64) {
  %f9 = arith.constant 9.0 : f64
  %f5 = arith.constant 5.0 : f64
  %a = prob.insert %f9 into %x[%i] : f64 into tensor<?xf64>
  %b = prob.insert %f5 into %a[%i] : f64 into tensor<?xf64>
  %old = prob.extract %a[%i] : tensor<?xf64> -> f64
  %argument = prob.extract %x[%i] : tensor<?xf64> -> f64
  %s = arith.addf %old, %argument : f64
  return %a, %b, %s : tensor<?xf64>, tensor<?xf64>, f64
})");
  ir.expect_same("f", {ramp(11), std::int64_t{3}});
  EXPECT_EQ(ir.count_in("f", "call void @borel.copy"), 2);
}

TEST(Arrays, CarriesThatChangePlaces) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %y: tensor<?xf64>, %n: i64) -> (tensor<?xf64>, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %a, %b = prob.for %i = %zero to %n carry(%p = %x : tensor<?xf64>, %q = %y : tensor<?xf64>) {
    %e = prob.extract %p[%zero] : tensor<?xf64> -> f64
    %f = arith.addf %e, %e : f64
    %q2 = prob.insert %f into %q[%zero] : f64 into tensor<?xf64>
    prob.yield carry(%q2, %p : tensor<?xf64>, tensor<?xf64>)
  }
  return %b, %a : tensor<?xf64>, tensor<?xf64>
})");
  for (const std::int64_t n : {0, 1, 2, 5}) ir.expect_same("f", {ramp(10), ramp(10, 0.5), n});
}

// Copies into what a loop carries happen at once, also where the frame is shared.
TEST(Arrays, CarriesThatStartFromOneAnother) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %n: i64) -> (f64, f64, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %m = prob.dim %x 0 : tensor<?xf64>
  %r:4 = scf.while (%k = %zero, %a = %x, %b = %x, %c = %x)
      : (i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>)
      -> (i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>) {
    %go = arith.cmpi slt, %k, %n : i64
    scf.condition(%go) %k, %a, %b, %c : i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
  } do {
  ^bb0(%k: i64, %a: tensor<?xf64>, %b: tensor<?xf64>, %c: tensor<?xf64>):
    %ea = prob.extract %a[%zero] : tensor<?xf64> -> f64
    %eb = prob.extract %b[%zero] : tensor<?xf64> -> f64
    %odd = arith.cmpf ogt, %ea, %eb : f64
    %p = arith.select %odd, %b, %a : tensor<?xf64>
    %q = arith.select %odd, %c, %b : tensor<?xf64>
    %s:4 = scf.while (%j = %zero, %d = %p, %e = %q, %f = %p)
        : (i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>)
        -> (i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>) {
      %go = arith.cmpi slt, %j, %k : i64
      scf.condition(%go) %j, %d, %e, %f : i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
    } do {
    ^bb0(%j: i64, %d: tensor<?xf64>, %e: tensor<?xf64>, %f: tensor<?xf64>):
      %g = prob.for %i = %zero to %m map(f64) {
        %u = prob.extract %d[%i] : tensor<?xf64> -> f64
        %v = prob.extract %e[%i] : tensor<?xf64> -> f64
        %w = arith.subf %u, %v : f64
        %h = arith.subf %w, %ea : f64
        prob.yield map(%h : f64)
      }
      %j1 = arith.addi %j, %one : i64
      scf.yield %j1, %e, %g, %d : i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
    }
    %t:3 = scf.if %odd -> (tensor<?xf64>, tensor<?xf64>, tensor<?xf64>) {
      %y = arith.select %odd, %s#3, %a : tensor<?xf64>
      scf.yield %s#2, %y, %s#1 : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
    } else {
      scf.yield %b, %s#1, %s#2 : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
    }
    %k1 = arith.addi %k, %one : i64
    scf.yield %k1, %t#1, %t#2, %t#0 : i64, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
  }
  %u = prob.extract %r#1[%zero] : tensor<?xf64> -> f64
  %v = prob.extract %r#2[%one] : tensor<?xf64> -> f64
  %w = prob.extract %r#3[%zero] : tensor<?xf64> -> f64
  return %u, %v, %w : f64, f64, f64
})");
  for (const std::int64_t n : {0, 1, 2, 3, 4, 5, 6, 7}) ir.expect_same("f", {ramp(10, -0.7), n});
}

// The new value of one carry may have the memory that another carry no longer needed.
TEST(Arrays, CarriesThatMoveOn) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %n: i64) -> (f64, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %m = prob.dim %x 0 : tensor<?xf64>
  %last = arith.subi %m, %one : i64
  %r:2 = prob.for %k = %zero to %n carry(%b = %x : tensor<?xf64>, %a = %x : tensor<?xf64>) {
    %e = prob.extract %b[%one] : tensor<?xf64> -> f64
    %y = prob.for %i = %zero to %m map(f64) {
      %j = arith.subi %last, %i : i64
      %u = prob.extract %a[%j] : tensor<?xf64> -> f64
      %v = arith.subf %u, %e : f64
      prob.yield map(%v : f64)
    }
    prob.yield carry(%a, %y : tensor<?xf64>, tensor<?xf64>)
  }
  %u = prob.extract %r#0[%zero] : tensor<?xf64> -> f64
  %v = prob.extract %r#1[%one] : tensor<?xf64> -> f64
  return %u, %v : f64, f64
})");
  for (const std::int64_t n : {0, 1, 2, 3, 7}) ir.expect_same("f", {ramp(10), n});
}

TEST(Arrays, WhileWithArraysAndBranches) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %limit: f64) -> (tensor<?xf64>, i64, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %half = arith.constant 0.5 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %r:2 = scf.while (%a = %x, %k = %zero) : (tensor<?xf64>, i64) -> (tensor<?xf64>, i64) {
    %s = prob.for %i = %zero to %n sum(f64) {
      %e = prob.extract %a[%i] : tensor<?xf64> -> f64
      prob.yield sum(%e : f64)
    }
    %go = arith.cmpf ogt, %s, %limit : f64
    scf.condition(%go) %a, %k : tensor<?xf64>, i64
  } do {
  ^bb0(%a: tensor<?xf64>, %k: i64):
    %odd = arith.remsi %k, %two : i64
    %even = arith.cmpi eq, %odd, %zero : i64
    %next = scf.if %even -> tensor<?xf64> {
      %m = prob.for %i = %zero to %n map(f64) {
        %e = prob.extract %a[%i] : tensor<?xf64> -> f64
        %h = arith.mulf %e, %half : f64
        prob.yield map(%h : f64)
      }
      scf.yield %m : tensor<?xf64>
    } else {
      %e = prob.extract %a[%zero] : tensor<?xf64> -> f64
      %h = arith.mulf %e, %half : f64
      %m = prob.insert %h into %a[%zero] : f64 into tensor<?xf64>
      scf.yield %m : tensor<?xf64>
    }
    %k1 = arith.addi %k, %one : i64
    scf.yield %next, %k1 : tensor<?xf64>, i64
  }
  %first = prob.extract %x[%zero] : tensor<?xf64> -> f64
  return %r#0, %r#1, %first : tensor<?xf64>, i64, f64
})");
  for (const double limit : {1e9, 10.0, 0.1}) ir.expect_same("f", {ramp(20), limit});
}

TEST(Arrays, RowsAndViews) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?x?xf64>, %k: i64) -> (tensor<?x?xf64>, tensor<?xf64>, tensor<?x?xf64>, f64) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?x?xf64>
  %m = prob.dim %x 1 : tensor<?x?xf64>
  %rows, %dots = prob.for %i = %zero to %n map(tensor<?xf64>, f64) {
    %row = prob.extract %x[%i] : tensor<?x?xf64> -> tensor<?xf64>
    %first = prob.extract %x[%k] : tensor<?x?xf64> -> tensor<?xf64>
    %r, %s = prob.for %j = %zero to %m map(f64) sum(f64) {
      %a = prob.extract %row[%j] : tensor<?xf64> -> f64
      %b = prob.extract %first[%j] : tensor<?xf64> -> f64
      %c = arith.mulf %a, %b : f64
      prob.yield map(%c : f64) sum(%c : f64)
    }
    prob.yield map(%r, %s : tensor<?xf64>, f64)
  }
  %row = prob.extract %x[%k] : tensor<?x?xf64> -> tensor<?xf64>
  %y = prob.insert %row into %rows[%zero] : tensor<?xf64> into tensor<?x?xf64>
  %z = prob.zeros(%n, %m) : tensor<?x?xf64>
  %acc = prob.for %i = %zero to %n into(%t = %z : tensor<?x?xf64>) {
    %own = prob.extract %x[%i] : tensor<?x?xf64> -> tensor<?xf64>
    %t1 = prob.add_at %own into %t[%k] : tensor<?xf64> into tensor<?x?xf64>
    prob.yield into(%t1 : tensor<?x?xf64>)
  }
  %e = prob.extract %y[%k, %zero] : tensor<?x?xf64> -> f64
  return %y, %dots, %acc, %e : tensor<?x?xf64>, tensor<?xf64>, tensor<?x?xf64>, f64
})");
  for (const std::int64_t m : {1, 5, 8, 17}) {
    Datum x = ramp(6 * m, 0.25);
    ir.expect_same("f", {make_array({6, m}, as_array(x).elements), std::int64_t{2}});
  }
  EXPECT_EQ(ir.count_in("f", "call void @borel.copy"), 1) << ir.llvm_ir();
}

const char* const tree = R"(
func.func private @grow(%x: tensor<?xf64>, %depth: i64) -> (tensor<?xf64>, f64, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %half = arith.constant 0.5 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %leaf = arith.cmpi eq, %depth, %zero : i64
  %r:3 = scf.if %leaf -> (tensor<?xf64>, f64, i64) {
    %m, %s = prob.for %i = %zero to %n map(f64) sum(f64) {
      %e = prob.extract %x[%i] : tensor<?xf64> -> f64
      %h = arith.mulf %e, %half : f64
      prob.yield map(%h : f64) sum(%h : f64)
    }
    scf.yield %m, %s, %one : tensor<?xf64>, f64, i64
  } else {
    %d = arith.subi %depth, %one : i64
    %a:3 = func.call @grow(%x, %d) : (tensor<?xf64>, i64) -> (tensor<?xf64>, f64, i64)
    %b:3 = func.call @grow(%a#0, %d) : (tensor<?xf64>, i64) -> (tensor<?xf64>, f64, i64)
    %m = prob.for %i = %zero to %n map(f64) {
      %e = prob.extract %a#0[%i] : tensor<?xf64> -> f64
      %f = prob.extract %b#0[%i] : tensor<?xf64> -> f64
      %g = arith.addf %e, %f : f64
      prob.yield map(%g : f64)
    }
    %s = arith.addf %a#1, %b#1 : f64
    %k = arith.addi %a#2, %b#2 : i64
    scf.yield %m, %s, %k : tensor<?xf64>, f64, i64
  }
  return %r#0, %r#1, %r#2 : tensor<?xf64>, f64, i64
}
func.func @f(%x: tensor<?xf64>, %depth: i64) -> (tensor<?xf64>, f64, i64) {
  %a:3 = func.call @grow(%x, %depth) : (tensor<?xf64>, i64) -> (tensor<?xf64>, f64, i64)
  return %a#0, %a#1, %a#2 : tensor<?xf64>, f64, i64
})";

TEST(Arrays, RecursionTakesSpaceFromTheWorkspace) {
  CompiledIr ir(tree);
  for (const std::int64_t depth : {0, 1, 5}) ir.expect_same("f", {ramp(10), depth});
  const std::vector<Datum> arguments{ramp(100), std::int64_t{4}};
  const std::vector<Datum> expected = ir.interpret("f", arguments);
  ir.workspace = 64;
  int tries = 0;
  for (Outcome outcome = ir.run("f", arguments, &expected); outcome.status != BOREL_OK; ++tries) {
    ASSERT_EQ(outcome.status, BOREL_NEED_SPACE);
    ASSERT_GT(outcome.needed, static_cast<std::int64_t>(ir.workspace));
    ASSERT_LT(outcome.needed, 100000);
    ir.workspace = static_cast<std::size_t>(outcome.needed);
    outcome = ir.run("f", arguments, &expected);
  }
  EXPECT_GT(tries, 0);
  ir.expect_same("f", arguments);
}

TEST(Arrays, StateIsUpdatedInPlace) {
  CompiledIr ir(R"(
func.func @step(%k: i64, %u: tensor<?xf64>, %v: tensor<?xf64>) -> (i64, tensor<?xf64>, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %n = prob.dim %u 0 : tensor<?xf64>
  %w = prob.for %i = %zero to %n map(f64) {
    %e = prob.extract %u[%i] : tensor<?xf64> -> f64
    %f = prob.extract %v[%i] : tensor<?xf64> -> f64
    %g = arith.addf %e, %f : f64
    prob.yield map(%g : f64)
  }
  %s = prob.for %i = %zero to %n sum(f64) {
    %e = prob.extract %w[%i] : tensor<?xf64> -> f64
    prob.yield sum(%e : f64)
  }
  %v1 = prob.insert %s into %v[%zero] : f64 into tensor<?xf64>
  %k1 = arith.addi %k, %one : i64
  return %k1, %w, %v1 : i64, tensor<?xf64>, tensor<?xf64>
}
func.func @swap(%u: tensor<?xf64>, %v: tensor<?xf64>) -> (tensor<?xf64>, tensor<?xf64>) {
  return %v, %u : tensor<?xf64>, tensor<?xf64>
}
func.func @maybe(%u: tensor<?xf64>, %c: i1) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %n = prob.dim %u 0 : tensor<?xf64>
  %last = arith.constant 3 : i64
  %w = prob.for %i = %zero to %n map(f64) {
    %e = prob.extract %u[%i] : tensor<?xf64> -> f64
    %j = arith.subi %last, %i : i64
    %f = prob.extract %u[%j] : tensor<?xf64> -> f64
    %g = arith.mulf %e, %f : f64
    prob.yield map(%g : f64)
  }
  %r = scf.if %c -> tensor<?xf64> {
    scf.yield %w : tensor<?xf64>
  } else {
    scf.yield %u : tensor<?xf64>
  }
  return %r : tensor<?xf64>
})",
                0, {"step", "swap", "maybe"});
  ir.expect_same("step", {std::int64_t{4}, ramp(19), ramp(19, 0.5)});
  EXPECT_EQ(ir.count_in("step", "call void @borel.copy"), 0) << ir.llvm_ir();
  EXPECT_EQ(ir.count_in("step", "workspace"), 0);
  ir.expect_same("swap", {ramp(19), ramp(19, 0.5)});
  for (const bool c : {false, true}) ir.expect_same("maybe", {ramp(4), c});
  EXPECT_EQ(ir.count_in("maybe", "call void @borel.copy"), 1)
      << "one copy, where the new value is accepted";
}

// Rows of a state that are taken in another order and then all replaced go where the state is;
// where one stays, what is there comes along.
TEST(Arrays, RowsThatAreAllReplacedAreNotCopied) {
  const std::string start = R"((%x: tensor<?x?xf64>, %order: tensor<?xf64>, %c: i1)
    -> (tensor<?x?xf64>, tensor<?xf64>) attributes {prob.entry = "step"} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %n = prob.dim %x 1 : tensor<?x?xf64>
  %taken = prob.for %f = %zero to %two map(tensor<?xf64>) {
    %row = prob.for %i = %zero to %n map(f64) {
      %real = prob.extract %order[%i] : tensor<?xf64> -> f64
      %j = arith.fptosi %real {prob.place = 2 : i64} : f64 to i64
      %e = prob.extract %x[%f, %j] {place = 1} : tensor<?x?xf64> -> f64
      prob.yield map(%e : f64)
    }
    prob.yield map(%row : tensor<?xf64>)
  }
  %r = scf.if %c -> tensor<?x?xf64> {
    %a, %b = prob.for %i = %zero to %n map(f64, f64) {
      %p = prob.extract %taken[%zero, %i] : tensor<?x?xf64> -> f64
      %q = prob.extract %taken[%one, %i] : tensor<?x?xf64> -> f64
      %s = arith.addf %p, %q : f64
      %d = arith.subf %p, %q : f64
      prob.yield map(%s, %d : f64, f64)
    }
)",
                    end = R"(
    scf.yield %z : tensor<?x?xf64>
  } else {
    scf.yield %taken : tensor<?x?xf64>
  }
  return %r, %order : tensor<?x?xf64>, tensor<?xf64>
}
)";
  const std::string begin = R"(
prob.slot "size" @n : i64
func.func @begin() -> (tensor<?x?xf64>, tensor<?xf64>) attributes {prob.entry = "init"} {
  %two = arith.constant 2 : i64
  %n = prob.data @n : i64
  %x = prob.zeros(%two, %n) : tensor<?x?xf64>
  %order = prob.zeros(%n) : tensor<?xf64>
  return %x, %order : tensor<?x?xf64>, tensor<?xf64>
}
)";
  CompiledIr ir(begin + "func.func @all" + start + R"(
    %y = prob.insert %a into %taken[%zero] : tensor<?xf64> into tensor<?x?xf64>
    %z = prob.insert %b into %y[%one] : tensor<?xf64> into tensor<?x?xf64>)" +
                    end + "func.func @one" + start + R"(
    %z = prob.insert %a into %taken[%zero] : tensor<?xf64> into tensor<?x?xf64>)" +
                    end + "func.func @twice" + start + R"(
    %y = prob.insert %a into %taken[%one] : tensor<?xf64> into tensor<?x?xf64>
    %z = prob.insert %b into %y[%one] : tensor<?xf64> into tensor<?x?xf64>)" +
                    end,
                0, {"all", "one", "twice"});
  const std::int64_t n = 19;
  std::vector<double> elements, order;
  for (std::int64_t i = 0; i < 2 * n; ++i) elements.push_back(0.5 * static_cast<double>(i * i));
  for (std::int64_t i = 0; i < n; ++i) order.push_back(static_cast<double>((i * i) % n));
  ir.slots = {{"n", n}};
  const Datum x = make_array({2, n}, as_array(real_array(elements)).elements);
  for (const bool c : {true, false})
    for (const char* name : {"all", "one", "twice"})
      ir.expect_same(name, {x, real_array(order), c});
  EXPECT_EQ(ir.count_in("all", "call void @borel.copy"), 1) << "where nothing is replaced\n"
                                                            << ir.llvm_ir();
}

TEST(Arrays, FaultsNameThePlaceAndTheIndex) {
  const std::string text = R"(
func.func @index(%x: tensor<?xf64>, %g: tensor<?xi64>) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %g 0 : tensor<?xi64>
  %s = prob.for %i = %zero to %n sum(f64) {
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %e = prob.extract %x[%gi] {place = 7 : i64} : tensor<?xf64> -> f64
    prob.yield sum(%e : f64)
  }
  return %s : f64
}
func.func @sum(%a: i64, %b: i64) -> (i64, i64, i64) {
  %s = arith.addi %a, %b {prob.place = 1 : i64} : i64
  %d = arith.subi %a, %b {prob.place = 2 : i64} : i64
  %p = arith.muli %a, %b {prob.place = 3 : i64} : i64
  return %s, %d, %p : i64, i64, i64
}
func.func @quotient(%a: i64, %b: i64) -> (i64, i64) {
  %r = arith.remsi %a, %b {prob.place = 4 : i64} : i64
  %q = arith.divsi %a, %b {prob.place = 5 : i64} : i64
  return %q, %r : i64, i64
}
func.func @offsets(%x: tensor<?xf64>, %k: i64, %n: i64) -> f64 {
  %zero = arith.constant 0 : i64
  %s = prob.for %i = %zero to %n sum(f64) {
    %j = arith.addi %i, %k {prob.place = 8 : i64} : i64
    %e = prob.extract %x[%j] {place = 9 : i64} : tensor<?xf64> -> f64
    prob.yield sum(%e : f64)
  }
  return %s : f64
}
func.func @fault(%c: i1) {
  prob.fault %c kind 2 at 6
  return
}
func.func @whole(%x: tensor<?xf64>) -> i64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %s = prob.for %i = %zero to %n sum(i64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %k = arith.fptosi %xi {prob.place = 10 : i64} : f64 to i64
    %a = math.absi %k {prob.place = 11 : i64} : i64
    prob.yield sum(%a : i64)
  }
  return %s : i64
})";
  constexpr std::int64_t most = INT64_MAX, least = INT64_MIN;
  for (const int width : {1, 2, 8}) {
    CompiledIr ir(text, width);
    const auto expect = [&](const std::string& name, const std::vector<Datum>& arguments, int kind,
                            int place, std::int64_t index) {
      const Outcome outcome = ir.run(name, arguments);
      ASSERT_EQ(outcome.status, BOREL_FAULT) << name;
      EXPECT_EQ(outcome.fault.kind, kind);
      EXPECT_EQ(outcome.fault.place, place);
      EXPECT_EQ(outcome.fault.index, index);
      EXPECT_TRUE(std::isnan(outcome.fault.value));
    };
    std::vector<std::int64_t> g(21, 2);
    ir.expect_same("index", {ramp(5), int_array(g)});
    g[13] = 5;
    g[15] = -1;
    expect("index", {ramp(5), int_array(g)}, BOREL_FAULT_INDEX, 7, 5);
    g[12] = -3;
    expect("index", {ramp(5), int_array(g)}, BOREL_FAULT_INDEX, 7, -3);
    ir.expect_same("sum", {std::int64_t{40}, std::int64_t{-2}});
    expect("sum", {most, std::int64_t{1}}, BOREL_FAULT_OVERFLOW, 1, -1);
    expect("sum", {std::int64_t{-2}, most}, BOREL_FAULT_OVERFLOW, 2, -1);
    expect("sum", {std::int64_t{4}, most / 2}, BOREL_FAULT_OVERFLOW, 3, -1);
    ir.expect_same("quotient", {std::int64_t{-7}, std::int64_t{2}});
    expect("quotient", {std::int64_t{1}, zero}, BOREL_FAULT_DIVISION, 4, -1);
    expect("quotient", {least, std::int64_t{-1}}, BOREL_FAULT_OVERFLOW, 5, -1);
    ir.expect_same("offsets", {ramp(20), std::int64_t{3}, std::int64_t{17}});
    expect("offsets", {ramp(20), std::int64_t{3}, std::int64_t{18}}, BOREL_FAULT_INDEX, 9, 20);
    // Lanes are checked together: which of several faults is reported is not fixed.
    EXPECT_EQ(ir.run("offsets", {ramp(20), most - 3, std::int64_t{18}}).status, BOREL_FAULT);
    EXPECT_EQ(ir.run("fault", {false}).status, BOREL_OK);
    expect("fault", {true}, 2, 6, -1);
    std::vector<double> x(20, -3.75);
    EXPECT_EQ(std::get<std::int64_t>(ir.run("whole", {real_array(x)}).results.at(0)), 60);
    for (const double bad : {0x1p63, -0x1.0000000000001p63, std::nan(""), -HUGE_VAL}) {
      x[13] = bad;
      expect("whole", {real_array(x)}, BOREL_FAULT_OVERFLOW, 10, -1);
    }
    x[13] = -0x1p63;  // an int, but not its magnitude
    expect("whole", {real_array(x)}, BOREL_FAULT_OVERFLOW, 11, -1);
  }
}

TEST(Arrays, UniformsAreThoseOfPhilox) {
  CompiledIr ir(R"(
func.func @f(%n: i64) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %m = prob.for %i = %zero to %n map(f64) {
    %u = prob.uniform : f64
    prob.yield map(%u : f64)
  }
  return %m : tensor<?xf64>
})");
  const std::vector<Datum> like{ramp(7)};
  const Outcome outcome = ir.run("f", {std::int64_t{7}}, &like);
  ASSERT_EQ(outcome.status, BOREL_OK);
  for (std::size_t i = 0; i < 7; ++i)
    EXPECT_EQ(numbers(outcome.results[0])[i], runtime::random_uniforms(ir.key, i / 2)[i % 2]);
}

TEST(Arrays, SlotsAndConstants) {
  CompiledIr ir(R"(
prob.slot "size" @n : i64
prob.slot "input" @x : tensor<?xf64> {dims = [@n]}
prob.slot "input" @flags : tensor<?xi1> {dims = [@n]}
prob.slot "input" @scale : f64
func.func @f() -> (f64, i64, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %n = prob.data @n : i64
  %x = prob.data @x : tensor<?xf64>
  %flags = prob.data @flags : tensor<?xi1>
  %scale = prob.data @scale : f64
  %m, %s = prob.for %i = %zero to %n map(f64) sum(f64) {
    %e = prob.extract %x[%i] : tensor<?xf64> -> f64
    %c = prob.extract %flags[%i] : tensor<?xi1> -> i1
    %f = arith.mulf %e, %scale : f64
    %g = arith.select %c, %f, %e : f64
    prob.yield map(%g : f64) sum(%g : f64)
  }
  return %s, %n, %m : f64, i64, tensor<?xf64>
})");
  std::vector<Datum> flags;
  for (int i = 0; i < 13; ++i) flags.emplace_back(i % 3 == 0);
  ir.slots = {
      {"n", std::int64_t{13}}, {"x", ramp(13)}, {"flags", make_array({13}, flags)}, {"scale", 2.5}};
  ir.expect_same("f", {});
}

// The bits of an element do not depend on where it lies or on how many lanes there are.
TEST(Arrays, ScalarAndVectorElementsHaveTheSameBits) {
  const std::string text = R"(
func.func @f(%x: tensor<?xf64>, %y: tensor<?xf64>) -> (tensor<?xf64>, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %m, %k = prob.for %i = %zero to %n map(f64, f64) {
    %a = prob.extract %x[%i] : tensor<?xf64> -> f64
    %b = prob.extract %y[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %a, %b : f64
    %q = arith.subf %a, %p : f64
    %e = math.exp %q : f64
    %l = math.log1p %e : f64
    %t = arith.mulf %l, %e : f64
    %u = arith.mulf %q, %b : f64
    %v = arith.addf %t, %u : f64
    %w = arith.divf %v, %a : f64
    %z = math.powf %e, %w : f64
    prob.yield map(%v, %z : f64, f64)
  }
  return %m, %k : tensor<?xf64>, tensor<?xf64>
})";
  std::vector<double> x, y;
  for (int i = 0; i < 203; ++i) {
    x.push_back(std::sin(i) * 3 + 4);
    y.push_back(std::cos(i * i));
  }
  std::vector<std::vector<Datum>> results;
  for (const int width : {1, 2, 4, 8}) {
    CompiledIr ir(text, width);
    results.push_back(ir.run("f", {real_array(x), real_array(y)}).results);
    for (const std::size_t r : {0, 1})
      EXPECT_EQ(numbers(results.back()[r]), numbers(results[0][r])) << width << " lanes";
    // Without the first three elements every other one is in another lane.
    const std::vector<double> x3(x.begin() + 3, x.end()), y3(y.begin() + 3, y.end());
    const auto shifted = ir.run("f", {real_array(x3), real_array(y3)}).results;
    for (std::size_t i = 0; i < x3.size(); ++i)
      EXPECT_EQ(numbers(shifted[0])[i], numbers(results[0][0])[i + 3]);
  }
}

}  // namespace
}  // namespace borel::codegen

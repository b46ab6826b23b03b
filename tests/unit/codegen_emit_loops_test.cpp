// prob.for in every form and at the extents where vectors begin and end, for every vector width,
// against the interpreter.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/unit/codegen_emit_support.h"

namespace borel::codegen {
namespace {

using testing::int_array;
using testing::make_array;
using testing::real_array;

const std::vector<std::int64_t> extents{0, 1, 2, 7, 8, 9, 16, 20, 1000};

std::vector<double> normals(std::int64_t n, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> list;
  for (std::int64_t i = 0; i < n; ++i) list.push_back(normal(random));
  return list;
}

Datum reals(std::int64_t n, unsigned seed = 1) { return real_array(normals(n, seed)); }

Datum matrix(std::int64_t n, std::int64_t m, unsigned seed = 1) {
  std::vector<Datum> elements;
  for (const double x : normals(n * m, seed)) elements.emplace_back(x);
  return make_array({n, m}, elements);
}

Datum indices(std::int64_t n, std::int64_t below, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < n; ++i)
    list.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below)));
  return int_array(list);
}

class Loops : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, Loops, ::testing::Values(1, 2, 4, 8));

TEST_P(Loops, PlateWithMapAndSums) {
  CompiledIr ir(R"(
func.func @population(%x: f64) -> f64 attributes {prob.frames} { return %x : f64 }
func.func @f(%x: tensor<?xf64>, %y: tensor<?xf64>, %s: f64)
    -> (tensor<?xf64>, f64, i64, tensor<?xi1>, tensor<?xi64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %m, %b, %k, %sum, %count = prob.for %i = %zero to %n map(f64, i1, i64) sum(f64, i64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %xi, %yi : f64
    %q = arith.addf %p, %s : f64
    %e = math.exp %q : f64
    %c = arith.cmpf ogt, %xi, %yi : f64
    %r = arith.select %c, %e, %p : f64
    %i2 = arith.addi %i, %one : i64
    %ci = arith.extui %c : i1 to i64
    prob.yield map(%r, %c, %i2 : f64, i1, i64) sum(%e, %ci : f64, i64)
  }
  return %m, %sum, %count, %b, %k : tensor<?xf64>, f64, i64, tensor<?xi1>, tensor<?xi64>
})",
                GetParam());
  for (const std::int64_t n : extents) ir.expect_same("f", {reals(n), reals(n, 2), 0.25});
}

// Scanned over lanes: forwards and backwards, sums and products in several orders, what comes in
// and what goes out, branches on the carry; and coefficients whose powers leave the range.
TEST_P(Loops, LinearRecurrences) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %a: f64, %b: f64, %start: f64, %from: i64)
    -> (f64, tensor<?xf64>, tensor<?xf64>, f64, f64, tensor<?xf64>, f64, tensor<?xf64>, f64) {
  %zero = arith.constant 0 : i64
  %f0 = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %z = prob.zeros(%n) : tensor<?xf64>
  %last, %before, %after, %sum, %big = prob.for %i = %from to %n carry(%c = %start : f64)
      map(f64, f64) sum(f64, f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %c, %a : f64
    %q = arith.mulf %xi, %b : f64
    %next = arith.addf %q, %p : f64
    %up = arith.cmpf ogt, %c, %xi : f64
    %chosen = scf.if %up -> f64 {
      %s = arith.mulf %c, %c : f64
      scf.yield %s : f64
    } else {
      scf.yield %xi : f64
    }
    prob.yield carry(%next : f64) map(%c, %next : f64, f64) sum(%next, %chosen : f64, f64)
  }
  // a (b - c) - x, against the direction of memory.
  %back, %r, %added = prob.for %i = %from to %n reverse carry(%c = %last : f64)
      into(%o = %z : tensor<?xf64>) map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %d = arith.subf %b, %c : f64
    %p = arith.mulf %a, %d : f64
    %next = arith.subf %p, %xi : f64
    %o1 = prob.add_at %c into %o[%i] : f64 into tensor<?xf64>
    prob.yield carry(%next : f64) map(%next : f64) into(%o1 : tensor<?xf64>)
  }
  %total = prob.for %i = %zero to %n carry(%c = %f0 : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %next = arith.addf %c, %xi : f64
    prob.yield carry(%next : f64)
  }
  return %last, %before, %after, %sum, %back, %r, %total, %added, %big
      : f64, tensor<?xf64>, tensor<?xf64>, f64, f64, tensor<?xf64>, f64, tensor<?xf64>, f64
})",
                GetParam());
  for (const std::int64_t n : extents)
    for (const double a : {0.7, -0.9, 1.0, 0.0, 1e-60})
      for (const std::int64_t from : {0, 3}) ir.expect_same("f", {reals(n), a, 0.6, 1.3, from});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t n : {0, 1, 2, 4})
    for (const double a : {1e70, -3e200, nan})
      ir.expect_same("f", {reals(n), a, 0.6, 0.0, std::int64_t{0}});
}

// Running extremes over lanes, exact in any order: reals with NaN, infinities and zeros of both
// signs, and integers; forwards and backwards, with all values read or the last alone.
// Sizes of arrays that are computed between the loops, of a recurrence that runs one way or
// another.
TEST_P(Loops, RecurrencesOfSizesOfTheirOwn) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %a: f64, %size: i64) -> (f64, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %f0 = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %blocks = arith.divsi %n, %size : i64
  %last, %total = prob.for %b = %zero to %blocks carry(%c = %f0 : f64) sum(f64) {
    %from = arith.muli %b, %size : i64
    %left = arith.subi %n, %from : i64
    %count = arith.minsi %left, %size : i64
    %end, %run = prob.for %i = %zero to %count carry(%h = %c : f64) map(f64) {
      %at = arith.addi %from, %i : i64
      %xi = prob.extract %x[%at] : tensor<?xf64> -> f64
      %p = arith.mulf %h, %a : f64
      %next = arith.addf %p, %xi : f64
      prob.yield carry(%next : f64) map(%next : f64)
    }
    %k = arith.subi %count, %one : i64
    %e = prob.extract %run[%k] {place = 3} : tensor<?xf64> -> f64
    %s = prob.for %i = %zero to %count sum(f64) {
      %r = prob.extract %run[%i] {place = 4} : tensor<?xf64> -> f64
      %q = arith.divf %r, %e : f64
      prob.yield sum(%q : f64)
    }
    prob.yield carry(%end : f64) sum(%s : f64)
  }
  return %last, %total : f64, f64
})",
                GetParam());
  for (const std::int64_t n : extents)
    for (const std::int64_t size : {1, 5, 16}) ir.expect_same("f", {reals(n), 0.5, size}, 1e-10);
}

TEST_P(Loops, RunningExtremes) {
  const char* text = R"(
func.func @f(%x: tensor<?xf64>, %k: tensor<?xi64>, %a: f64, %j: i64, %from: i64)
    -> (f64, tensor<?xf64>, tensor<?xf64>, tensor<?xi64>, i64, f64, f64, i64, f64) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %last, %before, %after, %sum = prob.for %i = %from to %n carry(%c = %a : f64) map(f64, f64)
      sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %y = arith.mulf %xi, %a : f64
    %next = arith.maximumf %c, %y : f64
    %d = arith.subf %next, %c : f64
    prob.yield carry(%next : f64) map(%c, %next : f64, f64) sum(%d : f64)
  }
  %whole, %least = prob.for %i = %from to %n reverse carry(%c = %j : i64) map(i64) {
    %ki = prob.extract %k[%i] : tensor<?xi64> -> i64
    %next = arith.minsi %ki, %c : i64
    prob.yield carry(%next : i64) map(%next : i64)
  }
  %top = prob.for %i = %from to %n carry(%c = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %next = arith.maximumf %xi, %c : f64
    prob.yield carry(%next : f64)
  }
  %bottom = prob.for %i = %from to %n reverse carry(%c = %a : f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %next = arith.minimumf %c, %xi : f64
    prob.yield carry(%next : f64)
  }
  %most = prob.for %i = %zero to %n carry(%c = %j : i64) {
    %ki = prob.extract %k[%i] : tensor<?xi64> -> i64
    %next = arith.maxsi %c, %ki : i64
    prob.yield carry(%next : i64)
  }
  return %last, %before, %after, %least, %whole, %top, %bottom, %most, %sum
      : f64, tensor<?xf64>, tensor<?xf64>, tensor<?xi64>, i64, f64, f64, i64, f64
})";
  CompiledIr ir(text, GetParam()), scalar(text, 1);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t n : extents)
    for (const double start : {-0.5, 2.0})
      for (const std::int64_t from : {0, 3})
        ir.expect_same("f", {reals(n), indices(n, 1000), start, std::int64_t{500}, from});
  for (const std::vector<double>& x :
       {std::vector<double>{0.0, -0.0, 0.0, -0.0, -1, -0.0, 0.0, -2, 0.0, -0.0},
        {-0.0, -0.0, -0.0, 0.0, -0.0, -0.0, -0.0, -0.0, -0.0, -0.0},
        {1, nan, 3, infinity, 5, 6, 7, 8, 9, 10},
        {1, 2, -infinity, 3, 4, 5, 6, 7, 8, nan}}) {
    const std::vector<Datum> arguments{real_array(x), indices(10, 9), -0.0, std::int64_t{4},
                                       std::int64_t{0}};
    const Outcome wide = ir.run("f", arguments), narrow = scalar.run("f", arguments);
    ASSERT_EQ(wide.results.size(), narrow.results.size());
    // As text, which tells zeros apart.
    for (std::size_t i = 0; i + 1 < wide.results.size(); ++i)
      EXPECT_EQ(show(wide.results[i]), show(narrow.results[i])) << "result " << i;
  }
}

// Lanes that do not run may hold anything.
TEST_P(Loops, ConversionsThatAreChecked) {
  CompiledIr ir(R"(
func.func @population(%x: f64) -> f64 attributes {prob.frames} { return %x : f64 }
func.func @f(%x: tensor<?xf64>, %limit: f64) -> (tensor<?xi64>, i64) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %m, %sum = prob.for %i = %zero to %n map(i64) sum(i64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %small = arith.cmpf olt, %xi, %limit : f64
    %k = scf.if %small -> i64 {
      %t = arith.fptosi %xi {prob.place = 3 : i64} : f64 to i64
      scf.yield %t : i64
    } else {
      scf.yield %zero : i64
    }
    prob.yield map(%k : i64) sum(%k : i64)
  }
  return %m, %sum : tensor<?xi64>, i64
})",
                GetParam());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t n : extents) {
    std::vector<double> x = normals(n);
    for (double& xi : x) xi *= 1e9;
    ir.expect_same("f", {real_array(x), 1e300});
  }
  const std::vector<double> mixed = {1.9,     -1.9,  nan, 1e19,     -0.5, 9223372036854774784.0,
                                     -0x1p63, 1e300, -3,  infinity, 7};
  ir.expect_same("f", {real_array(mixed), 1e19});
  for (const double bad : {1e19, 0x1p63, -1e19, -infinity}) {
    std::vector<double> x(11, 2.5);
    x[9] = bad;
    const Outcome outcome = ir.run("f", {real_array(x), 1e300}, nullptr);
    EXPECT_EQ(outcome.status, BOREL_FAULT) << bad;
    EXPECT_EQ(outcome.fault.kind, BOREL_FAULT_OVERFLOW) << bad;
    EXPECT_EQ(outcome.fault.place, 3) << bad;
  }
}

TEST_P(Loops, WholePowers) {
  const char* text = R"(
func.func @f(%x: tensor<?xf64>, %k: tensor<?xi64>) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %m = prob.for %i = %zero to %n map(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %ki = prob.extract %k[%i] : tensor<?xi64> -> i64
    %p = math.fpowi %xi, %ki : f64, i64
    prob.yield map(%p : f64)
  }
  return %m : tensor<?xf64>
})";
  CompiledIr ir(text, GetParam()), scalar(text, 1);
  std::vector<std::int64_t> exponents;
  for (std::int64_t i = 0; i < 1000; ++i) exponents.push_back(i % 41 - 20);
  for (const std::int64_t n : extents) {
    const std::vector<Datum> arguments{
        reals(n), int_array({exponents.begin(), exponents.begin() + static_cast<int>(n)})};
    ir.expect_same("f", arguments);
    EXPECT_EQ(numbers(ir.run("f", arguments).results.at(0)),
              numbers(scalar.run("f", arguments).results.at(0)));
  }
  // Exponents that no double holds keep their parity; the special cases are those of C's pow.
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x{-1, -1, 1, -0.0, -0.0, 0, -infinity, infinity, -2, -1};
  const std::vector<std::int64_t> k{
      (std::int64_t{1} << 53) + 1, INT64_MIN, -7, -3, -2, 0, 3, -1, -1075, INT64_MAX};
  const std::vector<double> expected{-1, 1, 1, -infinity, infinity, 1, -infinity, 0, -0.0, -1};
  const std::vector<double> got = numbers(ir.run("f", {real_array(x), int_array(k)}).results.at(0));
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(std::signbit(got[8]));
}

TEST_P(Loops, BoundsAndOffsets) {
  CompiledIr ir(R"(
func.func @population(%x: f64) -> f64 attributes {prob.frames} { return %x : f64 }
func.func @f(%x: tensor<?xf64>, %lower: i64, %upper: i64) -> (tensor<?xf64>, f64) {
  %one = arith.constant 1 : i64
  %three = arith.constant 3 : i64
  %m, %sum = prob.for %i = %lower to %upper map(f64) sum(f64) {
    %j = arith.subi %i, %one : i64
    %a = prob.extract %x[%i] : tensor<?xf64> -> f64
    %b = prob.extract %x[%j] : tensor<?xf64> -> f64
    %c = prob.extract %x[%one] : tensor<?xf64> -> f64
    %k = arith.muli %j, %three : i64
    %kr = arith.remsi %k, %upper : i64
    %d = prob.extract %x[%kr] : tensor<?xf64> -> f64
    %s = arith.subf %a, %b : f64
    %t = arith.mulf %s, %c : f64
    %u = arith.subf %t, %d : f64
    prob.yield map(%u : f64) sum(%t : f64)
  }
  return %m, %sum : tensor<?xf64>, f64
})",
                GetParam());
  for (const std::int64_t n : extents)
    for (const std::int64_t lower : {1, 2, 5})
      if (n > 1) ir.expect_same("f", {reals(n), std::int64_t{lower}, n});
  ir.expect_same("f", {reals(5), std::int64_t{4}, std::int64_t{2}});
}

// Of a population: whole vectors without masks, and what is left over.
TEST_P(Loops, GatherOfAPopulation) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?x?xf64>, %g: tensor<?xi64>) -> (tensor<?x?xf64>, tensor<?xi64>)
    attributes {prob.frames} {
  %zero = arith.constant 0 : i64
  %rows = prob.dim %x 0 : tensor<?x?xf64>
  %n = prob.dim %g 0 : tensor<?xi64>
  %y = prob.for %f = %zero to %rows map(tensor<?xf64>) {
    %row = prob.for %i = %zero to %n map(f64) {
      %j = prob.extract %g[%i] : tensor<?xi64> -> i64
      %e = prob.extract %x[%f, %j] {place = 5} : tensor<?x?xf64> -> f64
      prob.yield map(%e : f64)
    }
    prob.yield map(%row : tensor<?xf64>)
  }
  %h = prob.for %i = %zero to %n map(i64) {
    %j = prob.extract %g[%i] : tensor<?xi64> -> i64
    %k = prob.extract %g[%j] : tensor<?xi64> -> i64
    %l = prob.extract %g[%k] : tensor<?xi64> -> i64
    prob.yield map(%l : i64)
  }
  return %y, %h : tensor<?x?xf64>, tensor<?xi64>
})",
                GetParam());
  for (const std::int64_t n : extents) {
    std::vector<std::int64_t> from;
    for (std::int64_t i = 0; i < n; ++i) from.push_back((7 * i * i + 3) % n);
    const std::vector<Datum> arguments{matrix(3, n), testing::int_array(from)};
    ir.expect_same("f", arguments);
    if (n == 0) continue;
    from.back() = n;  // the last of its vector
    const Outcome outcome = ir.run("f", {matrix(3, n), testing::int_array(from)}, &arguments);
    EXPECT_EQ(outcome.fault.kind, BOREL_FAULT_INDEX);
    EXPECT_EQ(outcome.fault.index, n);
  }
}

TEST_P(Loops, GatherAndScatter) {
  CompiledIr ir(R"(
func.func @population(%x: f64) -> f64 attributes {prob.frames} { return %x : f64 }
func.func @f(%x: tensor<?xf64>, %g: tensor<?xi64>, %a: tensor<?xf64>)
    -> (tensor<?xf64>, tensor<?xf64>, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %j = prob.dim %a 0 : tensor<?xf64>
  %z = prob.zeros(%j) : tensor<?xf64>
  %zn = prob.zeros(%n) : tensor<?xf64>
  %r:3 = prob.for %i = %zero to %n into(%acc = %z : tensor<?xf64>, %own = %zn : tensor<?xf64>,
      %one = %a : tensor<?xf64>) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %ag = prob.extract %a[%gi] : tensor<?xf64> -> f64
    %p = arith.mulf %xi, %ag : f64
    %acc1 = prob.add_at %p into %acc[%gi] : f64 into tensor<?xf64>
    %acc2 = prob.add_at %xi into %acc1[%gi] : f64 into tensor<?xf64>
    %own1 = prob.add_at %xi into %own[%i] : f64 into tensor<?xf64>
    %one1 = prob.add_at %xi into %one[%zero] : f64 into tensor<?xf64>
    prob.yield into(%acc2, %own1, %one1 : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>)
  }
  return %r#0, %r#1, %r#2 : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
})",
                GetParam());
  for (const std::int64_t n : extents)
    for (const std::int64_t j : {1, 3, 85})
      ir.expect_same("f", {reals(n), indices(n, j), reals(j, 3)});
}

TEST_P(Loops, BranchesAndConditionalAccumulation) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %g: tensor<?xi64>, %k: i64, %c: i1)
    -> (tensor<?xf64>, tensor<?xf64>, f64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %f0 = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %z = prob.zeros(%k) : tensor<?xf64>
  %m, %sum, %r = prob.for %i = %zero to %n into(%acc = %z : tensor<?xf64>) map(f64) sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %gi = prob.extract %g[%i] : tensor<?xi64> -> i64
    %positive = arith.cmpf ogt, %xi, %f0 : f64
    %later = arith.cmpi sgt, %i, %zero : i64
    %d = scf.if %later -> f64 {
      %j = arith.subi %i, %one : i64
      %xj = prob.extract %x[%j] : tensor<?xf64> -> f64
      %s = arith.subf %xi, %xj : f64
      scf.yield %s : f64
    } else {
      scf.yield %f0 : f64
    }
    %e, %acc3 = scf.if %positive -> (f64, tensor<?xf64>) {
      %acc1 = prob.add_at %xi into %acc[%gi] : f64 into tensor<?xf64>
      %l = math.log %xi : f64
      %q = arith.divsi %i, %gi : i64
      %qf = arith.sitofp %q : i64 to f64
      %lq = arith.addf %l, %qf : f64
      scf.yield %lq, %acc1 : f64, tensor<?xf64>
    } else {
      %b = scf.if %c -> tensor<?xf64> {
        %acc1 = prob.add_at %d into %acc[%zero] : f64 into tensor<?xf64>
        scf.yield %acc1 : tensor<?xf64>
      } else {
        scf.yield %acc : tensor<?xf64>
      }
      scf.yield %d, %b : f64, tensor<?xf64>
    }
    prob.yield map(%e : f64) sum(%d : f64) into(%acc3 : tensor<?xf64>)
  }
  return %m, %r, %sum : tensor<?xf64>, tensor<?xf64>, f64
})",
                GetParam());
  for (const std::int64_t n : extents) {
    std::vector<double> x = normals(n);
    std::vector<std::int64_t> g;
    // Where no branch reads the index it is far out of range, or a divisor of zero.
    for (const double xi : x) g.push_back(xi > 0 ? 1 + static_cast<std::int64_t>(xi) : 0);
    for (const bool c : {false, true})
      ir.expect_same("f", {real_array(x), int_array(g), std::int64_t{9}, c});
  }
}

TEST_P(Loops, MatrixTimesVectorAndItsTranspose) {
  const std::string text = R"(
func.func @rows(%x: tensor<?x?xf64>, %b: tensor<?xf64>) -> (tensor<?xf64>, f64, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?x?xf64>
  %k = prob.dim %b 0 : tensor<?xf64>
  %z = prob.zeros(%k) : tensor<?xf64>
  %m, %s, %g = prob.for %i = %zero to %n into(%acc = %z : tensor<?xf64>) map(f64) sum(f64) {
    %dot = prob.for %j = %zero to %k sum(f64) {
      %xij = prob.extract %x[%i, %j] : tensor<?x?xf64> -> f64
      %bj = prob.extract %b[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %xij, %bj : f64
      prob.yield sum(%p : f64)
    }
    %e = math.tanh %dot : f64
    %acc2 = prob.for %j = %zero to %k into(%a = %acc : tensor<?xf64>) {
      %xij = prob.extract %x[%i, %j] : tensor<?x?xf64> -> f64
      %p = arith.mulf %xij, %e : f64
      %a1 = prob.add_at %p into %a[%j] : f64 into tensor<?xf64>
      prob.yield into(%a1 : tensor<?xf64>)
    }
    prob.yield map(%dot : f64) sum(%e : f64) into(%acc2 : tensor<?xf64>)
  }
  return %m, %s, %g : tensor<?xf64>, f64, tensor<?xf64>
}
func.func @columns(%x: tensor<?x?xf64>, %b: tensor<?xf64>)
    -> (tensor<?xf64>, f64, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 1 : tensor<?x?xf64>
  %k = prob.dim %b 0 : tensor<?xf64>
  %z = prob.zeros(%k) : tensor<?xf64>
  %m, %s, %g = prob.for %i = %zero to %n into(%acc = %z : tensor<?xf64>) map(f64) sum(f64) {
    %dot = prob.for %j = %zero to %k sum(f64) {
      %xij = prob.extract %x[%j, %i] : tensor<?x?xf64> -> f64
      %bj = prob.extract %b[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %xij, %bj : f64
      prob.yield sum(%p : f64)
    }
    %e = math.tanh %dot : f64
    %acc2 = prob.for %j = %zero to %k into(%a = %acc : tensor<?xf64>) {
      %xij = prob.extract %x[%j, %i] : tensor<?x?xf64> -> f64
      %p = arith.mulf %xij, %e : f64
      %a1 = prob.add_at %p into %a[%j] : f64 into tensor<?xf64>
      prob.yield into(%a1 : tensor<?xf64>)
    }
    prob.yield map(%dot : f64) sum(%e : f64) into(%acc2 : tensor<?xf64>)
  }
  return %m, %s, %g : tensor<?xf64>, f64, tensor<?xf64>
})";
  CompiledIr ir(text, GetParam());
  for (const std::int64_t n : extents)
    for (const std::int64_t k : {0, 1, 9}) {
      ir.expect_same("rows", {matrix(n, k), reals(k, 2)}, 1e-11);
      ir.expect_same("columns", {matrix(k, n), reals(k, 2)}, 1e-11);
    }
}

TEST_P(Loops, RecurrencesAndReverse) {
  CompiledIr ir(R"(
func.func @f(%x: tensor<?xf64>, %a: f64) -> (tensor<?xf64>, f64, f64, tensor<?xf64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %f0 = arith.constant 1.5 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %last, %tape, %sum = prob.for %i = %zero to %n carry(%h = %f0 : f64) map(f64) sum(f64) {
    %xi = prob.extract %x[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %h, %a : f64
    %next = arith.addf %p, %xi : f64
    prob.yield carry(%next : f64) map(%h : f64) sum(%next : f64)
  }
  %back, %r = prob.for %i = %zero to %n reverse carry(%h = %last : f64) map(f64) {
    %ti = prob.extract %tape[%i] : tensor<?xf64> -> f64
    %p = arith.mulf %h, %a : f64
    %next = arith.subf %p, %ti : f64
    prob.yield carry(%next : f64) map(%next : f64)
  }
  return %tape, %sum, %back, %r : tensor<?xf64>, f64, f64, tensor<?xf64>
})",
                GetParam());
  for (const std::int64_t n : extents) ir.expect_same("f", {reals(n), 0.5});
}

}  // namespace
}  // namespace borel::codegen

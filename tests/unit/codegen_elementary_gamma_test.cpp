// Accuracy of lgamma, digamma and trigamma; worst_error also compares the bits of all widths and
// targets at every point. References: libquadmath's lgamma; for the derivatives, upward recurrence
// to x ≥ 30 and twelve terms of the asymptotic series, in 113 bits.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <cmath>
#include <limits>

#include "tests/unit/codegen_elementary_support.h"

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Quad pi() { return acosq(-1); }
Quad ratio(long a, long b) { return Quad(a) / Quad(b); }

Quad reference_lgamma(Quad x) {
  if (isinfq(x)) {
    return fabsq(x);
  }
  return x <= 0 && x == floorq(x) ? Quad(infinity) : lgammaq(x);
}

Quad reference_digamma(Quad x) {
  Quad sum = 0;
  if (x < 0) {
    const Quad d = x - roundq(x);
    if (d == 0 || isinfq(x)) {
      return nanq("");
    }
    sum = -pi() * cosq(pi() * d) / sinq(pi() * d);
    x = 1 - x;
  }
  if (isinfq(x)) {
    return x;
  }
  for (; x < 30; x += 1) {
    sum -= 1 / x;
  }
  const Quad square = 1 / (x * x);
  Quad power = square;
  sum += logq(x) - 1 / (2 * x);
  for (const Quad term :
       {ratio(1, 12), ratio(-1, 120), ratio(1, 252), ratio(-1, 240), ratio(1, 132),
        ratio(-691, 32760), ratio(1, 12), ratio(-3617, 8160), ratio(43867, 14364),
        ratio(-174611, 6600), ratio(77683, 276), ratio(-236364091, 65520)}) {
    sum -= term * power;
    power *= square;
  }
  return sum;
}

Quad reference_trigamma(Quad x) {
  if (x < 0) {
    if (isinfq(x)) {
      return nanq("");
    }
    const Quad d = x - roundq(x);
    const Quad cosecant = pi() / sinq(pi() * d);
    return d == 0 ? Quad(infinity) : cosecant * cosecant - reference_trigamma(1 - x);
  }
  if (isinfq(x)) {
    return 0;
  }
  Quad sum = 0;
  for (; x < 30; x += 1) {
    sum += 1 / (x * x);
  }
  const Quad square = 1 / (x * x);
  Quad power = square / x;
  sum += 1 / x + square / 2;
  for (const Quad term : {ratio(1, 6), ratio(-1, 30), ratio(1, 42), ratio(-1, 30), ratio(5, 66),
                          ratio(-691, 2730), ratio(7, 6), ratio(-3617, 510), ratio(43867, 798),
                          ratio(-174611, 330), ratio(854513, 138), ratio(-236364091, 2730)}) {
    sum += term * power;
    power *= square;
  }
  return sum;
}

void expect_within(double bound, Elementary function, Quad (*reference)(Quad),
                   const std::vector<double>& points, double (*measure)(double, Quad) = ulps) {
  const Worst worst = worst_error(
      function, [&](Quad x, Quad) { return reference(x); }, points, {}, measure);
  EXPECT_LE(worst.error, bound) << elementary_name(function) << "(" << worst.x << ") gave "
                                << worst.value;
}

TEST(ElementaryLgamma, IsWithinItsBoundOnTheRight) {
  constexpr auto function = Elementary::lgamma;
  expect_within(9, function, reference_lgamma, special_points());
  expect_within(9, function, reference_lgamma, uniform(-0.5, 3));
  expect_within(4, function, reference_lgamma, uniform(0.9, 1.1));
  expect_within(4, function, reference_lgamma, uniform(1.8, 2.2));
  expect_within(4, function, reference_lgamma, uniform(2.5, 20));
  expect_within(4, function, reference_lgamma, any_magnitude(-1074, -1, false));
  expect_within(4, function, reference_lgamma, any_magnitude(2, 1014, false));
}

TEST(ElementaryLgamma, HasSmallAbsoluteErrorOnTheLeft) {
  expect_within(6, Elementary::lgamma, reference_lgamma, uniform(-20, -0.5), mixed_error);
  expect_within(6, Elementary::lgamma, reference_lgamma, {-1, -2, -3, -1e17, -0.5, -1.5, -100.5},
                mixed_error);
}

TEST(ElementaryDigamma, IsWithinItsBoundOnTheRight) {
  constexpr auto function = Elementary::digamma;
  expect_within(7, function, reference_digamma, uniform(0, 3));
  expect_within(4, function, reference_digamma, uniform(1.4, 1.5));
  expect_within(4, function, reference_digamma, uniform(2, 20));
  expect_within(4, function, reference_digamma, any_magnitude(-1020, -2, false));
  expect_within(4, function, reference_digamma, any_magnitude(1, 1023.9, false));
}

TEST(ElementaryDigamma, HasSmallAbsoluteErrorOnTheLeft) {
  expect_within(12, Elementary::digamma, reference_digamma, uniform(-20, 0), mixed_error);
}

TEST(ElementaryDigamma, AtItsPoles) {
  for (const TargetSpec& target : test_targets()) {
    const Loaded digamma(Elementary::digamma, target);
    EXPECT_EQ(digamma(0.0), -infinity);
    EXPECT_EQ(digamma(-0.0), infinity);
    EXPECT_TRUE(std::isnan(digamma(-3.0)));
    EXPECT_TRUE(std::isnan(digamma(-infinity)));
    EXPECT_EQ(digamma(infinity), infinity);
  }
}

TEST(ElementaryTrigamma, IsWithinItsBound) {
  constexpr auto function = Elementary::trigamma;
  expect_within(6, function, reference_trigamma, special_points());
  expect_within(6, function, reference_trigamma, uniform(0, 8));
  expect_within(6, function, reference_trigamma, any_magnitude(-600, 1023.9, false));
  expect_within(9, function, reference_trigamma, uniform(-20, 0));
}

}  // namespace
}  // namespace borel::codegen::testing

// Accuracy of sin, cos, tan and their inverses; worst_error also compares the bits of all widths
// and targets at every point.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <cmath>
#include <limits>

#include "tests/unit/codegen_elementary_support.h"

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Case {
  Elementary function;
  Quad (*reference)(Quad);
  double bound;
};

void expect_within(const Case& which, const std::vector<double>& points) {
  const Worst worst = worst_error(
      which.function, [&](Quad x, Quad) { return which.reference(x); }, points);
  EXPECT_LE(worst.error, which.bound)
      << elementary_name(which.function) << "(" << worst.x << ") gave " << worst.value;
}

class Forward : public ::testing::TestWithParam<Case> {};

TEST_P(Forward, IsWithinItsBound) {
  expect_within(GetParam(), special_points());
  expect_within(GetParam(), uniform(-10, 10));
  expect_within(GetParam(), uniform(-1e6, 1e6));
  expect_within(GetParam(), any_magnitude(-1070, 3, true));
}

TEST_P(Forward, IsWithinItsBoundForLargeOperands) {
  // 2^40 is where the reduction changes its method.
  expect_within(GetParam(), any_magnitude(30, 45, true));
  expect_within(GetParam(), any_magnitude(45, 1023.9, true));
}

TEST_P(Forward, IsWithinItsBoundNearMultiplesOfARightAngle) {
  std::vector<double> points;
  for (int i = 1; i < 8000; ++i) {
    points.push_back(i * M_PI_2);
    points.push_back(std::ldexp(M_PI_2, i % 900) * (1 + i / 900));
  }
  // The double nearest to a multiple of π/2, relative to its size (Kahan).
  points.push_back(0x1.6ac5b262ca1ffp+849);
  expect_within(GetParam(), points);
}

TEST_P(Forward, KeepsTheSignOfZeroIfOdd) {
  const Loaded function(GetParam().function, test_targets().front());
  EXPECT_EQ(std::signbit(function(-0.0)), GetParam().function != Elementary::cos);
  EXPECT_TRUE(std::isnan(function(infinity)));
}

INSTANTIATE_TEST_SUITE_P(Elementary, Forward,
                         ::testing::Values(Case{Elementary::sin, sinq, 1},
                                           Case{Elementary::cos, cosq, 1},
                                           Case{Elementary::tan, tanq, 2.5}));

class Inverse : public ::testing::TestWithParam<Case> {};

TEST_P(Inverse, IsWithinItsBound) {
  expect_within(GetParam(), special_points());
  expect_within(GetParam(), uniform(-1, 1));
  expect_within(GetParam(), uniform(-10, 10));
  expect_within(GetParam(), any_magnitude(-1070, 1020, true));
}

TEST_P(Inverse, KeepsTheSignOfZeroIfOdd) {
  const Loaded function(GetParam().function, test_targets().front());
  EXPECT_EQ(std::signbit(function(-0.0)), GetParam().function != Elementary::acos);
}

INSTANTIATE_TEST_SUITE_P(Elementary, Inverse,
                         ::testing::Values(Case{Elementary::asin, asinq, 2.5},
                                           Case{Elementary::acos, acosq, 1.5},
                                           Case{Elementary::atan, atanq, 2.5}));

TEST(ElementaryAtan2, IsWithinItsBound) {
  const auto within = [](const std::vector<double>& y, const std::vector<double>& x) {
    const Worst worst = worst_error(Elementary::atan2, atan2q, y, x);
    EXPECT_LE(worst.error, 2.5) << "atan2(" << worst.x << ", " << worst.y << ") gave "
                                << worst.value;
  };
  within(uniform(-10, 10, 20000, 1), uniform(-10, 10, 20000, 2));
  within(any_magnitude(-1070, 1023, true, 20000, 1), any_magnitude(-1070, 1023, true, 20000, 2));
  std::vector<double> y;
  std::vector<double> x;
  for (const double a : special_points()) {
    for (const double b : special_points()) {
      y.push_back(a);
      x.push_back(b);
    }
  }
  within(y, x);
}

TEST(ElementaryAtan2, OfZerosAndInfinities) {
  const Loaded atan2(Elementary::atan2, test_targets().front());
  for (const double y : {0.0, -0.0, 1.0, -1.0, infinity, -infinity}) {
    for (const double x : {0.0, -0.0, 1.0, -1.0, infinity, -infinity}) {
      EXPECT_DOUBLE_EQ(atan2(y, x), std::atan2(y, x)) << y << ", " << x;
      EXPECT_EQ(std::signbit(atan2(y, x)), std::signbit(std::atan2(y, x))) << y << ", " << x;
    }
  }
}

}  // namespace
}  // namespace borel::codegen::testing

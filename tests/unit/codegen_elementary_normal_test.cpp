// Accuracy of erf, erfc, Φ and log Φ; worst_error also compares the bits of all widths and targets
// at every point.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <cmath>
#include <limits>

#include "tests/unit/codegen_elementary_support.h"

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Quad reference_cdf(Quad x) { return erfcq(-x / sqrtq(2)) / 2; }

Quad reference_log_cdf(Quad x) {
  if (isinfq(x)) {
    return x > 0 ? Quad(0) : x;
  }
  if (x > 0) {
    return log1pq(-reference_cdf(-x));
  }
  if (x > -100) {
    return logq(reference_cdf(x));
  }
  // Mills' ratio by its asymptotic series
  const Quad u = 1 / (x * x);
  Quad term = 1;
  Quad sum = 1;
  for (int k = 1; k < 12; ++k) {
    term *= -(2 * k - 1) * u;
    sum += term;
  }
  return -x * x / 2 - logq(-x * sqrtq(2 * acosq(-1))) + logq(sum);
}

void expect_within(double bound, Elementary function, Quad (*reference)(Quad),
                   const std::vector<double>& points) {
  const Worst worst = worst_error(
      function, [&](Quad x, Quad) { return reference(x); }, points);
  EXPECT_LE(worst.error, bound) << elementary_name(function) << "(" << worst.x << ") gave "
                                << worst.value;
}

TEST(ElementaryErf, IsWithinItsBound) {
  expect_within(1.5, Elementary::erf, erfq, special_points());
  expect_within(1.5, Elementary::erf, erfq, uniform(-6, 6));
  expect_within(1.5, Elementary::erf, erfq, any_magnitude(-1070, 3, true));
}

TEST(ElementaryErfc, IsWithinItsBound) {
  expect_within(5, Elementary::erfc, erfcq, special_points());
  expect_within(5, Elementary::erfc, erfcq, uniform(-6, 6));
  expect_within(5, Elementary::erfc, erfcq, uniform(0, 27.5));
}

TEST(ElementaryNormalCdf, IsWithinItsBound) {
  expect_within(6, Elementary::normal_cdf, reference_cdf, special_points());
  expect_within(6, Elementary::normal_cdf, reference_cdf, uniform(-8, 8));
  expect_within(6, Elementary::normal_cdf, reference_cdf, uniform(-39, 0));
}

TEST(ElementaryLogNormalCdf, IsWithinItsBound) {
  expect_within(6, Elementary::log_normal_cdf, reference_log_cdf, special_points());
  expect_within(6, Elementary::log_normal_cdf, reference_log_cdf, uniform(-3, 9));
  expect_within(6, Elementary::log_normal_cdf, reference_log_cdf, uniform(-90, 38));
  expect_within(6, Elementary::log_normal_cdf, reference_log_cdf, any_magnitude(-1000, 1023, true));
}

TEST(ElementaryLogNormalCdf, FarInTheTails) {
  const Loaded log_cdf(Elementary::log_normal_cdf, test_targets().front());
  // −800 − log(40·√(2π)) + log(1 − 1/1600 + …), to 17 digits
  EXPECT_NEAR(log_cdf(-40.0) / -804.60844201375378, 1.0, 1e-15);
  EXPECT_EQ(log_cdf(-infinity), -infinity);
  EXPECT_EQ(log_cdf(infinity), 0.0);
}

TEST(ElementaryErf, KeepsTheSignOfZero) {
  const Loaded erf(Elementary::erf, test_targets().front());
  EXPECT_TRUE(std::signbit(erf(-0.0)));
  EXPECT_FALSE(std::signbit(erf(0.0)));
}

}  // namespace
}  // namespace borel::codegen::testing

// Accuracy of powers and the hyperbolic functions; worst_error also compares the bits of all widths
// and targets at every point.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tests/unit/codegen_elementary_support.h"

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void expect_power_within(double bound, const std::vector<double>& x, const std::vector<double>& y) {
  const Worst worst = worst_error(Elementary::pow, powq, x, y);
  EXPECT_LE(worst.error, bound) << "pow(" << worst.x << ", " << worst.y << ") gave " << worst.value;
}

TEST(ElementaryPow, IsWithinItsBound) {
  constexpr double bound = 1.2;
  constexpr int n = 20000;
  expect_power_within(bound, uniform(0, 10, n, 1), uniform(-100, 100, n, 2));
  expect_power_within(bound, uniform(0.9, 1.1, n, 1), uniform(-5000, 5000, n, 2));
  expect_power_within(bound, uniform(0.99999, 1.00001, n, 1), uniform(-5e7, 5e7, n, 2));
  expect_power_within(bound, any_magnitude(-1074, 1020, false, n, 1), uniform(-1.1, 1.1, n, 2));
  std::vector<double> whole = uniform(-20, 20, n, 2);
  for (double& y : whole) {
    y = std::round(y);
  }
  expect_power_within(bound, uniform(-10, 10, n, 1), whole);
}

TEST(ElementaryPow, HasTheSpecialCasesOfC) {
  std::vector<double> x;
  std::vector<double> y;
  for (const double a : {0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 0x1p-1074, 0x1p1023, infinity,
                         -infinity, nan}) {
    for (const double b : {0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0x1p52 + 1,
                           0x1p53 + 2, 1e300, -1e300, infinity, -infinity, nan}) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  expect_power_within(1.2, x, y);
  const Loaded pow(Elementary::pow, test_targets().front());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = std::pow(x[i], y[i]);
    if (!std::isnan(expected)) {
      EXPECT_EQ(std::signbit(pow(x[i], y[i])), std::signbit(expected)) << x[i] << ", " << y[i];
    }
  }
}

TEST(ElementaryCbrt, IsWithinItsBound) {
  constexpr double bound = 0.6;
  std::vector<double> cubes;
  for (int i = 1; i < 3000; ++i) {
    for (const double near : {0.0, infinity}) {
      cubes.push_back(std::nextafter(double(i) * i * i, near));
    }
    cubes.push_back(double(i) * i * i);
  }
  for (const std::vector<double>& points :
       {special_points(), cubes, uniform(-3, 3, 40000), uniform(-1e9, 1e9),
        any_magnitude(-1074, 1023.9, true, 40000)}) {
    const Worst worst = worst_error(
        Elementary::cbrt, [](Quad x, Quad) { return cbrtq(x); }, points);
    EXPECT_LE(worst.error, bound) << "cbrt(" << worst.x << ") gave " << worst.value;
  }
}

TEST(ElementaryCbrt, HasTheSpecialCasesOfC) {
  const Loaded cbrt(Elementary::cbrt, test_targets().front());
  for (const auto& [x, root] : std::vector<std::pair<double, double>>{{0, 0},
                                                                      {-0.0, -0.0},
                                                                      {infinity, infinity},
                                                                      {-infinity, -infinity},
                                                                      {27, 3},
                                                                      {-8, -2},
                                                                      {0x1p-1074, 0x1p-358},
                                                                      {-0x1p1023, -0x1p341}}) {
    EXPECT_EQ(cbrt(x), root);
    EXPECT_EQ(std::signbit(cbrt(x)), std::signbit(x)) << x;
  }
  EXPECT_TRUE(std::isnan(cbrt(nan)));
}

struct Case {
  Elementary function;
  Quad (*reference)(Quad);
  double bound;
};

class Hyperbolic : public ::testing::TestWithParam<Case> {};

TEST_P(Hyperbolic, IsWithinItsBound) {
  const auto [function, reference, bound] = GetParam();
  for (const std::vector<double>& points :
       {special_points(), uniform(-711, 711), uniform(-3, 3), any_magnitude(-1074, 3, true)}) {
    const Worst worst = worst_error(
        function, [&, r = reference](Quad x, Quad) { return r(x); }, points);
    EXPECT_LE(worst.error, bound) << elementary_name(function) << "(" << worst.x << ") gave "
                                  << worst.value;
  }
}

TEST_P(Hyperbolic, KeepsTheSignOfZeroIfOdd) {
  const Loaded function(GetParam().function, test_targets().front());
  EXPECT_EQ(std::signbit(function(-0.0)), GetParam().function != Elementary::cosh);
}

INSTANTIATE_TEST_SUITE_P(Elementary, Hyperbolic,
                         ::testing::Values(Case{Elementary::sinh, sinhq, 3},
                                           Case{Elementary::cosh, coshq, 2},
                                           Case{Elementary::tanh, tanhq, 3}));

}  // namespace
}  // namespace borel::codegen::testing

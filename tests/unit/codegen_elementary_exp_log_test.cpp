// Accuracy of exp, expm1, log, log1p and sqrt; worst_error also compares the bits of all widths
// and targets at every point.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <cmath>
#include <limits>

#include "tests/unit/codegen_elementary_support.h"

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void expect_within(double bound, Elementary function, Quad (*reference)(Quad),
                   const std::vector<double>& points) {
  const Worst worst = worst_error(
      function, [&](Quad x, Quad) { return reference(x); }, points);
  EXPECT_LE(worst.error, bound) << elementary_name(function) << "(" << worst.x << ") gave "
                                << worst.value;
}

TEST(ElementaryExp, IsWithinItsBound) {
  constexpr double bound = 1.15;
  expect_within(bound, Elementary::exp, expq, special_points());
  expect_within(bound, Elementary::exp, expq, uniform(-1, 1));
  expect_within(bound, Elementary::exp, expq, uniform(-708, 710));
  expect_within(bound, Elementary::exp, expq, any_magnitude(-1074, 9, true));
}

TEST(ElementaryExp, HasSubnormalResults) {
  expect_within(1.15, Elementary::exp, expq, uniform(-750, -705));
}

TEST(ElementaryExp, IsOneAtZeroAndExactAtTheEnds) {
  const Loaded exp(Elementary::exp, test_targets().front());
  EXPECT_EQ(exp(0.0), 1.0);
  EXPECT_EQ(exp(-0.0), 1.0);
  EXPECT_EQ(exp(-infinity), 0.0);
  EXPECT_EQ(exp(infinity), infinity);
  EXPECT_TRUE(std::isnan(exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST(ElementaryExpm1, IsWithinItsBound) {
  constexpr double bound = 2.0;
  expect_within(bound, Elementary::expm1, expm1q, special_points());
  expect_within(bound, Elementary::expm1, expm1q, uniform(-1, 1));
  expect_within(bound, Elementary::expm1, expm1q, uniform(-100, 710));
  expect_within(bound, Elementary::expm1, expm1q, any_magnitude(-1074, 9, true));
}

TEST(ElementaryExpm1, KeepsTheSignOfZero) {
  const Loaded expm1(Elementary::expm1, test_targets().front());
  EXPECT_TRUE(std::signbit(expm1(-0.0)));
  EXPECT_FALSE(std::signbit(expm1(0.0)));
}

TEST(ElementaryLog, IsWithinItsBound) {
  constexpr double bound = 1.25;
  expect_within(bound, Elementary::log, logq, special_points());
  expect_within(bound, Elementary::log, logq, uniform(0, 2));
  expect_within(bound, Elementary::log, logq, uniform(0.9, 1.1));
  expect_within(bound, Elementary::log, logq, any_magnitude(-1074, 1023.9, false));
}

TEST(ElementaryLog, OfZeroAndOfNegativeNumbers) {
  for (const TargetSpec& target : test_targets()) {
    const Loaded log(Elementary::log, target);
    EXPECT_EQ(log(0.0), -infinity);
    EXPECT_EQ(log(-0.0), -infinity);
    EXPECT_TRUE(std::isnan(log(-0x1p-1074)));
    EXPECT_TRUE(std::isnan(log(-infinity)));
    EXPECT_EQ(log(1.0), 0.0);
  }
}

TEST(ElementaryLog1p, IsWithinItsBound) {
  constexpr double bound = 1.25;
  expect_within(bound, Elementary::log1p, log1pq, special_points());
  expect_within(bound, Elementary::log1p, log1pq, uniform(-1, 1));
  expect_within(bound, Elementary::log1p, log1pq, uniform(-0.1, 0.1));
  expect_within(bound, Elementary::log1p, log1pq, any_magnitude(-1074, 1023.9, false));
  expect_within(bound, Elementary::log1p, log1pq, any_magnitude(-70, 0, true));
}

TEST(ElementaryLog1p, KeepsTheSignOfZeroAndEndsAtMinusOne) {
  const Loaded log1p(Elementary::log1p, test_targets().front());
  EXPECT_TRUE(std::signbit(log1p(-0.0)));
  EXPECT_EQ(log1p(-1.0), -infinity);
  EXPECT_TRUE(std::isnan(log1p(std::nextafter(-1.0, -2.0))));
}

TEST(Elementary, HasTheSameBitsHoweverItIsCompiled) {
  const TargetSpec target = test_targets().front();
  const std::vector<double> points = uniform(0.01, 20, 2000);
  for (const Elementary function :
       {Elementary::exp, Elementary::log, Elementary::lgamma, Elementary::sin}) {
    const std::vector<double> expected = Loaded(function, target)(8, points);
    for (const OptimiseLevel level :
         {OptimiseLevel::none, OptimiseLevel::lean, OptimiseLevel::full}) {
      for (const std::size_t inline_limit : {0, 32}) {
        for (const CodeQuality quality : {CodeQuality::fast, CodeQuality::full}) {
          OptimiseOptions options;
          options.level = level;
          options.inline_limit = inline_limit;
          const Loaded loaded(function, target, options, quality);
          for (const unsigned width : Loaded::widths()) {
            EXPECT_EQ(loaded(width, points), expected) << elementary_name(function);
          }
        }
      }
    }
  }
}

TEST(Elementary, HasTheSameBitsWithoutFusedMultiplyAddInHardware) {
  Result<TargetSpec> plain = named_target("x86-64");
  ASSERT_TRUE(plain);
  ASSERT_FALSE(plain->fma);
  const std::vector<double> points = uniform(0.01, 20, 2000);
  for (const Elementary function :
       {Elementary::exp, Elementary::log, Elementary::digamma, Elementary::cos}) {
    const std::vector<double> expected = Loaded(function, test_targets().front())(8, points);
    const Loaded loaded(function, *plain);
    EXPECT_EQ(loaded(1, points), expected) << elementary_name(function);
    EXPECT_EQ(loaded(4, points), expected) << elementary_name(function);
  }
}

TEST(ElementarySqrt, IsCorrectlyRounded) {
  expect_within(0.5, Elementary::sqrt, sqrtq, special_points());
  expect_within(0.5, Elementary::sqrt, sqrtq, any_magnitude(-1074, 1023.9, false));
}

}  // namespace
}  // namespace borel::codegen::testing

#include "runtime/core/density.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/runtime/toy_program.h"

namespace borel::runtime {
namespace {

class DensityTest : public testing::Test {
 protected:
  const Instance instance = test::bind_toy();
  const borel_model& model = instance.machine_model();
  std::vector<double> u = {1, 2, 3, 4, 5, 6, 7, 8};
};

TEST_F(DensityTest, ValueAndGradient) {
  const auto result = density_gradient(instance, model, u);
  ASSERT_TRUE(std::holds_alternative<Density>(result));
  EXPECT_EQ(std::get<Density>(result).value, -102);
  EXPECT_EQ(std::get<Density>(result).gradient[7], -8);
  const auto plain = density_gradient(instance, model, u, false);
  ASSERT_TRUE(std::holds_alternative<Error>(plain));
  EXPECT_EQ(std::get<Error>(plain).text, "the program was built without the gradient of `toy`");
  u.pop_back();
  const auto wrong = density_gradient(instance, model, u);
  ASSERT_TRUE(std::holds_alternative<Error>(wrong));
  EXPECT_EQ(std::get<Error>(wrong).text, "found 7 values, expected 8");
}

TEST_F(DensityTest, ConstrainAndBack) {
  const auto draw = constrain(instance, model, u);
  ASSERT_TRUE(std::holds_alternative<std::vector<double>>(draw));
  std::vector<double> latents = std::get<std::vector<double>>(draw);
  ASSERT_EQ(latents.size(), 12u);
  EXPECT_EQ(latents[1], std::exp(2.0));
  latents.resize(8);
  const auto back = unconstrain(instance, model, latents);
  ASSERT_TRUE(std::holds_alternative<std::vector<double>>(back));
  EXPECT_EQ(std::get<std::vector<double>>(back), u);
  latents[1] = -3;
  const auto outside = unconstrain(instance, model, latents);
  ASSERT_TRUE(std::holds_alternative<Error>(outside));
  EXPECT_EQ(std::get<Error>(outside).text,
            "a value is outside its site's support, at site `tau`: `tau > 0`, found -3");
  EXPECT_EQ(std::get<Error>(outside).span.line, 3);
}

TEST_F(DensityTest, WhatIsNotFiniteIsNamed) {
  EXPECT_FALSE(explain_not_finite(instance, model, u));
  u[4] = INFINITY;  // the slow way finds it
  Failure failure = explain_not_finite(instance, model, u);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->text,
            "the log density is -inf here: the log density is not finite, at site `theta`: "
            "`theta[k]`, found inf, at element 2 (counting from 0)");
  EXPECT_EQ(failure->span.line, 20);
  u[4] = 0;
  u[0] = 60;  // the fast way alone knows
  failure = explain_not_finite(instance, model, u);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->site, "mu");
  u[0] = INFINITY;
  u[1] = NAN;
  EXPECT_TRUE(explain_not_finite(instance, model, u));
}

}  // namespace
}  // namespace borel::runtime

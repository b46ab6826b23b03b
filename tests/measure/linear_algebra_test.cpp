// Gradients of programs with Cholesky factors, triangular solves and products of matrices against
// finite differences of their log densities; and of programs whose density is itself made from such
// a gradient, which takes second derivatives.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"

namespace borel::driver {
namespace {

struct Case {
  const char* name;
  const char* text;
};

// A covariance matrix of points `a`, positive definite for all of them.
constexpr const char* covariance = R"(
def covariance(a: real[n], n: int): matrix[n, n] {
  var K: matrix[n, n]
  for i in 0..n {
    for j in 0..n { K[i, j] = exp(-(a[i] - a[j])^2) + (i == j ? 0.5 + a[i]^2 : 0.) }
  }
  return K
}
)";

const Case cases[] = {
    {"Cholesky", R"(
model m() {
  a: real[4] ~ Normal(0, 1)
  let L = cholesky(covariance(a, 4))
  var s = 0.
  for i in 0..4 { for j in 0..4 { s += sin(real(i + 2 * j)) * L[i, j] + 0.1 * log(L[i, i]) } }
  factor(s)
})"},
    {"SolveVector", R"(
model m() {
  a: vector[4] ~ Normal(0, 1)
  let L = cholesky(covariance(a, 4))
  let z = solve_lower(L, a)
  factor(-0.5 * dot(z, z) + z[1] * a[2])
})"},
    {"SolveMatrixAndProducts", R"(
model m() {
  a: vector[4] ~ Normal(0, 1)
  let K = covariance(a, 4)
  let L = cholesky(K)
  let B = L * transpose(K)
  let W = solve_lower(L, B)
  let f = W * a
  factor(0.1 * dot(f, a) + W[2, 1] * B[0, 3])
})"},
    // Only part of the matrix is filled by the loops; the rest is read before and after.
    {"FilledInParts", R"(
model m() {
  a: vector[3] ~ Normal(0, 1)
  var K: matrix[3, 3]
  for i in 0..3 {
    for j in 0..i {
      K[i, j] = 0.3 * a[i] * a[j]
      K[j, i] = K[i, j]
    }
    K[i, i] += 2 + a[i]^4
  }
  let L = cholesky(K)
  factor(L[2, 0] * L[2, 2] + log(L[1, 1]))
})"},
    {"SecondOfCholesky", R"(
def f(a: real[3]): real {
  let L = cholesky(covariance(a, 3))
  return L[2, 0] * L[2, 1] + log(L[1, 1]) + L[2, 2]
}
model m() {
  a: real[3] ~ Normal(0, 1)
  let g = grad(f)(a)
  factor(-0.1 * dot(g, g))
})"},
    {"SecondOfSolvesAndProducts", R"(
def f(a: real[3]): real {
  let K = covariance(a, 3)
  let L = cholesky(K)
  let W = solve_lower(L, K * transpose(L))
  let z = solve_lower(L, a)
  return dot(z, z) + W[2, 1] * W[0, 1]
}
model m() {
  a: real[3] ~ Normal(0, 1)
  let g = grad(f)(a)
  factor(-0.1 * dot(g, g))
})"}};

class LinearAlgebra : public ::testing::TestWithParam<Case> {};

TEST_P(LinearAlgebra, GradientEqualsFiniteDifferences) {
  const auto file = std::filesystem::path(::testing::TempDir()) /
                    ("linear_algebra_" + std::string(GetParam().name) + ".ppl");
  std::ofstream(file) << covariance << GetParam().text << "\ninfer main() { nuts(m()) }\n";
  ProgramArguments arguments;
  arguments.file = file.string();
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  BoundProgram bound;
  ASSERT_EQ(bind_program(arguments, "", functions, bound), exit_ok);
  const runtime::Instance& instance = *bound.instance;
  const borel_model& model = instance.machine_model();
  const auto n = static_cast<size_t>(instance.dimension(model));
  runtime::Workspace workspace;
  const auto density = [&](const std::vector<double>& u) {
    double value = 0;
    EXPECT_EQ(workspace.run([&](borel_workspace* w) {
      return model.log_density(instance.get(), w, u.data(), &value);
    }),
              BOREL_OK);
    return value;
  };
  for (int point = 0; point < 3; ++point) {
    std::vector<double> u(n), gradient(n);
    for (size_t i = 0; i < n; ++i)
      u[i] = 0.8 * std::sin(1.0 + 2.3 * static_cast<double>(i) + point);
    double value = 0;
    ASSERT_EQ(workspace.run([&](borel_workspace* w) {
      return model.log_density_gradient(instance.get(), w, u.data(), &value, gradient.data());
    }),
              BOREL_OK);
    EXPECT_NEAR(value, density(u), 1e-12 * std::max(1.0, std::fabs(value)));
    for (size_t i = 0; i < n; ++i) {
      // Central differences of two steps, extrapolated: the error is of the fourth order.
      const auto slope = [&](double h) {
        auto left = u, right = u;
        left[i] -= h;
        right[i] += h;
        return (density(right) - density(left)) / (2 * h);
      };
      const double expected = (4 * slope(5e-4) - slope(1e-3)) / 3;
      EXPECT_NEAR(gradient[i], expected, 1e-8 * std::max(1.0, std::fabs(expected)))
          << "point " << point << ", coordinate " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, LinearAlgebra, ::testing::ValuesIn(cases),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

}  // namespace
}  // namespace borel::driver

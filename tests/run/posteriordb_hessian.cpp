// Products with the Hessian of whole programs on real data: their symmetry, and against differences
// of the gradient, whose own test is posteriordb_gradient.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"

namespace borel::driver {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<double>;

std::vector<std::string> programs() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(BOREL_PROGRAMS))
    if (entry.path().extension() == ".ppl") out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

double largest(const Values& values) {
  double size = 0;
  for (const double v : values) size = std::max(size, std::fabs(v));
  return size;
}

class PosteriordbHessian : public ::testing::TestWithParam<std::string> {};

TEST_P(PosteriordbHessian, IsSymmetricAndTheGradientsDerivative) {
  const fs::path data = fs::path(BOREL_POSTERIORDB) / GetParam() / "data.json";
  if (!fs::exists(data)) {
    if (std::getenv("CI")) FAIL() << data << " is not there";
    GTEST_SKIP() << data << " is not there";
  }
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_PROGRAMS) + "/" + GetParam() + ".ppl";
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  functions.log_density = functions.diagnose = functions.predict = false;
  functions.log_likelihood = false;
  functions.hessian = true;
  BoundProgram bound;
  ASSERT_EQ(bind_program(arguments, data.string(), functions, bound), exit_ok);
  const runtime::Instance& instance = *bound.instance;
  const borel_model& model = instance.machine_model();
  const auto n = static_cast<size_t>(instance.dimension(model));
  runtime::Workspace workspace;
  const auto gradient = [&](const Values& u, double& lp) {
    Values out(n);
    EXPECT_EQ(workspace.run([&](borel_workspace* ws) {
      return model.log_density_gradient(instance.get(), ws, u.data(), &lp, out.data());
    }),
              BOREL_OK);
    return out;
  };
  const auto product = [&](const Values& u, const Values& v) {
    Values out(n), here(n);
    double lp = 0, same = 0;
    EXPECT_EQ(workspace.run([&](borel_workspace* ws) {
      return model.hessian_vector(instance.get(), ws, u.data(), v.data(), &lp, here.data(),
                                  out.data());
    }),
              BOREL_OK);
    const Values expected = gradient(u, same);
    EXPECT_NEAR(lp, same, 1e-11 * std::max(1., std::fabs(same)));
    for (size_t i = 0; i < n; ++i)
      EXPECT_NEAR(here[i], expected[i], 1e-10 * std::max(1., largest(expected))) << i;
    return out;
  };

  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  const auto draw = [&](double scale) {
    Values out(n);
    for (double& x : out) x = scale * normal(random);
    return out;
  };
  int compared = 0;
  for (int point = 0; point < 3; ++point) {
    const Values u = draw(0.2), v = draw(1), w = draw(1);
    double lp = 0;
    const Values g = gradient(u, lp);
    if (!std::isfinite(lp)) continue;
    const Values hv = product(u, v), hw = product(u, w);
    // Of fourth order.
    Values difference(n);
    const double h = 2e-4;
    for (const auto& [steps, weight] :
         {std::pair{1., 8.}, std::pair{-1., -8.}, std::pair{2., -1.}, std::pair{-2., 1.}}) {
      Values moved(u);
      for (size_t i = 0; i < n; ++i) moved[i] += steps * h * v[i];
      double there = 0;
      const Values at = gradient(moved, there);
      for (size_t i = 0; i < n; ++i) difference[i] += weight * at[i] / (12 * h);
    }
    const double size = std::max(largest(hv), 1.);
    double wv = 0, vw = 0;
    for (size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(hv[i], difference[i], 1e-6 * size + 1e-9 * largest(g)) << i;
      wv += w[i] * hv[i];
      vw += v[i] * hw[i];
    }
    EXPECT_NEAR(wv, vw, 1e-10 * std::max(size, largest(hw)) * static_cast<double>(n));
    ++compared;
  }
  EXPECT_GE(compared, 1);
}

INSTANTIATE_TEST_SUITE_P(All, PosteriordbHessian, ::testing::ValuesIn(programs()),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace borel::driver

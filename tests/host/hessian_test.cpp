// Products with the Hessian: against what can be written down, against differences of the gradient,
// and their symmetry.
#include <algorithm>
#include <cmath>
#include <random>

#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

using Values = std::vector<double>;

constexpr const char* curved_data =
    R"({"N": 7, "J": 3, "g": [0, 1, 2, 0, 1, 2, 1], "x": [0.5, -1, 0.25, 2, -0.5, 1, -2], "low": -1,
        "y": [0.1, -0.3, 1.2, 0.4, 2.5, -0.7, 0], "count": [0, 3, 1, 2, 5, 0, 1]})";

double largest(const Values& values) {
  double size = 0;
  for (const double v : values) size = std::max(size, std::fabs(v));
  return size;
}

class Products {
 public:
  explicit Products(const Bound& all) : all_(all), at_(worker(all.instance)) {}

  size_t dimension() const { return static_cast<size_t>(borel_dimension(all_.instance.get(), 0)); }
  Values gradient(const Values& u, bool jacobian, double& lp) {
    Values out(dimension());
    Problem problem;
    EXPECT_EQ(
        borel_log_density_gradient(at_.get(), 0, jacobian, u.data(), &lp, out.data(), problem),
        BOREL_SUCCESS);
    return out;
  }
  Values product(const Values& u, const Values& v, bool jacobian) {
    Values out(dimension()), gradient_here(dimension());
    double lp = 0, same = 0;
    Problem problem;
    EXPECT_EQ(borel_hessian_vector(at_.get(), 0, jacobian, u.data(), v.data(), &lp,
                                   gradient_here.data(), out.data(), problem),
              BOREL_SUCCESS);
    const Values expected = gradient(u, jacobian, same);
    EXPECT_NEAR(lp, same, 1e-12 * std::max(1., std::fabs(same)));
    for (size_t i = 0; i < dimension(); ++i)
      EXPECT_NEAR(gradient_here[i], expected[i], 1e-12 * std::max(1., largest(expected))) << i;
    return out;
  }
  /// Of fourth order: what the step cuts off is far below what is compared.
  Values difference(const Values& u, const Values& v, bool jacobian) {
    const double h = 1e-3 / std::max(1., largest(v));
    Values out(dimension());
    for (const auto& [steps, weight] :
         {std::pair{1., 8.}, std::pair{-1., -8.}, std::pair{2., -1.}, std::pair{-2., 1.}}) {
      Values moved(u);
      for (size_t i = 0; i < dimension(); ++i) moved[i] += steps * h * v[i];
      double lp = 0;
      const Values g = gradient(moved, jacobian, lp);
      for (size_t i = 0; i < dimension(); ++i) out[i] += weight * g[i] / (12 * h);
    }
    return out;
  }

 private:
  const Bound& all_;
  Worker at_;
};

TEST(Hessian, AsWrittenDown) {
  const Bound all = bound(compiled("tests/host/programs/quartic.ppl", true), "{}");
  Products products(all);
  ASSERT_EQ(products.dimension(), 3u);
  for (const Values& u : {Values{0.5, -1, 0.25}, Values{-2, 3, -1}, Values{0, 0, 0}}) {
    const double a = u[0], b = u[1], s = std::exp(u[2]);
    for (const Values& v : {Values{1, 0, 0}, Values{0, 1, 0}, Values{0, 0, 1}, Values{2, -3, 0.5}})
      for (const bool jacobian : {true, false}) {
        // The logarithm of the Jacobian of s is linear in u.
        const Values exact{(-0.25 + 2 * (b - a * a) - 4 * a * a) * v[0] + 2 * a * v[1],
                           2 * a * v[0] - v[1], -s * v[2]};
        const Values got = products.product(u, v, jacobian);
        for (size_t i = 0; i < 3; ++i)
          EXPECT_NEAR(got[i], exact[i], 1e-14 * std::max(1., largest(exact)));
      }
  }
}

TEST(Hessian, IsSymmetricAndTheGradientsDerivative) {
  const Bound all = bound(compiled("tests/host/programs/curved.ppl", true), curved_data);
  Products products(all);
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  const auto draw = [&](double scale) {
    Values out(products.dimension());
    for (double& x : out) x = scale * normal(random);
    return out;
  };
  for (int point = 0; point < 6; ++point) {
    const Values u = draw(0.7), v = draw(1), w = draw(1);
    for (const bool jacobian : {true, false}) {
      const Values hv = products.product(u, v, jacobian), hw = products.product(u, w, jacobian);
      const Values expected = products.difference(u, v, jacobian);
      double wv = 0, vw = 0;
      for (size_t i = 0; i < u.size(); ++i) {
        EXPECT_NEAR(hv[i], expected[i], 1e-7 * std::max(1., largest(expected))) << i;
        wv += w[i] * hv[i];
        vw += v[i] * hw[i];
      }
      EXPECT_NEAR(wv, vw, 1e-11 * std::max(1., largest(hv)) * static_cast<double>(u.size()));
    }
  }
}

TEST(Hessian, MayTakeThePointForTheVector) {
  const Bound all = bound(compiled("tests/host/programs/quartic.ppl", true), "{}");
  const Worker at = worker(all.instance);
  const double u[3] = {0.5, -1, 0.25};
  double copy[3] = {0.5, -1, 0.25}, lp = 0, gradient[3], one[3], two[3];
  Problem problem;
  ASSERT_EQ(borel_hessian_vector(at.get(), 0, 1, u, u, &lp, gradient, one, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_hessian_vector(at.get(), 0, 1, u, copy, &lp, gradient, two, problem),
            BOREL_SUCCESS);
  EXPECT_TRUE(std::equal(one, one + 3, two));
}

TEST(Hessian, Failures) {
  Problem problem;
  double u[3] = {}, lp = 0, g[3], out[3];
  EXPECT_FAILS(borel_hessian_vector(nullptr, 0, 1, u, u, &lp, g, out, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  const Bound without = bound(compiled("tests/host/programs/quartic.ppl"), "{}");
  const Worker none = worker(without.instance);
  for (const int jacobian : {0, 1})
    EXPECT_FAILS(borel_hessian_vector(none.get(), 0, jacobian, u, u, &lp, g, out, problem),
                 BOREL_NOT_SUPPORTED, problem,
                 "built without products with the Hessian of `quartic`");
  const Bound all = bound(compiled("tests/host/programs/quartic.ppl", true), "{}");
  const Worker at = worker(all.instance);
  for (const int model : {-1, 1})
    EXPECT_FAILS(borel_hessian_vector(at.get(), model, 1, u, u, &lp, g, out, problem),
                 BOREL_BAD_ARGUMENT, problem, "there is no model");
  const borel_code codes[] = {
      borel_hessian_vector(at.get(), 0, 1, nullptr, u, &lp, g, out, problem),
      borel_hessian_vector(at.get(), 0, 1, u, nullptr, &lp, g, out, problem),
      borel_hessian_vector(at.get(), 0, 1, u, u, nullptr, g, out, problem),
      borel_hessian_vector(at.get(), 0, 1, u, u, &lp, nullptr, out, problem),
      borel_hessian_vector(at.get(), 0, 1, u, u, &lp, g, nullptr, problem)};
  for (const borel_code code : codes) EXPECT_EQ(code, BOREL_BAD_ARGUMENT);
  // A density of 0 is no failure; one that is no number is.
  u[2] = -1e4;
  ASSERT_EQ(borel_hessian_vector(at.get(), 0, 1, u, u, &lp, g, out, problem), BOREL_SUCCESS);
  u[2] = 0;
  u[0] = std::nan("");
  EXPECT_FAILS(borel_hessian_vector(at.get(), 0, 1, u, u, &lp, g, out, problem), BOREL_RUN_FAILED,
               problem, "the log density is nan");
}

// What cannot be derived is told when the program is compiled, at its place.
TEST(Hessian, ThatHasNoDerivative) {
  driver::PipelineOptions options;
  options.file = BOREL_SOURCE "/tests/host/programs/no_hessian.ppl";
  for (const bool hessian : {false, true}) {
    options.functions.hessian = hessian;
    SourceManager sources;
    Diagnostics diagnostics;
    driver::StageTimes times;
    const auto program = driver::load(options, sources, diagnostics, times);
    EXPECT_EQ(program.has_value(), !hessian);
    if (!hessian) continue;
    ASSERT_EQ(diagnostics.error_count(), 1u);
    const Diagnostic& error = *diagnostics.all().front();
    EXPECT_NE(error.message.find("'trigamma' cannot be differentiated"), std::string::npos)
        << error.message;
    EXPECT_EQ(sources.begin(error.span).line, 4u);
  }
}

}  // namespace
}  // namespace borel::host::test

// Samplers that are made of populations: smoothers, particle Gibbs, marginal Metropolis-Hastings
// and the tempered sampler, against posteriors in closed form or by enumeration. Seeds are fixed;
// four standard errors of means of batches are allowed.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

struct Draws {
  std::vector<runtime::Chain> chains;
  std::string error;
};

Draws run(const std::string& infer, const std::string& data, int draws, int chains = 4,
          int warmup = 0) {
  const auto path = std::filesystem::path(::testing::TempDir()) / ("sequential." + infer + ".json");
  std::ofstream(path) << data;
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_STATISTICAL) + "/sequential.ppl";
  arguments.infer = infer;
  BoundProgram bound;
  Draws out;
  if (bind_program(arguments, path.string(), {}, bound) != exit_ok) {
    out.error = "cannot be bound";
    return out;
  }
  runtime::Parameters parameters((**bound.program).machine[0], bound.instance->steps());
  EXPECT_FALSE(parameters.set("draws", draws));
  EXPECT_FALSE(parameters.set("chains", chains));
  if (warmup > 0) {
    EXPECT_FALSE(parameters.set("warmup", warmup));
  }
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = 2;
  options.seed = 11;
  runtime::SampleResult result = runtime::sample(*bound.instance, options);
  if (result.error) out.error = result.error->text;
  out.chains = std::move(result.chains);
  return out;
}

/// Mean of a function of draws, and its standard error by means of batches.
struct Mean {
  double value = 0, error = 0;
};
Mean mean_of(const Draws& draws, const std::function<double(const double*)>& f) {
  std::vector<double> batches;
  constexpr std::int64_t per_chain = 25;
  for (const runtime::Chain& chain : draws.chains) {
    const std::int64_t length = chain.draw_count / per_chain;
    for (std::int64_t b = 0; b < per_chain; ++b) {
      double sum = 0;
      for (std::int64_t i = b * length; i < (b + 1) * length; ++i) sum += f(chain.draw(i));
      batches.push_back(sum / static_cast<double>(length));
    }
  }
  Mean out;
  const auto n = static_cast<double>(batches.size());
  for (const double x : batches) out.value += x / n;
  double square = 0;
  for (const double x : batches) square += (x - out.value) * (x - out.value);
  out.error = std::sqrt(square / (n - 1) / n);
  return out;
}

void expect_mean(const Draws& draws, const std::function<double(const double*)>& f, double exact,
                 double more = 0) {
  const Mean mean = mean_of(draws, f);
  EXPECT_GT(mean.error, 0);
  EXPECT_NEAR(mean.value, exact, 4 * std::hypot(mean.error, more));
}

/// The random walk's smoothed means and deviations, by Kalman's filter and Rauch, Tung and
/// Striebel's smoother.
std::pair<std::vector<double>, std::vector<double>> smoothed(const std::vector<double>& y) {
  const std::size_t n = y.size();
  std::vector<double> m(n), p(n);
  double mean = 0, variance = 1;
  for (std::size_t t = 0; t < n; ++t) {
    if (t > 0) variance += 1;
    const double gain = variance / (variance + 0.04);
    mean += gain * (y[t] - mean);
    variance *= 1 - gain;
    m[t] = mean;
    p[t] = variance;
  }
  for (std::size_t t = n - 1; t-- > 0;) {
    const double gain = p[t] / (p[t] + 1), before = p[t] + 1;
    m[t] += gain * (m[t + 1] - m[t]);
    p[t] += gain * gain * (p[t + 1] - before);
  }
  return {m, p};
}

const std::vector<double> five = {1, 2, 3, 1, 0.5};
std::string walk_data(int particles) {
  return R"({"T": 5, "y": [1, 2, 3, 1, 0.5], "particles": )" + std::to_string(particles) + "}";
}

void expect_smoothed(const Draws& draws, double more) {
  ASSERT_EQ(draws.error, "");
  const auto [mean, variance] = smoothed(five);
  for (std::size_t t = 0; t < five.size(); ++t) {
    const double m = mean[t], v = variance[t];
    expect_mean(
        draws, [t](const double* x) { return x[t]; }, m, more);
    expect_mean(
        draws, [t, m](const double* x) { return (x[t] - m) * (x[t] - m); }, v, more * 0.3);
  }
}

// The particles that a smoother chooses among are drawn once for each chain: 4000 of them, worth
// some 600 at a stage.
TEST(Smoother, DrawsPathsAsTheSmootherOfKalmanHasThem) {
  expect_smoothed(run("smooth", walk_data(4000), 2000), 0.2 / std::sqrt(4 * 600.));
}

TEST(ParticleGibbs, DrawsPathsAsTheSmootherOfKalmanHasThem) {
  expect_smoothed(run("gibbs", walk_data(20), 5000, 4, 100), 0);
}

TEST(Smoother, AgreesWithEnumerationOfHiddenStates) {
  // s is a chain of truths; given it y[t] is Normal(2 s[t], sqrt(0.5 + 0.09)).
  const std::vector<double> y = {0.3, 1.4, 2.2, 0.9};
  std::vector<double> on(4);
  double total = 0, pair = 0;
  for (int path = 0; path < 16; ++path) {
    double p = 1;
    int before = 0;
    for (int t = 0; t < 4; ++t) {
      const int s = path >> t & 1;
      const double up = before == 1 ? 0.9 : 0.2;
      p *= s == 1 ? up : 1 - up;
      p *= std::exp(-0.5 * (y[t] - 2 * s) * (y[t] - 2 * s) / 0.59);
      before = s;
    }
    total += p;
    for (int t = 0; t < 4; ++t) on[t] += p * (path >> t & 1);
    pair += p * (path & path >> 1 & 1);
  }
  const std::string data = R"({"T": 4, "y": [0.3, 1.4, 2.2, 0.9], "particles": )";
  const Draws gibbs = run("hidden_gibbs", data + "30}", 5000, 4, 100),
              smooth = run("hidden_smooth", data + "4000}", 2000);
  ASSERT_EQ(gibbs.error, "");
  ASSERT_EQ(smooth.error, "");
  for (int t = 0; t < 4; ++t) {
    expect_mean(
        gibbs, [t](const double* x) { return x[t]; }, on[t] / total);
    expect_mean(
        smooth, [t](const double* x) { return x[t]; }, on[t] / total, 0.5 / std::sqrt(4 * 1500.));
  }
  expect_mean(
      gibbs, [](const double* x) { return x[0] * x[1]; }, pair / total);
  // Given s and y, v[t, 0] is normal around s + (y - 2 s) * 0.25 / 0.59.
  expect_mean(
      gibbs, [&](const double* x) { return x[4] - (x[0] + (y[0] - 2 * x[0]) * 0.25 / 0.59); }, 0);
}

TEST(MarginalMetropolis, DrawsTheExactPosteriorOfTheParameters) {
  // y is Normal(mu, sqrt(2)): the posterior is normal with precision 1 + 6 / 2.
  const Draws draws =
      run("marginal", R"({"n": 6, "y": [0.2, 1.5, -0.3, 2.0, 0.9, 1.1], "particles": 30})", 10000,
          4, 500);
  ASSERT_EQ(draws.error, "");
  const double mean = (0.2 + 1.5 - 0.3 + 2.0 + 0.9 + 1.1) / 2 / 4;
  expect_mean(
      draws, [](const double* x) { return x[0]; }, mean);
  expect_mean(
      draws, [mean](const double* x) { return (x[0] - mean) * (x[0] - mean); }, 0.25);
}

TEST(Tempered, EvidenceAndPosteriorOfACoin) {
  const Draws draws = run("tossed", R"({"n": 10, "heads": [1,1,1,1,1,1,0,0,0,0]})", 4000);
  ASSERT_EQ(draws.error, "");
  expect_mean(
      draws, [](const double* x) { return x[0]; }, 16 / 30., 0.09 / std::sqrt(4 * 2000.));
  double evidence = 0;
  for (const runtime::Chain& chain : draws.chains) evidence += chain.statistic(0)[2] / 4;
  // Weights of particles from the prior vary by half of their mean.
  EXPECT_NEAR(evidence, -7.069375, 4 * 0.5 / std::sqrt(4 * 4000.));
}

TEST(Tempered, FindsModesThatAreFarApart) {
  const Draws draws = run("modes", "{}", 4000);
  ASSERT_EQ(draws.error, "");
  // Both ends of the prior are alike, but the greater mode has four times the mass. Some 160 of the
  // particles from the prior fall near a mode.
  expect_mean(
      draws, [](const double* x) { return x[0] > 0 ? 1. : 0.; }, 0.8, 0.4 / std::sqrt(4 * 160.));
}

}  // namespace
}  // namespace borel::driver

// Resampling schemes give particle i of n as many offspring as they should: n w_i / sum(w) on
// average, with each scheme's variance and within its bounds. Seeds and sizes are fixed; standard
// errors are of independent draws, and five of them are allowed, for there are thousands of
// comparisons.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <numeric>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

using Weights = std::vector<double>;

const std::vector<std::string> schemes = {"multinomial", "stratified", "systematic",
                                          "residual",    "ssp",        "killing"};

Weights power_law(std::size_t n, double exponent) {
  Weights w(n);
  for (std::size_t i = 0; i < n; ++i)
    w[(7 * i) % n] = std::pow(static_cast<double>(i + 1), exponent);
  return w;
}

Weights times(Weights w, double factor) {
  for (double& x : w) x *= factor;
  return w;
}

const std::map<std::string, Weights> weight_vectors = {
    {"one particle", {3}},
    {"two", {1, 2}},
    {"uneven", {1, 2, 3, 4, 0.5, 2.5, 1.75, 0.25}},
    {"zeros", {0, 0, 1, 0, 0.3, 2.2, 0, 0, 0, 1.9, 0.01, 0, 0}},
    {"all on the last", {0, 0, 0, 0, 7}},
    {"all on the first", {7, 0, 0, 0, 0}},
    {"one dominates", {1, 1e6, 1, 2, 3, 4, 5}},
    {"far apart", {1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 0.5, 1e-18, 0.1, 0}},
    {"long tail", power_law(61, -1.5)},
    {"tiny", times({1, 2, 0, 4, 0.5, 2.5}, 1e-300)},
    {"huge", times({1, 1.5, 0, 1.1, 0.5, 1.2}, 1e308)},
    {"more than a block", power_law(1300, -0.3)},
};

class Scheme {
 public:
  explicit Scheme(const std::string& name, const std::string& cpu = {}) {
    const auto path =
        std::filesystem::path(::testing::TempDir()) / ("resampling." + name + ".json");
    std::ofstream(path) << R"({"w": [1, 2]})";
    ProgramArguments arguments;
    arguments.file = std::string(BOREL_STATISTICAL) + "/resampling.ppl";
    arguments.infer = "by_" + name;
    arguments.cpu = cpu;
    EXPECT_EQ(bind_program(arguments, path.string(), {}, bound_), exit_ok);
  }

  /// Offspring of each of `repetitions` resamplings, row by row; nothing where one faults.
  struct Result {
    runtime::Chain chain;
    std::string error;
    const double* counts(std::int64_t i) const { return chain.draw(i); }
    double distinct(std::int64_t i) const { return chain.statistic(i)[0]; }
    bool sorted(std::int64_t i) const { return chain.statistic(i)[1] == 1; }
    double effective_size(std::int64_t i) const { return chain.statistic(i)[2]; }
  };
  Result run(const Weights& w, int repetitions, std::uint64_t seed = 1) const {
    runtime::InputData data;
    runtime::AlignedBuffer& memory = data.storage.emplace_back(8 * w.size());
    std::copy(w.begin(), w.end(), memory.as<double>());
    const auto n = static_cast<std::int64_t>(w.size());
    data.arrays.push_back({memory.data(), {n}});
    data.sizes = {n};
    auto bound = runtime::Instance::bind(**bound_.program, std::move(data));
    Result out;
    if (!std::holds_alternative<runtime::Instance>(bound)) {
      out.error = "cannot be bound";
      return out;
    }
    runtime::Parameters parameters((**bound_.program).machine[0]);
    EXPECT_FALSE(parameters.set("draws", repetitions));
    runtime::SampleOptions options;
    options.parameters = &parameters;
    options.threads = 1;
    options.seed = seed;
    runtime::SampleResult result = runtime::sample(std::get<runtime::Instance>(bound), options);
    if (result.error) out.error = result.error->text;
    out.chain = std::move(result.chains[0]);
    return out;
  }

 private:
  BoundProgram bound_;
};

Weights expected_counts(const Weights& w) {
  const double greatest = *std::max_element(w.begin(), w.end());
  Weights expected = times(w, 1 / greatest);
  const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
  return times(expected, static_cast<double>(w.size()) / total);
}

/// The variance of the offspring of particle i.
double variance(const std::string& scheme, const Weights& w, std::size_t i) {
  const Weights expected = expected_counts(w);
  const auto n = static_cast<double>(w.size());
  const auto part = [](double x) {
    const double rest = x - std::floor(x);
    return std::min(rest, 1 - rest) < 1e-9 ? 0 : rest;
  };
  if (scheme == "multinomial") return expected[i] * (1 - expected[i] / n);
  if (scheme == "systematic" || scheme == "ssp") return part(expected[i]) * (1 - part(expected[i]));
  if (scheme == "residual") {
    double rest = 0;
    for (const double x : expected) rest += part(x);
    return rest == 0 ? 0 : part(expected[i]) * (1 - part(expected[i]) / rest);
  }
  double sum = 0;
  if (scheme == "stratified") {
    // A stratum's point is the particle's with the probability of what they share.
    const double begin =
        std::accumulate(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(i), 0.0);
    const double end = begin + expected[i];
    for (double s = 0; s < n; ++s) {
      const double share = std::max(0.0, std::min(s + 1, end) - std::max(s, begin));
      sum += share * (1 - share);
    }
    return sum;
  }
  // Killing: each place is its own.
  const double greatest = *std::max_element(expected.begin(), expected.end());
  for (std::size_t j = 0; j < w.size(); ++j) {
    const double kept = expected[j] / greatest;
    const double share = (1 - kept) * expected[i] / n + (j == i ? kept : 0);
    sum += share * (1 - share);
  }
  return sum;
}

/// Least and most offspring.
std::pair<double, double> bounds(const std::string& scheme, double expected) {
  const auto near = std::round(expected);
  const bool whole = std::abs(expected - near) < 1e-9;
  const double low = whole ? near : std::floor(expected), high = whole ? near : low + 1;
  if (scheme == "systematic" || scheme == "ssp") return {low, high};
  if (scheme == "stratified") return {low - 1, high + 1};
  if (scheme == "residual") return {low, INFINITY};
  return {0, INFINITY};
}

class Resampling : public ::testing::TestWithParam<std::string> {};

TEST_P(Resampling, GivesEachParticleItsOffspring) {
  constexpr int repetitions = 20000;
  const Scheme scheme(GetParam());
  for (const auto& [what, w] : weight_vectors) {
    SCOPED_TRACE(what);
    const std::size_t n = w.size();
    const int rows = n > 100 ? repetitions / 10 : repetitions;
    const Scheme::Result result = scheme.run(w, rows);
    ASSERT_EQ(result.error, "");
    const Weights expected = expected_counts(w);
    Weights sum(n), squares(n), fourth(n);
    for (std::int64_t r = 0; r < rows; ++r) {
      double total = 0, kept = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double count = result.counts(r)[i], from = count - expected[i];
        const auto [low, high] = bounds(GetParam(), expected[i]);
        ASSERT_TRUE(count >= low && count <= high)
            << "particle " << i << ": " << count << " offspring, expected " << expected[i];
        ASSERT_TRUE(w[i] > 0 || count == 0) << "particle " << i << " has no weight";
        total += count;
        kept += count > 0;
        sum[i] += from;
        squares[i] += from * from;
        fourth[i] += from * from * from * from;
      }
      ASSERT_EQ(total, static_cast<double>(n));
      ASSERT_EQ(result.distinct(r), kept);
      ASSERT_TRUE(result.sorted(r) || GetParam() == "killing");
    }
    for (std::size_t i = 0; i < n; ++i) {
      // Of particles that hardly ever have offspring the deviations are far from normal.
      const double v = variance(GetParam(), w, i);
      const double mean = sum[i] / rows, second = squares[i] / rows;
      const double rare = 30.0 / rows;
      EXPECT_NEAR(mean, 0, 5 * std::sqrt(v / rows) + (v < rare ? rare : 1e-9)) << "particle " << i;
      // At least that of a count as if Poisson's: where few deviate they tell less of themselves.
      const double error = std::sqrt(
          std::max(fourth[i] / rows - second * second, v > rare ? v * (1 + 2 * v) : 0) / rows);
      EXPECT_NEAR(second, v, 5 * error + (v < rare ? rare : 1e-9)) << "particle " << i;
    }
  }
}

TEST_P(Resampling, OfEqualWeightsIsExact) {
  if (GetParam() == "multinomial") GTEST_SKIP() << "independent draws";
  const Scheme scheme(GetParam());
  for (const std::size_t n : {1, 7, 49, 1000, 1 << 20}) {
    for (const double weight : {1.0, 0.1, 1e-300}) {
      const Scheme::Result result = scheme.run(Weights(n, weight), 1);
      ASSERT_EQ(result.error, "");
      ASSERT_EQ(result.distinct(0), static_cast<double>(n)) << "weights " << weight;
    }
  }
}

/// Whether this processor has a level of x86-64.
bool runs(const std::string& level) {
  if (level == "x86-64-v2") return __builtin_cpu_supports("sse4.2");
  if (level == "x86-64-v3")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

// What does not depend on the order of additions does not depend on how many go at a time.
TEST_P(Resampling, IsTheSameForVectorsOfAnyWidth) {
  const Weights w = power_law(5000, -0.8);
  const Scheme::Result expected = Scheme(GetParam()).run(w, 20);
  ASSERT_EQ(expected.error, "");
  for (const char* cpu : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    if (!runs(cpu)) continue;
    const Scheme::Result result = Scheme(GetParam(), cpu).run(w, 20);
    ASSERT_EQ(result.error, "");
    for (std::int64_t r = 0; r < 20; ++r)
      for (std::size_t i = 0; i < w.size(); ++i)
        ASSERT_EQ(result.counts(r)[i], expected.counts(r)[i]) << cpu << " " << r << " " << i;
  }
}

// What nobody should ask for ends, and stays within its arrays.
TEST_P(Resampling, EndsForWeightsThatAreNone) {
  const Scheme scheme(GetParam());
  const Scheme::Result zeros = scheme.run(Weights(1000, 0.0), 3);
  ASSERT_EQ(zeros.error, "");
  EXPECT_EQ(std::accumulate(zeros.counts(2), zeros.counts(2) + 1000, 0.0), 1000);
  EXPECT_EQ(zeros.effective_size(2), 0);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), double(INFINITY), -1.0}) {
    Weights w(1000, 1.0);
    w[500] = bad;
    const Scheme::Result result = scheme.run(w, 3);
    if (result.error.empty()) {
      EXPECT_EQ(std::accumulate(result.counts(2), result.counts(2) + 1000, 0.0), 1000) << bad;
    } else {
      EXPECT_NE(result.error.find("int of a real"), std::string::npos) << result.error;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, Resampling, ::testing::ValuesIn(schemes),
                         [](const auto& scheme) { return scheme.param; });

TEST(Figures, EffectiveSize) {
  const Scheme scheme("systematic");
  for (const auto& [what, w] : weight_vectors) {
    const Weights expected = expected_counts(w);
    const double squares =
        std::inner_product(expected.begin(), expected.end(), expected.begin(), 0.0);
    const auto n = static_cast<double>(w.size());
    // There is no power of two that makes the tiniest as large as the others.
    EXPECT_NEAR(scheme.run(w, 1).effective_size(0) / (n * n / squares), 1,
                what == "tiny" ? 1e-7 : 1e-12)
        << what;
  }
}

// The example of which the variances are known: 10 offspring of weights .5, .3, .2.
TEST(Figures, KnownCounts) {
  const Weights w = {0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0, 0};
  for (const char* exact : {"stratified", "systematic", "residual", "ssp"}) {
    const Scheme::Result result = Scheme(exact).run(w, 1000);
    ASSERT_EQ(result.error, "");
    for (std::int64_t r = 0; r < 1000; ++r) {
      ASSERT_EQ(result.counts(r)[0], 5) << exact;
      ASSERT_EQ(result.counts(r)[1], 3) << exact;
      ASSERT_EQ(result.counts(r)[2], 2) << exact;
    }
  }
  constexpr int rows = 100000;
  const Scheme::Result result = Scheme("multinomial").run(w, rows);
  ASSERT_EQ(result.error, "");
  const std::vector<double> means = {5, 3, 2}, variances = {2.5, 2.1, 1.6};
  for (std::size_t i = 0; i < 3; ++i) {
    double squares = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const double from = result.counts(r)[i] - means[i];
      squares += from * from;
    }
    // Of a count that is nearly normal the square has twice the variance squared.
    EXPECT_NEAR(squares / rows, variances[i], 4 * variances[i] * std::sqrt(2.0 / rows));
  }
}

}  // namespace
}  // namespace borel::driver

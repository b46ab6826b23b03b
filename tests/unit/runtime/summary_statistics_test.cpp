#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "runtime/io/fft.h"
#include "runtime/io/statistics.h"
#include "tests/unit/runtime/summary_cases.h"

namespace borel::io {
namespace {

using test::make_draws;

void expect_close(double found, const std::string& golden, const std::string& what) {
  if (golden == "NA") {
    EXPECT_TRUE(std::isnan(found)) << what << " is " << found << ", R says NA";
    return;
  }
  const double expected = std::strtod(golden.c_str(), nullptr);
  if (std::isinf(expected)) {
    EXPECT_EQ(found, expected) << what;
    return;
  }
  EXPECT_NEAR(found, expected, 1e-8 * std::abs(expected) + (std::abs(expected) < 1e-15 ? 0 : 1e-12))
      << what;
}

TEST(Statistics, EqualRsPosterior) {
  std::ifstream golden(BOREL_RUNTIME_TEST_FOLDER "/summary_golden.csv");
  std::string line;
  ASSERT_TRUE(std::getline(golden, line));
  int cases = 0;
  while (std::getline(golden, line)) {
    std::vector<std::string> fields;
    std::stringstream parts(line);
    for (std::string field; std::getline(parts, field, ',');) {
      fields.push_back(field);
    }
    ASSERT_EQ(fields.size(), 12u) << line;
    const std::int64_t chains = std::stoll(fields[1]), iterations = std::stoll(fields[2]);
    const std::vector<double> draws = make_draws(fields[0], chains, iterations);
    const QuantityStatistics s = StatisticsEngine(chains, iterations).compute(draws.data());
    const double found[] = {s.mean, s.mcse,     s.sd,       s.q5,  s.q50,
                            s.q95,  s.ess_bulk, s.ess_tail, s.rhat};
    constexpr const char* names[] = {"mean", "mcse",     "sd",       "q5",  "q50",
                                     "q95",  "ess_bulk", "ess_tail", "rhat"};
    for (std::size_t i = 0; i < 9; ++i) {
      expect_close(found[i], fields[3 + i],
                   std::string(names[i]) + " of " + fields[0] + " " + fields[1] + "x" + fields[2]);
    }
    ++cases;
  }
  EXPECT_EQ(cases, 165);
}

TEST(Statistics, AnEngineKeepsNothingOfTheDrawsBefore) {
  StatisticsEngine engine(4, 100);
  const auto slow = make_draws("slower", 4, 100), ties = make_draws("ties", 4, 100);
  const double alone = StatisticsEngine(4, 100).compute(ties.data()).ess_bulk;
  engine.compute(slow.data());
  EXPECT_EQ(engine.compute(ties.data()).ess_bulk, alone);
}

TEST(Statistics, NormalQuantile) {
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
  EXPECT_NEAR(normal_quantile(0.01), -2.326347874040841, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-300), -37.0470962993612005, 1e-12);
  EXPECT_EQ(normal_quantile(0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(normal_quantile(1), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(normal_quantile(-0.1)));
  EXPECT_TRUE(std::isnan(normal_quantile(std::nan(""))));
}

TEST(Statistics, AutocovarianceBySlowSums) {
  for (const std::int64_t length : {1, 2, 3, 50, 64, 100}) {
    for (const std::int64_t count : {1, 2, 5}) {
      const std::vector<double> x = make_draws("slow", count, length);
      Autocovariance transform(length);
      transform.sum(x.data(), count);
      const std::vector<double>& sums = transform.sum(x.data(), count);
      for (std::int64_t lag = 0; lag < length; ++lag) {
        double expected = 0;
        for (std::int64_t s = 0; s < count; ++s) {
          for (std::int64_t i = 0; i + lag < length; ++i) {
            expected += x[static_cast<std::size_t>(s * length + i)] *
                        x[static_cast<std::size_t>(s * length + i + lag)];
          }
        }
        EXPECT_NEAR(sums[static_cast<std::size_t>(lag)], expected, 1e-10)
            << length << " " << count << " " << lag;
      }
    }
  }
}

TEST(Statistics, EnergyBfmi) {
  const double energy[] = {1, 3, 2, 6};
  EXPECT_DOUBLE_EQ(energy_bfmi(energy, 4), (4.0 + 1 + 16) / (4 + 0 + 1 + 9));
  EXPECT_TRUE(std::isnan(energy_bfmi(energy, 1)));
}

}  // namespace
}  // namespace borel::io

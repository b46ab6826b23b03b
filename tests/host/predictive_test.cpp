// Observed sites drawn anew, and the log density of each draw.
#include <array>
#include <cmath>
#include <map>
#include <thread>

#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

using Values = std::vector<double>;

constexpr const char* data =
    R"({"N": 3, "T": 4, "K": 20, "x": [0, 1, -2], "first": 0.5, "y": [0.3, 1.1, -1.7],
        "z": [0.1, 0.2, 0.3, 0.9], "r": [7, 3.6, 2, 1], "shares": [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]],
        "c": [3, 12, 20], "flag": [1, 0, 1], "one": 0.25, "w": [[0, 1, 2], [9.5, 11, 12]], "v": 8,
        "h": [[0, 1, 2], [9.5, 11, 12]], "e": 8})";

// m, s, p, d: a draw.
const Values draw{0.4, 0.8, 0.3, 1.2};

double normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - 0.5 * std::log(2 * M_PI);
}
double choose(int n, int k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

class Predictive : public testing::Test {
 protected:
  Predictive()
      : all(bound(compiled("tests/host/programs/predictive.ppl"), data)), at(worker(all.instance)) {
    for (int i = 0; i < borel_site_count(all.instance.get(), 0); ++i) {
      borel_site_info info;
      EXPECT_EQ(borel_describe_site(all.instance.get(), 0, i, &info, nullptr), BOREL_SUCCESS);
      sites[info.name] = info;
    }
  }
  Values predict(borel_key key) {
    Values out(static_cast<size_t>(borel_observed_size(all.instance.get(), 0)));
    Problem problem;
    EXPECT_EQ(borel_predict(at.get(), 0, key, draw.data(), out.data(), problem), BOREL_SUCCESS);
    return out;
  }
  Values terms(const Values& of = draw) {
    Values out(static_cast<size_t>(borel_term_count(all.instance.get(), 0)));
    Problem problem;
    EXPECT_EQ(borel_log_likelihood(at.get(), 0, of.data(), out.data(), problem), BOREL_SUCCESS);
    return out;
  }

  Bound all;
  Worker at;
  std::map<std::string, borel_site_info> sites;
};

TEST_F(Predictive, SitesTellWhereTheirValuesAre) {
  EXPECT_EQ(borel_observed_size(all.instance.get(), 0), 3 + 4 + 4 + 6 + 3 + 3 + 1 + 2 * (6 + 1));
  EXPECT_EQ(borel_term_count(all.instance.get(), 0), 3 + 4 + 4 + 2 + 3 + 3 + 1 + 2 * (6 + 1));
  std::int64_t elements = 0, counted = 0;
  for (const char* name : {"y", "z", "r", "shares", "c", "flag", "one", "w", "v", "h", "e"}) {
    const borel_site_info& site = sites.at(name);
    EXPECT_EQ(site.observed_offset, elements) << name;
    EXPECT_EQ(site.term_offset, counted) << name;
    EXPECT_EQ(site.draw_offset, -1);
    elements += site.elements;
    counted += site.terms;
  }
  EXPECT_EQ(sites.at("shares").draw_rank, 1);
  EXPECT_EQ(sites.at("shares").terms, 2);
  EXPECT_EQ(sites.at("w").layout, BOREL_ROW_MAJOR);
  EXPECT_EQ(sites.at("h").layout, BOREL_COLUMN_MAJOR);
  EXPECT_EQ(sites.at("one").draw_rank, 0);
  EXPECT_EQ(sites.at("one").terms, 1);
  for (const char* name : {"m", "d"}) {
    EXPECT_EQ(sites.at(name).observed_offset, -1);
    EXPECT_EQ(sites.at(name).term_offset, -1);
    EXPECT_EQ(sites.at(name).terms, 0);
  }
  EXPECT_EQ(borel_observed_size(all.instance.get(), 1), -1);
  EXPECT_EQ(borel_term_count(nullptr, 0), -1);
}

TEST_F(Predictive, LogLikelihoodIsWhatCanBeWrittenDown) {
  const double m = draw[0], s = draw[1], p = draw[2];
  Values expected;
  for (const auto& [y, x] : {std::pair{0.3, 0.}, {1.1, 1.}, {-1.7, -2.}})
    expected.push_back(normal(y, m + x, s));
  for (const double z : {0.1, 0.2, 0.3, 0.9}) expected.push_back(normal(z, 0.5, s));
  expected.push_back(0);  // nothing is drawn at r[0]
  for (const auto& [now, last] : {std::pair{3.6, 7.}, {2., 3.6}, {1., 2.}})
    expected.push_back(normal(now, 0.5 * last + m, 0.1));
  for (const auto& row : {std::array{0.2, 0.3, 0.5}, {0.6, 0.3, 0.1}})
    expected.push_back(std::lgamma(6 + s) - std::lgamma(1 + s) - std::lgamma(2) - std::lgamma(3) +
                       s * std::log(row[0]) + std::log(row[1]) + 2 * std::log(row[2]));
  for (const int c : {3, 12, 20})
    expected.push_back(choose(20, c) + c * std::log(p) + (20 - c) * std::log1p(-p));
  expected.insert(expected.end(), {std::log(p), std::log(0.1), std::log(0.2)});
  expected.push_back(normal(0.25, m, s));
  // The site is an array, whatever its data are.
  for (const auto& [w, mean] :
       {std::pair{0., 0.}, {1., 1.}, {2., 2.}, {9.5, 10.}, {11., 11.}, {12., 12.}})
    expected.push_back(normal(w, mean, s));
  expected.push_back(normal(8, 9.5 - 2, 0.1));
  // This one is a matrix, which lies column by column.
  for (const auto& [h, mean] :
       {std::pair{0., 0.}, {9.5, 10.}, {1., 1.}, {11., 11.}, {2., 2.}, {12., 12.}})
    expected.push_back(normal(h, mean, s));
  expected.push_back(normal(8, 9.5 - 2, 0.1));
  const Values got = terms();
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], 1e-12 * std::max(1., std::fabs(expected[i]))) << i;
}

TEST_F(Predictive, LogLikelihoodIsTheDensityLessThePrior) {
  Problem problem;
  double u[3], lp = 0;
  ASSERT_EQ(borel_unconstrain(at.get(), 0, draw.data(), u, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_log_density(at.get(), 0, 0, u, &lp, problem), BOREL_SUCCESS);
  const double prior =
      normal(0.4, 0, 1) + std::log(2) + normal(0.8, 0, 1) + std::log(6 * 0.3 * 0.7);
  double sum = 0;
  for (const double term : terms()) sum += term;
  EXPECT_NEAR(sum, lp - prior, 1e-10);
}

TEST_F(Predictive, OutsideTheSupportIsImpossible) {
  Values bad = draw;
  bad[1] = -1;  // no standard deviation
  const Values got = terms(bad);
  EXPECT_EQ(got[0], -INFINITY);
  EXPECT_TRUE(std::isfinite(got[8]));  // r has one of its own
  std::string text = data;
  text.replace(text.find("[3, 12, 20]"), 11, "[3, 12, 21]");
  const Bound more = bound(compiled("tests/host/programs/predictive.ppl"), text);
  const Worker there = worker(more.instance);
  Values out(terms().size());
  Problem problem;
  ASSERT_EQ(borel_log_likelihood(there.get(), 0, draw.data(), out.data(), problem), BOREL_SUCCESS);
  const size_t c = static_cast<size_t>(sites.at("c").term_offset);
  EXPECT_TRUE(std::isfinite(out[c + 1]));
  EXPECT_EQ(out[c + 2], -INFINITY);
}

// Means and variances against those that can be written down, within 4 standard errors.
TEST_F(Predictive, DrawsHaveTheRightMoments) {
  constexpr int count = 20000;
  const size_t size = predict({1, 1, 1}).size();
  Values sum(size), square(size);
  double product = 0;  // of r[1] and r[2]
  const size_t r = static_cast<size_t>(sites.at("r").observed_offset);
  for (int i = 0; i < count; ++i) {
    const Values now = predict({7, 1, static_cast<std::uint64_t>(i)});
    for (size_t k = 0; k < size; ++k) {
      sum[k] += now[k];
      square[k] += now[k] * now[k];
    }
    product += now[r + 1] * now[r + 2];
    EXPECT_EQ(now[r], 7);  // as observed: nothing is drawn there
  }
  const double m = draw[0], s = draw[1], p = draw[2];
  struct Moments {
    double mean, variance, fourth;  // fourth: central, over variance^2; 3 of a normal
  };
  std::vector<Moments> expected;
  for (const double x : {0., 1., -2.}) expected.push_back({m + x, s * s, 3});
  for (int t = 0; t < 4; ++t) expected.push_back({0.5, s * s, 3});
  expected.push_back({7, 0, 1});
  double mean = 7, variance = 0;
  for (int t = 1; t < 4; ++t) {
    mean = 0.5 * mean + m;
    variance = 0.25 * variance + 0.01;
    expected.push_back({mean, variance, 3});
  }
  for (int t = 0; t < 2; ++t)
    for (const double a : {1 + s, 2., 3.}) {
      const double all_a = 6 + s, mean_a = a / all_a;
      expected.push_back({mean_a, mean_a * (1 - mean_a) / (all_a + 1), 4});
    }
  for (int n = 0; n < 3; ++n) expected.push_back({20 * p, 20 * p * (1 - p), 3.5});
  double chance = p;
  for (int n = 0; n < 3; ++n) {
    expected.push_back({chance, chance * (1 - chance), 3});
    chance = 0.9 * chance + 0.2 * (1 - chance);
  }
  expected.push_back({m, s * s, 3});
  for (const double w : {0., 1., 2., 10., 11., 12.}) expected.push_back({w, s * s, 3});
  expected.push_back({8, 2 * s * s + 0.01, 3});
  for (const double h : {0., 10., 1., 11., 2., 12.}) expected.push_back({h, s * s, 3});
  expected.push_back({8, 2 * s * s + 0.01, 3});
  ASSERT_EQ(expected.size(), size);
  for (size_t k = 0; k < size; ++k) {
    const double got = sum[k] / count, spread = square[k] / count - got * got;
    EXPECT_NEAR(got, expected[k].mean, 4 * std::sqrt(expected[k].variance / count) + 1e-12) << k;
    EXPECT_NEAR(spread, expected[k].variance,
                4 * expected[k].variance * std::sqrt((expected[k].fourth - 1) / count) + 1e-9)
        << k;
  }
  // What is drawn is what the next draw reads: r[2] = r[1] / 2 + m + noise.
  const double covariance = product / count - sum[r + 1] / count * sum[r + 2] / count;
  EXPECT_NEAR(covariance, 0.5 * 0.01, 4 * 0.01 / std::sqrt(count));
}

TEST_F(Predictive, SameBitsInAnyThread) {
  const Values expected = predict({5, 6, 7});
  EXPECT_EQ(predict({5, 6, 7}), expected);
  EXPECT_NE(predict({5, 6, 8}), expected);
  EXPECT_NE(predict({5, 7, 7}), expected);
  EXPECT_NE(predict({6, 6, 7}), expected);
  std::vector<Values> got(4, Values(expected.size()));
  std::vector<std::thread> threads;
  for (Values& out : got)
    threads.emplace_back([&] {
      const Worker mine = worker(all.instance);
      for (std::uint64_t step = 3; step <= 7; ++step)
        EXPECT_EQ(borel_predict(mine.get(), 0, {5, 6, step}, draw.data(), out.data(), nullptr),
                  BOREL_SUCCESS);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Values& out : got) EXPECT_EQ(out, expected);
}

TEST_F(Predictive, Failures) {
  Problem problem;
  double out[64];
  EXPECT_FAILS(borel_predict(nullptr, 0, {1, 1, 1}, draw.data(), out, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  EXPECT_FAILS(borel_log_likelihood(nullptr, 0, draw.data(), out, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  for (const int model : {-1, 1}) {
    EXPECT_FAILS(borel_predict(at.get(), model, {1, 1, 1}, draw.data(), out, problem),
                 BOREL_BAD_ARGUMENT, problem, "there is no model");
    EXPECT_FAILS(borel_log_likelihood(at.get(), model, draw.data(), out, problem),
                 BOREL_BAD_ARGUMENT, problem, "there is no model");
  }
  EXPECT_FAILS(borel_predict(at.get(), 0, {1, 1, 1}, nullptr, out, problem), BOREL_BAD_ARGUMENT,
               problem, "the draw or the place for the predictions is null");
  EXPECT_FAILS(borel_predict(at.get(), 0, {1, 1, 1}, draw.data(), nullptr, problem),
               BOREL_BAD_ARGUMENT, problem, "the draw or the place for the predictions is null");
  EXPECT_FAILS(borel_log_likelihood(at.get(), 0, nullptr, out, problem), BOREL_BAD_ARGUMENT,
               problem, "the draw or the place for the terms is null");
  EXPECT_FAILS(borel_log_likelihood(at.get(), 0, draw.data(), nullptr, problem), BOREL_BAD_ARGUMENT,
               problem, "the draw or the place for the terms is null");
  // A model that observes nothing.
  const Bound quartic = bound(compiled("tests/host/programs/quartic.ppl"), "{}");
  const Worker there = worker(quartic.instance);
  EXPECT_EQ(borel_observed_size(quartic.instance.get(), 0), 0);
  EXPECT_FAILS(borel_predict(there.get(), 0, {1, 1, 1}, draw.data(), out, problem),
               BOREL_NOT_SUPPORTED, problem, "without predictions of `quartic`");
  EXPECT_FAILS(borel_log_likelihood(there.get(), 0, draw.data(), out, problem), BOREL_NOT_SUPPORTED,
               problem, "without the log likelihood of `quartic`");
}

}  // namespace
}  // namespace borel::host::test

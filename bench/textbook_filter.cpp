#include "bench/textbook_filter.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace borel::bench {
namespace {
constexpr double mu = -1.02, rho = 0.9702, sigma = 0.178;
constexpr double log_two_pi = 1.8378770664093453;

void systematic_ancestors(const std::vector<double>& weights, double total, double u,
                          std::vector<int>& ancestors) {
  const std::size_t n = ancestors.size();
  const double spacing = total / static_cast<double>(n);
  double below = weights[0];
  std::size_t i = 0;
  for (std::size_t j = 0; j < n; ++j) {
    const double point = (static_cast<double>(j) + u) * spacing;
    while (point > below && i + 1 < n) below += weights[++i];
    ancestors[j] = static_cast<int>(i);
  }
}
}  // namespace

std::vector<double> simulate_volatility(int steps, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal;
  std::vector<double> y;
  double x = mu + sigma / std::sqrt(1 - rho * rho) * normal(bits);
  for (int t = 0; t < steps; ++t) {
    y.push_back(std::exp(x / 2) * normal(bits));
    x = mu + rho * (x - mu) + sigma * normal(bits);
  }
  return y;
}

double textbook_filter(const std::vector<double>& y, int particles, std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(particles);
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<double> x(n), resampled(n), log_weights(n), weights(n);
  std::vector<int> ancestors(n);
  double log_evidence = 0, total = 0;
  for (std::size_t t = 0; t < y.size(); ++t) {
    if (t == 0) {
      for (double& state : x) state = mu + sigma / std::sqrt(1 - rho * rho) * normal(bits);
    } else {
      systematic_ancestors(weights, total, uniform(bits), ancestors);
      for (std::size_t i = 0; i < n; ++i)
        resampled[i] =
            mu + rho * (x[static_cast<std::size_t>(ancestors[i])] - mu) + sigma * normal(bits);
      x.swap(resampled);
    }
    for (std::size_t i = 0; i < n; ++i)
      log_weights[i] = -0.5 * (log_two_pi + x[i] + y[t] * y[t] * std::exp(-x[i]));
    const double top = *std::max_element(log_weights.begin(), log_weights.end());
    total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      weights[i] = std::exp(log_weights[i] - top);
      total += weights[i];
    }
    log_evidence += top + std::log(total / static_cast<double>(n));
  }
  return log_evidence;
}

}  // namespace borel::bench

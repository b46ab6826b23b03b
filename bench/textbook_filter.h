// The bootstrap filter of a stochastic volatility model as a user writes it in C++: what bench/smc
// compares with, and the data of its runs.
//   x_0 ~ Normal(mu, sigma / sqrt(1 - rho^2)),  x_t ~ Normal(mu + rho (x_{t-1} - mu), sigma),
//   y_t ~ Normal(0, exp(x_t / 2)),  with the parameters of Pitt and Shephard (1999).
#ifndef BOREL_BENCH_TEXTBOOK_FILTER_H
#define BOREL_BENCH_TEXTBOOK_FILTER_H

#include <cstdint>
#include <vector>

namespace borel::bench {

/// `steps` observations of the model.
std::vector<double> simulate_volatility(int steps, std::uint64_t seed);

/// The log evidence of y by `particles` particles, resampled systematically before each step.
double textbook_filter(const std::vector<double>& y, int particles, std::uint64_t seed);

}  // namespace borel::bench

#endif

// Statistics of the draws of one quantity from several chains.
//
// Reference: Vehtari, Gelman, Simpson, Carpenter, Bürkner: "Rank-normalization, folding, and
// localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16 (2021).
// The values are those that R's posterior::summarise_draws gives (1.4.0), to rounding; what is NA
// there is NaN here: R-hat and ESS of constants, of draws that are NaN, and of fewer than 3 draws
// in half a chain (6 a chain).
#ifndef BOREL_RUNTIME_IO_STATISTICS_H
#define BOREL_RUNTIME_IO_STATISTICS_H

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/io/fft.h"

namespace borel::io {

struct QuantityStatistics {
  double mean, mcse, sd;  // mcse: Monte Carlo standard error of the mean
  double q5, q50, q95;    // quantiles as R's type 7
  double ess_bulk, ess_tail;
  double rhat;  // rank-normalised, split, the larger of bulk and folded
};

// Quantile of sorted values; type 7 of Hyndman and Fan.
double sorted_quantile(const double* sorted, std::int64_t count, double probability);

// The inverse of the standard normal distribution function, to a few units in the last place.
double normal_quantile(double probability);

// Estimated Bayesian fraction of missing information of one chain's energies.
double energy_bfmi(const double* energy, std::int64_t count);

// Computes the statistics of many quantities of one shape; not for several threads at once.
class StatisticsEngine {
 public:
  StatisticsEngine(std::int64_t chains, std::int64_t iterations);

  // `draws`: chains * iterations values, chain after chain.
  QuantityStatistics compute(const double* draws);

 private:
  struct Ranked {
    std::uint64_t key;
    std::uint32_t position;
  };

  void sort_split(const double* split);
  double rank_score(std::size_t first, std::size_t last) const;
  void bulk_scores();
  bool tail_scores(double median);
  double rhat_of_scores() const;
  double ess(const double* pieces);
  double tail_ess(const double* split, double quantile);

  std::int64_t chains_, iterations_;
  std::int64_t pieces_, length_;  // the split chains, and their length
  std::vector<double> split_;     // pieces_ * length_
  std::vector<double> sorted_, all_sorted_, scores_, centred_, indicator_;
  std::vector<double> normal_scores_;  // of ranks 1, 2, …
  std::vector<double> rho_;
  std::vector<Ranked> ranked_, scratch_;
  std::unique_ptr<Autocovariance> autocovariance_;
};

}  // namespace borel::io

#endif

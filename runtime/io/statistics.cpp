#include "runtime/io/statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

namespace borel::io {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// R's sense of constant: a range below machine epsilon, whatever the scale.
bool is_constant(const double* x, std::int64_t count) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  if (std::abs(x[count - 1] - x[0]) >= epsilon) {
    return false;  // nearly always
  }
  const auto [low, high] = std::minmax_element(x, x + count);
  return *high - *low < epsilon;
}

// Sums of term(0) … term(count - 1), several side by side so that the processor need not wait for
// each addition. The order is fixed, and with it the bits.
template <class Term>
double sum_of(std::int64_t count, Term term) {
  constexpr int lanes = 8;
  double sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      sums[lane] += term(i + lane);
    }
  }
  double sum = 0;
  for (; i < count; ++i) {
    sum += term(i);
  }
  for (int lane = 0; lane < lanes; ++lane) {
    sum += sums[lane];
  }
  return sum;
}

double dot(const double* a, const double* b, std::int64_t count) {
  return sum_of(count, [=](std::int64_t i) { return a[i] * b[i]; });
}

double mean_of(const double* x, std::int64_t count) {
  const double n = static_cast<double>(count);
  const double mean = sum_of(count, [=](std::int64_t i) { return x[i]; }) / n;
  // A second pass takes the rounding of the first away.
  const double rest = sum_of(count, [=](std::int64_t i) { return x[i] - mean; });
  return std::isfinite(mean) ? mean + rest / n : mean;
}

double squares_about(const double* x, std::int64_t count, double centre) {
  return sum_of(count, [=](std::int64_t i) { return (x[i] - centre) * (x[i] - centre); });
}

double variance_of(const double* x, std::int64_t count) {
  return squares_about(x, count, mean_of(x, count)) / static_cast<double>(count - 1);
}

// Keeps the order of doubles, and +0 and -0 apart from nothing.
std::uint64_t sort_key(double x) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x + 0.0);
  return bits >> 63 != 0 ? ~bits : bits | std::uint64_t{1} << 63;
}

double from_sort_key(std::uint64_t key) {
  return std::bit_cast<double>(key >> 63 != 0 ? key & ~(std::uint64_t{1} << 63) : ~key);
}

}  // namespace

double sorted_quantile(const double* sorted, std::int64_t count, double probability) {
  const double at = static_cast<double>(count - 1) * probability;
  const std::int64_t low = static_cast<std::int64_t>(std::floor(at));
  const std::int64_t high = std::min(low + 1, count - 1);
  const double part = at - static_cast<double>(low);
  if (part == 0 || sorted[high] == sorted[low]) {
    return sorted[low];  // also keeps two equal infinities from cancelling
  }
  return (1 - part) * sorted[low] + part * sorted[high];
}

double normal_quantile(double probability) {
  if (!(probability > 0 && probability < 1)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return probability == 0 ? -infinity : probability == 1 ? infinity : nan_value;
  }
  const double p = std::min(probability, 1 - probability);
  // Abramowitz and Stegun 26.2.22 to three digits, then Halley's method on the lower tail, whose
  // error is cubed each time.
  const double t = std::sqrt(-2 * std::log(p));
  double x = -(t - (2.30753 + 0.27061 * t) / (1 + (0.99229 + 0.04481 * t) * t));
  for (int i = 0; i < 3; ++i) {
    const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    const double step = error / density;
    x -= step / (1 + 0.5 * x * step);
  }
  return probability < 0.5 ? x : probability > 0.5 ? -x : 0;
}

double energy_bfmi(const double* energy, std::int64_t count) {
  if (count < 2) {
    return nan_value;
  }
  double jumps = 0;
  for (std::int64_t i = 1; i < count; ++i) {
    jumps += (energy[i] - energy[i - 1]) * (energy[i] - energy[i - 1]);
  }
  return jumps / squares_about(energy, count, mean_of(energy, count));
}

StatisticsEngine::StatisticsEngine(std::int64_t chains, std::int64_t iterations)
    : chains_(chains),
      iterations_(iterations),
      pieces_(iterations > 1 ? 2 * chains : chains),
      length_(iterations > 1 ? iterations / 2 : iterations) {
  const std::size_t count = static_cast<std::size_t>(pieces_ * length_);
  split_.resize(count);
  sorted_.resize(count);
  scores_.resize(count);
  centred_.resize(count);
  indicator_.resize(count);
  ranked_.resize(count);
  scratch_.resize(count);
  rho_.resize(static_cast<std::size_t>(length_) + 1);
  normal_scores_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    normal_scores_[i] = i < (count + 1) / 2 ? normal_quantile((static_cast<double>(i) + 0.625) /
                                                              (static_cast<double>(count) + 0.25))
                                            : -normal_scores_[count - 1 - i];
  }
}

// By radix, 11 bits at a time: the order of thousands of draws costs more than all the rest when
// they are compared.
void StatisticsEngine::sort_split(const double* split) {
  constexpr int bits = 11, passes = 6;
  constexpr std::uint64_t mask = (1 << bits) - 1;
  std::array<std::array<std::uint32_t, 1 << bits>, passes> counts{};
  const std::size_t count = ranked_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t key = sort_key(split[i]);
    ranked_[i] = {key, static_cast<std::uint32_t>(i)};
    for (int pass = 0; pass < passes; ++pass) {
      ++counts[static_cast<std::size_t>(pass)][key >> (pass * bits) & mask];
    }
  }
  for (int pass = 0; pass < passes; ++pass) {
    auto& starts = counts[static_cast<std::size_t>(pass)];
    const int shift = pass * bits;
    if (count > 0 && starts[ranked_[0].key >> shift & mask] == count) {
      continue;
    }
    std::uint32_t start = 0;
    for (std::uint32_t& entry : starts) {
      start += std::exchange(entry, start);
    }
    for (const Ranked& element : ranked_) {
      scratch_[starts[element.key >> shift & mask]++] = element;
    }
    ranked_.swap(scratch_);
  }
  for (std::size_t i = 0; i < count; ++i) {
    sorted_[i] = from_sort_key(ranked_[i].key);
  }
}

// Normal score of the mean of the ranks `first` to `last`, which count from 1.
double StatisticsEngine::rank_score(std::size_t first, std::size_t last) const {
  const std::size_t twice = first + last;
  return twice % 2 == 0 ? normal_scores_[twice / 2 - 1]
                        : normal_quantile((0.5 * static_cast<double>(twice) - 0.375) /
                                          (static_cast<double>(sorted_.size()) + 0.25));
}

void StatisticsEngine::bulk_scores() {
  const std::size_t count = sorted_.size();
  for (std::size_t begin = 0; begin < count;) {
    std::size_t end = begin + 1;
    while (end < count && sorted_[end] == sorted_[begin]) {
      ++end;
    }
    const double score = rank_score(begin + 1, end);
    for (; begin < end; ++begin) {
      scores_[ranked_[begin].position] = score;
    }
  }
}

// Scores of |x - median|; false if those cannot be ranked. The values below the median, downwards,
// and those above, upwards, are both in order already: they only need merging.
bool StatisticsEngine::tail_scores(double median) {
  if (!std::isfinite(median)) {
    return false;
  }
  const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(sorted_.size());
  std::ptrdiff_t right = std::lower_bound(sorted_.begin(), sorted_.end(), median) - sorted_.begin();
  std::ptrdiff_t left = right - 1;
  const auto below = [&] { return std::abs(sorted_[static_cast<std::size_t>(left)] - median); };
  const auto above = [&] { return std::abs(sorted_[static_cast<std::size_t>(right)] - median); };
  for (std::ptrdiff_t ranked = 0; ranked < count;) {
    double distance = std::numeric_limits<double>::infinity();
    distance = left >= 0 ? std::min(distance, below()) : distance;
    distance = right < count ? std::min(distance, above()) : distance;
    const std::ptrdiff_t first_left = left, first_right = right;
    while (left >= 0 && below() == distance) {
      --left;
    }
    while (right < count && above() == distance) {
      ++right;
    }
    const std::ptrdiff_t ties = first_left - left + right - first_right;
    const double score =
        rank_score(static_cast<std::size_t>(ranked) + 1, static_cast<std::size_t>(ranked + ties));
    for (std::ptrdiff_t i = left + 1; i <= first_left; ++i) {
      scores_[ranked_[static_cast<std::size_t>(i)].position] = score;
    }
    for (std::ptrdiff_t i = first_right; i < right; ++i) {
      scores_[ranked_[static_cast<std::size_t>(i)].position] = score;
    }
    ranked += ties;
  }
  return true;
}

double StatisticsEngine::rhat_of_scores() const {
  if (is_constant(scores_.data(), pieces_ * length_)) {
    return nan_value;
  }
  std::vector<double> means(static_cast<std::size_t>(pieces_));
  double within = 0;
  for (std::int64_t p = 0; p < pieces_; ++p) {
    const double* piece = scores_.data() + p * length_;
    const double mean = mean_of(piece, length_);
    means[static_cast<std::size_t>(p)] = mean;
    within += squares_about(piece, length_, mean) / static_cast<double>(length_ - 1);
  }
  within /= static_cast<double>(pieces_);
  const double n = static_cast<double>(length_);
  const double between = n * variance_of(means.data(), pieces_);
  return std::sqrt((between / within + n - 1) / n);
}

// Effective sample size of finite values in split chains by Geyer's initial monotone sequence.
double StatisticsEngine::ess(const double* pieces) {
  const std::int64_t n = length_;
  const double count = static_cast<double>(n), total = static_cast<double>(pieces_ * n);
  if (n < 3) {
    return nan_value;
  }
  if (is_constant(pieces, pieces_ * n)) {
    return nan_value;
  }
  std::vector<double> means(static_cast<std::size_t>(pieces_));
  for (std::int64_t p = 0; p < pieces_; ++p) {
    const double* piece = pieces + p * n;
    const double mean = sum_of(n, [=](std::int64_t i) { return piece[i]; }) / count;
    means[static_cast<std::size_t>(p)] = mean;
    double* centred = centred_.data() + p * n;
    for (std::int64_t i = 0; i < n; ++i) {
      centred[i] = piece[i] - mean;
    }
  }
  // Chains that mix need few lags, which are cheaper one by one; else all come from one transform.
  constexpr std::int64_t direct_lags = 16;
  const std::vector<double>* all = nullptr;
  const auto covariance = [&](std::int64_t lag) {
    double sum = 0;
    if (lag < direct_lags) {
      for (std::int64_t p = 0; p < pieces_; ++p) {
        const double* piece = centred_.data() + p * n;
        sum += dot(piece, piece + lag, n - lag);
      }
    } else {
      if (all == nullptr) {
        if (autocovariance_ == nullptr) {
          autocovariance_ = std::make_unique<Autocovariance>(n);
        }
        all = &autocovariance_->sum(centred_.data(), pieces_);
      }
      sum = (*all)[static_cast<std::size_t>(lag)];
    }
    return sum / total;
  };

  const double within = covariance(0) * count / (count - 1);
  double variance = within * (count - 1) / count;
  if (pieces_ > 1) {
    variance += variance_of(means.data(), pieces_);
  }
  const auto correlation = [&](std::int64_t lag) {
    return 1 - (within - covariance(lag)) / variance;
  };
  const auto rho = [&](std::int64_t lag) -> double& { return rho_[static_cast<std::size_t>(lag)]; };

  // Pairs of correlations while their sum is positive.
  double even = 1, odd = correlation(1);
  std::fill(rho_.begin(), rho_.end(), 0.0);
  rho(0) = even;
  rho(1) = odd;
  std::int64_t last = 0;
  while (last < n - 5 && even + odd > 0) {
    last += 2;
    even = correlation(last);
    odd = correlation(last + 1);
    if (even + odd >= 0) {
      rho(last) = even;
      rho(last + 1) = odd;
    }
  }
  if (even > 0) {
    rho(last) = even;
  }
  // No pair may exceed the one before.
  for (std::int64_t lag = 2; lag <= last - 2; lag += 2) {
    const double before = rho(lag - 2) + rho(lag - 1);
    if (rho(lag) + rho(lag + 1) > before) {
      rho(lag) = rho(lag + 1) = before / 2;
    }
  }
  // With no pair at all R's 1:0 counts the first correlation once more.
  double sum = last == 0 ? rho(0) : 0;
  for (std::int64_t lag = 0; lag < last; ++lag) {
    sum += rho(lag);
  }
  const double tau = std::max(-1 + 2 * sum + rho(last), 1 / std::log10(total));
  return total / tau;
}

double StatisticsEngine::tail_ess(const double* split, double quantile) {
  for (std::size_t i = 0; i < indicator_.size(); ++i) {
    indicator_[i] = split[i] <= quantile ? 1.0 : 0.0;
  }
  return ess(indicator_.data());
}

QuantityStatistics StatisticsEngine::compute(const double* draws) {
  QuantityStatistics s{nan_value, nan_value, nan_value, nan_value, nan_value,
                       nan_value, nan_value, nan_value, nan_value};
  const std::int64_t count = chains_ * iterations_;
  if (count == 0) {
    return s;
  }
  s.mean = mean_of(draws, count);
  bool finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::isnan(draws[i])) {
      return s;
    }
    finite = finite && std::isfinite(draws[i]);
  }
  if (finite) {
    s.sd = std::sqrt(squares_about(draws, count, s.mean) / static_cast<double>(count - 1));
  }

  for (std::int64_t c = 0; c < chains_; ++c) {
    const double* chain = draws + c * iterations_;
    double* halves = split_.data() + c * (pieces_ / chains_) * length_;
    std::copy(chain, chain + length_, halves);
    if (pieces_ > chains_) {  // an odd iteration in the middle belongs to neither half
      std::copy(chain + iterations_ - length_, chain + iterations_, halves + length_);
    }
  }
  sort_split(split_.data());
  const double* sorted = sorted_.data();
  if (count != static_cast<std::int64_t>(sorted_.size())) {
    all_sorted_.assign(draws, draws + count);
    std::sort(all_sorted_.begin(), all_sorted_.end());
    sorted = all_sorted_.data();
  }
  s.q5 = sorted_quantile(sorted, count, 0.05);
  s.q50 = sorted_quantile(sorted, count, 0.5);
  s.q95 = sorted_quantile(sorted, count, 0.95);
  const bool constant = is_constant(sorted, count);

  bulk_scores();
  s.ess_bulk = ess(scores_.data());
  const double bulk = rhat_of_scores();
  if (tail_scores(0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]))) {
    const double tail = rhat_of_scores();
    s.rhat = std::isnan(bulk) || std::isnan(tail) ? nan_value : std::max(bulk, tail);
  }
  if (finite && !constant) {
    s.mcse = s.sd / std::sqrt(ess(split_.data()));
    const double low = tail_ess(split_.data(), s.q5), high = tail_ess(split_.data(), s.q95);
    s.ess_tail = std::isnan(low) || std::isnan(high) ? nan_value : std::min(low, high);
  }
  return s;
}

}  // namespace borel::io

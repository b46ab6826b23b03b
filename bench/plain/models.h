// Factories of the single models, for the registry, and what the models share.
#ifndef BOREL_BENCH_PLAIN_MODELS_H
#define BOREL_BENCH_PLAIN_MODELS_H

#include "plain.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <new>
#include <numbers>
#include <vector>

namespace borel::bench {

std::unique_ptr<PlainModel> make_eight_schools_noncentered(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_radon(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_rats(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_irt_2pl(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_garch11(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_arma11(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_low_dim_gauss_mix(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_nes(const nlohmann::json& data);
std::unique_ptr<PlainModel> make_wells_dist(const nlohmann::json& data);

/// Memory on cache lines: loops that read a dozen columns are half as fast again without it.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};

  AlignedAllocator() = default;
  template <class U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}

  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), alignment)); }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, alignment); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

using Reals = std::vector<double, AlignedAllocator<double>>;

inline const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);
inline const double log_pi = std::log(std::numbers::pi);

inline double square(double x) { return x * x; }

inline double inverse_logit(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// Log density of Cauchy(0, scale) at x, and its derivative in x.
inline double cauchy(double x, double scale, double& derivative) {
  const double z = x / scale;
  derivative = -2.0 * z / (scale * (1.0 + z * z));
  return -log_pi - std::log(scale) - std::log1p(z * z);
}

/// Log density of Normal(mean, sd) at x, and its derivative in x.
inline double normal(double x, double mean, double sd, double& derivative) {
  const double z = (x - mean) / sd;
  derivative = -z / sd;
  return -half_log_two_pi - std::log(sd) - 0.5 * z * z;
}

}  // namespace borel::bench

#endif

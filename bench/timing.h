// Times a log density with gradient the way a leapfrog meets it: every call's point depends on
// the gradient of the call before, so calls cannot overlap and latency counts.
//
//   const Timing t = time_gradient(f, u0);      // f(const double* u, double* grad) -> double
//
// The point stays within 1e-12 * |grad| of `u0`, so every call does the same work. Times are CPU
// time of the calling thread, in nanoseconds for one call: a descheduled thread does not count.
#ifndef BOREL_BENCH_TIMING_H
#define BOREL_BENCH_TIMING_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <stdexcept>
#include <vector>

namespace borel::bench {

struct TimingOptions {
  int repetitions = 21;          ///< batches measured; the median and the least are reported
  double batch_seconds = 0.005;  ///< a batch is calibrated to last about this long
};

struct Timing {
  double median_ns = 0;  ///< per call, median over batches
  double min_ns = 0;     ///< per call, least over batches
  long calls = 0;        ///< calls in one batch
};

/// CPU time of this thread, in seconds.
inline double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A fixed point near the origin, |u| <= 0.01, the same for every implementation of a model.
inline std::vector<double> timing_point(std::size_t dim) {
  std::vector<double> u(dim);
  for (std::size_t i = 0; i < dim; ++i) u[i] = 0.01 * std::sin(static_cast<double>(i) + 1.0);
  return u;
}

/// Runs `calls` dependent evaluations from `u0`; returns seconds.
/// Throws std::runtime_error when a density is not finite: its time would mean nothing.
template <class F>
double time_chain(F&& f, const std::vector<double>& u0, long calls) {
  const std::size_t dim = u0.size();
  std::vector<double> u = u0;
  std::vector<double> grad(dim, 0.0);
  double total = 0;
  const double start = thread_seconds();
  for (long call = 0; call < calls; ++call) {
    total += f(static_cast<const double*>(u.data()), grad.data());
    for (std::size_t i = 0; i < dim; ++i) u[i] = u0[i] + 1e-12 * grad[i];
  }
  const double seconds = thread_seconds() - start;
  if (!std::isfinite(total)) throw std::runtime_error("timing: the log density is not finite");
  return seconds;
}

/// Time of one dependent call of `f` at `u0`.
template <class F>
Timing time_gradient(F&& f, const std::vector<double>& u0, const TimingOptions& options = {}) {
  Timing timing;
  timing.calls = 1;
  for (double seconds = time_chain(f, u0, 1); seconds < options.batch_seconds;) {
    const double growth = options.batch_seconds / std::max(seconds, 1e-9);
    timing.calls = static_cast<long>(
        std::ceil(static_cast<double>(timing.calls) * std::clamp(1.1 * growth, 1.5, 16.0)));
    seconds = time_chain(f, u0, timing.calls);
  }
  std::vector<double> samples;
  for (int i = 0; i < std::max(options.repetitions, 1); ++i) {
    samples.push_back(1e9 * time_chain(f, u0, timing.calls) / static_cast<double>(timing.calls));
  }
  std::sort(samples.begin(), samples.end());
  timing.median_ns = samples[samples.size() / 2];
  timing.min_ns = samples.front();
  return timing;
}

}  // namespace borel::bench

#endif

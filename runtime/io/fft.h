// Autocovariances by the fast Fourier transform.
#ifndef BOREL_RUNTIME_IO_FFT_H
#define BOREL_RUNTIME_IO_FFT_H

#include <complex>
#include <cstdint>
#include <vector>

namespace borel::io {

// A plan for series of one length; reused for many of them.
class Autocovariance {
 public:
  explicit Autocovariance(std::int64_t length);

  // Sums over `count` centred series, stored one after the other, of sum_i x[i] x[i + lag], for
  // lags 0 … length - 1.
  const std::vector<double>& sum(const double* series, std::int64_t count);

 private:
  void transform();

  std::size_t length_, size_;                 // size_: a power of two, at least 2 * length_
  std::vector<std::complex<double>> roots_;   // half + k: exp(-pi i k / half)
  std::vector<std::uint32_t> reversed_;       // bit reversal
  std::vector<std::complex<double>> values_;  // worked on in place
  std::vector<double> power_, result_;
};

}  // namespace borel::io

#endif

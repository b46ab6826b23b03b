#include "runtime/io/fft.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace borel::io {

Autocovariance::Autocovariance(std::int64_t length)
    : length_(static_cast<std::size_t>(length)),
      size_(std::bit_ceil(std::max<std::size_t>(2, 2 * length_))),
      roots_(size_),
      reversed_(size_),
      values_(size_),
      power_(size_),
      result_(length_) {
  for (std::size_t half = 1; half < size_; half *= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      roots_[half + k] =
          std::polar(1.0, -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half));
    }
  }
  for (std::size_t k = 1; k < size_; ++k) {
    reversed_[k] = static_cast<std::uint32_t>(reversed_[k / 2] / 2 + (k % 2) * (size_ / 2));
  }
}

void Autocovariance::transform() {
  for (std::size_t k = 0; k < size_; ++k) {
    if (k < reversed_[k]) {
      std::swap(values_[k], values_[reversed_[k]]);
    }
  }
  for (std::size_t half = 1; half < size_; half *= 2) {
    const std::complex<double>* roots = roots_.data() + half;
    for (std::size_t begin = 0; begin < size_; begin += 2 * half) {
      std::complex<double>* low = values_.data() + begin;
      std::complex<double>* high = low + half;
      for (std::size_t k = 0; k < half; ++k) {
        // Written out, since operator* must otherwise look for infinities.
        const double a = high[k].real(), b = high[k].imag();
        const double c = roots[k].real(), d = roots[k].imag();
        const std::complex<double> turned(a * c - b * d, a * d + b * c);
        high[k] = low[k] - turned;
        low[k] += turned;
      }
    }
  }
}

const std::vector<double>& Autocovariance::sum(const double* series, std::int64_t count) {
  std::fill(power_.begin(), power_.end(), 0.0);
  for (std::int64_t s = 0; s < count; s += 2) {
    // Two real series as one complex one; their powers come apart by symmetry below.
    const double* a = series + static_cast<std::size_t>(s) * length_;
    const double* b = s + 1 < count ? a + length_ : nullptr;
    for (std::size_t i = 0; i < length_; ++i) {
      values_[i] = {a[i], b != nullptr ? b[i] : 0.0};
    }
    std::fill(values_.begin() + static_cast<std::ptrdiff_t>(length_), values_.end(), 0.0);
    transform();
    for (std::size_t k = 0; k < size_; ++k) {
      power_[k] += std::norm(values_[k]);
    }
  }
  for (std::size_t k = 0; k < size_; ++k) {
    values_[k] = 0.5 * (power_[k] + power_[(size_ - k) % size_]);
  }
  transform();  // the spectrum is real and even, so forward and inverse agree but for the scale
  for (std::size_t i = 0; i < length_; ++i) {
    result_[i] = values_[i].real() / static_cast<double>(size_);
  }
  return result_;
}

}  // namespace borel::io

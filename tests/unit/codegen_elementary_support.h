// For the tests of elementary functions: a function loaded at several widths, points to try it at,
// and errors in units in the last place against a reference of 113 bits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/elementary.h"
#include "compiler/codegen/engine.h"

namespace borel::codegen::testing {

__extension__ typedef __float128 Quad;

/// out[i] = f(x[i], y[i]) for i < n, n a multiple of 8; y is read by binary functions only.
using Map = void (*)(const double* x, const double* y, double* out, std::int64_t n);

/// f compiled for one target at widths 1, 2, 4, 8 and 16.
class Loaded {
 public:
  Loaded(Elementary function, const TargetSpec& target, const OptimiseOptions& options = {},
         CodeQuality quality = CodeQuality::full);
  [[nodiscard]] std::vector<double> operator()(unsigned width, const std::vector<double>& x,
                                               const std::vector<double>& y = {}) const;
  [[nodiscard]] double operator()(double x, double y = 0) const;
  void call(unsigned width, const double* x, const double* y, double* out, std::int64_t n) const {
    maps_.at(width)(x, y, out, n);
  }
  static const std::vector<unsigned>& widths();

 private:
  Jit jit_;
  std::map<unsigned, Map> maps_;
};

/// Targets to test on this machine: the host, and x86-64-v3 (no AVX-512), which has another form of
/// every operation that depends on the processor.
std::vector<TargetSpec> test_targets();

/// `count` points uniform in [low, high], rounded up to a multiple of 16, from a fixed seed.
std::vector<double> uniform(double low, double high, int count = 20000, unsigned seed = 1);
/// The same with uniform exponents: ±2^e, e in [low, high]; negative ones too if `both_signs`.
std::vector<double> any_magnitude(double low, double high, bool both_signs, int count = 20000,
                                  unsigned seed = 2);
/// ±0, the smallest and largest subnormal and normal numbers, ±1 and neighbours, ±∞, NaN.
std::vector<double> special_points();

/// |value − reference| in ulps of the reference rounded to double (subnormal spacing below
/// 2^-1022).
double ulps(double value, Quad reference);

/// |value − reference| / max(1, |reference|), in units of 2^-52.
double mixed_error(double value, Quad reference);

struct Worst {
  double error = 0;
  double x = 0;
  double y = 0;
  double value = 0;
};
/// The largest error, as `measure` has it, over the points, at which every width and every target
/// must have the same bits (NaN for NaN); a difference, or a NaN or infinity that the reference
/// does not share, is reported as an infinite error.
Worst worst_error(Elementary function, const std::function<Quad(Quad, Quad)>& reference,
                  std::vector<double> x, std::vector<double> y = {},
                  double (*measure)(double, Quad) = ulps);

}  // namespace borel::codegen::testing

// The functions behind Elementary, and the pieces of exp and log that others are made of.
// Internal to elementary*.cpp.
#pragma once

#include "compiler/codegen/elementary_ops.h"

namespace borel::codegen {

/// e^x = 2^⌊scale⌋ · T · (1 + fraction), T = 2^(index/16), index the low four bits of `index`.
struct ExpParts {
  Real scale;  // x/ln 2 rounded to a multiple of 1/16
  Bits index;
  Real fraction;  // e^r − 1, |r| ≤ ln 2 / 32
};

/// Scales are clamped so that results beyond the range of double overflow and underflow as they
/// should. `tail` (|tail| ≤ 2^-50·max(1,|x|)) is added to x.
Real exp_kernel(Real x);
Real exp_kernel(Real x, Real tail);
/// e^x · 2^⌊k⌋ where k is a small whole number
Real exp_scaled(Real x, double k);
Real expm1_kernel(Real x);
/// (e^x − 1)/2, finite wherever it is representable
Real half_expm1(Real x);
Real log_kernel(Real x);
/// log(x + tail), |tail| at most half an ulp of x
Real log_kernel(Real x, Real tail);
Real log1p_kernel(Real x);
/// log x = high + low to about 2^-64 relative, for finite x > 0
struct LogPair {
  Real high;
  Real low;
};
LogPair log_pair(Real x);

Real pow_kernel(Real x, Real y);
Real cbrt_kernel(Real x);
Real sinh_kernel(Real x);
Real cosh_kernel(Real x);
Real tanh_kernel(Real x);

Real lgamma_kernel(Real x);
Real digamma_kernel(Real x);
Real trigamma_kernel(Real x);

Real erf_kernel(Real x);
Real erfc_kernel(Real x);
Real normal_cdf_kernel(Real x);
Real log_normal_cdf_kernel(Real x);

Real sin_kernel(Real x);
Real cos_kernel(Real x);
Real tan_kernel(Real x);
Real asin_kernel(Real x);
Real acos_kernel(Real x);
Real atan_kernel(Real x);
Real atan2_kernel(Real y, Real x);

}  // namespace borel::codegen

// The error function and the normal distribution function.
//
// All come from e^(x²)·erfc(x), x ≥ 0, which neither underflows nor cancels: (1 + 2x) times it is a
// polynomial in (x − a)/(x + a), whose range for all x ≥ 0 is [−1, 1). The exponential takes x²
// with its rounding error, so that the tails keep their relative accuracy. (Shepherd and
// Laframboise, Math. Comp. 36, 1981.) The polynomials are minimax fits (Remez exchange).

#include "compiler/codegen/elementary_kernels.h"

namespace borel::codegen {
namespace {

constexpr double root_half = 0x1.6a09e667f3bcdp-1;

// e^(x²)·erfc(x) for 0 ≤ x ≤ 2^1000
Real scaled_erfc(Real x) {
  constexpr double a = 4.5;
  const Real reciprocal = 1.0 / (x + a);
  const Real rough = (x - a) * reciprocal;
  // One Newton step: what is left of x − a − rough·(x + a).
  const Real left = fma(rough, -x, fma(rough + 1.0, -a, x));
  const Real q = fma(reciprocal, left, rough);
  // to 2^-58 relative; the largest term joins last, for its rounding error is the one that counts.
  const Real p =
      fma(q, polynomial(q, {-0x1.17f9e45814b5dp-3,  0x1.112792084c18fp-5,   0x1.634e2356a5f36p-5,
                            -0x1.565641b01ec5dp-4,  0x1.7201a6b9b5c40p-4,   -0x1.34023c8e65c87p-4,
                            0x1.a6d213244c534p-5,   -0x1.e64e75c6b5793p-6,  0x1.d0380b8cb7de7p-7,
                            -0x1.622bbabc39ac2p-8,  0x1.851b328a9c211p-10,  -0x1.7e12bfa23c3eep-13,
                            -0x1.1c5409f5a24cfp-14, 0x1.718ecbed6517bp-15,  -0x1.061e59048cbe5p-17,
                            -0x1.5281be1ac1f52p-19, 0x1.b358fb40750e9p-20,  -0x1.a996e619c81e4p-24,
                            -0x1.84f22689bd196p-23, 0x1.8fe4515046fc0p-25,  0x1.040a6ecd583f9p-26,
                            -0x1.ebf812b7cc3f4p-28, -0x1.b89e774d21893p-31, 0x1.38be362f3a490p-31}),
          0x1.398fa42e218fbp+0);
  return p / fma(x, 2.0, 1.0);
}

struct Square {
  Real high;
  Real low;
};

Square squared(Real x) {
  const Real high = x * x;
  return {high, fma(x, x, -high)};
}

// erf(x) for |x| ≤ 1, to 2^-57 relative
Real small_erf(Real x) {
  // x + x·(2/√π − 1 + …) rather than x·(2/√π + …), again for the last rounding.
  const Real square = x * x;
  return fma(
      x,
      fma(square,
          polynomial(square, {-0x1.812746b0379bdp-2, 0x1.ce2f21a040d21p-4, -0x1.b82ce311fab6fp-6,
                              0x1.565bccf92eaadp-8, -0x1.c02db03e3cd72p-11, 0x1.f9a2bab00ed8ep-14,
                              -0x1.f4ca4dbca9a02p-17, 0x1.b97fd5d5cea58p-20, -0x1.5c072df7c0e9ep-23,
                              0x1.d71b21cf3dcd1p-27, -0x1.abae353b8c9f6p-31}),
          0x1.06eba8214db69p-3),
      x);
}

// erfc(x) for x ≥ 0
Real right_erfc(Real x) {
  // Beyond 28 it is 0, and the square must not overflow.
  const Real bounded = at_most(x, 30.0);
  const Square square = squared(bounded);
  return exp_kernel(-square.high, -square.low) * scaled_erfc(bounded);
}

// Φ(−x) for x ≥ 0
Real lower_tail(Real x) {
  const Real bounded = at_most(x, 40.0);
  const Square square = squared(bounded);
  return exp_kernel(square.high * -0.5, square.low * -0.5) *
         (scaled_erfc(bounded * root_half) * 0.5);
}

}  // namespace

Real erf_kernel(Real x) {
  const Real a = abs(x);
  const Real outer = copy_sign(1.0 - right_erfc(a), x);
  return select(a <= 1.0, small_erf(x), outer);
}

Real erfc_kernel(Real x) {
  const Real right = right_erfc(abs(x));
  const Real usual = select(x < 0.0, 2.0 - right, right);
  // 1 − erf(x) near 0, where the product above has twice the error
  return select(abs(x) < 0.25, 1.0 - small_erf(x), usual);
}

Real normal_cdf_kernel(Real x) {
  const Real tail = lower_tail(abs(x));
  return select(x > 0.0, 1.0 - tail, tail);
}

Real log_normal_cdf_kernel(Real x) {
  const Mask right = x > 0.0;
  const Real a = abs(x);
  // Left: log(e^(x²/2)·Φ(x)) − x²/2. Right: log(1 − Φ(−x)). One logarithm serves both.
  const Real scaled = scaled_erfc(at_most(a, 0x1p1000) * root_half) * 0.5;
  const Real bounded = at_most(a, 40.0);
  const Square square = squared(bounded);
  const Real tail = exp_kernel(square.high * -0.5, square.low * -0.5) * scaled;
  const Real complement = 1.0 - tail;
  const Real lost = (1.0 - complement) - tail;
  const Real logarithm = log_kernel(select(right, complement, scaled), select(right, lost, 0.0));
  return select(right, logarithm, fma(x * -0.5, x, logarithm));
}

}  // namespace borel::codegen

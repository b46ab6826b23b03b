// log |Γ| and its first two derivatives.
//
// Each is a polynomial on one interval of length 1, carried to other small operands by Γ(x+1) =
// x·Γ(x) and its derivatives, and an asymptotic series with minimax coefficients for large ones;
// negative operands go through the reflection formulas, in a branch of their own. The polynomials
// are written around the zeros of lgamma at 1 and 2 and of digamma at 1.4616…, and so keep their
// relative accuracy there; close to the zeros on the negative axis only the absolute error is
// small.
//
// The polynomials are minimax fits (Remez exchange) whose errors stand beside them.

#include <limits>

#include "compiler/codegen/elementary_kernels.h"

namespace borel::codegen {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double pi = 0x1.921fb54442d18p+1;

// sin(πd) and cos(πd) for |d| ≤ 1/2, to 2^-61 relative and 2^-57 absolute.
Real sin_pi(Real d) {
  return d *
         polynomial(d * d, {0x1.921fb54442d18p+1, -0x1.4abbce625be52p+2, 0x1.466bc6775aa6ep+1,
                            -0x1.32d2cce627537p-1, 0x1.5078348518ad6p-4, -0x1.e3074ddce79a6p-8,
                            0x1.e8f35e8c8f7c0p-12, -0x1.6f79745427798p-16, 0x1.9d1b2b2e113d5p-21});
}
Real cos_pi(Real d) {
  return polynomial(d * d, {0x1p+0, -0x1.3bd3cc9be45dbp+2, 0x1.03c1f081b5993p+2,
                            -0x1.55d3c7e3bfc26p+0, 0x1.e1f506813b9e0p-3, -0x1.a6d1efc91edd9p-6,
                            0x1.f9d2547174b21p-10, -0x1.b6957ef642a3bp-14, 0x1.16792ef4e27e1p-18});
}

// log Γ(x) for x > −1/2, log |Γ| for x in (−1/2, 0).
Real lgamma_right(Real x) {
  constexpr double stirling_from = 6.5;
  const Real m = floor(x + 0.5);
  // Exact: Γ(2 + t), |t| ≤ 1/2, is Γ(x) but for whole factors.
  const Real t = x - m;
  // log Γ(2 + t) = t·G(t), G to 2^-59 relative
  const Real g = polynomial(
      t,
      {0x1.b0ee6072093cep-2, 0x1.4a34cc4a60fa7p-2, -0x1.13e001a557616p-4, 0x1.51322ac7d800ap-6,
       -0x1.e404fc2188869p-8, 0x1.7add6eae5575cp-9, -0x1.38ac5c309eda9p-10, 0x1.0b36af3687470p-11,
       -0x1.d3fd49424b75ap-13, 0x1.a127dc25f1376p-14, -0x1.78defdde2eb07p-15, 0x1.5806f544f813fp-16,
       -0x1.3ca93ae5d9047p-17, 0x1.263ea63e0d46ep-18, -0x1.131d3bc4116a0p-19, 0x1.ee178807f227cp-21,
       -0x1.c301a65c5ef94p-22, 0x1.2b0745e524d4cp-22, -0x1.33bd5ae0d1e3ap-23});
  // x ≥ 5/2: Γ(x) = Γ(f)·f·(f+1)…(x−1) with f = 2 + t
  const Real f = t + 2.0;
  Real above = f;
  for (int k = 1; k <= 3; ++k) {
    above = select(m > k + 2.5, above * (f + k), above);
  }
  const Real below = select(x < 0.5, abs(fma(x, x, x)), x);
  const Mask low = x < 1.5;
  const Mask large = x >= stirling_from;
  const Real argument = select(low, below, select(x < 2.5, 1.0, select(large, x, above)));
  const Real logarithm = log_kernel(argument);
  const Real small = fma(t, g, select(low, -logarithm, logarithm));
  // (x − 1/2)·log x − x + log √(2π) + S(1/x²)/x, S/x to 2^-53 absolute
  const Real reciprocal = 1.0 / x;
  const Real series = reciprocal * polynomial(reciprocal * reciprocal,
                                              {0x1.5555555555539p-4, -0x1.6c16c169667e5p-9,
                                               0x1.a019ec9d9cb86p-11, -0x1.38046b399c9a0p-11,
                                               0x1.b45d502871b1cp-11, -0x1.938c43431fe6cp-10});
  constexpr double half_log_two_pi_less_half = 0x1.acfe390c97d69p-2;
  const Real stirling = fma(x - 0.5, logarithm - 1.0, series + half_log_two_pi_less_half);
  return select(large, stirling, small);
}

// ψ(x) for x > −13/16
Real digamma_right(Real x) {
  constexpr double series_from = 6.1875;
  constexpr double centre = 1.6875;
  constexpr double root_high = 0x1.762d86356be3fp+0;
  constexpr double root_low = 0x1.b86a722197829p-54;
  // f = x − n in [1.1875, 2.1875)
  const Real n = floor(x - 0.1875) - 1.0;
  const Real f = x - n;
  // ψ(f) = (f − root)·R(f − centre), R to 2^-57 relative
  const Real r = polynomial(
      x - (n + centre),
      {0x1.c227a3d784d51p-1,  -0x1.633af989a2e0dp-2,  0x1.63a950ae41d7cp-3,  -0x1.83327365c98e4p-4,
       0x1.b606b3dcd0bffp-5,  -0x1.f973a4df932c6p-6,  0x1.26d632af7edebp-6,  -0x1.5a2263f9a10d5p-7,
       0x1.97de38d90e7acp-8,  -0x1.e1af381127fffp-9,  0x1.1cd1041929846p-9,  -0x1.511dd865d78edp-10,
       0x1.8f36357853191p-11, -0x1.d85c8710d658ep-12, 0x1.17c47cb82c136p-12, -0x1.50f9c5fc2a801p-13,
       0x1.901c5f14de577p-14, -0x1.94b57b5f1c2f1p-15, 0x1.d9ba631b18014p-16, -0x1.07cf6a9192482p-15,
       0x1.3d611e06cd82dp-16});
  // ψ(x) − ψ(f) as one fraction: 1/f + 1/(f+1) + … above, −1/x − 1/(x+1) below
  Real numerator = select(x < 2.1875, 0.0, x.ops->constant(1));
  Real denominator = select(x < 2.1875, 1.0, f);
  for (int k = 1; k <= 3; ++k) {
    const Mask more = n > k + 0.5;
    const Real factor = f + k;
    numerator = select(more, fma(numerator, factor, denominator), numerator);
    denominator = select(more, denominator * factor, denominator);
  }
  const Mask low = x < 1.1875;
  const Mask lowest = x < 0.1875;
  numerator = select(low, select(lowest, fma(x, -2.0, -1.0), -1.0), numerator);
  denominator = select(low, select(lowest, x * (x + 1.0), x), denominator);
  const Mask large = x >= series_from;
  const Real q = select(large, 1.0, numerator) / select(large, x, denominator);
  const Real small = fma((f - root_high) - root_low, r, q);
  // log x − 1/(2x) − A(1/x²)/x², the last to 2^-57 absolute
  const Real square = q * q;
  const Real series =
      fma(square,
          polynomial(square, {0x1.5555555555544p-4, -0x1.111111108d225p-7, 0x1.04103e7f702c0p-8,
                              -0x1.110ebfb97bd09p-8, 0x1.ef755659fda15p-8, -0x1.4a4e1fedef80dp-6,
                              0x1.bb9f184048b3cp-5}),
          q * 0.5);
  return select(large, log_kernel(x) - series, small);
}

// ψ'(x) for x ≥ 0: Σ 1/(x+i)², i < 6, where x < 6, and the series from there.
Real trigamma_right(Real x) {
  const Mask small = x < 6.0;
  const Real shifted = select(small, x + 6.0, x);
  // 1/x² apart: it is the largest, and x² may underflow.
  const Real first = 1.0 / x;
  const Real v = x * (x + 6.0);
  const Real product = (v + 5.0) * (v + 8.0) * (x + 3.0);
  const Real numerator = polynomial(x, {21076, 62100, 79650, 57660, 25685, 7200, 1240, 120, 5});
  const Real sum = select(small, fma(first, first, numerator / (product * product)), 0.0);
  // 1/x + 1/(2x²) + T(1/x²)/x³, T/x² to 2^-57
  const Real i = 1.0 / shifted;
  const Real t =
      polynomial(i * i, {0x1.555555555554dp-3, -0x1.11111110ec31ap-5, 0x1.861860a6157a1p-6,
                         -0x1.11108ee66b10ap-5, 0x1.3628181ae0239p-4, -0x1.003477514ad2ep-2,
                         0x1.07b1c76a0a7c7p+0, -0x1.b6a652af07ea5p+1});
  return fma(i, fma(i, fma(i, t, 0.5), 1.0), sum);
}

}  // namespace

Real lgamma_kernel(Real x) {
  const Mask left = x <= -0.5;
  const Real y = select(left, -x, x);
  const Real right = lgamma_right(y);
  return x.ops->where(left, right, [&] {
    const Real d = y - round(y);
    const Real reflected = log_kernel(pi / abs(y * sin_pi(d))) - right;
    // Whole numbers are poles, and log |Γ(−∞)| is +∞ as in C.
    return select(abs(d) > 0.0, reflected, infinity);
  });
}

Real digamma_kernel(Real x) {
  const Mask left = x < -0.75;
  const Real right = digamma_right(select(left, 1.0 - x, x));
  return x.ops->where(left, right, [&] {
    const Real d = x - round(x);
    const Real reflected = right - pi * cos_pi(d) / sin_pi(d);
    return select(abs(d) > 0.0, reflected, nan);
  });
}

Real trigamma_kernel(Real x) {
  const Mask left = x < 0.0;
  const Real right = trigamma_right(select(left, 1.0 - x, x));
  return x.ops->where(left, right, [&] {
    const Real cosecant = pi / sin_pi(x - round(x));
    return fma(cosecant, cosecant, -right);
  });
}

}  // namespace borel::codegen

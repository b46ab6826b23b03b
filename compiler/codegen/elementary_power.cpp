// Powers and the hyperbolic functions.

#include <limits>

#include "compiler/codegen/elementary_kernels.h"

namespace borel::codegen {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Real pow_kernel(Real x, Real y) {
  Ops& ops = *x.ops;
  const Real one = ops.constant(1);
  const Real a = abs(x);
  const LogPair log = log_pair(a);
  const Real product = y * log.high;
  const Real error = fma(y, log.high, -product);
  const Real tail = fma(y, log.low, error);
  // Where the product overflows its error is NaN.
  Real result = exp_kernel(product, select(abs(product) < 1000.0, tail, 0.0));
  // 0, ∞ and infinite exponents: ∞ if both grow or both shrink, 0 if not, 1 at 1.
  const Mask grows = a > 1.0;
  const Mask upward = y > 0.0;
  const Real extreme = select((grows & upward) | (~grows & ~upward), infinity, ops.constant(0));
  const Mask infinite_y = equal(abs(y), infinity);
  result = select(equal(a, 0.0) | equal(a, infinity) | infinite_y, extreme, result);
  // Negative bases: whole exponents only; odd ones keep the sign, of −0 and −∞ too.
  const Mask whole = equal(round(y), y);
  const Real half = y * 0.5;
  const Mask odd = whole & ~equal(round(half), half);
  const Mask negative = any_of(to_bits(x), std::numeric_limits<std::int64_t>::min());
  result = select(odd & negative, -result, result);
  const Mask undefined = (x < 0.0) & ~whole & (a < infinity);
  result = select(undefined, nan, result);
  result = select(is_nan(x) | is_nan(y), x + y, result);
  return select(equal(x, 1.0) | equal(y, 0.0) | (equal(a, 1.0) & infinite_y), one, result);
}

Real cbrt_kernel(Real x) {
  // x = z·2^(3k) with z in [3/8, 3): z^(-1/3) by a polynomial (to 0.003) and two steps of third
  // order, from which y = z^(1/3), corrected once by the exact residual y³ − z.
  Ops& ops = *x.ops;
  const Real a = abs(x);
  const Split parts = ops.split(a);
  const Real k = round(parts.exponent * (1.0 / 3));
  const Real rest = fma(k, -3.0, parts.exponent);  // −1, 0 or 1
  const Real z =
      parts.mantissa * select(rest > 0.5, 2.0, select(rest < -0.5, 0.5, ops.constant(1)));
  Real w = polynomial(
      z, {1.97634892, -2.207998061, 2.012018937, -1.016568697, 0.2595219265, -0.02610349667});
  for (int step = 0; step < 2; ++step) {
    const Real e = fma(-(z * w), w * w, 1.0);
    w = fma(w * e, fma(e, 2.0 / 9, 1.0 / 3), w);
  }
  const Real y = z * w * w;
  const Real square = y * y;
  const Real residual = fma(fma(y, y, -square), y, fma(square, y, -z));
  const Real root = fma(-residual, w * w * (1.0 / 3), y);
  const Real result = copy_sign(ops.scale(root, k), x);
  return select(equal(a, 0.0) | equal(a, infinity), x, result);
}

Real sinh_kernel(Real x) {
  // With h = (e^|x| − 1)/2: sinh |x| = h + h/(2h + 1); from 2^60 on the second term is lost, and
  // 2h might overflow.
  const Real a = abs(x);
  const Real h = half_expm1(a);
  const Real result = h + select(h < 0x1p60, h / fma(h, 2.0, 1.0), 0.0);
  return copy_sign(select(a < 0x1p-30, a, result), x);
}

Real cosh_kernel(Real x) {
  const Real half = exp_scaled(abs(x), -1);
  return half + 0.25 / half;
}

Real tanh_kernel(Real x) {
  // With h = (e^(2|x|) − 1)/2: tanh |x| = h/(h + 1); 1 to double from 20 on. (Tiny x apart: h would
  // be rounded where it is subnormal.)
  const Real a = abs(x);
  const Real h = half_expm1(at_most(a, 20.0) * 2.0);
  return copy_sign(select(a < 0x1p-30, a, h / (h + 1.0)), x);
}

}  // namespace borel::codegen

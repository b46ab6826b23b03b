// exp, log and what follows from them at once.
//
// exp: x = (k + j/16)·ln 2 + r, e^x = 2^k · 2^(j/16) · (1 + (e^r − 1)), with the table of 2^(j/16)
// in two registers where the processor can permute across two, and a polynomial of degree 6 (7 for
// expm1). log: x = 2^k·m, m in [3/4, 3/2); j/16 is the multiple nearest to m and c about 16/j, so
// that r = m·c − 1 is at most 0.0385, and log x = k·ln 2 − log c + log1p(r). At j = 16 c is 1: r is
// exact and log keeps its relative accuracy around 1. The c are chosen so that −log c lies within
// 2^-68 of a multiple of 2^-42, hence k·ln 2 − log c is exact to the low part of ln 2.
// (Tang, ACM TOMS 15(2), 1989, and 16(4), 1990; Gal, 1986, for the choice of c.)
//
// The polynomials are minimax fits (Remez exchange, coefficients then rounded to double).

#include <array>
#include <limits>

#include "compiler/codegen/elementary_kernels.h"

namespace borel::codegen {
namespace {

constexpr std::array<double, 16> power_table{
    // 2^(j/16)
    0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
constexpr std::array<double, 16> power_table_low{// 2^(j/16) − power_table[j]
                                                 0x0.0p+0,
                                                 0x1.8a62e4adc610bp-54,
                                                 -0x1.19041b9d78a76p-55,
                                                 0x1.9b07eb6c70573p-54,
                                                 0x1.6f46ad23182e4p-55,
                                                 0x1.ada0911f09ebcp-55,
                                                 0x1.d4397afec42e2p-56,
                                                 0x1.6324c054647adp-54,
                                                 -0x1.bdd3413b26456p-54,
                                                 -0x1.41577ee04992fp-55,
                                                 0x1.6e9f156864b27p-54,
                                                 0x1.c7c46b071f2bep-56,
                                                 0x1.7a1cd345dcc81p-54,
                                                 0x1.11065895048ddp-55,
                                                 0x1.2ed02d75b3707p-55,
                                                 -0x1.e9c23179c2893p-54};

// Index j mod 16 for j = 12 … 24; the other three are not reached.
constexpr std::array<double, 16> reciprocal_table{
    // c
    0x1.0000000000000p+0, 0x1.e1e1e1ca2ef37p-1, 0x1.c71c71d2ea936p-1, 0x1.af286bb0ffd70p-1,
    0x1.999999b6e653ap-1, 0x1.8618619d0e9edp-1, 0x1.745d174ce055ep-1, 0x1.642c8597a0593p-1,
    0x1.58ed23112ffa8p-1, 0x1.0000000000000p+0, 0x1.0000000000000p+0, 0x1.0000000000000p+0,
    0x1.4e5e0a873cf84p+0, 0x1.3b13b11502367p+0, 0x1.24924946a4d13p+0, 0x1.11111122b4066p+0};
constexpr std::array<double, 16> log_table{// −log c
                                           0x0.0p+0,
                                           0x1.f0a30d93f8000p-5,
                                           0x1.e270767870000p-4,
                                           0x1.5ff30781ba000p-3,
                                           0x1.c8ff7be72a000p-3,
                                           0x1.1675ca7e74000p-2,
                                           0x1.4618bc0e5d000p-2,
                                           0x1.739d7f57d0000p-2,
                                           0x1.947941a70b000p-2,
                                           0x0.0p+0,
                                           0x0.0p+0,
                                           0x0.0p+0,
                                           -0x1.1178e860a9000p-2,
                                           -0x1.a93ed2d13c000p-3,
                                           -0x1.1178e91100000p-3,
                                           -0x1.08598c6270000p-4};

constexpr std::array<double, 16> log_table_low{// −log c − log_table[j]
                                               0x0.0p+0,
                                               -0x1.681a10a78d943p-74,
                                               -0x1.28e01a3913b2fp-69,
                                               0x1.277ca3581b700p-71,
                                               -0x1.14d5928397fd4p-69,
                                               -0x1.16a58b96cb1e7p-70,
                                               -0x1.845580cac0c1bp-69,
                                               -0x1.d05c8778681c5p-69,
                                               0x1.9483ccea4d6f9p-70,
                                               0x0.0p+0,
                                               0x0.0p+0,
                                               0x0.0p+0,
                                               -0x1.0d3fafb28b1edp-69,
                                               0x1.0e739e26b47cfp-72,
                                               0x1.e91cc859f85c1p-71,
                                               0x1.9d6ef0b3eb22bp-69};

constexpr double log2_e = 0x1.71547652b82fep+0;
constexpr double ln2_high = 0x1.62e42fefa39efp-1;  // ln 2 to 53 bits
constexpr double ln2_low = 0x1.abc9e3b39803fp-56;
constexpr double ln2_short = 0x1.62e42fefa3800p-1;  // a multiple of 2^-42
constexpr double ln2_rest = 0x1.ef35793c76730p-45;
// Adding it rounds to a multiple of 1/16, whose last four places are the low bits of the sum.
constexpr double round_to_sixteenth = 0x1.8p48;
// e^x is 0 or ∞ to double beyond these.
constexpr double exp_lowest = -746;
constexpr double exp_highest = 720;

struct Reduced {
  Real scale;
  Bits index;
  Real r;
};

// The first product and difference are exact: r is a multiple of 2^-57 and below 2^-5. For |x| so
// large that rounding fails r would be anything; there e^x is 0 or ∞, and only r needs to be tame
// where scaling takes any exponent, else x.
Reduced reduce(Real x) {
  Ops& ops = *x.ops;
  if (!ops.avx512()) {
    x = at_most(at_least(x, exp_lowest), exp_highest);
  }
  const Real shifted = fma(x, log2_e, round_to_sixteenth);
  const Real scale = shifted - round_to_sixteenth;
  Real r = fma(scale, -ln2_low, fma(scale, -ln2_high, x));
  if (ops.avx512()) {
    r = ops.limit_magnitude(r, 0.022);
  }
  return {scale, to_bits(shifted), r};
}

// e^r − 1, |r| ≤ ln 2 / 32, to 2^-56 absolute.
Real small_expm1(Real r) {
  return fma(r * r,
             polynomial(r, {0x1.0000000000005p-1, 0x1.555555548f217p-3, 0x1.555555545e2d5p-5,
                            0x1.11123afbfb622p-7, 0x1.6c185e56d8f2ep-10}),
             r);
}

// The same to 2^-59 relative.
Real small_expm1_relative(Real r) {
  return fma(r * r,
             polynomial(r, {0x1.0000000000003p-1, 0x1.5555555555551p-3, 0x1.55555554a06dep-5,
                            0x1.111111115232bp-7, 0x1.6c1828e58ed06p-10, 0x1.a01a6d5e3d7c9p-13}),
             r);
}

Real assemble(Ops& ops, const Reduced& reduced, Real fraction, double k) {
  const Real power = ops.look_up_16(power_table, reduced.index);
  const Real scale = k == 0 ? reduced.scale : reduced.scale + k;
  return ops.scale(fma(power, fraction, power), scale);
}

// (e^x − 1)/4, finite for all x with finite e^x/2; for |x| ≥ 2^-54.
Real quarter_expm1(Real x) {
  Ops& ops = *x.ops;
  // Beyond, e^x/2 overflows; the bound keeps ∞ − ∞ out of the sum.
  const Reduced reduced = reduce(at_most(x, 710.476));
  const Real fraction = small_expm1_relative(reduced.r);
  const Real scale = reduced.scale - 2.0;
  const Real power = ops.scale(ops.look_up_16(power_table, reduced.index), scale);
  const Real low = ops.scale(ops.look_up_16(power_table_low, reduced.index), scale);
  return (power - 0.25) + fma(power, fraction, low);
}

struct LogParts {
  Real mantissa;
  Real exponent;
  Bits index;
  Real reciprocal;
};

LogParts decompose(Real x) {
  Ops& ops = *x.ops;
  const Split split = ops.split(x);
  const Bits index = to_bits(split.mantissa + round_to_sixteenth);
  return {split.mantissa, split.exponent, index, ops.look_up_16(reciprocal_table, index)};
}

// exponent·ln 2 − log c + log1p(r)
Real finish_log(const LogParts& parts, Real r) {
  Ops& ops = *r.ops;
  const Real base = fma(parts.exponent, ln2_short, ops.look_up_16(log_table, parts.index));
  // log1p(r) = r + r²·P(r) to 2^-59 relative
  const Real p =
      polynomial(r, {-0x1p-1, 0x1.55555555553a4p-2, -0x1.ffffffffff2dbp-3, 0x1.9999999f6375ap-3,
                     -0x1.555555616e052p-3, 0x1.2492180ca0674p-3, -0x1.ffff713dd4bf6p-4,
                     0x1.c863372aba418p-4, -0x1.9b08345d193a6p-4});
  return base + fma(r * r, p, fma(parts.exponent, ln2_rest, r));
}

}  // namespace

Real exp_kernel(Real x) {
  const Reduced reduced = reduce(x);
  return assemble(*x.ops, reduced, small_expm1(reduced.r), 0);
}

Real exp_kernel(Real x, Real tail) {
  Reduced reduced = reduce(x);
  reduced.r = reduced.r + tail;
  return assemble(*x.ops, reduced, small_expm1(reduced.r), 0);
}

Real exp_scaled(Real x, double k) {
  const Reduced reduced = reduce(x);
  return assemble(*x.ops, reduced, small_expm1(reduced.r), k);
}

// |x| tiny: x itself, with its sign of zero and without the rounding of subnormals.
Real expm1_kernel(Real x) { return select(abs(x) < 0x1p-54, x, quarter_expm1(x) * 4.0); }
Real half_expm1(Real x) { return select(abs(x) < 0x1p-54, x * 0.5, quarter_expm1(x) * 2.0); }

Real log_kernel(Real x) {
  const LogParts parts = decompose(x);
  return finish_log(parts, fma(parts.mantissa, parts.reciprocal, -1.0));
}

Real log_kernel(Real x, Real tail) {
  const LogParts parts = decompose(x);
  // tail·2^-exponent·c; the exponent is infinite only where x is 0 or ∞, and then tail is 0.
  const Real exponent = at_most(at_least(-parts.exponent, -1080), 1080);
  const Real relative = x.ops->scale(tail * parts.reciprocal, exponent);
  return finish_log(parts, fma(parts.mantissa, parts.reciprocal, -1.0) + relative);
}

LogPair log_pair(Real x) {
  Ops& ops = *x.ops;
  const LogParts parts = decompose(x);
  // r = m·c − 1 in two doubles
  const Real product = parts.mantissa * parts.reciprocal;
  const Real product_low = fma(parts.mantissa, parts.reciprocal, -product);
  const Real near = product - 1.0;
  const Real r = near + product_low;
  const Real r_low = (near - r) + product_low;
  const Real half_square = r * r * 0.5;
  const Real half_square_low = fma(r * 0.5, r, -half_square);
  // Exact, and either 0 or larger than r.
  const Real base = fma(parts.exponent, ln2_short, ops.look_up_16(log_table, parts.index));
  const Real a = base + r;
  const Real a_low = (base - a) + r;
  const Real b = a - half_square;
  const Real b_low = (a - b) - half_square;
  // log1p(r) = r − r²/2 + r³·Q(r) to 2^-64 relative
  const Real q =
      polynomial(r, {0x1.5555555555555p-2, -0x1p-2, 0x1.999999999945fp-3, -0x1.55555555544d1p-3,
                     0x1.2492492b6c5dap-3, -0x1.0000000d3dc2cp-3, 0x1.c71c0d378f232p-4,
                     -0x1.99990c213173bp-4, 0x1.758a2e7aaa635p-4, -0x1.56a4f53ce9e03p-4});
  Real low = fma(parts.exponent, ln2_rest, ops.look_up_16(log_table_low, parts.index));
  low = low + fma(r_low, 1.0 - r, -half_square_low);
  low = low + (a_low + b_low);
  low = fma(r * (r * r), q, low);
  const Real high = b + low;
  return {high, (b - high) + low};
}

Real log1p_kernel(Real x) {
  Ops& ops = *x.ops;
  const LogParts parts = decompose(1.0 + x);
  // The parts come from the rounded sum, r from x itself: c·2^-k·(1 + x) − 1, where c·2^-k − 1 is
  // exact (to a 54th place if k > 0) and the rest is rounded once. Where k is infinite, r only has
  // to stay finite: x = −1 and ∞.
  Real k = parts.exponent;
  if (!ops.avx512()) {
    k = at_most(at_least(k, -1030), 1030);
  }
  const Real unit = at_most(ops.scale(ops.constant(1), -k), 0x1p60);
  const Real scaled = at_most(x, std::numeric_limits<double>::max()) * unit;
  const Real r = fma(parts.reciprocal, scaled, fma(parts.reciprocal, unit, -1.0));
  return copy_sign(finish_log(parts, r), x);  // −0
}

}  // namespace borel::codegen

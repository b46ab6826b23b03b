// sin, cos, tan and their inverses.
//
// x = n·π/2 + r with |r| ≤ π/4 and r in two doubles. Up to 2^40 by Cody and Waite's method with π/2
// in three doubles: thanks to fma the first product and difference are exact. Beyond, by Payne and
// Hanek's: the bits of 2/π that matter for x's exponent times x's mantissa in integers, lane by
// lane, in a block that is entered only if an operand is that large. The error of r is below
// 2^-64·|r| for every double. (Payne and Hanek, SIGNUM 18(1), 1983.)

#include <llvm/IR/Function.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <array>
#include <cmath>
#include <limits>

#include "compiler/codegen/elementary_kernels.h"

namespace borel::codegen {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<double, 3> half_pi{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                        -0x1.f1976b7ed8fbcp-110};
constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
constexpr double round_to_integer = 0x1.8p52;
constexpr double cody_waite_limit = 0x1p40;

// The binary digits of 2/π after 64 zeros.
constexpr std::array<std::uint64_t, 21> two_over_pi_bits{
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e,
    0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b,
    0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
    0xf0cfbc209af4361d};

// r = high + low; the quadrant is the low two bits of `quadrant`.
struct Angle {
  Real high;
  Real low;
  Bits quadrant;
};

// double → {high, low, quadrant} for finite |x| ≥ 2^40; anything for others.
llvm::Function* large_reduction(llvm::Module& module) {
  constexpr const char* name = "borel.reduce_large_angle";
  if (llvm::Function* present = module.getFunction(name)) {
    return present;
  }
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  llvm::Type* real = b.getDoubleTy();
  llvm::IntegerType* word = b.getInt64Ty();
  llvm::IntegerType* wide = b.getInt128Ty();
  auto* result = llvm::StructType::get(context, {real, real, word});
  auto* function = llvm::Function::Create(llvm::FunctionType::get(result, {real}, false),
                                          llvm::GlobalValue::InternalLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->addFnAttr(llvm::Attribute::Cold);
  function->addFnAttr(llvm::Attribute::Speculatable);
  function->setDoesNotThrow();
  function->setWillReturn();
  function->setDoesNotAccessMemory();
  llvm::Constant* digits = llvm::ConstantDataArray::get(context, two_over_pi_bits);
  auto* table =
      new llvm::GlobalVariable(module, digits->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::InternalLinkage, digits, "borel.two_over_pi");
  table->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));

  // |x| = mantissa·2^e with a mantissa of 53 bits
  llvm::Value* bits = b.CreateBitCast(function->getArg(0), word);
  llvm::Value* biased = b.CreateAnd(b.CreateLShr(bits, 52), 0x7ff);
  constexpr std::int64_t lowest = 1075 - 12;  // 2^40, lest the index below be negative
  llvm::Value* exponent =
      b.CreateBinaryIntrinsic(llvm::Intrinsic::umax, biased, b.getInt64(lowest));
  llvm::Value* mantissa = b.CreateOr(b.CreateAnd(bits, 0xfffffffffffff), std::uint64_t{1} << 52);
  // Digits of weight 2^(1−e) and more only add multiples of four quadrants; 192 from there on.
  llvm::Value* first = b.CreateSub(exponent, b.getInt64(1075 - 62));
  llvm::Value* index = b.CreateLShr(first, 6);
  llvm::Value* shift = b.CreateAnd(first, 63);
  std::array<llvm::Value*, 4> loaded{};
  for (std::uint64_t i = 0; i < 4; ++i) {
    llvm::Value* place = b.CreateInBoundsGEP(word, table, b.CreateAdd(index, b.getInt64(i)));
    loaded[i] = b.CreateAlignedLoad(word, place, llvm::Align(8));
  }
  const auto digits_at = [&](std::size_t i) {
    llvm::Value* joined =
        b.CreateIntrinsic(llvm::Intrinsic::fshl, {word}, {loaded[i], loaded[i + 1], shift});
    return b.CreateZExt(joined, wide);
  };
  // The product's top 128 bits, modulo 2^128: quadrants in units of 2^-126
  llvm::Value* factor = b.CreateZExt(mantissa, wide);
  llvm::Value* lower = b.CreateMul(factor, digits_at(2));
  llvm::Value* middle = b.CreateAdd(b.CreateMul(factor, digits_at(1)), b.CreateLShr(lower, 64));
  llvm::Value* turns = b.CreateAdd(b.CreateShl(b.CreateMul(factor, digits_at(0)), 64), middle);
  // Nearest quadrant, and the signed rest of it in units of 2^-128
  llvm::Value* half = b.CreateShl(llvm::ConstantInt::get(wide, 1), 125);
  llvm::Value* quadrant = b.CreateTrunc(b.CreateLShr(b.CreateAdd(turns, half), 126), word);
  llvm::Value* rest = b.CreateShl(turns, 2);
  // In four pieces of 32 bits, each exact as a double; the first carries the sign.
  const auto piece = [&](unsigned place) {
    llvm::Value* part = b.CreateTrunc(b.CreateAShr(rest, place), b.getInt32Ty());
    llvm::Value* value = place == 96 ? b.CreateSIToFP(part, real) : b.CreateUIToFP(part, real);
    llvm::Value* unit = llvm::ConstantFP::get(real, std::ldexp(1.0, static_cast<int>(place) - 128));
    return b.CreateFMul(value, unit);
  };
  llvm::Value* a = piece(96);
  llvm::Value* c = piece(64);
  llvm::Value* high = b.CreateFAdd(a, c);
  // Fast two-sum where a is not 0; where it is, high is c and the difference 0 all the same.
  llvm::Value* low = b.CreateFSub(c, b.CreateFSub(high, a));
  low = b.CreateFAdd(low, b.CreateFAdd(piece(32), piece(0)));
  // times π/2
  Ops ops(b, real, /*avx512=*/false);
  const Real h{&ops, high};
  const Real product = h * half_pi[0];
  const Real error = fma(h, half_pi[0], -product);
  const Real tail = fma(h, half_pi[1], error) + Real{&ops, low} * half_pi[0];
  // −x: the same with the other sign
  llvm::Value* negative = b.CreateICmpSLT(bits, b.getInt64(0));
  const auto with_sign = [&](llvm::Value* value, llvm::Value* negated) {
    return b.CreateSelect(negative, negated, value);
  };
  llvm::Value* all = llvm::PoisonValue::get(result);
  all = b.CreateInsertValue(all, with_sign(product.value, (-product).value), 0);
  all = b.CreateInsertValue(all, with_sign(tail.value, (-tail).value), 1);
  all = b.CreateInsertValue(all, with_sign(quadrant, b.CreateNeg(quadrant)), 2);
  b.CreateRet(all);
  return function;
}

// {high, low, quadrant as the bits of a double}
llvm::SmallVector<Real, 4> reduce_large(Real x) {
  Ops& ops = *x.ops;
  llvm::IRBuilderBase& b = ops.builder();
  llvm::Function* reduction = large_reduction(*b.GetInsertBlock()->getModule());
  llvm::Type* real = b.getDoubleTy();
  const auto part = [&](llvm::Value* all, unsigned i) {
    llvm::Value* value = b.CreateExtractValue(all, i);
    return i == 2 ? b.CreateBitCast(value, real) : value;
  };
  std::array<llvm::Value*, 3> parts{};
  parts.fill(llvm::PoisonValue::get(ops.real_type()));
  for (unsigned lane = 0; lane < ops.width(); ++lane) {
    const bool scalar = ops.width() == 1;
    llvm::Value* all = b.CreateCall(
        reduction, {scalar ? x.value : b.CreateExtractElement(x.value, std::uint64_t{lane})});
    for (unsigned i = 0; i < 3; ++i) {
      parts[i] = scalar ? part(all, i)
                        : b.CreateInsertElement(parts[i], part(all, i), std::uint64_t{lane});
    }
  }
  const Real high{&ops, parts[0]};
  return {select(abs(x) < infinity, high, nan), Real{&ops, parts[1]}, Real{&ops, parts[2]}};
}

Angle reduce(Real x) {
  Ops& ops = *x.ops;
  const Real shifted = fma(x, two_over_pi, round_to_integer);
  const Real n = shifted - round_to_integer;
  const Real first = fma(n, -half_pi[0], x);
  const Real product = n * half_pi[1];
  const Real product_low = fma(n, half_pi[1], -product);
  // first − product = high + low exactly, whichever is larger
  const Real high = first - product;
  const Real taken = high - first;
  const Real low = (first - (high - taken)) - (product + taken);
  const Real rest = fma(n, -half_pi[2], low - product_low);
  const auto all =
      ops.where(abs(x) > cody_waite_limit, {high, rest, shifted}, [&] { return reduce_large(x); });
  return {all[0], all[1], to_bits(all[2])};
}

// |r| ≤ π/4: to 2^-55 relative.
Real sine(const Angle& angle, Real square) {
  const Real r = angle.high;
  const Real s =
      polynomial(square, {-0x1.5555555555555p-3, 0x1.1111111110ba6p-7, -0x1.a01a019e80a1ep-13,
                          0x1.71de37929237p-19, -0x1.ae6006d9b1748p-26, 0x1.5e09988c5c0eep-33});
  return r + fma(angle.low, fma(square, -0.5, 1.0), (r * square) * s);
}

Real cosine(const Angle& angle, Real square) {
  const Real c =
      polynomial(square, {0x1.5555555555555p-5, -0x1.6c16c16c1696p-10, 0x1.a01a019f4d28p-16,
                          -0x1.27e4fa15da107p-22, 0x1.1eeb66d0ea357p-29, -0x1.907c1f79e7db9p-37});
  const Real half = square * 0.5;
  const Real first = 1.0 - half;
  const Real lost = (1.0 - first) - half;
  return first + (lost + fma(square * square, c, -(angle.high * angle.low)));
}

// ±sin or ±cos of the angle by the quadrant counted in `quadrant`.
Real by_quadrant(Real even, Real odd, Bits quadrant) {
  const Real value = select(any_of(quadrant, 1), odd, even);
  return to_real(to_bits(value) ^ ((quadrant & 2) << 62));
}

// atan(z) for |z| ≤ tan(π/8), to 2^-56 relative
Real small_atan(Real z) {
  const Real square = z * z;
  const Real p =
      polynomial(square, {-0x1.5555555555555p-2, 0x1.999999999939ap-3, -0x1.2492492439b95p-3,
                          0x1.c71c71874b608p-4, -0x1.745d0b74e17e7p-4, 0x1.3b12695ed2614p-4,
                          -0x1.10faca0406cbep-4, 0x1.dfeb732d7c95cp-5, -0x1.a0b2a688c4a1fp-5,
                          0x1.41a5f7bed3d89p-5, -0x1.3acb05dc8b43cp-6});
  return fma(z * square, p, z);
}

// atan(small/large) in [0, π/4] for 0 ≤ small ≤ large, large > 0; halved at tan(π/8).
Real first_octant(Real small, Real large) {
  constexpr double tan_pi_8 = 0x1.a827999fcef32p-2;
  const Mask upper = small > large * tan_pi_8;
  const Real numerator = select(upper, small - large, small);
  const Real denominator = select(upper, small + large, large);
  const Real z = numerator / denominator;
  return select(upper, small_atan(z) + half_pi[0] * 0.5, small_atan(z));
}

// asin(z)/z − 1 as a function of z², |z| ≤ 1/2, to 2^-57 of asin
Real asin_series(Real square) {
  return square *
         polynomial(square, {0x1.5555555555556p-3, 0x1.3333333332e3fp-4, 0x1.6db6db6e3ee98p-5,
                             0x1.f1c71c16189e6p-6, 0x1.6e8bb2ede8f3dp-6, 0x1.1c4d1b9feb16p-6,
                             0x1.c9d1fcb1781d6p-7, 0x1.780a2bdd6ee37p-7, 0x1.52f4ab10e449ap-7,
                             0x1.5fd0b49c2f759p-8, 0x1.20fafd1f3c0e7p-6, -0x1.f285c33a02a85p-7,
                             0x1.db204176551d9p-6});
}

}  // namespace

Real sin_kernel(Real x) {
  const Angle angle = reduce(x);
  const Real square = angle.high * angle.high;
  const Real result = by_quadrant(sine(angle, square), cosine(angle, square), angle.quadrant);
  return select(equal(x, 0.0), x, result);  // −0
}

Real cos_kernel(Real x) {
  const Angle angle = reduce(x);
  const Real square = angle.high * angle.high;
  return by_quadrant(sine(angle, square), cosine(angle, square),
                     angle.quadrant + x.ops->constant_bits(1));
}

Real tan_kernel(Real x) {
  const Angle angle = reduce(x);
  const Real square = angle.high * angle.high;
  const Real s = sine(angle, square);
  const Real c = cosine(angle, square);
  const Mask odd = any_of(angle.quadrant, 1);
  return select(equal(x, 0.0), x, select(odd, -c, s) / select(odd, s, c));
}

Real atan_kernel(Real x) {
  const Real a = abs(x);
  const Mask steep = a > 1.0;
  const Real one = x.ops->constant(1);
  // 1/∞ is 0, but the octant below would divide ∞ by ∞.
  const Real large = at_most(select(steep, a, one), 0x1p1000);
  const Real angle = first_octant(select(steep, one, a), large);
  return copy_sign(select(steep, (half_pi[0] - angle) + half_pi[1], angle), x);
}

Real atan2_kernel(Real y, Real x) {
  const Real a = abs(x);
  const Real b = abs(y);
  const Mask steep = b > a;
  const Real large = select(steep, b, a);
  const Real small = select(steep, a, b);
  // Two infinities are 45° apart, two zeros 0°; huge operands would overflow in their sum, tiny
  // ones lose their last places.
  const Mask infinite = equal(large, infinity);
  const Real scale =
      select(large > 0x1p1000, 0x1p-100, select(large < 0x1p-900, 0x1p110, x.ops->constant(1)));
  const Real low =
      select(infinite, select(equal(small, infinity), 1.0, x.ops->constant(0)), small * scale);
  const Real high = select(infinite | equal(large, 0.0), 1.0, large * scale);
  Real angle = first_octant(low, high);
  angle = select(steep, (half_pi[0] - angle) + half_pi[1], angle);
  // The sign bit: −0 lies on the left, too.
  const Mask left = any_of(to_bits(x), std::numeric_limits<std::int64_t>::min());
  angle = select(left, (2 * half_pi[0] - angle) + 2 * half_pi[1], angle);
  return select(is_nan(x) | is_nan(y), x + y, copy_sign(angle, y));
}

Real asin_kernel(Real x) {
  const Real a = abs(x);
  const Mask outer = a > 0.5;
  // asin(a) = π/2 − 2·asin √((1−a)/2)
  const Real square = select(outer, fma(a, -0.5, 0.5), a * a);
  const Real z = select(outer, sqrt(square), a);
  const Real inner = fma(z, asin_series(square), z);
  return copy_sign(select(outer, half_pi[0] - fma(inner, 2.0, -half_pi[1]), inner), x);
}

Real acos_kernel(Real x) {
  const Real a = abs(x);
  const Mask outer = a > 0.5;
  const Real square = select(outer, fma(a, -0.5, 0.5), x * x);
  const Real z = select(outer, sqrt(square), x);
  const Real inner = fma(z, asin_series(square), z);
  const Real middle = half_pi[0] - (inner - half_pi[1]);
  const Real right = inner * 2.0;
  const Real left = 2 * half_pi[0] - (right - 2 * half_pi[1]);
  return select(outer, select(x < 0.0, left, right), middle);
}

}  // namespace borel::codegen

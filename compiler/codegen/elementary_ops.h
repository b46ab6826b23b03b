// The vocabulary in which elementary functions are written: arithmetic on values that are double
// or <W x double>, and the few operations that depend on the processor.
//
// Internal to elementary*.cpp. `Real`, `Bits` and `Mask` are IR values with their operators; an
// expression such as `fma(x, y, z) + 1.0` emits the IR for it.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <initializer_list>

namespace borel::codegen {

class Ops;

/// double or <W x double>
struct Real {
  Ops* ops;
  llvm::Value* value;
};
/// i64 or <W x i64>
struct Bits {
  Ops* ops;
  llvm::Value* value;
};
/// i1 or <W x i1>
struct Mask {
  Ops* ops;
  llvm::Value* value;
};

/// x = mantissa · 2^exponent with mantissa in [3/4, 3/2), for subnormal x too. x = ±0 and +∞ have
/// mantissa 1 and exponent −∞ and +∞; x < 0 (−∞ too) and NaN have NaN for both.
struct Split {
  Real mantissa;
  Real exponent;
};

class Ops {
 public:
  Ops(llvm::IRBuilderBase& builder, llvm::Type* type, bool avx512);

  [[nodiscard]] Real constant(double value);
  [[nodiscard]] Bits constant_bits(std::int64_t value);
  [[nodiscard]] llvm::IRBuilderBase& builder() { return builder_; }
  [[nodiscard]] unsigned width() const { return width_; }
  [[nodiscard]] bool avx512() const { return avx512_; }

  /// y · 2^⌊e⌋ rounded once, for |e| ≤ 1100 or NaN (any e with AVX-512) and y zero or |y| in
  /// [2^-60, 2^60).
  Real scale(Real y, Real e);
  Split split(Real x);
  /// With AVX-512 only: x with its magnitude limited to `bound`; NaN becomes `bound`.
  Real limit_magnitude(Real x, double bound);
  /// table[i mod 16]: a register permute where there is one.
  Real look_up_16(llvm::ArrayRef<double> table, Bits i);
  /// table[i], for any size; i must be inside.
  Real look_up(llvm::ArrayRef<double> table, Bits i);

  /// `usual`, replaced by what `rare` emits where `condition` holds: the rare code stands in a
  /// block of its own, entered if any lane asks for it.
  Real where(Mask condition, Real usual, llvm::function_ref<Real()> rare);
  /// The same for several values at once; both lists have the same length.
  llvm::SmallVector<Real, 4> where(Mask condition, llvm::ArrayRef<Real> usual,
                                   llvm::function_ref<llvm::SmallVector<Real, 4>()> rare);

  Real unary(llvm::Intrinsic::ID intrinsic, Real x);
  [[nodiscard]] llvm::Type* real_type() const { return real_; }
  [[nodiscard]] llvm::Type* bits_type() const { return bits_; }

 private:
  llvm::Value* avx512_call(llvm::Intrinsic::ID narrow, llvm::Intrinsic::ID middle,
                           llvm::Intrinsic::ID wide, llvm::ArrayRef<llvm::Value*> operands);
  llvm::Value* lanes(llvm::Value* value, unsigned first, unsigned count);
  llvm::Value* widened(llvm::Value* value, unsigned width);
  llvm::Value* table_global(llvm::ArrayRef<double> table);

  llvm::IRBuilderBase& builder_;
  llvm::Type* real_;
  llvm::Type* bits_;
  unsigned width_;  // 1 for a scalar
  bool avx512_;
};

Real operator+(Real a, Real b);
Real operator-(Real a, Real b);
Real operator*(Real a, Real b);
Real operator/(Real a, Real b);
Real operator-(Real a);
inline Real operator+(Real a, double b) { return a + a.ops->constant(b); }
inline Real operator-(Real a, double b) { return a - a.ops->constant(b); }
inline Real operator*(Real a, double b) { return a * a.ops->constant(b); }
inline Real operator/(Real a, double b) { return a / a.ops->constant(b); }
inline Real operator+(double a, Real b) { return b.ops->constant(a) + b; }
inline Real operator-(double a, Real b) { return b.ops->constant(a) - b; }
inline Real operator*(double a, Real b) { return b.ops->constant(a) * b; }
inline Real operator/(double a, Real b) { return b.ops->constant(a) / b; }

/// a·b + c rounded once
Real fma(Real a, Real b, Real c);
inline Real fma(Real a, Real b, double c) { return fma(a, b, a.ops->constant(c)); }
inline Real fma(Real a, double b, Real c) { return fma(a, a.ops->constant(b), c); }
inline Real fma(Real a, double b, double c) {
  return fma(a, a.ops->constant(b), a.ops->constant(c));
}
Real sqrt(Real x);
Real abs(Real x);
Real copy_sign(Real magnitude, Real sign);
Real floor(Real x);
/// To the nearest whole number, halves to even.
Real round(Real x);
/// The larger or smaller of x and a bound; NaN stays.
Real at_least(Real x, double bound);
Real at_most(Real x, double bound);

Bits to_bits(Real x);
Real to_real(Bits x);
Bits operator+(Bits a, Bits b);
Bits operator-(Bits a, Bits b);
Bits operator^(Bits a, Bits b);
Bits operator&(Bits a, std::int64_t b);
Bits operator<<(Bits a, unsigned count);
Bits shift_right_signed(Bits a, unsigned count);

/// Ordered comparisons: false if an operand is NaN.
Mask operator<(Real a, double b);
Mask operator<(Real a, Real b);
Mask operator>(Real a, double b);
Mask operator>(Real a, Real b);
Mask operator>=(Real a, double b);
Mask operator<=(Real a, double b);
Mask equal(Real a, double b);
Mask equal(Real a, Real b);
Mask is_nan(Real a);
/// Whether any of the bits set in `pattern` is set in a.
Mask any_of(Bits a, std::int64_t pattern);
Mask operator&(Mask a, Mask b);
Mask operator|(Mask a, Mask b);
Mask operator~(Mask a);
Real select(Mask condition, Real yes, Real no);
inline Real select(Mask condition, double yes, Real no) {
  return select(condition, no.ops->constant(yes), no);
}
inline Real select(Mask condition, Real yes, double no) {
  return select(condition, yes, yes.ops->constant(no));
}

/// c0 + c1·x + c2·x² + …, by Estrin's scheme: a tree, for latency.
Real polynomial(Real x, std::initializer_list<double> coefficients);
/// The same by Horner's scheme: fewest operations.
Real horner(Real x, std::initializer_list<double> coefficients);

}  // namespace borel::codegen

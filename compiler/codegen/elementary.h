// Elementary functions as LLVM IR: one source gives the scalar form and every vector width, with
// the same bits in each.
//
// Each function is written once, in C++ that builds IR (elementary_*.cpp). For operands of type
// double or <W x double> it becomes an internal function `borel.<name>.v<W>` of the module (v1 is
// the scalar), called where the value is wanted. Only IEEE operations, explicit fma, integer
// operations and table look-ups occur, no fast-math flag is set or obeyed, and no library is
// called, so a lane's result depends on nothing but that lane's operand. AVX-512 instructions are
// used where they exist; they give the bits that the portable forms give.
//
// Accuracy is the largest error seen against 113-bit references on random and special points, in
// units in the last place (ulp) of the result; tests/unit/codegen_elementary_*.cpp hold each to
// the bound stated below. Signed zeros, subnormal operands and results, infinities and NaN follow
// C's Annex F unless stated.
#pragma once

#include <cstdint>
#include <string_view>

#include <llvm/ADT/ArrayRef.h>

namespace llvm {
class IRBuilderBase;
class Value;
}  // namespace llvm

namespace borel::codegen {

struct TargetSpec;

/// Beside each: its largest error in ulp; ns a result in a loop of 1000 over 8 lanes, and of
/// scalars; ns of latency of a scalar in a chain. (One core of Zen 5 at 4.3 GHz, AVX-512, inlined
/// where `automatic` inlines.)
enum class Elementary : std::uint8_t {
  exp,             // 1.15: 0.19, 1.4; 8.5
  expm1,           // 2: 0.33, 2.8; 11
  log,             // 1.25: 0.25, 1.9; 9.5
  log1p,           // 1.25: 0.39, 3.3; 12
  sqrt,            // 0.5 (correctly rounded): 0.22, 1.8; 3.5
  lgamma,          // 9 in (−1/2, 3), 4 above; below 6·2^-52·max(1, |result|): 1.3, 11; 26
  digamma,         // 7 right of 0; left 12·2^-52·max(1, |result|): 1.2, 11; 23
  trigamma,        // 6 right of 0, 9 left: 0.57, 4.6; 15
  pow,             // 1.2: 1.5, 14; 34
  cbrt,            // 0.6
  sinh,            // 3: 0.51, 4.2; 17
  cosh,            // 2: 0.26, 2.0; 13
  tanh,            // 3: 0.53, 4.3; 17
  erf,             // 1.5: 1.2, 10; 22
  erfc,            // 5: 1.2, 10; 22
  normal_cdf,      // Φ. 6: 1.2, 10; 23
  log_normal_cdf,  // log Φ. 6, in both tails: 2.2, 17; 36
  sin,             // 1, for every double: 0.58, 4.5; 12
  cos,             // 1, for every double: 0.56, 4.2; 12
  tan,             // 2.5, for every double: 0.63, 4.8; 14
  asin,            // 2.5: 0.36, 3.3; 13
  acos,            // 1.5: 0.40, 3.7; 14
  atan,            // 2.5: 0.50, 5.0; 19
  atan2,           // 2.5: 0.76, 7.6; 21
};

/// Marks the calls that `optimise` inlines.
inline constexpr const char* inline_elementary_attribute = "borel-inline";

/// Number of operands: 2 for atan2 (y, x) and pow (base, exponent), else 1.
int elementary_arity(Elementary function);

/// Its name, as in `borel.<name>.v8`.
std::string_view elementary_name(Elementary function);

struct ElementaryOptions {
  /// Of one call. Inlined code keeps its tables and coefficients in registers over a loop; a call
  /// costs a few ns more and next to no compile time.
  enum class Inlining {
    automatic,  // exp, expm1, log, log1p, sqrt and tanh are inlined
    always,
    never,
  };
  /// AVX-512 F, DQ and VL may be used: TargetSpec::avx512 of the target that the module is for.
  bool avx512 = false;
  Inlining inlining = Inlining::automatic;
};

ElementaryOptions elementary_options(const TargetSpec& target);

/// Emits function(operands) at the builder's insertion point and returns the result, of the
/// operands' common type: double, or a fixed vector of double of 1 to 8 lanes or a multiple of 8.
/// The body is added to the builder's module at first use; all uses in one module must agree on
/// `avx512`. `optimise` (optimise.h) inlines the calls that are to be. `apply_target`
/// (engine_target.h) afterwards gives it the target's attributes.
llvm::Value* emit_elementary(llvm::IRBuilderBase& builder, Elementary function,
                             llvm::ArrayRef<llvm::Value*> operands,
                             const ElementaryOptions& options);

}  // namespace borel::codegen

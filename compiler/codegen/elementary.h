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

enum class Elementary : std::uint8_t {
  //                 largest error, ulp            ns a result, 8 lanes and scalar (see below)
  exp,             // 1.15                         0.19  1.4
  expm1,           // 2                            0.30  2.5
  log,             // 1.25                         0.25  1.9
  log1p,           // 1.6                          0.44  3.8
  sqrt,            // 0.5: correctly rounded       0.22  1.8
  lgamma,          // 9 in (−1/2, 3), else 4; x < −1/2: 6·2^-52·max(1, |result|)
  digamma,         // 7 right of 0; left: 12·2^-52·max(1, |result|)
  trigamma,        // 6; left of 0: 9
  pow,             // 1.2
  sinh,            // 3
  cosh,            // 2
  tanh,            // 3
  erf,             // 1.5
  erfc,            // 5
  normal_cdf,      // Φ: 6
  log_normal_cdf,  // log Φ: 6, in both tails
  sin,             // 1, for every double
  cos,             // 1
  tan,             // 2.5
  asin,            // 2.5
  acos,            // 1.5
  atan,            // 2.5
  atan2,           // 2.5
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

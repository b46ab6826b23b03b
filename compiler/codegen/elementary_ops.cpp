#include "compiler/codegen/elementary_ops.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/xxhash.h>

#include <limits>
#include <numeric>
#include <vector>

namespace borel::codegen {
namespace {

// Adding it to |x| < 2^51 rounds x to an integer, which then stands in the low bits.
constexpr double round_to_integer = 0x1.8p52;

llvm::SmallVector<int, 16> range(unsigned first, unsigned count) {
  llvm::SmallVector<int, 16> indices(count);
  std::iota(indices.begin(), indices.end(), static_cast<int>(first));
  return indices;
}

}  // namespace

Ops::Ops(llvm::IRBuilderBase& builder, llvm::Type* type, bool avx512)
    : builder_(builder), real_(type), bits_(nullptr), width_(1), avx512_(avx512) {
  llvm::Type* word = builder.getInt64Ty();
  if (auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type)) {
    width_ = vector->getNumElements();
    bits_ = llvm::FixedVectorType::get(word, width_);
  } else {
    bits_ = word;
  }
}

Real Ops::constant(double value) { return {this, llvm::ConstantFP::get(real_, value)}; }
Bits Ops::constant_bits(std::int64_t value) {
  return {this, llvm::ConstantInt::get(bits_, static_cast<std::uint64_t>(value))};
}

llvm::Value* Ops::lanes(llvm::Value* value, unsigned first, unsigned count) {
  return builder_.CreateShuffleVector(value, range(first, count));
}

// The value in the low lanes of a vector of `width` lanes, the others undefined.
llvm::Value* Ops::widened(llvm::Value* value, unsigned width) {
  if (!value->getType()->isVectorTy()) {
    auto* type = llvm::FixedVectorType::get(value->getType(), width);
    return builder_.CreateInsertElement(llvm::PoisonValue::get(type), value, std::uint64_t{0});
  }
  const unsigned have = llvm::cast<llvm::FixedVectorType>(value->getType())->getNumElements();
  if (have == width) {
    return value;
  }
  llvm::SmallVector<int, 16> mask(width, llvm::PoisonMaskElem);
  std::iota(mask.begin(), mask.begin() + have, 0);
  return builder_.CreateShuffleVector(value, mask);
}

// Calls a masked AVX-512 intrinsic, all lanes on, for any width: `operands` are vectors of doubles
// (of this width) and immediates.
llvm::Value* Ops::avx512_call(llvm::Intrinsic::ID narrow, llvm::Intrinsic::ID middle,
                              llvm::Intrinsic::ID wide, llvm::ArrayRef<llvm::Value*> operands) {
  const unsigned native = width_ <= 2 ? 2 : width_ <= 4 ? 4 : 8;
  auto* type = llvm::FixedVectorType::get(builder_.getDoubleTy(), native);
  const auto call = [&](llvm::ArrayRef<llvm::Value*> values) {
    llvm::SmallVector<llvm::Value*, 6> all(values.begin(), values.end());
    all.push_back(llvm::PoisonValue::get(type));
    all.push_back(builder_.getInt8(0xff));
    if (native == 8) {
      constexpr unsigned current_rounding = 4;
      all.push_back(builder_.getInt32(current_rounding));
    }
    return builder_.CreateIntrinsic(native == 2 ? narrow : native == 4 ? middle : wide, {}, all);
  };
  const auto is_real = [&](llvm::Value* value) { return value->getType() == real_; };
  llvm::SmallVector<llvm::Value*, 4> values;
  if (width_ <= 8) {
    for (llvm::Value* operand : operands) {
      values.push_back(is_real(operand) ? widened(operand, native) : operand);
    }
    llvm::Value* result = call(values);
    if (width_ == 1) {
      return builder_.CreateExtractElement(result, std::uint64_t{0});
    }
    return width_ == native ? result : lanes(result, 0, width_);
  }
  llvm::Value* result = nullptr;
  for (unsigned first = 0; first < width_; first += native) {
    values.clear();
    for (llvm::Value* operand : operands) {
      values.push_back(is_real(operand) ? lanes(operand, first, native) : operand);
    }
    llvm::Value* part = call(values);
    if (result == nullptr) {
      result = widened(part, width_);
    } else {
      llvm::SmallVector<int, 16> mask = range(0, width_);
      std::iota(mask.begin() + first, mask.begin() + first + native, static_cast<int>(width_));
      result = builder_.CreateShuffleVector(result, widened(part, width_), mask);
    }
  }
  return result;
}

Real Ops::scale(Real y, Real e) {
  if (avx512_) {
    return {this, avx512_call(llvm::Intrinsic::x86_avx512_mask_scalef_pd_128,
                              llvm::Intrinsic::x86_avx512_mask_scalef_pd_256,
                              llvm::Intrinsic::x86_avx512_mask_scalef_pd_512, {y.value, e.value})};
  }
  // Two factors, since 2^⌊e⌋ itself may be out of range; the first product is exact.
  constexpr double bias = 1023;
  const auto power = [](Real k) { return to_real(to_bits(k + (round_to_integer + bias)) << 52); };
  const Real whole = floor(e);
  const Real half = floor(whole * 0.5);
  return y * power(half) * power(whole - half);
}

Split Ops::split(Real x) {
  if (avx512_) {
    // Interval [3/4, 3/2), NaN for negative operands.
    constexpr unsigned mantissa_form = 0b1011;
    const auto exponent = [&](llvm::Value* value) {
      return Real{this, avx512_call(llvm::Intrinsic::x86_avx512_mask_getexp_pd_128,
                                    llvm::Intrinsic::x86_avx512_mask_getexp_pd_256,
                                    llvm::Intrinsic::x86_avx512_mask_getexp_pd_512, {value})};
    };
    const Real raw{this, avx512_call(llvm::Intrinsic::x86_avx512_mask_getmant_pd_128,
                                     llvm::Intrinsic::x86_avx512_mask_getmant_pd_256,
                                     llvm::Intrinsic::x86_avx512_mask_getmant_pd_512,
                                     {x.value, builder_.getInt32(mantissa_form)})};
    return {raw, exponent(x.value) - exponent(raw.value)};
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr std::int64_t three_quarters = 0x3fe8000000000000;
  const Mask subnormal = x < 0x1p-1022;
  const Bits bits = to_bits(select(subnormal, x * 0x1p54, x));
  const Bits offset = bits - constant_bits(three_quarters);
  const Bits steps = shift_right_signed(offset, 52);
  Real mantissa = to_real(bits - (steps << 52));
  Real exponent = to_real(steps + to_bits(constant(round_to_integer))) - round_to_integer;
  exponent = select(subnormal, exponent - 54.0, exponent);
  const Mask zero = equal(x, 0);
  const Mask infinite = equal(x, infinity);
  mantissa = select(zero | infinite, 1.0, mantissa);
  exponent = select(zero, -infinity, select(infinite, infinity, exponent));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Mask defined = x >= 0;
  return {select(defined, mantissa, nan), select(defined, exponent, nan)};
}

Real Ops::limit_magnitude(Real x, double bound) {
  // The smaller magnitude, with the first operand's sign.
  constexpr unsigned smaller_magnitude = 0b0010;
  return {this,
          avx512_call(llvm::Intrinsic::x86_avx512_mask_range_pd_128,
                      llvm::Intrinsic::x86_avx512_mask_range_pd_256,
                      llvm::Intrinsic::x86_avx512_mask_range_pd_512,
                      {x.value, constant(bound).value, builder_.getInt32(smaller_magnitude)})};
}

llvm::Value* Ops::table_global(llvm::ArrayRef<double> table) {
  llvm::Module& module = *builder_.GetInsertBlock()->getModule();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(table.data());
  const std::string name =
      "borel.table." + llvm::utohexstr(llvm::xxh3_64bits(llvm::ArrayRef(bytes, table.size() * 8)));
  if (llvm::GlobalVariable* present = module.getGlobalVariable(name, /*AllowInternal=*/true)) {
    return present;
  }
  llvm::Constant* contents = llvm::ConstantDataArray::get(builder_.getContext(), table);
  auto* global = new llvm::GlobalVariable(module, contents->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::InternalLinkage, contents, name);
  global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  global->setAlignment(llvm::Align(64));
  return global;
}

Real Ops::look_up(llvm::ArrayRef<double> table, Bits i) {
  llvm::Value* place =
      builder_.CreateInBoundsGEP(builder_.getDoubleTy(), table_global(table), {i.value});
  if (width_ == 1) {
    return {this, builder_.CreateAlignedLoad(builder_.getDoubleTy(), place, llvm::Align(8))};
  }
  return {this, builder_.CreateMaskedGather(real_, place, llvm::Align(8))};
}

Real Ops::look_up_16(llvm::ArrayRef<double> table, Bits i) {
  if (!avx512_ || width_ == 1) {
    return look_up(table, i & 15);
  }
  llvm::Value* low = llvm::ConstantDataVector::get(builder_.getContext(), table.take_front(8));
  llvm::Value* high = llvm::ConstantDataVector::get(builder_.getContext(), table.drop_front(8));
  const auto permute = [&](llvm::Value* index) {
    return builder_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpermi2var_pd_512, {},
                                    {low, index, high});
  };
  if (width_ <= 8) {
    llvm::Value* result = permute(widened(i.value, 8));
    return {this, width_ == 8 ? result : lanes(result, 0, width_)};
  }
  llvm::Value* result = nullptr;
  for (unsigned first = 0; first < width_; first += 8) {
    llvm::Value* part = widened(permute(lanes(i.value, first, 8)), width_);
    if (result == nullptr) {
      result = part;
    } else {
      llvm::SmallVector<int, 16> mask = range(0, width_);
      std::iota(mask.begin() + first, mask.begin() + first + 8, static_cast<int>(width_));
      result = builder_.CreateShuffleVector(result, part, mask);
    }
  }
  return {this, result};
}

Real Ops::where(Mask condition, Real usual, llvm::function_ref<Real()> rare) {
  return where(condition, llvm::ArrayRef<Real>(usual),
               [&] { return llvm::SmallVector<Real, 4>{rare()}; })
      .front();
}

llvm::SmallVector<Real, 4> Ops::where(Mask condition, llvm::ArrayRef<Real> usual,
                                      llvm::function_ref<llvm::SmallVector<Real, 4>()> rare) {
  llvm::LLVMContext& context = builder_.getContext();
  llvm::BasicBlock* before = builder_.GetInsertBlock();
  llvm::Function* function = before->getParent();
  auto* rare_block = llvm::BasicBlock::Create(context, "rare", function);
  auto* after = llvm::BasicBlock::Create(context, "after", function);
  llvm::Value* any = width_ == 1 ? condition.value : builder_.CreateOrReduce(condition.value);
  builder_.CreateCondBr(any, rare_block, after);
  builder_.SetInsertPoint(rare_block);
  llvm::SmallVector<Real, 4> replaced = rare();
  for (std::size_t i = 0; i < usual.size(); ++i) {
    replaced[i] = select(condition, replaced[i], usual[i]);
  }
  llvm::BasicBlock* rare_end = builder_.GetInsertBlock();
  builder_.CreateBr(after);
  builder_.SetInsertPoint(after);
  for (std::size_t i = 0; i < usual.size(); ++i) {
    llvm::PHINode* merged = builder_.CreatePHI(real_, 2);
    merged->addIncoming(usual[i].value, before);
    merged->addIncoming(replaced[i].value, rare_end);
    replaced[i].value = merged;
  }
  return replaced;
}

Real Ops::unary(llvm::Intrinsic::ID intrinsic, Real x) {
  return {this, builder_.CreateUnaryIntrinsic(intrinsic, x.value)};
}

Real operator+(Real a, Real b) { return {a.ops, a.ops->builder().CreateFAdd(a.value, b.value)}; }
Real operator-(Real a, Real b) { return {a.ops, a.ops->builder().CreateFSub(a.value, b.value)}; }
Real operator*(Real a, Real b) { return {a.ops, a.ops->builder().CreateFMul(a.value, b.value)}; }
Real operator/(Real a, Real b) { return {a.ops, a.ops->builder().CreateFDiv(a.value, b.value)}; }
Real operator-(Real a) { return {a.ops, a.ops->builder().CreateFNeg(a.value)}; }

Real fma(Real a, Real b, Real c) {
  return {a.ops, a.ops->builder().CreateIntrinsic(llvm::Intrinsic::fma, {a.value->getType()},
                                                  {a.value, b.value, c.value})};
}
Real sqrt(Real x) { return x.ops->unary(llvm::Intrinsic::sqrt, x); }
Real abs(Real x) { return x.ops->unary(llvm::Intrinsic::fabs, x); }
Real floor(Real x) { return x.ops->unary(llvm::Intrinsic::floor, x); }
Real round(Real x) { return x.ops->unary(llvm::Intrinsic::roundeven, x); }
Real copy_sign(Real magnitude, Real sign) {
  return {sign.ops, sign.ops->builder().CreateBinaryIntrinsic(llvm::Intrinsic::copysign,
                                                              magnitude.value, sign.value)};
}
Real at_least(Real x, double bound) { return select(x < bound, bound, x); }
Real at_most(Real x, double bound) { return select(x > bound, bound, x); }

Bits to_bits(Real x) {
  return {x.ops, x.ops->builder().CreateBitCast(x.value, x.ops->bits_type())};
}
Real to_real(Bits x) {
  return {x.ops, x.ops->builder().CreateBitCast(x.value, x.ops->real_type())};
}
Bits operator+(Bits a, Bits b) { return {a.ops, a.ops->builder().CreateAdd(a.value, b.value)}; }
Bits operator-(Bits a, Bits b) { return {a.ops, a.ops->builder().CreateSub(a.value, b.value)}; }
Bits operator^(Bits a, Bits b) { return {a.ops, a.ops->builder().CreateXor(a.value, b.value)}; }
Bits operator&(Bits a, std::int64_t b) {
  return {a.ops, a.ops->builder().CreateAnd(a.value, a.ops->constant_bits(b).value)};
}
Bits operator<<(Bits a, unsigned count) {
  return {a.ops, a.ops->builder().CreateShl(a.value, count)};
}
Bits shift_right_signed(Bits a, unsigned count) {
  return {a.ops, a.ops->builder().CreateAShr(a.value, count)};
}

namespace {

Mask compare(llvm::CmpInst::Predicate predicate, Real a, Real b) {
  return {a.ops, a.ops->builder().CreateFCmp(predicate, a.value, b.value)};
}

}  // namespace

Mask operator<(Real a, Real b) { return compare(llvm::CmpInst::FCMP_OLT, a, b); }
Mask operator<(Real a, double b) { return a < a.ops->constant(b); }
Mask operator>(Real a, Real b) { return compare(llvm::CmpInst::FCMP_OGT, a, b); }
Mask operator>(Real a, double b) { return a > a.ops->constant(b); }
Mask operator>=(Real a, double b) {
  return compare(llvm::CmpInst::FCMP_OGE, a, a.ops->constant(b));
}
Mask operator<=(Real a, double b) {
  return compare(llvm::CmpInst::FCMP_OLE, a, a.ops->constant(b));
}
Mask equal(Real a, Real b) { return compare(llvm::CmpInst::FCMP_OEQ, a, b); }
Mask equal(Real a, double b) { return equal(a, a.ops->constant(b)); }
Mask is_nan(Real a) { return compare(llvm::CmpInst::FCMP_UNO, a, a); }
Mask any_of(Bits a, std::int64_t pattern) {
  return {a.ops, a.ops->builder().CreateICmpNE((a & pattern).value, a.ops->constant_bits(0).value)};
}
Mask operator&(Mask a, Mask b) { return {a.ops, a.ops->builder().CreateAnd(a.value, b.value)}; }
Mask operator|(Mask a, Mask b) { return {a.ops, a.ops->builder().CreateOr(a.value, b.value)}; }
Mask operator~(Mask a) { return {a.ops, a.ops->builder().CreateNot(a.value)}; }
Real select(Mask condition, Real yes, Real no) {
  return {no.ops, no.ops->builder().CreateSelect(condition.value, yes.value, no.value)};
}

Real polynomial(Real x, std::initializer_list<double> coefficients) {
  llvm::SmallVector<Real, 24> terms;
  const double* c = coefficients.begin();
  const std::size_t count = coefficients.size();
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    terms.push_back(fma(x, c[i + 1], c[i]));
  }
  if (count == 1) {
    return x.ops->constant(c[0]);
  }
  Real power = x;
  // A term without a partner joins the pair before it, which saves a power of x.
  Real alone = x.ops->constant(c[count - 1]);
  bool odd = count % 2 == 1;
  while (true) {
    if (odd || terms.size() > 1) {
      power = power * power;
    }
    if (odd) {
      terms.back() = fma(alone, power, terms.back());
    }
    if (terms.size() == 1) {
      return terms.front();
    }
    llvm::SmallVector<Real, 24> pairs;
    for (std::size_t i = 0; i + 1 < terms.size(); i += 2) {
      pairs.push_back(fma(terms[i + 1], power, terms[i]));
    }
    odd = terms.size() % 2 == 1;
    alone = terms.back();
    terms = pairs;
  }
}

Real horner(Real x, std::initializer_list<double> coefficients) {
  const double* last = coefficients.end() - 1;
  Real sum = x.ops->constant(*last);
  while (last != coefficients.begin()) {
    sum = fma(sum, x, *--last);
  }
  return sum;
}

}  // namespace borel::codegen

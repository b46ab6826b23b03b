// Random bits in generated code. runtime/core/philox.h defines the numbers.
#include <array>
#include <cstddef>

#include "compiler/codegen/emit_function.h"
#include "mlir/IR/Matchers.h"

namespace borel::codegen {

namespace {

using IRValue = llvm::Value;

/// Philox4x32-10 on scalars or on lanes: 32-bit words, each in 64 bits whose upper half does not
/// matter, so that a product takes its operands as they are.
class Philox {
 public:
  explicit Philox(llvm::IRBuilderBase& b) : b_(b) {}

  std::array<IRValue*, 4> words(std::array<IRValue*, 4> x, std::array<IRValue*, 2> key) {
    for (int round = 0; round < 10; ++round) {
      IRValue* p0 = product(x[0], 0xd2511f53u);
      IRValue* p1 = product(x[2], 0xcd9e8d57u);
      x = {b_.CreateXor(b_.CreateXor(upper(p1), x[1]), key[0]), p1,
           b_.CreateXor(b_.CreateXor(upper(p0), x[3]), key[1]), p0};
      key[0] = b_.CreateAdd(key[0], number(key[0], 0x9e3779b9u));
      key[1] = b_.CreateAdd(key[1], number(key[1], 0xbb67ae85u));
    }
    return x;
  }

  IRValue* upper(IRValue* x) { return b_.CreateLShr(x, number(x, 32)); }

  /// In (0, 1), of the 64 bits whose halves these are: the upper 52 of them, under the exponent
  /// of 1.
  IRValue* uniform(IRValue* lower, IRValue* higher) {
    IRValue* bits = b_.CreateLShr(word(lower, higher), number(lower, 12));
    bits = b_.CreateOr(bits, number(bits, 0x3ff0000000000000u));
    llvm::Type* real = b_.getDoubleTy();
    if (auto* lanes = llvm::dyn_cast<llvm::FixedVectorType>(bits->getType()))
      real = llvm::FixedVectorType::get(real, lanes->getNumElements());
    return b_.CreateFSub(b_.CreateBitCast(bits, real), llvm::ConstantFP::get(real, 1.0 - 0x1p-53));
  }

  static llvm::Constant* number(IRValue* like, std::uint64_t value) {
    return llvm::ConstantInt::get(like->getType(), value);
  }

 private:
  IRValue* word(IRValue* lower, IRValue* higher) {
    auto* lanes = llvm::dyn_cast<llvm::FixedVectorType>(lower->getType());
    if (!lanes)
      return b_.CreateOr(b_.CreateShl(higher, number(higher, 32)),
                         b_.CreateAnd(lower, number(lower, 0xffffffffu)));
    // Halves are picked, not shifted: a shift of a product becomes a product of 64 bits, which is
    // slow.
    const unsigned width = lanes->getNumElements();
    auto* halves = llvm::FixedVectorType::get(b_.getInt32Ty(), 2 * width);
    llvm::SmallVector<int> picked;
    for (unsigned i = 0; i < width; ++i)
      picked.append({static_cast<int>(2 * i), static_cast<int>(2 * width + 2 * i)});
    return b_.CreateBitCast(b_.CreateShuffleVector(b_.CreateBitCast(lower, halves),
                                                   b_.CreateBitCast(higher, halves), picked),
                            lanes);
  }

  IRValue* product(IRValue* x, std::uint64_t multiplier) {
    return b_.CreateMul(b_.CreateAnd(x, number(x, 0xffffffffu)), number(x, multiplier));
  }

  llvm::IRBuilderBase& b_;
};

}  // namespace

llvm::Function* ModuleEmitter::uniform() {
  if (uniform_) return uniform_;
  uniform_ = llvm::Function::Create(llvm::FunctionType::get(f64, {ptr}, false),
                                    llvm::GlobalValue::InternalLinkage, "borel.uniform", module);
  uniform_->setDoesNotThrow();
  uniform_->addFnAttr(llvm::Attribute::NoInline);
  uniform_->addParamAttr(0, llvm::Attribute::NoAlias);
  auto block = [&](const char* name) { return llvm::BasicBlock::Create(context, name, uniform_); };
  llvm::IRBuilder<> b(block("entry"));
  llvm::Value* state = uniform_->getArg(0);
  const auto field = [&](std::size_t offset) {
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), state, offset);
  };
  llvm::Value* count_at = field(offsetof(RandomContext, count));
  llvm::Value* spare_at = field(offsetof(RandomContext, spare));
  llvm::Value* count = b.CreateLoad(i64, count_at);
  b.CreateStore(b.CreateAdd(count, b.getInt64(1)), count_at);
  llvm::BasicBlock *second = block("second"), *first = block("first");
  b.CreateCondBr(b.CreateTrunc(count, i1), second, first);
  b.SetInsertPoint(second);
  b.CreateRet(b.CreateLoad(f64, spare_at));

  b.SetInsertPoint(first);
  llvm::Value* key = b.CreateLoad(i64, field(offsetof(RandomContext, key)));
  llvm::Value* step = b.CreateLoad(i64, field(offsetof(RandomContext, step)));
  llvm::Value* position = b.CreateLShr(count, 1);
  Philox philox(b);
  const auto x = philox.words({position, philox.upper(position), step, philox.upper(step)},
                              {key, philox.upper(key)});
  b.CreateStore(philox.uniform(x[2], x[3]), spare_at);
  b.CreateRet(philox.uniform(x[0], x[1]));
  return uniform_;
}

// Two uniforms have 104 random bits; a product spreads them over 64.
llvm::Value* FunctionEmitter::emit_key() {
  const auto bits = [&] {
    return b_.CreateBitCast(b_.CreateCall(m_.uniform(), {random_context()}), m_.i64);
  };
  IRValue* first = bits();
  IRValue* second = bits();
  first = b_.CreateMul(first, b_.getInt64(0x9e3779b97f4a7c15u));
  first = b_.CreateXor(first, b_.CreateLShr(first, 32));
  return b_.CreateMul(b_.CreateXor(first, second), b_.getInt64(0xbf58476d1ce4e5b9u));
}

void FunctionEmitter::emit_uniform_at(prob::UniformAtOp op) {
  const Lanes key = lanes_of(op.getKey()), element = lanes_of(op.getElement()),
              count = lanes_of(op.getNumber());
  const bool uniform = key.uniform() && element.uniform() && count.uniform();
  const auto part = [&](Lanes x) { return uniform ? x.value : vector(x); };
  Philox philox(b_);
  const auto halves = [&](IRValue* x) {
    return std::array<IRValue*, 2>{x, b_.CreateLShr(x, Philox::number(x, 32))};
  };
  // Of the key the halves are taken before they are spread over lanes.
  std::array<IRValue*, 2> keys = halves(key.uniform() ? key.value : part(key));
  if (key.uniform() && !uniform)
    for (IRValue*& half : keys) half = b_.CreateVectorSplat(lanes_->width, half);
  const auto [element_low, element_high] = halves(part(element));
  IRValue* position =
      part(count.uniform()
               ? uniform_lanes(b_.CreateLShr(count.value, b_.getInt64(1)))
               : result_lanes(b_.CreateLShr(vector(count), Philox::number(vector(count), 1))));
  const auto [position_low, position_high] = halves(position);
  const auto x = philox.words({element_low, element_high, position_low, position_high}, keys);
  llvm::APInt known;
  if (mlir::matchPattern(op.getNumber(), mlir::m_ConstantInt(&known))) {
    const unsigned first = known[0] ? 2 : 0;
    return set(op.getResult(), result_lanes(philox.uniform(x[first], x[first + 1])));
  }
  IRValue* number = part(count);
  IRValue* odd =
      b_.CreateICmpNE(b_.CreateAnd(number, Philox::number(number, 1)), Philox::number(number, 0));
  set(op.getResult(),
      result_lanes(b_.CreateSelect(odd, philox.uniform(x[2], x[3]), philox.uniform(x[0], x[1]))));
}

}  // namespace borel::codegen

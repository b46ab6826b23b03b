#include "compiler/codegen/cpu_levels.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Module.h>

#include <cstdint>

namespace borel::codegen {
namespace {

// What a level needs above the one before: bits of cpuid's leaves 1, 7 and 0x80000001, and of the
// register states that the operating system saves (XCR0). System V psABI for x86-64, 3.1.1.
struct Level {
  const char* name;
  std::uint32_t basic_c, extended_b, amd_c, saved;
};

constexpr std::uint32_t bits() { return 0; }
template <class... More>
constexpr std::uint32_t bits(unsigned first, More... more) {
  return (std::uint32_t{1} << first) | bits(more...);
}

constexpr unsigned os_saves_states = 27;

constexpr Level levels[] = {
    {"x86-64", 0, 0, 0, 0},
    // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF
    {"x86-64-v2", bits(0, 9, 13, 19, 20, 23), 0, bits(0), 0},
    // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT; XMM, YMM
    {"x86-64-v3", bits(12, 22, os_saves_states, 28, 29), bits(3, 5, 8), bits(5), bits(1, 2)},
    // AVX512F, DQ, CD, BW, VL; masks and ZMM
    {"x86-64-v4", 0, bits(16, 17, 28, 30, 31), 0, bits(5, 6, 7)},
};

}  // namespace

llvm::Function* emit_level_choice(llvm::Module& module, const std::vector<std::string>& cpus) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  llvm::Type* i32 = b.getInt32Ty();
  auto* function =
      llvm::Function::Create(llvm::FunctionType::get(b.getInt64Ty(), false),
                             llvm::GlobalValue::InternalLinkage, "borel.variant", module);
  function->setDoesNotThrow();
  function->addFnAttr(llvm::Attribute::NoInline);
  const auto block = [&](const char* name) {
    return llvm::BasicBlock::Create(context, name, function);
  };

  // rbx is the code generator's own: it is kept by hand.
  auto* four = llvm::StructType::get(i32, i32, i32, i32);
  auto* cpuid = llvm::InlineAsm::get(llvm::FunctionType::get(four, {i32, i32}, false),
                                     "xchgq %rbx, ${1:q}\n\tcpuid\n\txchgq %rbx, ${1:q}",
                                     "={ax},=r,={cx},={dx},0,2,~{dirflag},~{fpsr},~{flags}",
                                     /*hasSideEffects=*/true);
  const auto ask = [&](std::uint32_t leaf) {
    return b.CreateCall(cpuid, {b.getInt32(leaf), b.getInt32(0)});
  };

  llvm::BasicBlock *entry = block("entry"), *saving = block("saving"), *choose = block("choose");
  b.SetInsertPoint(entry);
  llvm::Value* most = b.CreateExtractValue(ask(0), 0);
  llvm::Value* basic_c = b.CreateExtractValue(ask(1), 2);
  // A leaf past the last answers with another one's bits.
  llvm::Value* extended_b = b.CreateSelect(b.CreateICmpUGE(most, b.getInt32(7)),
                                           b.CreateExtractValue(ask(7), 1), b.getInt32(0));
  llvm::Value* amd_c = b.CreateExtractValue(ask(0x80000001u), 2);
  llvm::Value* saves = b.CreateAnd(basic_c, b.getInt32(bits(os_saves_states)));
  b.CreateCondBr(b.CreateICmpNE(saves, b.getInt32(0)), saving, choose);

  b.SetInsertPoint(saving);
  auto* xgetbv = llvm::InlineAsm::get(
      llvm::FunctionType::get(llvm::StructType::get(i32, i32), {i32}, false), "xgetbv",
      "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", /*hasSideEffects=*/true);
  llvm::Value* states = b.CreateExtractValue(b.CreateCall(xgetbv, {b.getInt32(0)}), 0);
  b.CreateBr(choose);

  b.SetInsertPoint(choose);
  auto* saved = b.CreatePHI(i32, 2);
  saved->addIncoming(b.getInt32(0), entry);
  saved->addIncoming(states, saving);
  llvm::Value* chosen = b.getInt64(0);
  llvm::Value* has = b.getTrue();
  for (const Level& level : levels) {
    const auto covers = [&](llvm::Value* found, std::uint32_t mask) {
      if (mask == 0) return;
      llvm::Value* both = b.CreateAnd(found, b.getInt32(mask));
      has = b.CreateAnd(has, b.CreateICmpEQ(both, b.getInt32(mask)));
    };
    covers(basic_c, level.basic_c);
    covers(extended_b, level.extended_b);
    covers(amd_c, level.amd_c);
    covers(saved, level.saved);
    for (std::size_t i = 0; i < cpus.size(); ++i)
      if (cpus[i] == level.name) chosen = b.CreateSelect(has, b.getInt64(i), chosen);
  }
  b.CreateRet(chosen);
  return function;
}

}  // namespace borel::codegen

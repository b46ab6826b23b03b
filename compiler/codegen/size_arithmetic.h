// Sizes in bytes, computed so that what int64 has no room for becomes its largest value: more than
// any machine's memory, which allocation then refuses, and never a small number.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Intrinsics.h"

namespace borel::codegen {

/// x * y of sizes that are not negative.
inline llvm::Value* size_product(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* y) {
  llvm::Value* both = b.CreateBinaryIntrinsic(llvm::Intrinsic::smul_with_overflow, x, y);
  return b.CreateSelect(b.CreateExtractValue(both, 1),
                        llvm::ConstantInt::get(x->getType(), INT64_MAX),
                        b.CreateExtractValue(both, 0));
}

inline llvm::Value* size_sum(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* y) {
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::sadd_sat, x, y);
}

/// The next multiple of 64 bytes.
inline llvm::Value* size_aligned(llvm::IRBuilderBase& b, llvm::Value* bytes) {
  return b.CreateAnd(size_sum(b, bytes, llvm::ConstantInt::get(bytes->getType(), 63)),
                     llvm::ConstantInt::getSigned(bytes->getType(), -64));
}

}  // namespace borel::codegen

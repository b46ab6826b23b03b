// Functions that the host supplies: arguments as borel_array, the call through the borel_function
// whose address the instance has, and its failure as a fault.
#include <cstddef>

#include "borel/program.h"
#include "compiler/codegen/emit_module.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

void ModuleEmitter::emit_host(EmittedFunction& made, mlir::DictionaryAttr host) {
  using IRValue = llvm::Value;
  llvm::Function& function = *made.function;
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", &function));
  const bool adjoint = host.getAs<mlir::BoolAttr>("adjoint").getValue();
  const auto first = static_cast<unsigned>(host.getAs<mlir::IntegerAttr>("first").getInt());
  const auto matrices = host.getAs<mlir::ArrayAttr>("matrices");
  const auto count = static_cast<unsigned>(matrices.size());
  const auto field = [&](IRValue* base, std::size_t bytes) {
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, bytes);
  };
  const auto room = [&](std::size_t bytes) {
    auto* type = llvm::ArrayType::get(i64, std::max<std::size_t>((bytes + 7) / 8, 1));
    return static_cast<IRValue*>(b.CreateAlloca(type));
  };
  const auto store = [&](IRValue* value, IRValue* to) {
    b.CreateAlignedStore(value, to, llvm::Align(8));
  };
  // A scalar in memory, as the contract holds it.
  const auto in_memory = [&](IRValue* scalar) {
    IRValue* to = room(8);
    store(scalar->getType() == i1 ? b.CreateZExt(scalar, i64) : scalar, to);
    return to;
  };

  IRValue* arguments = room(count * sizeof(borel_array));
  IRValue* adjoints = adjoint ? room(count * sizeof(void*)) : nullptr;
  llvm::SmallVector<IRValue*> given;  // by IR argument: its memory
  unsigned next = 3;
  for (unsigned i = 0; i < made.source.getNumArguments(); ++i) {
    const mlir::Type type = made.source.getArgumentTypes()[i];
    const auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type);
    const bool is_argument = i >= first && i < first + count;
    IRValue* value = function.getArg(next++);
    llvm::SmallVector<IRValue*, 4> lengths;
    if (tensor) {
      for (std::int64_t d = 0; d < tensor.getRank(); ++d)
        lengths.push_back(tensor.isDynamicDim(static_cast<unsigned>(d))
                              ? static_cast<IRValue*>(function.getArg(next++))
                              : b.getInt64(static_cast<std::uint64_t>(
                                    tensor.getDimSize(static_cast<unsigned>(d)))));
    } else if (i >= first) {
      value = in_memory(value);
    }
    given.push_back(value);
    if (!is_argument) continue;
    if (mlir::cast<mlir::BoolAttr>(matrices[i - first]).getValue())
      std::swap(lengths[lengths.size() - 1], lengths[lengths.size() - 2]);
    IRValue* array = field(arguments, (i - first) * sizeof(borel_array));
    store(value, field(array, offsetof(borel_array, data)));
    for (std::size_t d = 0; d < BOREL_MAX_RANK; ++d)
      store(d < lengths.size() ? lengths[d] : b.getInt64(0),
            field(array, offsetof(borel_array, dims) + 8 * d));
  }

  // Where results go: the caller's memory, or ours for scalars.
  llvm::SmallVector<IRValue*> results;
  llvm::SmallVector<IRValue*> scalars;
  for (const mlir::Type type : made.source.getResultTypes()) {
    const bool is_array = prob::is_array(type);
    results.push_back(is_array ? static_cast<IRValue*>(function.getArg(next++)) : room(8));
    if (!is_array) scalars.push_back(results.back());
  }
  IRValue* slot = field(function.getArg(0),
                        static_cast<std::size_t>(
                            layout.offset(host.getAs<mlir::FlatSymbolRefAttr>("slot").getValue())));
  IRValue* callee = b.CreateAlignedLoad(ptr, slot, llvm::Align(8));
  const auto member = [&](std::size_t bytes) {
    return static_cast<IRValue*>(b.CreateAlignedLoad(ptr, field(callee, bytes), llvm::Align(8)));
  };
  llvm::SmallVector<IRValue*> passed{member(offsetof(borel_function, host)), arguments};
  IRValue* code = nullptr;
  if (!adjoint) {
    internal_check(results.size() == 1, "a function of the host with several results");
    passed.push_back(results.front());
    code = member(offsetof(borel_function, value));
  } else {
    unsigned result = 0;
    for (unsigned i = 0; i < count; ++i) {
      const bool real = prob::is_real(made.source.getArgumentTypes()[first + i]);
      store(real ? results[result++] : llvm::ConstantPointerNull::get(ptr),
            field(adjoints, i * sizeof(void*)));
    }
    passed.append({given[first + count], given[first + count + 1], adjoints});
    code = member(offsetof(borel_function, gradient));
  }
  llvm::SmallVector<llvm::Type*> types(passed.size(), ptr);
  IRValue* failed = b.CreateCall(llvm::FunctionType::get(i32, types, false), code, passed);

  auto* wrong = llvm::BasicBlock::Create(context, "failed", &function);
  auto* done = llvm::BasicBlock::Create(context, "done", &function);
  b.CreateCondBr(b.CreateICmpEQ(failed, b.getInt32(0)), done, wrong);
  const auto finish = [&](std::int32_t status) {
    if (!function.getReturnType()->isStructTy()) {
      b.CreateRet(b.getInt32(static_cast<std::uint32_t>(status)));
      return;
    }
    IRValue* all = llvm::ConstantAggregateZero::get(function.getReturnType());
    all = b.CreateInsertValue(all, b.getInt32(static_cast<std::uint32_t>(status)), 0);
    for (unsigned i = 0; status == BOREL_OK && i < scalars.size(); ++i)
      all = b.CreateInsertValue(all, b.CreateAlignedLoad(f64, scalars[i], llvm::Align(8)), i + 1);
    b.CreateRet(all);
  };
  b.SetInsertPoint(wrong);
  IRValue* fault = field(function.getArg(1), offsetof(borel_workspace, fault));
  const auto place = static_cast<std::uint32_t>(host.getAs<mlir::IntegerAttr>("place").getInt());
  b.CreateAlignedStore(b.getInt32(BOREL_FAULT_HOST), field(fault, offsetof(borel_fault, kind)),
                       llvm::Align(4));
  b.CreateAlignedStore(b.getInt32(place), field(fault, offsetof(borel_fault, place)),
                       llvm::Align(4));
  store(b.getInt64(~std::uint64_t{0}), field(fault, offsetof(borel_fault, index)));
  store(b.CreateSIToFP(failed, f64), field(fault, offsetof(borel_fault, value)));
  finish(BOREL_FAULT);
  b.SetInsertPoint(done);
  finish(BOREL_OK);
}

}  // namespace borel::codegen

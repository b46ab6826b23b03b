#include "compiler/codegen/emit_module.h"

#include <cstddef>

#include "borel/program.h"
#include "compiler/codegen/emit_function.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

using mlir::func::FuncOp;

InstanceLayout::InstanceLayout(mlir::ModuleOp module) {
  for (auto slot : module.getOps<prob::SlotOp>()) {
    const auto next = static_cast<std::int64_t>(8 * offsets_.size());
    offsets_[slot.getSymName().str()] = next;
  }
}

std::int64_t InstanceLayout::header_bytes() const {
  return static_cast<std::int64_t>((8 * offsets_.size() + 63) / 64 * 64);
}

ModuleEmitter::ModuleEmitter(mlir::ModuleOp source_module, llvm::Module& target_module,
                             const TargetSpec& spec, const std::vector<std::string>& in_place)
    : source(source_module),
      module(target_module),
      context(target_module.getContext()),
      target(spec),
      elementary(elementary_options(spec)),
      extents(source_module),
      layout(source_module),
      f64(llvm::Type::getDoubleTy(context)),
      i1(llvm::Type::getInt1Ty(context)),
      i32(llvm::Type::getInt32Ty(context)),
      i64(llvm::Type::getInt64Ty(context)),
      ptr(llvm::PointerType::getUnqual(context)) {
  for (auto op : source.getOps<FuncOp>()) calls_host_ |= op->hasAttr(prob::host_attribute);
  for (auto op : source.getOps<FuncOp>()) populations |= op->hasAttr(prob::frames_attribute);
  for (auto op : source.getOps<FuncOp>())
    if (!op.isExternal()) declare(op, llvm::is_contained(in_place, op.getSymName()));
}

llvm::Type* ModuleEmitter::scalar_type(mlir::Type type) const {
  if (type.isF64()) return f64;
  if (type.isInteger(64)) return i64;
  if (type.isInteger(1)) return i1;
  throw InternalError("code generation for a scalar type other than f64, i64 and i1");
}

llvm::Type* ModuleEmitter::memory_type(mlir::Type type) const {
  return type.isInteger(1) ? i64 : scalar_type(type);
}

void ModuleEmitter::declare(FuncOp op, bool in_place) {
  internal_check(op.getBody().hasOneBlock(), "a function with unstructured control flow");
  EmittedFunction& function = functions_[op];
  function.source = op;
  recursive_ |= op->hasAttr(prob::place_attribute);
  // Array arguments in order take the memory of the array results in order.
  function.in_place.assign(op.getNumArguments(), -1);
  if (in_place) {
    unsigned result = 0;
    for (unsigned a = 0; a < op.getNumArguments(); ++a) {
      if (!prob::is_array(op.getArgumentTypes()[a])) continue;
      while (result < op.getNumResults() && !prob::is_array(op.getResultTypes()[result])) ++result;
      internal_check(
          result < op.getNumResults() && op.getResultTypes()[result] == op.getArgumentTypes()[a],
          "a step whose results are not a state like its arguments");
      function.in_place[a] = static_cast<int>(result++);
    }
  }

  llvm::SmallVector<llvm::Type*> arguments{ptr, ptr, ptr}, results{i32};
  llvm::SmallVector<unsigned> memory, read_only;
  for (unsigned a = 0; a < op.getNumArguments(); ++a) {
    const mlir::Type type = op.getArgumentTypes()[a];
    if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type)) {
      (function.in_place[a] >= 0 ? memory : read_only)
          .push_back(static_cast<unsigned>(arguments.size()));
      arguments.push_back(ptr);
      arguments.append(static_cast<unsigned>(tensor.getNumDynamicDims()), i64);
    } else {
      arguments.push_back(scalar_type(type));
    }
  }
  for (unsigned r = 0; r < op.getNumResults(); ++r) {
    if (!prob::is_array(op.getResultTypes()[r])) {
      results.push_back(scalar_type(op.getResultTypes()[r]));
    } else if (!llvm::is_contained(function.in_place, static_cast<int>(r))) {
      memory.push_back(static_cast<unsigned>(arguments.size()));
      arguments.push_back(ptr);
    }
  }
  llvm::Type* returned =
      results.size() == 1 ? static_cast<llvm::Type*>(i32) : llvm::StructType::get(context, results);
  function.function =
      llvm::Function::Create(llvm::FunctionType::get(returned, arguments, false),
                             llvm::GlobalValue::InternalLinkage, op.getSymName(), module);
  llvm::Function& f = *function.function;
  f.setDoesNotThrow();
  if (!calls_host_) f.setNoSync();
  // An array argument may be given twice, which noalias allows for memory that is only read.
  f.addParamAttr(0, llvm::Attribute::NoAlias);
  f.addParamAttr(0, llvm::Attribute::ReadOnly);
  f.addParamAttr(0, llvm::Attribute::get(context, llvm::Attribute::Dereferenceable,
                                         static_cast<std::uint64_t>(
                                             std::max<std::int64_t>(layout.header_bytes(), 1))));
  f.addParamAttr(
      1, llvm::Attribute::get(context, llvm::Attribute::Dereferenceable, sizeof(borel_workspace)));
  for (const unsigned i : {1u, 2u}) f.addParamAttr(i, llvm::Attribute::NoAlias);
  for (const unsigned i : read_only) {
    f.addParamAttr(i, llvm::Attribute::NoAlias);
    f.addParamAttr(i, llvm::Attribute::ReadOnly);
  }
  for (const unsigned i : memory) f.addParamAttr(i, llvm::Attribute::NoAlias);
  for (unsigned i = 0; i < f.arg_size(); ++i) f.addParamAttr(i, llvm::Attribute::NoUndef);
}

EmittedFunction& ModuleEmitter::function(FuncOp op) { return functions_.at(op); }

EmittedFunction& ModuleEmitter::function(llvm::StringRef name) {
  auto op = source.lookupSymbol<FuncOp>(name);
  if (!op || op.isExternal()) throw InternalError("the module has no function " + name.str());
  EmittedFunction& found = functions_.at(op);
  emit(found);
  return found;
}

void ModuleEmitter::drop_unused() {
  for (auto& [op, function] : functions_)
    if (!function.emitted) function.function->eraseFromParent();
}

void ModuleEmitter::emit_functions() {
  for (auto op : source.getOps<FuncOp>())
    if (!op.isExternal()) emit(functions_.at(op));
}

void ModuleEmitter::emit(EmittedFunction& function) {
  if (function.emitted) return;
  function.emitted = true;
  if (auto host = function.source->getAttrOfType<mlir::DictionaryAttr>(prob::host_attribute))
    return emit_host(function, host);
  // Callees first: what they may do decides how calls look. A recursive one may do anything.
  function.source.walk([&](mlir::func::CallOp call) { emit(functions_.at(extents.callee(call))); });
  function.storage = std::make_unique<StoragePlan>(function.source, extents, function.in_place);
  FunctionEmitter(*this, function).run();
}

// A function rather than code in place: programs have many copies of short arrays.
llvm::Function* ModuleEmitter::copy(bool from_padded, bool to_padded) {
  llvm::Function*& copy = copies_[{from_padded, to_padded}];
  if (copy) return copy;
  copy = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(context), {ptr, ptr, i64}, false),
      llvm::GlobalValue::InternalLinkage, "borel.copy", module);
  copy->setDoesNotThrow();
  copy->setWillReturn();
  copy->setNoSync();
  copy->setOnlyAccessesArgMemory();
  copy->addFnAttr(llvm::Attribute::NoInline);
  for (const unsigned i : {0u, 1u}) copy->addParamAttr(i, llvm::Attribute::NoCapture);
  copy->addParamAttr(0, llvm::Attribute::WriteOnly);
  copy->addParamAttr(1, llvm::Attribute::ReadOnly);
  const auto width = static_cast<unsigned>(target.vector_width);
  const auto block = [&](const char* name) {
    return llvm::BasicBlock::Create(context, name, copy);
  };
  llvm::IRBuilder<> b(block("entry"));
  llvm::BasicBlock *entry = b.GetInsertBlock(), *loop = block("loop"), *end = block("end");
  llvm::Value *to = copy->getArg(0), *from = copy->getArg(1), *count = copy->getArg(2);
  b.CreateCondBr(b.CreateICmpSGT(count, b.getInt64(0)), loop, end);
  b.SetInsertPoint(loop);
  auto* at = b.CreatePHI(i64, 2);
  at->addIncoming(b.getInt64(0), entry);
  llvm::SmallVector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < width; ++i) numbers.push_back(b.getInt64(i));
  llvm::Value* mask = b.CreateICmpSGT(b.CreateVectorSplat(width, b.CreateSub(count, at)),
                                      llvm::ConstantVector::get(numbers));
  auto* type = llvm::FixedVectorType::get(i64, width);
  const llvm::Align element(8);
  llvm::Value *read_at = b.CreateGEP(i64, from, at), *write_at = b.CreateGEP(i64, to, at);
  llvm::Value* elements =
      from_padded
          ? static_cast<llvm::Value*>(b.CreateAlignedLoad(type, read_at, element))
          : b.CreateMaskedLoad(type, read_at, element, mask, llvm::Constant::getNullValue(type));
  if (to_padded)
    b.CreateAlignedStore(elements, write_at, element);
  else
    b.CreateMaskedStore(elements, write_at, element, mask);
  llvm::Value* next = b.CreateAdd(at, b.getInt64(width));
  at->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpSLT(next, count), loop, end);
  b.SetInsertPoint(end);
  b.CreateRetVoid();
  return copy;
}

}  // namespace borel::codegen

// What the emission of one module shares: types, the layout of instances, functions that were
// emitted. See emit.h for the conventions of emitted functions.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include "compiler/codegen/elementary.h"
#include "compiler/codegen/engine_target.h"
#include "compiler/codegen/storage.h"

namespace borel::codegen {

// An instance begins with one cell of 8 bytes for each slot, in the order of the module: a scalar's
// value or the address of an array. Hoisted arrays follow, each aligned.
class InstanceLayout {
 public:
  explicit InstanceLayout(mlir::ModuleOp module);
  std::int64_t offset(llvm::StringRef slot) const { return offsets_.at(slot.str()); }
  std::int64_t header_bytes() const;

 private:
  std::map<std::string, std::int64_t> offsets_;
};

// An emitted function: `{i32, scalars…} function(instance, ws, top, arguments…, result arrays…)`.
struct EmittedFunction {
  mlir::func::FuncOp source;
  llvm::Function* function = nullptr;
  std::unique_ptr<StoragePlan> storage;
  llvm::SmallVector<int> in_place;  // by argument: the result that begins in it, or -1
  bool may_fail = true;             // may return another status than BOREL_OK
  bool emitted = false;
};

class ModuleEmitter {
 public:
  // `in_place` names functions whose array argument i lives in the memory of result i.
  ModuleEmitter(mlir::ModuleOp source, llvm::Module& module, const TargetSpec& target,
                const std::vector<std::string>& in_place);

  // Emits all functions, callees first.
  void emit_functions();
  // Removes the declarations of functions that were not emitted.
  void drop_unused();

  // Whether some function calls itself.
  bool recursive() const { return recursive_; }

  EmittedFunction& function(mlir::func::FuncOp op);
  EmittedFunction& function(llvm::StringRef name);  // and emits it
  // `double borel.uniform(ptr context)`: the next uniform of the step whose RandomContext is there.
  llvm::Function* uniform();
  // `void borel.copy(ptr to, ptr from, i64 elements)`: of arrays that are apart or the same.
  // From one array to another that does not overlap it; see Array::padded.
  llvm::Function* copy(bool from_padded, bool to_padded);

  mlir::ModuleOp source;
  llvm::Module& module;
  llvm::LLVMContext& context;
  const TargetSpec& target;
  ElementaryOptions elementary;
  Extents extents;
  InstanceLayout layout;
  bool populations = false;  // some function works on a population: its loops are long

  llvm::Type* const f64;
  llvm::IntegerType *const i1, *const i32, *const i64;
  llvm::PointerType* const ptr;

  // How a scalar is held in registers, and in memory (where a truth value is an i64 of 0 or 1).
  llvm::Type* scalar_type(mlir::Type type) const;
  llvm::Type* memory_type(mlir::Type type) const;

 private:
  void emit(EmittedFunction& function);
  void emit_host(EmittedFunction& function, mlir::DictionaryAttr host);
  void declare(mlir::func::FuncOp op, bool in_place);

  std::map<mlir::Operation*, EmittedFunction> functions_;
  bool recursive_ = false;
  bool calls_host_ = false;  // some function is the host's
  llvm::Function* uniform_ = nullptr;
  std::map<std::pair<bool, bool>, llvm::Function*> copies_;
};

// The address of the current function's frame.
inline llvm::Value* stack_address(llvm::IRBuilder<>& b) {
  return b.CreateIntrinsic(llvm::Intrinsic::frameaddress, {b.getPtrTy()}, {b.getInt32(0)});
}

// What a step's random bits are made from; it lies at the start of the workspace of functions that
// take a borel_key. `key` is Philox's, `spare` the second uniform of the pair last made.
struct RandomContext {
  std::uint64_t key, step, count;
  double spare;
};

}  // namespace borel::codegen

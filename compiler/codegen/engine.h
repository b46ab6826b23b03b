// Machine code in this process: compile a module, load it, look up its functions.
//
//   auto target = host_target();
//   auto jit = Jit::create(*target, {{"borel_fault", reinterpret_cast<void*>(&borel_fault)}});
//   auto times = jit->add(std::move(module), OptimiseOptions{});
//   auto step = jit->look_up("step");
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/codegen/engine_result.h"
#include "compiler/codegen/engine_target.h"
#include "compiler/codegen/object.h"
#include "compiler/codegen/optimise.h"

namespace llvm {
class Module;
namespace orc {
class LLJIT;
}
}  // namespace llvm

namespace borel::codegen {

/// Seconds of wall-clock time spent in each stage, for --time-passes.
struct StageSeconds {
  double optimise = 0;  // verifier and LLVM passes
  double emit = 0;      // instruction selection to object bytes
  double load = 0;      // linking the object into the process

  [[nodiscard]] double total() const { return optimise + emit + load; }
};

/// A function that generated code may call, by its name in the IR.
struct RuntimeFunction {
  std::string name;
  void* address = nullptr;
};

/// What `compile` yields: the object, and how long it took.
struct Compiled {
  ObjectBytes object;
  StageSeconds seconds;
};

/// Sets the target, optimises and emits: the path that JIT and ahead-of-time builds share, so that
/// both have the same machine code.
Result<Compiled> compile(llvm::Module& module, const TargetSpec& target,
                         const OptimiseOptions& options, CodeQuality quality = CodeQuality::full);

/// Code loaded into this process. It stays valid as long as the Jit lives; addresses may be used
/// from any thread. Symbols are resolved among the objects added, the functions given to `create`
/// and those that LLVM calls of its own accord (memcpy, memmove, memset, memcmp; fma and rounding
/// on processors without them); never by a search of the process.
class Jit {
 public:
  static Result<Jit> create(const TargetSpec& target,
                            const std::vector<RuntimeFunction>& functions);
  Jit(Jit&&) noexcept;
  Jit& operator=(Jit&&) noexcept;
  ~Jit();

  /// Compiles the module for the Jit's target and loads it.
  Result<StageSeconds> add(std::unique_ptr<llvm::Module> module, const OptimiseOptions& options,
                           CodeQuality quality = CodeQuality::full);

  /// Loads an object made earlier by `compile` or `emit_object` for the same target.
  Result<StageSeconds> add_object(const ObjectBytes& object);

  /// Address of a function or global with external linkage. The first look-up after an object was
  /// added links it, and reports what it lacks.
  Result<void*> look_up(std::string_view name);

  [[nodiscard]] const TargetSpec& target() const { return target_; }

 private:
  struct Reports;
  Jit(TargetSpec target, std::unique_ptr<Reports> reports,
      std::unique_ptr<llvm::orc::LLJIT> session);

  TargetSpec target_;
  std::unique_ptr<Reports> reports_;  // outlives the session, which writes to it
  std::unique_ptr<llvm::orc::LLJIT> session_;
};

}  // namespace borel::codegen

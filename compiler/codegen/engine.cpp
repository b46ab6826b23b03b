#include "compiler/codegen/engine.h"

#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

namespace borel::codegen {
namespace {

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

EngineError internal_error(const char* stage, llvm::Error error) {
  return EngineError{EngineError::Kind::internal, stage, llvm::toString(std::move(error))};
}

// C23's roundeven, in the default rounding mode: older C libraries do not declare it.
double round_even(double x) { return std::nearbyint(x); }

template <class F>
RuntimeFunction named(const char* name, F* function) {
  return {name, reinterpret_cast<void*>(function)};
}

// What LLVM calls of its own accord: for loops and aggregate copies, and for operations that the
// processor lacks (fma and rounding below x86-64-v3).
std::vector<RuntimeFunction> implicit_functions() {
  using Copy = void*(void*, const void*, std::size_t);
  using Fill = void*(void*, int, std::size_t);
  using Compare = int(const void*, const void*, std::size_t);
  using Rounding = double(double);
  using Fma = double(double, double, double);
  return {named<Copy>("memcpy", &std::memcpy),
          named<Copy>("memmove", &std::memmove),
          named<Fill>("memset", &std::memset),
          named<Compare>("memcmp", &std::memcmp),
          named<Fma>("fma", &::fma),
          named<Rounding>("floor", &::floor),
          named<Rounding>("ceil", &::ceil),
          named<Rounding>("trunc", &::trunc),
          named<Rounding>("rint", &::rint),
          named<Rounding>("nearbyint", &::nearbyint),
          named<Rounding>("roundeven", &round_even)};
}

}  // namespace

Result<Compiled> compile(llvm::Module& module, const TargetSpec& target,
                         const OptimiseOptions& options, CodeQuality quality) {
  Result<std::unique_ptr<llvm::TargetMachine>> machine = make_target_machine(target, quality);
  if (!machine) {
    return machine.error();
  }
  Compiled compiled;
  const Stopwatch optimising;
  apply_target(module, target, *machine.value());
  if (Status status = optimise(module, *machine.value(), options); !status) {
    return status.error();
  }
  compiled.seconds.optimise = optimising.seconds();
  const Stopwatch emitting;
  Result<ObjectBytes> object = emit_object(module, *machine.value());
  if (!object) {
    return object.error();
  }
  compiled.object = std::move(*object);
  compiled.seconds.emit = emitting.seconds();
  return compiled;
}

// What the session reports aside while it links: a look-up's own error only says that it failed.
struct Jit::Reports {
  std::mutex mutex;
  std::string text;

  void add(llvm::Error error) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!text.empty()) {
      text += '\n';
    }
    text += llvm::toString(std::move(error));
  }
  std::string take() {
    const std::lock_guard<std::mutex> lock(mutex);
    return std::exchange(text, {});
  }
};

Jit::Jit(TargetSpec target, std::unique_ptr<Reports> reports,
         std::unique_ptr<llvm::orc::LLJIT> session)
    : target_(std::move(target)), reports_(std::move(reports)), session_(std::move(session)) {}
Jit::Jit(Jit&&) noexcept = default;
Jit& Jit::operator=(Jit&& other) noexcept {
  // The old session goes before the reports that it may still write to.
  session_ = std::move(other.session_);
  reports_ = std::move(other.reports_);
  target_ = std::move(other.target_);
  return *this;
}
Jit::~Jit() = default;

Result<Jit> Jit::create(const TargetSpec& target, const std::vector<RuntimeFunction>& functions) {
  // Objects come compiled; the session's own compiler is never used, but it wants a machine and
  // the native target registered, which this does too.
  if (auto machine = make_target_machine(target); !machine) {
    return machine.error();
  }
  llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(target.triple)};
  machine.setCPU(target.cpu);
  auto session = llvm::orc::LLJITBuilder()
                     .setJITTargetMachineBuilder(std::move(machine))
                     .setLinkProcessSymbolsByDefault(false)
                     .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                     .create();
  if (!session) {
    return internal_error("load", session.takeError());
  }
  llvm::orc::SymbolMap symbols;
  for (const auto& list : {implicit_functions(), functions}) {
    for (const RuntimeFunction& function : list) {
      symbols[(*session)->mangleAndIntern(function.name)] = {
          llvm::orc::ExecutorAddr::fromPtr(function.address),
          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    }
  }
  if (llvm::Error error =
          (*session)->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols)))) {
    return internal_error("load", std::move(error));
  }
  auto reports = std::make_unique<Reports>();
  (*session)->getExecutionSession().setErrorReporter(
      [sink = reports.get()](llvm::Error error) { sink->add(std::move(error)); });
  return Jit(target, std::move(reports), std::move(*session));
}

Result<StageSeconds> Jit::add(std::unique_ptr<llvm::Module> module, const OptimiseOptions& options,
                              CodeQuality quality) {
  Result<Compiled> compiled = compile(*module, target_, options, quality);
  if (!compiled) {
    return compiled.error();
  }
  Result<StageSeconds> loaded = add_object(compiled->object);
  if (loaded) {
    loaded->optimise = compiled->seconds.optimise;
    loaded->emit = compiled->seconds.emit;
  }
  return loaded;
}

Result<StageSeconds> Jit::add_object(const ObjectBytes& object) {
  const Stopwatch loading;
  if (llvm::Error error = session_->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(
          llvm::StringRef(object.data(), object.size()), "borel"))) {
    return internal_error("load", std::move(error));
  }
  StageSeconds seconds;
  seconds.load = loading.seconds();
  return seconds;
}

Result<void*> Jit::look_up(std::string_view name) {
  auto address = session_->lookup(llvm::StringRef(name.data(), name.size()));
  if (!address) {
    EngineError error = internal_error("look up", address.takeError());
    if (const std::string reports = reports_->take(); !reports.empty()) {
      error.message += '\n';
      error.message += reports;
    }
    return error;
  }
  return address->toPtr<void*>();
}

}  // namespace borel::codegen

#include "compiler/codegen/engine_target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace borel::codegen {
namespace {

void initialise_native_target() {
  // LLVM's registry is process-wide; a local static makes the registration happen once.
  [[maybe_unused]] static const bool done = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
}

std::string host_features() {
  std::vector<std::string> entries;
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    std::string entry(1, feature.second ? '+' : '-');
    entry += feature.first();
    entries.push_back(std::move(entry));
  }
  // A hash map's order is not a property of the target, and the string is part of cache keys.
  std::sort(entries.begin(), entries.end());
  std::string joined;
  for (const std::string& entry : entries) {
    if (!joined.empty()) {
      joined += ',';
    }
    joined += entry;
  }
  return joined;
}

Result<TargetSpec> with_facts(TargetSpec spec) {
  Result<std::unique_ptr<llvm::TargetMachine>> machine = make_target_machine(spec);
  if (!machine) {
    return machine.error();
  }
  const llvm::MCSubtargetInfo& subtarget = *machine.value()->getMCSubtargetInfo();
  const llvm::Triple triple(spec.triple);
  if (triple.isX86()) {
    spec.fma = subtarget.checkFeatures("+fma");
    spec.avx512 = subtarget.checkFeatures("+avx512f,+avx512dq,+avx512vl");
    spec.vector_width = spec.avx512 ? 8 : subtarget.checkFeatures("+avx") ? 4 : 2;
  } else {
    spec.fma = triple.isAArch64();
  }
  return spec;
}

}  // namespace

Result<TargetSpec> host_target() {
  TargetSpec spec;
  spec.triple = llvm::sys::getDefaultTargetTriple();
  spec.cpu = llvm::sys::getHostCPUName().str();
  spec.features = host_features();
  return with_facts(std::move(spec));
}

Result<TargetSpec> named_target(std::string_view cpu) {
  if (cpu == "native") {
    return host_target();
  }
  TargetSpec spec;
  spec.triple = llvm::sys::getDefaultTargetTriple();
  spec.cpu = std::string(cpu);
  return with_facts(std::move(spec));
}

Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const TargetSpec& spec,
                                                                 CodeQuality quality) {
  using Kind = EngineError::Kind;
  initialise_native_target();
  std::string message;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(spec.triple, message);
  if (target == nullptr) {
    return EngineError{Kind::user, "target", message};
  }
  // createTargetMachine only prints a warning for an unknown name.
  const std::unique_ptr<llvm::MCSubtargetInfo> names(
      target->createMCSubtargetInfo(spec.triple, "", ""));
  if (names == nullptr || !names->isCPUStringValid(spec.cpu)) {
    return EngineError{Kind::user, "target",
                       "unknown processor '" + spec.cpu + "' for " + spec.triple};
  }
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.UnsafeFPMath = false;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      spec.triple, spec.cpu, spec.features, options, llvm::Reloc::PIC_, std::nullopt,
      quality == CodeQuality::full ? llvm::CodeGenOptLevel::Aggressive
                                   : llvm::CodeGenOptLevel::None));
  if (machine == nullptr) {
    return EngineError{Kind::user, "target", "no code generator for " + spec.triple};
  }
  return machine;
}

void apply_target(llvm::Module& module, const TargetSpec& spec,
                  const llvm::TargetMachine& machine) {
  module.setTargetTriple(spec.triple);
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) {
      continue;
    }
    function.addFnAttr("target-cpu", spec.cpu);
    if (!spec.features.empty()) {
      function.addFnAttr("target-features", spec.features);
    }
    if (spec.avx512) {
      // Some AVX-512 processors are tuned to 256-bit registers unless told otherwise.
      function.addFnAttr("prefer-vector-width", "512");
    }
  }
}

}  // namespace borel::codegen

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
#include <llvm/TargetParser/X86TargetParser.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace borel::codegen {
namespace {

void initialise_native_target() {
  // LLVM's registry is process-wide; a local static makes the registration happen once.
  [[maybe_unused]] static const bool done = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();  // of inline assembly
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
    spec.slow_gather = llvm::StringRef(spec.cpu).starts_with("znver");
  } else {
    spec.fma = triple.isAArch64();
  }
  return spec;
}

constexpr std::array<std::string_view, 4> levels = {"x86-64", "x86-64-v2", "x86-64-v3",
                                                    "x86-64-v4"};

// Every processor that code for `triple` may be made for, levels first, then by name.
std::vector<std::string> known_processors(const std::string& triple) {
  std::vector<std::string> names;
  if (llvm::Triple(triple).isX86()) {
    llvm::SmallVector<llvm::StringRef> found;
    llvm::X86::fillValidCPUArchList(found, /*Only64Bit=*/true);
    names.assign(found.begin(), found.end());
  } else {
    initialise_native_target();
    std::string message;
    if (const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, message)) {
      const std::unique_ptr<llvm::MCSubtargetInfo> info(
          target->createMCSubtargetInfo(triple, "", ""));
      for (const llvm::SubtargetSubTypeKV& entry : info->getAllProcessorDescriptions()) {
        names.emplace_back(entry.Key);
      }
    }
  }
  const auto is_level = [](const std::string& name) {
    return std::find(levels.begin(), levels.end(), name) != levels.end();
  };
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return std::pair(!is_level(a), a) < std::pair(!is_level(b), b);
  });
  return names;
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
  const std::vector<std::string> known = known_processors(spec.triple);
  if (std::find(known.begin(), known.end(), cpu) == known.end()) {
    std::string message =
        "unknown processor '" + spec.cpu + "' for " + spec.triple + "; known are: native";
    for (const std::string& name : known) {
      message += ", " + name;
    }
    return EngineError{EngineError::Kind::user, "target", message};
  }
  return with_facts(std::move(spec));
}

Result<std::vector<TargetSpec>> named_targets(std::string_view cpus) {
  if (cpus.find(',') == std::string_view::npos) {
    Result<TargetSpec> one = named_target(cpus.empty() ? "native" : cpus);
    if (!one) {
      return one.error();
    }
    return std::vector<TargetSpec>{*one};
  }
  std::array<bool, levels.size()> wanted{};
  while (true) {
    const std::size_t comma = cpus.find(',');
    const std::string_view name = cpus.substr(0, comma);
    const auto* level = std::find(levels.begin(), levels.end(), name);
    if (level == levels.end()) {
      return EngineError{EngineError::Kind::user, "target",
                         "'" + std::string(name) +
                             "' cannot be one of several processors; those that can are the "
                             "levels x86-64, x86-64-v2, x86-64-v3 and x86-64-v4"};
    }
    wanted[static_cast<std::size_t>(level - levels.begin())] = true;
    if (comma == std::string_view::npos) {
      break;
    }
    cpus.remove_prefix(comma + 1);
  }
  std::vector<TargetSpec> specs;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (!wanted[i]) {
      continue;
    }
    Result<TargetSpec> spec = named_target(levels[i]);
    if (!spec) {
      return spec.error();
    }
    specs.push_back(std::move(*spec));
  }
  return specs;
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

// One program for several processors. Each is a variant: the same program, emitted and optimised
// for one level of x86-64. All lie in one module, whose descriptor is that of the first variant
// with its functions replaced by dispatchers.
//
// How a variant is chosen: `instance_size` and `bind` ask the processor (cpuid), and `bind` leaves
// the number of the variant at the start of the instance, whose other bytes, from BOREL_ALIGNMENT
// on, are the variant's own. Every other function is given an instance: its dispatcher reads the
// number and jumps. So the descriptor is a constant and needs no constructor, no IFUNC and no
// mutable global, and works in static and shared libraries alike.
//
// target_cpu of the descriptor lists the levels, "x86-64-v2,x86-64-v3"; runtime/core/cpu.h says
// which of them runs here, by the same rule.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen/engine.h"

namespace borel::codegen {

/// A module that `emit` made, and its target.
struct Variant {
  std::unique_ptr<llvm::Module> module;
  TargetSpec target;
};

/// Optimises every variant and generates one object of them all. Each module's descriptor is its
/// global `symbol`; all are of one LLVMContext, the least demanding target first. `aliases` are
/// further names for the descriptor. With one variant the code is that of `compile`. Afterwards the
/// first module has all the code and is only good for printing; the others are gone.
Result<Compiled> compile_variants(std::vector<Variant>& variants, const std::string& symbol,
                                  const std::vector<std::string>& aliases,
                                  const OptimiseOptions& options);

}  // namespace borel::codegen

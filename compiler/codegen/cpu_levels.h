// Asking the processor for its level of x86-64, in generated code.
#pragma once

#include <string>
#include <vector>

namespace llvm {
class Function;
class Module;
}  // namespace llvm

namespace borel::codegen {

/// `i64 borel.variant()`: the number of the last of `cpus` that the processor which runs it has; 0
/// when it has none. `cpus` are levels as the psABI defines them ("x86-64", "x86-64-v2", …) in
/// ascending order.
llvm::Function* emit_level_choice(llvm::Module& module, const std::vector<std::string>& cpus);

}  // namespace borel::codegen

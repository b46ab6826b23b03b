// Which processor code is generated for, and what follows from it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/codegen/engine_result.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace borel::codegen {

/// A processor as LLVM names it, with the facts that code generation depends on. Files, checkpoints
/// and the descriptor of a compiled program record `triple` and `cpu`: results are the same bits
/// for the same target only.
struct TargetSpec {
  std::string triple;
  std::string cpu;
  std::string features;      // "+avx2,-sse4a,..." in addition to what `cpu` implies
  bool fma = false;          // fused multiply-add in hardware; without it each is a call of fma()
  bool avx512 = false;       // AVX-512 F, DQ and VL: native scaling, exponents and table permutes
  bool slow_gather = false;  // single loads of lanes' elements take less time than a gather
  int vector_width = 2;      // doubles in one register: 8, 4 or 2
};

/// How hard the instruction selector and register allocator work; the bits of results do not depend
/// on it. `fast` cuts code generation three- to fourfold for code that is 5 % slower in loops over
/// vectors and up to a fifth in scalar recurrences. (60 loops of 17 operations, a quarter of them
/// exp or log, in ten functions: 126 and 40 ms, and 18 ms of optimisation before; Zen 5.)
enum class CodeQuality { fast, full };

/// The processor this runs on, with exactly the features that the operating system enables.
Result<TargetSpec> host_target();

/// A processor by name on the host's architecture: "native", "znver5", "x86-64-v3", … An unknown
/// name is a user error that lists the known ones.
Result<TargetSpec> named_target(std::string_view cpu);

/// The processors of a program: one as `named_target` takes it (empty: this one), or several levels
/// of x86-64, separated by commas in any order, of which the program takes the highest that the
/// processor has (variants.h). The least demanding comes first.
Result<std::vector<TargetSpec>> named_targets(std::string_view cpus);

/// A code generator for `spec` (position independent, no contraction of a*b+c). Not shared between
/// threads.
Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(
    const TargetSpec& spec, CodeQuality quality = CodeQuality::full);

/// Sets triple and data layout of the module and the target attributes of every function defined in
/// it. To be called before code is put into the module, or at the latest before `optimise`: a
/// function with other features than its caller is not inlined.
void apply_target(llvm::Module& module, const TargetSpec& spec, const llvm::TargetMachine& machine);

}  // namespace borel::codegen

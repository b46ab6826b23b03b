// The LLVM passes between the emitter's IR and the code generator.
#pragma once

#include <cstddef>

#include "compiler/codegen/engine_result.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace borel::codegen {

/// Which passes run.
///   none     only inlining: `alwaysinline` callees and elementary functions
///   lean     a short pipeline for code whose loops are vectorised already: scalar replacement,
///            common subexpressions, hoisting out of loops, loop and CFG clean-up. About half the
///            time of `full`
///   full     LLVM's own O3
enum class OptimiseLevel { none, lean, full };

struct OptimiseOptions {
  OptimiseLevel level = OptimiseLevel::lean;
  /// How many of the calls that emit_elementary marked are inlined in each function, vectors first;
  /// the others stay calls, which costs a few ns each. An inlined call costs about 0.3 ms of code
  /// generation.
  std::size_t inline_limit = 32;
  /// Let LLVM's loop vectoriser look at the scalar loops that the emitter left. Off by default: the
  /// emitter's vector loops are final, and vectorising their tails costs code and compile time.
  bool vectorise_loops = false;
  /// Let LLVM pack straight-line scalar code into vectors (changes no result).
  bool vectorise_straight_line = false;
  /// Instrument every function for LLVM's AddressSanitizer. The object needs the sanitizer's
  /// runtime in the process that loads it, so for code built ahead of time only.
  bool address_sanitizer = false;
};

/// Verifies the module, then optimises it in place for the machine. IR that does not verify is an
/// internal error with the verifier's text; the module is then left as it was.
Status optimise(llvm::Module& module, llvm::TargetMachine& machine, const OptimiseOptions& options);

}  // namespace borel::codegen

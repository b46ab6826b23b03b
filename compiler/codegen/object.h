// From an optimised module to machine code in memory, and from that to a shared library on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/codegen/engine_result.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace borel::codegen {

/// A relocatable object file, byte for byte what would be written to disk.
using ObjectBytes = std::vector<char>;

/// Runs the code generator. The module is used up: the code generator rewrites it, so it must not
/// be emitted twice.
Result<ObjectBytes> emit_object(llvm::Module& module, llvm::TargetMachine& machine);

struct LinkOptions {
  /// The linker or compiler driver to run; empty: the first of ld.lld, ld.lld-19, cc found on PATH.
  std::string linker;
  /// DT_SONAME of the library; empty for none.
  std::string soname;
};

/// Links one object into the shared library at `path` (replaced if it exists). The library needs
/// nothing but the C library's memory functions (and the sanitizer's runtime if instrumented),
/// which the process that loads it provides, and libm for fma and rounding on processors without
/// them. Equal objects and options give equal bytes with the same linker. A missing linker, one
/// that fails (its messages are in the error) and a path that cannot be written are user errors.
Status link_shared(const ObjectBytes& object, std::string_view path,
                   const LinkOptions& options = {});

/// 128-bit hash of the module's bitcode, the target and `salt`, in hexadecimal: a key for a cache
/// of objects. Equal modules give equal keys in every process.
std::string object_key(const llvm::Module& module, std::string_view target, std::string_view salt);

}  // namespace borel::codegen

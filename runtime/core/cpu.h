// Whether code that was built for one CPU may run on this one.
#ifndef BOREL_RUNTIME_CORE_CPU_H
#define BOREL_RUNTIME_CORE_CPU_H

#include <string>
#include <string_view>

namespace borel::runtime {

// The x86-64 level (1 to 4) that this machine has, as the psABI defines them; 0 on other machines.
int host_cpu_level();

// The level that a CPU name in LLVM's spelling implies; 0 when it is not known here.
int cpu_level(std::string_view name);

// What code for `target` (borel_program.target_cpu) runs as here: `target` itself, or of several
// levels ("x86-64-v2,x86-64-v3", least first) the last that this machine has, else the first. That
// is the rule by which such a program chooses its own code when data are bound.
std::string_view taken_cpu(std::string_view target);

// Empty if code for `target` may run here; else why not. `host` is this machine's CPU in LLVM's
// spelling, where the caller knows it (the same name is always fine), or "".
std::string refuse_cpu(std::string_view target, std::string_view host);

}  // namespace borel::runtime

#endif

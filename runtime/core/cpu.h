// Whether code that was built for one CPU may run on this one.
#ifndef BOREL_RUNTIME_CORE_CPU_H
#define BOREL_RUNTIME_CORE_CPU_H

#include <string>
#include <string_view>

#include "runtime/core/cpu_level.h"

namespace borel::runtime {

// Empty if code for `target` may run here; else why not. `host` is this machine's CPU in LLVM's
// spelling, where the caller knows it (the same name is always fine), or "".
std::string refuse_cpu(std::string_view target, std::string_view host);

}  // namespace borel::runtime

#endif

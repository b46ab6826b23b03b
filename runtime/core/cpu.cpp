#include "runtime/core/cpu.h"

namespace borel::runtime {

std::string refuse_cpu(std::string_view target, std::string_view host) {
  if (cpu_runs(target, host)) {
    return {};
  }
  const int here = host_cpu_level();
  std::string text =
      "the program was compiled for the CPU `" + std::string(taken_cpu(target)) + "`; this is ";
  if (!host.empty()) {
    text += "`" + std::string(host) + "`";
  } else if (here > 0) {
    text += "one of level x86-64-v" + std::to_string(here);
  } else {
    text += "another kind of machine";
  }
  return text + "; compile it again here, or for a common level such as x86-64-v3";
}

}  // namespace borel::runtime

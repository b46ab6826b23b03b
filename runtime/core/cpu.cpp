#include "runtime/core/cpu.h"

#include <utility>

namespace borel::runtime {

int host_cpu_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("x86-64-v2")) {
    return 1;
  }
  if (!__builtin_cpu_supports("x86-64-v3")) {
    return 2;
  }
  return __builtin_cpu_supports("x86-64-v4") ? 4 : 3;
#else
  return 0;
#endif
}

int cpu_level(std::string_view name) {
  constexpr std::pair<std::string_view, int> levels[] = {
      {"x86-64", 1},        {"x86-64-v2", 2},  {"nehalem", 2},        {"westmere", 2},
      {"sandybridge", 2},   {"ivybridge", 2},  {"x86-64-v3", 3},      {"haswell", 3},
      {"broadwell", 3},     {"skylake", 3},    {"alderlake", 3},      {"raptorlake", 3},
      {"meteorlake", 3},    {"arrowlake", 3},  {"lunarlake", 3},      {"znver1", 3},
      {"znver2", 3},        {"znver3", 3},     {"x86-64-v4", 4},      {"skylake-avx512", 4},
      {"cascadelake", 4},   {"cooperlake", 4}, {"icelake-client", 4}, {"icelake-server", 4},
      {"tigerlake", 4},     {"rocketlake", 4}, {"sapphirerapids", 4}, {"emeraldrapids", 4},
      {"graniterapids", 4}, {"znver4", 4},     {"znver5", 4}};
  for (const auto& [known, level] : levels) {
    if (known == name) {
      return level;
    }
  }
  return 0;
}

std::string_view taken_cpu(std::string_view target) {
  const int here = host_cpu_level();
  std::size_t comma = target.find(',');
  std::string_view taken = target.substr(0, comma);
  while (comma != std::string_view::npos) {
    target.remove_prefix(comma + 1);
    comma = target.find(',');
    const std::string_view name = target.substr(0, comma);
    const int level = cpu_level(name);
    if (level > 0 && level <= here) {
      taken = name;
    }
  }
  return taken;
}

std::string refuse_cpu(std::string_view target, std::string_view host) {
  target = taken_cpu(target);
  if (target.empty() || target == host) {
    return {};
  }
  const int here = host_cpu_level();
  const bool is_level = target == "x86-64" || target.starts_with("x86-64-v");
  const int wanted = cpu_level(target);
  // A level says all that it needs. A CPU's name says more than its level does, so it runs only on
  // a CPU of that name, except where the caller cannot name this one.
  if (wanted > 0 && wanted <= here && (is_level || host.empty())) {
    return {};
  }
  std::string text = "the program was compiled for the CPU `" + std::string(target) + "`; this is ";
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

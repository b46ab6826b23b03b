// Which x86-64 level this machine has and a compiled program needs. Freestanding: the runtime that
// hosts link includes it, too.
#ifndef BOREL_RUNTIME_CORE_CPU_LEVEL_H
#define BOREL_RUNTIME_CORE_CPU_LEVEL_H

#include <string_view>

namespace borel::runtime {

// The x86-64 level (1 to 4) that this machine has, as the psABI defines them; 0 on other machines.
inline int host_cpu_level() {
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

// The level that a CPU name in LLVM's spelling implies; 0 when it is not known here.
inline int cpu_level(std::string_view name) {
  struct Known {
    std::string_view name;
    int level;
  };
  constexpr Known levels[] = {
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

// What code for `target` (borel_program.target_cpu) runs as here: `target` itself, or of several
// levels ("x86-64-v2,x86-64-v3", least first) the last that this machine has, else the first. That
// is the rule by which such a program chooses its own code when data are bound.
inline std::string_view taken_cpu(std::string_view target) {
  const int here = host_cpu_level();
  const auto first = [](std::string_view list) {
    const std::size_t comma = list.find(',');
    return std::string_view(list.data(), comma == std::string_view::npos ? list.size() : comma);
  };
  std::string_view taken = first(target);
  for (std::string_view name = taken; name.size() < target.size();) {
    target.remove_prefix(name.size() + 1);
    name = first(target);
    const int level = cpu_level(name);
    if (level > 0 && level <= here) {
      taken = name;
    }
  }
  return taken;
}

// Whether code for the CPU `target` may run here. `host` is this machine's CPU in LLVM's spelling,
// where the caller knows it (the same name is always fine), or "". A level says all that it needs.
// A CPU's name says more than its level does, so it runs only on a CPU of that name, except where
// the caller cannot name this one.
inline bool cpu_runs(std::string_view target, std::string_view host) {
  target = taken_cpu(target);
  if (target.empty() || target == host) {
    return true;
  }
  constexpr std::string_view level = "x86-64";
  std::string_view head = target;
  head.remove_suffix(target.size() > level.size() ? target.size() - level.size() : 0);
  const bool is_level = head == level;
  const int wanted = cpu_level(target);
  return wanted > 0 && wanted <= host_cpu_level() && (is_level || host.empty());
}

}  // namespace borel::runtime

#endif

// Which x86-64 level this machine has and a compiled program needs. Freestanding: the runtime that
// hosts link includes it, too.
#ifndef BOREL_RUNTIME_CORE_CPU_LEVEL_H
#define BOREL_RUNTIME_CORE_CPU_LEVEL_H

#include <initializer_list>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace borel::runtime {

// The x86-64 level (1 to 4) that this machine has, as the psABI defines them (3.1.1), with the
// register states that the operating system saves; 0 on other machines. Asks the processor itself:
// the compilers' own functions are in libgcc, which a library that is linked bare does not have.
inline int host_cpu_level() {
#if defined(__x86_64__)
  const auto has = [](unsigned found, std::initializer_list<unsigned> bits) {
    bool all = true;
    for (const unsigned bit : bits) {
      all = all && (found >> bit & 1u) != 0;
    }
    return all;
  };
  unsigned a = 0, b = 0, basic = 0, d = 0, extended = 0, amd = 0, states = 0;
  if (__get_cpuid(1, &a, &b, &basic, &d) == 0) {
    return 1;
  }
  unsigned c = 0;
  if (__get_cpuid_count(7, 0, &a, &extended, &c, &d) == 0) {
    extended = 0;
  }
  if (__get_cpuid(0x80000001u, &a, &b, &amd, &d) == 0) {
    amd = 0;
  }
  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF
  if (!has(basic, {0, 9, 13, 19, 20, 23}) || !has(amd, {0})) {
    return 1;
  }
  // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT
  if (!has(basic, {12, 22, 27, 28, 29}) || !has(extended, {3, 5, 8}) || !has(amd, {5})) {
    return 2;
  }
  __asm__ volatile("xgetbv" : "=a"(states), "=d"(d) : "c"(0));
  if (!has(states, {1, 2})) {  // XMM, YMM
    return 2;
  }
  // AVX512F, DQ, CD, BW, VL; masks and ZMM
  return has(extended, {16, 17, 28, 30, 31}) && has(states, {5, 6, 7}) ? 4 : 3;
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

// Large pieces of memory, whose pages a processor cannot all remember while they are 4 KiB small:
// such a piece begins at a multiple of 2 MiB, and the system is asked to back it by pages of that
// size. It may decline; nothing but time depends on it.
#ifndef BOREL_RUNTIME_CORE_HUGE_PAGES_H
#define BOREL_RUNTIME_CORE_HUGE_PAGES_H

#include <cstddef>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace borel::runtime {

// The alignment of a piece of `bytes` that is to be aligned to `least` at least.
constexpr std::size_t alignment_for(std::size_t bytes, std::size_t least) {
  constexpr std::size_t large = std::size_t{4} << 20, page = std::size_t{2} << 20;
  return bytes >= large && least < page ? page : least;
}

// `begin` is as `alignment_for` wants it; null is nothing to do.
inline void ask_for_huge_pages([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::size_t page = std::size_t{2} << 20;
  if (begin != nullptr && bytes >= 2 * page) madvise(begin, bytes / page * page, MADV_HUGEPAGE);
#endif
}

}  // namespace borel::runtime

#endif

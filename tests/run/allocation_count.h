/// Counts what the process asks of the allocator: malloc and its kin and mmap, from any library, on
/// any thread. Linking allocation_count.cpp into an executable replaces them there (with a
/// sanitizer it uses the sanitizer's hooks instead).
#pragma once

namespace borel::testing {

/// Allocations, releases and mappings since the process started.
long allocation_events();

}  // namespace borel::testing

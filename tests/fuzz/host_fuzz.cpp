// libFuzzer's entry.
#include "host_calls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  borel::fuzz::play(bytes, size);
  return 0;
}

// A hash of 128 bits that tells data sets apart and finds damage in checkpoints. It does not
// withstand forgery.
#ifndef BOREL_RUNTIME_HOST_HASH_H
#define BOREL_RUNTIME_HOST_HASH_H

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/core/philox.h"

namespace borel::host {

// Two chains of the finaliser of SplitMix64 over words of eight bytes, each fed from the other.
struct Hash {
  std::uint64_t words[2] = {0x9e3779b97f4a7c15u, 0xbb67ae8584caa73bu};

  void add(std::uint64_t word) {
    words[0] = runtime::mix64(words[0] ^ word) + words[1];
    words[1] = runtime::mix64(words[1] + (word << 32 | word >> 32)) ^ words[0];
  }
  // The length is part of what is hashed.
  void add(const void* bytes, std::size_t size) {
    add(size);
    const unsigned char* at = static_cast<const unsigned char*>(bytes);
    for (; size >= 8; size -= 8, at += 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      add(word);
    }
    if (size > 0) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, size);
      add(word);
    }
  }
  bool operator==(const Hash& other) const {
    return words[0] == other.words[0] && words[1] == other.words[1];
  }
};

}  // namespace borel::host

#endif

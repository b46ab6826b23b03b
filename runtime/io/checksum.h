// A checksum that finds damage in files; it does not withstand forgery.
#ifndef BOREL_RUNTIME_IO_CHECKSUM_H
#define BOREL_RUNTIME_IO_CHECKSUM_H

#include <cstddef>
#include <cstdint>

namespace borel::io {

// FNV-1a of 64 bits: the same for the same bytes, in whatever pieces they come; a change of any one
// byte changes it.
class Checksum {
 public:
  Checksum() = default;
  // Goes on from the value of another.
  explicit Checksum(std::uint64_t value) : value_(value) {}

  void add(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i) {
      value_ = (value_ ^ at[i]) * 0x100000001b3u;
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace borel::io

#endif

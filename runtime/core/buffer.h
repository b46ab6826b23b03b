// Memory aligned for vector code: instances, states, workspaces, data and draws.
#ifndef BOREL_RUNTIME_CORE_BUFFER_H
#define BOREL_RUNTIME_CORE_BUFFER_H

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "runtime/core/huge_pages.h"
#include "runtime/include/borel/program.h"

namespace borel::runtime {

// Owns `size` uninitialised bytes at a multiple of BOREL_ALIGNMENT. Throws std::bad_alloc.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    if (size > 0) {
      begin_ = static_cast<std::uint8_t*>(::operator new(size, alignment()));
      ask_for_huge_pages(begin_, size);
    }
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedBuffer() { ::operator delete(begin_, alignment()); }

  std::uint8_t* data() { return begin_; }
  const std::uint8_t* data() const { return begin_; }
  std::size_t size() const { return size_; }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(begin_);
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(begin_);
  }

 private:
  std::align_val_t alignment() const {
    return std::align_val_t{alignment_for(size_, BOREL_ALIGNMENT)};
  }

  std::uint8_t* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace borel::runtime

#endif

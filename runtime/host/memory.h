// Memory of the host interface: all of it comes from the library's allocator, and every function
// that asks for some can say no.
#ifndef BOREL_RUNTIME_HOST_MEMORY_H
#define BOREL_RUNTIME_HOST_MEMORY_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "runtime/include/borel/borel.h"

namespace borel::host {

// More than any object may have: the limit keeps sums of sizes from overflowing.
constexpr std::size_t max_bytes = SIZE_MAX / 8;

inline void* allocate(const borel_allocator& allocator, std::size_t bytes,
                      std::size_t alignment = BOREL_ALIGNMENT) {
  return bytes > max_bytes ? nullptr : allocator.allocate(allocator.context, bytes, alignment);
}

inline void release(const borel_allocator& allocator, void* memory, std::size_t bytes,
                    std::size_t alignment = BOREL_ALIGNMENT) {
  if (memory != nullptr) {
    allocator.release(allocator.context, memory, bytes, alignment);
  }
}

// A handle: a T that lives in memory of its own. Null when there is none.
template <class T, class... Arguments>
T* create(const borel_allocator& allocator, Arguments&&... arguments) {
  void* memory = allocate(allocator, sizeof(T), alignof(T));
  return memory == nullptr ? nullptr : new (memory) T(static_cast<Arguments&&>(arguments)...);
}

// `allocator` is by value: it may live in what is destroyed.
template <class T>
void destroy(borel_allocator allocator, T* object) {
  object->~T();
  release(allocator, object, sizeof(T), alignof(T));
}

// Bytes at a multiple of BOREL_ALIGNMENT that grow by half at least, so that sizes which rise step
// by step ask only a few times, and never shrink, so that like sizes ask no more.
class Block {
 public:
  explicit Block(const borel_allocator& allocator) : allocator_(allocator) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { release(allocator_, begin_, capacity_); }

  // False when there is no memory: the block is as before. The first `keep` bytes are kept, the
  // others are lost when it grows.
  [[nodiscard]] bool reserve(std::size_t bytes, std::size_t keep = 0) {
    if (bytes <= capacity_ && begin_ != nullptr) {
      return true;
    }
    if (bytes > max_bytes) {
      return false;
    }
    std::size_t wanted = capacity_ + capacity_ / 2;
    wanted = wanted > bytes ? wanted : bytes;
    wanted = (wanted + BOREL_ALIGNMENT) / BOREL_ALIGNMENT * BOREL_ALIGNMENT;
    void* memory = host::allocate(allocator_, wanted);
    if (memory == nullptr) {
      return false;
    }
    if (keep > 0) {
      std::memcpy(memory, begin_, keep);
    }
    release(allocator_, begin_, capacity_);
    begin_ = static_cast<std::uint8_t*>(memory);
    capacity_ = wanted;
    return true;
  }

  std::uint8_t* data() const { return begin_; }
  std::size_t capacity() const { return capacity_; }

 private:
  const borel_allocator& allocator_;  // of the library, which outlives all
  std::uint8_t* begin_ = nullptr;
  std::size_t capacity_ = 0;
};

// A vector of plain values.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= BOREL_ALIGNMENT);

 public:
  explicit Array(const borel_allocator& allocator) : block_(allocator) {}

  // New elements are zero bytes.
  [[nodiscard]] bool resize(std::size_t size) {
    if (size > max_bytes / sizeof(T) || !block_.reserve(size * sizeof(T), size_ * sizeof(T))) {
      return false;
    }
    if (size > size_) {
      std::memset(static_cast<void*>(data() + size_), 0, (size - size_) * sizeof(T));
    }
    size_ = size;
    return true;
  }
  [[nodiscard]] bool push(const T& value) {
    const T copy = value;
    if (!block_.reserve((size_ + 1) * sizeof(T), size_ * sizeof(T))) {
      return false;
    }
    std::memcpy(static_cast<void*>(data() + size_++), &copy, sizeof(T));
    return true;
  }
  void clear() { size_ = 0; }

  T* data() const { return reinterpret_cast<T*>(block_.data()); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) const { return data()[i]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }

 private:
  Block block_;
  std::size_t size_ = 0;
};

// Values that data and instances share, perhaps in different threads: the last owner frees them.
class Shared {
 public:
  static Shared* create(const borel_allocator& allocator) {
    return host::create<Shared>(allocator, allocator);
  }
  explicit Shared(const borel_allocator& allocator) : block(allocator), allocator_(allocator) {}

  bool is_sole_owner() const { return owners_.load(std::memory_order_acquire) == 1; }
  Shared* share() {
    owners_.fetch_add(1, std::memory_order_relaxed);
    return this;
  }
  static void drop(Shared* shared) {
    if (shared != nullptr && shared->owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(shared->allocator_, shared);
    }
  }

  Block block;

 private:
  const borel_allocator& allocator_;
  std::atomic<std::int64_t> owners_{1};
};

}  // namespace borel::host

#endif

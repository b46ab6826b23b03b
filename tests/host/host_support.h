// What the tests of the host interface share: compiled programs, handles that free themselves, an
// allocator that counts, and results with their errors.
#ifndef BOREL_TESTS_HOST_SUPPORT_H
#define BOREL_TESTS_HOST_SUPPORT_H

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "borel/borel.h"
#include "compiler/driver/pipeline.h"

namespace borel::host::test {

// Compiled once a process from a file below the source tree, with all functions; with products of
// the Hessian only if asked for.
const borel_program& compiled(const std::string& file, bool hessian = false);
// examples/eight_schools and its data.
const borel_program& eight_schools();
extern const char* const eight_schools_data;
// tests/host/programs/grouped.ppl: every kind of datum; its data for so many points.
const borel_program& grouped();
std::string grouped_data(int points = 4, int groups = 3);

template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* handle) const { free(handle); }
};
template <class T, void (*free)(T*)>
using Handle = std::unique_ptr<T, Free<T, free>>;
using Library = Handle<borel_library, borel_library_free>;
using Data = Handle<borel_data, borel_data_free>;
using Instance = Handle<borel_instance, borel_instance_free>;
using Worker = Handle<borel_worker, borel_worker_free>;
using Chain = Handle<borel_chain, borel_chain_free>;

// An error that a call may fill, freed at the end: pass `error` to the call.
class Problem {
 public:
  Problem() = default;
  Problem(const Problem&) = delete;
  ~Problem() { borel_error_free(error_); }
  // Forgets what it had.
  operator borel_error**();
  std::string message() const { return borel_error_message(error_); }
  std::string subject() const { return borel_error_subject(error_); }
  borel_span span() const { return borel_error_span(error_); }
  borel_code code() const { return borel_error_code(error_); }
  bool is_set() const { return error_ != nullptr; }

 private:
  borel_error* error_ = nullptr;
};

// Expects that `call` failed with this code, and that its error says the same and contains `text`.
#define EXPECT_FAILS(call, wanted, problem, text)                                        \
  do {                                                                                   \
    EXPECT_EQ((call), (wanted));                                                         \
    EXPECT_EQ((problem).code(), (wanted));                                               \
    EXPECT_NE((problem).message().find(text), std::string::npos) << (problem).message(); \
  } while (false)

// A library of a program, and on it data and an instance from JSON. Failures are test failures.
Library open(const borel_program& program, const borel_allocator* allocator = nullptr,
             const borel_logger* logger = nullptr);
Data from_json(const Library& library, const std::string& text);
Instance bind_data(const Data& data);
struct Bound {
  Library library;
  Data data;
  Instance instance;
};
Bound bound(const borel_program& program, const std::string& text,
            const borel_allocator* allocator = nullptr);
Worker worker(const Instance& instance);
Chain chain(const Instance& instance, const borel_start& start);

// Counts, checks what is released, and fails the allocation number `fail_at` (from 0; -1: none) or,
// with fail_on, also all that follow.
class CountingAllocator {
 public:
  CountingAllocator();
  ~CountingAllocator();
  const borel_allocator* get() const { return &raw_; }

  std::atomic<std::int64_t> allocations{0}, live{0}, live_bytes{0}, peak_bytes{0};
  std::int64_t fail_at = -1;
  bool fail_on = false;

 private:
  borel_allocator raw_;
};

// Log messages, in order.
struct Log {
  std::vector<std::string> messages;
  borel_logger get();
};

}  // namespace borel::host::test

#endif

// Counts calls of operator new while chains run, so it is an executable of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/io/csv.h"
#include "tests/unit/runtime/temporary_folder.h"
#include "tests/unit/runtime/toy_program.h"

namespace {
std::atomic<long> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, whole > 0 ? whole : alignment)) {
    return memory;
  }
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace borel::runtime {
namespace {

long allocations_of(double warmup, double draws, bool with_files) {
  const io::test::TemporaryFolder folder;
  const Instance instance = test::bind_toy();
  const Parameters parameters =
      test::toy_parameters({{"warmup", warmup}, {"draws", draws}, {"chains", 2}});
  SampleOptions options;
  options.parameters = &parameters;
  options.threads = 1;
  io::CsvOptions csv;
  csv.directory = folder.path();
  csv.stem = "x";
  csv.parameters = &parameters;
  std::unique_ptr<io::CsvWriter> writer;
  if (with_files) {
    writer =
        std::move(std::get<std::unique_ptr<io::CsvWriter>>(io::CsvWriter::open(instance, csv)));
    options.sink = writer.get();
  }
  const long before = allocations.load();
  const SampleResult result = sample(instance, options);
  const long after = allocations.load();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.chains[1].draw_count, static_cast<std::int64_t>(draws));
  return after - before;
}

TEST(Allocation, IsCounted) { EXPECT_GT(allocations_of(0, 10, false), 0); }

TEST(Allocation, NoneInAnIteration) {
  EXPECT_EQ(allocations_of(10, 10, false), allocations_of(5000, 20000, false));
}

TEST(Allocation, NoneInWritingADraw) {
  EXPECT_EQ(allocations_of(10, 10, true), allocations_of(5000, 20000, true));
}

}  // namespace
}  // namespace borel::runtime

// Counts what chains ask of the allocator while they run, so it is an executable of its own.
#include <gtest/gtest.h>

#include "runtime/io/csv.h"
#include "tests/run/allocation_count.h"
#include "tests/unit/runtime/temporary_folder.h"
#include "tests/unit/runtime/toy_program.h"

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
  const long before = testing::allocation_events();
  const SampleResult result = sample(instance, options);
  const long after = testing::allocation_events();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.chains[1].draw_count, static_cast<std::int64_t>(draws));
  return after - before;
}

TEST(Allocation, IsCounted) { EXPECT_GT(allocations_of(0, 10, false), 0); }

TEST(Allocation, NoneInAnIteration) {
  allocations_of(1, 1, false);  // what happens once a process
  EXPECT_EQ(allocations_of(10, 10, false), allocations_of(5000, 20000, false));
}

TEST(Allocation, NoneInWritingADraw) {
  allocations_of(1, 1, true);
  EXPECT_EQ(allocations_of(10, 10, true), allocations_of(5000, 20000, true));
}

}  // namespace
}  // namespace borel::runtime

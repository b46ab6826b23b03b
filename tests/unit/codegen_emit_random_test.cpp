// Random functions (tests/measure) as machine code for every vector width, against the interpreter.
#include <gtest/gtest.h>

#include "tests/measure/programs.h"
#include "tests/unit/codegen_emit_support.h"

namespace borel::codegen {
namespace {

class RandomFunctions : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, RandomFunctions, ::testing::Values(1, 2, 4, 8));

TEST_P(RandomFunctions, AreWhatTheInterpreterSays) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const testing::FunctionProgram program = testing::random_function(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + program.text);
    CompiledIr ir(program.text, GetParam());
    for (const testing::Point& point : program.points) {
      ir.slots = point.slots;
      try {
        ir.interpret("f", point.arguments);
      } catch (const testing::Refused&) {
        continue;
      }
      if (ir.fragile) continue;
      ++compared;
      ir.expect_same("f", point.arguments, 1e-9);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(compared, 40);
}

}  // namespace
}  // namespace borel::codegen

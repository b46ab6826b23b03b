#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/core/cpu.h"
#include "runtime/core/instance.h"
#include "runtime/core/names.h"
#include "runtime/core/threads.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::runtime {
namespace {

using test::toy_program;

TEST(CheckProgram, AcceptsTheToy) { EXPECT_FALSE(check_program(toy_program())); }

TEST(CheckProgram, RefusesOtherVersionsAndSizes) {
  borel_program program = toy_program();
  program.abi_version = 7;
  program.struct_size = 3;
  Failure failure = check_program(program);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::incompatible);
  EXPECT_NE(failure->text.find("version 7"), std::string::npos) << failure->text;
  program.abi_version = BOREL_ABI_VERSION;
  failure = check_program(program);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::incompatible);
  EXPECT_NE(failure->text.find("3 bytes"), std::string::npos) << failure->text;
}

TEST(CheckProgram, RefusesAnotherCpu) {
  borel_program program = toy_program();
  program.target_cpu = "power9";
  const Failure failure = check_program(program, "znver5");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::incompatible);
  EXPECT_NE(failure->text.find("`power9`"), std::string::npos) << failure->text;
  EXPECT_NE(failure->text.find("`znver5`"), std::string::npos) << failure->text;
  EXPECT_EQ(refuse_cpu("znver5", "znver5"), "");
  EXPECT_NE(refuse_cpu("znver4", "znver5"), "");
  if (host_cpu_level() > 0) {
    EXPECT_EQ(refuse_cpu("x86-64", "znver5"), "");
    EXPECT_EQ(refuse_cpu("x86-64", ""), "");
  }
}

#if defined(__x86_64__)
TEST(CheckProgram, KnowsTheLevelThatTheCompilerKnows) {
  __builtin_cpu_init();
  const int level = __builtin_cpu_supports("x86-64-v4")   ? 4
                    : __builtin_cpu_supports("x86-64-v3") ? 3
                    : __builtin_cpu_supports("x86-64-v2") ? 2
                                                          : 1;
  EXPECT_EQ(host_cpu_level(), level);
}
#endif

TEST(CheckProgram, TakesTheLastOfSeveralLevelsThatIsHere) {
  EXPECT_EQ(taken_cpu("znver5"), "znver5");
  EXPECT_EQ(taken_cpu(""), "");
  const int here = host_cpu_level();
  const std::string levels[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
  if (here == 0) {
    EXPECT_EQ(taken_cpu("x86-64,x86-64-v2"), "x86-64");
    return;
  }
  EXPECT_EQ(taken_cpu("x86-64,x86-64-v2,x86-64-v3,x86-64-v4"), levels[here - 1]);
  EXPECT_EQ(taken_cpu("x86-64,x86-64-v9"), "x86-64");
  EXPECT_EQ(refuse_cpu("x86-64,x86-64-v2,x86-64-v3,x86-64-v4", "znver5"), "");
  if (here < 4) {
    const std::string text = refuse_cpu(levels[here] + ",x86-64-v9", "znver5");
    EXPECT_NE(text.find("`" + levels[here] + "`"), std::string::npos) << text;
  }
}

TEST(CheckProgram, RefusesABrokenDescriptor) {
  borel_program program = toy_program();
  borel_machine machine = *program.machine;
  program.machine = &machine;
  machine.model = 1;
  Failure failure = check_program(program);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::internal);
  machine.model = 0;
  EXPECT_FALSE(check_program(program));
  machine.info = nullptr;
  EXPECT_TRUE(check_program(program));
  program.machine = nullptr;
  EXPECT_FALSE(check_program(program));
  program.bind = nullptr;
  EXPECT_TRUE(check_program(program));
}

TEST(Instance, BindsAndTellsShapes) {
  const Instance instance = test::bind_toy();
  const borel_model& model = instance.machine_model();
  EXPECT_EQ(instance.dimension(model), test::toy_dimension);
  EXPECT_EQ(instance.draw_size(model), test::toy_draw_size);
  const SiteShape theta = instance.site_shape(model, 2);
  EXPECT_EQ(theta.dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(theta.count, 6);
  EXPECT_EQ(theta.offset, 2);
  EXPECT_EQ(instance.site_shape(model, 3).offset, -1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(instance.get()) % BOREL_ALIGNMENT, 0u);
}

TEST(Instance, AFaultInBindIsAnErrorWithItsPlace) {
  InputData data;
  data.storage.emplace_back(sizeof(double));
  *data.storage[0].as<double>() = 99;
  data.arrays.push_back({data.storage[0].data(), {1, 0, 0, 0}});
  data.sizes.push_back(1);
  const auto bound = Instance::bind(toy_program(), std::move(data));
  ASSERT_TRUE(std::holds_alternative<Error>(bound));
  const Error& error = std::get<Error>(bound);
  EXPECT_EQ(error.kind, ErrorKind::fault);
  EXPECT_EQ(error.span.line, 22);
  EXPECT_EQ(error.span.file, "toy.ppl");
  EXPECT_EQ(error.site, "y");
  EXPECT_EQ(error.text,
            "a distribution's parameter is outside its constraint, at site `y`: `y != 99`, found "
            "99, at element 0 (counting from 0)");
}

TEST(Fault, WithoutAPlace) {
  const Error error = describe_fault(toy_program(), {BOREL_FAULT_DIVISION, -1, -1, std::nan("")});
  EXPECT_EQ(error.text, "integer division by zero");
  EXPECT_FALSE(error.span.known());
  EXPECT_EQ(describe_fault(toy_program(), {BOREL_FAULT_INDEX, 0, -4, std::nan("")}).text,
            "an index is out of range, at site `theta`: `theta[k]`, index -4");
}

TEST(Workspace, GrowsUntilTheCallIsContent) {
  Workspace workspace(64);
  std::int64_t calls = 0;
  const borel_status status = workspace.run([&](borel_workspace* ws) {
    ++calls;
    ws->rejections += 5;
    if (ws->end - ws->begin < 1000 * calls && calls < 4) {
      ws->needed = 1000 * calls;
      return BOREL_NEED_SPACE;
    }
    return BOREL_OK;
  });
  EXPECT_EQ(status, BOREL_OK);
  EXPECT_GT(calls, 1);
  EXPECT_GE(workspace.capacity(), 1000u);
  EXPECT_EQ(workspace.get()->rejections, 5);  // those of the repeated calls do not count
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(workspace.get()->begin) % BOREL_ALIGNMENT, 0u);
}

TEST(Workspace, ACallThatAsksForWhatItHasBreaksTheContract) {
  Workspace workspace(256);
  const auto call = [](borel_workspace* ws) {
    ws->needed = 200;
    return BOREL_NEED_SPACE;
  };
  EXPECT_THROW(workspace.run(call), ContractViolation);
}

TEST(Names, Nearest) {
  const std::vector<std::string> names = {"sigma", "theta", "mu", "J", "target_accept"};
  EXPECT_EQ(nearest_name("sgima", names), "sigma");
  EXPECT_EQ(nearest_name("Sigma", names), "sigma");
  EXPECT_EQ(nearest_name("j", names), "J");
  EXPECT_EQ(nearest_name("target_acept", names), "target_accept");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name("schools", names), "");
  EXPECT_EQ(name_distance("ab", "ba"), 2);
  EXPECT_EQ(name_distance("abc", "ABC"), 3);
  EXPECT_EQ(name_distance("", "abc"), 6);
}

TEST(Parameters, DefaultsRangesAndSuggestions) {
  Parameters parameters(*toy_program().machine);
  EXPECT_EQ(parameters.get_int("warmup"), 200);
  EXPECT_FALSE(parameters.set("scale", "1.5"));
  EXPECT_EQ(parameters.values()[3], 1.5);
  Failure failure = parameters.set("scale", 11.0);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->text, "parameter `scale`: found 11, expected a number from 0.01 to 10");
  EXPECT_EQ(failure->span.line, 13);
  EXPECT_EQ(parameters.get("scale"), 1.5);
  failure = parameters.set("draws", 1.5);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->text.find("an integer"), std::string::npos) << failure->text;
  failure = parameters.set("scael", 1.0);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->text, "no parameter `scael`; did you mean `scale`?");
  EXPECT_TRUE(parameters.set("scale", "fast"));
  EXPECT_TRUE(parameters.set("scale", "1.5x"));
  EXPECT_TRUE(parameters.set("scale", std::nan("")));
}

TEST(Parameters, TheLoopsOwnAlwaysExist) {
  borel_machine machine = *toy_program().machine;
  machine.parameter_count = 0;
  Parameters parameters(machine);
  EXPECT_EQ(parameters.get_int("warmup"), 1000);
  EXPECT_EQ(parameters.get_int("draws"), 1000);
  EXPECT_EQ(parameters.get_int("chains"), 4);
  EXPECT_FALSE(parameters.set("chains", 2));
  EXPECT_TRUE(parameters.set("chains", 0.0));
}

TEST(Parameters, AMachineThatMakesItsStepsHasNoWarmupAndNoDraws) {
  borel_machine machine = *toy_program().machine;
  machine.parameter_count = 0;
  Parameters parameters(machine, 7);
  EXPECT_EQ(parameters.get_int("warmup"), 0);
  EXPECT_EQ(parameters.get_int("draws"), 7);
  EXPECT_EQ(parameters.get_int("chains"), 1);
  EXPECT_FALSE(parameters.set("chains", 3));
  for (const char* name : {"warmup", "draws"}) {
    const Failure failure = parameters.set(name, 7);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->text, "the machine makes 7 steps, by its data: it has no parameter `" +
                                 std::string(name) + "`");
  }
  const Failure unknown = parameters.set("particles", 7);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->text, "no parameter `particles`; there are chains");
  // Whatever a machine may say of them.
  EXPECT_EQ(Parameters(*toy_program().machine, 0).get_int("draws"), 0);
  EXPECT_EQ(Parameters(*toy_program().machine, 0).get_int("chains"), 4);
}

TEST(Threads, EveryItemOnce) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      pool.for_each(count, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; });
      for (const auto& n : seen) {
        EXPECT_EQ(n.load(), 1);
      }
    }
  }
}

TEST(Threads, ReductionsAreTheSameBitsForAnyNumberOfThreads) {
  const auto sum = [](int threads) {
    ThreadPool pool(threads);
    return pool.reduce(
        12345, 100, 0.0, [](std::int64_t i) { return std::sin(static_cast<double>(i)) * 1e10; },
        [](double a, double b) { return a + b; });
  };
  const double one = sum(1);
  EXPECT_EQ(one, sum(2));
  EXPECT_EQ(one, sum(7));
  double plain = 0;
  for (int i = 0; i < 12345; ++i) {
    plain += std::sin(static_cast<double>(i)) * 1e10;
  }
  EXPECT_NEAR(one, plain, 1);
}

TEST(Threads, TheLowestItemsExceptionIsThrownAndThePoolGoesOn) {
  ThreadPool pool(3);
  const auto run = [&] {
    pool.for_each(100, [](std::int64_t i) {
      if (i % 10 == 7) {
        throw std::runtime_error(std::to_string(i));
      }
    });
  };
  for (int repetition = 0; repetition < 20; ++repetition) {
    try {
      run();
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "7");
    }
  }
  std::atomic<int> done{0};
  pool.for_each(10, [&](std::int64_t) { ++done; });
  EXPECT_EQ(done.load(), 10);
}

TEST(Threads, Counts) {
  EXPECT_EQ(thread_count(3, 10), 3);
  EXPECT_EQ(thread_count(8, 4), 4);
  EXPECT_EQ(thread_count(5, 0), 1);
  EXPECT_GE(thread_count(0, 1000), 1);
}

}  // namespace
}  // namespace borel::runtime

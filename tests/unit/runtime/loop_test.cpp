#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/core/philox.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::runtime {
namespace {

using test::sample_toy;

std::vector<double> all_draws(const SampleResult& result) {
  std::vector<double> values;
  for (const Chain& chain : result.chains) {
    const std::int64_t rows = chain.warmup_count + chain.draw_count;
    values.insert(values.end(), chain.draws.get(), chain.draws.get() + rows * chain.draw_size);
    values.insert(values.end(), chain.statistics.get(),
                  chain.statistics.get() + rows * chain.statistic_count);
  }
  return values;
}

SampleOptions with_threads(int threads, std::uint64_t seed = 1) {
  SampleOptions options;
  options.threads = threads;
  options.seed = seed;
  return options;
}

TEST(Chains, SampleTheRightDistribution) {
  const SampleResult result = sample_toy({{"draws", 20000}, {"warmup", 500}}, with_threads(2));
  ASSERT_FALSE(result.error);
  EXPECT_FALSE(result.stopped);
  double sum = 0, squares = 0, count = 0;
  for (const Chain& chain : result.chains) {
    ASSERT_EQ(chain.draw_count, 20000);
    EXPECT_EQ(chain.warmup_count, 0);
    EXPECT_EQ(chain.iterations, 20500);
    for (std::int64_t i = 0; i < chain.draw_count; ++i) {
      const double mu = chain.draw(i)[0];
      sum += mu;
      squares += mu * mu;
      count += 1;
      ASSERT_EQ(chain.draw(i)[8], 11 + mu);
      ASSERT_GT(chain.draw(i)[1], 0);
    }
  }
  // About one independent draw in 30.
  EXPECT_NEAR(sum / count, 0, 0.1);
  EXPECT_NEAR(squares / count, 1, 0.15);
}

TEST(Chains, AreTheSameBytesForAnyNumberOfThreads) {
  const auto one = all_draws(sample_toy({{"chains", 5}}, with_threads(1)));
  ASSERT_EQ(one.size(), 5u * 300 * (test::toy_draw_size + test::toy_statistic_count));
  for (const int threads : {2, 5, 16, 0}) {
    const auto other = all_draws(sample_toy({{"chains", 5}}, with_threads(threads)));
    ASSERT_EQ(one.size(), other.size());
    EXPECT_EQ(std::memcmp(one.data(), other.data(), one.size() * sizeof(double)), 0) << threads;
  }
  EXPECT_NE(one, all_draws(sample_toy({{"chains", 5}}, with_threads(1, 2))));
}

TEST(Chains, AChainDependsOnItsStreamAlone) {
  SampleOptions later = with_threads(1);
  later.first_stream = 2;
  const SampleResult all = sample_toy({}, with_threads(1));
  const SampleResult some = sample_toy({{"chains", 2}}, later);
  EXPECT_EQ(std::memcmp(all.chains[2].draws.get(), some.chains[0].draws.get(),
                        300 * test::toy_draw_size * sizeof(double)),
            0);
  EXPECT_EQ(some.chains[1].stream, 3);
  EXPECT_NE(std::memcmp(all.chains[0].draws.get(), all.chains[1].draws.get(), 80), 0);
}

TEST(Chains, AStepThatNeedsSpaceIsRepeatedFromTheSameState) {
  const SampleResult plain = sample_toy({}, with_threads(1));
  const SampleResult hungry = sample_toy({{"hunger", 1000}}, with_threads(2));
  ASSERT_FALSE(hungry.error);
  EXPECT_EQ(all_draws(plain), all_draws(hungry));
  // The walk counts acceptances in its state: repetitions would show.
  EXPECT_EQ(plain.chains[3].statistic(299)[test::toy_accepted],
            hungry.chains[3].statistic(299)[test::toy_accepted]);
}

TEST(Chains, AFaultEndsTheRunAndKeepsWhatWasFinished) {
  // One thread, so that what the others have done by then is certain.
  const SampleResult result = sample_toy({{"fail_at", 250}, {"fail_chain", 1}}, with_threads(1));
  ASSERT_TRUE(result.error);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(result.error->kind, ErrorKind::fault);
  EXPECT_EQ(result.error->span.line, 20);
  EXPECT_EQ(result.error->site, "theta");
  EXPECT_EQ(result.error->text,
            "chain 2: an index is out of range, at site `theta`: `theta[k]`, index 12");
  EXPECT_EQ(result.chains[0].draw_count, 300);
  EXPECT_EQ(result.chains[1].draw_count, 49);
  EXPECT_EQ(result.chains[1].iterations, 249);
  EXPECT_EQ(result.chains[3].iterations, 0);
}

TEST(Chains, AFaultEndsTheOthersThatRun) {
  const SampleResult result = sample_toy(
      {{"fail_at", 1}, {"fail_chain", 1}, {"draws", 3000000}, {"chains", 2}}, with_threads(2));
  ASSERT_TRUE(result.error);
  EXPECT_FALSE(result.chains[0].error);
  EXPECT_LT(result.chains[0].draw_count, 3000000);
}

TEST(Chains, AStartWithoutADensityIsAFault) {
  SampleOptions options = with_threads(1);
  options.initial = {std::vector<double>(test::toy_dimension, INFINITY)};
  const SampleResult result = sample_toy({}, options);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->site, "mu");
  EXPECT_EQ(result.chains[0].iterations, 0);
}

TEST(Chains, StartFromGivenPoints) {
  SampleOptions options = with_threads(1);
  options.save_warmup = true;
  options.initial = {std::vector<double>(8, 1.0), std::vector<double>(8, -1.0)};
  const SampleResult result =
      sample_toy({{"chains", 2}, {"scale", 0.01}, {"warmup", 3}, {"draws", 2}}, options);
  EXPECT_EQ(result.chains[0].warmup_count, 3);
  EXPECT_EQ(result.chains[0].draw_count, 2);
  EXPECT_NEAR(result.chains[0].draws[0], 1, 0.1);
  EXPECT_NEAR(result.chains[1].draws[0], -1, 0.1);
  options.initial.resize(1);
  EXPECT_NEAR(sample_toy({{"chains", 2}, {"scale", 0.01}}, options).chains[1].draws[0], 1, 0.1);
  options.initial[0].pop_back();
  EXPECT_TRUE(sample_toy({}, options).error);
  options.initial.assign(3, std::vector<double>(8, 0.0));
  EXPECT_TRUE(sample_toy({{"chains", 2}}, options).error);
}

TEST(Chains, InitHasStepZeroAndIterationsCountFromOne) {
  SampleOptions options = with_threads(1, 77);
  const SampleResult result =
      sample_toy({{"chains", 1}, {"warmup", 0}, {"draws", 1}, {"reject_above", -100}}, options);
  // Everything is rejected, so the draw is still the start.
  const double u = 2 * (2 * random_uniforms({77, 0, 0}, 0)[0] - 1);
  EXPECT_EQ(result.chains[0].draw(0)[0], u);
  EXPECT_EQ(result.chains[0].rejections, 1);
}

TEST(Chains, CountRejectionsByPhase) {
  const SampleResult result = sample_toy({{"reject_above", 0.5}}, with_threads(2));
  const Chain& chain = result.chains[0];
  EXPECT_GT(chain.warmup_rejections, 0);
  EXPECT_GT(chain.rejections, 0);
  EXPECT_LE(chain.rejections, 300);
  EXPECT_EQ(chain.first_rejection.kind, BOREL_FAULT_REJECT);
  EXPECT_EQ(chain.first_rejection.place, 1);
  const SampleResult again = sample_toy({{"reject_above", 0.5}, {"hunger", 500}}, with_threads(1));
  EXPECT_EQ(again.chains[0].rejections, chain.rejections);
}

// Remembers what it is told; may fail, and may stop the run.
class RecordingSink : public DrawSink {
 public:
  explicit RecordingSink(std::size_t chains) : rows(chains), adaptations(chains), ends(chains) {}

  Failure draw(std::int64_t chain, bool warmup, const double*, const double* draw) override {
    auto& own = rows[static_cast<std::size_t>(chain)];
    if (chain == 1 && static_cast<int>(own.size()) == fail_after) {
      return Error{ErrorKind::output, "no room", {}, {}};
    }
    own.push_back(warmup ? -1 : draw[0]);
    if (stop != nullptr && static_cast<int>(own.size()) == stop_after) {
      stop->store(true);
    }
    return {};
  }
  Failure adapted(std::int64_t chain, const Adaptation& adaptation) override {
    adaptations[static_cast<std::size_t>(chain)].push_back(adaptation.step_size);
    return {};
  }
  Failure finished(std::int64_t chain, const ChainTime& time) override {
    ++ends[static_cast<std::size_t>(chain)];
    EXPECT_GE(time.warmup_seconds, 0);
    return {};
  }

  std::vector<std::vector<double>> rows, adaptations;
  std::vector<int> ends;
  int fail_after = -1, stop_after = -1;
  std::atomic<bool>* stop = nullptr;
};

TEST(Chains, TellTheSinkEverythingOnce) {
  RecordingSink sink(4);
  SampleOptions options = with_threads(2);
  options.sink = &sink;
  options.save_warmup = true;
  options.keep_draws = false;
  const SampleResult result = sample_toy({}, options);
  ASSERT_FALSE(result.error);
  EXPECT_EQ(result.chains[0].draw_count, 0);
  const SampleResult kept = sample_toy({}, with_threads(1));
  for (std::size_t c = 0; c < 4; ++c) {
    ASSERT_EQ(sink.rows[c].size(), 500u);
    EXPECT_EQ(sink.rows[c][199], -1);
    for (std::int64_t i = 0; i < 300; ++i) {
      ASSERT_EQ(sink.rows[c][static_cast<std::size_t>(200 + i)], kept.chains[c].draw(i)[0]);
    }
    EXPECT_EQ(sink.adaptations[c], std::vector<double>{0.8});
    EXPECT_EQ(sink.ends[c], 1);
  }
}

TEST(Chains, ASinkThatFailsEndsTheRun) {
  RecordingSink sink(4);
  sink.fail_after = 100;
  SampleOptions options = with_threads(1);
  options.sink = &sink;
  const SampleResult result = sample_toy({}, options);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->text, "chain 2: no room");
  EXPECT_EQ(result.chains[0].draw_count, 300);
  EXPECT_EQ(result.chains[1].draw_count, 100);
  EXPECT_EQ(result.chains[3].draw_count, 0);
  EXPECT_EQ(sink.ends, (std::vector<int>{1, 1, 1, 1}));
}

TEST(Chains, StopKeepsFinishedDraws) {
  std::atomic<bool> stop{false};
  RecordingSink sink(4);
  sink.stop = &stop;
  sink.stop_after = 100;
  SampleOptions options = with_threads(1);
  options.sink = &sink;
  options.stop = &stop;
  const SampleResult result = sample_toy({}, options);
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.chains[0].draw_count, 100);
  EXPECT_EQ(sink.rows[0].size(), 100u);
  EXPECT_EQ(result.chains[3].iterations, 0);
}

TEST(Chains, ProgressIsShownOnTheCallersThread) {
  SampleOptions options = with_threads(2);
  options.progress_period = std::chrono::milliseconds(5);
  std::vector<ChainProgress> last;
  int calls = 0;
  const auto caller = std::this_thread::get_id();
  options.progress = [&](std::span<const ChainProgress> chains) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    for (std::size_t c = 0; c < last.size(); ++c) {
      EXPECT_GE(chains[c].iterations, last[c].iterations);
    }
    last.assign(chains.begin(), chains.end());
    ++calls;
  };
  const auto start = std::chrono::steady_clock::now();
  sample_toy({{"draws", 40000}}, options);
  const auto time = std::chrono::steady_clock::now() - start;
  EXPECT_GE(calls, 2);
  EXPECT_LE(calls, time / options.progress_period + 2);
  ASSERT_EQ(last.size(), 4u);
  EXPECT_EQ(last[3].phase, ChainPhase::done);
  EXPECT_EQ(last[3].iterations, 40200);
  EXPECT_EQ(last[3].draws, 40000);
}

TEST(Chains, NoDrawsAndNoWarmup) {
  const SampleResult result = sample_toy({{"draws", 0}, {"warmup", 0}}, with_threads(1));
  EXPECT_FALSE(result.error);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(result.chains[0].draw_count, 0);
}

// The toy's machine, which makes 40 steps where the instance says so.
struct SteppingToy {
  SteppingToy() : program(test::toy_program()), machine(*program.machine) {
    machine.steps = [](const void*) -> std::int64_t { return 40; };
    program.machine = &machine;
    InputData data;
    data.storage.emplace_back(sizeof(double));
    *data.storage[0].as<double>() = 1;
    data.arrays.push_back({data.storage[0].data(), {1, 0, 0, 0}});
    data.sizes.push_back(1);
    instance.emplace(std::get<Instance>(Instance::bind(program, std::move(data))));
  }

  borel_program program;
  borel_machine machine;
  std::optional<Instance> instance;
};

TEST(Chains, AMachineMakesItsStepsAndRecordsEachOfThem) {
  SteppingToy toy;
  Parameters parameters(toy.machine, toy.instance->steps());
  ASSERT_FALSE(parameters.set("chains", 2));
  SampleOptions options = with_threads(1, 7);
  options.parameters = &parameters;
  const SampleResult result = sample(*toy.instance, options);
  ASSERT_FALSE(result.error);
  EXPECT_FALSE(result.stopped);
  for (const Chain& chain : result.chains) {
    EXPECT_EQ(chain.warmup_count, 0);
    EXPECT_EQ(chain.draw_count, 40);
    EXPECT_EQ(chain.iterations, 40);
    EXPECT_TRUE(chain.adaptation.inverse_metric.empty());  // there is none to speak of
  }
  // They are the first 40 of as many as one likes.
  const SampleResult endless =
      sample_toy({{"chains", 2}, {"warmup", 0}, {"draws", 60}}, with_threads(2, 7));
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_EQ(std::memcmp(result.chains[c].draws.get(), endless.chains[c].draws.get(),
                          40 * test::toy_draw_size * sizeof(double)),
              0);
  }
}

// A state that is not copied before each step: what it was is computed again.
TEST(Chains, StepsThatWantSpaceAreRepeated) {
  for (const double hunger : {0., 1000., 1e5}) {
    const std::initializer_list<test::Setting> settings = {
        {"chains", 1}, {"warmup", 0}, {"draws", 300}, {"hunger", hunger}, {"reject_above", 1}};
    SampleOptions copying = with_threads(1), repeating = copying;
    repeating.large_state = 1;
    const SampleResult a = sample_toy(settings, copying), b = sample_toy(settings, repeating);
    ASSERT_FALSE(a.error || b.error);
    EXPECT_EQ(all_draws(a), all_draws(b)) << hunger;
    EXPECT_GT(a.chains[0].rejections, 0);
    EXPECT_EQ(a.chains[0].rejections, b.chains[0].rejections) << hunger;
  }
}

TEST(Chains, AdaptationIsReadFromTheState) {
  const SampleResult result = sample_toy({{"chains", 1}}, with_threads(1));
  EXPECT_EQ(result.chains[0].adaptation.step_size, 0.8);
  EXPECT_EQ(result.chains[0].adaptation.inverse_metric,
            (std::vector<double>{1, 2, 0.1, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace borel::runtime

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "tests/unit/runtime/toy_program.h"

namespace borel::runtime {
namespace {

using test::sample_toy;

AlignedBuffer copy_of(const AlignedBuffer& from) {
  AlignedBuffer to(from.size());
  std::memcpy(to.data(), from.data(), from.size());
  return to;
}

// A chain as a StateSink sees it, with the draws that `whole` has up to there.
Chain copy_of(const Chain& chain, const Chain& whole) {
  Chain copy;
  copy.iterations = chain.iterations;
  copy.warmup_count = chain.warmup_count;
  copy.draw_count = chain.draw_count;
  copy.time = chain.time;
  copy.warmup_rejections = chain.warmup_rejections;
  copy.rejections = chain.rejections;
  copy.first_rejection = chain.first_rejection;
  copy.adaptation = chain.adaptation;
  copy.state = copy_of(chain.state);
  const auto rows = [&](const std::unique_ptr<double[]>& values, std::int64_t row) {
    const std::size_t count =
        static_cast<std::size_t>((chain.warmup_count + chain.draw_count) * row);
    auto out = std::make_unique<double[]>(count);
    std::copy_n(values.get(), count, out.get());
    return out;
  };
  copy.draws = rows(whole.draws, whole.draw_size);
  copy.statistics = rows(whole.statistics, whole.statistic_count);
  return copy;
}

// Keeps chains as they stand after some iteration; counts what it is told.
class Keeper : public StateSink, public DrawSink {
 public:
  Keeper(std::int64_t keep_after, const SampleResult& whole)
      : chains(whole.chains.size()),
        adaptations(chains.size()),
        last(chains.size(), -1),
        calls(chains.size()),
        keep_after_(keep_after),
        whole_(whole) {}

  Failure state(std::int64_t index, const Chain& chain, bool is_last) override {
    const auto c = static_cast<std::size_t>(index);
    EXPECT_EQ(last[c], -1) << "nothing comes after the last";
    EXPECT_EQ(adaptations[c], chain.iterations >= 200 ? 1 : 0);
    EXPECT_EQ(chain.iterations, ++calls[c]);
    EXPECT_GE(chain.time.warmup_seconds, 0);
    if (chain.iterations == keep_after_) chains[c] = copy_of(chain, whole_.chains[c]);
    if (is_last) last[c] = chain.iterations;
    return {};
  }
  Failure draw(std::int64_t, bool, const double*, const double*) override { return {}; }
  Failure adapted(std::int64_t chain, const Adaptation&) override {
    ++adaptations[static_cast<std::size_t>(chain)];
    return {};
  }
  Failure finished(std::int64_t, const ChainTime&) override { return {}; }

  std::vector<Chain> chains;
  std::vector<int> adaptations;
  std::vector<std::int64_t> last, calls;

 private:
  std::int64_t keep_after_;
  const SampleResult& whole_;
};

SampleOptions options_for(bool save_warmup) {
  SampleOptions options;
  options.threads = 2;
  options.seed = 9;
  options.save_warmup = save_warmup;
  return options;
}

void expect_same(const SampleResult& one, const SampleResult& two) {
  ASSERT_EQ(one.chains.size(), two.chains.size());
  for (std::size_t c = 0; c < one.chains.size(); ++c) {
    const Chain &a = one.chains[c], &b = two.chains[c];
    ASSERT_EQ(a.iterations, b.iterations);
    ASSERT_EQ(a.warmup_count, b.warmup_count);
    ASSERT_EQ(a.draw_count, b.draw_count);
    const auto rows = static_cast<std::size_t>(a.warmup_count + a.draw_count);
    EXPECT_EQ(std::memcmp(a.draws.get(), b.draws.get(),
                          rows * static_cast<std::size_t>(a.draw_size) * sizeof(double)),
              0);
    EXPECT_EQ(std::memcmp(a.statistics.get(), b.statistics.get(),
                          rows * static_cast<std::size_t>(a.statistic_count) * sizeof(double)),
              0);
    EXPECT_EQ(a.warmup_rejections, b.warmup_rejections);
    EXPECT_EQ(a.rejections, b.rejections);
    EXPECT_EQ(std::memcmp(&a.first_rejection, &b.first_rejection, sizeof a.first_rejection), 0);
    EXPECT_EQ(a.adaptation.step_size, b.adaptation.step_size);
    EXPECT_EQ(a.adaptation.inverse_metric, b.adaptation.inverse_metric);
    EXPECT_EQ(std::memcmp(a.state.data(), b.state.data(), a.state.size()), 0);
  }
}

TEST(States, ChainsGoOnFromAnyIterationAsIfThereHadBeenOneRun) {
  const std::initializer_list<test::Setting> settings = {{"reject_above", 0.5}, {"chains", 2}};
  for (const bool save_warmup : {false, true}) {
    const SampleResult whole = sample_toy(settings, options_for(save_warmup));
    ASSERT_FALSE(whole.error);
    ASSERT_GT(whole.chains[0].warmup_rejections, 0);
    ASSERT_GT(whole.chains[0].rejections, 0);
    for (const std::int64_t after : {1, 100, 199, 200, 201, 350, 499, 500}) {
      SCOPED_TRACE(after);
      Keeper keeper(after, whole);
      SampleOptions options = options_for(save_warmup);
      options.sink = &keeper;
      options.states = &keeper;
      expect_same(whole, sample_toy(settings, options));
      EXPECT_EQ(keeper.last, (std::vector<std::int64_t>{500, 500}));

      // One goes on, the other starts anew.
      keeper.chains[1] = Chain();
      const Instance instance = test::bind_toy();
      const Parameters parameters = test::toy_parameters(settings);
      SampleOptions rest = options_for(save_warmup);
      rest.parameters = &parameters;
      std::vector<std::int64_t> first;
      rest.progress = [&](std::span<const ChainProgress> chains) {
        first = {chains[0].first, chains[1].first};
      };
      expect_same(whole, sample(instance, rest, std::move(keeper.chains)));
      EXPECT_EQ(first, (std::vector<std::int64_t>{after, 0}));
    }
  }
}

TEST(States, AChainThatIsStoppedIsOfferedOnceMore) {
  const SampleResult whole = sample_toy({{"chains", 1}}, options_for(false));
  std::atomic<bool> stop{false};
  class Stopper : public Keeper {
   public:
    Stopper(const SampleResult& whole, std::atomic<bool>& stop) : Keeper(-1, whole), stop_(stop) {}
    Failure state(std::int64_t, const Chain& chain, bool is_last) override {
      seen.push_back(is_last ? -chain.iterations : chain.iterations);
      stop_.store(chain.iterations >= 3);
      return {};
    }
    std::vector<std::int64_t> seen;

   private:
    std::atomic<bool>& stop_;
  } stopper(whole, stop);
  SampleOptions options = options_for(false);
  options.states = &stopper;
  options.stop = &stop;
  const SampleResult result = sample_toy({{"chains", 1}}, options);
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(stopper.seen, (std::vector<std::int64_t>{1, 2, 3, -3}));
}

TEST(States, ASinkOfStatesThatFailsEndsTheRun) {
  class Failing : public StateSink {
    Failure state(std::int64_t, const Chain& chain, bool) override {
      if (chain.iterations < 7) return {};
      return Error{ErrorKind::output, "no room", {}, {}};
    }
  } failing;
  SampleOptions options = options_for(false);
  options.states = &failing;
  const SampleResult result = sample_toy({{"chains", 1}}, options);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->text, "chain 1: no room");
  EXPECT_EQ(result.chains[0].iterations, 7);
}

TEST(States, AStateOfAnotherSizeIsRefused) {
  const Instance instance = test::bind_toy();
  const Parameters parameters = test::toy_parameters({{"chains", 1}});
  SampleOptions options = options_for(false);
  options.parameters = &parameters;
  std::vector<Chain> from(1);
  from[0].state = AlignedBuffer(8);
  const SampleResult result = sample(instance, options, std::move(from));
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->kind, ErrorKind::incompatible);
  EXPECT_NE(result.error->text.find("a saved state has 8 bytes"), std::string::npos);
}

}  // namespace
}  // namespace borel::runtime

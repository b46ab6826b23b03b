// Draws through the host interface: those of the command's loop, bit for bit, in any number of
// threads, by hand, from checkpoints, and after the instance was bound again.
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "runtime/io/data.h"
#include "runtime/loop/chains.h"
#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

constexpr int warmup = 150, draws = 60, chains = 3;

// What `borel sample` gets: rows of a draw and of statistics, warm-up included.
struct Reference {
  std::vector<double> draws, statistics;
  std::int64_t rejections = 0;
};

Reference sample_reference(const borel_program& program, const std::string& text,
                           std::uint64_t seed) {
  auto document = io::JsonDocument::parse(text, "data");
  io::DataResult data = io::read_data(program, std::get<io::JsonDocument>(document));
  EXPECT_TRUE(data.ok());
  const auto instance = runtime::Instance::bind(program, std::move(data.data));
  runtime::Parameters parameters(*program.machine);
  EXPECT_FALSE(parameters.set("warmup", warmup));
  EXPECT_FALSE(parameters.set("draws", draws));
  EXPECT_FALSE(parameters.set("chains", chains));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.seed = seed;
  options.save_warmup = true;
  const runtime::SampleResult result =
      runtime::sample(std::get<runtime::Instance>(instance), options);
  EXPECT_FALSE(result.error);
  Reference reference;
  for (const runtime::Chain& chain : result.chains) {
    const std::int64_t rows = chain.warmup_count + chain.draw_count;
    reference.draws.insert(reference.draws.end(), chain.draws.get(),
                           chain.draws.get() + rows * chain.draw_size);
    reference.statistics.insert(reference.statistics.end(), chain.statistics.get(),
                                chain.statistics.get() + rows * chain.statistic_count);
    reference.rejections += chain.warmup_rejections + chain.rejections;
  }
  return reference;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 8 * a.size()) == 0;
}

struct Case {
  const char* name;
  const borel_program& (*program)();
  std::string data;
};

class Sampling : public ::testing::TestWithParam<Case> {
 protected:
  Sampling() : all_(bound(GetParam().program(), GetParam().data)) {}

  const borel_instance* instance() const { return all_.instance.get(); }
  const borel_machine& machine() const { return *GetParam().program().machine; }
  std::size_t draw_size() const {
    return static_cast<std::size_t>(borel_draw_size(instance(), borel_instance_model(instance())));
  }
  std::size_t statistics() const { return static_cast<std::size_t>(machine().statistic_count); }
  static std::vector<borel_setting> settings() { return {{"warmup", warmup}, {"draws", draws}}; }

  Bound all_;
};

TEST_P(Sampling, IsThatOfTheCommand) {
  const Reference reference = sample_reference(GetParam().program(), GetParam().data, 17);
  for (const int threads : {0, 1, 2, 3, 64}) {
    borel_run_options options;
    borel_run_defaults(&options);
    options.seed = 17;
    options.chains = chains;
    options.threads = threads;
    options.warmup = warmup;
    options.draws = draws;
    options.save_warmup = 1;
    std::vector<double> kept(chains * (warmup + draws) * draw_size());
    std::vector<double> told(chains * (warmup + draws) * statistics());
    options.draw_values = kept.data();
    options.statistic_values = told.data();
    borel_chain_summary summaries[chains];
    Problem problem;
    ASSERT_EQ(borel_run(instance(), &options, summaries, problem), BOREL_SUCCESS)
        << problem.message();
    EXPECT_TRUE(same_bits(kept, reference.draws)) << threads;
    EXPECT_TRUE(same_bits(told, reference.statistics)) << threads;
    std::int64_t rejections = 0;
    for (const borel_chain_summary& summary : summaries) {
      EXPECT_EQ(summary.iterations, warmup + draws);
      EXPECT_GT(summary.warmup_seconds, 0);
      EXPECT_GT(summary.draw_seconds, 0);
      rejections += summary.rejections;
    }
    EXPECT_EQ(rejections, reference.rejections);
  }
}

TEST_P(Sampling, StreamsTheSameInOrder) {
  struct Seen {
    std::size_t draw_size;
    std::vector<double> draws[chains];
    std::int64_t last[chains] = {};
    std::atomic<int> wrong{0};
  } seen;
  seen.draw_size = draw_size();
  borel_run_options options;
  borel_run_defaults(&options);
  options.seed = 17;
  options.chains = chains;
  options.threads = 3;
  const auto set = settings();
  options.settings = set.data();
  options.setting_count = static_cast<int>(set.size());
  options.context = &seen;
  options.on_iteration = [](void* context, const borel_iteration* told) -> std::int32_t {
    Seen& to = *static_cast<Seen*>(context);
    const std::size_t c = told->chain - 1;
    to.wrong += told->iteration != ++to.last[c] ? 1 : 0;
    to.wrong += (told->warmup != 0) != (told->iteration <= warmup) ? 1 : 0;
    to.wrong += (told->draw == nullptr) != (told->warmup != 0) ? 1 : 0;
    to.wrong += told->statistics == nullptr || !std::isfinite(told->statistics[0]) ? 1 : 0;
    if (told->draw != nullptr) {
      to.draws[c].insert(to.draws[c].end(), told->draw, told->draw + to.draw_size);
    }
    return 0;
  };
  std::vector<double> kept(chains * draws * draw_size());
  options.draw_values = kept.data();
  Problem problem;
  ASSERT_EQ(borel_run(instance(), &options, nullptr, problem), BOREL_SUCCESS) << problem.message();
  EXPECT_EQ(seen.wrong, 0);
  std::vector<double> streamed;
  for (const auto& part : seen.draws) {
    streamed.insert(streamed.end(), part.begin(), part.end());
  }
  EXPECT_TRUE(same_bits(streamed, kept));
}

// A chain stepped by hand, saved at random iterations and resumed in other libraries.
TEST_P(Sampling, ByHandAndFromCheckpoints) {
  const Reference reference = sample_reference(GetParam().program(), GetParam().data, 17);
  const std::size_t width = draw_size(), rows = warmup + draws;
  const auto expected = [&](std::size_t c, std::int64_t iteration) {
    return reference.draws.data() + (c * rows + static_cast<std::size_t>(iteration) - 1) * width;
  };
  const auto set = settings();
  std::mt19937 random(4);
  for (std::size_t c = 0; c < chains; ++c) {
    borel_start start{};
    start.seed = 17;
    start.chain = c + 1;
    start.settings = set.data();
    start.setting_count = static_cast<int>(set.size());
    Chain at = chain(all_.instance, start);
    EXPECT_EQ(borel_chain_warmup(at.get()), warmup);
    EXPECT_EQ(borel_chain_iteration(at.get()), 0);
    std::vector<double> draw(width), told(statistics());
    std::vector<Bound> others;
    Problem problem;
    while (borel_chain_iteration(at.get()) < static_cast<std::int64_t>(rows)) {
      const std::int64_t left = static_cast<std::int64_t>(rows) - borel_chain_iteration(at.get());
      const std::int64_t count = std::min<std::int64_t>(left, 1 + random() % 40);
      ASSERT_EQ(borel_chain_step(at.get(), count, problem), BOREL_SUCCESS) << problem.message();
      const std::int64_t iteration = borel_chain_iteration(at.get());
      ASSERT_EQ(borel_chain_draw(at.get(), draw.data(), problem), BOREL_SUCCESS);
      ASSERT_EQ(borel_chain_statistics(at.get(), told.data(), problem), BOREL_SUCCESS);
      ASSERT_EQ(std::memcmp(draw.data(), expected(c, iteration), 8 * width), 0) << iteration;
      ASSERT_EQ(std::memcmp(told.data(),
                            reference.statistics.data() +
                                (c * rows + static_cast<std::size_t>(iteration) - 1) * told.size(),
                            8 * told.size()),
                0);

      std::size_t size = 0, again = 0;
      EXPECT_FAILS(borel_chain_save(at.get(), nullptr, 0, &size, problem), BOREL_BAD_ARGUMENT,
                   problem, "room for 0");
      std::vector<char> bytes(size + 1, 'x');
      EXPECT_FAILS(borel_chain_save(at.get(), bytes.data(), size - 1, &again, problem),
                   BOREL_BAD_ARGUMENT, problem, "takes " + std::to_string(size));
      EXPECT_EQ(again, size);
      EXPECT_EQ(bytes, std::vector<char>(size + 1, 'x'));
      ASSERT_EQ(borel_chain_save(at.get(), bytes.data(), size, &again, problem), BOREL_SUCCESS);
      EXPECT_EQ(bytes.back(), 'x');
      others.push_back(bound(GetParam().program(), GetParam().data));
      borel_chain* resumed = nullptr;
      ASSERT_EQ(
          borel_chain_resume(others.back().instance.get(), bytes.data(), size, &resumed, problem),
          BOREL_SUCCESS)
          << problem.message();
      at.reset(resumed);
      EXPECT_EQ(borel_chain_iteration(resumed), iteration);
      EXPECT_EQ(borel_chain_warmup(resumed), warmup);
    }
    at.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sampling,
                         ::testing::Values(Case{"eight_schools", eight_schools, eight_schools_data},
                                           Case{"grouped", grouped, grouped_data()}),
                         [](const auto& param) { return std::string(param.param.name); });

// Many fits in the same handles, of sizes that go up and down: after each size was there once,
// nothing is allocated, and results are those of fresh handles.
TEST(Refits, AllocateNothingOnceWarm) {
  CountingAllocator counter;
  {
    const Library library = open(grouped(), counter.get());
    Data data = from_json(library, grouped_data(40, 8));
    Instance instance = bind_data(data);
    borel_setting settings[] = {{"warmup", 30}, {"draws", 10}, {"max_depth", 5}};
    borel_start start{};
    start.seed = 5;
    start.chain = 1;
    start.settings = settings;
    start.setting_count = 3;
    Chain at = chain(instance, start);
    Worker evaluator = worker(instance);
    Problem problem;
    std::mt19937 random(1);
    for (int fit = 0; fit < 300; ++fit) {
      const int points = fit < 3 ? 40 : 1 + static_cast<int>(random() % 40);
      const int groups = fit < 3 ? 8 : 1 + static_cast<int>(random() % 8);
      // Half of the fits from JSON, half from memory.
      std::vector<std::int64_t> group, trials, y;
      std::vector<double> x;
      const std::string text = grouped_data(points, groups);
      const std::int64_t allocated = counter.allocations;
      if (fit % 2 == 0) {
        borel_data_clear(data.get());
        ASSERT_EQ(borel_data_json(data.get(), text.data(), text.size(), problem), BOREL_SUCCESS);
      } else {
        const std::int64_t many = points, pair[2] = {points, 2};
        for (int n = 0; n < points; ++n) {
          group.push_back(n % groups + 1);
          trials.push_back(10 + n % 20);
          y.push_back(n % 9);
          x.push_back(0.25 * (n % 7));
        }
        for (int n = 0; n < points; ++n) {
          x.push_back(n % 3 - 1);
        }
        const std::int64_t j = groups, yes = 1;
        ASSERT_EQ(borel_data_copy_int(data.get(), "J", &j, 0, nullptr, problem), BOREL_SUCCESS);
        ASSERT_EQ(borel_data_int(data.get(), "group", group.data(), 1, &many, problem),
                  BOREL_SUCCESS);
        ASSERT_EQ(borel_data_real(data.get(), "X", x.data(), 2, pair, problem), BOREL_SUCCESS);
        ASSERT_EQ(borel_data_copy_int(data.get(), "trials", trials.data(), 1, &many, problem),
                  BOREL_SUCCESS);
        ASSERT_EQ(borel_data_int(data.get(), "y", y.data(), 1, &many, problem), BOREL_SUCCESS);
        ASSERT_EQ(borel_data_copy_int(data.get(), "shifted", &yes, 0, nullptr, problem),
                  BOREL_SUCCESS);
      }
      ASSERT_EQ(borel_rebind(instance.get(), data.get(), problem), BOREL_SUCCESS)
          << problem.message();
      ASSERT_EQ(borel_chain_restart(at.get(), &start, problem), BOREL_SUCCESS) << problem.message();
      ASSERT_EQ(borel_chain_step(at.get(), 40, problem), BOREL_SUCCESS) << problem.message();
      const std::size_t size = static_cast<std::size_t>(borel_draw_size(instance.get(), 0));
      ASSERT_EQ(size, static_cast<std::size_t>(5 + groups + 2 + points));
      std::vector<double> draw(size), fresh(size), u(size, 0.1);
      ASSERT_EQ(borel_chain_draw(at.get(), draw.data(), problem), BOREL_SUCCESS);
      double lp = 0, fresh_lp = 0;
      ASSERT_EQ(borel_log_density(evaluator.get(), 0, 1, u.data(), &lp, problem), BOREL_SUCCESS);
      if (fit >= 3) {
        EXPECT_EQ(counter.allocations, allocated) << fit;
      }
      if (fit % 25 == 0) {
        const Bound other = bound(grouped(), text);
        const Chain other_chain = chain(other.instance, start);
        ASSERT_EQ(borel_chain_step(other_chain.get(), 40, problem), BOREL_SUCCESS);
        ASSERT_EQ(borel_chain_draw(other_chain.get(), fresh.data(), problem), BOREL_SUCCESS);
        EXPECT_TRUE(same_bits(draw, fresh)) << fit;
        const Worker other_worker = worker(other.instance);
        ASSERT_EQ(borel_log_density(other_worker.get(), 0, 1, u.data(), &fresh_lp, problem),
                  BOREL_SUCCESS);
        EXPECT_EQ(lp, fresh_lp);
      }
    }
  }
}

// Any number of threads on one instance and one set of data, each with handles of its own;
// instances that share copied data are freed in any order.
TEST(Threads, ShareAnInstance) {
  const Library library = open(grouped());
  const Data data = from_json(library, grouped_data(30, 5));
  const Instance shared = bind_data(data);
  constexpr int count = 64;
  std::vector<Instance> own;
  for (int i = 0; i < count; ++i) {
    own.push_back(bind_data(data));
  }
  std::vector<double> firsts(count), densities(count);
  std::vector<std::thread> threads;
  const borel_setting settings[] = {{"warmup", 30}, {"draws", 10}, {"max_depth", 4}};
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      borel_start start{};
      start.seed = 3;
      start.chain = static_cast<std::uint64_t>(i % 4) + 1;
      start.settings = settings;
      start.setting_count = 3;
      const Instance mine = std::move(own[static_cast<std::size_t>(i)]);
      const Instance& used = i % 2 == 0 ? shared : mine;
      const Chain at = chain(used, start);
      const Worker evaluator = worker(used);
      std::vector<double> u(static_cast<std::size_t>(borel_dimension(used.get(), 0)), 0.1);
      std::vector<double> draw(static_cast<std::size_t>(borel_draw_size(used.get(), 0)));
      for (int k = 0; k < 20; ++k) {
        borel_chain_step(at.get(), 1, nullptr);
        borel_log_density_gradient(evaluator.get(), 0, 1, u.data(),
                                   &densities[static_cast<std::size_t>(i)], draw.data(), nullptr);
      }
      borel_chain_draw(at.get(), draw.data(), nullptr);
      firsts[static_cast<std::size_t>(i)] = draw[0];
      // Errors are of their call alone.
      Problem problem;
      EXPECT_FAILS(borel_chain_step(at.get(), -1 - i, problem), BOREL_BAD_ARGUMENT, problem,
                   std::to_string(-1 - i));
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::size_t i = 4; i < count; ++i) {
    EXPECT_EQ(firsts[i], firsts[i % 4]);
    EXPECT_EQ(densities[i], densities[0]);
  }
}

TEST(Runs, MayBeCancelled) {
  const Bound all = bound(eight_schools(), eight_schools_data);
  std::atomic<int> asked{0};
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = 2;
  options.threads = 2;
  options.context = &asked;
  options.cancelled = [](void* context) -> std::int32_t {
    return ++*static_cast<std::atomic<int>*>(context) > 50;
  };
  borel_chain_summary summaries[2];
  Problem problem;
  EXPECT_FAILS(borel_run(all.instance.get(), &options, summaries, problem), BOREL_CANCELLED,
               problem, "asked to stop");
  EXPECT_GT(summaries[0].iterations + summaries[1].iterations, 30);
  EXPECT_LT(summaries[0].iterations + summaries[1].iterations, 60);

  options.cancelled = nullptr;
  options.on_iteration = [](void*, const borel_iteration* told) -> std::int32_t {
    return told->iteration == 7;
  };
  options.threads = 1;
  EXPECT_EQ(borel_run(all.instance.get(), &options, summaries, nullptr), BOREL_CANCELLED);
  EXPECT_EQ(summaries[0].iterations, 7);
  EXPECT_EQ(summaries[1].iterations, 0);
}

TEST(Runs, WarnOfDivergences) {
  Log log;
  const borel_logger logger = log.get();
  const Library library = open(grouped(), nullptr, &logger);
  const Data data = from_json(library, grouped_data());
  const Instance instance = bind_data(data);
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = 1;
  // Steps too long for the posterior.
  const borel_setting setting = {"target_accept", 0.3};
  options.settings = &setting;
  options.setting_count = 1;
  Problem problem;
  ASSERT_EQ(borel_run(instance.get(), &options, nullptr, problem), BOREL_SUCCESS);
  ASSERT_EQ(log.messages.size(), 1u);
  EXPECT_NE(log.messages[0].find("of 1000 draws ended in a divergence"), std::string::npos)
      << log.messages[0];
}

}  // namespace
}  // namespace borel::host::test

// A machine that runs once through its data, through the host interface: defaults of inputs, its
// number of steps, records that are no trace, runs, chains by hand and from checkpoints.
#include <cstring>

#include "runtime/io/data.h"
#include "runtime/loop/chains.h"
#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

const borel_program& filter() { return compiled("tests/host/programs/filter.ppl"); }

std::string text_of(int steps, const std::string& more = "") {
  std::string y;
  for (int t = 0; t < steps; ++t) {
    y += (t == 0 ? "" : ", ") + std::to_string(t % 5 - 2);
  }
  return "{\"y\": [" + y + "]" + more + "}";
}

std::vector<double> reference(const std::string& text, int chains) {
  auto document = io::JsonDocument::parse(text, "data");
  io::DataResult data = io::read_data(filter(), std::get<io::JsonDocument>(document));
  EXPECT_TRUE(data.ok());
  const auto bound = runtime::Instance::bind(filter(), std::move(data.data));
  const auto& instance = std::get<runtime::Instance>(bound);
  runtime::Parameters parameters(*filter().machine, instance.steps());
  EXPECT_FALSE(parameters.set("chains", chains));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.seed = 5;
  options.large_state = SIZE_MAX;
  const runtime::SampleResult result = runtime::sample(instance, options);
  EXPECT_FALSE(result.error);
  std::vector<double> values;
  for (const runtime::Chain& chain : result.chains) {
    values.insert(values.end(), chain.draws.get(),
                  chain.draws.get() + chain.draw_count * chain.draw_size);
  }
  return values;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 8 * a.size()) == 0;
}

TEST(Steps, TheModelIsWhatIsRecorded) {
  const Bound all = bound(filter(), text_of(7));
  const borel_instance* instance = all.instance.get();
  EXPECT_EQ(borel_instance_steps(instance), 7);
  EXPECT_EQ(borel_instance_steps(nullptr), -1);
  EXPECT_EQ(borel_instance_steps(bound(eight_schools(), eight_schools_data).instance.get()), -1);
  const std::int32_t model = borel_instance_model(instance);
  EXPECT_EQ(borel_dimension(instance, model), 0);
  EXPECT_EQ(borel_draw_size(instance, model), 3);
  ASSERT_EQ(borel_site_count(instance, model), 3);
  Problem problem;
  borel_site_info site;
  ASSERT_EQ(borel_describe_site(instance, model, 1, &site, problem), BOREL_SUCCESS);
  EXPECT_STREQ(site.name, "level_sd");
  EXPECT_EQ(site.kind, BOREL_DERIVED);
  EXPECT_EQ(site.draw_offset, 1);
  ASSERT_EQ(borel_describe_site(instance, model, 2, &site, problem), BOREL_SUCCESS);
  EXPECT_EQ(site.type, BOREL_INT);
  // It has no densities, and says so.
  const Worker calls = worker(all.instance);
  double lp = 0, u = 0;
  EXPECT_FAILS(borel_log_density(calls.get(), model, 1, &u, &lp, problem), BOREL_NOT_SUPPORTED,
               problem, "the log density");
  EXPECT_FAILS(borel_log_density_gradient(calls.get(), model, 1, &u, &lp, &u, problem),
               BOREL_NOT_SUPPORTED, problem, "the gradient");
  EXPECT_FAILS(borel_simulate(calls.get(), model, {1, 1, 1}, &u, problem), BOREL_NOT_SUPPORTED,
               problem, "simulation");
}

TEST(Steps, InputsThatAreNotGivenAreWhatTheProgramSays) {
  const borel_input& particles = filter().inputs[1];
  ASSERT_STREQ(particles.name, "particles");
  ASSERT_NE(particles.fallback, nullptr);
  EXPECT_EQ(*static_cast<const std::int64_t*>(particles.fallback), 100);
  ASSERT_NE(filter().inputs[2].fallback, nullptr);
  EXPECT_EQ(*static_cast<const double*>(filter().inputs[2].fallback), 0.5);
  EXPECT_EQ(filter().inputs[0].fallback, nullptr);

  const borel_start start = {3, 1, nullptr, 0, 0, nullptr};
  const auto last = [&](const Bound& all) {
    const Chain at = chain(all.instance, start);
    Problem problem;
    EXPECT_EQ(borel_chain_step(at.get(), 7, problem), BOREL_SUCCESS) << problem.message();
    std::vector<double> draw(3);
    EXPECT_EQ(borel_chain_draw(at.get(), draw.data(), problem), BOREL_SUCCESS);
    return draw;
  };
  const auto silent = last(bound(filter(), text_of(7)));
  EXPECT_TRUE(
      same_bits(silent, last(bound(filter(), text_of(7, ", \"particles\": 100, \"scale\": 0.5")))));
  EXPECT_FALSE(same_bits(silent, last(bound(filter(), text_of(7, ", \"particles\": 99")))));
  EXPECT_FALSE(same_bits(silent, last(bound(filter(), text_of(7, ", \"scale\": 0.6")))));

  // Bound again without what was given, it is the default once more.
  Bound all = bound(filter(), text_of(7, ", \"particles\": 10"));
  Problem problem;
  borel_data_clear(all.data.get());
  const std::string text = text_of(7);
  ASSERT_EQ(borel_data_json(all.data.get(), text.data(), text.size(), problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_rebind(all.instance.get(), all.data.get(), problem), BOREL_SUCCESS);
  EXPECT_TRUE(same_bits(silent, last(all)));
  const std::string bad = text_of(7, ", \"scale\": 0");
  ASSERT_EQ(borel_data_json(all.data.get(), bad.data(), bad.size(), problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_rebind(all.instance.get(), all.data.get(), problem), BOREL_BAD_DATA, problem,
               "`scale`: found 0, expected a number above 0");
}

TEST(Steps, RunsAreThoseOfTheCommand) {
  const std::string text = text_of(20);
  const std::vector<double> wanted = reference(text, 3);
  ASSERT_EQ(wanted.size(), 3u * 20 * 3);
  const Bound all = bound(filter(), text);
  for (const int threads : {1, 2, 4, 16}) {
    borel_run_options options;
    borel_run_defaults(&options);
    options.seed = 5;
    options.chains = 3;
    options.threads = threads;
    std::vector<double> draws(wanted.size());
    options.draw_values = draws.data();
    Problem problem;
    borel_chain_summary summaries[3];
    ASSERT_EQ(borel_run(all.instance.get(), &options, summaries, problem), BOREL_SUCCESS)
        << problem.message();
    EXPECT_TRUE(same_bits(draws, wanted)) << threads;
    EXPECT_EQ(summaries[2].iterations, 20);
    options.draws = 30;
    EXPECT_FAILS(borel_run(all.instance.get(), &options, nullptr, problem), BOREL_BAD_ARGUMENT,
                 problem, "the machine makes 20 steps, by its data: it has no parameter `draws`");
  }
  // One run, unless more are asked for.
  borel_run_options options;
  borel_run_defaults(&options);
  options.seed = 5;
  std::vector<double> draws(20 * 3);
  options.draw_values = draws.data();
  Problem problem;
  ASSERT_EQ(borel_run(all.instance.get(), &options, nullptr, problem), BOREL_SUCCESS);
  EXPECT_TRUE(same_bits(draws, {wanted.begin(), wanted.begin() + 60}));
}

// Small states, which are copied before each step, and large ones, which are not; with steps that
// want more workspace than the one before, and without.
TEST(Steps, ByHandAndFromCheckpoints) {
  for (const char* more : {"", ", \"hunger\": 9000", ", \"particles\": 30000",
                           ", \"particles\": 30000, \"hunger\": 9000"}) {
    const std::string text = text_of(50, more);
    const std::vector<double> wanted = reference(text, 1);
    const Bound all = bound(filter(), text);
    const borel_start start = {5, 1, nullptr, 0, 0, nullptr};
    Chain at = chain(all.instance, start);
    EXPECT_EQ(borel_chain_warmup(at.get()), 0);
    Problem problem;
    std::vector<double> draw(3);
    for (int step = 0; step < 50; ++step) {
      ASSERT_EQ(borel_chain_step(at.get(), 1, problem), BOREL_SUCCESS) << problem.message();
      ASSERT_EQ(borel_chain_draw(at.get(), draw.data(), problem), BOREL_SUCCESS);
      ASSERT_EQ(std::memcmp(draw.data(), wanted.data() + 3 * step, 24), 0) << more << step;
      if (step % 13 != 11) {
        continue;
      }
      std::size_t size = 0;
      borel_chain_save(at.get(), nullptr, 0, &size, problem);
      std::vector<char> bytes(size);
      ASSERT_EQ(borel_chain_save(at.get(), bytes.data(), size, &size, problem), BOREL_SUCCESS);
      borel_chain* resumed = nullptr;
      ASSERT_EQ(borel_chain_resume(all.instance.get(), bytes.data(), size, &resumed, problem),
                BOREL_SUCCESS);
      at.reset(resumed);
    }
    EXPECT_FAILS(borel_chain_step(at.get(), 1, problem), BOREL_BAD_ARGUMENT, problem,
                 "the machine makes 50 steps, of which 50 are made: found a count of 1");
    EXPECT_EQ(borel_chain_iteration(at.get()), 50);
  }
}

// On failure the chain stays at the last step that it finished, also where that has to be computed
// again.
TEST(Steps, AFailureLeavesTheStateBefore) {
  for (const char* particles : {"100", "30000"}) {
    std::string text = text_of(40, std::string(", \"particles\": ") + particles);
    const Bound whole = bound(filter(), text);
    text.insert(text.find(']'), ", 100");
    const Bound failing = bound(filter(), text);
    const borel_start start = {5, 1, nullptr, 0, 0, nullptr};
    const Chain a = chain(whole.instance, start), b = chain(failing.instance, start);
    Problem problem;
    ASSERT_EQ(borel_chain_step(a.get(), 40, problem), BOREL_SUCCESS);
    EXPECT_FAILS(borel_chain_step(b.get(), 41, problem), BOREL_RUN_FAILED, problem, "index");
    EXPECT_EQ(borel_chain_iteration(b.get()), 40);
    std::vector<double> one(3), other(3);
    ASSERT_EQ(borel_chain_draw(a.get(), one.data(), problem), BOREL_SUCCESS);
    ASSERT_EQ(borel_chain_draw(b.get(), other.data(), problem), BOREL_SUCCESS);
    EXPECT_TRUE(same_bits(one, other)) << particles;
  }
}

}  // namespace
}  // namespace borel::host::test

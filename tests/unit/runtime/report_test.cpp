#include "runtime/io/report.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "runtime/io/interrupt.h"
#include "runtime/io/progress.h"
#include "tests/unit/runtime/temporary_folder.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::io {
namespace {

using runtime::ChainPhase;
using runtime::ChainProgress;
using runtime::Instance;
using runtime::Parameters;
using runtime::SampleOptions;
using runtime::SampleResult;
using runtime::test::Setting;

struct ToyRun {
  explicit ToyRun(std::initializer_list<Setting> settings, int threads = 1)
      : instance(runtime::test::bind_toy()), parameters(runtime::test::toy_parameters(settings)) {
    SampleOptions options;
    options.parameters = &parameters;
    options.threads = threads;
    options.seed = 3;
    result = sample(instance, options);
    summary = summarise(instance, result, parameters, threads);
  }

  Instance instance;
  Parameters parameters;
  SampleResult result;
  Summary summary;
};

TEST(Summary, RowsAreThoseOfTheDraws) {
  const ToyRun run({{"draws", 200}});
  ASSERT_EQ(run.summary.rows.size(), 13u);
  EXPECT_EQ(run.summary.rows[0].name, "lp__");
  EXPECT_EQ(run.summary.rows[0].site, -1);
  EXPECT_EQ(run.summary.rows[4].name, "theta[2,1]");
  EXPECT_EQ(run.summary.rows[4].site, 2);
  // theta[2,1] is at position 5 of a draw.
  const std::vector<double> draws = collect_draws(run.result, run.summary, 5);
  ASSERT_EQ(draws.size(), 800u);
  EXPECT_EQ(draws[200], run.result.chains[1].draw(0)[5]);
  const QuantityStatistics expected = StatisticsEngine(4, 200).compute(draws.data());
  EXPECT_EQ(run.summary.rows[4].statistics.mean, expected.mean);
  EXPECT_EQ(run.summary.rows[4].statistics.rhat, expected.rhat);
  EXPECT_EQ(run.summary.rows[0].statistics.mean,
            StatisticsEngine(4, 200)
                .compute(collect_statistic(run.result, run.summary, runtime::test::toy_lp).data())
                .mean);
  EXPECT_EQ(run.summary.chains[2].step_size, 0.8);
  EXPECT_EQ(run.summary.chains[2].leapfrogs, 200);
  EXPECT_EQ(run.summary.total_draws(), 800);
}

TEST(Summary, DoesNotDependOnThreads) {
  const ToyRun one({{"draws", 100}}, 1), three({{"draws", 100}}, 3);
  EXPECT_EQ(summary_table(one.summary), summary_table(three.summary));
}

TEST(Summary, OfChainsThatDifferInLength) {
  ToyRun run({{"draws", 100}});
  run.result.chains[1].draw_count = 5;
  run.result.chains[2].draw_count = 80;
  run.result.chains[3].draw_count = 0;
  const Summary summary = summarise(run.instance, run.result, run.parameters);
  EXPECT_EQ(summary.used_chains, (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(summary.used_draws, 80);
  EXPECT_NE(run_text(summary, 200).find("the run ended early"), std::string::npos);
  for (runtime::Chain& chain : run.result.chains) {
    chain.draw_count = 0;
  }
  const Summary nothing = summarise(run.instance, run.result, run.parameters);
  EXPECT_TRUE(nothing.rows.empty());
  EXPECT_TRUE(nothing.used_chains.empty());
  EXPECT_FALSE(summary_table(nothing).empty());
}

SummaryRow row(const std::string& name, double mean, double mcse, double sd) {
  return {name, 0, {mean, mcse, sd, mean - sd, mean, mean + sd, 1234.4, 987.6, 1.00149}};
}

TEST(Table, DecimalsFollowTheError) {
  Summary summary;
  const double nan = std::nan("");
  summary.rows = {row("mu", 4.41237, 0.0512, 3.3),
                  row("theta[1,12]", -1234.5, 12.3, 400),
                  row("big", 3.2e9, 1e6, 1e8),
                  row("small", 1.5e-7, 2e-9, 1e-7),
                  {"constant", 0, {2, nan, 0, 2, 2, 2, nan, nan, nan}}};
  EXPECT_EQ("\n" + summary_table(summary),
            R"(
                mean   MCSE     sd       5%      50%      95%  ESS bulk  ESS tail  R-hat
mu             4.412  0.051  3.300    1.112    4.412    7.712      1234       988  1.001
theta[1,12]    -1234     12    400    -1634    -1234     -834      1234       988  1.001
big          3.2e+09  1e+06  1e+08  3.1e+09  3.2e+09  3.3e+09      1234       988  1.001
small        1.5e-07  2e-09  1e-07    5e-08  1.5e-07  2.5e-07      1234       988  1.001
constant       2.000     NA  0.000    2.000    2.000    2.000        NA        NA     NA
)");
}

TEST(Table, FitsTheTerminalAndShowsTheWorstOfMany) {
  Summary summary;
  for (int i = 0; i < 100; ++i) {
    summary.rows.push_back(row("a_rather_long_name[" + std::to_string(i) + "]", 1, 0.1, 1));
  }
  summary.rows[90].statistics.rhat = 1.5;
  const std::string table = summary_table(summary, {90, 20});
  std::vector<std::string> lines = test::split(table, '\n');
  ASSERT_EQ(lines.size(), 22u);
  EXPECT_TRUE(lines[20].find("1.001") != std::string::npos ||
              lines[20].find("1.500") != std::string::npos);
  EXPECT_NE(table.find("1.500"), std::string::npos);
  EXPECT_EQ(lines[21],
            "(20 of 100 quantities: the first, and those of the rest with the largest R-hat)");
  for (const std::string& line : test::split(summary_table(summary, {75, 100}), '\n')) {
    EXPECT_LE(line.size(), 75u);
  }
}

TEST(Advice, DivergencesNameTheSite) {
  // The walk calls a draw divergent when log(tau) < -1.
  const ToyRun run({{"draws", 4000}});
  ASSERT_GT(run.summary.divergent(), 100);
  const auto shifts = divergence_shifts(run.instance, run.result, run.summary);
  ASSERT_EQ(shifts.size(), 3u);  // one a latent site
  EXPECT_EQ(shifts[0].quantity, "tau");
  EXPECT_LT(shifts[0].z, -10);
  EXPECT_LT(shifts[0].divergent_median, std::exp(-1));
  EXPECT_NEAR(shifts[0].median, 1, 0.4);
  const auto advice = advise(run.instance, run.result, run.summary);
  ASSERT_FALSE(advice.empty());
  EXPECT_EQ(advice[0].kind, AdviceKind::divergences);
  EXPECT_EQ(advice[0].sites[0].site, "tau");
  EXPECT_EQ(advice[0].sites[0].span.line, 3);
  EXPECT_NE(advice[0].sites[0].text.find("smaller"), std::string::npos);
  const std::string text = advice_text(advice);
  EXPECT_NE(text.find("toy.ppl:3:3: site `tau`: `tau` is smaller at divergent draws"),
            std::string::npos)
      << text;
}

const Advice* find_kind(const std::vector<Advice>& all, AdviceKind kind) {
  for (const Advice& advice : all) {
    if (advice.kind == kind) {
      return &advice;
    }
  }
  return nullptr;
}

TEST(Advice, ChainsThatDoNotMix) {
  const ToyRun run({{"draws", 100}, {"warmup", 0}, {"scale", 0.02}});
  const auto all = advise(run.instance, run.result, run.summary);
  const Advice* rhat = find_kind(all, AdviceKind::rhat);
  ASSERT_NE(rhat, nullptr);
  ASSERT_FALSE(rhat->sites.empty());
  EXPECT_TRUE(rhat->sites[0].span.known());
  EXPECT_NE(find_kind(all, AdviceKind::ess), nullptr);
  EXPECT_NE(find_kind(all, AdviceKind::energy), nullptr);
  EXPECT_EQ(find_kind(all, AdviceKind::tree_depth), nullptr);
}

TEST(Advice, TreeDepthRejectionsAndNothing) {
  ToyRun run({{"draws", 4000}, {"reject_above", 2}});
  auto all = advise(run.instance, run.result, run.summary);
  const Advice* rejections = find_kind(all, AdviceKind::rejections);
  ASSERT_NE(rejections, nullptr);
  EXPECT_EQ(rejections->sites.at(0).site, "mu");
  EXPECT_EQ(rejections->sites[0].span.line, 21);

  Summary summary = run.summary;
  for (ChainSummary& chain : summary.chains) {
    chain = ChainSummary{};
    chain.draws = 1000;
    chain.energy_bfmi = 1;
  }
  summary.rows = {row("mu", 0, 0.1, 1)};
  EXPECT_TRUE(advise(run.instance, run.result, summary).empty());
  summary.max_depth = 10;
  summary.chains[1].saturated = 20;
  summary.chains[3].energy_bfmi = 0.2;
  all = advise(run.instance, run.result, summary);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].text.substr(0, 81),
            "20 of 4000 draws (0.5 %) reached the largest tree depth, max_depth = 10: they are");
  EXPECT_NE(all[1].text.find("in chain 4 (0.20)"), std::string::npos) << all[1].text;
}

TEST(Json, OfASummary) {
  Summary summary;
  summary.used_draws = 10;
  summary.used_chains = {0};
  summary.rows = {row("theta[1]", 0.1, 0.01, 1)};
  summary.rows[0].statistics.rhat = std::nan("");
  summary.chains.resize(1);
  const Advice advice{AdviceKind::rhat, "say \"no\"\n", {{"theta", {}, "x"}}};
  EXPECT_EQ(summary_json(summary, {advice}),
            "{\"draws_per_chain\": 10, \"chains_used\": 1, \"divergent\": 0, "
            "\"saturated_tree_depth\": 0, \"quantities\": [\n"
            "    {\"name\": \"theta[1]\", \"mean\": 0.1, \"mcse\": 0.01, \"sd\": 1, \"q5\": -0.9, "
            "\"q50\": 0.1, \"q95\": 1.1, \"ess_bulk\": 1234.4, \"ess_tail\": 987.6, \"rhat\": "
            "null}], \"chains\": [\n"
            "    {\"draws\": 0, \"divergent\": 0, \"saturated_tree_depth\": 0, \"e_bfmi\": 0, "
            "\"step_size\": 0, \"accept_stat\": 0, \"leapfrogs\": 0, \"rejections\": 0, "
            "\"warmup_rejections\": 0, \"warmup_seconds\": 0, \"sampling_seconds\": 0}], "
            "\"warnings\": [\n"
            "    {\"kind\": \"rhat\", \"text\": \"say \\\"no\\\"\\u000a\", \"sites\": [\n"
            "    {\"site\": \"theta\", \"file\": \"\", \"line\": 0, \"column\": 0, \"text\": "
            "\"x\"}]}]}\n");
}

// What a printer writes to a pipe.
std::string printed(ProgressStyle style, std::chrono::milliseconds period, int calls) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  ProgressPrinter printer(ends[1], style, period);
  for (int i = 1; i <= calls; ++i) {
    const ChainProgress chains[] = {{ChainPhase::sampling, 500 * i, 1000, 1000},
                                    {ChainPhase::waiting, 0, 1000, 1000}};
    printer(chains);
  }
  close(ends[1]);
  char text[4096];
  const ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST(Progress, Lines) {
  const ChainProgress progress{ChainPhase::warmup, 300, 1000, 1000};
  EXPECT_EQ(progress_line(1, progress), "chain 2: 300 / 2000 (15 %), warm-up");
  EXPECT_EQ(printed(ProgressStyle::lines, std::chrono::milliseconds(0), 1),
            "chain 1: 500 / 2000 (25 %), sampling\nchain 2: 0 / 2000 (0 %), waiting\n");
  EXPECT_EQ(printed(ProgressStyle::lines, std::chrono::seconds(60), 3), "");
  EXPECT_EQ(printed(ProgressStyle::none, std::chrono::milliseconds(0), 3), "");
  EXPECT_EQ(progress_style(1, true), ProgressStyle::none);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(progress_style(ends[1], false), ProgressStyle::lines);
  EXPECT_EQ(terminal_width(ends[1], 77), 77);
  close(ends[0]);
  close(ends[1]);
}

TEST(Progress, LiveLinesAreRedrawnInPlace) {
  const std::string text = printed(ProgressStyle::live, std::chrono::milliseconds(0), 2);
  EXPECT_EQ(text,
            "\r[======                  ] chain 1: 500 / 2000 (25 %), sampling\x1b[K\n"
            "\r[                        ] chain 2: 0 / 2000 (0 %), waiting\x1b[K\n"
            "\x1b[2A"
            "\r[============            ] chain 1: 1000 / 2000 (50 %), sampling\x1b[K\n"
            "\r[                        ] chain 2: 0 / 2000 (0 %), waiting\x1b[K\n");
}

TEST(Interrupt, TheFirstSignalSetsTheFlagAndStopsARun) {
  const InterruptGuard guard;
  EXPECT_FALSE(guard.interrupted());
  EXPECT_THROW(InterruptGuard(), std::logic_error);
  const Instance instance = runtime::test::bind_toy();
  const Parameters parameters = runtime::test::toy_parameters({{"draws", 3000000}});
  SampleOptions options;
  options.parameters = &parameters;
  options.stop = guard.flag();
  options.progress_period = std::chrono::milliseconds(1);
  options.progress = [](auto chains) {
    if (chains[0].phase == ChainPhase::sampling) {
      raise(SIGINT);
    }
  };
  // The second signal would end the process, so only the first is sent.
  bool sent = false;
  const auto send = options.progress;
  options.progress = [&](auto chains) {
    if (!sent && chains[0].phase == ChainPhase::sampling) {
      sent = true;
      send(chains);
    }
  };
  const SampleResult result = sample(instance, options);
  EXPECT_TRUE(guard.interrupted());
  EXPECT_TRUE(result.stopped);
  EXPECT_LT(result.chains[0].draw_count, 3000000);
}

TEST(Interrupt, TheSecondSignalEndsTheProcess) {
  const pid_t child = fork();
  if (child == 0) {
    const InterruptGuard guard;
    raise(SIGINT);
    raise(SIGINT);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

TEST(Interrupt, IsTakenBackAfterwards) {
  struct sigaction before {
  }, after{};
  sigaction(SIGINT, nullptr, &before);
  { const InterruptGuard guard; }
  sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  const InterruptGuard again;
  EXPECT_FALSE(again.interrupted());
}

}  // namespace
}  // namespace borel::io

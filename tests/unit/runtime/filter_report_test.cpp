#include "runtime/io/filter_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <sstream>
#include <string_view>

#include "tests/unit/runtime/toy_program.h"

namespace borel::io {
namespace {

using runtime::Chain;
using runtime::Instance;
using runtime::Parameters;
using runtime::SampleResult;

int count(std::string_view text, std::string_view word) {
  int found = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

// Numbers as a filter would have made them: sites level and level_sd, a vector path of 2 and how
// long it has gone on.
class Filter : public ::testing::Test {
 protected:
  static constexpr int steps = 50;

  Filter() : program_(runtime::test::toy_program()), machine_(*program_.machine) {
    machine_.statistic_count = 4;
    machine_.statistics = statistics_;
    machine_.steps = [](const void*) -> std::int64_t { return steps; };
    model_.name = "filter";
    model_.site_count = 3;
    model_.sites = sites_;
    model_.dimension = [](const void*) -> std::int64_t { return 0; };
    model_.draw_size = [](const void*) -> std::int64_t { return 4; };
    model_.site_shape = [](const void*, std::int32_t, std::int64_t* dims, std::int64_t* offset) {
      dims[0] = 2;
      *offset = -1;
    };
    program_.machine = &machine_;
    program_.models = &model_;
    runtime::InputData data;
    data.storage.emplace_back(sizeof(double));
    *data.storage[0].as<double>() = 1;
    data.arrays.push_back({data.storage[0].data(), {1, 0, 0, 0}});
    data.sizes.push_back(1);
    instance_.emplace(std::get<Instance>(Instance::bind(program_, std::move(data))));
  }

  // A run that ended with this log evidence after `made` steps.
  static Chain run(double log_evidence, int made = steps) {
    Chain chain;
    chain.draw_size = 4;
    chain.statistic_count = 4;
    chain.draw_count = chain.iterations = made;
    chain.draws = std::make_unique<double[]>(static_cast<std::size_t>(4 * made));
    chain.statistics = std::make_unique<double[]>(static_cast<std::size_t>(4 * made));
    for (int i = 0; i < made; ++i) {
      const double draw[] = {0.5 * i, 0.25 + i, -1, 7};
      std::copy(std::begin(draw), std::end(draw), chain.draws.get() + 4 * i);
      const bool resampled = i % 5 == 4;
      const double statistic[] = {log_evidence * (i + 1) / steps, 100. - i, resampled ? 1. : 0.,
                                  resampled ? 60. : 100.};
      std::copy(std::begin(statistic), std::end(statistic), chain.statistics.get() + 4 * i);
    }
    return chain;
  }

  const char* statistics_[4] = {"log_evidence__", "ess__", "resampled__", "ancestors__"};
  borel_site sites_[3] = {{"level", BOREL_DERIVED, BOREL_REAL, 0, 0, "real", {}, 0},
                          {"level_sd", BOREL_DERIVED, BOREL_REAL, 0, 0, "real", {}, 0},
                          {"path", BOREL_DERIVED, BOREL_REAL, 1, 0, "real", {}, 1}};
  borel_model model_{};
  borel_program program_;
  borel_machine machine_;
  std::optional<Instance> instance_;
};

TEST_F(Filter, EvidenceOfSeveralRuns) {
  SampleResult result;
  EXPECT_FALSE(evidence(*instance_, result));
  result.chains.push_back(run(-1000));
  const auto one = evidence(*instance_, result);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->log_mean, -1000);
  EXPECT_TRUE(std::isnan(one->standard_error));
  EXPECT_EQ(evidence_text(*one), "log evidence -1000.0000\n");

  // 1, 2 and 3 times e^-1000: the mean is 2, the variance 1; one that did not end does not count.
  result.chains.push_back(run(-1000 + std::log(2.)));
  result.chains.push_back(run(-1000 + std::log(3.)));
  result.chains.push_back(run(-1, 49));
  const auto three = evidence(*instance_, result);
  ASSERT_TRUE(three);
  EXPECT_EQ(three->runs.size(), 3u);
  EXPECT_NEAR(three->log_mean, -1000 + std::log(2.), 1e-12);
  EXPECT_NEAR(three->relative_variance, 0.25, 1e-12);
  EXPECT_NEAR(three->standard_error, std::sqrt(0.25 / 3), 1e-12);
  EXPECT_EQ(evidence_text(*three),
            "log evidence -999.3069 ± 0.29: the mean of 3 runs, of relative variance 0.25 each\n");

  SampleResult nothing;
  nothing.chains.push_back(run(-INFINITY));
  nothing.chains.push_back(run(-INFINITY));
  const auto none = evidence(*instance_, nothing);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->log_mean, -INFINITY);
  EXPECT_TRUE(std::isnan(none->relative_variance));
}

TEST_F(Filter, TheTableElidesItsMiddle) {
  SampleResult result;
  result.chains.emplace_back();  // one that made no step
  result.chains.push_back(run(-25));
  FilterTableOptions options;
  options.most_steps = 4;
  EXPECT_EQ(filter_table(*instance_, result, 200, options),
            "step    ESS  share  log evidence  ancestors          level  path[1]  path[2]\n"
            "   1  100.0   50 %       -0.5000          -    0.00 ± 0.25       -1        7\n"
            "   2   99.0   50 %       -1.0000          -    0.50 ± 1.25       -1        7\n"
            "   …      …      …             …          …              …        …        …\n"
            "  49   52.0   26 %      -24.5000          -  24.00 ± 48.25       -1        7\n"
            "  50   51.0   26 %      -25.0000         60  24.50 ± 49.25       -1        7\n");
  options.width = 50;
  const std::string narrow = filter_table(*instance_, result, {}, options);
  EXPECT_NE(narrow.find("step    ESS  log evidence  ancestors\n"), std::string::npos) << narrow;
  EXPECT_NE(narrow.find("and 3 more quantities\n"), std::string::npos) << narrow;
  result.chains.pop_back();
  EXPECT_EQ(filter_table(*instance_, result, 200, options), "");
}

TEST_F(Filter, ThePictureFillsTheWidthAndShowsTheLowest) {
  FilterSteps filter;
  for (int i = 0; i < 1000; ++i) {
    filter.ess.push_back(i == 500 ? 1 : 100);
  }
  const std::string wide = filter_picture(filter, 100, 46);
  std::istringstream lines(wide);
  std::string line;
  std::getline(lines, line);
  for (int row = 0; row < 5; ++row) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(count(line, "█"), 39) << line;
    EXPECT_NE(line.find(row == 4 ? "▁" : " "), std::string::npos);
  }
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line, "      1" + std::string(35, ' ') + "1000");
  // Few steps are drawn wider; nothing is drawn of nothing.
  filter.ess.assign(3, 50);
  const std::string few = filter_picture(filter, 100, 80);
  EXPECT_NE(few.find(" 0 % " + std::string("████████████████████████").substr(0, 72)),
            std::string::npos)
      << few;
  EXPECT_EQ(filter_picture({}, 100, 80), "");
  EXPECT_EQ(filter_picture(filter, 0, 80), "");
  EXPECT_EQ(filter_picture(filter, 100, 8), "");
}

TEST_F(Filter, FigureAndJson) {
  SampleResult result;
  result.chains.push_back(run(-25));
  const FilterSteps filter = filter_steps(*instance_, result.chains[0]);
  const std::string figure = filter_figure(filter, 100, "a < b & c");
  EXPECT_TRUE(figure.starts_with("<svg xmlns=")) << figure;
  EXPECT_TRUE(figure.ends_with("</svg>\n")) << figure;
  EXPECT_NE(figure.find("a &lt; b &amp; c"), std::string::npos);
  // The first step, where all are effective, is in the upper left corner of the axes.
  EXPECT_NE(figure.find("<path d=\"M56.00 40.00"), std::string::npos) << figure;
  EXPECT_EQ(count(figure, " L"), steps - 1);
  EXPECT_EQ(count(figure, "<circle"), 1 + steps / 5);  // one in the legend
  EXPECT_NE(filter_figure({}, 100, "").find("</svg>"), std::string::npos);
  EXPECT_EQ(
      filter_json(*instance_, result, 100),
      "{\"particles\": 100, \"steps\": 50, \"log_evidence\": -25,\n \"standard_error\": null, "
      "\"relative_variance\": null,\n \"runs\": [{\"log_evidence\": -25, \"steps\": 50, "
      "\"seconds\": 0}]}\n");
}

TEST_F(Filter, ParticlesAreAnInputOrAParameter) {
  Parameters parameters(machine_, steps);
  EXPECT_FALSE(particle_count(*instance_, parameters));
  const borel_parameter declared = {"particles", BOREL_INT, 1, 100, 17, {}};
  machine_.parameters = &declared;
  machine_.parameter_count = 1;
  EXPECT_EQ(particle_count(*instance_, Parameters(machine_, steps)), 17);
}

}  // namespace
}  // namespace borel::io

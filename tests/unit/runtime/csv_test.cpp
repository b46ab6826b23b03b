#include "runtime/io/csv.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "runtime/io/quantities.h"
#include "tests/unit/runtime/temporary_folder.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::io {
namespace {

using runtime::Error;
using runtime::ErrorKind;
using runtime::Parameters;
using runtime::SampleOptions;
using runtime::SampleResult;
using runtime::test::Setting;
using test::read_lines;
using test::split;
using test::TemporaryFolder;

std::variant<std::unique_ptr<CsvWriter>, Error> open(const runtime::Instance& instance,
                                                     const std::string& folder,
                                                     const Parameters& parameters,
                                                     bool save_warmup = false) {
  CsvOptions options;
  options.directory = folder;
  options.stem = "toy";
  options.model = "toy";
  options.version = "0.1.0";
  options.start_time = "2026-01-01 00:00:00 UTC";
  options.data_file = "toy.json";
  options.initial = "2";
  options.seed = 5;
  options.save_warmup = save_warmup;
  options.parameters = &parameters;
  return CsvWriter::open(instance, options);
}

struct Written {
  SampleResult result;
  std::vector<std::string> paths;
};

Written write(const std::string& folder, std::initializer_list<Setting> settings,
              SampleOptions options = {}) {
  const runtime::Instance instance = runtime::test::bind_toy();
  const Parameters parameters = runtime::test::toy_parameters(settings);
  auto writer = open(instance, folder, parameters, options.save_warmup);
  CsvWriter& csv = *std::get<std::unique_ptr<CsvWriter>>(writer);
  options.parameters = &parameters;
  options.sink = &csv;
  options.seed = 5;
  return {sample(instance, options), csv.paths()};
}

// Lines that are draws.
std::vector<std::string> rows_of(const std::vector<std::string>& lines) {
  std::vector<std::string> rows;
  for (const std::string& line : lines) {
    if (!line.starts_with("#") && !line.starts_with("lp__")) {
      rows.push_back(line);
    }
  }
  return rows;
}

TEST(Quantities, FirstIndexFastest) {
  const runtime::Instance instance = runtime::test::bind_toy();
  const auto quantities = list_quantities(instance, instance.machine_model());
  std::string names, positions;
  for (const Quantity& quantity : quantities) {
    names += quantity.name + " ";
    positions += std::to_string(quantity.position) + " ";
  }
  EXPECT_EQ(
      names,
      "mu tau theta[1,1] theta[2,1] theta[1,2] theta[2,2] theta[1,3] theta[2,3] m[1,1] m[2,1] "
      "m[1,2] m[2,2] ");
  EXPECT_EQ(positions, "0 1 2 5 3 6 4 7 8 9 10 11 ");
  EXPECT_EQ(quantities[3].file_name, "theta.2.1");
  EXPECT_EQ(quantities[3].site, 2);
}

TEST(Csv, HoldsTheDrawsWithoutLoss) {
  const TemporaryFolder folder;
  const Written written = write(folder / "new/folder", {{"draws", 50}, {"chains", 2}});
  ASSERT_FALSE(written.result.error);
  ASSERT_EQ(written.paths.size(), 2u);
  EXPECT_EQ(written.paths[1], folder / "new/folder/toy_2.csv");
  for (std::size_t c = 0; c < 2; ++c) {
    const auto lines = read_lines(written.paths[c]);
    const auto header = std::find_if(lines.begin(), lines.end(),
                                     [](const std::string& line) { return line[0] != '#'; });
    ASSERT_NE(header, lines.end());
    EXPECT_EQ(*header,
              "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,"
              "accepted__,mu,tau,theta.1.1,theta.2.1,theta.1.2,theta.2.2,theta.1.3,theta.2.3,"
              "m.1.1,m.2.1,m.1.2,m.2.2");
    const auto rows = rows_of(lines);
    ASSERT_EQ(rows.size(), 50u);
    const runtime::Chain& chain = written.result.chains[c];
    constexpr std::size_t statistics[] = {1, 2, 3, 4, 5, 6, 0, 7};
    constexpr std::size_t positions[] = {0, 1, 2, 5, 3, 6, 4, 7, 8, 9, 10, 11};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto fields = split(rows[i], ',');
      ASSERT_EQ(fields.size(), 20u);
      for (std::size_t j = 0; j < 8; ++j) {
        EXPECT_EQ(std::strtod(fields[j].c_str(), nullptr),
                  chain.statistic(static_cast<std::int64_t>(i))[statistics[j]]);
      }
      for (std::size_t j = 0; j < 12; ++j) {
        EXPECT_EQ(std::strtod(fields[8 + j].c_str(), nullptr),
                  chain.draw(static_cast<std::int64_t>(i))[positions[j]]);
      }
    }
    EXPECT_EQ(split(rows[0], ',')[3], "1");  // whole numbers stay short
  }
}

TEST(Csv, AWholeMetricHasALineARow) {
  const TemporaryFolder folder;
  borel_machine machine = *runtime::test::toy_program().machine;
  machine.name = "nuts";
  machine.metric_size = [](const void*) -> std::int64_t { return 64; };
  machine.metric = [](const void*, borel_workspace*, const void*, double* metric) {
    for (int i = 0; i < 64; ++i) {
      metric[i] = i;
    }
    return borel_status{BOREL_OK};
  };
  borel_program program = runtime::test::toy_program();
  program.machine = &machine;
  runtime::InputData data;
  data.storage.emplace_back(64);
  data.arrays.push_back({data.storage[0].data(), {0, 0, 0, 0}});
  data.sizes.push_back(0);
  const auto bound = runtime::Instance::bind(program, std::move(data));
  const auto& instance = std::get<runtime::Instance>(bound);
  const Parameters parameters = runtime::test::toy_parameters({{"draws", 5}, {"chains", 1}});
  const auto writer = open(instance, folder.path(), parameters);
  SampleOptions options;
  options.parameters = &parameters;
  options.sink = std::get<std::unique_ptr<CsvWriter>>(writer).get();
  ASSERT_FALSE(sample(instance, options).error);
  const auto lines = read_lines(folder / "toy_1.csv");
  EXPECT_NE(std::find(lines.begin(), lines.end(), "#         metric = dense_e"), lines.end());
  const auto metric = std::find(lines.begin(), lines.end(), "# Elements of inverse mass matrix:");
  ASSERT_NE(metric, lines.end());
  EXPECT_EQ(metric[1], "# 0, 1, 2, 3, 4, 5, 6, 7");
  EXPECT_EQ(metric[8], "# 56, 57, 58, 59, 60, 61, 62, 63");
}

TEST(Csv, CommentsTellConfigurationAdaptationAndTime) {
  const TemporaryFolder folder;
  SampleOptions options;
  options.save_warmup = true;
  const Written written =
      write(folder.path(), {{"draws", 5}, {"warmup", 3}, {"chains", 2}}, options);
  const auto lines = read_lines(written.paths[1]);
  const auto has = [&](const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  };
  EXPECT_TRUE(has("# model = toy"));
  EXPECT_TRUE(has("#     num_samples = 5"));
  EXPECT_TRUE(has("#     num_warmup = 3"));
  EXPECT_TRUE(has("#     save_warmup = 1"));
  EXPECT_TRUE(has("#     algorithm = walk"));
  EXPECT_TRUE(has("#       scale = 0.8"));
  EXPECT_TRUE(has("# id = 2"));
  EXPECT_TRUE(has("#   seed = 5"));
  EXPECT_TRUE(has("# target_cpu = x86-64"));
  const auto adapted = std::find(lines.begin(), lines.end(), "# Adaptation terminated");
  ASSERT_NE(adapted, lines.end());
  EXPECT_EQ(adapted[1], "# Step size = 0.8");
  EXPECT_EQ(adapted[2], "# Diagonal elements of inverse mass matrix:");
  EXPECT_EQ(adapted[3], "# 1, 2, 0.1, 4, 5, 6, 7, 8");
  EXPECT_EQ(rows_of({lines.begin(), adapted}).size(), 3u);
  EXPECT_EQ(rows_of({adapted, lines.end()}).size(), 5u);
  EXPECT_TRUE(lines[lines.size() - 4].starts_with("#  Elapsed Time: ")) << lines[lines.size() - 4];
  EXPECT_TRUE(lines[lines.size() - 4].ends_with(" seconds (Warm-up)"));
  EXPECT_TRUE(lines[lines.size() - 3].ends_with(" seconds (Sampling)"));
  EXPECT_TRUE(lines[lines.size() - 2].ends_with(" seconds (Total)"));
}

TEST(Csv, TheSameBytesForAnyNumberOfThreads) {
  const TemporaryFolder folder;
  SampleOptions one, four;
  one.threads = 1;
  four.threads = 4;
  const Written a = write(folder / "a", {{"draws", 200}}, one);
  const Written b = write(folder / "b", {{"draws", 200}}, four);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_EQ(rows_of(read_lines(a.paths[c])), rows_of(read_lines(b.paths[c])));
  }
}

TEST(Csv, AStoppedRunLeavesWholeFiles) {
  const TemporaryFolder folder;
  std::atomic<bool> stop{false};
  SampleOptions options;
  options.threads = 1;
  options.stop = &stop;
  options.progress_period = std::chrono::milliseconds(1);
  options.progress = [&](auto chains) { stop = chains[0].iterations > 1000; };
  const Written written = write(folder.path(), {{"draws", 2000000}}, options);
  EXPECT_TRUE(written.result.stopped);
  const auto lines = read_lines(written.paths[0]);
  const auto rows = rows_of(lines);
  EXPECT_EQ(static_cast<std::int64_t>(rows.size()), written.result.chains[0].draw_count);
  EXPECT_EQ(split(rows.back(), ',').size(), 20u);
  EXPECT_TRUE(lines[lines.size() - 2].ends_with(" seconds (Total)"));
}

TEST(Csv, AFullDeviceIsAnErrorBeforeAnythingIsComputed) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "toy_1.csv");
  const runtime::Instance instance = runtime::test::bind_toy();
  const Parameters parameters = runtime::test::toy_parameters({{"draws", 1000}});
  const auto writer = open(instance, folder.path(), parameters);
  ASSERT_TRUE(std::holds_alternative<Error>(writer));
  EXPECT_EQ(std::get<Error>(writer).kind, ErrorKind::output);
  EXPECT_EQ(std::get<Error>(writer).text,
            "cannot write `" + (folder / "toy_1.csv") +
                "`: No space left on device; the file holds 0 of 1000 iterations of chain 1");
}

TEST(Csv, AFolderThatCannotBeMadeOrWritten) {
  const TemporaryFolder folder;
  const runtime::Instance instance = runtime::test::bind_toy();
  const Parameters parameters = runtime::test::toy_parameters({});
  const auto no_folder = open(instance, "/dev/null/x", parameters);
  ASSERT_TRUE(std::holds_alternative<Error>(no_folder));
  EXPECT_NE(std::get<Error>(no_folder).text.find("cannot make the folder `/dev/null/x`"),
            std::string::npos);
  std::filesystem::create_directory(folder / "toy_1.csv");
  const auto no_file = open(instance, folder.path(), parameters);
  ASSERT_TRUE(std::holds_alternative<Error>(no_file));
  EXPECT_NE(std::get<Error>(no_file).text.find("Is a directory"), std::string::npos);
}

// A disk that fills during the run, played by a limit on the size of files.
TEST(Csv, AFileThatCannotGrowIsCutAfterItsLastWholeDraw) {
  const TemporaryFolder folder;
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{300000, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Written written = write(folder.path(), {{"draws", 20000}, {"chains", 1}});
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_TRUE(written.result.error);
  EXPECT_EQ(written.result.error->kind, ErrorKind::output);
  const auto rows = rows_of(read_lines(written.paths[0]));
  EXPECT_GT(rows.size(), 500u);
  EXPECT_EQ(written.result.error->text,
            "chain 1: cannot write `" + written.paths[0] + "`: File too large; the file holds " +
                std::to_string(rows.size()) + " of 20000 iterations of chain 1");
  EXPECT_EQ(split(rows.back(), ',').size(), 20u);
  EXPECT_GE(written.result.chains[0].draw_count, static_cast<std::int64_t>(rows.size()));
}

}  // namespace
}  // namespace borel::io

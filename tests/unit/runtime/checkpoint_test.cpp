#include "runtime/io/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/unit/runtime/temporary_folder.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::io {
namespace {

using runtime::Chain;
using runtime::Parameters;
using runtime::SampleOptions;
using runtime::SampleResult;
using test::TemporaryFolder;

RunIdentity identity() {
  return {.program = "program",
          .code = "code",
          .target_cpu = "cpu",
          .data = "data",
          .settings = "settings",
          .seed = 5};
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_all(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A run of the toy program with a checkpoint after each iteration; one chain of 5 + 20.
class Checkpoint : public testing::Test {
 protected:
  Checkpoint()
      : parameters_(runtime::test::toy_parameters({{"chains", 1}, {"warmup", 5}, {"draws", 20}})) {
    CsvOptions csv;
    csv.directory = folder_.path();
    csv.stem = "toy";
    csv.save_warmup = true;
    csv.parameters = &parameters_;
    csv.marked = true;
    auto opened = CsvWriter::open(instance_, csv);
    auto& writer = *std::get<std::unique_ptr<CsvWriter>>(opened);
    CheckpointWriter checkpoints(folder_.path(), identity(), parameters_, every_, writer,
                                 [](const std::string& text) { ADD_FAILURE() << text; });
    SampleOptions options;
    options.parameters = &parameters_;
    options.save_warmup = true;
    options.seed = 5;
    options.sink = &writer;
    options.states = &checkpoints;
    result_ = sample(instance_, options);
    path_ = checkpoint_path(folder_.path(), 0);
    csv_path_ = folder_ / "toy_1.csv";
  }

  // What is wrong with the checkpoint; empty: nothing.
  std::string refusal(const RunIdentity& own = identity(), std::int64_t chain = 0) {
    const auto read = read_checkpoint(folder_.path(), own, chain);
    const auto* text = std::get_if<std::string>(&read);
    return text != nullptr ? *text : std::string();
  }

  TemporaryFolder folder_;
  const std::chrono::duration<double> every_{0};
  runtime::Instance instance_ = runtime::test::bind_toy();
  Parameters parameters_;
  SampleResult result_;
  std::string path_, csv_path_;
};

TEST_F(Checkpoint, HoldsTheChainAndItsFileTheDraws) {
  auto read = read_checkpoint(folder_.path(), identity(), 0);
  ASSERT_TRUE(std::holds_alternative<SavedChain>(read)) << std::get<std::string>(read);
  auto& [chain, mark] = std::get<SavedChain>(read);
  const Chain& whole = result_.chains[0];
  EXPECT_EQ(chain.iterations, 25);
  EXPECT_EQ(mark.rows, 25);
  EXPECT_EQ(chain.adaptation.inverse_metric, whole.adaptation.inverse_metric);
  EXPECT_EQ(chain.adaptation.step_size, whole.adaptation.step_size);
  EXPECT_EQ(chain.time.warmup_seconds, whole.time.warmup_seconds);
  ASSERT_EQ(chain.state.size(), whole.state.size());
  EXPECT_EQ(std::memcmp(chain.state.data(), whole.state.data(), whole.state.size()), 0);
  ASSERT_EQ(read_draws(instance_, csv_path_, mark, chain), "");
  EXPECT_EQ(std::memcmp(chain.draws.get(), whole.draws.get(),
                        25 * runtime::test::toy_draw_size * sizeof(double)),
            0);
  EXPECT_EQ(std::memcmp(chain.statistics.get(), whole.statistics.get(),
                        25 * runtime::test::toy_statistic_count * sizeof(double)),
            0);
}

TEST_F(Checkpoint, WithAnyByteChangedIsRefused) {
  const std::string whole = read_all(path_);
  ASSERT_GT(whole.size(), 300u);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {0, 5, 7}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      write_all(path_, damaged);
      ASSERT_NE(refusal().find("damaged"), std::string::npos) << "byte " << i << ": " << refusal();
    }
  }
}

TEST_F(Checkpoint, OfAnyOtherLengthIsRefused) {
  const std::string whole = read_all(path_);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_all(path_, whole.substr(0, size));
    ASSERT_NE(refusal().find("damaged"), std::string::npos) << size;
  }
  write_all(path_, whole + std::string(1, '\0'));
  EXPECT_NE(refusal().find("damaged"), std::string::npos);
  write_all(path_, whole + whole);
  EXPECT_NE(refusal().find("damaged"), std::string::npos);
}

TEST_F(Checkpoint, OfAnotherRunIsRefused) {
  EXPECT_EQ(refusal(), "");
  const auto changed = [](auto change) {
    RunIdentity other = identity();
    change(other);
    return other;
  };
  const std::pair<RunIdentity, std::string> cases[] = {
      {changed([](RunIdentity& i) { i.program = "p"; }), "another run; what differs: the program"},
      {changed([](RunIdentity& i) { i.code = "c"; }), "another run; what differs: the code that"},
      {changed([](RunIdentity& i) { i.target_cpu = "c"; }),
       "another run; what differs: the processor"},
      {changed([](RunIdentity& i) { i.data = "d"; }), "another run; what differs: the data"},
      {changed([](RunIdentity& i) { i.settings = "s"; }),
       "another run; what differs: the settings"},
      {changed([](RunIdentity& i) { i.seed = 6; }), "another run; what differs: the seed"}};
  for (const auto& [other, words] : cases) {
    EXPECT_NE(refusal(other).find(words), std::string::npos) << refusal(other);
  }
  std::filesystem::copy(path_, checkpoint_path(folder_.path(), 1));
  EXPECT_NE(refusal(identity(), 1).find("is of chain 1"), std::string::npos);
}

TEST_F(Checkpoint, ThatIsNotThereIsAChainThatStartsAnew) {
  const auto read = read_checkpoint(folder_.path(), identity(), 7);
  ASSERT_TRUE(std::holds_alternative<SavedChain>(read));
  EXPECT_EQ(std::get<SavedChain>(read).chain.state.size(), 0u);
  EXPECT_EQ(std::get<SavedChain>(read).csv.bytes, 0);
}

TEST_F(Checkpoint, DrawsThatHaveChangedAreRefused) {
  auto read = read_checkpoint(folder_.path(), identity(), 0);
  auto& [chain, mark] = std::get<SavedChain>(read);
  const std::string whole = read_all(csv_path_);
  const auto check = [&](const std::string& bytes, const CsvMark& at) {
    write_all(csv_path_, bytes);
    return read_draws(instance_, csv_path_, at, chain);
  };
  EXPECT_EQ(check(whole, mark), "");
  EXPECT_EQ(check(whole + "more", mark), "");
  for (std::size_t i = 0; i < static_cast<std::size_t>(mark.bytes); i += 7) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_NE(check(damaged, mark).find("has changed"), std::string::npos) << i;
  }
  EXPECT_NE(check(whole.substr(0, static_cast<std::size_t>(mark.bytes) - 1), mark).find("fewer"),
            std::string::npos);
  ++chain.draw_count;
  EXPECT_NE(check(whole, mark).find("holds 25 rows"), std::string::npos);
  chain.draw_count -= 2;
  EXPECT_NE(check(whole, mark).find("does not hold"), std::string::npos);
}

TEST(ReplaceFile, LeavesTheOldOneWhereItFails) {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  EXPECT_EQ(replace_file(path, "one"), "");
  EXPECT_EQ(replace_file(path, "two"), "");
  EXPECT_EQ(read_all(path), "two");
  std::filesystem::create_directory(path + ".new");
  EXPECT_NE(replace_file(path, "three").find("cannot write"), std::string::npos);
  EXPECT_EQ(read_all(path), "two");
  EXPECT_NE(replace_file(folder / "none/file", "x").find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace borel::io

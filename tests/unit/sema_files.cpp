// Whole files: every good program is analysed without a word, and every bad one under
// tests/language/bad that is not about syntax says exactly what stands beside it in NAME.expected.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "compiler/sema/sema.h"
#include "compiler/syntax/parse.h"
#include "tests/unit/sema_validity.h"

namespace borel {
namespace {

namespace fs = std::filesystem;

const fs::path root = BOREL_SOURCE_DIR;

std::vector<fs::path> programs(const fs::path& folder) {
  std::vector<fs::path> out;
  if (!fs::exists(folder)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    bool syntax = entry.path().filename().string().rfind("syntax_", 0) == 0;
    if (entry.path().extension() == ".ppl" && !syntax) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Outcome {
  SourceManager sources;
  Diagnostics diagnostics;
  std::optional<typed::Program> program;
};

void analyse_file(const fs::path& path, Outcome& out) {
  static const sema::DirectoryLibrary texts((root / "stdlib").string());
  sema::Library library(texts, out.sources, out.diagnostics);
  FileId id = out.sources.add(path.filename().string(), contents(path));
  ast::File file = syntax::parse(out.sources, id, out.diagnostics);
  ASSERT_FALSE(out.diagnostics.has_errors()) << render(out.diagnostics, out.sources);
  out.program = sema::analyse(file, library, {}, out.diagnostics);
}

TEST(SemaFiles, BadProgramsSayWhatIsExpected) {
  std::size_t count = 0;
  for (const fs::path& path : programs(root / "tests/language/bad")) {
    ++count;
#ifdef __SANITIZE_THREAD__  // see tests/language/CMakeLists.txt
    if (path.filename().string().starts_with("limits")) continue;
#endif
    Outcome out;
    analyse_file(path, out);
    fs::path expected = path;
    expected.replace_extension(".expected");
    ASSERT_TRUE(fs::exists(expected)) << expected;
    EXPECT_EQ(render(out.diagnostics, out.sources), contents(expected)) << path;
    EXPECT_FALSE(out.program) << path;
  }
  EXPECT_GE(count, 20u);
}

TEST(SemaFiles, GoodProgramsAreAnalysedWithoutAWord) {
  std::size_t count = 0;
  for (const char* folder : {"tests/language/good", "tests/run/posteriordb"}) {
    for (const fs::path& path : programs(root / folder)) {
      ++count;
      Outcome out;
      analyse_file(path, out);
      EXPECT_EQ(render(out.diagnostics, out.sources), "") << path;
      ASSERT_TRUE(out.program) << path;
      EXPECT_TRUE(out.program->machine) << path;
      for (const std::string& wrong : broken_promises(*out.program)) {
        ADD_FAILURE() << path << ": " << wrong;
      }
    }
  }
  EXPECT_GE(count, 20u);
}

// The check of promises sees what is broken.
TEST(SemaFiles, BrokenPromisesAreSeen) {
  const fs::path path = root / "tests/language/good/functions.ppl";
  auto broken = [&](auto damage) {
    Outcome out;
    analyse_file(path, out);
    damage(*out.program);
    return !broken_promises(*out.program).empty();
  };
  EXPECT_FALSE(broken([](typed::Program&) {}));
  EXPECT_TRUE(broken([](typed::Program& p) { p.functions[1].params.pop_back(); }));
  EXPECT_TRUE(broken([](typed::Program& p) { p.functions[1].body.pop_back(); }));
  EXPECT_TRUE(broken([](typed::Program& p) {
    p.functions[0].result.scalar = typed::Scalar::Bool;
    p.functions[0].result.kind = typed::Type::Kind::Scalar;
  }));
  EXPECT_TRUE(broken([](typed::Program& p) { p.globals.clear(); }));
  EXPECT_TRUE(broken([](typed::Program& p) { p.models[0].sites[1].outer_rank = 0; }));
  EXPECT_TRUE(broken([](typed::Program& p) { p.machine->statistics.clear(); }));
  EXPECT_TRUE(broken([](typed::Program& p) { p.variables[0].type.scalar = typed::Scalar::Real; }));
}

}  // namespace
}  // namespace borel

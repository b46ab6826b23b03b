// Whole files: every program in the repository parses, and every bad one under tests/language/bad
// that is about syntax says exactly what stands beside it in NAME.expected.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "compiler/syntax/parse.h"
#include "compiler/syntax/print.h"

namespace borel {
namespace {

namespace fs = std::filesystem;

const fs::path root = BOREL_SOURCE_DIR;

std::vector<fs::path> programs(const fs::path& folder) {
  std::vector<fs::path> out;
  if (!fs::exists(folder)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".ppl") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(SyntaxFiles, BadProgramsSayWhatIsExpected) {
  std::size_t count = 0;
  for (const fs::path& path : programs(root / "tests/language/bad")) {
    const std::string name = path.filename().string();
    if (name.rfind("syntax_", 0) != 0) continue;
    ++count;
    SourceManager sources;
    Diagnostics diagnostics;
    const FileId id = sources.add(name, contents(path));
    syntax::parse(sources, id, diagnostics);
    fs::path expected = path;
    expected.replace_extension(".expected");
    ASSERT_TRUE(fs::exists(expected)) << expected;
    EXPECT_EQ(render(diagnostics, sources), contents(expected)) << path;
    EXPECT_TRUE(diagnostics.has_errors()) << path;
  }
  EXPECT_GE(count, 8u);
}

TEST(SyntaxFiles, EveryProgramParses) {
  for (const char* folder : {"stdlib", "examples", "tests/run", "tests/language/good"}) {
    for (const fs::path& path : programs(root / folder)) {
      SourceManager sources;
      Diagnostics diagnostics;
      const auto id = sources.load(path);
      ASSERT_TRUE(id) << path;
      const ast::File file = syntax::parse(sources, *id, diagnostics);
      EXPECT_EQ(render(diagnostics, sources), "");
      EXPECT_TRUE(file.broken.empty());
      EXPECT_FALSE(file.decls.empty()) << path;
    }
  }
}

// However a program is cut off or mangled, the parser ends, and says so.
TEST(SyntaxFiles, MangledProgramsEndInErrors) {
  const std::string text = contents(root / "tests/language/good/syntax_all.ppl");
  ASSERT_FALSE(text.empty());
  const auto errors = [](const std::string& mangled) {
    SourceManager sources;
    Diagnostics diagnostics;
    syntax::parse(sources, sources.add("mangled.ppl", mangled), diagnostics);
    EXPECT_NO_THROW(render(diagnostics, sources));
    return diagnostics.error_count();
  };
  EXPECT_EQ(errors(text), 0u);
  std::size_t complaints = 0;
  std::size_t tried = 0;
  for (std::size_t i = 1; i < text.size(); i += 29) {
    errors(text.substr(0, i));
    for (const char* other : {"(", "}", "]", "=", "let", "\n", "\"", "/*", "?", "\xff"}) {
      complaints += errors(text.substr(0, i) + other + text.substr(i)) != 0;
      ++tried;
    }
  }
  // Some insertions are harmless (in comments and texts, or a newline between statements).
  EXPECT_GT(complaints * 10, tried * 6);
}

}  // namespace
}  // namespace borel

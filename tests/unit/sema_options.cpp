// What analysis says of options that do not fit the program.
#include <gtest/gtest.h>

#include "compiler/sema/sema.h"
#include "compiler/syntax/parse.h"

namespace borel {
namespace {

std::string said(const std::string& program, const sema::AnalyseOptions& options) {
  static const sema::DirectoryLibrary texts(std::string(BOREL_SOURCE_DIR) + "/stdlib");
  SourceManager sources;
  Diagnostics diagnostics;
  sema::Library library(texts, sources, diagnostics);
  const FileId id = sources.add("test.ppl", program);
  const ast::File file = syntax::parse(sources, id, diagnostics);
  EXPECT_FALSE(sema::analyse(file, library, options, diagnostics));
  return render(diagnostics, sources);
}

const char* const program =
    "model m(n: int) { x ~ Normal(0, 1) }\n"
    "def walk(p, scale: real) = nuts(p)\n";

TEST(SemaOptions, AMachineThatIsNotThere) {
  sema::AnalyseOptions options;
  options.model = "m";
  options.machine = "hmc";
  EXPECT_EQ(said(program, options),
            "test.ppl:1:7: error: there is no machine 'hmc'\n"
            "    1 | model m(n: int) { x ~ Normal(0, 1) }\n"
            "      |       ^\n");
}

TEST(SemaOptions, AMachineThatWantsMore) {
  sema::AnalyseOptions options;
  options.model = "m";
  options.machine = "walk";
  EXPECT_EQ(said(program, options),
            "test.ppl:1:7: error: the machine 'walk' wants more than a model\n"
            "    1 | model m(n: int) { x ~ Normal(0, 1) }\n"
            "      |       ^\n");
}

TEST(SemaOptions, AModelThatIsNotThere) {
  sema::AnalyseOptions options;
  options.model = "n";
  const std::string text = said(program, options);
  EXPECT_NE(text.find("there is no model 'n'"), std::string::npos) << text;
}

}  // namespace
}  // namespace borel

// Source places, the rendered form of diagnostics, and suggestions.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"

namespace borel {
namespace {

Span find(const SourceManager& sources, FileId id, std::string_view what) {
  const std::size_t at = sources.file(id).text().find(what);
  EXPECT_NE(at, std::string_view::npos) << what;
  return {id, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + what.size())};
}

TEST(Source, LinesAndColumns) {
  SourceManager sources;
  const FileId id = sources.add("a.ppl", "one\n\ntwo \xc3\xa4\xc3\xb6 three\r\nlast");
  const SourceFile& file = sources.file(id);
  EXPECT_EQ(file.line_count(), 4u);
  EXPECT_EQ(file.line(1), "one");
  EXPECT_EQ(file.line(2), "");
  EXPECT_EQ(file.line(3), "two \xc3\xa4\xc3\xb6 three");
  EXPECT_EQ(file.line(4), "last");
  EXPECT_EQ(file.line(5), "");
  EXPECT_EQ(file.line(0), "");
  EXPECT_EQ(file.position(0), (Position{1, 1}));
  EXPECT_EQ(file.position(3), (Position{1, 4}));
  EXPECT_EQ(file.position(4), (Position{2, 1}));
  EXPECT_EQ(file.position(1000), (Position{4, 5}));
  EXPECT_EQ(sources.begin(find(sources, id, "three")), (Position{3, 8}));
  EXPECT_EQ(sources.text(find(sources, id, "three")), "three");
}

TEST(Source, Places) {
  SourceManager sources;
  const FileId id = sources.add("a.ppl", "x = \xc3\xa4\xc3\xb6\nnext line\n");
  EXPECT_EQ(sources.place(find(sources, id, "next")), "a.ppl:2:1-4");
  EXPECT_EQ(sources.place(find(sources, id, "=")), "a.ppl:1:3");
  EXPECT_EQ(sources.place(find(sources, id, "\xc3\xa4\xc3\xb6")), "a.ppl:1:5-6");
  EXPECT_EQ(sources.place(find(sources, id, "\xc3\xa4")), "a.ppl:1:5");
  EXPECT_EQ(sources.place(find(sources, id, "= \xc3\xa4\xc3\xb6\nnext")), "a.ppl:1:3-2:4");
  EXPECT_EQ(sources.place({id, 2, 2}), "a.ppl:1:3");
  EXPECT_EQ(sources.place({}), "");
}

TEST(Source, Joining) {
  const FileId id{0};
  EXPECT_EQ(join({id, 4, 6}, {id, 1, 5}), (Span{id, 1, 6}));
  EXPECT_EQ(join({}, {id, 1, 5}), (Span{id, 1, 5}));
  EXPECT_EQ(join({id, 1, 5}, {}), (Span{id, 1, 5}));
  EXPECT_THROW(join({id, 1, 5}, {FileId{1}, 1, 5}), InternalError);
}

TEST(Source, LoadingWhatIsNotThere) {
  SourceManager sources;
  EXPECT_FALSE(sources.load("/nowhere/to/be/found.ppl"));
  EXPECT_FALSE(sources.load("/"));
  EXPECT_EQ(sources.file_count(), 0u);
}

TEST(Diagnostics, RenderInFull) {
  SourceManager sources;
  const FileId id = sources.add("file.ppl",
                                "model m(sigma: real) {\n"
                                "\ty ~ Normal(mu, sgima)\n"
                                "}\n");
  Diagnostics diagnostics;
  diagnostics.error("name.unknown", find(sources, id, "sgima"), "unknown name 'sgima'")
      .with_found("nothing")
      .with_expected("a name in scope")
      .with_note(find(sources, id, "sigma"), "a parameter of nearly that name")
      .with_note({}, "names are case-sensitive")
      .with_suggestion("did you mean 'sigma'?");
  EXPECT_EQ(render(diagnostics, sources),
            "file.ppl:2:17-21: error: unknown name 'sgima'\n"
            "    2 |  y ~ Normal(mu, sgima)\n"
            "      |                 ^~~~~\n"
            "  found: nothing\n"
            "  expected: a name in scope\n"
            "  file.ppl:1:9-13: note: a parameter of nearly that name\n"
            "    1 | model m(sigma: real) {\n"
            "      |         ^~~~~\n"
            "  note: names are case-sensitive\n"
            "  help: did you mean 'sigma'?\n");
}

TEST(Diagnostics, SpansOverLinesAndEnds) {
  SourceManager sources;
  const FileId id = sources.add("a.ppl", "f(a,\n  b)");
  Diagnostics diagnostics;
  diagnostics.warning("x", {id, 0, 9}, "over lines");
  diagnostics.error("x", {id, 9, 9}, "at the end");
  diagnostics.error("x", {}, "nowhere");
  EXPECT_EQ(render(diagnostics, sources),
            "a.ppl:1:1-2:4: warning: over lines\n"
            "    1 | f(a,\n"
            "      | ^~~~\n"
            "a.ppl:2:5: error: at the end\n"
            "    2 |   b)\n"
            "      |     ^\n"
            "error: nowhere\n");
}

TEST(Diagnostics, CountErrorsOnce) {
  Diagnostics diagnostics;
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.warning("a", {}, "careful");
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.error("b", {}, "wrong");
  diagnostics.error("b", {}, "wrong");
  diagnostics.error("b", {FileId{0}, 1, 2}, "wrong");
  EXPECT_EQ(diagnostics.error_count(), 2u);
  EXPECT_EQ(diagnostics.all().size(), 3u);
}

TEST(Suggestions, NearestName) {
  const std::vector<std::string> names = {"sigma", "mu", "theta", "tau", "z", "log_sigma"};
  EXPECT_EQ(nearest("sgima", names), "sigma");
  EXPECT_EQ(nearest("sigm", names), "sigma");
  EXPECT_EQ(nearest("Sigma", names), "sigma");
  EXPECT_EQ(nearest("tehta", names), "theta");
  EXPECT_EQ(nearest("nu", names), "mu");
  EXPECT_EQ(nearest("log_sgima", names), "log_sigma");
  EXPECT_EQ(nearest("x", names), "");
  EXPECT_EQ(nearest("alpha", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("sigma", {}), "");
  EXPECT_EQ(did_you_mean("sgima", names), "did you mean 'sigma'?");
  EXPECT_EQ(did_you_mean("alpha", names), "");
}

TEST(InternalErrors, AskForAReport) {
  try {
    internal_check(false, "two and two make five");
    FAIL();
  } catch (const InternalError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("two and two make five"), std::string::npos);
    EXPECT_NE(text.find("please report"), std::string::npos);
    EXPECT_NE(text.find("support_test.cpp"), std::string::npos);
  }
}

}  // namespace
}  // namespace borel

// How the parser goes on after errors, and its limits. The texts of the errors are golden files
// (syntax_files.cpp).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/syntax/parse.h"
#include "compiler/syntax/print.h"

namespace borel {
namespace {

struct Outcome {
  SourceManager sources;
  Diagnostics diagnostics;
  ast::File file;

  explicit Outcome(std::string text) {
    file = syntax::parse(sources, sources.add("test.ppl", std::move(text)), diagnostics);
  }

  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const Diagnostic* one : diagnostics.all()) out.push_back(one->code);
    return out;
  }
  std::vector<std::string> broken() const {
    std::vector<std::string> out;
    for (const ast::Name& one : file.broken) out.push_back(one.text);
    return out;
  }
  std::vector<std::uint32_t> lines() const {
    std::vector<std::uint32_t> out;
    for (const Diagnostic* one : diagnostics.all()) out.push_back(sources.begin(one->span).line);
    return out;
  }
};

using Words = std::vector<std::string>;
using Lines = std::vector<std::uint32_t>;

TEST(SyntaxErrors, SoundDeclarationsAreKept) {
  const Outcome out(
      "def a(x) { x }\n"
      "def b(x) { x + }\n"
      "def c(x) { x }\n"
      "def d(x) { (x }\n"
      "struct E { x y }\n"
      "def f(x) { 0 < x < 1 }\n"
      "def (x) { x }\n"
      "def g(x) { x }\n");
  EXPECT_EQ(syntax::print(out.file),
            "(def a (params x) (block x))\n(def c (params x) (block x))\n"
            "(def g (params x) (block x))\n");
  EXPECT_EQ(out.broken(), (Words{"b", "d", "E", "f"}));
  EXPECT_EQ(out.lines(), (Lines{2, 4, 5, 6, 7}));
}

TEST(SyntaxErrors, OnePerStatementAtEveryDepth) {
  const Outcome out(
      "model m() {\n"
      "  let = 1\n"
      "  for i in 0..3 {\n"
      "    x[i ~ D\n"
      "    y[i] ~\n"
      "    if x { let 3 } else { z( = 1 }\n"
      "  }\n"
      "  apply(fn u { var = 2; let v = 3 3 })\n"
      "  ) \n"
      "  return 1 +\n"
      "}\n");
  EXPECT_EQ(out.lines(), (Lines{2, 4, 5, 6, 6, 8, 8, 9, 10}));
}

TEST(SyntaxErrors, AnUnclosedBlockEndsBeforeTheNextDeclaration) {
  const Outcome out(
      "def a(x) {\n  if x {\n    return 1\n}\n"
      "def b(x) { x }\n");
  EXPECT_EQ(out.codes(), Words{"syntax.bracket"});
  EXPECT_EQ(out.broken(), Words{"a"});
  EXPECT_EQ(syntax::print(out.file), "(def b (params x) (block x))\n");
  // It says where the block was opened, and which inner one is the likely culprit.
  const Diagnostic& report = *out.diagnostics.all().at(0);
  ASSERT_EQ(report.notes.size(), 2u);
  EXPECT_EQ(out.sources.place(report.notes[0].span), "test.ppl:1:10");
  EXPECT_EQ(out.sources.place(report.notes[1].span), "test.ppl:2:8");
}

TEST(SyntaxErrors, TextThatIsNotUtf8) {
  const Outcome comment("// \xff\xfe\ndef a = 1\n");
  EXPECT_FALSE(comment.diagnostics.has_errors());
  EXPECT_EQ(comment.file.decls.size(), 1u);
  const Outcome code("def a = \xff\n");
  EXPECT_TRUE(code.diagnostics.has_errors());
  const Outcome zero(std::string("def a = 1 \0 2\n", 14));
  EXPECT_TRUE(zero.diagnostics.has_errors());
}

std::string repeat(const std::string& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(SyntaxErrors, DeepTextIsRefusedAndNotRecursedInto) {
  const std::size_t many = 20000;
  const std::vector<std::string> deep = {
      repeat("(", many) + "1" + repeat(")", many),
      repeat("-", many) + "1",
      repeat("!", many) + "x",
      repeat("1 + ", many) + "1",
      repeat("2 ^ ", many) + "1",
      repeat("a ? b : ", many) + "c",
      repeat("fn x => ", many) + "x",
      "x" + repeat(".y", many),
      "x" + repeat("(1)", many),
      "x" + repeat("[1]", many),
      "m" + repeat(" then m", many),
      "fn x { if a { b }" + repeat(" else if a { b }", many) + " }",
  };
  for (const std::string& text : deep) {
    const Outcome out("def e = " + text + "\n");
    EXPECT_EQ(out.codes(), Words{"syntax.too_deep"}) << text.substr(0, 20);
    EXPECT_TRUE(out.file.decls.empty());
  }
}

TEST(SyntaxErrors, TextJustBelowTheLimitsParses) {
  const std::size_t many = 990;
  const std::vector<std::string> texts = {
      repeat("(", 199) + "1" + repeat(")", 199),
      repeat("-", many) + "1",
      repeat("2 ^ ", many) + "1",
      repeat("a ? b : ", many) + "c",
      repeat("fn x => ", many) + "x",
      "x" + repeat(".y", many),
      "fn x { if a { b }" + repeat(" else if a { b }", many) + " }",
  };
  for (const std::string& text : texts) {
    const Outcome out("def e = " + text + "\n");
    EXPECT_FALSE(out.diagnostics.has_errors()) << text.substr(0, 20);
    EXPECT_EQ(out.file.decls.size(), 1u);
  }
}

TEST(SyntaxErrors, LongTextIsNotDeep) {
  const std::size_t many = 3000;
  const Outcome list("def e = [" + repeat("-1 + 2,\n", many) + "]\n");
  EXPECT_FALSE(list.diagnostics.has_errors());
  const Outcome block("def f(x) {\n" + repeat("if x { g(-x.y) } else { h((x)) }\n", many) + "}\n");
  EXPECT_FALSE(block.diagnostics.has_errors());
  const Outcome wide("def f(x) {\n" + repeat("let y = (1 + 2) * -3 ^ (4)\n", many) + "}\n");
  EXPECT_FALSE(wide.diagnostics.has_errors());
  EXPECT_FALSE(
      Outcome("def e = " + repeat("(", 150) + "1" + repeat(")", 150)).diagnostics.has_errors());
  EXPECT_FALSE(Outcome("def e = " + repeat("1 + ", 900) + "1").diagnostics.has_errors());
}

}  // namespace
}  // namespace borel

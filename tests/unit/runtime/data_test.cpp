#include "runtime/io/data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

#include "runtime/io/layout.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::io {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

JsonDocument parse(const std::string& text) {
  auto parsed = JsonDocument::parse(text, "data.json");
  if (const JsonError* error = std::get_if<JsonError>(&parsed)) {
    ADD_FAILURE() << error->text;
    return {};
  }
  return std::move(std::get<JsonDocument>(parsed));
}

JsonError parse_error(const std::string& text) {
  auto parsed = JsonDocument::parse(text, "data.json");
  if (!std::holds_alternative<JsonError>(parsed)) {
    ADD_FAILURE() << "no error in " << text;
    return {};
  }
  return std::get<JsonError>(parsed);
}

// A program that has inputs and nothing else; declaration i stands at line i + 1, column 1.
class InputsProgram {
 public:
  InputsProgram(std::vector<const char*> size_names, std::vector<borel_input> declared)
      : inputs(std::move(declared)) {
    for (const char* name : size_names) {
      sizes.push_back({name, {"model.ppl", 100, 1, 100, 2}});
    }
    int line = 0;
    for (borel_input& input : inputs) {
      ++line;
      input.span = {"model.ppl", line, 1, line, 2};
    }
    program.size_count = static_cast<int>(sizes.size());
    program.sizes = sizes.data();
    program.input_count = static_cast<int>(inputs.size());
    program.inputs = inputs.data();
  }
  InputsProgram(const InputsProgram&) = delete;

  DataResult read(const std::string& text) const { return read_data(program, parse(text)); }

  std::vector<borel_size> sizes;
  std::vector<borel_input> inputs;
  borel_program program{};
};

constexpr borel_dim no_dim{-1, 0};

borel_input real_input(const char* name, std::vector<borel_dim> dims,
                       std::int32_t layout = BOREL_ROW_MAJOR) {
  borel_input input{};
  input.name = name;
  input.type = BOREL_REAL;
  input.rank = static_cast<int>(dims.size());
  input.layout = layout;
  std::copy(dims.begin(), dims.end(), input.dims);
  input.index_bound = no_dim;
  input.lower = -infinity;
  input.upper = infinity;
  return input;
}

borel_input int_input(const char* name, std::vector<borel_dim> dims, double lower = -infinity,
                      double upper = infinity) {
  borel_input input = real_input(name, std::move(dims));
  input.type = BOREL_INT;
  input.lower = lower;
  input.upper = upper;
  return input;
}

borel_input index_input(const char* name, std::vector<borel_dim> dims, borel_dim bound, int base) {
  borel_input input = real_input(name, std::move(dims));
  input.type = BOREL_INDEX;
  input.index_bound = bound;
  input.index_base = base;
  return input;
}

constexpr borel_dim symbol(int s, std::int64_t offset = 0) { return {s, offset}; }
constexpr borel_dim constant(std::int64_t size) { return {-1, size}; }

template <class T>
std::vector<T> values(const DataResult& result, std::size_t i, std::size_t count) {
  const T* data = static_cast<const T*>(result.data.arrays[i].data);
  return {data, data + count};
}

std::string texts(const DataResult& result) {
  std::string text;
  for (const DataProblem& problem : result.problems) {
    text +=
        problem.text + (problem.suggestion.empty() ? "" : " (" + problem.suggestion + ")") + "\n";
  }
  return text;
}

// ---- JSON ----

TEST(Json, NumbersAndArrays) {
  const JsonDocument document = parse(
      R"({"a": 1, "b": -2.5e2, "c": [1, 2, 3], "d": [[1, 2], [3.5, 4]], "e": [], "f": [[], []],
          "big": 9223372036854775807, "bigger": 9223372036854775808, "small": -12345678901234567,
          "t": [true, false], "tiny": 1e-999, "huge": -1e999})");
  EXPECT_EQ(document.find("a")->ints, std::vector<std::int64_t>{1});
  EXPECT_TRUE(document.find("a")->dims.empty());
  EXPECT_EQ(document.find("b")->reals, std::vector<double>{-250});
  EXPECT_EQ(document.find("c")->dims, std::vector<std::int64_t>{3});
  EXPECT_EQ(document.find("d")->dims, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(document.find("d")->reals, (std::vector<double>{1, 2, 3.5, 4}));
  EXPECT_EQ(document.find("d")->first_real, 2);
  EXPECT_EQ(document.find("e")->dims, std::vector<std::int64_t>{0});
  EXPECT_EQ(document.find("f")->dims, (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(document.find("big")->ints[0], std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(document.find("bigger")->reals[0], 9223372036854775808.0);
  EXPECT_EQ(document.find("small")->ints[0], -12345678901234567);
  EXPECT_EQ(document.find("t")->first_bool, 0);
  EXPECT_EQ(document.find("t")->ints, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(document.find("tiny")->reals[0], 0);
  EXPECT_EQ(document.find("huge")->reals[0], -infinity);
  EXPECT_EQ(document.find("nothing"), nullptr);
}

TEST(Json, SpecialNumbersAsTextAndBare) {
  const JsonDocument document = parse(
      R"({"a": ["NaN", "nan", "inf", "+inf", "-inf", "Infinity", "+Infinity", "-Infinity", "Inf"],
          "b": [NaN, nan, Infinity, -Infinity, inf, -inf, 1]})");
  const auto& a = document.find("a")->reals;
  ASSERT_EQ(a.size(), 9u);
  EXPECT_TRUE(std::isnan(a[0]) && std::isnan(a[1]));
  EXPECT_EQ(std::vector<double>(a.begin() + 2, a.end()),
            (std::vector<double>{infinity, infinity, -infinity, infinity, infinity, -infinity,
                                 infinity}));
  const auto& b = document.find("b")->reals;
  ASSERT_EQ(b.size(), 7u);
  EXPECT_TRUE(std::isnan(b[0]) && std::isnan(b[1]));
  EXPECT_EQ(std::vector<double>(b.begin() + 2, b.end()),
            (std::vector<double>{infinity, -infinity, infinity, -infinity, 1}));
}

TEST(Json, NamesWithEscapes) {
  const JsonDocument document = parse("{\"a\\u00e9\\n\\\"\": 1, \"\\ud83d\\ude00\": 2}");
  EXPECT_NE(document.find("a\xc3\xa9\n\""), nullptr);
  EXPECT_NE(document.find("\xf0\x9f\x98\x80"), nullptr);
}

TEST(Json, WhatIsNoArrayOfNumbersIsNotedAndSkipped) {
  const JsonDocument document = parse(
      R"({"o": {"x": [1, {"y": null}], "z": "t"}, "s": ["a", "b"], "n": null, "r": [[1, 2], [3]],
          "m": [1, [2]], "k": [[1], 2], "e": [[], [1]], "d": 1, "d": 2, "good": 5})");
  EXPECT_EQ(document.find("o")->problem, "an object");
  EXPECT_EQ(document.find("s")->problem, "text");
  EXPECT_EQ(document.find("n")->problem, "null");
  for (const char* name : {"r", "m", "k", "e"}) {
    EXPECT_EQ(document.find(name)->problem.substr(0, 14), "a ragged array") << name;
  }
  EXPECT_EQ(document.find("d")->problem, "given twice");
  EXPECT_EQ(document.find("good")->problem, "");
}

TEST(Json, SyntaxErrorsHaveAPlace) {
  const JsonError error = parse_error("{\"a\": [1, 2\n, \"b\": 3}");
  EXPECT_EQ(error.place.line, 2);
  EXPECT_EQ(error.place.column, 6);
  EXPECT_EQ(error.place.file, "data.json");
  for (const char* text :
       {"", "[1]", "{", "{\"a\"", "{\"a\": }", "{\"a\": 1", "{\"a\": 1,}", "{a: 1}", "{\"a\": 1} x",
        "{\"a\": -}", "{\"a\": 1 2}", "{\"a\": [1,,2]}", "{\"a\": \"x}", "{\"a\": tru}",
        "{\"a\": \"\\q\"}", "{\"a\": \"\\u12\"}"}) {
    EXPECT_FALSE(parse_error(text).text.empty()) << text;
  }
  std::string deep = "{\"a\": ";
  deep += std::string(100000, '[');
  EXPECT_NE(parse_error(deep).text.find("deep"), std::string::npos);
}

TEST(Json, PlacesOfElements) {
  const JsonDocument document = parse("{\n  \"a\": [[1, 2],\n        [3, \"NaN\"]]}");
  const JsonVariable& a = *document.find("a");
  EXPECT_EQ(document.place(a.name_offset).column, 3);
  EXPECT_EQ(document.element_place(a, 1).line, 2);
  EXPECT_EQ(document.element_place(a, 1).column, 13);
  EXPECT_EQ(document.element_place(a, 3).line, 3);
  EXPECT_EQ(document.element_place(a, 3).column, 13);
}

TEST(Json, AFileThatIsNotThere) {
  const auto read = JsonDocument::read("/nowhere/at/all.json");
  ASSERT_TRUE(std::holds_alternative<JsonError>(read));
  const DataProblem problem = file_problem(std::get<JsonError>(read));
  EXPECT_EQ(problem.kind, DataProblemKind::file);
  EXPECT_EQ(problem.text, "cannot read `/nowhere/at/all.json`: No such file or directory");
  EXPECT_TRUE(std::holds_alternative<JsonError>(JsonDocument::read("/")));
}

// ---- data ----

TEST(Data, BindsShapesAndValues) {
  const InputsProgram program({"J", "K"},
                              {real_input("y", {symbol(0)}), int_input("n", {symbol(0)}, 0),
                               real_input("x", {symbol(0), symbol(1)}, BOREL_COLUMN_MAJOR),
                               real_input("a", {symbol(0), symbol(1)}), real_input("z", {}),
                               real_input("d", {symbol(0, -1)})});
  const DataResult result = program.read(
      R"({"y": [1, 2.5, 3], "n": [0, 1, 2], "x": [[1, 2], [3, 4], [5, 6]],
          "a": [[1, 2], [3, 4], [5, 6]], "z": 7, "d": [8, 9], "J": 3})");
  ASSERT_TRUE(result.ok()) << texts(result);
  EXPECT_TRUE(result.problems.empty()) << texts(result);
  EXPECT_EQ(result.data.sizes, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(values<double>(result, 0, 3), (std::vector<double>{1, 2.5, 3}));
  EXPECT_EQ(values<std::int64_t>(result, 1, 3), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(values<double>(result, 2, 6), (std::vector<double>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(values<double>(result, 3, 6), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values<double>(result, 4, 1), std::vector<double>{7});
  EXPECT_EQ(result.data.arrays[2].dims[0], 3);
  EXPECT_EQ(result.data.arrays[2].dims[1], 2);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(result.data.arrays[2].data) % BOREL_ALIGNMENT, 0u);
}

TEST(Data, ArraysOfMatricesKeepTheirOrder) {
  const InputsProgram program(
      {}, {real_input("m", {constant(2), constant(2), constant(3)}, BOREL_COLUMN_MAJOR)});
  const DataResult result =
      program.read(R"({"m": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]})");
  ASSERT_TRUE(result.ok()) << texts(result);
  EXPECT_EQ(values<double>(result, 0, 12),
            (std::vector<double>{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}));
}

TEST(Data, IndicesCountFromTheirBase) {
  const InputsProgram program(
      {"J", "N"}, {real_input("u", {symbol(0)}), index_input("county", {symbol(1)}, symbol(0), 1)});
  const DataResult good = program.read(R"({"u": [0, 0], "county": [1, 2, 1]})");
  ASSERT_TRUE(good.ok()) << texts(good);
  EXPECT_EQ(values<std::int64_t>(good, 1, 3), (std::vector<std::int64_t>{0, 1, 0}));
  const DataResult bad = program.read(R"({"u": [0, 0], "county": [1, 3, 0]})");
  EXPECT_EQ(texts(bad),
            "`county[2]` (counting from 1): found 3, expected an index from 1 to 2 (J = 2); the "
            "same of 1 more element\n");
  ASSERT_EQ(bad.problems.size(), 1u);
  const DataProblem& problem = bad.problems[0];
  EXPECT_EQ(problem.kind, DataProblemKind::range);
  EXPECT_EQ(problem.element, std::vector<std::int64_t>{2});
  EXPECT_EQ(problem.found, "3");
  EXPECT_EQ(problem.declaration.line, 2);
  EXPECT_EQ(problem.place.column, 29);
  EXPECT_EQ(texts(program.read(R"({"u": [0, 0]})")),
            "`county` is missing: expected index[J][N] from 1\n");
}

TEST(Data, AllProblemsAreReported) {
  const InputsProgram program(
      {"J"},
      {real_input("sigma", {symbol(0)}), real_input("y", {symbol(0)}), int_input("n", {}, 0, 10),
       real_input("w", {constant(2)}), int_input("k", {symbol(0)}), real_input("q", {})});
  const DataResult result = program.read(
      R"({"sgima": [1, 2], "y": [1, "NaN", NaN], "n": 11, "w": [1, 2, 3], "k": [1, 2.5, 3], "q": [1],
          "extra": 3})");
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(texts(result),
            "`sigma` is missing: expected real[J] (the data has `sgima`: is it meant?)\n"
            "the program does not use `sgima`, `extra` (is `sgima` for `sigma`?)\n"
            "`w`: found 3 elements, expected 2\n"
            "`q`: found an array of 1 element, expected a single number (real) (write the number "
            "without brackets)\n"
            "`y[2]` (counting from 1): found NaN, expected a number; the same of 1 more element\n"
            "`n`: found 11, expected an integer from 0 to 10\n"
            "`k[2]` (counting from 1): found the real number 2.5, expected an integer\n");
  EXPECT_EQ(result.problems[0].kind, DataProblemKind::missing);
  EXPECT_EQ(result.problems[1].kind, DataProblemKind::unused);
  EXPECT_EQ(result.problems[1].severity, Severity::warning);
  EXPECT_EQ(result.problems[2].kind, DataProblemKind::shape);
  EXPECT_EQ(result.problems[4].kind, DataProblemKind::nan);
  EXPECT_EQ(result.problems[6].kind, DataProblemKind::type);
}

TEST(Data, SizesThatContradict) {
  const InputsProgram program(
      {"J"}, {real_input("sigma", {symbol(0)}), real_input("y", {symbol(0)}), int_input("J", {})});
  const DataResult result = program.read(R"({"sigma": [1, 2], "y": [1, 2, 3], "J": 3})");
  EXPECT_EQ(texts(result), "`sigma`: found 2 elements, expected J = 3, by the value of `J`\n");
  EXPECT_EQ(result.problems[0].kind, DataProblemKind::size);

  const InputsProgram shapes({"J"},
                             {real_input("sigma", {symbol(0)}), real_input("y", {symbol(0, 1)})});
  const DataResult by_shape = shapes.read(R"({"sigma": [1, 2], "y": [1, 2]})");
  EXPECT_EQ(texts(by_shape),
            "`y`: found 2 elements, expected J + 1 = 3, by the shape of `sigma`\n");
  EXPECT_EQ(by_shape.problems[0].related, "`J` is 2 by the shape of `sigma`");
  EXPECT_EQ(by_shape.problems[0].related_span.line, 1);

  // A name in the data that is a size's is checked though no input has it.
  const DataResult by_name = shapes.read(R"({"J": 5, "sigma": [1, 2], "y": [1, 2, 3]})");
  EXPECT_EQ(by_name.problems.size(), 2u) << texts(by_name);
  EXPECT_EQ(by_name.problems[0].kind, DataProblemKind::size);
  EXPECT_FALSE(shapes.read(R"({"J": 2.5, "sigma": [1, 2], "y": [1, 2, 3]})").ok());
  EXPECT_FALSE(shapes.read(R"({"J": -1, "sigma": [1, 2], "y": [1, 2, 3]})").ok());
}

TEST(Data, MatricesOfAnotherShape) {
  const InputsProgram program({"N"},
                              {real_input("x", {symbol(0), constant(3)}, BOREL_COLUMN_MAJOR)});
  EXPECT_EQ(texts(program.read(R"({"x": [[1, 2], [3, 4]]})")),
            "`x`: found 2 elements in dimension 2 (shape [2, 2]), expected 3\n");
  EXPECT_EQ(texts(program.read(R"({"x": [1, 2, 3]})")),
            "`x`: found an array of 3 elements, expected matrix[N, 3]\n");
  const DataResult ragged = program.read("{\n\"x\": [[1, 2, 3],\n [4, 5]]}");
  EXPECT_EQ(texts(ragged),
            "`x`: found a ragged array: a row of 2 elements where another has 3, expected "
            "matrix[N, 3]\n");
  EXPECT_EQ(ragged.problems[0].kind, DataProblemKind::shape);
  EXPECT_EQ(ragged.problems[0].place.line, 3);
}

TEST(Data, NothingIsAnArrayToo) {
  const InputsProgram program(
      {"N", "K"},
      {real_input("y", {symbol(0)}), real_input("x", {symbol(0), symbol(1)}, BOREL_COLUMN_MAJOR),
       index_input("g", {symbol(0)}, symbol(1), 1)});
  const DataResult empty = program.read(R"({"y": [], "x": [], "g": []})");
  ASSERT_TRUE(empty.ok()) << texts(empty);
  EXPECT_EQ(empty.data.sizes, (std::vector<std::int64_t>{0, 0}));
  const DataResult no_columns = program.read(R"({"y": [1, 2], "x": [[], []], "g": [1, 1]})");
  EXPECT_EQ(
      texts(no_columns),
      "`g[1]` (counting from 1): found 1, expected no index at all: K = 0; the same of 1 more "
      "element\n");
  const DataResult wrong = program.read(R"({"y": [1, 2], "x": [], "g": [1, 1], "K": 3})");
  EXPECT_EQ(texts(wrong),
            "`x`: found an array with no elements, expected matrix[N, K] with sizes above 0\n");
  const InputsProgram matrix({"N"}, {real_input("x", {symbol(0), constant(3)})});
  const DataResult first = matrix.read(R"({"x": []})");
  ASSERT_TRUE(first.ok()) << texts(first);
  EXPECT_EQ(first.data.arrays[0].dims[1], 3);
}

TEST(Data, IntegersAreWrittenAsIntegers) {
  const InputsProgram program({}, {int_input("n", {}), real_input("x", {})});
  EXPECT_EQ(texts(program.read(R"({"n": 1.0, "x": 1})")),
            "`n`: found the real number 1, expected an integer (write it without a decimal point "
            "or exponent)\n");
  EXPECT_FALSE(program.read(R"({"n": 1e3, "x": 1})").ok());
  EXPECT_FALSE(program.read(R"({"n": true, "x": 1})").ok());
  EXPECT_FALSE(program.read(R"({"n": 1, "x": true})").ok());
  EXPECT_FALSE(program.read(R"({"n": "1", "x": 1})").ok());
  EXPECT_FALSE(program.read(R"({"n": null, "x": 1})").ok());
  const DataResult nan = program.read(R"({"n": "NaN", "x": 1})");
  EXPECT_EQ(nan.problems.at(0).kind, DataProblemKind::nan);
  const DataResult twice = program.read(R"({"n": 1, "x": 1, "n": 2})");
  EXPECT_EQ(texts(twice), "`n` is given twice\n");
  EXPECT_EQ(twice.problems[0].kind, DataProblemKind::duplicate);
}

TEST(Data, BoolsAndBounds) {
  borel_input flag = int_input("flag", {constant(3)});
  flag.type = BOREL_BOOL;
  borel_input open = real_input("p", {});
  open.lower = 0;
  open.upper = 1;
  open.lower_open = open.upper_open = 1;
  borel_input positive = real_input("s", {});
  positive.lower = 0;
  positive.lower_open = 1;
  const InputsProgram program({}, {flag, open, positive});
  const DataResult good = program.read(R"({"flag": [true, 0, 1], "p": 0.5, "s": "inf"})");
  ASSERT_TRUE(good.ok()) << texts(good);
  EXPECT_EQ(values<std::int64_t>(good, 0, 3), (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(texts(program.read(R"({"flag": [0, 2, 1], "p": 1, "s": 0})")),
            "`flag[2]` (counting from 1): found 2, expected 0, 1, true or false\n"
            "`p`: found 1, expected a number above 0 and below 1\n"
            "`s`: found 0, expected a number above 0\n");
}

TEST(Data, WhatTheDataDoNotSayIsWhatTheProgramSays) {
  static constexpr std::int64_t thousand = 1000;
  static constexpr double half = 0.5;
  borel_input particles = int_input("particles", {}, 1);
  particles.fallback = &thousand;
  borel_input scale = real_input("scale", {});
  scale.fallback = &half;
  const InputsProgram program({"T"}, {real_input("y", {symbol(0)}), particles, scale});
  const DataResult silent = program.read(R"({"y": [1, 2]})");
  ASSERT_TRUE(silent.ok() && silent.problems.empty()) << texts(silent);
  EXPECT_EQ(values<std::int64_t>(silent, 1, 1), std::vector<std::int64_t>{1000});
  EXPECT_EQ(values<double>(silent, 2, 1), std::vector<double>{0.5});
  const DataResult given = program.read(R"({"y": [1, 2], "particles": 3, "scale": 2})");
  ASSERT_TRUE(given.ok()) << texts(given);
  EXPECT_EQ(values<std::int64_t>(given, 1, 1), std::vector<std::int64_t>{3});
  EXPECT_EQ(values<double>(given, 2, 1), std::vector<double>{2});
  EXPECT_EQ(texts(program.read(R"({"y": [1, 2], "particles": 0})")),
            "`particles`: found 0, expected an integer of at least 1\n");
  EXPECT_EQ(texts(program.read(R"({"y": [1, 2], "particle": 3})")),
            "the program does not use `particle` (is `particle` for `particles`?)\n");
}

TEST(Data, NumbersThatAreSet) {
  const InputsProgram program(
      {"T"}, {real_input("y", {symbol(0)}), int_input("n", {}, 1), real_input("scale", {})});
  auto document = parse(R"({"y": [1, 2], "n": 3})");
  EXPECT_TRUE(document.set("n", "4", "--set n=4"));
  EXPECT_TRUE(document.set("scale", ".5", "--set scale=.5"));
  for (const char* bad : {"", "x", "[1]", "{}", "1, \"y\": 2", "\"text\"", "1 2", "null"}) {
    EXPECT_FALSE(document.set("n", bad, "")) << bad;
  }
  const DataResult good = read_data(program.program, document);
  ASSERT_TRUE(good.ok()) << texts(good);
  EXPECT_EQ(values<std::int64_t>(good, 1, 1), std::vector<std::int64_t>{4});
  EXPECT_EQ(values<double>(good, 2, 1), std::vector<double>{0.5});
  EXPECT_TRUE(document.set("scale", "-inf", ""));
  EXPECT_TRUE(document.set("scale", "1e3", ""));
  EXPECT_TRUE(document.set("n", "0", "--set n=0"));
  const DataResult bad = read_data(program.program, document);
  ASSERT_EQ(bad.problems.size(), 1u) << texts(bad);
  EXPECT_EQ(bad.problems[0].text, "`n`: found 0, expected an integer of at least 1");
  EXPECT_EQ(bad.problems[0].place.file, "--set n=0");
  EXPECT_EQ(bad.problems[0].place.line, 0);
}

TEST(Data, NoInputsNoData) {
  const InputsProgram program({}, {});
  EXPECT_TRUE(program.read("{}").problems.empty());
  const DataResult unused = program.read(R"({"a": 1, "b": {"c": 2}})");
  EXPECT_TRUE(unused.ok());
  EXPECT_EQ(texts(unused), "the program does not use `a`, `b`\n");
}

TEST(Data, AMillionNumbersLoadFast) {
  std::string text = "{\"y\": [";
  for (int i = 0; i < 1000000; ++i) {
    char number[40];
    std::snprintf(number, sizeof number, "%s%.15g", i == 0 ? "" : ", ", std::sin(i) * 100);
    text += number;
  }
  text += "]}";
  const InputsProgram program({"N"}, {real_input("y", {symbol(0)})});
  const std::clock_t start = std::clock();
  const DataResult result = program.read(text);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(values<double>(result, 0, 1000000)[999999], std::sin(999999) * 100, 1e-12);
  // 0.07 s of the processor here; several times that without optimisation or with a sanitizer.
  EXPECT_LT(seconds, 3);
}

TEST(Layout, ColumnMajorIsOfTheLastTwo) {
  std::vector<std::int64_t> to;
  const std::vector<std::int64_t> dims{2, 2, 3};
  visit_layout(dims, BOREL_COLUMN_MAJOR, [&](std::int64_t, std::int64_t t) { to.push_back(t); });
  EXPECT_EQ(to, (std::vector<std::int64_t>{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}));
}

// ---- initial values ----

TEST(Latents, InADrawsOrder) {
  const runtime::Instance instance = runtime::test::bind_toy();
  const LatentsResult result =
      read_latents(instance, instance.machine_model(),
                   parse(R"({"theta": [[1, 2, 3], [4, 5, 6]], "tau": 0.5, "mu": 7, "other": 1})"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.values, (std::vector<double>{7, 0.5, 1, 2, 3, 4, 5, 6}));
}

TEST(Latents, Problems) {
  const runtime::Instance instance = runtime::test::bind_toy();
  const LatentsResult result =
      read_latents(instance, instance.machine_model(),
                   parse(R"({"theta": [[1, 2], [4, 5], [6, 7]], "tua": 0.5, "mu": "NaN"})"));
  EXPECT_FALSE(result.ok());
  ASSERT_EQ(result.problems.size(), 3u);
  EXPECT_EQ(result.problems[0].text, "`mu`: found NaN, expected a single number (real)");
  EXPECT_EQ(result.problems[1].text, "`tau` is missing: expected a single number (positive)");
  EXPECT_EQ(result.problems[1].suggestion, "the data has `tua`: is it meant?");
  EXPECT_EQ(result.problems[1].declaration.line, 3);
  EXPECT_EQ(result.problems[2].text,
            "`theta`: found an array of shape [3, 2], expected an array of shape [2, 3] (real)");
}

TEST(Latents, AVectorByName) {
  const LatentsResult good = read_vector(parse(R"({"params_r": [1, 2.5]})"), "params_r", 2);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.values, (std::vector<double>{1, 2.5}));
  EXPECT_FALSE(read_vector(parse(R"({"params_r": [1, 2.5]})"), "params_r", 3).ok());
  EXPECT_FALSE(read_vector(parse(R"({"param_r": [1, 2.5]})"), "params_r", 2).ok());
  EXPECT_TRUE(read_vector(parse(R"({"params_r": []})"), "params_r", 0).ok());
}

}  // namespace
}  // namespace borel::io

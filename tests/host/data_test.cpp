// Data through the host interface: what is accepted, and that everything is refused in the words of
// the command's reader.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "runtime/host/error.h"
#include "runtime/host/json.h"
#include "runtime/io/data.h"
#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// ---- numbers in messages, and in JSON

TEST(Text, WritesNumbersAsTheCommandDoes) {
  std::mt19937_64 random(3);
  std::vector<double> values = {0.,
                                1.,
                                -1.,
                                0.1,
                                1e15,
                                1e16,
                                1e17,
                                123456789.,
                                1e22,
                                1e23,
                                1e-4,
                                1e-5,
                                0.001,
                                5e-324,
                                2.5,
                                -0.,
                                1. / 3,
                                1e100,
                                1e-99,
                                1.5e300,
                                1e21,
                                1.2e20,
                                100000,
                                1e5,
                                9e4,
                                12345678e10,
                                1e-100,
                                infinity,
                                -infinity,
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::min()};
  for (int i = 0; i < 20000; ++i) {
    double x = 0;
    const std::uint64_t bits = random();
    std::memcpy(&x, &bits, sizeof x);
    values.push_back(x);
    values.push_back(static_cast<double>(static_cast<std::int64_t>(random() >> (random() % 64))));
    values.push_back(static_cast<double>(random() % 100000) / 1000);
  }
  for (const double x : values) {
    if (!std::isnan(x)) {
      ASSERT_EQ(std::string((Text() << x).view()), runtime::number_text(x));
    }
  }
  EXPECT_EQ((Text() << std::nan("")).view(), "nan");
  EXPECT_EQ((Text() << std::numeric_limits<std::int64_t>::min()).view(), "-9223372036854775808");
}

TEST(Text, IsBoundedAndOneLine) {
  Text text;
  for (int i = 0; i < 1000; ++i) {
    text << "é—";
  }
  EXPECT_LE(text.view().size(), Text::capacity + 3);
  EXPECT_EQ(text.view().substr(text.view().size() - 3), "…");
  std::string line = "a\nb\x7f\xff\xc3\xa9\xe2\x82\xed\xa0\x80\xf0\x9f\x98\x80";
  clean_line(line.data(), line.size());
  EXPECT_EQ(line, "a b ?\xc3\xa9?????\xf0\x9f\x98\x80");
}

// One text, read by the host's reader and by the command's.
void compare_readers(const std::string& text) {
  SCOPED_TRACE(text);
  Array<char> name(default_allocator());
  Array<std::int64_t> ints(default_allocator());
  Array<double> reals(default_allocator());
  // Exactly as long as it says: no zero behind it.
  const std::vector<char> exact(text.begin(), text.end());
  JsonReader reader(exact.data(), exact.size(), name, ints, reals);
  const auto parsed = io::JsonDocument::parse(text, "");
  const auto* document = std::get_if<io::JsonDocument>(&parsed);
  std::vector<std::string> seen;
  JsonReader::Step step = JsonReader::Step::end;
  bool failed = false;
  while (!failed && (step = reader.next()) == JsonReader::Step::member) {
    const std::string member(reader.name());
    failed = !reader.read(true);
    const io::JsonVariable* variable = document != nullptr ? document->find(member) : nullptr;
    const bool is_first = std::find(seen.begin(), seen.end(), member) == seen.end();
    seen.push_back(member);
    if (failed || variable == nullptr || !is_first ||
        std::count_if(document->variables().begin(), document->variables().end(),
                      [&](const auto& v) { return v.name == member; }) != 1) {
      continue;
    }
    if (variable->problem == "given twice") {
      continue;
    }
    EXPECT_EQ(std::string(reader.problem().view()), variable->problem);
    if (!variable->problem.empty()) {
      continue;
    }
    ASSERT_EQ(reader.rank(), static_cast<int>(variable->dims.size()));
    EXPECT_TRUE(std::equal(variable->dims.begin(), variable->dims.end(), reader.dims()));
    ASSERT_EQ(reader.count(), variable->count());
    EXPECT_EQ(reader.is_real(), variable->is_real);
    EXPECT_EQ(reader.first_real(), variable->first_real);
    EXPECT_EQ(reader.first_bool(), variable->first_bool);
    for (std::int64_t i = 0; i < reader.count(); ++i) {
      const double a = reader.real(i), b = variable->real(i);
      EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << i << ": " << a << ' ' << b;
    }
  }
  failed = failed || step == JsonReader::Step::failed;
  EXPECT_EQ(failed, document == nullptr);
  if (failed && document == nullptr) {
    const auto& error = std::get<io::JsonError>(parsed);
    EXPECT_EQ(std::string(reader.failure().view()),
              "not valid JSON at line " + std::to_string(error.place.line) + ", column " +
                  std::to_string(error.place.column) + ": " + error.text);
  }
}

TEST(Json, IsReadAsTheCommandReadsIt) {
  const std::string texts[] = {
      R"({"a": 1, "b": -2.5e2, "c": [1, 2, 3], "d": [[1, 2], [3.5, 4]], "e": [], "f": [[], []]})",
      R"({"big": 9223372036854775807, "bigger": 9223372036854775808, "s": -9223372036854775808})",
      R"({"t": [true, false], "tiny": 1e-999, "huge": -1e999, "n": [NaN, "nan", -inf, "+Infinity"]})",
      R"({"r": [[1, 2], [3]], "m": [1, [2]], "o": {"x": [1, {"y": null}]}, "n": null, "s": "text"})",
      R"({"\u00e9\ud83d\ude00\n": 1, "a": 0.1, "b": 1.7976931348623157e308, "c": 2.5e-324})",
      R"({"d": 0.1000000000000000055511151231257827021181583404541015625000001})",
      R"({"x": 1.00000000000000011102230246251565404236316680908203126, "x": 2})",
      R"({"mixed": [1, 2.0, 3], "neg": -0, "negr": -0.0, "lead": 007, "dot": 1., "e": 1E+5})",
      "\xef\xbb\xbf{\"a\" : [ ] }  ",
      "{}",
      "",
      "[1]",
      "{\"a\": 1} x",
      "{\"a\": 1,}",
      "{\"a\": [1, 2}",
      "{\"a\" 1}",
      "{\"a\": \"unended}",
      "{\"a\": +1}",
      "{\"a\": -}",
      "{\"a\": 1e}",
      "{\"a\": .5}",
      "{\"a\": -.5}",
      "{\"a\": \"\\q\"}",
      "{\"a\": \"\\u12g4\"}",
      "{\"a\": \"\\u12",
      "{\"a\": nope}",
      "{\"a\": infinit}",
      "{\n\n  \"a\": [1,\n ?]}",
      "{\"a\": " + std::string(201, '[') + "1" + std::string(201, ']') + "}",
      "{\"a\": " + std::string(200, '[') + "1" + std::string(200, ']') + "}",
      "{\"a\": " + std::string(100000, '[') + "}"};
  for (const std::string& text : texts) {
    compare_readers(text);
  }
  // Random edits of these, and random text of the characters that matter.
  std::mt19937 random(11);
  const std::string alphabet = "{}[]\",:0123456789.eE+-natrulfsi \n\\u\xc3\xa9";
  for (int i = 0; i < 6000; ++i) {
    std::string text = texts[random() % 11];
    if (i % 3 == 0) {
      text = "{\"a\": [";
      for (std::size_t k = random() % 40; k > 0; --k) {
        text += alphabet[random() % alphabet.size()];
      }
    }
    for (std::size_t k = random() % 4; k > 0 && !text.empty(); --k) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        default:
          text.erase(at, 1 + random() % 3);
      }
    }
    compare_readers(text);
  }
}

// ---- problems

// What the command says of a data file, with its suggestions.
std::vector<std::string> command_problems(const borel_program& program, const std::string& text) {
  const auto parsed = io::JsonDocument::parse(text, "");
  std::vector<std::string> texts;
  if (const auto* document = std::get_if<io::JsonDocument>(&parsed)) {
    for (const io::DataProblem& problem : io::read_data(program, *document).problems) {
      if (problem.severity == io::Severity::error) {
        texts.push_back(problem.text +
                        (problem.suggestion.empty() ? "" : "; " + problem.suggestion));
      }
    }
  }
  return texts;
}

// The message with which JSON is refused, when it is read or bound; "" when it is not.
std::string refusal(const Library& library, const std::string& text, std::string* subject = nullptr,
                    borel_span* span = nullptr) {
  borel_data* made = nullptr;
  Problem problem;
  EXPECT_EQ(borel_data_create(library.get(), &made, problem), BOREL_SUCCESS);
  const Data data(made);
  borel_code code = borel_data_json(made, text.data(), text.size(), problem);
  borel_instance* instance = nullptr;
  if (code == BOREL_SUCCESS) {
    code = borel_bind(made, &instance, problem);
    borel_instance_free(instance);
  }
  if (code == BOREL_SUCCESS) {
    return "";
  }
  EXPECT_EQ(code, BOREL_BAD_DATA);
  EXPECT_EQ(problem.code(), code);
  if (subject != nullptr) {
    *subject = problem.subject();
  }
  if (span != nullptr) {
    *span = problem.span();
    EXPECT_STRNE(span->file, nullptr);
    span->file = nullptr;
  }
  return problem.message();
}

// grouped_data with the value of one member replaced.
std::string with(const std::string& name, const std::string& value) {
  std::string text = grouped_data();
  const std::size_t at = text.find("\"" + name + "\": ") + name.size() + 4;
  int depth = 0;
  std::size_t end = at;
  for (; depth > 0 || (text[end] != ',' && text[end] != '}'); ++end) {
    depth += text[end] == '[' ? 1 : text[end] == ']' ? -1 : 0;
  }
  return text.replace(at, end - at, value);
}

TEST(Problems, AreThoseOfTheCommand) {
  const Library library = open(grouped());
  const struct {
    std::string text, name;
  } cases[] = {
      {with("J", "-1"), "J"},
      {with("J", "2.5"), "J"},
      {with("J", "3.0"), "J"},
      {with("J", "[3]"), "J"},
      {with("J", "2"), "group"},
      {with("J", "0"), "group"},
      {with("J", "null"), "J"},
      {with("J", "true"), "J"},
      {with("group", "[1, 2, 3]"), "X"},
      {with("group", "[1, 2, 3, 4]"), "group"},
      {with("group", "[0, 2, -3, 3]"), "group"},
      {with("group", "[1, 2, 3, \"text\"]"), "group"},
      {with("group", "[[1, 2], [3, 3]]"), "group"},
      {with("group", "1"), "group"},
      {with("X", "[[1, 2], [3, 4], [5, 6]]"), "X"},
      {with("X", "[[1, 2], [3, 4], [5, 6], [7]]"), "X"},
      {with("X", "[[1, 2], [3, NaN], [5, 6], [\"nan\", 8]]"), "X"},
      {with("X", "[[1, 2], [3, true], [5, 6], [7, 8]]"), "X"},
      {with("X", "[1, 2, 3, 4]"), "X"},
      {with("X", "{\"a\": 1}"), "X"},
      {with("X", "[[[[[1]]]]]"), "X"},
      {with("trials", "[10, 51, 5, 8]"), "trials"},
      {with("trials", "[10, 1e1, 5, 8]"), "trials"},
      {with("trials", "[10, 5, NaN, 8]"), "trials"},
      {with("trials", "[10, 5, true, 8]"), "trials"},
      {with("trials", "[10, 5, 10]"), "trials"},
      {with("shifted", "2"), "shifted"},
      {with("shifted", "0.5"), "shifted"},
      {with("shifted", "[1]"), "shifted"},
      {with("y", "[1, -2, -3, 4]"), "y"},
      {with("ceiling", "1.5"), "ceiling"},
      {with("ceiling", "-1e-300"), "ceiling"},
      {with("ceiling", "NaN"), "ceiling"},
      {with("floor", "0"), "floor"},
      {with("floor", "-0.0"), "floor"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    const auto expected = command_problems(grouped(), each.text);
    std::string subject;
    borel_span span{};
    const std::string found = refusal(library, each.text, &subject, &span);
    EXPECT_TRUE(std::find(expected.begin(), expected.end(), found) != expected.end())
        << found << "\ninstead of\n"
        << (expected.empty() ? "nothing" : expected.front());
    EXPECT_EQ(subject, each.name);
    EXPECT_GT(span.line, 17);
  }
  for (const char* accepted : {"[1, 2, 3, 1]", "[3, 3, 3, 3]"}) {
    EXPECT_EQ(refusal(library, with("group", accepted)), "");
  }
  for (const char* accepted : {"true", "false", "0", "1"}) {
    EXPECT_EQ(refusal(library, with("shifted", accepted)), "");
  }
  EXPECT_EQ(refusal(library, with("ceiling", "0")), "");
  EXPECT_EQ(refusal(library, with("ceiling", "1")), "");
  EXPECT_EQ(refusal(library, with("floor", "5e-324")), "");
  EXPECT_EQ(refusal(library, "{\"a\": "),
            "not valid JSON at line 1, column 7: expected a value, found the end of the file");
}

TEST(Problems, MissingAndTwice) {
  const Library library = open(grouped());
  const std::string all = grouped_data();
  const auto without = [&](const std::string& name, const std::string& other) {
    std::string text = all;
    return text.replace(text.find("\"" + name + "\""), name.size() + 2, "\"" + other + "\"");
  };
  EXPECT_EQ(refusal(library, without("trials", "Trials")),
            "`trials` is missing: expected int[N]; the data has `Trials`: is it meant?");
  EXPECT_EQ(refusal(library, without("X", "nothing")), "`X` is missing: expected matrix[N, K]");
  EXPECT_EQ(refusal(library, without("trials", "X")), "`X` is given twice");
  EXPECT_EQ(refusal(library, "{}"), "`group` is missing: expected index[J][N] from 1");
  EXPECT_EQ(refusal(library, without("J", "nothing")),
            "`J` is missing: expected a size: an integer of at least 0");
}

// Sizes that are no inputs, and arrays without elements.
TEST(Problems, Sizes) {
  const Library schools = open(eight_schools());
  const std::string y = R"("y": [1, 2], "sigma": [1, 2])";
  EXPECT_EQ(refusal(schools, "{" + y + "}"), "");
  EXPECT_EQ(refusal(schools, "{\"J\": 2, " + y + "}"), "");
  for (const std::string bad :
       {"3", "-2", "2.0", "[2]", "true", "\"two\"", "null", "2, \"J\": 2"}) {
    const std::string text = "{\"J\": " + bad + ", " + y + "}";
    const auto expected = command_problems(eight_schools(), text);
    const std::string found = refusal(schools, text);
    EXPECT_TRUE(std::find(expected.begin(), expected.end(), found) != expected.end())
        << bad << ": " << found;
  }
  const Library regression = open(compiled("tests/run/posteriordb/sblrc-blr.ppl"));
  EXPECT_EQ(refusal(regression, R"({"X": [], "y": []})"), "");
  EXPECT_EQ(refusal(regression, R"({"X": [[], []], "y": [1, 2]})"), "");
  const std::string text = R"({"X": [], "y": [1, 2], "D": 3})";
  EXPECT_EQ(refusal(regression, text),
            command_problems(compiled("tests/run/posteriordb/sblrc-blr.ppl"), text).front());
  // Shapes that only the program can compare.
  borel_data* made = nullptr;
  Problem problem;
  const Library shapes = open(compiled("tests/language/run/data_shapes_fault.ppl"));
  const Data data = from_json(shapes, R"({"a": [1, 2, 3], "b": [1, 2]})");
  borel_instance* instance = nullptr;
  EXPECT_FAILS(borel_bind(data.get(), &instance, problem), BOREL_BAD_DATA, problem,
               "a size or shape is not what it must be");
  EXPECT_EQ(problem.span().line, 6);
  EXPECT_EQ(made, nullptr);
}

TEST(Names, ThatNothingUsesAreLogged) {
  Log log;
  const borel_logger logger = log.get();
  const Library library = open(eight_schools(), nullptr, &logger);
  from_json(library, R"({"sigma": [1], "spare\nname": 2, "y": [1], "other": {"a": "b"}})");
  ASSERT_EQ(log.messages.size(), 1u);
  EXPECT_EQ(log.messages[0], "the program does not use `spare name`, `other`");
}

// ---- memory

// The program's own view of the same data from JSON and from memory.
TEST(Memory, IsTakenAsItIs) {
  const Bound from_text = bound(grouped(), grouped_data(4, 3));
  const Library library = open(grouped());
  borel_data* made = nullptr;
  Problem problem;
  ASSERT_EQ(borel_data_create(library.get(), &made, problem), BOREL_SUCCESS);
  const Data data(made);
  const std::int64_t group[] = {1, 2, 3, 1}, trials[] = {10, 11, 12, 13}, y[] = {0, 1, 2, 3};
  const std::int64_t j = 3, four = 4, yes = 1, shape[] = {4, 2};
  const double x[] = {0, 0.25, 0.5, 0.75, -1, 0, 1, -1};  // by columns
  double ceiling = 0.5;
  const std::int64_t floor = 1;
  const auto set_all = [&](bool copy) {
    const auto ints = copy ? borel_data_copy_int : borel_data_int;
    const auto reals = copy ? borel_data_copy_real : borel_data_real;
    EXPECT_EQ(ints(made, "J", &j, 0, nullptr, problem), BOREL_SUCCESS) << problem.message();
    EXPECT_EQ(ints(made, "group", group, 1, &four, problem), BOREL_SUCCESS);
    EXPECT_EQ(ints(made, "trials", trials, 1, &four, problem), BOREL_SUCCESS);
    EXPECT_EQ(ints(made, "y", y, 1, &four, problem), BOREL_SUCCESS);
    EXPECT_EQ(ints(made, "shifted", &yes, 0, nullptr, problem), BOREL_SUCCESS);
    EXPECT_EQ(reals(made, "X", x, 2, shape, problem), BOREL_SUCCESS);
    EXPECT_EQ(reals(made, "ceiling", &ceiling, 0, nullptr, problem), BOREL_SUCCESS);
    // An int where the input is real is converted, in a copy.
    EXPECT_EQ(borel_data_copy_int(made, "floor", &floor, 0, nullptr, problem), BOREL_SUCCESS);
  };
  const auto density = [&](const Instance& instance) {
    const Worker evaluator = worker(instance);
    std::vector<double> u(static_cast<std::size_t>(borel_dimension(instance.get(), 0)), 0.3);
    double lp = 0;
    EXPECT_EQ(borel_log_density(evaluator.get(), 0, 1, u.data(), &lp, problem), BOREL_SUCCESS);
    return lp;
  };
  const double expected = density(from_text.instance);
  for (const bool copy : {false, true}) {
    borel_data_clear(made);
    set_all(copy);
    const Instance instance = bind_data(data);
    EXPECT_EQ(density(instance), expected);
    EXPECT_EQ(borel_draw_size(instance.get(), 0), 1 + 1 + 3 + 3 + 2 + 4);
    if (copy) {
      // The instance keeps what was copied, whatever becomes of the data.
      const std::int64_t other[] = {3, 3, 3, 3};
      EXPECT_EQ(borel_data_copy_int(made, "y", other, 1, &four, problem), BOREL_SUCCESS);
      EXPECT_EQ(density(instance), expected);
      const Instance changed = bind_data(data);
      EXPECT_NE(density(changed), expected);
      EXPECT_EQ(density(instance), expected);
      borel_data_clear(made);
      EXPECT_EQ(density(instance), expected);
    }
  }
  // In messages the element is that of the matrix, whatever lies where in memory.
  set_all(false);
  double broken[8];
  std::memcpy(broken, x, sizeof broken);
  broken[6] = std::nan("");
  broken[3] = std::nan("");
  ASSERT_EQ(borel_data_real(made, "X", broken, 2, shape, problem), BOREL_SUCCESS);
  borel_instance* instance = nullptr;
  EXPECT_FAILS(
      borel_bind(made, &instance, problem), BOREL_BAD_DATA, problem,
      "`X[3,2]` (counting from 1): found NaN, expected a number; the same of 1 more element");
}

TEST(Memory, Problems) {
  const Library library = open(grouped());
  borel_data* made = nullptr;
  Problem problem;
  ASSERT_EQ(borel_data_create(library.get(), &made, problem), BOREL_SUCCESS);
  const Data data(made);
  const double x[4] = {};
  const std::int64_t k[4] = {};
  const std::int64_t dims[5] = {2, 2, 1, 1, 1}, negative[1] = {-1},
                     huge[4] = {1l << 40, 1l << 40, 1, 0}, many[2] = {1l << 40, 1l << 40};
  EXPECT_FAILS(borel_data_real(nullptr, "X", x, 2, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "data handle is null");
  EXPECT_FAILS(borel_data_real(made, nullptr, x, 2, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "name is null");
  EXPECT_FAILS(borel_data_real(made, "X", x, 5, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "rank 5");
  EXPECT_FAILS(borel_data_real(made, "X", x, -1, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "rank -1");
  EXPECT_FAILS(borel_data_real(made, "X", x, 2, nullptr, problem), BOREL_BAD_ARGUMENT, problem,
               "dimensions are null");
  EXPECT_FAILS(borel_data_real(made, "X", x, 1, negative, problem), BOREL_BAD_ARGUMENT, problem,
               "-1, below 0");
  EXPECT_FAILS(borel_data_real(made, "X", x, 2, many, problem), BOREL_BAD_ARGUMENT, problem,
               "more elements than memory");
  EXPECT_EQ(borel_data_real(made, "X", nullptr, 4, huge, problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_data_real(made, "X", nullptr, 2, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "values are null");
  EXPECT_FAILS(borel_data_real(made, "Z", x, 2, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "no input `Z`");
  EXPECT_EQ(problem.subject(), "Z");
  EXPECT_FAILS(borel_data_real(made, "trails", x, 2, dims, problem), BOREL_BAD_ARGUMENT, problem,
               "did you mean `trials`?");
  EXPECT_FAILS(borel_data_real(made, "trials", x, 1, dims, problem), BOREL_BAD_DATA, problem,
               "`trials`: found real numbers, expected integers");
  EXPECT_FAILS(borel_data_copy_real(made, "shifted", x, 0, nullptr, problem), BOREL_BAD_DATA,
               problem, "expected 0 or 1");
  EXPECT_FAILS(borel_data_int(made, "X", k, 2, dims, problem), BOREL_BAD_DATA, problem,
               "borel_data_copy_int");
  EXPECT_GT(problem.span().line, 0);
  EXPECT_FAILS(borel_data_int(made, "N", k, 1, dims, problem), BOREL_BAD_DATA, problem,
               "`N`: found an array of 2 elements, expected a size");
  EXPECT_FAILS(borel_data_real(made, "N", x, 0, nullptr, problem), BOREL_BAD_DATA, problem,
               "found a real number");
  EXPECT_FAILS(borel_data_json(nullptr, "{}", 2, problem), BOREL_BAD_ARGUMENT, problem, "null");
  EXPECT_FAILS(borel_data_json(made, nullptr, 2, problem), BOREL_BAD_ARGUMENT, problem, "null");
  // A failed text changes nothing: J, which stands before the error, is still missing when all
  // others are there.
  const std::string text = "{\"J\": 3, \"y\": [1.5]}";
  EXPECT_FAILS(borel_data_json(made, text.data(), text.size(), problem), BOREL_BAD_DATA, problem,
               "`y[1]` (counting from 1): found the real number 1.5, expected an integer");
  borel_instance* instance = nullptr;
  EXPECT_FAILS(borel_bind(made, &instance, problem), BOREL_BAD_DATA, problem, "`group` is missing");
  const std::string rest = grouped_data().replace(1, 6, "\"spare\": 3");
  ASSERT_EQ(borel_data_json(made, rest.data(), rest.size(), problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_bind(made, &instance, problem), BOREL_BAD_DATA, problem, "`J` is missing");
  // A shape of another rank.
  const std::string all = grouped_data();
  ASSERT_EQ(borel_data_json(made, all.data(), all.size(), problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_data_real(made, "X", x, 1, dims, problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_bind(made, &instance, problem), BOREL_BAD_DATA, problem,
               "`X`: found an array of 2 elements, expected matrix[N, K]");
  ASSERT_EQ(borel_data_real(made, "floor", x, 1, dims, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_data_json(made, all.data(), all.size(), problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_data_real(made, "floor", x, 1, dims, problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_bind(made, &instance, problem), BOREL_BAD_DATA, problem,
               "expected a single number (real)");
  borel_data_clear(nullptr);
  borel_data_free(nullptr);
}

}  // namespace
}  // namespace borel::host::test

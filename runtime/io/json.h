// Numbers in JSON, as CmdStan's data and initial values are written: one object whose members are
// numbers or nested arrays of numbers.
//
// Beyond JSON, as CmdStan: "NaN", "inf", "+inf", "-inf", "Infinity" … as strings in any case, and
// the same as bare words. A member that is anything else (an object, text, null) is kept with a
// note of what it is, so that only a program that wants it complains.
#ifndef BOREL_RUNTIME_IO_JSON_H
#define BOREL_RUNTIME_IO_JSON_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace borel::io {

// A place in a text file; lines and columns (in bytes) count from 1.
struct FilePlace {
  std::string file;
  std::int32_t line = 0, column = 0;
};

// A member of the object, its numbers in the order of the text (the last index fastest).
struct JsonVariable {
  std::string name;
  std::vector<std::int64_t> dims;  // of the nested arrays; empty: a single number
  // Numbers that are all written as integers are in `ints`, else they are in `reals`.
  std::vector<std::int64_t> ints;
  std::vector<double> reals;
  bool is_real = false;
  std::int64_t first_real = -1;  // the first element that is no integer, in reading order
  std::int64_t first_bool = -1;  // the first element written true or false (1 or 0 in ints)
  // What keeps it from being an array of numbers ("a ragged array: …"), and where; else empty.
  std::string problem;
  std::size_t problem_offset = 0;
  std::size_t name_offset = 0, offset = 0;  // in the text, of the name and the value
  std::string origin;                       // what set it, where the text did not: "--set n=3"

  std::int64_t count() const {
    return static_cast<std::int64_t>(is_real ? reals.size() : ints.size());
  }
  double real(std::int64_t i) const {
    const std::size_t at = static_cast<std::size_t>(i);
    return is_real ? reals[at] : static_cast<double>(ints[at]);
  }
};

struct JsonError {
  FilePlace place;  // line 0: the file could not be read
  std::string text;
};

class JsonDocument {
 public:
  JsonDocument() = default;

  // `file` is what messages call the text.
  static std::variant<JsonDocument, JsonError> parse(std::string text, std::string file);
  static std::variant<JsonDocument, JsonError> read(const std::string& path);

  // A number in place of what the text has by this name, if anything; false where `value` is none,
  // as the text would have it or a command line. `origin` is what messages call it.
  bool set(const std::string& name, const std::string& value, const std::string& origin);

  const std::vector<JsonVariable>& variables() const { return variables_; }
  const JsonVariable* find(std::string_view name) const;

  FilePlace place(std::size_t offset) const;
  // Place of element i, in reading order, of a variable.
  FilePlace element_place(const JsonVariable& variable, std::int64_t i) const;

 private:
  friend class JsonParser;

  std::string text_, file_;
  std::vector<JsonVariable> variables_;
};

}  // namespace borel::io

#endif

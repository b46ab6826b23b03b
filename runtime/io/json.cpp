#include "runtime/io/json.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>

namespace borel::io {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// nan, inf, infinity with an optional sign, in any case.
std::optional<double> special_number(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const auto is = [&](std::string_view word) {
    if (text.size() != word.size()) {
      return false;
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((text[i] | 0x20) != word[i]) {
        return false;
      }
    }
    return true;
  };
  if (is("nan")) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (is("inf") || is("infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  return {};
}

struct SyntaxError {
  std::size_t offset;
  std::string text;
};

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace

class JsonParser {
 public:
  explicit JsonParser(JsonDocument& document)
      : document_(document),
        begin_(document.text_.data()),
        at_(begin_),
        end_(begin_ + document.text_.size()) {}

  void parse() {
    if (document_.text_.starts_with("\xef\xbb\xbf")) {
      at_ += 3;
    }
    skip_space();
    expect('{', "`{`: the data is one object of named values");
    skip_space();
    if (!accept('}')) {
      do {
        member();
        skip_space();
      } while (accept(','));
      expect('}', "`,` or `}`");
    }
    skip_space();
    if (at_ != end_) {
      fail("expected the end of the file");
    }
  }

 private:
  static constexpr int max_depth = 200;

  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  [[noreturn]] void fail(std::string text) const { throw SyntaxError{offset(), std::move(text)}; }

  void skip_space() {
    while (at_ != end_ && is_space(*at_)) {
      ++at_;
    }
  }
  bool accept(char c) {
    if (at_ != end_ && *at_ == c) {
      ++at_;
      return true;
    }
    return false;
  }
  void expect(char c, const char* what) {
    if (!accept(c)) {
      fail(std::string("expected ") + what + (at_ == end_ ? ", found the end of the file" : ""));
    }
  }

  void member() {
    skip_space();
    JsonVariable variable;
    variable.name_offset = offset();
    if (at_ == end_ || *at_ != '"') {
      fail("expected a name in double quotes");
    }
    variable.name = string();
    skip_space();
    expect(':', "`:` after a name");
    skip_space();
    variable.offset = offset();
    variable_ = &variable;
    leaf_depth_ = -1;
    deepest_array_ = -1;
    value(0);
    if (!variable.problem.empty()) {
      variable.ints.clear();
      variable.reals.clear();
    }
    const auto [earlier, is_new] = indices_.try_emplace(variable.name, document_.variables_.size());
    if (is_new) {
      document_.variables_.push_back(std::move(variable));
    } else {
      JsonVariable& first = document_.variables_[earlier->second];
      if (first.problem.empty()) {
        first.problem = "given twice";
        first.problem_offset = variable.name_offset;
      }
    }
  }

  void problem(std::size_t where, std::string text) {
    if (variable_->problem.empty()) {
      variable_->problem = std::move(text);
      variable_->problem_offset = where;
    }
  }

  void value(int depth) {
    if (depth > max_depth) {
      fail("nested more than " + std::to_string(max_depth) + " deep");
    }
    if (at_ == end_) {
      fail("expected a value, found the end of the file");
    }
    const std::size_t start = offset();
    const char c = *at_;
    if (c == '-' || is_digit(c)) {
      number(depth);
    } else if (c == '[') {
      array(depth);
    } else if (c == '"') {
      if (const auto special = special_number(string())) {
        leaf(depth, start);
        real(*special);
      } else {
        problem(start, "text");
      }
    } else if (c == '{') {
      problem(start, "an object");
      object(depth);
    } else {
      word(depth);
    }
  }

  void array(int depth) {
    const std::size_t start = offset();
    ++at_;
    if (leaf_depth_ >= 0 && leaf_depth_ <= depth) {
      problem(start, "a ragged array: an array stands where other elements are single numbers");
    }
    deepest_array_ = std::max(deepest_array_, depth);
    std::int64_t count = 0;
    skip_space();
    if (!accept(']')) {
      do {
        skip_space();
        value(depth + 1);
        ++count;
        skip_space();
      } while (accept(','));
      expect(']', "`,` or `]`");
    }
    const std::size_t level = static_cast<std::size_t>(depth);
    auto& dims = variable_->dims;
    if (dims.size() <= level) {
      dims.resize(level + 1, -1);
    }
    if (dims[level] < 0) {
      dims[level] = count;
    } else if (dims[level] != count) {
      problem(start, "a ragged array: a row of " + std::to_string(count) +
                         " elements where another has " + std::to_string(dims[level]));
    }
  }

  // A member that no program can want, read only to find its end.
  void object(int depth) {
    ++at_;
    skip_space();
    if (accept('}')) {
      return;
    }
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"') {
        fail("expected a name in double quotes");
      }
      string();
      skip_space();
      expect(':', "`:` after a name");
      skip_space();
      value(depth + 1);
      skip_space();
    } while (accept(','));
    expect('}', "`,` or `}`");
  }

  void leaf(int depth, std::size_t start) {
    if (leaf_depth_ < 0 && deepest_array_ < depth) {
      leaf_depth_ = depth;
    } else if (leaf_depth_ != depth) {
      problem(start, "a ragged array: a single number stands where other elements are arrays");
    }
  }

  void integer(std::int64_t x) {
    if (variable_->is_real) {
      variable_->reals.push_back(static_cast<double>(x));
    } else {
      variable_->ints.push_back(x);
    }
  }
  void real(double x) {
    JsonVariable& v = *variable_;
    if (!v.is_real) {
      v.is_real = true;
      v.first_real = static_cast<std::int64_t>(v.ints.size());
      v.reals.assign(v.ints.begin(), v.ints.end());
      v.ints = {};
    }
    v.reals.push_back(x);
  }

  void number(int depth) {
    const char* start = at_;
    leaf(depth, offset());
    const bool negative = accept('-');
    if (at_ != end_ && is_letter(*at_)) {
      at_ = start;
      special_word(depth);
      return;
    }
    // 18 digits always fit.
    std::uint64_t magnitude = 0;
    const char* digits = at_;
    while (at_ != end_ && is_digit(*at_)) {
      magnitude = 10 * magnitude + static_cast<std::uint64_t>(*at_ - '0');
      ++at_;
    }
    const bool fraction = at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E');
    if (!fraction && at_ - digits <= 18 && at_ != digits) {
      const std::int64_t x = static_cast<std::int64_t>(magnitude);
      integer(negative ? -x : x);
      return;
    }
    if (!fraction) {
      std::int64_t x = 0;
      const auto [end, code] = std::from_chars(start, end_, x);
      if (code == std::errc()) {
        integer(x);
        return;
      }
    }
    double x = 0;
    const auto [end, code] = std::from_chars(start, end_, x);
    if (code == std::errc::invalid_argument || end == start) {
      at_ = start;
      fail("expected a number");
    }
    at_ = end;
    if (code == std::errc::result_out_of_range) {
      // from_chars leaves the value alone; strtod rounds to 0 or infinity, as its caller expects.
      const std::string text(start, end);
      x = std::strtod(text.c_str(), nullptr);
    }
    real(x);
  }

  void special_word(int depth) {
    const std::size_t start = offset();
    const char* first = at_;
    while (at_ != end_ && (is_letter(*at_) || *at_ == '-' || *at_ == '+')) {
      ++at_;
    }
    const std::string_view text(first, static_cast<std::size_t>(at_ - first));
    const auto special = special_number(text);
    if (!special) {
      at_ = first;
      fail("expected a value");
    }
    leaf(depth, start);
    real(*special);
  }

  void word(int depth) {
    const std::size_t start = offset();
    const auto starts = [&](std::string_view text) {
      if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(text)) {
        at_ += text.size();
        return true;
      }
      return false;
    };
    if (starts("null")) {
      problem(start, "null");
    } else if (starts("true")) {
      boolean(depth, start, 1);
    } else if (starts("false")) {
      boolean(depth, start, 0);
    } else {
      special_word(depth);
    }
  }

  void boolean(int depth, std::size_t start, std::int64_t x) {
    leaf(depth, start);
    if (variable_->first_bool < 0) {
      variable_->first_bool = variable_->count();
    }
    integer(x);
  }

  std::string string() {
    ++at_;
    std::string text;
    while (true) {
      if (at_ == end_) {
        fail("expected `\"`, found the end of the file");
      }
      const char c = *at_++;
      if (c == '"') {
        return text;
      }
      if (c != '\\') {
        text += c;
        continue;
      }
      escape(text);
    }
  }

  void escape(std::string& text) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char c = at_ != end_ ? *at_++ : '\0';
    if (const std::size_t i = letters.find(c); i != letters.npos) {
      text += meanings[i];
    } else if (c == 'u') {
      std::uint32_t code = hex4();
      if (code >= 0xd800 && code < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
        at_ += 2;
        code = 0x10000 + ((code - 0xd800) << 10) + ((hex4() - 0xdc00) & 0x3ff);
      }
      append_utf8(text, code);
    } else {
      fail("unknown escape in text");
    }
  }

  std::uint32_t hex4() {
    std::uint32_t code = 0;
    const char* stop = at_ + std::min<std::ptrdiff_t>(4, end_ - at_);
    const auto [end, error] = std::from_chars(at_, stop, code, 16);
    if (error != std::errc() || end != at_ + 4) {
      fail("expected four hexadecimal digits");
    }
    at_ = end;
    return code;
  }

  JsonDocument& document_;
  const char* begin_;
  const char* at_;
  const char* end_;
  JsonVariable* variable_ = nullptr;
  int leaf_depth_ = -1;     // of the numbers seen so far; -1: none yet
  int deepest_array_ = -1;  // depth of the deepest array opened so far
  std::unordered_map<std::string, std::size_t> indices_;
};

std::variant<JsonDocument, JsonError> JsonDocument::parse(std::string text, std::string file) {
  JsonDocument document;
  document.text_ = std::move(text);
  document.file_ = std::move(file);
  try {
    JsonParser(document).parse();
  } catch (SyntaxError& error) {
    return JsonError{document.place(error.offset), std::move(error.text)};
  }
  return document;
}

std::variant<JsonDocument, JsonError> JsonDocument::read(const std::string& path) {
  const auto failure = [&] { return JsonError{{path, 0, 0}, std::strerror(errno)}; };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) {
    return failure();
  }
  std::string text;
  std::size_t size = 0;
  do {
    text.resize(std::max<std::size_t>(2 * size, 1 << 16));
    errno = 0;
    size += std::fread(text.data() + size, 1, text.size() - size, file.get());
  } while (size == text.size());
  if (std::ferror(file.get()) != 0) {
    return failure();
  }
  text.resize(size);
  return parse(std::move(text), path);
}

bool JsonDocument::set(const std::string& name, const std::string& value,
                       const std::string& origin) {
  auto parsed = parse("{\"value\": " + value + "}", origin);
  const auto* document = std::get_if<JsonDocument>(&parsed);
  JsonVariable variable;
  if (document != nullptr && document->variables_.size() == 1 &&
      document->variables_[0].problem.empty() && document->variables_[0].dims.empty()) {
    variable = document->variables_[0];
  } else {
    // JSON has no number without digits before the point.
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      return false;
    }
    variable.reals = {number};
    variable.is_real = true;
    variable.first_real = 0;
  }
  variable.name = name;
  variable.origin = origin;
  std::erase_if(variables_, [&](const JsonVariable& earlier) { return earlier.name == name; });
  variables_.push_back(std::move(variable));
  return true;
}

const JsonVariable* JsonDocument::find(std::string_view name) const {
  for (const JsonVariable& variable : variables_) {
    if (variable.name == name) {
      return &variable;
    }
  }
  return nullptr;
}

FilePlace JsonDocument::place(std::size_t offset) const {
  FilePlace place{file_, 1, 1};
  for (std::size_t i = 0; i < offset && i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

FilePlace JsonDocument::element_place(const JsonVariable& variable, std::int64_t i) const {
  std::size_t at = variable.offset;
  const auto between = [&](char c) { return is_space(c) || c == '[' || c == ']' || c == ','; };
  for (std::int64_t skipped = 0; at < text_.size(); ++skipped) {
    while (at < text_.size() && between(text_[at])) {
      ++at;
    }
    if (skipped == i) {
      break;
    }
    while (at < text_.size() && !between(text_[at])) {
      ++at;
    }
  }
  return place(at);
}

}  // namespace borel::io

#include "runtime/host/json.h"

#include <cmath>

#include "runtime/host/number.h"

namespace borel::host {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// nan, inf, infinity with an optional sign, in any case. False for anything else.
bool special_number(const char* text, std::size_t size, double& value) {
  bool negative = false;
  if (size > 0 && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    ++text;
    --size;
  }
  const auto is = [&](std::string_view word) {
    if (size != word.size()) {
      return false;
    }
    for (std::size_t i = 0; i < size; ++i) {
      if ((text[i] | 0x20) != word[i]) {
        return false;
      }
    }
    return true;
  };
  if (is("nan")) {
    value = __builtin_nan("");
    return true;
  }
  if (is("inf") || is("infinity")) {
    value = negative ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  return false;
}

bool append_utf8(Array<char>& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { return text.push(static_cast<char>(byte)); };
  if (code < 0x80) {
    return put(code);
  }
  if (code < 0x800) {
    return put(0xc0 | code >> 6) && put(0x80 | (code & 0x3f));
  }
  if (code < 0x10000) {
    return put(0xe0 | code >> 12) && put(0x80 | (code >> 6 & 0x3f)) && put(0x80 | (code & 0x3f));
  }
  return put(0xf0 | code >> 18) && put(0x80 | (code >> 12 & 0x3f)) &&
         put(0x80 | (code >> 6 & 0x3f)) && put(0x80 | (code & 0x3f));
}

}  // namespace

JsonReader::JsonReader(const char* text, std::size_t length, Array<char>& name,
                       Array<std::int64_t>& ints, Array<double>& reals)
    : begin_(text), at_(text), end_(text + length), name_(name), ints_(ints), reals_(reals) {}

JsonReader::Step JsonReader::next() {
  bool more = false;
  if (!is_open_) {
    if (end_ - at_ >= 3 && std::memcmp(at_, "\xef\xbb\xbf", 3) == 0) {
      at_ += 3;
    }
    skip_space();
    if (!expect('{', "expected `{`: the data is one object of named values")) {
      return Step::failed;
    }
    is_open_ = true;
    skip_space();
    more = !accept('}');
  } else {
    skip_space();
    more = accept(',');
    if (!more && !expect('}', "expected `,` or `}`")) {
      return Step::failed;
    }
  }
  skip_space();
  if (!more) {
    if (at_ != end_) {
      fail("expected the end of the file");
      return Step::failed;
    }
    return Step::end;
  }
  if (at_ == end_ || *at_ != '"') {
    fail("expected a name in double quotes");
    return Step::failed;
  }
  name_.clear();
  return string(name_) ? Step::member : Step::failed;
}

bool JsonReader::read(bool keep) {
  keep_ = keep;
  rank_ = 0;
  count_ = 0;
  first_real_ = first_bool_ = -1;
  is_real_ = false;
  problem_ = Text();
  leaf_depth_ = deepest_array_ = -1;
  ints_.clear();
  reals_.clear();
  skip_space();
  if (!expect(':', "expected `:` after a name")) {
    return false;
  }
  skip_space();
  const std::size_t length = name_.size();
  if (!value(0) || !name_.resize(length)) {
    return false;
  }
  return true;
}

Text JsonReader::failure() const {
  std::int64_t line = 1, column = 1;
  for (const char* at = begin_; at != failed_at_; ++at) {
    if (*at == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return Text() << "not valid JSON at line " << line << ", column " << column << ": "
                << failure_.view();
}

bool JsonReader::fail(const char* text, const char* more) {
  if (!failed_) {
    failed_ = true;
    failure_ << text << more;
    failed_at_ = at_;
  }
  return false;
}

bool JsonReader::no_memory() {
  failed_ = out_of_memory_ = true;
  return false;
}

void JsonReader::problem(const char* text) {
  if (problem_.empty()) {
    problem_ << text;
  }
}

void JsonReader::ragged_row(std::int64_t found, std::int64_t other) {
  if (problem_.empty()) {
    problem_ << "a ragged array: a row of " << found << " elements where another has " << other;
  }
}

void JsonReader::skip_space() {
  while (at_ != end_ && is_space(*at_)) {
    ++at_;
  }
}

bool JsonReader::accept(char c) {
  if (at_ != end_ && *at_ == c) {
    ++at_;
    return true;
  }
  return false;
}

bool JsonReader::expect(char c, const char* what) {
  return accept(c) || fail(what, at_ == end_ ? ", found the end of the file" : "");
}

bool JsonReader::value(int depth) {
  if (depth > max_depth) {
    static_assert(max_depth == 200);
    return fail("nested more than 200 deep");
  }
  if (at_ == end_) {
    return fail("expected a value, found the end of the file");
  }
  const char c = *at_;
  if (c == '-' || is_digit(c)) {
    return number(depth);
  }
  if (c == '[') {
    return array(depth);
  }
  if (c == '{') {
    problem("an object");
    return object(depth);
  }
  if (c != '"') {
    return word(depth);
  }
  const std::size_t begin = name_.size();  // behind the name
  if (!string(name_)) {
    return false;
  }
  double special = 0;
  const bool is_special = special_number(name_.data() + begin, name_.size() - begin, special);
  if (!name_.resize(begin)) {
    return no_memory();
  }
  if (!is_special) {
    problem("text");
    return true;
  }
  leaf(depth);
  return real_number(special);
}

bool JsonReader::array(int depth) {
  ++at_;
  if (leaf_depth_ >= 0 && leaf_depth_ <= depth) {
    problem("a ragged array: an array stands where other elements are single numbers");
  }
  deepest_array_ = deepest_array_ > depth ? deepest_array_ : depth;
  std::int64_t count = 0;
  skip_space();
  if (!accept(']')) {
    do {
      skip_space();
      if (!value(depth + 1)) {
        return false;
      }
      ++count;
      skip_space();
    } while (accept(','));
    if (!expect(']', "expected `,` or `]`")) {
      return false;
    }
  }
  while (rank_ <= depth) {
    dims_[rank_++] = -1;
  }
  if (dims_[depth] < 0) {
    dims_[depth] = count;
  } else if (dims_[depth] != count) {
    ragged_row(count, dims_[depth]);
  }
  return true;
}

// A member that no program can want, read only to find its end.
bool JsonReader::object(int depth) {
  ++at_;
  skip_space();
  if (accept('}')) {
    return true;
  }
  do {
    skip_space();
    if (at_ == end_ || *at_ != '"') {
      return fail("expected a name in double quotes");
    }
    const std::size_t begin = name_.size();
    if (!string(name_)) {
      return false;
    }
    if (!name_.resize(begin)) {
      return no_memory();
    }
    skip_space();
    if (!expect(':', "expected `:` after a name")) {
      return false;
    }
    skip_space();
    if (!value(depth + 1)) {
      return false;
    }
    skip_space();
  } while (accept(','));
  return expect('}', "expected `,` or `}`");
}

void JsonReader::leaf(int depth) {
  if (leaf_depth_ < 0 && deepest_array_ < depth) {
    leaf_depth_ = depth;
  } else if (leaf_depth_ != depth) {
    problem("a ragged array: a single number stands where other elements are arrays");
  }
}

bool JsonReader::integer(std::int64_t x) {
  ++count_;
  if (!keep_) {
    return true;
  }
  const bool kept = is_real_ ? reals_.push(static_cast<double>(x)) : ints_.push(x);
  return kept || no_memory();
}

bool JsonReader::real_number(double x) {
  if (!is_real_) {
    is_real_ = true;
    first_real_ = count_;
    if (keep_) {
      if (!reals_.resize(ints_.size())) {
        return no_memory();
      }
      for (std::size_t i = 0; i < ints_.size(); ++i) {
        reals_[i] = static_cast<double>(ints_[i]);
      }
    }
  }
  ++count_;
  return !keep_ || reals_.push(x) || no_memory();
}

bool JsonReader::number(int depth) {
  const char* const start = at_;
  const bool negative = accept('-');
  if (at_ != end_ && is_letter(*at_)) {
    at_ = start;
    return special_word(depth);
  }
  leaf(depth);
  std::uint64_t magnitude = 0;
  bool fits = true;
  const char* const digits = at_;
  while (at_ != end_ && is_digit(*at_)) {
    const std::uint64_t digit = static_cast<std::uint64_t>(*at_ - '0');
    fits = fits && !__builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude) &&
           !__builtin_add_overflow(magnitude, digit, &magnitude);
    ++at_;
  }
  const bool fraction = at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E');
  const std::uint64_t largest = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (!fraction && at_ != digits && fits && magnitude <= largest) {
    return integer(static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude));
  }
  double x = 0;
  at_ = read_real(start, end_, x);
  return at_ != start ? real_number(x) : fail("expected a number");
}

bool JsonReader::special_word(int depth) {
  const char* const first = at_;
  while (at_ != end_ && (is_letter(*at_) || *at_ == '-' || *at_ == '+')) {
    ++at_;
  }
  double special = 0;
  if (!special_number(first, static_cast<std::size_t>(at_ - first), special)) {
    at_ = first;
    return fail("expected a value");
  }
  leaf(depth);
  return real_number(special);
}

bool JsonReader::word(int depth) {
  const auto starts = [&](std::string_view text) {
    const bool is = static_cast<std::size_t>(end_ - at_) >= text.size() &&
                    std::memcmp(at_, text.data(), text.size()) == 0;
    at_ += is ? text.size() : 0;
    return is;
  };
  if (starts("null")) {
    problem("null");
    return true;
  }
  if (starts("true")) {
    return boolean(depth, 1);
  }
  if (starts("false")) {
    return boolean(depth, 0);
  }
  return special_word(depth);
}

bool JsonReader::boolean(int depth, std::int64_t x) {
  leaf(depth);
  if (first_bool_ < 0) {
    first_bool_ = count_;
  }
  return integer(x);
}

bool JsonReader::string(Array<char>& out) {
  ++at_;
  while (true) {
    if (at_ == end_) {
      return fail("expected `\"`, found the end of the file");
    }
    const char c = *at_++;
    if (c == '"') {
      return true;
    }
    if (c != '\\') {
      if (!out.push(c)) {
        return no_memory();
      }
    } else if (!escape(out)) {
      return false;
    }
  }
}

bool JsonReader::escape(Array<char>& out) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const char c = at_ != end_ ? *at_++ : '\0';
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (c == letters[i]) {
      return out.push(meanings[i]) || no_memory();
    }
  }
  if (c != 'u') {
    return fail("unknown escape in text");
  }
  std::uint32_t code = 0;
  if (!hex4(code)) {
    return false;
  }
  if (code >= 0xd800 && code < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    at_ += 2;
    std::uint32_t low = 0;
    if (!hex4(low)) {
      return false;
    }
    code = 0x10000 + ((code - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
  }
  return append_utf8(out, code) || no_memory();
}

bool JsonReader::hex4(std::uint32_t& code) {
  code = 0;
  const char* at = at_;
  for (int i = 0; i < 4; ++i, ++at) {
    const char c = at != end_ ? *at : '\0';
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      code = 16 * code + static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      code = 16 * code + static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return fail("expected four hexadecimal digits");
    }
  }
  at_ = at;
  return true;
}

}  // namespace borel::host

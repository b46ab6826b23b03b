// Reading numbers in JSON, as CmdStan writes data: one object whose members are numbers or nested
// arrays of numbers. A pull reader: the caller takes one member after the other.
//
// Beyond JSON, as CmdStan: "NaN", "inf", "+inf", "-inf", "Infinity" … as strings in any case, and
// the same as bare words. A member that is anything else (an object, text, null) is kept with a
// note of what it is, so that only a program that wants it complains. Says the same of every text
// as runtime/io/json.h, by a test.
#ifndef BOREL_RUNTIME_HOST_JSON_H
#define BOREL_RUNTIME_HOST_JSON_H

#include "runtime/host/memory.h"
#include "runtime/host/text.h"

namespace borel::host {

class JsonReader {
 public:
  static constexpr int max_depth = 200;

  // `name`, `ints` and `reals` are scratch that members lie in until the next is read.
  JsonReader(const char* text, std::size_t length, Array<char>& name, Array<std::int64_t>& ints,
             Array<double>& reals);

  enum class Step { member, end, failed };
  // Reads the name of the next member; after the last one that there is nothing more.
  Step next();
  std::string_view name() const { return {name_.data(), name_.size()}; }

  // Reads the value of the member, its numbers only if `keep`. False on failure.
  bool read(bool keep);
  // What keeps it from being an array of numbers ("a ragged array: …"); else empty.
  const Text& problem() const { return problem_; }
  std::int32_t rank() const { return rank_; }  // of the nested arrays; 0: a single number
  const std::int64_t* dims() const { return dims_; }
  // Numbers in the text's order (the last index fastest): `ints` if all are written as integers.
  std::int64_t count() const { return count_; }
  bool is_real() const { return is_real_; }
  std::int64_t first_real() const { return first_real_; }  // the first that is no integer
  std::int64_t first_bool() const { return first_bool_; }  // the first written true or false, or -1
  double real(std::int64_t i) const {
    const std::size_t at = static_cast<std::size_t>(i);
    return is_real_ ? reals_[at] : static_cast<double>(ints_[at]);
  }

  // After a failure: what is wrong, with line and column. Not set when memory ran out.
  bool out_of_memory() const { return out_of_memory_; }
  Text failure() const;

 private:
  // Apart from the functions that call themselves, which keep no text on the stack.
  [[gnu::noinline]] bool fail(const char* text, const char* more = "");
  [[gnu::noinline]] void problem(const char* text);
  [[gnu::noinline]] void ragged_row(std::int64_t found, std::int64_t other);
  bool no_memory();
  void skip_space();
  bool accept(char c);
  bool expect(char c, const char* what);
  bool value(int depth);
  bool array(int depth);
  bool object(int depth);
  bool number(int depth);
  bool word(int depth);
  bool special_word(int depth);
  bool boolean(int depth, std::int64_t x);
  bool string(Array<char>& out);
  bool escape(Array<char>& out);
  bool hex4(std::uint32_t& code);
  void leaf(int depth);
  bool integer(std::int64_t x);
  bool real_number(double x);

  const char* const begin_;
  const char* at_;
  const char* const end_;
  Array<char>& name_;
  Array<std::int64_t>& ints_;
  Array<double>& reals_;
  bool is_open_ = false;  // within the object
  bool keep_ = false;

  std::int32_t rank_ = 0;
  std::int64_t dims_[max_depth + 2] = {};
  std::int64_t count_ = 0, first_real_ = -1, first_bool_ = -1;
  bool is_real_ = false;
  Text problem_;
  int leaf_depth_ = -1;     // of the numbers seen so far; -1: none yet
  int deepest_array_ = -1;  // depth of the deepest array opened so far

  bool failed_ = false, out_of_memory_ = false;
  Text failure_;
  const char* failed_at_ = nullptr;
};

}  // namespace borel::host

#endif

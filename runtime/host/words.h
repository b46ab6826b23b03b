// Inputs, shapes and bounds in words, as the messages of data problems want them.
#ifndef BOREL_RUNTIME_HOST_WORDS_H
#define BOREL_RUNTIME_HOST_WORDS_H

#include "runtime/host/text.h"
#include "runtime/include/borel/program.h"

namespace borel::host {

// "J + 1".
void append_dim(Text& text, const borel_program& program, const borel_dim& dim);
// The type as the program spells it: "real[J]", "matrix[N, K]", "index[J][N] from 1".
Text declared_text(const borel_program& program, const borel_input& input);
// "a single number", "an array of 3 elements", "an array of shape [8, 2]".
Text shape_text(const std::int64_t* dims, std::int32_t rank);
// "an integer from 0 to 1", "a number above 0".
Text bounds_text(const char* noun, double lower, bool lower_open, double upper, bool upper_open);
// "`y[3,2]` (counting from 1)" for element i with the last index fastest; "`y`" for a single
// number.
Text element_text(std::string_view name, const std::int64_t* dims, std::int32_t rank,
                  std::int64_t i);

// The nearest to `name` of the candidates given to it, if it is near enough to be what was meant.
class NearestName {
 public:
  explicit NearestName(std::string_view name) : name_(name) {}
  void consider(std::string_view candidate);
  std::string_view best() const { return best_; }

 private:
  std::string_view name_, best_;
  int distance_ = 0;
};

}  // namespace borel::host

#endif

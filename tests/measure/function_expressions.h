/// The values and expressions of random functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/measure/writer.h"

namespace borel::testing {

inline constexpr const char* row = "tensor<?xf64>";
inline constexpr const char* matrix = "tensor<?x?xf64>";
inline constexpr const char* row_of_ints = "tensor<?xi64>";

/// Sizes of arrays by a letter: n and m may be 0, k is at least 1.
struct ArrayName {
  std::string name;
  char size;
  bool is_data;
};

/// Writes expressions in what is in scope: reals, arrays, the induction variables of the loops
/// around, and data.
class FunctionExpressions {
 protected:
  explicit FunctionExpressions(uint64_t seed) : choose_(seed) {}

  struct Index {
    std::string name;
    char size;
  };

  struct Mark {
    size_t reals, positives, arrays, indices;
  };
  Mark mark() const { return {reals_.size(), positives_.size(), arrays_.size(), indices_.size()}; }
  void leave(const Mark& m);
  void slots();
  void helpers();
  void begin();
  std::string upper(char size);
  std::string element(const std::string& array, const std::string& index, const char* type = row,
                      const char* to = "f64");
  std::string leaf();
  std::string array_of(char size);
  std::string positive(int depth);
  std::string condition(int depth);
  std::string real(int depth);
  /// One operation, or one of the forms that simplification knows.
  std::string compound(int depth);
  std::string call(int d);
  std::string branch(int depth);

  Choice choose_;
  Writer out_;
  std::string zero_, one_, data_matrix_;
  std::map<char, std::string> size_, gathers_, data_rows_;
  std::vector<std::string> reals_, positives_, data_reals_, totals_;
  std::vector<ArrayName> arrays_;
  std::vector<Index> indices_;
  bool data_only_ = false;
};

}  // namespace borel::testing

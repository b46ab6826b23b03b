/// Variables, sites and expressions of random models with stops.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/measure/programs.h"
#include "tests/measure/writer.h"

namespace borel::testing {

/// The IR type of a scalar or an array of this rank.
std::string array_type(const std::string& scalar, size_t rank);

class StageExpressions {
 protected:
  /// Known by the name of its present value; its dimensions are sizes by name.
  struct Variable {
    std::string name, scalar;
    std::vector<std::string> dims;
    int site = -1;
  };

  explicit StageExpressions(uint64_t seed) : choose_(seed ^ 0x57A6E5) {}

  const Variable& variable(int v) const { return variables_[static_cast<size_t>(v)]; }
  std::string& name_of(int v) { return variables_[static_cast<size_t>(v)].name; }
  std::string type_of(int v) const;
  /// Its first value is written to the header.
  int add_variable(const std::string& scalar, std::vector<std::string> dims, int site = -1);
  int add_site(const char* kind, const std::string& scalar, const std::vector<std::string>& dims,
               bool moves);
  StageProgram::Site& site_of(int v) {
    return program_.sites[static_cast<size_t>(variable(v).site)];
  }
  /// An index into a dimension of this name.
  std::string index(const std::string& dim);
  std::string element(int v);
  /// A variable of this kind, read; the latest sites more often than others.
  std::string read(const std::string& scalar);
  /// All of an array added up.
  std::string whole();
  std::string real(int depth);
  /// Small, so that variables stay so.
  std::string bounded();
  /// 0 .. 2.
  std::string integer(int depth);
  std::string truth(int depth);
  std::string value(const std::string& scalar);
  /// A share of the grid, which may depend on anything.
  std::string probability();

  Choice choose_;
  StageProgram program_;
  Writer out_;
  std::string header_, data_, choices_;  // what comes before the statements; arrays of data
  std::map<std::string, std::string> sizes_;
  std::vector<Variable> variables_;
  std::vector<std::pair<std::string, std::string>> indices_;  // and what they count
  int total_ = 0;
  bool adds_ = false;  // the loop being written adds to the total, and does nothing else with it
};

}  // namespace borel::testing

// How the readers of data and of initial values build their problems.
#ifndef BOREL_RUNTIME_IO_DATA_PROBLEM_H
#define BOREL_RUNTIME_IO_DATA_PROBLEM_H

#include <string>
#include <vector>

#include "runtime/io/data.h"

namespace borel::io {

// Collects the problems of one file.
class ProblemList {
 public:
  explicit ProblemList(const JsonDocument& document) : document_(document) {}

  // A problem of one named value: "`y[3]`: found -1, expected at least 0".
  DataProblem& add(DataProblemKind kind, const std::string& name, const borel_span& declaration,
                   std::string found, std::string expected);
  // The same with the place of the variable or of one of its elements (element < 0: the whole);
  // `others`: how many further elements have the same problem.
  DataProblem& add(DataProblemKind kind, const JsonVariable& variable, std::int64_t element,
                   const borel_span& declaration, std::string found, std::string expected,
                   std::int64_t others = 0);
  // A name that is not in the file, with the nearest that is.
  DataProblem& add_missing(const std::string& name, const borel_span& declaration,
                           const std::string& expected, const std::vector<std::string>& unused);
  // Names in the file that are not in `wanted`.
  std::vector<std::string> unused(const std::vector<std::string>& wanted) const;

  bool usable(const JsonVariable& variable, const borel_span& declaration,
              const std::string& expected);

  std::vector<DataProblem> take() { return std::move(problems_); }

 private:
  const JsonDocument& document_;
  std::vector<DataProblem> problems_;
};

}  // namespace borel::io

#endif

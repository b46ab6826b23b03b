// Data for a program: from CmdStan's JSON to the arrays that bind takes, every problem reported.
#ifndef BOREL_RUNTIME_IO_DATA_H
#define BOREL_RUNTIME_IO_DATA_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/instance.h"
#include "runtime/io/json.h"

namespace borel::io {

enum class Severity { error, warning };

enum class DataProblemKind {
  file,       // cannot be read
  syntax,     // is not JSON
  missing,    // a name that the program wants is not there
  unused,     // names that nobody wants (a warning, at most one a file)
  duplicate,  // a name is given twice
  type,       // text, null, true, or a real number where an integer is wanted
  shape,      // ragged, or another number of dimensions or elements than declared
  size,       // contradicts a size that another input or an int has bound
  range,      // an element is outside its bounds, or an index outside its range
  nan         // an element is NaN
};

struct DataProblem {
  Severity severity = Severity::error;
  DataProblemKind kind = DataProblemKind::syntax;
  std::string input;                  // the name concerned
  std::vector<std::int64_t> element;  // counted from 1, as in the file; empty: the whole input
  std::string found, expected;        // in words
  FilePlace place;                    // in the data file; line 0: none
  runtime::SourceSpan declaration;    // of the input or size in the program
  std::string related;                // what `related_span` is ("`J` is bound by `sigma` here")
  runtime::SourceSpan related_span;
  std::string suggestion;  // "did you mean `sigma`?"
  std::string text;        // one sentence with name, element, found and expected
};

struct DataResult {
  runtime::InputData data;  // whole only when ok()
  std::vector<DataProblem> problems;

  bool ok() const;
};

// The inputs of `program` from `document`. Size symbols are bound by int inputs of their name, then
// by the shapes of inputs; a name in the data that is that of a size symbol is checked against it.
// [] stands for an array of any rank with no elements. Matrices become column-major. Integers must
// be written as integers (CmdStan's rule: 1.0 and 1e3 are reals). Indices are shifted to count
// from 0. What the document does not have is what the program says it is then, if it does: such an
// array is the program's memory.
DataResult read_data(const borel_program& program, const JsonDocument& document);

// Constrained values of a model's latent sites, from a file of initial values. `values` are in a
// draw's order, as borel_model.unconstrain takes them. Values of other names are ignored.
struct LatentsResult {
  std::vector<double> values;
  std::vector<DataProblem> problems;

  bool ok() const;
};
LatentsResult read_latents(const runtime::Instance& instance, const borel_model& model,
                           const JsonDocument& document);

// A vector of `length` reals by name ({"params_r": […]}).
LatentsResult read_vector(const JsonDocument& document, const std::string& name,
                          std::int64_t length);

// A file that could not be read or parsed, as a problem.
DataProblem file_problem(const JsonError& error);

// The index of flat element i (last index fastest) in an array of these dims, counted from 1.
std::vector<std::int64_t> element_index(const std::vector<std::int64_t>& dims, std::int64_t i);
// "y[3,2]".
std::string element_name(const std::string& name, const std::vector<std::int64_t>& element);
// "a single number", "an array of shape [8, 2]".
std::string shape_text(const std::vector<std::int64_t>& dims);

}  // namespace borel::io

#endif

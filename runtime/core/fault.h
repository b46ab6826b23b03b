// Errors of a run as values, and a program's faults put into words.
#ifndef BOREL_RUNTIME_CORE_FAULT_H
#define BOREL_RUNTIME_CORE_FAULT_H

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "runtime/core/fault_names.h"
#include "runtime/include/borel/program.h"

namespace borel::runtime {

// A range of source text that owns its file name; line 0 when unknown.
struct SourceSpan {
  std::string file;
  std::int32_t line = 0, column = 0, end_line = 0, end_column = 0;

  SourceSpan() = default;
  explicit SourceSpan(const borel_span& span)
      : file(span.file != nullptr ? span.file : ""),
        line(span.line),
        column(span.column),
        end_line(span.end_line),
        end_column(span.end_column) {}
  bool known() const { return line > 0; }
};

enum class ErrorKind {
  incompatible,  // the program is of another ABI version, for another CPU or wants another host
  fault,         // the program reached a fault: `span` is its place in the source
  parameter,     // a machine's parameter has an unknown name or a value out of range
  output,        // draws could not be written
  start,         // a chain has no starting point with a finite log density
  memory,        // out of memory
  internal       // the program broke the contract: a defect of the compiler or of a hand-made one
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string text;
  SourceSpan span;   // known for faults
  std::string site;  // of a fault, where it belongs to one
};

using Failure = std::optional<Error>;

// Thrown inside the runtime when a program breaks the contract; never crosses its interface.
class ContractViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// The fault in words, with its place: "parameter constraint `sigma > 0` of site `y` fails: found
// -1 at element 3". Indices count from 0, as in the language.
Error describe_fault(const borel_program& program, const borel_fault& fault);

// The shortest text that reads back as the same double; "nan", "inf", "-inf".
std::string number_text(double value);

}  // namespace borel::runtime

#endif

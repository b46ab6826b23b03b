// What the compiler says to its user: typed values, collected several to a run and rendered with an
// excerpt of the source; and, on a separate path, bugs of the compiler itself.
#pragma once

#include <cstddef>
#include <deque>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/source.h"

namespace borel {

enum class Severity { Error, Warning, Note };

// A place that a diagnostic refers to, such as where a name was first declared.
struct DiagnosticNote {
  Span span;  // may be invalid: then the text stands alone
  std::string text;
};

// One message. `code` is a stable dotted id of its kind ("syntax.expected", "name.unknown"), for
// tests and tools; people read `message`, which is in lower case and without a full stop.
struct Diagnostic {
  Severity severity = Severity::Error;
  std::string code;
  Span span;  // may be invalid: a message about no place in a file
  std::string message;
  std::string found;     // what is there, where the message does not say; may be empty
  std::string expected;  // what would be right, where the message does not say; may be empty
  std::vector<DiagnosticNote> notes;
  std::string suggestion;  // "did you mean 'sigma'?"; may be empty

  // For building one in place: diagnostics.error(…).with_expected(…).with_note(…).
  Diagnostic& with_found(std::string text);
  Diagnostic& with_expected(std::string text);
  Diagnostic& with_note(Span place, std::string text);
  Diagnostic& with_suggestion(std::string text);
};

// Collects diagnostics in the order in which they are found. References that it returns stay good.
class Diagnostics {
 public:
  Diagnostic& error(std::string code, Span span, std::string message);
  Diagnostic& warning(std::string code, Span span, std::string message);
  Diagnostic& add(Diagnostic diagnostic);

  // All, in order. One that repeats an earlier one's code, place and message (as a second
  // specialisation of one function may) is left out.
  std::vector<const Diagnostic*> all() const;
  bool has_errors() const { return error_count() != 0; }
  std::size_t error_count() const;

 private:
  std::deque<Diagnostic> list_;
};

// One diagnostic as text, each line ended by '\n':
//   file.ppl:12:18-22: error: unknown name 'sgima'
//      12 |   y ~ Normal(mu, sgima)
//         |                  ^~~~~
//     found: …
//     expected: …
//     file.ppl:3:7: note: …
//       3 | …
//     help: did you mean 'sigma'?
std::string render(const Diagnostic& diagnostic, const SourceManager& sources);
std::string render(const Diagnostics& diagnostics, const SourceManager& sources);

// The candidate that was probably meant by `name`: at most a third of its letters wrong, left out,
// added or swapped with a neighbour (at least one is allowed). Empty when none is near; of several
// equally near, the first.
std::string nearest(std::string_view name, std::span<const std::string> candidates);
// "did you mean 'sigma'?", or empty: what Diagnostic::suggestion takes.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

// A bug in the compiler, not in the program that it reads. Its text asks for a report.
class InternalError : public std::logic_error {
 public:
  explicit InternalError(const std::string& what, Span place = {},
                         std::source_location where = std::source_location::current());
  // The place in the user's program that was being compiled; may be invalid.
  Span span() const { return span_; }

 private:
  Span span_;
};

// Throws InternalError unless `condition` holds.
inline void internal_check(bool condition, const char* what,
                           std::source_location where = std::source_location::current()) {
  if (!condition) throw InternalError(what, Span{}, where);
}

}  // namespace borel

#include "compiler/driver/messages.h"

#include <algorithm>
#include <iomanip>
#include <iostream>

namespace borel::driver {
namespace {

/// The lines of a place in the program, underlined, as diagnostics show them.
void print_excerpt(const runtime::SourceSpan& span, const SourceManager& sources,
                   const std::string& text) {
  if (!span.known()) {
    if (!text.empty()) std::cerr << "  note: " << text << '\n';
    return;
  }
  std::cerr << "  " << span.file << ':' << span.line << ':' << span.column << ": note: " << text
            << '\n';
  for (std::size_t i = 0; i < sources.file_count(); ++i) {
    const SourceFile& file = sources.file(static_cast<FileId>(i));
    const auto line = static_cast<std::uint32_t>(span.line);
    if (file.path() != span.file || line > file.line_count()) continue;
    const std::string number = std::to_string(span.line);
    const auto begin = static_cast<std::size_t>(std::max(span.column, 1) - 1);
    const std::size_t length = span.end_line == span.line && span.end_column > span.column
                                   ? static_cast<std::size_t>(span.end_column - span.column)
                                   : 1;
    std::cerr << "    " << number << " | " << file.line(line) << '\n'
              << "    " << std::string(number.size(), ' ') << " | " << std::string(begin, ' ')
              << '^' << std::string(length - 1, '~') << '\n';
    return;
  }
}

}  // namespace

void print_diagnostics(const Diagnostics& diagnostics, const SourceManager& sources) {
  std::cerr << render(diagnostics, sources);
}

void print_problems(std::span<const io::DataProblem> problems, const SourceManager& sources) {
  for (const io::DataProblem& problem : problems) {
    if (!problem.place.file.empty()) {
      std::cerr << problem.place.file << ':';
      if (problem.place.line > 0)
        std::cerr << problem.place.line << ':' << problem.place.column << ':';
      std::cerr << ' ';
    }
    std::cerr << (problem.severity == io::Severity::error ? "error: " : "warning: ") << problem.text
              << '\n';
    if (problem.declaration.known()) print_excerpt(problem.declaration, sources, "declared here");
    if (problem.related_span.known()) print_excerpt(problem.related_span, sources, problem.related);
    if (!problem.suggestion.empty()) std::cerr << "  help: " << problem.suggestion << '\n';
  }
}

void print_error(const runtime::Error& error, const SourceManager& sources) {
  std::cerr << "error: " << error.text << '\n';
  if (error.span.known()) print_excerpt(error.span, sources, "here");
}

int exit_code(const runtime::Error& error) {
  switch (error.kind) {
    case runtime::ErrorKind::parameter:
      return exit_usage;
    case runtime::ErrorKind::output:
      return exit_output;
    case runtime::ErrorKind::internal:
      return exit_internal;
    case runtime::ErrorKind::incompatible:
    case runtime::ErrorKind::fault:
    case runtime::ErrorKind::start:
    case runtime::ErrorKind::memory:
      return exit_run;
  }
  return exit_run;
}

void print_times(const StageTimes& times, std::ostream& out) {
  double total = 0;
  for (const auto& [name, seconds] : times) total += seconds;
  for (const auto& [name, seconds] : times)
    out << std::setw(22) << std::left << name << std::right << std::fixed << std::setprecision(2)
        << std::setw(9) << 1e3 * seconds << " ms\n";
  out << std::setw(22) << std::left << "total" << std::right << std::fixed << std::setprecision(2)
      << std::setw(9) << 1e3 * total << " ms\n";
}

}  // namespace borel::driver

#include "compiler/support/diagnostics.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace borel {

namespace {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Note:
      return "note";
  }
  return "error";
}

// Tabs become one space, so that the caret line lines up with the text above it.
std::string printable(std::string_view line) {
  std::string out(line);
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

constexpr std::size_t number_width = 5;

std::string excerpt(Span span, const SourceManager& sources) {
  const SourceFile& file = sources.file(span.file);
  const Position first = sources.begin(span);
  const Position past = sources.end(span);
  const std::string number = std::to_string(first.line);
  const std::string_view line = file.line(first.line);
  std::string out(number.size() < number_width ? number_width - number.size() : 0, ' ');
  out += number + " | " + printable(line) + '\n';
  out += std::string(std::max(number_width, number.size()), ' ') + " | ";
  out += std::string(first.column - 1, ' ') + '^';
  std::uint32_t last = past.column;
  if (past.line != first.line) {
    // A span over several lines is underlined to the end of its first.
    const auto offset = static_cast<std::uint32_t>(line.data() + line.size() - file.text().data());
    last = file.position(offset).column;
  }
  if (last > first.column + 1) out += std::string(last - first.column - 1, '~');
  return out + '\n';
}

// Distance of two words where leaving out, adding or changing a letter, or swapping two
// neighbours, each cost one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

Diagnostic& Diagnostic::with_found(std::string text) {
  found = std::move(text);
  return *this;
}

Diagnostic& Diagnostic::with_expected(std::string text) {
  expected = std::move(text);
  return *this;
}

Diagnostic& Diagnostic::with_note(Span place, std::string text) {
  notes.push_back({place, std::move(text)});
  return *this;
}

Diagnostic& Diagnostic::with_suggestion(std::string text) {
  suggestion = std::move(text);
  return *this;
}

Diagnostic& Diagnostics::error(std::string code, Span span, std::string message) {
  return add({Severity::Error, std::move(code), span, std::move(message), {}, {}, {}, {}});
}

Diagnostic& Diagnostics::warning(std::string code, Span span, std::string message) {
  return add({Severity::Warning, std::move(code), span, std::move(message), {}, {}, {}, {}});
}

Diagnostic& Diagnostics::add(Diagnostic diagnostic) {
  list_.push_back(std::move(diagnostic));
  return list_.back();
}

std::vector<const Diagnostic*> Diagnostics::all() const {
  std::vector<const Diagnostic*> out;
  for (const Diagnostic& one : list_) {
    const bool repeated = std::any_of(out.begin(), out.end(), [&](const Diagnostic* earlier) {
      return earlier->code == one.code && earlier->span == one.span &&
             earlier->message == one.message;
    });
    if (!repeated) out.push_back(&one);
  }
  return out;
}

std::size_t Diagnostics::error_count() const {
  const auto list = all();
  return static_cast<std::size_t>(std::count_if(
      list.begin(), list.end(), [](const auto* one) { return one->severity == Severity::Error; }));
}

std::string render(const Diagnostic& diagnostic, const SourceManager& sources) {
  std::string out;
  if (diagnostic.span.valid()) out += sources.place(diagnostic.span) + ": ";
  out += name_of(diagnostic.severity);
  out += ": " + diagnostic.message + '\n';
  if (diagnostic.span.valid()) out += excerpt(diagnostic.span, sources);
  if (!diagnostic.found.empty()) out += "  found: " + diagnostic.found + '\n';
  if (!diagnostic.expected.empty()) out += "  expected: " + diagnostic.expected + '\n';
  for (const DiagnosticNote& note : diagnostic.notes) {
    out += "  ";
    if (note.span.valid()) out += sources.place(note.span) + ": ";
    out += "note: " + note.text + '\n';
    if (note.span.valid()) out += excerpt(note.span, sources);
  }
  if (!diagnostic.suggestion.empty()) out += "  help: " + diagnostic.suggestion + '\n';
  return out;
}

std::string render(const Diagnostics& diagnostics, const SourceManager& sources) {
  std::string out;
  for (const Diagnostic* one : diagnostics.all()) out += render(*one, sources);
  return out;
}

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string out;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    // A name of one letter resembles every other such name; that helps nobody.
    if (distance < best && distance < std::max(name.size(), candidate.size())) {
      best = distance;
      out = candidate;
    }
  }
  return out;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::string near = nearest(name, candidates);
  return near.empty() ? std::string() : "did you mean '" + near + "'?";
}

InternalError::InternalError(const std::string& what, Span place, std::source_location where)
    : std::logic_error("internal error of the Borel compiler: " + what + " (" + where.file_name() +
                       ':' + std::to_string(where.line()) +
                       "). This is a bug in the compiler, not in your program; please report it "
                       "with the program that shows it."),
      span_(place) {}

}  // namespace borel

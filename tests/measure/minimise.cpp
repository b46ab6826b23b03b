#include "tests/measure/minimise.h"

#include <cctype>
#include <sstream>

namespace borel::testing {
namespace {

using Lines = std::vector<std::string>;

Lines split(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// The %names in a line, in order.
Lines names(const std::string& line) {
  Lines out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '%') continue;
    size_t end = i + 1;
    while (end < line.size() && is_name(line[end])) ++end;
    out.push_back(line.substr(i, end - i));
    i = end - 1;
  }
  return out;
}

std::string renamed(const std::string& line, const std::string& from, const std::string& to) {
  std::string out;
  for (size_t i = 0; i < line.size();) {
    if (line.compare(i, from.size(), from) == 0 &&
        (i + from.size() == line.size() || !is_name(line[i + from.size()]))) {
      out += to;
      i += from.size();
    } else {
      out += line[i++];
    }
  }
  return out;
}

/// The line after the region that the line opens (its own when it opens none).
size_t end_of(const Lines& lines, size_t begin) {
  int depth = 0;
  for (size_t i = begin; i < lines.size(); ++i) {
    for (const char c : lines[i]) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth <= 0) return i + 1;
  }
  return lines.size();
}

Lines without(const Lines& lines, size_t begin, size_t end) {
  Lines out(lines.begin(), lines.begin() + static_cast<long>(begin));
  out.insert(out.end(), lines.begin() + static_cast<long>(end), lines.end());
  return out;
}

/// A message without its numbers.
std::string kind(const std::string& message) {
  std::string out;
  for (const char c : message.substr(0, 60))
    if (std::isalpha(static_cast<unsigned char>(c))) out += c;
  return out.substr(0, 24);
}

}  // namespace

std::string minimised(Harness& harness, const std::string& text, const Failure& failure,
                      const std::function<std::optional<Failure>(const std::string&)>& check) {
  Lines lines = split(text);
  int tries = 0;
  const auto fails = [&](const Lines& candidate) {
    const std::string smaller = joined(candidate);
    if (++tries > 3000 || !harness.parse(smaller)) return false;
    const auto found = check(smaller);
    return found && found->pass == failure.pass && kind(found->message) == kind(failure.message);
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = lines.size(); i-- > 0;) {
      if (i >= lines.size()) continue;
      const size_t end = end_of(lines, i);
      if (lines[i].starts_with("module") || lines[i].starts_with("func.func @")) continue;
      if (Lines candidate = without(lines, i, end); fails(candidate)) {
        lines = std::move(candidate);
        changed = true;
        continue;
      }
      // One of its operands, or an argument, instead of what it computes.
      const size_t equals = lines[i].find(" = ");
      if (lines[i].empty() || lines[i][0] != '%' || equals == std::string::npos) continue;
      const Lines results = names(lines[i].substr(0, equals));
      Lines stand_ins = names(lines[i].substr(equals));
      stand_ins.insert(stand_ins.end(), {"%b", "%a", "%x", "%y", "%w", "%q", "%c", "%a0", "%a1"});
      if (results.size() != 1) continue;
      for (const std::string& stand_in : stand_ins) {
        Lines candidate = without(lines, i, end);
        for (std::string& line : candidate) line = renamed(line, results[0], stand_in);
        if (!fails(candidate)) continue;
        lines = std::move(candidate);
        changed = true;
        break;
      }
    }
  }
  return joined(lines);
}

}  // namespace borel::testing

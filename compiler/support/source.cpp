#include "compiler/support/source.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

#include "compiler/support/diagnostics.h"

namespace borel {

namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::uint32_t count_characters(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(text.begin(), text.end(), starts_character));
}

}  // namespace

Span join(Span a, Span b) {
  if (!a.valid()) return b;
  if (!b.valid()) return a;
  internal_check(a.file == b.file, "joining spans of two files");
  return {a.file, std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

SourceFile::SourceFile(std::string path, std::string text)
    : path_(std::move(path)), text_(std::move(text)), line_starts_{0} {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

std::string_view SourceFile::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t begin = line_starts_[number - 1];
  std::size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

Position SourceFile::position(std::uint32_t offset) const {
  offset = std::min(offset, static_cast<std::uint32_t>(text_.size()));
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - line_starts_.begin());
  const std::uint32_t start = line_starts_[line - 1];
  return {line, count_characters(std::string_view(text_).substr(start, offset - start)) + 1};
}

FileId SourceManager::add(std::string path, std::string text) {
  internal_check(text.size() < 0xffffffffu, "a source file of more than 4 GiB");
  files_.emplace_back(std::move(path), std::move(text));
  return static_cast<FileId>(files_.size() - 1);
}

std::optional<FileId> SourceManager::load(const std::filesystem::path& path) {
  // Opening a folder succeeds and reading it fails, so ask first.
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    errno = EISDIR;
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) return std::nullopt;
  return add(path.string(), std::move(text));
}

const SourceFile& SourceManager::file(FileId id) const {
  const auto index = static_cast<std::size_t>(id);
  internal_check(index < files_.size(), "a span of no file");
  return files_[index];
}

std::string_view SourceManager::text(Span span) const {
  if (!span.valid()) return {};
  return file(span.file).text().substr(span.begin, span.size());
}

Position SourceManager::begin(Span span) const { return file(span.file).position(span.begin); }

Position SourceManager::end(Span span) const { return file(span.file).position(span.end); }

std::string SourceManager::place(Span span) const {
  if (!span.valid()) return {};
  const Position first = begin(span);
  std::string out = file(span.file).path() + ':' + std::to_string(first.line) + ':' +
                    std::to_string(first.column);
  if (span.size() <= 1) return out;
  // The last character may be several bytes long: count up to the end, then step back by one.
  const Position past = end(span);
  if (past.line != first.line) {
    const std::uint32_t last = past.column > 1 ? past.column - 1 : 1;
    out += '-' + std::to_string(past.line) + ':' + std::to_string(last);
  } else if (past.column > first.column + 1) {
    out += '-' + std::to_string(past.column - 1);
  }
  return out;
}

}  // namespace borel

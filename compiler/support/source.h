// Source text and places in it.
//
// A SourceManager owns the text of every file that one compilation reads (programs, library files,
// data files); whoever runs the compilation owns the manager. A Span is a half-open range of bytes
// in one of those files: small, trivially copyable, and turned into lines and columns only when a
// person is to read it.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace borel {

// Names a file within its SourceManager.
enum class FileId : std::uint32_t { None = 0xffffffffu };

// Bytes [begin, end) of a file. A default-made Span is no place at all.
struct Span {
  FileId file = FileId::None;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool valid() const { return file != FileId::None; }
  std::uint32_t size() const { return end - begin; }
  friend bool operator==(const Span&, const Span&) = default;
};

// The smallest span that covers both; an invalid one is ignored. Both lie in the same file.
Span join(Span a, Span b);

// A place as people count: lines and columns from 1, columns in characters (UTF-8 code points).
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend bool operator==(const Position&, const Position&) = default;
};

class SourceFile {
 public:
  SourceFile(std::string path, std::string text);

  const std::string& path() const { return path_; }
  std::string_view text() const { return text_; }
  std::uint32_t line_count() const { return static_cast<std::uint32_t>(line_starts_.size()); }
  // The text of a line (counted from 1) without its line end; empty past the last line.
  std::string_view line(std::uint32_t number) const;
  // The place of a byte; an offset past the end gives the end of the file.
  Position position(std::uint32_t offset) const;

 private:
  std::string path_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
};

class SourceManager {
 public:
  SourceManager() = default;
  SourceManager(const SourceManager&) = delete;
  SourceManager& operator=(const SourceManager&) = delete;

  // Takes text over; `path` is what diagnostics call it. Text is at most 4 GiB long.
  FileId add(std::string path, std::string text);
  // Reads a file from disk; nothing when it cannot be read (errno says why).
  std::optional<FileId> load(const std::filesystem::path& path);

  const SourceFile& file(FileId id) const;
  std::size_t file_count() const { return files_.size(); }

  // The text that a span covers; empty for an invalid one.
  std::string_view text(Span span) const;
  // The place of the first byte, and of the last byte's following one.
  Position begin(Span span) const;
  Position end(Span span) const;
  // "file.ppl:12:7-14": columns are those of the first and the last character; "file.ppl:12:7" for
  // one character, "file.ppl:12:7-14:3" where the span ends on another line.
  std::string place(Span span) const;

 private:
  std::deque<SourceFile> files_;  // a deque, so that references to files stay good
};

}  // namespace borel

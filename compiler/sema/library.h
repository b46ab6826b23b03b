/// The standard library as sema sees it: a table of .ppl texts in which declarations are found by
/// name. Only the files that a program uses are parsed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"
#include "compiler/syntax/ast.h"

namespace borel::sema {

/// Where library texts come from. Paths are relative and use '/': "distributions/normal.ppl".
class LibrarySource {
 public:
  struct Text {
    std::string path;
    std::string_view text;  // valid as long as the source
  };
  virtual ~LibrarySource() = default;
  virtual std::vector<Text> files() const = 0;
};

/// Every .ppl file below a folder of the disk, read at construction.
class DirectoryLibrary final : public LibrarySource {
 public:
  explicit DirectoryLibrary(const std::string& folder);
  std::vector<Text> files() const override;

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
};

/// Finds declarations by name. Where two files declare one name, the first path wins.
class Library {
 public:
  /// All arguments outlive the library. `prefix` is put before paths in diagnostics ("stdlib/").
  Library(const LibrarySource& source, SourceManager& sources, Diagnostics& diagnostics,
          std::string prefix = "stdlib/");

  /// The declaration of a name, or null. Parses the file that has it at the first call.
  const ast::Decl* find(const std::string& name);
  /// Whether a file has a declaration of this name, be it one with a syntax error.
  bool lists(const std::string& name) const { return by_name_.find(name) != by_name_.end(); }
  /// Every name that the library declares.
  const std::vector<std::string>& names() const { return names_; }
  /// Whether a file is one that this library has read.
  bool owns(FileId file) const;

  SourceManager& sources() { return sources_; }

 private:
  struct Entry {
    std::string path;
    std::string_view text;
    bool read = false;
    ast::File file;
  };
  SourceManager& sources_;
  Diagnostics& diagnostics_;
  std::string prefix_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::string, Entry*, std::less<>> by_name_;
  std::vector<std::string> names_;
};

/// The name that a line of text declares at its start (`def f(`, `model m(`, …), else empty.
std::string_view declared_name(std::string_view line);

}  // namespace borel::sema

#include "compiler/sema/library.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/syntax/parse.h"

namespace borel::sema {

DirectoryLibrary::DirectoryLibrary(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() != ".ppl") continue;
    std::ifstream in(at->path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    texts_.emplace_back(fs::relative(at->path(), folder).generic_string(), text.str());
  }
  std::sort(texts_.begin(), texts_.end());
}

std::vector<LibrarySource::Text> DirectoryLibrary::files() const {
  std::vector<Text> out;
  for (const auto& [path, text] : texts_) out.push_back({path, text});
  return out;
}

std::string_view declared_name(std::string_view line) {
  auto word = [&line]() {
    std::size_t end = 0;
    while (end < line.size() &&
           (std::isalnum(static_cast<unsigned char>(line[end])) != 0 || line[end] == '_')) {
      ++end;
    }
    std::string_view out = line.substr(0, end);
    line.remove_prefix(end);
    while (!line.empty() && (line[0] == ' ' || line[0] == '\t')) line.remove_prefix(1);
    return out;
  };
  std::string_view first = word();
  if (first == "random") first = word();
  if (first == "def" || first == "model" || first == "struct" || first == "infer") return word();
  return {};
}

Library::Library(const LibrarySource& source, SourceManager& sources, Diagnostics& diagnostics,
                 std::string prefix)
    : sources_(sources), diagnostics_(diagnostics), prefix_(std::move(prefix)) {
  for (LibrarySource::Text& text : source.files()) {
    auto entry = std::make_unique<Entry>();
    entry->path = std::move(text.path);
    entry->text = text.text;
    std::string_view rest = entry->text;
    while (!rest.empty()) {
      std::size_t end = rest.find('\n');
      std::string_view name = declared_name(rest.substr(0, end));
      if (!name.empty() && by_name_.emplace(name, entry.get()).second) names_.emplace_back(name);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    entries_.push_back(std::move(entry));
  }
}

const ast::Decl* Library::find(const std::string& name) {
  auto at = by_name_.find(name);
  if (at == by_name_.end()) return nullptr;
  Entry& entry = *at->second;
  if (!entry.read) {
    entry.read = true;
    FileId id = sources_.add(prefix_ + entry.path, std::string(entry.text));
    entry.file = syntax::parse(sources_, id, diagnostics_);
  }
  for (const ast::Decl& decl : entry.file.decls) {
    if (decl.name().text == name) return &decl;
  }
  return nullptr;
}

bool Library::owns(FileId file) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry->read && entry->file.id == file; });
}

}  // namespace borel::sema

#include "compiler/driver/library_text.h"

#include "stdlib/stdlib.h"

namespace borel::driver {
namespace {

class BuiltinLibrary final : public sema::LibrarySource {
 public:
  std::vector<Text> files() const override {
    std::vector<Text> out;
    for (const StdlibFile& file : stdlib_files())
      out.push_back({std::string(file.path), file.text});
    return out;
  }
};

}  // namespace

std::unique_ptr<sema::LibrarySource> builtin_library() {
  return std::make_unique<BuiltinLibrary>();
}

}  // namespace borel::driver

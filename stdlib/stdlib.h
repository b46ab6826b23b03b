/// The text of the standard library, embedded in the executable.
#pragma once

#include <span>
#include <string_view>

namespace borel {

struct StdlibFile {
  std::string_view path;  // relative: "distributions/normal.ppl"
  std::string_view text;
};

/// Every .ppl file of this folder, by path.
std::span<const StdlibFile> stdlib_files();

}  // namespace borel

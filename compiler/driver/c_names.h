/// Names of a program as identifiers of C and C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace borel::driver {

/// The prefix of all that a library named `stem` declares: dots and dashes become `_`. `problem` is
/// empty, or why there is none: the rest is not an identifier.
struct LibraryName {
  std::string name, problem;
};
LibraryName library_name(std::string_view stem);

/// Members for these names, in order, all different and none in `taken`: what an identifier cannot
/// have becomes `_`, words that C or C++ or their common headers define get a trailing `_`, and of
/// names that would be the same the one that needs no change keeps it, the others get `_2`, `_3`, …
std::vector<std::string> member_names(const std::vector<std::string>& names,
                                      const std::vector<std::string>& taken = {});

/// Text for a comment of C: nothing in it ends the comment, begins one or continues the line.
std::string comment_text(std::string_view text);

}  // namespace borel::driver

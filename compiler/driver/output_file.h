/// Files that a command writes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace borel::driver {

/// Writes the file whole or not at all: into a file beside it, which then takes its place. Nothing,
/// or what went wrong ("'a.h' could not be written: No space left on device").
std::optional<std::string> write_file(const std::string& path, std::string_view bytes);

/// The same, but a file that is there and does not begin with `mark` is not Borel's and is kept:
/// that is a problem too.
std::optional<std::string> replace_file(const std::string& path, std::string_view mark,
                                        std::string_view bytes);

}  // namespace borel::driver

// Names near a mistyped one.
#ifndef BOREL_RUNTIME_CORE_NAMES_H
#define BOREL_RUNTIME_CORE_NAMES_H

#include <span>
#include <string>
#include <string_view>

namespace borel::runtime {

// Edits (insert, delete, replace, swap neighbours; case changes cost half) between two names, in
// half edits.
int name_distance(std::string_view a, std::string_view b);

// The nearest of `candidates` if it is near enough to be what was meant, else "".
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace borel::runtime

#endif

// How near two names are: the part of names.h that needs no memory, for the runtime that hosts
// link.
#ifndef BOREL_RUNTIME_CORE_NAME_DISTANCE_H
#define BOREL_RUNTIME_CORE_NAME_DISTANCE_H

#include <cstddef>
#include <string_view>

namespace borel::runtime {

constexpr std::size_t name_distance_scratch(std::string_view b) { return 3 * (b.size() + 1); }

// Edits (insert, delete, replace, swap neighbours; case changes cost half) between two names, in
// half edits. `rows` has name_distance_scratch(b) ints.
inline int name_distance(std::string_view a, std::string_view b, int* rows) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto least = [](int x, int y) { return x < y ? x : y; };
  const std::size_t width = b.size() + 1;
  int* before = rows;
  int* above = before + width;
  int* row = above + width;
  for (std::size_t j = 0; j < width; ++j) {
    above[j] = static_cast<int>(2 * j);
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(2 * i);
    for (std::size_t j = 1; j < width; ++j) {
      const char x = a[i - 1], y = b[j - 1];
      const int change = x == y ? 0 : lower(x) == lower(y) ? 1 : 2;
      row[j] = least(least(above[j] + 2, row[j - 1] + 2), above[j - 1] + change);
      if (i > 1 && j > 1 && x == b[j - 2] && a[i - 2] == y) {
        row[j] = least(row[j], before[j - 2] + 2);
      }
    }
    int* const last = before;
    before = above;
    above = row;
    row = last;
  }
  return above[b.size()];
}

// Whether one may be a slip for the other: a third of the longer name may differ, single letters
// only in case.
inline bool names_are_near(std::string_view a, std::string_view b, int distance) {
  const int longest = static_cast<int>(a.size() > b.size() ? a.size() : b.size());
  const int third = 2 * (longest / 3);
  const int allowed = longest == 1 ? 1 : third > 2 ? third : 2;
  return distance <= allowed && distance < 2 * longest;
}

}  // namespace borel::runtime

#endif

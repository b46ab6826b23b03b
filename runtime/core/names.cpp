#include "runtime/core/names.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace borel::runtime {

namespace {
char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
}  // namespace

int name_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<int> rows(3 * width);
  int* before = rows.data();
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
      row[j] = std::min({above[j] + 2, row[j - 1] + 2, above[j - 1] + change});
      if (i > 1 && j > 1 && x == b[j - 2] && a[i - 2] == y) {
        row[j] = std::min(row[j], before[j - 2] + 2);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  std::string best;
  int best_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = name_distance(name, candidate);
    // A third of the longer name may differ; single letters only in case.
    const int longest = static_cast<int>(std::max(name.size(), candidate.size()));
    const int allowed = longest == 1 ? 1 : std::max(2, 2 * (longest / 3));
    const bool all_replaced = distance >= 2 * longest;
    if (distance <= allowed && !all_replaced && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace borel::runtime

#include "runtime/core/names.h"

#include <vector>

#include "runtime/core/name_distance.h"

namespace borel::runtime {

int name_distance(std::string_view a, std::string_view b) {
  std::vector<int> rows(name_distance_scratch(b));
  return name_distance(a, b, rows.data());
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  std::string best;
  int best_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = name_distance(name, candidate);
    if (names_are_near(name, candidate, distance) && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace borel::runtime

/// Random programs in prob IR, as text, with the points at which to evaluate them. The same seed
/// gives the same program everywhere.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/measure/datum.h"

namespace borel::testing {

/// Values of the slots and of a function's arguments.
struct Point {
  std::map<std::string, Datum> slots;
  std::vector<Datum> arguments;
};

/// An ordinary function @f, whose first result is a real, in the shapes that the loop passes rewrite
/// and some that they must leave alone: plates, sums, maps, additions into arrays, recurrences,
/// arrays filled place by place, nested loops, branches, while loops, calls, work on data alone.
struct FunctionProgram {
  std::string text;
  std::vector<Point> points;
};
FunctionProgram random_function(uint64_t seed);

}  // namespace borel::testing

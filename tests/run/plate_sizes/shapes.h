// Models of seven shapes with data of any size, and their log densities with gradients in plain
// C++: long double, one loop over the data, derivatives carried forward. They share nothing with
// the compiler, whose code for a size (vectors, what is left over, sums, recurrences in pieces)
// they check.
#ifndef BOREL_TESTS_RUN_PLATE_SIZES_SHAPES_H
#define BOREL_TESTS_RUN_PLATE_SIZES_SHAPES_H

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/instance.h"

namespace borel::plate_sizes {

/// The sizes at which every shape must be right: none, one, one below, at and above the width of a
/// vector, its remainders, and more than caches hold.
inline constexpr std::array<std::int64_t, 8> sizes{0, 1, 7, 8, 9, 20, 1000, 1000000};

/// One datum: an array of one dimension, or a single whole number.
struct Column {
  std::string name;
  std::vector<double> reals;
  std::vector<std::int64_t> ints;
  bool single = false;  ///< ints[0] alone; when it is a size's name, it is that size
};

/// A shape with data of one size.
struct Case {
  std::vector<Column> columns;
  std::vector<double> u;  ///< a point of the unconstrained space
  /// Log density, constants and log Jacobian included; its gradient goes to `gradient`.
  std::function<double(const double* u, double* gradient)> plain;
};

struct Shape {
  const char* name;  ///< the program is NAME.ppl in this folder
  Case (*make)(std::int64_t size);
};

/// Every shape, in a fixed order.
std::span<const Shape> shapes();

/// The columns as the program's bind takes them. Throws std::runtime_error when one is missing.
runtime::InputData input_data(const borel_program& program, const std::vector<Column>& columns);

}  // namespace borel::plate_sizes

#endif

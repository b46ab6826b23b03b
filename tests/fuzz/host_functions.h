// The functions that tests/host/programs/callback.ppl asks of its host.
#ifndef BOREL_TESTS_FUZZ_HOST_FUNCTIONS_H
#define BOREL_TESTS_FUZZ_HOST_FUNCTIONS_H

#include <cstdio>
#include <cstdlib>

#include "borel/borel.h"

namespace borel::fuzz {

[[noreturn]] inline void give_up(const char* what) {
  std::fprintf(stderr, "the host interface: %s\n", what);
  std::abort();
}

inline double at(const borel_array& array, std::int64_t i) {
  return static_cast<const double*>(array.data)[i];
}
inline int32_t quadratic(void* host, const borel_array* arguments, double* result) {
  const double s = at(arguments[1], 0);
  *result = *static_cast<const double*>(host);
  for (std::int64_t i = 0; i < arguments[0].dims[0]; ++i) {
    *result -= (at(arguments[0], i) - s) * (at(arguments[0], i) - s);
  }
  return s > 1000 ? 3 : 0;
}
inline int32_t quadratic_gradient(void*, const borel_array* arguments, const double*,
                                  const double* seed, double* const* adjoints) {
  const double s = at(arguments[1], 0);
  *adjoints[1] = 0;
  for (std::int64_t i = 0; i < arguments[0].dims[0]; ++i) {
    adjoints[0][i] = -2 * *seed * (at(arguments[0], i) - s);
    *adjoints[1] -= adjoints[0][i];
  }
  return s > 10 ? -1 : 0;
}
// Sums of the rows of a matrix, times the first number of a vector.
inline int32_t filtered(void*, const borel_array* arguments, double* result) {
  const std::int64_t rows = arguments[0].dims[0], columns = arguments[0].dims[1];
  for (std::int64_t r = 0; r < rows; ++r) {
    result[r] = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      result[r] += at(arguments[0], r + rows * c) * at(arguments[1], 0);
    }
  }
  return 0;
}
inline int32_t filtered_gradient(void*, const borel_array* arguments, const double*,
                                 const double* seed, double* const* adjoints) {
  const std::int64_t rows = arguments[0].dims[0], columns = arguments[0].dims[1];
  if (adjoints[2] != nullptr || adjoints[3] != nullptr) {
    give_up("an adjoint of a whole number");
  }
  for (std::int64_t c = 0; c < columns; ++c) {
    adjoints[1][c] = 0;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      adjoints[0][r + rows * c] = seed[r] * at(arguments[1], 0);
      adjoints[1][0] += seed[r] * at(arguments[0], r + rows * c);
    }
  }
  return 0;
}
inline int32_t weight(void*, const borel_array* arguments, double* result) {
  *result = static_cast<double>(static_cast<const std::int64_t*>(arguments[0].data)[0]);
  return *result > 1e6 ? 1 : 0;
}

}  // namespace borel::fuzz

#endif

// Orders of an array's elements: text and files (last or first index fastest), draws and data (the
// layout that the program declares).
#ifndef BOREL_RUNTIME_IO_LAYOUT_H
#define BOREL_RUNTIME_IO_LAYOUT_H

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/include/borel/program.h"

namespace borel::io {

inline std::int64_t element_count(std::span<const std::int64_t> dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    count *= dim;
  }
  return count;
}

// Calls visit(from, to): the element that is number `from` with the last index fastest is number
// `to` in an array of `layout` (BOREL_COLUMN_MAJOR: the last two dimensions, first index fastest).
template <class Visit>
void visit_layout(std::span<const std::int64_t> dims, std::int32_t layout, Visit visit) {
  const std::int64_t count = element_count(dims);
  if (layout != BOREL_COLUMN_MAJOR || dims.size() < 2) {
    for (std::int64_t i = 0; i < count; ++i) {
      visit(i, i);
    }
    return;
  }
  const std::int64_t rows = dims[dims.size() - 2], columns = dims[dims.size() - 1];
  for (std::int64_t begin = 0; begin < count; begin += rows * columns) {
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        visit(begin + row * columns + column, begin + column * rows + row);
      }
    }
  }
}

}  // namespace borel::io

#endif

// Gradients at plate sizes from 0 to 1e6 (`gradient --sizes`).
#ifndef BOREL_BENCH_SIZES_H
#define BOREL_BENCH_SIZES_H

#include <string>

namespace borel::bench {

/// For each shape and size of tests/run/plate_sizes: checks log density and gradient against plain
/// C++ to 1e-8 relative, then prints nanoseconds for one dependent call (timing.h) and for one
/// element of the plate. Writes the table to `json` too, unless that is empty. The number of wrong
/// or failed rows.
int measure_sizes(const std::string& json);

}  // namespace borel::bench

#endif

#include "tests/measure/writer.h"

#include <cstdio>

namespace borel::testing {

std::string Writer::real(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.17e", value);
  return op("arith.constant " + std::string(text) + " : f64");
}

}  // namespace borel::testing

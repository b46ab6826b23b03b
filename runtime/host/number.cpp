#include "runtime/host/number.h"

#include <fast_float/fast_float.h>

namespace borel::host {

const char* read_real(const char* begin, const char* end, double& value) {
  const auto result = fast_float::from_chars(begin, end, value);
  return result.ec == std::errc::invalid_argument ? begin : result.ptr;
}

}  // namespace borel::host

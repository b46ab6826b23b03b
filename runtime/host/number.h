// Reading numbers from text: correctly rounded, whatever the locale.
#ifndef BOREL_RUNTIME_HOST_NUMBER_H
#define BOREL_RUNTIME_HOST_NUMBER_H

namespace borel::host {

// Reads a decimal number with an optional fraction and exponent. Beyond the range of a double it is
// 0 or infinity. Returns where it ends; `begin` when there is none.
const char* read_real(const char* begin, const char* end, double& value);

}  // namespace borel::host

#endif

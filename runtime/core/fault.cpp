#include "runtime/core/fault.h"

#include <charconv>
#include <cmath>

namespace borel::runtime {

std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

Error describe_fault(const borel_program& program, const borel_fault& fault) {
  Error error;
  error.kind = ErrorKind::fault;
  error.text = fault_kind_name(fault.kind);
  if (fault.place >= 0 && fault.place < program.place_count) {
    const borel_place& place = program.places[fault.place];
    error.span = SourceSpan(place.span);
    if (place.site != nullptr) {
      error.site = place.site;
      error.text += ", at site `" + error.site + "`";
    }
    if (place.what != nullptr && *place.what != '\0') {
      error.text += std::string(": `") + place.what + "`";
    }
  }
  const bool has_value = !std::isnan(fault.value);
  if (has_value) {
    error.text += ", found " + number_text(fault.value);
  }
  if (fault.index >= 0 || fault.kind == BOREL_FAULT_INDEX) {
    const char* noun = fault.kind == BOREL_FAULT_INDEX ? ", index " : ", at element ";
    error.text += noun + std::to_string(fault.index);
    if (fault.kind != BOREL_FAULT_INDEX) {
      error.text += " (counting from 0)";
    }
  }
  return error;
}

}  // namespace borel::runtime

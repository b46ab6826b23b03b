// Kinds of faults in words. Freestanding: the runtime that hosts link includes it, too.
#ifndef BOREL_RUNTIME_CORE_FAULT_NAMES_H
#define BOREL_RUNTIME_CORE_FAULT_NAMES_H

#include <cstdint>

#include "runtime/include/borel/program.h"

namespace borel::runtime {

inline const char* fault_kind_name(std::int32_t kind) {
  switch (kind) {
    case BOREL_FAULT_NONE:
      return "unnamed fault";
    case BOREL_FAULT_PARAMETER:
      return "a distribution's parameter is outside its constraint";
    case BOREL_FAULT_SUPPORT:
      return "a value is outside its site's support";
    case BOREL_FAULT_REJECT:
      return "the program called reject()";
    case BOREL_FAULT_NOT_FINITE:
      return "the log density is not finite";
    case BOREL_FAULT_INDEX:
      return "an index is out of range";
    case BOREL_FAULT_OVERFLOW:
      return "integer overflow";
    case BOREL_FAULT_DIVISION:
      return "integer division by zero";
    case BOREL_FAULT_SHAPE:
      return "a size or shape is not what it must be";
    case BOREL_FAULT_RECURSION:
      return "a function calls itself too deeply";
    case BOREL_FAULT_HOST:
      return "a function of the host failed";
    case BOREL_FAULT_WEIGHTS:
      return "no particle has a density above 0 at this observation";
    default:
      return "unknown kind of fault";
  }
}

}  // namespace borel::runtime

#endif

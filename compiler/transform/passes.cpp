#include "compiler/transform/passes.h"

namespace borel::transform {

std::span<const PassEntry> passes() {
  static constexpr PassEntry entries[] = {
#define BOREL_PASS(name, create, summary) {name, create, summary},
#include "compiler/transform/passes.def"
#undef BOREL_PASS
  };
  return entries;
}

}  // namespace borel::transform

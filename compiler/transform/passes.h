/// The list of Borel's passes (passes.def), for the compiler's pipeline and for borel-opt alike.
#pragma once

#include <memory>
#include <span>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

#define BOREL_PASS(name, create, summary) std::unique_ptr<mlir::Pass> create();
#include "compiler/transform/passes.def"
#undef BOREL_PASS

struct PassEntry {
  const char* name;
  std::unique_ptr<mlir::Pass> (*create)();
  const char* summary;
};

/// Every pass, in the order of passes.def.
std::span<const PassEntry> passes();

}  // namespace borel::transform

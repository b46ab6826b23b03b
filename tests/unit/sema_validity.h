/// Whether a typed program keeps what compiler/sema/typed.h promises: every variable is defined
/// where it is used, every node has the type that its operands give, calls fit their functions.
#pragma once

#include <string>
#include <vector>

#include "compiler/sema/typed.h"

namespace borel {

/// What is wrong, each with the function or model that it is in; empty: nothing.
std::vector<std::string> broken_promises(const typed::Program& program);

}  // namespace borel

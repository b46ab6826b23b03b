/// The standard library that is part of the executable, as sema reads it.
#pragma once

#include <memory>

#include "compiler/sema/library.h"

namespace borel::driver {

std::unique_ptr<sema::LibrarySource> builtin_library();

}  // namespace borel::driver

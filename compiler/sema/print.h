/// A typed program as text, for tests and for people who debug the compiler. Names are made unique
/// only where two variables of one name would be confused; the text is not read back.
#pragma once

#include <string>

#include "compiler/sema/typed.h"

namespace borel::typed {

std::string print(const Program& program);

}  // namespace borel::typed

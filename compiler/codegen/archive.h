// Static libraries.
#pragma once

#include <string_view>

#include "compiler/codegen/object.h"

namespace borel::codegen {

/// A static library of one member, byte for byte what would be written to disk. Equal objects and
/// names give equal bytes: the archive has no dates, owners or modes of this machine.
Result<ObjectBytes> make_archive(const ObjectBytes& object, std::string_view member);

}  // namespace borel::codegen

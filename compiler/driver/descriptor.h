/// The JSON file that says of a compiled program what other tools want to know. docs/command.md
/// documents its members.
#pragma once

#include <string>

#include "compiler/driver/pipeline.h"
#include "compiler/driver/program_text.h"

namespace borel::driver {

/// How every descriptor begins.
inline constexpr const char* descriptor_mark = "{\n  \"borel\": {";

/// The descriptor's text: indented JSON whose members are always in the same order.
std::string descriptor(const GeneratedFrom& from, const CompiledProgram& compiled);

}  // namespace borel::driver

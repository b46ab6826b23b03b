// Which brackets belong together. Private to compiler/syntax.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/syntax/layout.h"

namespace borel::syntax {

bool is_opening(std::size_t type);
bool is_closing(std::size_t type);
// ')' for '(' and so on.
std::size_t closing_of(std::size_t opening);
// Whether a statement goes on behind this token over the end of its line.
bool continues_line(const std::vector<Lexeme>& tokens, std::size_t index);
// def, model, infer, struct, random.
bool begins_declaration(std::size_t type);

// What is to be put in before a token: closing brackets, innermost first.
struct Insertion {
  std::size_t before = 0;  // index of a raw token, or their number for the end
  std::size_t type = 0;
};

// Reports brackets without a partner. Closing ones that nothing opened are removed from `tokens`,
// a ')' for a ']' and the like is replaced, and for opening ones without a closing one it returns
// where to put that in, in order of `before`: a ')' or ']' at the end of the line that it was
// opened on, a '}' before the next declaration. Offsets of what was removed or replaced go to
// `mended`.
std::vector<Insertion> match_brackets(std::vector<Lexeme>& tokens, const SourceFile& file,
                                      FileId id, Diagnostics& diagnostics,
                                      std::vector<std::uint32_t>& mended);

}  // namespace borel::syntax

// From text to raw tokens: the ANTLR lexer, and the errors that single characters can have.
// Private to compiler/syntax.
#pragma once

#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/syntax/layout.h"

namespace borel::syntax {

// All tokens of a file, without newlines and without EOF; what is not a token has been reported.
// `t.0` is split into three tokens, and a keyword where only a name can stand is a NAME. Offsets of
// mended places are added to `mended`.
std::vector<Lexeme> lex(const SourceFile& file, FileId id, Diagnostics& diagnostics,
                        std::vector<std::uint32_t>& mended);

}  // namespace borel::syntax

// Between lexer and parser: from characters to the tokens that grammar/Borel.g4 expects.
//
// Three jobs. Lines: a newline that ends a statement becomes a SEP token (the rules are at the head
// of the grammar). Brackets: every opening bracket gets its closing one; where one is missing, the
// error names both places and a closing bracket is put in, so that the parser goes on and finds
// what else is wrong. Characters: unknown ones, open strings and malformed numbers are reported and
// taken out or mended.
//
// Offsets are bytes of the source text. Private to compiler/syntax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"

namespace borel::syntax {

// A token as the parser sees it; its number in Layout::tokens is its token index there.
struct Lexeme {
  std::size_t type = 0;  // BorelLexer's
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // begin for a token that the layout put in
  std::uint32_t line = 0;
  // Brackets open around it; a bracket itself has the depth of what is outside of it.
  std::uint32_t depth = 0;
  bool newline = false;  // a SEP that stands for the end of a line
};

struct Layout {
  std::vector<Lexeme> tokens;  // ends in SEP (unless there is nothing else) and EOF
  // Indices of tokens at which something was mended: the declarations around them are not to be
  // trusted.
  std::vector<std::size_t> mended;
  // Set when the text is nested too deep for the parser to be run over it.
  bool too_deep = false;
};

Layout lay_out(const SourceFile& file, FileId id, Diagnostics& diagnostics);

// How a message calls a token: "'x'", "the keyword 'let'", "the end of the line".
std::string describe(const Layout& layout, std::size_t index, const SourceFile& file);

// The place to underline when a token is what was found: for the end of a line, just behind the
// last token before it.
Span place_of(const Layout& layout, std::size_t index, FileId id);

// The spelling of a punctuation or keyword token type.
std::string spelling(std::size_t type);

}  // namespace borel::syntax

// Precedence: the one table of it. Private to compiler/syntax.
#pragma once

#include <cstddef>
#include <optional>

#include "compiler/syntax/ast.h"

namespace borel::syntax {

// A binary operator of the grammar's `operation`. A higher level binds tighter.
//   1 ||   2 &&   3 == != < <= > >=   4 | with   5 + -   6 * / % .* ./   (unary - + !)   8 ^
struct Infix {
  int level = 0;
  bool right = false;               // groups to the right: ^ alone
  bool comparison = false;          // does not chain
  std::optional<ast::BinaryOp> op;  // none for | and `with`, which make nodes of their own
};

// The unary operators bind tighter than * and looser than ^: -x^2 is -(x^2).
constexpr int unary_level = 7;

// What the table says of a token type that the grammar's `infix` admits.
Infix infix_of(std::size_t type);

// The spelling of an operator: "+".
const char* spelling_of(ast::BinaryOp op);
const char* spelling_of(ast::UnaryOp op);
// The level of an operator in the table above, for printing with few parentheses.
int level_of(ast::BinaryOp op);

}  // namespace borel::syntax

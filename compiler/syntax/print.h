// The tree as S-expressions, for tests and for looking at it: "(site y (call Normal mu sigma))".
// Nothing is left out but spans, so two trees print alike only if they are alike.
#pragma once

#include <string>

#include "compiler/syntax/ast.h"

namespace borel::syntax {

std::string print(const ast::Expr& expression);
std::string print(const ast::TypeExpr& type);
std::string print(const ast::Stmt& statement);
std::string print(const ast::Decl& declaration);
// One declaration a line.
std::string print(const ast::File& file);

}  // namespace borel::syntax

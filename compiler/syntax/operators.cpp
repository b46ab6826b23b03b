#include "compiler/syntax/operators.h"

#include "BorelParser.h"
#include "compiler/support/diagnostics.h"

namespace borel::syntax {

namespace {

using grammar::BorelParser;

struct Row {
  std::size_t type;
  Infix infix;
  const char* spelling;
};

constexpr Row table[] = {
    {BorelParser::OR, {1, false, false, ast::BinaryOp::Or}, "||"},
    {BorelParser::AND, {2, false, false, ast::BinaryOp::And}, "&&"},
    {BorelParser::EQ, {3, false, true, ast::BinaryOp::Eq}, "=="},
    {BorelParser::NE, {3, false, true, ast::BinaryOp::Ne}, "!="},
    {BorelParser::LT, {3, false, true, ast::BinaryOp::Lt}, "<"},
    {BorelParser::LE, {3, false, true, ast::BinaryOp::Le}, "<="},
    {BorelParser::GT, {3, false, true, ast::BinaryOp::Gt}, ">"},
    {BorelParser::GE, {3, false, true, ast::BinaryOp::Ge}, ">="},
    {BorelParser::BAR, {4, false, false, std::nullopt}, "|"},
    {BorelParser::WITH, {4, false, false, std::nullopt}, "with"},
    {BorelParser::PLUS, {5, false, false, ast::BinaryOp::Add}, "+"},
    {BorelParser::MINUS, {5, false, false, ast::BinaryOp::Sub}, "-"},
    {BorelParser::STAR, {6, false, false, ast::BinaryOp::Mul}, "*"},
    {BorelParser::SLASH, {6, false, false, ast::BinaryOp::Div}, "/"},
    {BorelParser::PERCENT, {6, false, false, ast::BinaryOp::Mod}, "%"},
    {BorelParser::ELEMENT_MUL, {6, false, false, ast::BinaryOp::ElementMul}, ".*"},
    {BorelParser::ELEMENT_DIV, {6, false, false, ast::BinaryOp::ElementDiv}, "./"},
    {BorelParser::CARET, {8, true, false, ast::BinaryOp::Pow}, "^"},
};

const Row& row_of(ast::BinaryOp op) {
  for (const Row& row : table) {
    if (row.infix.op == op) return row;
  }
  throw InternalError("a binary operator without a row");
}

}  // namespace

Infix infix_of(std::size_t type) {
  for (const Row& row : table) {
    if (row.type == type) return row.infix;
  }
  throw InternalError("a token that is no infix operator");
}

const char* spelling_of(ast::BinaryOp op) { return row_of(op).spelling; }

const char* spelling_of(ast::UnaryOp op) {
  switch (op) {
    case ast::UnaryOp::Neg:
      return "-";
    case ast::UnaryOp::Plus:
      return "+";
    case ast::UnaryOp::Not:
      return "!";
  }
  throw InternalError("a unary operator without a spelling");
}

int level_of(ast::BinaryOp op) { return row_of(op).infix.level; }

}  // namespace borel::syntax

// From ANTLR's parse tree to the AST, one declaration at a time; also the checks of form that the
// grammar leaves open (see the head of grammar/Borel.g4). Private to compiler/syntax.
//
// It is only given declarations in which the parser found no error, so every part that the grammar
// demands is there. An error of its own is reported and building goes on; failed() then says that
// the result is not to be used.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "BorelParser.h"
#include "compiler/support/diagnostics.h"
#include "compiler/syntax/ast.h"

namespace borel::syntax {

class Builder {
 public:
  using Grammar = grammar::BorelParser;

  Builder(const SourceFile& file, FileId id, Diagnostics& diagnostics)
      : file_(file), id_(id), diagnostics_(diagnostics) {}

  ast::Decl declaration(Grammar::DeclarationContext* context);
  bool failed() const { return failed_; }
  void forget_failure() { failed_ = false; }

 private:
  friend class Climbing;

  // build_decl.cpp
  ast::FunctionDecl function(Grammar::FunctionContext* context);
  ast::StructDecl structure(Grammar::StructureContext* context);
  std::vector<ast::Param> parameters(Grammar::ParametersContext* context);
  ast::TypePtr type(Grammar::TypeContext* context);  // null for null
  ast::NamedType named_type(Grammar::TypeContext* context);

  // build_stmt.cpp
  ast::Block block(Grammar::BlockContext* context);
  ast::StmtPtr statement(Grammar::StatementContext* context);
  ast::StmtPtr let(Grammar::LetContext* context);
  ast::StmtPtr simple(Grammar::SimpleContext* context);
  ast::IfStmt branch(Grammar::BranchContext* context);
  ast::Pattern pattern(Grammar::PatternContext* context);
  ast::Target target(ast::ExprPtr expression, const char* before);
  void refuse_stray_sign(const ast::Stmt& statement, bool last);

  // build_expr.cpp
  ast::ExprPtr expression(Grammar::ExpressionContext* context);  // null for null
  ast::ExprPtr lambda(Grammar::LambdaContext* context);
  ast::ExprPtr conditional(Grammar::ConditionalContext* context);
  ast::ExprPtr operand(Grammar::OperandContext* context);  // without its prefixes
  ast::ExprPtr suffix(ast::ExprPtr base, Grammar::SuffixContext* context);
  ast::ExprPtr primary(Grammar::PrimaryContext* context);
  ast::ExprPtr brackets(Grammar::PrimaryContext* context);
  ast::ExprPtr braces(Grammar::PrimaryContext* context);
  ast::ExprPtr range(Grammar::RangeContext* context);
  ast::ExprPtr index(Grammar::IndexContext* context);
  std::vector<ast::Argument> arguments(Grammar::ArgumentsContext* context);
  std::int64_t integer(antlr4::Token* token);
  double real(antlr4::Token* token);
  std::string string(antlr4::Token* token);

  // build_members.cpp
  ast::MachineExpr machine(Grammar::MembersContext* context, Span span);
  ast::DistributionExpr distribution(Grammar::MembersContext* context);
  ast::SupportExpr support(Grammar::MembersContext* context);
  ast::LetStmt member_let(Grammar::MemberContext* context);
  ast::Method method(Grammar::MemberContext* context);
  ast::MachineParam machine_param(Grammar::MemberContext* context);
  void add_method(std::vector<ast::Method>& methods, Grammar::MemberContext* context);
  bool refuse_member(Grammar::MemberContext* context, const char* block);

  // The rest is small change.
  Span span(antlr4::ParserRuleContext* context) const;
  Span span(antlr4::Token* token) const;
  Span span(antlr4::tree::TerminalNode* node) const { return span(node->getSymbol()); }
  ast::Name name(Grammar::NameContext* context) const;
  ast::Name name(antlr4::tree::TerminalNode* node) const;
  Diagnostic& error(std::string code, Span span, std::string message);
  // Refuses a name that `earlier` has; `what` is "parameter" and so on.
  void refuse_repeated(const ast::Name& name, const ast::Name& earlier, const char* what);

  template <class Node>
  static ast::ExprPtr make(Span span, Node node) {
    return std::make_unique<ast::Expr>(ast::Expr{span, std::move(node)});
  }
  template <class Node>
  static ast::StmtPtr make_stmt(Span span, Node node) {
    return std::make_unique<ast::Stmt>(ast::Stmt{span, std::move(node)});
  }

  const SourceFile& file_;
  FileId id_;
  Diagnostics& diagnostics_;
  bool failed_ = false;
};

}  // namespace borel::syntax

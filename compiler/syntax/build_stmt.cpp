// Statements.
#include <string_view>
#include <utility>

#include "compiler/syntax/build.h"

namespace borel::syntax {

ast::Block Builder::block(Grammar::BlockContext* context) {
  ast::Block out;
  out.span = span(context);
  for (Grammar::StatementContext* one : context->statement()) {
    out.statements.push_back(statement(one));
  }
  for (const ast::StmtPtr& one : out.statements) {
    refuse_stray_sign(*one, one == out.statements.back());
  }
  return out;
}

// A line that begins with a sign is a statement of its own. Where its value is not used, the line
// before it was surely meant to go on.
void Builder::refuse_stray_sign(const ast::Stmt& statement, bool last) {
  if (!ast::as<ast::ExprStmt>(statement)) return;
  const char first = file_.text()[statement.span.begin];
  if (first != '+' && (first != '-' || last)) return;
  error("syntax.line", {id_, statement.span.begin, statement.span.begin + 1},
        std::string("a statement that begins with '") + first + "' has no effect")
      .with_suggestion("to go on with the line before, end it with the operator");
}

ast::Pattern Builder::pattern(Grammar::PatternContext* context) {
  ast::Pattern out;
  out.span = span(context);
  for (Grammar::NameContext* one : context->name()) {
    ast::Name part = name(one);
    for (const ast::Name& earlier : out.names) {
      if (part.text != "_") refuse_repeated(part, earlier, "name");
    }
    out.names.push_back(std::move(part));
  }
  out.is_tuple = context->LPAREN() != nullptr;
  return out;
}

ast::StmtPtr Builder::statement(Grammar::StatementContext* context) {
  const Span place = span(context);
  if (auto* simple_context = context->simple()) return simple(simple_context);
  if (auto* let_context = context->let()) return let(let_context);
  if (auto* variable = context->variable()) {
    ast::VarStmt out{name(variable->name()), type(variable->type()),
                     expression(variable->expression())};
    if (!out.type && !out.value) {
      error("syntax.var", place, "a 'var' needs a type or a value")
          .with_suggestion("write var " + out.name.text + ": real, or var " + out.name.text +
                           " = 0");
    }
    return make_stmt(place, std::move(out));
  }
  if (auto* branch_context = context->branch()) return make_stmt(place, branch(branch_context));
  if (auto* loop = context->forLoop()) {
    return make_stmt(place,
                     ast::ForStmt{name(loop->name()), range(loop->range()), block(loop->block())});
  }
  if (auto* loop = context->whileLoop()) {
    return make_stmt(place, ast::WhileStmt{expression(loop->expression()), block(loop->block())});
  }
  return make_stmt(place, ast::ReturnStmt{expression(context->returned()->expression())});
}

ast::IfStmt Builder::branch(Grammar::BranchContext* context) {
  ast::IfStmt out{expression(context->expression()), block(context->block(0)), std::nullopt};
  if (auto* other = context->branch()) {
    ast::Block wrapped;
    wrapped.span = span(other);
    wrapped.statements.push_back(make_stmt(wrapped.span, branch(other)));
    out.else_block = std::move(wrapped);
  } else if (context->ELSE()) {
    out.else_block = block(context->block(1));
  }
  return out;
}

ast::StmtPtr Builder::let(Grammar::LetContext* context) {
  const Span place = span(context);
  ast::Pattern names = pattern(context->pattern());
  ast::TypePtr declared = type(context->type());
  ast::ExprPtr value = expression(context->expression(0));
  if (!context->TILDE()) {
    return make_stmt(place, ast::LetStmt{std::move(names), std::move(declared), std::move(value)});
  }
  if (names.is_tuple) {
    error("syntax.target", names.span, "one name at a time can be drawn")
        .with_suggestion("draw it under one name, then let (a, b) = it");
  }
  ast::SiteStmt out;
  out.target = {names.span, std::move(names.names.front()), {}};
  out.is_let = true;
  out.type = std::move(declared);
  out.distribution = std::move(value);
  out.by = expression(context->expression(1));
  return make_stmt(place, std::move(out));
}

// What stands left of `before`, which is "'='" or the like.
ast::Target Builder::target(ast::ExprPtr expression, const char* before) {
  ast::Target out;
  out.span = expression->span;
  ast::Expr* base = expression.get();
  if (auto* indexed = std::get_if<ast::IndexExpr>(&base->node)) {
    out.indices = std::move(indexed->indices);
    base = indexed->base.get();
    if (ast::as<ast::IndexExpr>(*base)) {
      error("syntax.target", out.span,
            std::string("one bracket of indices stands before ") + before)
          .with_suggestion("write x[i, j] for x[i][j]");
      return out;
    }
  }
  const auto* named = ast::as<ast::NameRef>(*base);
  if (!named || base->span.size() != named->name.size()) {
    error("syntax.target", out.span,
          std::string("expected a name or an element of it before ") + before)
        .with_expected("x, x[i] or x[i, j]");
    return out;
  }
  out.name = {named->name, base->span};
  return out;
}

ast::StmtPtr Builder::simple(Grammar::SimpleContext* context) {
  const Span place = span(context);
  ast::ExprPtr left = expression(context->expression(0));
  if (context->TILDE()) {
    ast::SiteStmt out;
    out.target = target(std::move(left), "'~'");
    out.type = type(context->type());
    out.distribution = expression(context->expression(1));
    out.by = expression(context->expression(2));
    return make_stmt(place, std::move(out));
  }
  if (!context->op) return make_stmt(place, ast::ExprStmt{std::move(left)});

  ast::ExprPtr value = expression(context->expression(1));
  std::optional<ast::BinaryOp> op;
  const char* spelled = "'='";
  switch (context->op->getType()) {
    case Grammar::RECORD:
      return make_stmt(place, ast::RecordStmt{target(std::move(left), "':='"), std::move(value)});
    case Grammar::ADD_ASSIGN:
      op = ast::BinaryOp::Add;
      spelled = "'+='";
      break;
    case Grammar::SUB_ASSIGN:
      op = ast::BinaryOp::Sub;
      spelled = "'-='";
      break;
    case Grammar::MUL_ASSIGN:
      op = ast::BinaryOp::Mul;
      spelled = "'*='";
      break;
    case Grammar::DIV_ASSIGN:
      op = ast::BinaryOp::Div;
      spelled = "'/='";
      break;
    default:
      break;
  }
  return make_stmt(place, ast::AssignStmt{target(std::move(left), spelled), op, span(context->op),
                                          std::move(value)});
}

}  // namespace borel::syntax

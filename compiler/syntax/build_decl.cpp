// Declarations and types.
#include <utility>

#include "compiler/syntax/build.h"

namespace borel::syntax {

Span Builder::span(antlr4::ParserRuleContext* context) const {
  return {id_, static_cast<std::uint32_t>(context->start->getStartIndex()),
          static_cast<std::uint32_t>(context->stop->getStopIndex() + 1)};
}

Span Builder::span(antlr4::Token* token) const {
  return {id_, static_cast<std::uint32_t>(token->getStartIndex()),
          static_cast<std::uint32_t>(token->getStopIndex() + 1)};
}

ast::Name Builder::name(Grammar::NameContext* context) const {
  const Span place = span(context->start);
  return {std::string(file_.text().substr(place.begin, place.size())), place};
}

ast::Name Builder::name(antlr4::tree::TerminalNode* node) const {
  const Span place = span(node);
  return {std::string(file_.text().substr(place.begin, place.size())), place};
}

Diagnostic& Builder::error(std::string code, Span span, std::string message) {
  failed_ = true;
  return diagnostics_.error(std::move(code), span, std::move(message));
}

void Builder::refuse_repeated(const ast::Name& name, const ast::Name& earlier, const char* what) {
  if (name.text != earlier.text) return;
  error("syntax.repeated", name.span, std::string("repeated ") + what + " '" + name.text + "'")
      .with_note(earlier.span, "first here");
}

ast::Decl Builder::declaration(Grammar::DeclarationContext* context) {
  if (context->structure()) return {span(context), structure(context->structure())};
  return {span(context), function(context->function())};
}

ast::FunctionDecl Builder::function(Grammar::FunctionContext* context) {
  ast::FunctionDecl out;
  const char* keyword = "def";
  switch (context->kind->getType()) {
    case Grammar::MODEL:
      out.kind = ast::FunctionKind::Model;
      keyword = "model";
      break;
    case Grammar::INFER:
      out.kind = ast::FunctionKind::Infer;
      keyword = "infer";
      break;
    default:
      break;
  }
  out.name = name(context->name());
  out.random = context->RANDOM() != nullptr;
  if (out.random && out.kind != ast::FunctionKind::Def) {
    error("syntax.random", span(context->RANDOM()), "only a 'def' is marked 'random'")
        .with_suggestion(std::string("a '") + keyword + "' may draw as it is");
  }
  if (context->parameters()) out.params = parameters(context->parameters());
  out.result = type(context->type());
  if (out.result && out.kind == ast::FunctionKind::Infer) {
    error("syntax.infer_type", out.result->span, "an 'infer' has no result type")
        .with_expected("its last expression is a machine");
  }
  if (context->block()) {
    out.body = block(context->block());
  } else {
    out.body = expression(context->expression());
    if (out.kind != ast::FunctionKind::Def) {
      error("syntax.body", span(context->ASSIGN()),
            std::string("expected '{' after the head of a '") + keyword + "', found '='");
    }
  }
  if (!context->parameters()) {
    if (context->block() || out.kind != ast::FunctionKind::Def) {
      error("syntax.parameters", out.name.span,
            std::string("expected '(' after the name of this '") + keyword + "'")
          .with_suggestion("write " + out.name.text + "()");
    }
    out.constant = true;
    if (out.random) error("syntax.random", span(context->RANDOM()), "a constant is not random");
  }
  return out;
}

ast::StructDecl Builder::structure(Grammar::StructureContext* context) {
  ast::StructDecl out;
  out.name = name(context->name());
  for (Grammar::FieldContext* field : context->field()) {
    ast::Name field_name = name(field->name());
    for (const ast::Field& earlier : out.fields) {
      refuse_repeated(field_name, earlier.name, "field");
    }
    out.fields.push_back({span(field), std::move(field_name), type(field->type())});
  }
  return out;
}

std::vector<ast::Param> Builder::parameters(Grammar::ParametersContext* context) {
  std::vector<ast::Param> out;
  for (Grammar::ParameterContext* one : context->parameter()) {
    ast::Name param_name = name(one->name());
    for (const ast::Param& earlier : out) refuse_repeated(param_name, earlier.name, "parameter");
    out.push_back(
        {span(one), std::move(param_name), type(one->type()), expression(one->expression())});
  }
  return out;
}

ast::TypePtr Builder::type(Grammar::TypeContext* context) {
  if (!context) return nullptr;
  if (context->NAME()) {
    return std::make_unique<ast::TypeExpr>(ast::TypeExpr{span(context), named_type(context)});
  }
  ast::TupleType tuple;
  for (Grammar::TypeContext* element : context->type()) tuple.elements.push_back(type(element));
  return std::make_unique<ast::TypeExpr>(ast::TypeExpr{span(context), std::move(tuple)});
}

ast::NamedType Builder::named_type(Grammar::TypeContext* context) {
  struct Known {
    const char* name;
    ast::BaseType base;
    std::size_t sizes;
  };
  static constexpr Known known[] = {
      {"bool", ast::BaseType::Bool, 0},     {"int", ast::BaseType::Int, 0},
      {"real", ast::BaseType::Real, 0},     {"vector", ast::BaseType::Vector, 1},
      {"matrix", ast::BaseType::Matrix, 2}, {"index", ast::BaseType::Index, 1},
  };
  ast::NamedType out;
  out.name = name(context->NAME());
  std::size_t own_sizes = 0;
  for (const Known& one : known) {
    if (out.name.text != one.name) continue;
    out.base = one.base;
    own_sizes = one.sizes;
  }
  const std::string quoted = "'" + out.name.text + "'";
  if (context->arguments()) {
    out.args = arguments(context->arguments());
    if (out.base != ast::BaseType::Named) {
      error("syntax.type", span(context->arguments()->getStart()),
            "the type " + quoted + " takes no parameters in parentheses")
          .with_suggestion("sizes stand in brackets: " + out.name.text + "[n]");
    }
  }

  std::vector<std::vector<ast::ExprPtr>> groups;
  for (Grammar::SizesContext* sizes : context->sizes()) {
    groups.emplace_back();
    for (Grammar::ExpressionContext* size : sizes->expression()) {
      groups.back().push_back(expression(size));
    }
  }
  const bool sized = own_sizes > 0 || (out.base == ast::BaseType::Named && groups.size() > 1);
  const std::size_t most = sized ? 2 : 1;
  if (own_sizes > 0 && (groups.empty() || groups[0].size() != own_sizes)) {
    const char* expected = out.base == ast::BaseType::Vector   ? "vector[n]"
                           : out.base == ast::BaseType::Matrix ? "matrix[n, m]"
                                                               : "index[n]";
    error("syntax.type", groups.empty() ? out.name.span : span(context->sizes(0)),
          "the type " + quoted + " takes " + (own_sizes == 1 ? "one size" : "two sizes") +
              ", found " + (groups.empty() ? "none" : std::to_string(groups[0].size())))
        .with_expected(expected);
  }
  if (groups.size() > most) {
    error("syntax.type", span(context->sizes(most)), "too many brackets behind " + quoted)
        .with_suggestion("the dimensions of an array stand in one bracket: [n, m]");
  }
  if (sized && !groups.empty()) out.sizes = std::move(groups[0]);
  const std::size_t rest = sized ? 1 : 0;
  if (groups.size() > rest) out.dims = std::move(groups[rest]);
  if (context->INT()) {
    out.from = integer(context->INT()->getSymbol());
    if (out.base != ast::BaseType::Index) {
      error("syntax.type", span(context->FROM()),
            "'from' belongs to the type 'index', not to " + quoted);
    }
  }
  return out;
}

}  // namespace borel::syntax

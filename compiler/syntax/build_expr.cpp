// Expressions.
#include <charconv>
#include <string_view>
#include <utility>

#include "compiler/syntax/build.h"
#include "compiler/syntax/operators.h"

namespace borel::syntax {

// Makes a tree of a flat list of operands and operators.
class Climbing {
 public:
  Climbing(Builder& builder, Builder::Grammar::OperationContext* context)
      : builder_(builder), operands_(context->operand()), infixes_(context->infix()) {}

  ast::ExprPtr run() { return binary(0); }

 private:
  // The operator before the operand that comes next, if one is left.
  std::optional<Infix> next() const {
    if (position_ >= operands_.size()) return std::nullopt;
    return infix_of(infixes_[position_ - 1]->start->getType());
  }

  ast::ExprPtr binary(int lowest) {
    ast::ExprPtr left = unary(0);
    bool after_comparison = false;
    for (std::optional<Infix> infix = next(); infix && infix->level >= lowest; infix = next()) {
      const Span place = builder_.span(infixes_[position_ - 1]);
      if (infix->comparison && after_comparison) {
        builder_.error("syntax.comparison", place, "comparisons do not chain")
            .with_suggestion("write a < b && b < c");
      }
      after_comparison = infix->comparison;
      const bool conditions = infixes_[position_ - 1]->BAR() != nullptr;
      left = combine(std::move(left), *infix, place, conditions, binary(infix->level + 1));
    }
    return left;
  }

  static ast::ExprPtr combine(ast::ExprPtr left, const Infix& infix, Span op_span, bool conditions,
                              ast::ExprPtr right) {
    const Span place = join(left->span, right->span);
    if (infix.op) {
      return Builder::make(place,
                           ast::BinaryExpr{*infix.op, op_span, std::move(left), std::move(right)});
    }
    if (conditions) {
      return Builder::make(place, ast::ConditionExpr{std::move(left), std::move(right)});
    }
    return Builder::make(place, ast::WithExpr{std::move(left), std::move(right)});
  }

  // The operand at position_ from its prefix number `prefix` on, with the powers that bind tighter.
  ast::ExprPtr unary(std::size_t prefix) {
    Builder::Grammar::OperandContext* context = operands_[position_];
    if (prefix < context->prefix.size()) {
      antlr4::Token* token = context->prefix[prefix];
      const ast::UnaryOp op = token->getType() == Builder::Grammar::MINUS  ? ast::UnaryOp::Neg
                              : token->getType() == Builder::Grammar::PLUS ? ast::UnaryOp::Plus
                                                                           : ast::UnaryOp::Not;
      const Span op_span = builder_.span(token);
      ast::ExprPtr inner = unary(prefix + 1);
      const Span place = join(op_span, inner->span);
      return Builder::make(place, ast::UnaryExpr{op, op_span, std::move(inner)});
    }
    ast::ExprPtr base = builder_.operand(context);
    ++position_;
    const std::optional<Infix> infix = next();
    if (!infix || infix->level < unary_level) return base;
    const Span op_span = builder_.span(infixes_[position_ - 1]);
    return combine(std::move(base), *infix, op_span, false, unary(0));
  }

  Builder& builder_;
  std::vector<Builder::Grammar::OperandContext*> operands_;
  std::vector<Builder::Grammar::InfixContext*> infixes_;
  std::size_t position_ = 0;
};

ast::ExprPtr Builder::expression(Grammar::ExpressionContext* context) {
  if (!context) return nullptr;
  if (context->lambda()) return lambda(context->lambda());
  ast::ExprPtr out;
  for (Grammar::ConditionalContext* part : context->conditional()) {
    ast::ExprPtr next = conditional(part);
    if (out) {
      const Span place = join(out->span, next->span);
      out = make(place, ast::ThenExpr{std::move(out), std::move(next)});
    } else {
      out = std::move(next);
    }
  }
  return out;
}

ast::ExprPtr Builder::lambda(Grammar::LambdaContext* context) {
  ast::LambdaExpr out;
  if (context->name()) {
    ast::Name only = name(context->name());
    const Span place = only.span;
    out.params.push_back({place, std::move(only), nullptr, nullptr});
  } else {
    out.params = parameters(context->parameters());
  }
  if (context->block()) {
    out.body = block(context->block());
  } else {
    out.body = expression(context->expression());
  }
  return make(span(context), std::move(out));
}

ast::ExprPtr Builder::conditional(Grammar::ConditionalContext* context) {
  ast::ExprPtr first = Climbing(*this, context->operation()).run();
  if (!context->QUESTION()) return first;
  return make(span(context),
              ast::ConditionalExpr{std::move(first), conditional(context->conditional(0)),
                                   conditional(context->conditional(1))});
}

ast::ExprPtr Builder::operand(Grammar::OperandContext* context) {
  ast::ExprPtr out = primary(context->primary());
  for (Grammar::SuffixContext* one : context->suffix()) out = suffix(std::move(out), one);
  return out;
}

ast::ExprPtr Builder::suffix(ast::ExprPtr base, Grammar::SuffixContext* context) {
  const Span place = join(base->span, span(context));
  if (context->arguments()) {
    return make(place, ast::CallExpr{std::move(base), arguments(context->arguments())});
  }
  if (context->INT()) {
    return make(place, ast::TupleFieldExpr{std::move(base), integer(context->INT()->getSymbol())});
  }
  if (context->NAME()) {
    return make(place, ast::FieldExpr{std::move(base), name(context->NAME())});
  }
  ast::IndexExpr out{std::move(base), {}};
  for (Grammar::IndexContext* one : context->index()) out.indices.push_back(index(one));
  return make(place, std::move(out));
}

std::vector<ast::Argument> Builder::arguments(Grammar::ArgumentsContext* context) {
  std::vector<ast::Argument> out;
  for (Grammar::ArgumentContext* one : context->argument()) {
    ast::ExprPtr first = expression(one->expression(0));
    if (!one->ASSIGN()) {
      if (!out.empty() && out.back().name) {
        error("syntax.argument", first->span, "an argument without a name follows a named one")
            .with_note(out.back().name->span, "named here");
      }
      out.push_back({span(one), std::nullopt, std::move(first)});
      continue;
    }
    ast::Name argument_name;
    if (const auto* reference = ast::as<ast::NameRef>(*first)) {
      argument_name = {reference->name, first->span};
    } else {
      error("syntax.argument", first->span, "expected the name of a parameter before '='")
          .with_suggestion("'==' compares");
    }
    for (const ast::Argument& earlier : out) {
      if (earlier.name) refuse_repeated(argument_name, *earlier.name, "argument");
    }
    out.push_back({span(one), std::move(argument_name), expression(one->expression(1))});
  }
  return out;
}

ast::ExprPtr Builder::range(Grammar::RangeContext* context) {
  ast::ExprPtr low = expression(context->expression(0));
  if (!context->DOTDOT()) return low;
  return make(span(context), ast::RangeExpr{std::move(low), expression(context->expression(1))});
}

ast::ExprPtr Builder::index(Grammar::IndexContext* context) {
  if (!context->DOTDOT()) return expression(context->expression(0));
  // Which side of '..' a single expression is on.
  const bool has_low =
      !context->expression().empty() && context->expression(0)->start->getTokenIndex() <
                                            context->DOTDOT()->getSymbol()->getTokenIndex();
  ast::RangeExpr out;
  if (has_low) out.lo = expression(context->expression(0));
  out.hi = expression(context->expression(has_low ? 1 : 0));
  return make(span(context), std::move(out));
}

ast::ExprPtr Builder::primary(Grammar::PrimaryContext* context) {
  const Span place = span(context);
  antlr4::Token* first = context->start;
  switch (first->getType()) {
    case Grammar::INT:
      return make(place, ast::IntLit{integer(first)});
    case Grammar::REAL:
      return make(place, ast::RealLit{real(first)});
    case Grammar::STRING:
      return make(place, ast::StringLit{string(first)});
    case Grammar::TRUE:
      return make(place, ast::BoolLit{true});
    case Grammar::FALSE:
      return make(place, ast::BoolLit{false});
    case Grammar::LPAREN: {
      const auto parts = context->expression();
      if (parts.size() == 1) {
        ast::ExprPtr inner = expression(parts[0]);
        inner->span = place;
        return inner;
      }
      ast::TupleExpr out;
      for (Grammar::ExpressionContext* part : parts) out.elements.push_back(expression(part));
      return make(place, std::move(out));
    }
    case Grammar::LBRACKET:
      return brackets(context);
    case Grammar::LBRACE:
      return braces(context);
    case Grammar::MACHINE:
      return make(place, machine(context->members(), place));
    case Grammar::DISTRIBUTION:
      return make(place, distribution(context->members()));
    case Grammar::SUPPORT:
      return make(place, support(context->members()));
    case Grammar::EXPECT:
      return make(place, ast::ExpectExpr{block(context->block())});
    default:
      return make(place, ast::NameRef{name(context->name()).text});
  }
}

ast::ExprPtr Builder::brackets(Grammar::PrimaryContext* context) {
  const auto parts = context->expression();
  if (!context->FOR()) {
    ast::ArrayExpr out;
    for (Grammar::ExpressionContext* part : parts) out.elements.push_back(expression(part));
    return make(span(context), std::move(out));
  }
  ast::Comprehension out{expression(parts[0]), {}};
  for (Grammar::GeneratorContext* one : context->generator()) {
    ast::Name variable = name(one->name());
    for (const ast::Generator& earlier : out.generators) {
      refuse_repeated(variable, earlier.name, "variable");
    }
    out.generators.push_back({std::move(variable), range(one->range())});
  }
  return make(span(context), std::move(out));
}

ast::ExprPtr Builder::braces(Grammar::PrimaryContext* context) {
  ast::BraceExpr out;
  for (Grammar::ItemContext* one : context->item()) {
    ast::Name item = name(one->name(0));
    for (std::size_t i = 1; i < one->name().size(); ++i) {
      const ast::Name part = name(one->name(i));
      item.text += "." + part.text;
      item.span.end = part.span.end;
    }
    for (const ast::BraceItem& earlier : out.items) refuse_repeated(item, earlier.name, "name");
    out.items.push_back({std::move(item), expression(one->expression())});
  }
  return make(span(context), std::move(out));
}

std::int64_t Builder::integer(antlr4::Token* token) {
  const Span place = span(token);
  const std::string_view text = file_.text().substr(place.begin, place.size());
  std::int64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc()) {
    error("syntax.number", place, "this number does not fit an 'int'")
        .with_expected("at most 9223372036854775807");
  }
  return out;
}

double Builder::real(antlr4::Token* token) {
  const Span place = span(token);
  const std::string_view text = file_.text().substr(place.begin, place.size());
  double out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc()) {
    error("syntax.number", place, "this number does not fit a 'real'")
        .with_expected("an absolute value between 4.9e-324 and 1.8e308");
  }
  return out;
}

std::string Builder::string(antlr4::Token* token) {
  const Span place = span(token);
  const std::string_view text = file_.text().substr(place.begin + 1, place.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '"':
      case '\\':
        out += text[i];
        break;
      default: {
        const auto at = static_cast<std::uint32_t>(place.begin + i);
        error("syntax.string", {id_, at, at + 2}, "unknown escape in a text")
            .with_expected("\\n, \\t, \\\" or \\\\");
      }
    }
  }
  return out;
}

}  // namespace borel::syntax

#include "compiler/syntax/recovery.h"

#include <algorithm>
#include <set>

#include "BorelParser.h"
#include "compiler/syntax/brackets.h"

namespace borel::syntax {

namespace {

using antlr4::misc::IntervalSet;
using grammar::BorelParser;

constexpr auto sep = static_cast<std::size_t>(BorelParser::SEP);

std::size_t rule_of(antlr4::Parser* parser) { return parser->getContext()->getRuleIndex(); }

bool is_list_of_lines(std::size_t rule) {
  return rule == BorelParser::RuleFile || rule == BorelParser::RuleBlock ||
         rule == BorelParser::RuleMembers;
}

// Tokens that go on with a complete expression; to list them all would say nothing.
bool extends_expression(std::size_t type) {
  return (type >= BorelParser::OR && type <= BorelParser::CARET) || type == BorelParser::WITH ||
         type == BorelParser::THEN || type == BorelParser::QUESTION ||
         type == BorelParser::LPAREN || type == BorelParser::LBRACKET || type == BorelParser::DOT;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace

antlr4::Token* Recovery::recoverInline(antlr4::Parser* parser) {
  // Rubbish behind a complete statement: go on with the next one.
  const std::size_t rule = rule_of(parser);
  const bool in_list =
      is_list_of_lines(rule) && parser->getExpectedTokens().contains(sep) && !recovering_;
  if (in_list) {
    recovering_ = true;
    report(parser, parser->getExpectedTokens());
    const Lexeme& start = layout_.tokens[parser->getContext()->start->getTokenIndex()];
    skip_to_separator(parser, rule == BorelParser::RuleFile ? 0 : start.depth + 1);
    antlr4::Token* token = parser->getCurrentToken();
    if (token->getType() == BorelParser::SEP) {
      parser->consume();
      recovering_ = false;
      return token;
    }
  }
  throw antlr4::InputMismatchException(parser);
}

void Recovery::recover(antlr4::Parser* parser, std::exception_ptr error) {
  const std::size_t rule = rule_of(parser);
  if (rule != BorelParser::RuleStatement && rule != BorelParser::RuleMember &&
      rule != BorelParser::RuleDeclaration && rule != BorelParser::RuleFile) {
    std::rethrow_exception(error);
  }
  if (rule == BorelParser::RuleFile) return;
  skip_to_separator(parser, layout_.tokens[parser->getContext()->start->getTokenIndex()].depth);
}

void Recovery::skip_to_separator(antlr4::Parser* parser, std::uint32_t depth) {
  for (;;) {
    const Lexeme& token = layout_.tokens[parser->getCurrentToken()->getTokenIndex()];
    if (token.type == antlr4::Token::EOF || token.depth < depth) return;
    if (token.type == BorelParser::SEP && token.depth == depth) return;
    parser->consume();
  }
}

void Recovery::sync(antlr4::Parser* parser) {
  const std::size_t index = parser->getTokenStream()->index();
  const std::size_t rule = rule_of(parser);
  if (!is_list_of_lines(rule)) {
    if (!passed_.empty() && passed_.back().second != index) passed_.clear();
    passed_.emplace_back(parser->getState(), index);
    return;
  }
  passed_.clear();
  const IntervalSet& fits =
      parser->getATN().nextTokens(parser->getATN().states[parser->getState()]);
  while (!fits.contains(parser->getTokenStream()->LA(1))) {
    const std::size_t here = parser->getTokenStream()->index();
    const Lexeme& token = layout_.tokens[here];
    if (token.type == antlr4::Token::EOF ||
        (is_closing(token.type) && rule != BorelParser::RuleFile)) {
      return;
    }
    if (!recovering_) {
      recovering_ = true;
      report(parser, fits);
    }
    skip_to_separator(parser, token.depth);
    if (parser->getTokenStream()->LA(1) == BorelParser::SEP) parser->consume();
  }
  // What follows is sound again: its errors are worth a message of their own.
  recovering_ = false;
}

void Recovery::reportError(antlr4::Parser* parser, const antlr4::RecognitionException&) {
  if (recovering_) return;
  recovering_ = true;
  report(parser, parser->getExpectedTokens());
}

std::vector<std::string> Recovery::alternatives(antlr4::Parser* parser,
                                                const IntervalSet& expected) const {
  const std::size_t rule = rule_of(parser);
  std::set<std::size_t> types;
  for (const ssize_t type : expected.toList()) {
    if (type > 0) types.insert(static_cast<std::size_t>(type));
  }
  const std::size_t index = parser->getTokenStream()->index();
  for (const auto& [state, at] : passed_) {
    if (at != index) continue;
    const auto& atn = parser->getATN();
    for (const ssize_t type : atn.nextTokens(atn.states[state]).toList()) {
      if (type > 0 && !extends_expression(static_cast<std::size_t>(type))) {
        types.insert(static_cast<std::size_t>(type));
      }
    }
  }
  const auto has = [&](std::size_t type) { return types.contains(type); };

  // The many tokens that begin one thing are called by the name of the thing.
  if (has(BorelParser::DEF) && rule == BorelParser::RuleFile) {
    return {"a declaration ('def', 'model', 'infer' or 'struct')"};
  }
  if (has(BorelParser::REQUIRE) && rule == BorelParser::RuleMembers) {
    return {"a part of the block ('let', or a name with a block)"};
  }
  if (has(BorelParser::RETURN)) return {"a statement"};
  std::vector<std::string> out;
  if (rule == BorelParser::RuleType && has(BorelParser::NAME)) return {"a type"};
  if (rule == BorelParser::RuleSuffix && has(BorelParser::NAME) && !has(BorelParser::LPAREN))
    return {"the name of a field"};
  if (has(BorelParser::INT) && has(BorelParser::NAME)) {
    out.emplace_back("an expression");
    std::erase_if(types, [](std::size_t type) {
      return type != BorelParser::COMMA && type != BorelParser::SEP && !is_closing(type);
    });
  } else if (has(BorelParser::NAME)) {
    out.emplace_back("a name");
    std::erase_if(types, [](std::size_t type) {
      return (type >= BorelParser::DEF && type <= BorelParser::FALSE) || type == BorelParser::NAME;
    });
  }
  if (has(BorelParser::TILDE) && has(BorelParser::RECORD)) {
    // Behind the left side of a statement the commonest are enough.
    for (const std::size_t type :
         {BorelParser::ADD_ASSIGN, BorelParser::SUB_ASSIGN, BorelParser::MUL_ASSIGN,
          BorelParser::DIV_ASSIGN, BorelParser::COLON}) {
      types.erase(type);
    }
  }
  // Possible in most places and meant in few.
  types.erase(BorelParser::FROM);
  types.erase(BorelParser::BY);
  const bool at_end = has(BorelParser::SEP) && !has(BorelParser::RBRACE);
  types.erase(BorelParser::SEP);
  for (const std::size_t type : types) {
    if (type == BorelParser::INT) {
      out.emplace_back("a whole number");
    } else if (type == BorelParser::STRING) {
      out.emplace_back("a text in double quotes");
    } else {
      out.emplace_back("'" + spelling(type) + "'");
    }
  }
  if (at_end) out.emplace_back("the end of the statement");
  return out;
}

// What was mended before a token on its line, or a bracket around it that was not closed on it, has
// been reported and is the likelier cause.
bool Recovery::mended_nearby(std::size_t index) const {
  const std::vector<Lexeme>& tokens = layout_.tokens;
  for (const std::size_t mended : layout_.mended) {
    if (mended >= tokens.size() || tokens[mended].line != tokens[index].line) continue;
    if (mended <= index) return true;
    const std::size_t type = tokens[mended].type;
    if (type != BorelParser::RPAREN && type != BorelParser::RBRACKET) continue;
    const bool inside =
        std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(index),
                    tokens.begin() + static_cast<std::ptrdiff_t>(mended),
                    [&](const Lexeme& between) { return between.depth > tokens[mended].depth; });
    if (inside) return true;
  }
  return false;
}

std::string Recovery::suggestion(const std::vector<std::string>& words, std::size_t index,
                                 bool at_start) const {
  const std::vector<Lexeme>& tokens = layout_.tokens;
  const Lexeme& found = tokens[index];
  const auto wants = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (wants("'{'") && found.type == BorelParser::ASSIGN) return "'==' compares";
  if (wants("'{'") && found.newline && tokens[index + 1].type == BorelParser::LBRACE) {
    return "the '{' belongs on the same line";
  }
  if (at_start && extends_expression(found.type)) {
    return "to go on with the line before, end it with the operator";
  }
  if (at_start && found.type == BorelParser::ELSE) return "'else' follows the '}' of an 'if'";
  if (found.type == BorelParser::STAR && tokens[index - 1].type == BorelParser::STAR) {
    return "'^' is the power";
  }
  if (found.type == BorelParser::DOTDOT) {
    return "a range stands in 'for', in a comprehension or in an index";
  }
  if (wants("a name") && found.type >= BorelParser::DEF && found.type <= BorelParser::FALSE) {
    return "a keyword cannot be a name";
  }
  return {};
}

void Recovery::report(antlr4::Parser* parser, const IntervalSet& expected) {
  const std::size_t index = parser->getTokenStream()->index();
  error_tokens_.push_back(index);
  const std::vector<Lexeme>& tokens = layout_.tokens;
  const Lexeme& found = tokens[index];
  if (mended_nearby(index)) return;
  const std::vector<std::string> words = alternatives(parser, expected);
  const bool at_start = index == 0 || tokens[index - 1].type == BorelParser::SEP;

  std::string message = "expected " + join_words(words);
  if (!at_start) message += " after " + describe(layout_, index - 1, file_);
  message += ", found " + describe(layout_, index, file_);
  Diagnostic& report =
      diagnostics_.error("syntax.expected", place_of(layout_, index, id_), std::move(message))
          .with_suggestion(suggestion(words, index, at_start));

  // A bracket that has been open for lines is often the cause: say where it was opened.
  const std::uint32_t depth = found.depth + (is_closing(found.type) ? 1 : 0);
  for (std::size_t i = index; i-- > 0 && depth > 0;) {
    const Lexeme& opening = tokens[i];
    if (!is_opening(opening.type) || opening.depth + 1 != depth) continue;
    if (opening.type != BorelParser::LBRACE && opening.line != found.line) {
      report.with_note({id_, opening.begin, opening.end},
                       "inside the '" + spelling(opening.type) + "' opened here");
    }
    return;
  }
}

}  // namespace borel::syntax

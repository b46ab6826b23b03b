#include "compiler/syntax/layout.h"

#include <algorithm>
#include <utility>

#include "BorelLexer.h"
#include "antlr4-runtime.h"
#include "compiler/syntax/brackets.h"
#include "compiler/syntax/lexemes.h"

namespace borel::syntax {

namespace {

using grammar::BorelLexer;

// The parser and what follows it recurse over the tree: these keep any text from exhausting the
// stack, far beyond what people write.
constexpr std::size_t max_depth = 200;
constexpr std::size_t max_chain = 1000;

bool is_infix(std::size_t type) {
  return (type >= BorelLexer::OR && type <= BorelLexer::NOT) || type == BorelLexer::WITH ||
         type == BorelLexer::THEN || type == BorelLexer::QUESTION || type == BorelLexer::FN ||
         type == BorelLexer::ELSE || type == BorelLexer::DOT;
}

class Emission {
 public:
  Emission(std::vector<Lexeme> raw, FileId id, Diagnostics& diagnostics)
      : raw_(std::move(raw)), id_(id), diagnostics_(diagnostics) {
    out_.tokens.reserve(raw_.size() + raw_.size() / 4 + 2);
  }

  Layout run(const std::vector<Insertion>& insertions,
             const std::vector<std::uint32_t>& mended_offsets) {
    auto insertion = insertions.begin();
    auto mended = mended_offsets.begin();
    for (std::size_t i = 0; i < raw_.size() && !out_.too_deep; ++i) {
      while (insertion != insertions.end() && insertion->before == i) close_missing(*insertion++);
      for (; mended != mended_offsets.end() && *mended <= raw_[i].begin; ++mended) {
        out_.mended.push_back(out_.tokens.size());
      }
      emit(i);
    }
    while (insertion != insertions.end()) close_missing(*insertion++);
    if (mended != mended_offsets.end()) out_.mended.push_back(out_.tokens.size());
    finish();
    return std::move(out_);
  }

 private:
  std::size_t last_type() const { return out_.tokens.empty() ? 0 : out_.tokens.back().type; }

  bool inside_block() const { return open_.empty() || open_.back() == BorelLexer::LBRACE; }

  void put(std::size_t type, std::uint32_t begin, std::uint32_t end, std::uint32_t line,
           bool newline = false) {
    out_.tokens.push_back(
        {type, begin, end, line, static_cast<std::uint32_t>(open_.size()), newline});
  }

  void separate(bool newline) {
    if (out_.tokens.empty() || last_type() == BorelLexer::SEP) return;
    const Lexeme& last = out_.tokens.back();
    put(BorelLexer::SEP, last.end, last.end, last.line, newline);
  }

  // A comma before a closing bracket says nothing.
  void drop_last_comma() {
    const std::size_t size = out_.tokens.size();
    if (size < 2 || last_type() != BorelLexer::COMMA) return;
    const std::size_t before = out_.tokens[size - 2].type;
    if (before != BorelLexer::COMMA && !is_opening(before)) out_.tokens.pop_back();
  }

  void before_closing(std::size_t type) {
    drop_last_comma();
    if (type == BorelLexer::RBRACE && last_type() != BorelLexer::LBRACE) separate(false);
    if (!open_.empty()) open_.pop_back();
  }

  void close_missing(const Insertion& insertion) {
    out_.mended.push_back(out_.tokens.size());
    before_closing(insertion.type);
    const Lexeme last = out_.tokens.back();
    put(insertion.type, last.end, last.end, last.line);
  }

  // Whether the newline between the last token and one of type `next` ends a statement.
  bool ends_statement(std::size_t next) const {
    const std::size_t last = last_type();
    if (last == 0 || is_opening(last)) return false;
    if (next == BorelLexer::ELSE && last == BorelLexer::RBRACE) return false;
    if (next == BorelLexer::LBRACE && awaits_block(last)) return false;
    if (continues_line(out_.tokens, out_.tokens.size() - 1)) {
      // Nothing here can follow an operator: the line lacks its end.
      return begins_statement(next) || (next == BorelLexer::RBRACE && last != BorelLexer::COMMA);
    }
    return true;
  }

  // Whether a '{' at the start of a line is the block of the head before it.
  bool awaits_block(std::size_t last) const {
    return last == BorelLexer::ELSE || last == BorelLexer::MACHINE ||
           last == BorelLexer::DISTRIBUTION || last == BorelLexer::SUPPORT ||
           last == BorelLexer::EXPECT ||
           (last != BorelLexer::RBRACE &&
            (statement_ == BorelLexer::IF || statement_ == BorelLexer::FOR ||
             statement_ == BorelLexer::WHILE || begins_declaration(statement_)));
  }

  static bool begins_statement(std::size_t type) {
    return type == BorelLexer::LET || type == BorelLexer::VAR || type == BorelLexer::RETURN ||
           type == BorelLexer::IF || type == BorelLexer::FOR || type == BorelLexer::WHILE ||
           begins_declaration(type);
  }

  void emit(std::size_t i) {
    const Lexeme& token = raw_[i];
    const bool newline = i > 0 && token.line != raw_[i - 1].line;
    if (newline && inside_block() && ends_statement(token.type)) separate(true);
    if (token.type == BorelLexer::SEP && inside_block()) {
      const std::size_t last = last_type();
      if (last != 0 && last != BorelLexer::SEP && last != BorelLexer::LBRACE) {
        put(BorelLexer::SEP, token.begin, token.end, token.line);
      }
      return;
    }
    if (last_type() == 0 || last_type() == BorelLexer::SEP || last_type() == BorelLexer::LBRACE) {
      statement_ = token.type;
    }
    count(token);
    if (is_closing(token.type)) before_closing(token.type);
    put(token.type, token.begin, token.end, token.line);
    if (is_opening(token.type)) open_.push_back(token.type);
    if (open_.size() > max_depth) {
      give_up(token, "brackets are nested more than " + std::to_string(max_depth) + " deep");
    }
  }

  // Counts the parts of chains that make the tree deep, by the depth that they stand at: a chain
  // ends with its statement, its place in a list, or its bracket.
  void count(const Lexeme& token) {
    const std::size_t depth = open_.size();
    if (chains_.size() <= depth) chains_.resize(depth + 1);
    const bool new_statement = last_type() == BorelLexer::SEP;
    if (new_statement || token.type == BorelLexer::COMMA) chains_[depth] = 0;
    if (is_closing(token.type)) chains_[depth] = 0;
    // Suffixes (calls and indices in a row) count as well.
    const bool suffix = (token.type == BorelLexer::LPAREN || token.type == BorelLexer::LBRACKET) &&
                        is_closing(last_type());
    if ((is_infix(token.type) || suffix) && ++chains_[depth] == max_chain) {
      give_up(token, "an expression or a chain of else of more than " + std::to_string(max_chain) +
                         " parts");
    }
  }

  void give_up(const Lexeme& token, std::string message) {
    if (out_.too_deep) return;
    diagnostics_.error("syntax.too_deep", {id_, token.begin, token.end}, std::move(message))
        .with_suggestion("split it with 'let'");
    out_.too_deep = true;
  }

  void finish() {
    separate(true);
    const Lexeme last = out_.tokens.empty() ? Lexeme{0, 0, 0, 1, 0, false} : out_.tokens.back();
    put(antlr4::Token::EOF, last.end, last.end, last.line);
  }

  std::vector<Lexeme> raw_;
  FileId id_;
  Diagnostics& diagnostics_;
  std::vector<std::size_t> open_;
  std::vector<std::size_t> chains_;
  std::size_t statement_ = 0;  // the type of the first token of the statement
  Layout out_;
};

}  // namespace

Layout lay_out(const SourceFile& file, FileId id, Diagnostics& diagnostics) {
  std::vector<std::uint32_t> mended;
  std::vector<Lexeme> raw = lex(file, id, diagnostics, mended);
  const std::vector<Insertion> insertions = match_brackets(raw, file, id, diagnostics, mended);
  std::sort(mended.begin(), mended.end());
  return Emission(std::move(raw), id, diagnostics).run(insertions, mended);
}

std::string spelling(std::size_t type) {
  static const std::vector<std::string> literals = [] {
    std::vector<std::string> out;
    antlr4::ANTLRInputStream empty("");
    const BorelLexer lexer(&empty);
    for (std::size_t t = 0; t <= lexer.getVocabulary().getMaxTokenType(); ++t) {
      std::string name = lexer.getVocabulary().getLiteralName(t);
      if (name.size() > 2) name = name.substr(1, name.size() - 2);
      out.push_back(std::move(name));
    }
    return out;
  }();
  return type < literals.size() ? literals[type] : std::string();
}

std::string describe(const Layout& layout, std::size_t index, const SourceFile& file) {
  const Lexeme& token = layout.tokens[index];
  const bool at_end =
      index + 1 >= layout.tokens.size() || layout.tokens[index + 1].type == antlr4::Token::EOF;
  switch (token.type) {
    case antlr4::Token::EOF:
      return "the end of the file";
    case BorelLexer::SEP:
      if (at_end) return "the end of the file";
      if (token.newline) return "the end of the line";
      // One that the layout put before '}'.
      if (token.begin == token.end) return describe(layout, index + 1, file);
      return "';'";
    case BorelLexer::INT:
    case BorelLexer::REAL:
      return "the number " + std::string(file.text().substr(token.begin, token.end - token.begin));
    case BorelLexer::STRING:
      return "the text " + std::string(file.text().substr(token.begin, token.end - token.begin));
    case BorelLexer::NAME:
      return "'" + std::string(file.text().substr(token.begin, token.end - token.begin)) + "'";
    default: {
      const std::string quoted = "'" + spelling(token.type) + "'";
      const bool keyword = token.type >= BorelLexer::DEF && token.type <= BorelLexer::FALSE;
      return keyword ? "the keyword " + quoted : quoted;
    }
  }
}

Span place_of(const Layout& layout, std::size_t index, FileId id) {
  const Lexeme& token = layout.tokens[index];
  if (token.type == BorelLexer::SEP && token.begin == token.end && !token.newline &&
      index + 1 < layout.tokens.size()) {
    return place_of(layout, index + 1, id);
  }
  return {id, token.begin, token.end};
}

}  // namespace borel::syntax

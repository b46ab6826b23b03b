#include "compiler/syntax/lexemes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "BorelLexer.h"
#include "antlr4-runtime.h"

namespace borel::syntax {

namespace {

using grammar::BorelLexer;

// The lexer counts code points, we count bytes. Bytes beyond ASCII may stand only in comments and
// strings, whose text is taken from the file itself, so that each may be shown to the lexer as one
// character that no token begins with.
std::string lexer_input(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '\x7f';
  }
  if (text.substr(0, 3) == "\xef\xbb\xbf") out.replace(0, 3, "   ");  // a byte order mark
  return out;
}

bool is_keyword(std::size_t type) { return type >= BorelLexer::DEF && type <= BorelLexer::FALSE; }

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class Lexing {
 public:
  Lexing(const SourceFile& file, FileId id, Diagnostics& diagnostics,
         std::vector<std::uint32_t>& mended)
      : file_(file), id_(id), diagnostics_(diagnostics), mended_(mended) {}

  std::vector<Lexeme> run() {
    antlr4::ANTLRInputStream input(lexer_input(file_.text()));
    BorelLexer lexer(&input);
    lexer.removeErrorListeners();
    raw_.reserve(file_.text().size() / 4);
    for (;;) {
      const std::unique_ptr<antlr4::Token> token = lexer.nextToken();
      if (token->getType() == antlr4::Token::EOF) break;
      raw_.push_back({token->getType(), static_cast<std::uint32_t>(token->getStartIndex()),
                      static_cast<std::uint32_t>(token->getStopIndex() + 1),
                      static_cast<std::uint32_t>(token->getLine()), 0, false});
      if (token->getType() == BorelLexer::UNCLOSED_COMMENT) break;
    }
    for (std::size_t i = 0; i < raw_.size(); i = step(i)) {
    }
    free_keywords();
    return std::move(out_);
  }

 private:
  std::string_view text(const Lexeme& token) const {
    return file_.text().substr(token.begin, token.end - token.begin);
  }

  Diagnostic& error(std::string code, std::uint32_t begin, std::uint32_t end, std::string message) {
    mended_.push_back(begin);
    return diagnostics_.error(std::move(code), Span{id_, begin, end}, std::move(message));
  }

  bool adjacent(std::size_t i, std::size_t j) const {
    return j < raw_.size() && raw_[i].end == raw_[j].begin;
  }

  // Handles raw token i, and perhaps some that follow; returns the next to handle.
  std::size_t step(std::size_t i) {
    Lexeme token = raw_[i];
    switch (token.type) {
      case BorelLexer::UNKNOWN:
        return unknown(i);
      case BorelLexer::UNCLOSED_COMMENT:
        error("syntax.comment", token.begin, token.end, "this comment is not closed")
            .with_expected("'*/'");
        return raw_.size();
      case BorelLexer::UNCLOSED_STRING:
        error("syntax.string", token.begin, token.end, "this text is not closed on its line")
            .with_expected("'\"'");
        token.type = BorelLexer::STRING;
        out_.push_back(token);
        return i + 1;
      case BorelLexer::REAL:
        if (is_tuple_field(token)) {
          out_.push_back({BorelLexer::DOT, token.begin, token.begin + 1, token.line, 0, false});
          token.type = BorelLexer::INT;
          ++token.begin;
          out_.push_back(token);
          return i + 1;
        }
        return number(i);
      case BorelLexer::INT:
        return number(i);
      default:
        out_.push_back(token);
        return i + 1;
    }
  }

  std::size_t unknown(std::size_t i) {
    const Lexeme& token = raw_[i];
    // All bytes of one character beyond ASCII are one error.
    std::size_t next = i + 1;
    std::uint32_t end = token.end;
    while (adjacent(next - 1, next) && raw_[next].type == BorelLexer::UNKNOWN &&
           (static_cast<unsigned char>(file_.text()[raw_[next].begin]) & 0xc0) == 0x80) {
      end = raw_[next++].end;
    }
    const std::string character(file_.text().substr(token.begin, end - token.begin));
    Diagnostic& report =
        error("syntax.character", token.begin, end, "'" + character + "' has no meaning here");
    if (character == "#") {
      report.with_suggestion("comments begin with '//'");
      while (next < raw_.size() && raw_[next].line == token.line) ++next;
    } else if (character == "&") {
      report.with_suggestion("'&&' is the logical and");
      if (next < raw_.size())
        out_.push_back({BorelLexer::AND, token.begin, end, token.line, 0, false});
    } else if (character == "'") {
      report.with_suggestion("text stands between double quotes");
      // The closing one is no error of its own.
      for (std::size_t j = next; j < raw_.size() && raw_[j].line == token.line; ++j) {
        if (file_.text()[raw_[j].begin] == '\'') next = j + 1;
      }
    }
    return next;
  }

  // `.0` directly behind a value is a tuple's field, not a number.
  bool is_tuple_field(const Lexeme& token) const {
    if (out_.empty() || file_.text()[token.begin] != '.' || out_.back().end != token.begin) {
      return false;
    }
    if (!all_digits(text(token).substr(1))) return false;
    const std::size_t before = out_.back().type;
    const bool nested = before == BorelLexer::INT && out_.size() > 1 &&
                        out_[out_.size() - 2].type == BorelLexer::DOT;
    return nested || before == BorelLexer::NAME || before == BorelLexer::RPAREN ||
           before == BorelLexer::RBRACKET || before == BorelLexer::RBRACE;
  }

  std::size_t number(std::size_t i) {
    Lexeme token = raw_[i];
    std::size_t next = i + 1;
    const bool field = !out_.empty() && out_.back().type == BorelLexer::DOT;
    // `1.` is a number too; the lexer cannot know it from the start of `1..n`.
    if (token.type == BorelLexer::INT && !field && adjacent(i, next) &&
        raw_[next].type == BorelLexer::DOT) {
      token.type = BorelLexer::REAL;
      token.end = raw_[next++].end;
    }
    if (!field && adjacent(next - 1, next) &&
        (raw_[next].type == BorelLexer::NAME || is_keyword(raw_[next].type))) {
      const std::string tail(text(raw_[next]));
      Diagnostic& report = error("syntax.number", token.begin, raw_[next].end,
                                 "a number cannot run into the name '" + tail + "'");
      if (tail[0] != '_' && tail[0] != 'e' && tail[0] != 'E') {
        report.with_suggestion("write " + std::string(text(token)) + " * " + tail);
      }
      ++next;
    }
    out_.push_back(token);
    return next;
  }

  // A keyword is a name where it cannot be a keyword: t.model, f(in = 3), {support = 0}. (The
  // grammar's `name` has those that can be names anywhere.)
  void free_keywords() {
    for (std::size_t i = 1; i < out_.size(); ++i) {
      if (!is_keyword(out_[i].type)) continue;
      const std::size_t before = out_[i - 1].type;
      const bool in_list = before == BorelLexer::LPAREN || before == BorelLexer::COMMA ||
                           before == BorelLexer::LBRACE;
      const bool named = i + 1 < out_.size() && out_[i + 1].type == BorelLexer::ASSIGN;
      const bool harmless = out_[i].type == BorelLexer::SUPPORT || out_[i].type == BorelLexer::IN;
      if (before == BorelLexer::DOT || (harmless && in_list && named)) {
        out_[i].type = BorelLexer::NAME;
      }
    }
  }

  const SourceFile& file_;
  FileId id_;
  Diagnostics& diagnostics_;
  std::vector<std::uint32_t>& mended_;
  std::vector<Lexeme> raw_;
  std::vector<Lexeme> out_;
};

}  // namespace

std::vector<Lexeme> lex(const SourceFile& file, FileId id, Diagnostics& diagnostics,
                        std::vector<std::uint32_t>& mended) {
  return Lexing(file, id, diagnostics, mended).run();
}

}  // namespace borel::syntax

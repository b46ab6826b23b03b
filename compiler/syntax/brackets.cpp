#include "compiler/syntax/brackets.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "BorelLexer.h"

namespace borel::syntax {

namespace {

using grammar::BorelLexer;

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string quoted(std::size_t type) { return "'" + spelling(type) + "'"; }

class Matching {
 public:
  Matching(std::vector<Lexeme>& tokens, const SourceFile& file, FileId id, Diagnostics& diagnostics,
           std::vector<std::uint32_t>& mended)
      : tokens_(tokens),
        file_(file),
        id_(id),
        diagnostics_(diagnostics),
        mended_(mended),
        partner_(tokens.size(), none) {}

  std::vector<Insertion> run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::size_t type = tokens_[i].type;
      if (starts_line(i)) give_up_before(i);
      if (type == BorelLexer::LBRACE && in_head(i)) leave_open(open_.size() - 1, i);
      if (is_opening(type)) {
        open_.push_back(i);
      } else if (is_closing(type)) {
        close(i);
      }
    }
    leave_open(0, tokens_.size());
    return insertions();
  }

 private:
  struct Unclosed {
    std::size_t opening;
    std::size_t limit;  // the token at which it could no longer be closed
  };

  bool starts_line(std::size_t i) const { return i > 0 && tokens_[i].line != tokens_[i - 1].line; }

  // Everything open from stack place `from` on lacks its closing bracket.
  void leave_open(std::size_t from, std::size_t limit) {
    while (open_.size() > from) {
      unclosed_.push_back({open_.back(), limit});
      open_.pop_back();
    }
  }

  // Some keywords at the start of a line can only stand outside of brackets.
  void give_up_before(std::size_t i) {
    const std::size_t type = tokens_[i].type;
    if (begins_declaration(type)) {
      leave_open(0, i);
      return;
    }
    const bool statement = type == BorelLexer::LET || type == BorelLexer::VAR ||
                           type == BorelLexer::RETURN || type == BorelLexer::WHILE ||
                           type == BorelLexer::IF;
    const auto inside = [&](std::size_t opening) {
      return !open_.empty() && tokens_[open_.back()].type == opening;
    };
    while ((statement && (inside(BorelLexer::LPAREN) || inside(BorelLexer::LBRACKET))) ||
           (type == BorelLexer::FOR && inside(BorelLexer::LPAREN))) {
      leave_open(open_.size() - 1, i);
    }
  }

  // Whether the '{' at i begins the body of a declaration although the '(' of its parameters is
  // still open: there it could only be part of a default value.
  bool in_head(std::size_t i) const {
    if (open_.empty() || open_.back() < 2) return false;
    const std::size_t opening = open_.back();
    if (tokens_[opening].type != BorelLexer::LPAREN ||
        !begins_declaration(tokens_[opening - 2].type)) {
      return false;
    }
    for (std::size_t j = i - 1; j >= opening && tokens_[j].type != BorelLexer::COMMA; --j) {
      if (tokens_[j].type == BorelLexer::ASSIGN) return false;
    }
    return true;
  }

  void close(std::size_t i) {
    Lexeme& token = tokens_[i];
    const auto fits = std::find_if(open_.rbegin(), open_.rend(), [&](std::size_t opening) {
      return closing_of(tokens_[opening].type) == token.type;
    });
    if (fits != open_.rend()) {
      leave_open(static_cast<std::size_t>(open_.rend() - fits), i);
    } else if (!open_.empty() && token.type != BorelLexer::RBRACE &&
               tokens_[open_.back()].type != BorelLexer::LBRACE) {
      // f(a] and a[i): the bracket that was meant is clear.
      const Lexeme& opening = tokens_[open_.back()];
      const std::size_t meant = closing_of(opening.type);
      diagnostics_
          .error("syntax.bracket", span(token),
                 "expected " + quoted(meant) + " to close the " + quoted(opening.type) +
                     ", found " + quoted(token.type))
          .with_note(span(opening), "opened here");
      mended_.push_back(token.begin);
      token.type = meant;
    } else {
      diagnostics_.error("syntax.bracket", span(token), quoted(token.type) + " closes nothing");
      mended_.push_back(token.begin);
      token.type = 0;
      return;
    }
    partner_[open_.back()] = i;
    note_indentation(open_.back(), i);
    open_.pop_back();
  }

  Span span(const Lexeme& token) const { return {id_, token.begin, token.end}; }

  // Spaces before the first token of the line that token i is on.
  std::size_t indentation(std::size_t i) const {
    const std::string_view line = file_.line(tokens_[i].line);
    return std::min(line.find_first_not_of(" \t"), line.size());
  }

  void note_indentation(std::size_t opening, std::size_t closing) {
    if (tokens_[closing].type != BorelLexer::RBRACE || !starts_line(closing)) return;
    if (indentation(closing) < indentation(opening)) outdented_.push_back(opening);
  }

  std::size_t place_to_close(const Unclosed& one) const {
    if (tokens_[one.opening].type == BorelLexer::LBRACE) return one.limit;
    for (std::size_t j = one.opening + 1; j < one.limit; ++j) {
      if (starts_line(j) && !continues_line(tokens_, j - 1)) return j;
      if (partner_[j] != none) j = partner_[j];
    }
    return one.limit;
  }

  void report(const Lexeme& opening, std::size_t before) {
    const Lexeme& last = tokens_[before - 1];
    std::string found = "the end of the file";
    Span place{id_, last.end, last.end};
    if (before < tokens_.size()) {
      const Lexeme& next = tokens_[before];
      if (opening.type != BorelLexer::LBRACE && next.line != last.line) {
        found = "the end of the line";
      } else {
        place = span(next);
        found = quoted(next.type);
        if (begins_declaration(next.type)) found = "the keyword " + found;
      }
    }
    Diagnostic& report = diagnostics_.error(
        "syntax.bracket", place,
        "expected " + quoted(closing_of(opening.type)) + " to close the " + quoted(opening.type) +
            (opening.line != last.line ? " opened at line " + std::to_string(opening.line) : "") +
            ", found " + found);
    report.with_note(span(opening), "opened here");
    if (opening.type != BorelLexer::LBRACE) return;
    for (const std::size_t other : outdented_) {
      if (tokens_[other].begin > opening.begin && (before == tokens_.size() || other < before)) {
        report.with_note(span(tokens_[other]),
                         "perhaps this one is not closed: the '}' that closes it is indented less");
        return;
      }
    }
  }

  std::vector<Insertion> insertions() {
    std::vector<std::pair<std::size_t, std::size_t>> places;  // before, opening
    for (const Unclosed& one : unclosed_) places.emplace_back(place_to_close(one), one.opening);
    std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.first, b.second) < std::tuple(b.first, a.second);
    });
    std::vector<Insertion> out;
    for (const auto& [before, opening] : places) {
      report(tokens_[opening], before);
      out.push_back({before, closing_of(tokens_[opening].type)});
    }
    return out;
  }

  std::vector<Lexeme>& tokens_;
  const SourceFile& file_;
  FileId id_;
  Diagnostics& diagnostics_;
  std::vector<std::uint32_t>& mended_;
  std::vector<std::size_t> partner_;  // of opening brackets
  std::vector<std::size_t> open_;
  std::vector<Unclosed> unclosed_;
  std::vector<std::size_t> outdented_;
};

}  // namespace

bool is_opening(std::size_t type) {
  return type == BorelLexer::LPAREN || type == BorelLexer::LBRACKET || type == BorelLexer::LBRACE;
}

bool is_closing(std::size_t type) {
  return type == BorelLexer::RPAREN || type == BorelLexer::RBRACKET || type == BorelLexer::RBRACE;
}

std::size_t closing_of(std::size_t opening) {
  switch (opening) {
    case BorelLexer::LPAREN:
      return BorelLexer::RPAREN;
    case BorelLexer::LBRACKET:
      return BorelLexer::RBRACKET;
    case BorelLexer::LBRACE:
      return BorelLexer::RBRACE;
    default:
      throw InternalError("not an opening bracket");
  }
}

bool begins_declaration(std::size_t type) {
  return type == BorelLexer::DEF || type == BorelLexer::MODEL || type == BorelLexer::INFER ||
         type == BorelLexer::STRUCT || type == BorelLexer::RANDOM;
}

bool continues_line(const std::vector<Lexeme>& tokens, std::size_t index) {
  const std::size_t type = tokens[index].type;
  switch (type) {
    case BorelLexer::THEN:
    case BorelLexer::WITH: {
      // Operators behind a value, names elsewhere.
      if (index == 0) return false;
      const std::size_t before = tokens[index - 1].type;
      return is_closing(before) || before == BorelLexer::NAME || before == BorelLexer::INT ||
             before == BorelLexer::REAL || before == BorelLexer::STRING;
    }
    case BorelLexer::COMMA:
    case BorelLexer::COLON:
    case BorelLexer::QUESTION:
    case BorelLexer::ARROW:
    case BorelLexer::ASSIGN:
    case BorelLexer::ADD_ASSIGN:
    case BorelLexer::SUB_ASSIGN:
    case BorelLexer::MUL_ASSIGN:
    case BorelLexer::DIV_ASSIGN:
    case BorelLexer::RECORD:
    case BorelLexer::TILDE:
    case BorelLexer::OR:
    case BorelLexer::AND:
    case BorelLexer::EQ:
    case BorelLexer::NE:
    case BorelLexer::LT:
    case BorelLexer::LE:
    case BorelLexer::GT:
    case BorelLexer::GE:
    case BorelLexer::BAR:
    case BorelLexer::PLUS:
    case BorelLexer::MINUS:
    case BorelLexer::STAR:
    case BorelLexer::SLASH:
    case BorelLexer::PERCENT:
    case BorelLexer::ELEMENT_MUL:
    case BorelLexer::ELEMENT_DIV:
    case BorelLexer::CARET:
    case BorelLexer::NOT:
    case BorelLexer::DOTDOT:
      return true;
    default:
      return is_opening(type);
  }
}

std::vector<Insertion> match_brackets(std::vector<Lexeme>& tokens, const SourceFile& file,
                                      FileId id, Diagnostics& diagnostics,
                                      std::vector<std::uint32_t>& mended) {
  std::vector<Insertion> insertions = Matching(tokens, file, id, diagnostics, mended).run();
  // Taking a token out moves the places of the insertions behind it.
  for (Insertion& one : insertions) {
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(one.before);
    one.before -= static_cast<std::size_t>(
        std::count_if(tokens.begin(), end, [](const Lexeme& t) { return t.type == 0; }));
  }
  std::erase_if(tokens, [](const Lexeme& t) { return t.type == 0; });
  return insertions;
}

}  // namespace borel::syntax

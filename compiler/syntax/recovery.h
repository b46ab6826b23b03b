// What happens when the parser meets a token that does not fit: the message, and where it goes on.
// Private to compiler/syntax.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "antlr4-runtime.h"
#include "compiler/support/diagnostics.h"
#include "compiler/syntax/layout.h"

namespace borel::syntax {

// One error per statement, member or declaration: an error inside one abandons it, and the parser
// goes on behind its SEP. It neither inserts nor deletes single tokens, which would only guess.
class Recovery : public antlr4::ANTLRErrorStrategy {
 public:
  Recovery(const Layout& layout, const SourceFile& file, FileId id, Diagnostics& diagnostics)
      : layout_(layout), file_(file), id_(id), diagnostics_(diagnostics) {}

  // Token indices of the errors, in order.
  const std::vector<std::size_t>& error_tokens() const { return error_tokens_; }

  void reset(antlr4::Parser*) override {}
  void reportMatch(antlr4::Parser*) override { recovering_ = false; }
  bool inErrorRecoveryMode(antlr4::Parser*) override { return recovering_; }
  antlr4::Token* recoverInline(antlr4::Parser* parser) override;
  void recover(antlr4::Parser* parser, std::exception_ptr error) override;
  void sync(antlr4::Parser* parser) override;
  void reportError(antlr4::Parser* parser, const antlr4::RecognitionException& error) override;

 private:
  // Goes to the next SEP at this depth, or to the end of what encloses it.
  void skip_to_separator(antlr4::Parser* parser, std::uint32_t depth);
  void report(antlr4::Parser* parser, const antlr4::misc::IntervalSet& expected);
  // What could have stood at the current token, in words.
  std::vector<std::string> alternatives(antlr4::Parser* parser,
                                        const antlr4::misc::IntervalSet& expected) const;
  bool mended_nearby(std::size_t index) const;
  // A hint for a common slip, if the token found looks like one.
  std::string suggestion(const std::vector<std::string>& words, std::size_t index,
                         bool at_start) const;

  const Layout& layout_;
  const SourceFile& file_;
  FileId id_;
  Diagnostics& diagnostics_;
  bool recovering_ = false;
  std::vector<std::size_t> error_tokens_;
  // Optional parts that were passed over at the current token: grammar states, token index.
  std::vector<std::pair<std::size_t, std::size_t>> passed_;
};

}  // namespace borel::syntax

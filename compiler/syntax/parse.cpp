#include "compiler/syntax/parse.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "BorelParser.h"
#include "antlr4-runtime.h"
#include "compiler/syntax/build.h"
#include "compiler/syntax/layout.h"
#include "compiler/syntax/recovery.h"

namespace borel::syntax {

namespace {

using grammar::BorelParser;

std::vector<std::unique_ptr<antlr4::Token>> parser_tokens(const Layout& layout) {
  std::vector<std::unique_ptr<antlr4::Token>> out;
  out.reserve(layout.tokens.size());
  for (const Lexeme& one : layout.tokens) {
    auto token = std::make_unique<antlr4::CommonToken>(one.type);
    token->setStartIndex(one.begin);
    token->setStopIndex(static_cast<std::size_t>(one.end) - 1);
    token->setLine(one.line);
    out.push_back(std::move(token));
  }
  return out;
}

// The name of a declaration that is not whole, if the parser got so far.
std::optional<ast::Name> name_of(BorelParser::DeclarationContext* context, const SourceFile& file,
                                 FileId id) {
  BorelParser::NameContext* name = nullptr;
  if (context->function()) name = context->function()->name();
  if (context->structure()) name = context->structure()->name();
  if (!name || name->exception) return std::nullopt;
  const auto begin = static_cast<std::uint32_t>(name->start->getStartIndex());
  const auto end = static_cast<std::uint32_t>(name->start->getStopIndex() + 1);
  return ast::Name{std::string(file.text().substr(begin, end - begin)), {id, begin, end}};
}

}  // namespace

ast::File parse(const SourceManager& sources, FileId id, Diagnostics& diagnostics) {
  const SourceFile& source = sources.file(id);
  Diagnostics found;
  ast::File out;
  out.id = id;

  const Layout layout = lay_out(source, id, found);
  if (!layout.too_deep) {
    antlr4::ListTokenSource tokens(parser_tokens(layout));
    antlr4::CommonTokenStream stream(&tokens);
    BorelParser parser(&stream);
    parser.removeErrorListeners();
    const auto recovery = std::make_shared<Recovery>(layout, source, id, found);
    parser.setErrorHandler(recovery);
    BorelParser::FileContext* file = parser.file();

    std::vector<std::size_t> bad = recovery->error_tokens();
    bad.insert(bad.end(), layout.mended.begin(), layout.mended.end());
    Builder builder(source, id, found);
    for (BorelParser::DeclarationContext* context : file->declaration()) {
      const std::size_t first = context->start->getTokenIndex();
      const std::size_t last = context->stop->getTokenIndex() + 1;  // its SEP
      const bool broken = std::any_of(bad.begin(), bad.end(), [&](std::size_t index) {
        return index >= first && index <= last;
      });
      if (!broken) {
        builder.forget_failure();
        ast::Decl decl = builder.declaration(context);
        if (!builder.failed()) {
          out.decls.push_back(std::move(decl));
          continue;
        }
      }
      if (auto name = name_of(context, source, id)) out.broken.push_back(std::move(*name));
    }
  }

  // Brackets, statements and the rest are looked at one after the other; people read from the top.
  std::vector<const Diagnostic*> list = found.all();
  std::stable_sort(list.begin(), list.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return a->span.begin < b->span.begin;
  });
  for (const Diagnostic* one : list) diagnostics.add(*one);
  return out;
}

}  // namespace borel::syntax

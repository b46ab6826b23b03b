// The blocks of machine, distribution and support.
#include <array>
#include <utility>

#include "compiler/syntax/build.h"

namespace borel::syntax {

ast::LetStmt Builder::member_let(Grammar::MemberContext* context) {
  return {pattern(context->pattern()), type(context->type()), expression(context->expression())};
}

ast::Method Builder::method(Grammar::MemberContext* context) {
  ast::Method out;
  out.span = span(context);
  out.name = name(context->NAME());
  if (context->parameters()) out.params = parameters(context->parameters());
  out.body = block(context->block());
  return out;
}

ast::MachineParam Builder::machine_param(Grammar::MemberContext* context) {
  ast::MachineParam out{span(context), name(context->name()), type(context->type()),
                        expression(context->expression()), nullptr};
  if (context->range()) {
    out.range = range(context->range());
    if (!ast::as<ast::RangeExpr>(*out.range)) {
      error("syntax.range", out.range->span, "expected a range after 'in'").with_expected("lo..hi");
    }
  }
  return out;
}

void Builder::add_method(std::vector<ast::Method>& methods, Grammar::MemberContext* context) {
  ast::Method next = method(context);
  if (!context->parameters()) {
    error("syntax.parameters", next.name.span, "expected '(' after '" + next.name.text + "'")
        .with_suggestion("write " + next.name.text + "()");
  }
  for (const ast::Method& earlier : methods) {
    refuse_repeated(next.name, earlier.name, "method");
  }
  methods.push_back(std::move(next));
}

// Members that belong to another kind of block.
bool Builder::refuse_member(Grammar::MemberContext* context, const char* block) {
  const std::string keyword = context->PARAM()     ? "param"
                              : context->SUPPORT() ? "support"
                              : context->REQUIRE() ? "require"
                                                   : "";
  if (keyword.empty()) return false;
  error("syntax.member", span(context->start),
        "'" + keyword + "' has no place in a " + block + " block")
      .with_expected(keyword == "param" ? "a machine block" : "a distribution block");
  return true;
}

ast::MachineExpr Builder::machine(Grammar::MembersContext* context, Span place) {
  ast::MachineExpr out;
  static const std::vector<std::string> part_names = {"init", "step",   "draw",
                                                      "info", "metric", "steps"};
  std::array<std::optional<ast::Method>, 6> parts;
  for (Grammar::MemberContext* member : context->member()) {
    if (member->LET()) {
      out.locals.emplace_back(member_let(member));
      continue;
    }
    if (member->NAME() == nullptr && member->PARAM()) {
      out.locals.emplace_back(machine_param(member));
      continue;
    }
    if (refuse_member(member, "machine")) continue;
    ast::Method next = method(member);
    std::size_t part = 0;
    while (part < parts.size() && part_names[part] != next.name.text) ++part;
    if (part == parts.size()) {
      error("syntax.member", next.name.span, "a machine has no part '" + next.name.text + "'")
          .with_expected("init, step, draw, info, metric or steps")
          .with_suggestion(did_you_mean(next.name.text, part_names));
      continue;
    }
    if (parts[part]) refuse_repeated(next.name, parts[part]->name, "part");
    const bool stateless = part == 0 || part == 5;
    if (stateless != next.params.empty()) {
      const std::string& name = next.name.text;
      error("syntax.member", next.name.span,
            "'" + name + (stateless ? "' takes no state" : "' takes the state in parentheses"))
          .with_suggestion("write " + name + (stateless ? " { … }" : " (s) { … }"));
    }
    for (const ast::Param& param : next.params) {
      if (param.type || param.default_value) {
        error("syntax.member", param.span, "a part of the state has a name and nothing else");
      }
    }
    parts[part] = std::move(next);
  }
  for (const std::size_t part : {0u, 1u}) {
    if (!parts[part]) {
      error("syntax.member", {place.file, place.begin, place.begin + 7},
            "this machine has no '" + part_names[part] + "'");
    }
  }
  if (parts[0]) out.init = std::move(*parts[0]);
  if (parts[1]) out.step = std::move(*parts[1]);
  out.draw = std::move(parts[2]);
  out.info = std::move(parts[3]);
  out.metric = std::move(parts[4]);
  out.steps = std::move(parts[5]);
  return out;
}

ast::DistributionExpr Builder::distribution(Grammar::MembersContext* context) {
  ast::DistributionExpr out;
  for (Grammar::MemberContext* member : context->member()) {
    if (member->LET()) {
      out.lets.push_back(member_let(member));
    } else if (member->SUPPORT()) {
      if (out.support) {
        error("syntax.repeated", span(member), "repeated support")
            .with_note(out.support->span, "first here");
      }
      out.support = expression(member->expression());
    } else if (member->REQUIRE()) {
      out.requirements.push_back(
          {span(member), expression(member->expression()), string(member->STRING()->getSymbol())});
    } else if (!refuse_member(member, "distribution")) {
      add_method(out.methods, member);
    }
  }
  return out;
}

ast::SupportExpr Builder::support(Grammar::MembersContext* context) {
  ast::SupportExpr out;
  for (Grammar::MemberContext* member : context->member()) {
    if (member->LET()) {
      out.lets.push_back(member_let(member));
    } else if (!refuse_member(member, "support")) {
      add_method(out.methods, member);
    }
  }
  return out;
}

}  // namespace borel::syntax

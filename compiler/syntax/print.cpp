#include "compiler/syntax/print.h"

#include <charconv>
#include <utility>

#include "compiler/support/diagnostics.h"
#include "compiler/syntax/operators.h"

namespace borel::syntax {

namespace {

// Everything is appended to one string; a list is opened by its head and closed by end().
class Printer {
 public:
  std::string take() { return std::move(out_); }

  void decl(const ast::Decl& declaration) {
    std::visit([this](const auto& node) { print(node); }, declaration.node);
  }

  void stmt(const ast::Stmt& statement) {
    std::visit([this](const auto& node) { print(node); }, statement.node);
  }

  void expr(const ast::Expr& expression) {
    std::visit([this](const auto& node) { print(node); }, expression.node);
  }

  void type(const ast::TypeExpr& type) {
    std::visit([this](const auto& node) { print(node); }, type.node);
  }

 private:
  void word(const std::string& text) {
    if (!out_.empty() && out_.back() != '(') out_ += ' ';
    out_ += text;
  }
  void begin(const std::string& head) { word('(' + head); }
  void end() { out_ += ')'; }

  template <class List>
  void exprs(const std::string& head, const List& list) {
    begin(head);
    for (const ast::ExprPtr& one : list) expr(*one);
    end();
  }

  void optional(const ast::ExprPtr& expression) {
    if (expression) {
      expr(*expression);
    } else {
      word("-");
    }
  }

  void optional(const char* head, const ast::ExprPtr& expression) {
    if (!expression) return;
    begin(head);
    expr(*expression);
    end();
  }

  void typed(const ast::TypePtr& declared) {
    if (!declared) return;
    begin(":");
    type(*declared);
    end();
  }

  void params(const std::vector<ast::Param>& list) {
    begin("params");
    for (const ast::Param& one : list) {
      if (!one.type && !one.default_value) {
        word(one.name.text);
        continue;
      }
      begin(one.name.text);
      typed(one.type);
      optional("=", one.default_value);
      end();
    }
    end();
  }

  void args(const std::vector<ast::Argument>& list) {
    for (const ast::Argument& one : list) {
      if (one.name) begin("= " + one.name->text);
      expr(*one.value);
      if (one.name) end();
    }
  }

  void block(const ast::Block& block) {
    begin("block");
    for (const ast::StmtPtr& one : block.statements) stmt(*one);
    end();
  }

  void method(const ast::Method& method) {
    begin("method " + method.name.text);
    params(method.params);
    block(method.body);
    end();
  }

  void target(const ast::Target& target) {
    if (target.indices.empty()) {
      word(target.name.text);
    } else {
      exprs("index " + target.name.text, target.indices);
    }
  }

  void pattern(const ast::Pattern& pattern) {
    if (pattern.is_tuple) begin("tuple");
    for (const ast::Name& one : pattern.names) word(one.text);
    if (pattern.is_tuple) end();
  }

  void binary(const std::string& head, const ast::ExprPtr& a, const ast::ExprPtr& b) {
    begin(head);
    expr(*a);
    expr(*b);
    end();
  }

  // Types.
  void print(const ast::NamedType& node) {
    const bool plain = node.args.empty() && node.sizes.empty() && node.dims.empty();
    if (plain && node.from == 0) return word(node.name.text);
    begin("type " + node.name.text);
    args(node.args);
    if (!node.sizes.empty()) exprs("sizes", node.sizes);
    if (!node.dims.empty()) exprs("dims", node.dims);
    if (node.from != 0) word("from " + std::to_string(node.from));
    end();
  }
  void print(const ast::TupleType& node) {
    begin("tuple");
    for (const ast::TypePtr& one : node.elements) type(*one);
    end();
  }

  // Expressions.
  void print(const ast::IntLit& node) { word(std::to_string(node.value)); }
  void print(const ast::RealLit& node) {
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, node.value).ptr;
    std::string text(buffer, end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    word(text);
  }
  void print(const ast::BoolLit& node) { word(node.value ? "true" : "false"); }
  void print(const ast::StringLit& node) {
    std::string text = "\"";
    for (const char c : node.value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c == '\n' ? std::string("\\n") : c == '\t' ? std::string("\\t") : std::string(1, c);
    }
    word(text + '"');
  }
  void print(const ast::NameRef& node) { word(node.name); }
  void print(const ast::TupleExpr& node) { exprs("tuple", node.elements); }
  void print(const ast::ArrayExpr& node) { exprs("array", node.elements); }
  void print(const ast::RangeExpr& node) {
    begin("..");
    optional(node.lo);
    optional(node.hi);
    end();
  }
  void print(const ast::Comprehension& node) {
    begin("comprehension");
    expr(*node.body);
    for (const ast::Generator& one : node.generators) {
      begin("in " + one.name.text);
      expr(*one.range);
      end();
    }
    end();
  }
  void print(const ast::BraceExpr& node) {
    begin("brace");
    for (const ast::BraceItem& one : node.items) {
      if (one.value) {
        begin("= " + one.name.text);
        expr(*one.value);
        end();
      } else {
        word(one.name.text);
      }
    }
    end();
  }
  void print(const ast::UnaryExpr& node) {
    begin(std::string("unary") + spelling_of(node.op));
    expr(*node.operand);
    end();
  }
  void print(const ast::BinaryExpr& node) { binary(spelling_of(node.op), node.lhs, node.rhs); }
  void print(const ast::ConditionalExpr& node) {
    begin("?");
    expr(*node.condition);
    expr(*node.if_true);
    expr(*node.if_false);
    end();
  }
  void print(const ast::ConditionExpr& node) { binary("|", node.model, node.sites); }
  void print(const ast::WithExpr& node) { binary("with", node.base, node.changes); }
  void print(const ast::ThenExpr& node) { binary("then", node.first, node.second); }
  void print(const ast::CallExpr& node) {
    begin("call");
    expr(*node.callee);
    args(node.args);
    end();
  }
  void print(const ast::IndexExpr& node) {
    begin("index");
    expr(*node.base);
    for (const ast::ExprPtr& one : node.indices) expr(*one);
    end();
  }
  void print(const ast::FieldExpr& node) {
    begin("field");
    expr(*node.base);
    word(node.field.text);
    end();
  }
  void print(const ast::TupleFieldExpr& node) {
    begin("field");
    expr(*node.base);
    word(std::to_string(node.index));
    end();
  }
  void print(const ast::LambdaExpr& node) {
    begin("fn");
    params(node.params);
    if (const auto* body = std::get_if<ast::Block>(&node.body)) {
      block(*body);
    } else {
      expr(*std::get<ast::ExprPtr>(node.body));
    }
    end();
  }
  void print(const ast::MachineExpr& node) {
    begin("machine");
    for (const ast::MachineLocal& local : node.locals) {
      std::visit([this](const auto& one) { print(one); }, local);
    }
    method(node.init);
    method(node.step);
    if (node.draw) method(*node.draw);
    if (node.info) method(*node.info);
    if (node.metric) method(*node.metric);
    if (node.steps) method(*node.steps);
    end();
  }
  void print(const ast::MachineParam& node) {
    begin("param " + node.name.text);
    typed(node.type);
    expr(*node.default_value);
    optional("in", node.range);
    end();
  }
  void print(const ast::DistributionExpr& node) {
    begin("distribution");
    for (const ast::LetStmt& one : node.lets) print(one);
    optional("support", node.support);
    for (const ast::Requirement& one : node.requirements) {
      begin("require");
      expr(*one.condition);
      print(ast::StringLit{one.text});
      end();
    }
    for (const ast::Method& one : node.methods) method(one);
    end();
  }
  void print(const ast::SupportExpr& node) {
    begin("support");
    for (const ast::LetStmt& one : node.lets) print(one);
    for (const ast::Method& one : node.methods) method(one);
    end();
  }
  void print(const ast::ExpectExpr& node) {
    begin("expect");
    block(node.body);
    end();
  }

  // Statements.
  void print(const ast::LetStmt& node) {
    begin("let");
    pattern(node.pattern);
    typed(node.type);
    expr(*node.value);
    end();
  }
  void print(const ast::VarStmt& node) {
    begin("var " + node.name.text);
    typed(node.type);
    if (node.value) expr(*node.value);
    end();
  }
  void print(const ast::AssignStmt& node) {
    begin(node.op ? std::string(spelling_of(*node.op)) + '=' : "=");
    target(node.target);
    expr(*node.value);
    end();
  }
  void print(const ast::SiteStmt& node) {
    begin(node.is_let ? "let-site" : "site");
    target(node.target);
    typed(node.type);
    expr(*node.distribution);
    optional("by", node.by);
    end();
  }
  void print(const ast::RecordStmt& node) {
    begin("record");
    target(node.target);
    expr(*node.value);
    end();
  }
  void print(const ast::IfStmt& node) {
    begin("if");
    expr(*node.condition);
    block(node.then_block);
    if (node.else_block) block(*node.else_block);
    end();
  }
  void print(const ast::ForStmt& node) {
    begin("for " + node.name.text);
    expr(*node.range);
    block(node.body);
    end();
  }
  void print(const ast::WhileStmt& node) {
    begin("while");
    expr(*node.condition);
    block(node.body);
    end();
  }
  void print(const ast::ReturnStmt& node) {
    begin("return");
    expr(*node.value);
    end();
  }
  void print(const ast::ExprStmt& node) { expr(*node.value); }

  // Declarations.
  void print(const ast::FunctionDecl& node) {
    std::string head = node.random ? "random def" : "def";
    if (node.kind == ast::FunctionKind::Model) head = "model";
    if (node.kind == ast::FunctionKind::Infer) head = "infer";
    begin(head + ' ' + node.name.text);
    if (!node.constant) params(node.params);
    typed(node.result);
    if (const auto* body = std::get_if<ast::Block>(&node.body)) {
      block(*body);
    } else {
      expr(*std::get<ast::ExprPtr>(node.body));
    }
    end();
  }
  void print(const ast::StructDecl& node) {
    begin("struct " + node.name.text);
    for (const ast::Field& one : node.fields) {
      begin(one.name.text);
      typed(one.type);
      end();
    }
    end();
  }

  std::string out_;
};

}  // namespace

std::string print(const ast::Expr& expression) {
  Printer printer;
  printer.expr(expression);
  return printer.take();
}

std::string print(const ast::TypeExpr& type) {
  Printer printer;
  printer.type(type);
  return printer.take();
}

std::string print(const ast::Stmt& statement) {
  Printer printer;
  printer.stmt(statement);
  return printer.take();
}

std::string print(const ast::Decl& declaration) {
  Printer printer;
  printer.decl(declaration);
  return printer.take();
}

std::string print(const ast::File& file) {
  std::string out;
  for (const ast::Decl& one : file.decls) out += print(one) + '\n';
  return out;
}

}  // namespace borel::syntax

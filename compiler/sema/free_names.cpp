#include "compiler/sema/free_names.h"

namespace borel::sema {

namespace {

class Walk {
 public:
  std::set<std::string> names;

  void expr(const ast::ExprPtr& e) {
    if (e) expr(*e);
  }
  void expr(const ast::Expr& e) {
    std::visit([this](const auto& node) { visit(node); }, e.node);
  }
  void block(const ast::Block& b) {
    for (const ast::StmtPtr& s : b.statements) {
      std::visit([this](const auto& node) { visit(node); }, s->node);
    }
  }
  void lets(const std::vector<ast::LetStmt>& list) {
    for (const ast::LetStmt& let : list) visit(let);
  }
  void method(const ast::Method& m) {
    params(m.params);
    block(m.body);
  }
  void params(const std::vector<ast::Param>& list) {
    for (const ast::Param& p : list) {
      type(p.type);
      expr(p.default_value);
    }
  }
  void type(const ast::TypePtr& t) {
    if (!t) return;
    if (const auto* tuple = ast::as<ast::TupleType>(*t)) {
      for (const ast::TypePtr& element : tuple->elements) type(element);
      return;
    }
    const auto& named = std::get<ast::NamedType>(t->node);
    names.insert(named.name.text);
    for (const ast::Argument& a : named.args) expr(a.value);
    for (const ast::ExprPtr& e : named.sizes) expr(e);
    for (const ast::ExprPtr& e : named.dims) expr(e);
  }

  void visit(const ast::IntLit&) {}
  void visit(const ast::RealLit&) {}
  void visit(const ast::BoolLit&) {}
  void visit(const ast::StringLit&) {}
  void visit(const ast::NameRef& e) { names.insert(e.name); }
  void visit(const ast::TupleExpr& e) {
    for (const ast::ExprPtr& x : e.elements) expr(x);
  }
  void visit(const ast::ArrayExpr& e) {
    for (const ast::ExprPtr& x : e.elements) expr(x);
  }
  void visit(const ast::RangeExpr& e) {
    expr(e.lo);
    expr(e.hi);
  }
  void visit(const ast::Comprehension& e) {
    expr(e.body);
    for (const ast::Generator& g : e.generators) expr(g.range);
  }
  void visit(const ast::BraceExpr& e) {
    for (const ast::BraceItem& item : e.items) {
      if (item.value) {
        expr(item.value);
      } else {
        names.insert(item.name.text);
      }
    }
  }
  void visit(const ast::UnaryExpr& e) { expr(e.operand); }
  void visit(const ast::BinaryExpr& e) {
    expr(e.lhs);
    expr(e.rhs);
  }
  void visit(const ast::ConditionalExpr& e) {
    expr(e.condition);
    expr(e.if_true);
    expr(e.if_false);
  }
  void visit(const ast::ConditionExpr& e) {
    expr(e.model);
    expr(e.sites);
  }
  void visit(const ast::WithExpr& e) {
    expr(e.base);
    expr(e.changes);
  }
  void visit(const ast::ThenExpr& e) {
    expr(e.first);
    expr(e.second);
  }
  void visit(const ast::CallExpr& e) {
    expr(e.callee);
    for (const ast::Argument& a : e.args) expr(a.value);
  }
  void visit(const ast::IndexExpr& e) {
    expr(e.base);
    for (const ast::ExprPtr& x : e.indices) expr(x);
  }
  void visit(const ast::FieldExpr& e) { expr(e.base); }
  void visit(const ast::TupleFieldExpr& e) { expr(e.base); }
  void visit(const ast::LambdaExpr& e) {
    params(e.params);
    if (const auto* body = std::get_if<ast::ExprPtr>(&e.body)) {
      expr(*body);
    } else {
      block(std::get<ast::Block>(e.body));
    }
  }
  void visit(const ast::MachineExpr& e) {
    for (const ast::MachineLocal& local : e.locals) {
      if (const auto* let = std::get_if<ast::LetStmt>(&local)) {
        visit(*let);
      } else {
        const auto& param = std::get<ast::MachineParam>(local);
        expr(param.default_value);
        expr(param.range);
      }
    }
    method(e.init);
    method(e.step);
    if (e.draw) method(*e.draw);
    if (e.info) method(*e.info);
    if (e.metric) method(*e.metric);
    if (e.steps) method(*e.steps);
  }
  void visit(const ast::DistributionExpr& e) {
    lets(e.lets);
    expr(e.support);
    for (const ast::Requirement& r : e.requirements) expr(r.condition);
    for (const ast::Method& m : e.methods) method(m);
  }
  void visit(const ast::SupportExpr& e) {
    lets(e.lets);
    for (const ast::Method& m : e.methods) method(m);
  }
  void visit(const ast::ExpectExpr& e) { block(e.body); }

  void visit(const ast::LetStmt& s) {
    type(s.type);
    expr(s.value);
  }
  void visit(const ast::VarStmt& s) {
    type(s.type);
    expr(s.value);
  }
  void target(const ast::Target& t) {
    names.insert(t.name.text);
    for (const ast::ExprPtr& e : t.indices) expr(e);
  }
  void visit(const ast::AssignStmt& s) {
    target(s.target);
    expr(s.value);
  }
  void visit(const ast::SiteStmt& s) {
    target(s.target);
    type(s.type);
    expr(s.distribution);
    expr(s.by);
  }
  void visit(const ast::RecordStmt& s) {
    target(s.target);
    expr(s.value);
  }
  void visit(const ast::IfStmt& s) {
    expr(s.condition);
    block(s.then_block);
    if (s.else_block) block(*s.else_block);
  }
  void visit(const ast::ForStmt& s) {
    expr(s.range);
    block(s.body);
  }
  void visit(const ast::WhileStmt& s) {
    expr(s.condition);
    block(s.body);
  }
  void visit(const ast::ReturnStmt& s) { expr(s.value); }
  void visit(const ast::ExprStmt& s) { expr(s.value); }
};

}  // namespace

std::set<std::string> free_names(const ast::LambdaExpr& lambda) {
  Walk walk;
  walk.visit(lambda);
  for (const ast::Param& p : lambda.params) walk.names.erase(p.name.text);
  return walk.names;
}
std::set<std::string> free_names(const ast::MachineExpr& machine) {
  Walk walk;
  walk.visit(machine);
  return walk.names;
}
std::set<std::string> free_names(const ast::DistributionExpr& distribution) {
  Walk walk;
  walk.visit(distribution);
  return walk.names;
}
std::set<std::string> free_names(const ast::SupportExpr& support) {
  Walk walk;
  walk.visit(support);
  return walk.names;
}

}  // namespace borel::sema

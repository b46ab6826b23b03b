#include "compiler/sema/print.h"

#include <map>
#include <sstream>

#include "compiler/sema/size.h"

namespace borel::typed {

namespace {

const char* op_names[] = {
    "add",         "sub",         "mul",          "div",    "mod",      "min",         "max",
    "neg",         "abs",         "pow",          "powi",   "atan2",    "eq",          "ne",
    "lt",          "le",          "gt",           "ge",     "and",      "or",          "not",
    "int_to_real", "bool_to_int", "bool_to_real", "to_int", "floor",    "ceil",        "round",
    "trunc",       "sqrt",        "exp",          "expm1",  "log",      "log1p",       "sin",
    "cos",         "tan",         "asin",         "acos",   "atan",     "sinh",        "cosh",
    "tanh",        "cbrt",        "erf",          "erfc",   "lgamma",   "digamma",     "trigamma",
    "Phi",         "log_Phi",     "is_finite",    "is_nan", "sum",      "dot",         "matmul",
    "transpose",   "zeros",       "fill",         "dim",    "cholesky", "solve_lower", "uniform"};

class Printer {
 public:
  explicit Printer(const Program& program) : p_(program) {}

  std::string run() {
    out_ << "program " << p_.name << "\n";
    for (VarId size : p_.sizes) out_ << "size " << name(size) << "\n";
    for (const Input& input : p_.inputs) {
      out_ << "input " << name(input.variable) << ": " << type(p_[input.variable].type);
      if (input.is_index) {
        out_ << " index " << size(input.index_bound) << " from " << input.index_base;
      }
      if (input.lower > -std::numeric_limits<double>::infinity()) {
        out_ << (input.lower_open ? " > " : " >= ") << input.lower;
      }
      if (input.upper < std::numeric_limits<double>::infinity()) {
        out_ << (input.upper_open ? " < " : " <= ") << input.upper;
      }
      if (input.fallback)
        std::visit([this](auto value) { out_ << " = " << value; }, *input.fallback);
      out_ << "\n";
    }
    for (const Global& g : p_.globals) {
      out_ << "global " << name(g.variable) << ": " << type(p_[g.variable].type) << " = ";
      expr(*g.value);
      out_ << "\n";
    }
    for (const Function& f : p_.functions) function(f);
    for (const Model& m : p_.models) model(m);
    if (p_.machine) machine(*p_.machine);
    return out_.str();
  }

 private:
  std::string name(VarId id) {
    if (id == VarId::None) return "?";
    auto at = names_.find(id);
    if (at != names_.end()) return at->second;
    std::string text = p_[id].name;
    int count = used_[text]++;
    if (count != 0) text += "'" + std::to_string(count);
    return names_[id] = text;
  }
  std::string size(const Size& s) {
    return sema::text(s, [this](VarId v) { return name(v); });
  }
  std::string type(const Type& t) {
    if (t.kind == Type::Kind::Unit) return "()";
    std::string out;
    if (t.kind == Type::Kind::Tuple) {
      for (size_t i = 0; i < t.elements.size(); ++i) {
        if (i != 0) out += ", ";
        if (!t.fields.empty()) out += t.fields[i] + ": ";
        out += type(t.elements[i]);
      }
      return "(" + out + ")";
    }
    out = t.scalar == Scalar::Bool ? "bool" : t.scalar == Scalar::Int ? "int" : "real";
    if (t.matrix) out = "matrix";
    if (t.kind == Type::Kind::Array) {
      out += "[";
      for (size_t i = 0; i < t.dims.size(); ++i) out += (i != 0 ? ", " : "") + size(t.dims[i]);
      out += "]";
    }
    return out;
  }

  void function(const Function& f) {
    used_.clear();
    names_.clear();
    out_ << (f.random ? "random " : "") << "function " << f.name << "(";
    for (size_t i = 0; i < f.params.size(); ++i) {
      out_ << (i != 0 ? ", " : "") << name(f.params[i]) << ": " << type(p_[f.params[i]].type);
    }
    out_ << "): " << type(f.result) << " {\n";
    block(f.body, 1);
    out_ << "}\n";
  }
  void model(const Model& m) {
    used_.clear();
    names_.clear();
    out_ << "model " << m.name << "(";
    for (size_t i = 0; i < m.params.size(); ++i) {
      out_ << (i != 0 ? ", " : "") << name(m.params[i]) << ": " << type(p_[m.params[i]].type);
    }
    out_ << ") {\n";
    model_ = &m;
    for (const Site& s : m.sites) {
      out_ << "  "
           << (s.kind == Site::Kind::Latent    ? "latent "
               : s.kind == Site::Kind::Derived ? "derived "
                                               : "observed ")
           << s.name << ": " << type(s.type) << " outer " << s.outer_rank;
      if (!s.support.empty()) out_ << " on " << s.support;
      out_ << "\n";
    }
    block(m.body, 1);
    model_ = nullptr;
    out_ << "}\n";
  }
  void machine(const Machine& m) {
    out_ << "machine " << m.name << " of "
         << (m.model == ModelId::None ? std::string("?") : p_[m.model].name) << " {\n";
    for (const MachineParameter& p : m.parameters) {
      out_ << "  param " << p.name << ": " << (p.type == Scalar::Int ? "int" : "real") << " = "
           << p.fallback << " in " << p.lower << ".." << p.upper << "\n";
    }
    out_ << "  state " << type(m.state) << "\n";
    out_ << "  init " << p_[m.init].name << "\n  step " << p_[m.step].name << "\n  draw "
         << p_[m.draw].name << "\n";
    if (m.info != FunctionId::None) {
      out_ << "  info " << p_[m.info].name << ":";
      for (const std::string& s : m.statistics) out_ << " " << s;
      out_ << "\n";
    }
    if (m.metric != FunctionId::None) out_ << "  metric " << p_[m.metric].name << "\n";
    if (m.steps != VarId::None) out_ << "  steps " << name(m.steps) << "\n";
    out_ << "}\n";
  }

  void block(const Block& b, int depth) {
    for (const Stmt& s : b) statement(s, depth);
  }
  void indent(int depth) { out_ << std::string(static_cast<size_t>(2 * depth), ' '); }

  void list(const std::vector<ExprPtr>& exprs) {
    for (size_t i = 0; i < exprs.size(); ++i) {
      if (i != 0) out_ << ", ";
      expr(*exprs[i]);
    }
  }
  void indices(const std::vector<ExprPtr>& exprs) {
    if (exprs.empty()) return;
    out_ << "[";
    list(exprs);
    out_ << "]";
  }
  void subscripts(const std::vector<Subscript>& list) {
    if (list.empty()) return;
    out_ << "[";
    for (size_t i = 0; i < list.size(); ++i) {
      if (i != 0) out_ << ", ";
      const Subscript& s = list[i];
      if (s.kind == Subscript::Kind::All) {
        out_ << "..";
        continue;
      }
      expr(*s.first);
      if (s.kind == Subscript::Kind::Range) {
        out_ << "..";
        expr(*s.second);
      }
      if (s.checked) out_ << "?";
    }
    out_ << "]";
  }

  void statement(const Stmt& s, int depth) {
    indent(depth);
    struct Visitor {
      Printer& p;
      int depth;
      std::ostringstream& out;
      void operator()(const Let& x) const {
        const Variable& v = p.p_[x.variable];
        out << (v.is_mutable ? "var " : "let ") << p.name(x.variable) << ": " << p.type(v.type);
        if (x.value) {
          out << " = ";
          p.expr(*x.value);
        }
      }
      void operator()(const LetTuple& x) const {
        out << "let (";
        for (size_t i = 0; i < x.variables.size(); ++i) {
          out << (i != 0 ? ", " : "") << p.name(x.variables[i]);
        }
        out << ") = ";
        p.expr(*x.value);
      }
      void operator()(const Assign& x) const {
        out << p.name(x.variable);
        p.subscripts(x.subscripts);
        out << " = ";
        p.expr(*x.value);
      }
      void operator()(const If& x) const {
        out << "if ";
        p.expr(*x.condition);
        out << " {\n";
        p.block(x.then_block, depth + 1);
        p.indent(depth);
        out << "}";
        if (x.else_block.empty()) return;
        out << " else {\n";
        p.block(x.else_block, depth + 1);
        p.indent(depth);
        out << "}";
      }
      void operator()(const For& x) const {
        out << "for " << p.name(x.variable) << " in ";
        p.expr(*x.lower);
        out << "..";
        p.expr(*x.upper);
        out << " {\n";
        p.block(x.body, depth + 1);
        p.indent(depth);
        out << "}";
      }
      void operator()(const While& x) const {
        out << "while ";
        p.expr(*x.condition);
        out << " {\n";
        p.block(x.body, depth + 1);
        p.indent(depth);
        out << "}";
      }
      void operator()(const Return& x) const {
        out << "return ";
        if (x.value) p.expr(*x.value);
      }
      void operator()(const Sample& x) const {
        out << "sample " << p.model_->sites[static_cast<size_t>(x.site)].name;
        p.indices(x.indices);
        out << " ~ " << x.distribution.text << " logp " << p.p_[x.distribution.logp].name;
        if (x.distribution.sampler) out << " sampler " << p.p_[*x.distribution.sampler].name;
        out << "(";
        p.list(x.distribution.args);
        out << ") on " << x.support.text;
        if (x.support.discrete) out << " discrete";
        if (x.support.constrain) {
          out << " by " << p.p_[*x.support.constrain].name << ", "
              << p.p_[*x.support.unconstrain].name << "(";
          p.list(x.support.args);
          out << ")";
        }
        if (x.support.unconstrained_size) {
          out << " reals ";
          p.expr(*x.support.unconstrained_size);
          out << " values ";
          p.expr(*x.support.value_size);
        }
        if (x.observed) {
          out << " observed ";
          p.expr(*x.observed);
        }
      }
      void operator()(const Record& x) const {
        out << "record " << p.model_->sites[static_cast<size_t>(x.site)].name;
        p.indices(x.indices);
        out << " = ";
        p.expr(*x.value);
      }
      void operator()(const Factor& x) const {
        out << "factor ";
        p.expr(*x.value);
      }
      void operator()(const Require& x) const {
        out << "require ";
        p.expr(*x.condition);
        p.place(x.place);
      }
      void operator()(const Stop&) const { out << "stop"; }
      void operator()(const Check& x) const {
        out << "check ";
        p.expr(*x.condition);
        p.place(x.place);
      }
      void operator()(const Evaluate& x) const {
        out << "evaluate ";
        p.expr(*x.value);
      }
    };
    std::visit(Visitor{*this, depth, out_}, s.node);
    out_ << "\n";
  }

  void place(PlaceId id) {
    if (id == PlaceId::None) return;
    out_ << " \"" << p_.places[static_cast<size_t>(id)].what << "\"";
  }

  void expr(const Expr& e) {
    struct Visitor {
      Printer& p;
      const Expr& e;
      std::ostringstream& out;
      void operator()(const Constant& x) const {
        if (const bool* b = std::get_if<bool>(&x.value)) {
          out << (*b ? "true" : "false");
        } else if (const int64_t* i = std::get_if<int64_t>(&x.value)) {
          out << *i;
        } else {
          std::ostringstream number;
          number.precision(12);
          number << std::get<double>(x.value);
          std::string text = number.str();
          out << text;
          if (text.find_first_of(".en") == std::string::npos) out << ".0";
        }
      }
      void operator()(const VarRef& x) const { out << p.name(x.variable); }
      void operator()(const Builtin& x) const {
        out << op_names[static_cast<size_t>(x.op)];
        if (x.op == Op::Zeros || x.op == Op::Fill) out << "<" << p.type(e.type) << ">";
        out << "(";
        p.list(x.args);
        out << ")";
      }
      void operator()(const Conditional& x) const {
        out << "(";
        p.expr(*x.condition);
        out << " ? ";
        p.expr(*x.if_true);
        out << " : ";
        p.expr(*x.if_false);
        out << ")";
      }
      void operator()(const Index& x) const {
        p.expr(*x.base);
        p.subscripts(x.subscripts);
      }
      void operator()(const Call& x) const {
        out << "call " << p.p_[x.function].name << "(";
        p.list(x.args);
        out << ")";
      }
      void operator()(const MakeTuple& x) const {
        out << "(";
        for (size_t i = 0; i < x.elements.size(); ++i) {
          if (i != 0) out << ", ";
          if (!e.type.fields.empty()) out << e.type.fields[i] << " = ";
          p.expr(*x.elements[i]);
        }
        out << ")";
      }
      void operator()(const TupleGet& x) const {
        p.expr(*x.base);
        out << "." << x.index;
      }
      void operator()(const MakeArray& x) const {
        out << "[";
        p.list(x.elements);
        out << "]";
      }
      void operator()(const Comprehension& x) const {
        out << "[";
        p.expr(*x.body);
        for (size_t i = 0; i < x.generators.size(); ++i) {
          out << (i == 0 ? " for " : ", ") << p.name(x.generators[i].variable) << " in ";
          p.expr(*x.generators[i].lower);
          out << "..";
          p.expr(*x.generators[i].upper);
        }
        out << "]";
      }
      void operator()(const BlockExpr& x) const {
        out << "{\n";
        p.block(x.statements, 3);
        p.indent(3);
        p.expr(*x.value);
        out << " }";
      }
      void operator()(const ModelCall& x) const {
        static const char* kinds[] = {"logp",        "logp_and_gradient",
                                      "dim",         "constrain",
                                      "unconstrain", "trace_logp",
                                      "simulate",    "likelihood",
                                      "stage_count", "frame_reals",
                                      "frame_ints",  "advance",
                                      "follow",      "transition",
                                      "path_trace",  "trace_path",
                                      "check",       "summary"};
        out << p.p_[x.model].name << "." << kinds[static_cast<size_t>(x.kind)] << "(";
        p.list(x.args);
        out << ")";
      }
      void operator()(const GradientCall& x) const {
        out << "value_and_grad " << p.p_[x.function].name << " by ";
        for (bool w : x.wrt) out << (w ? "1" : "0");
        out << "(";
        p.list(x.args);
        out << ")";
      }
    };
    std::visit(Visitor{*this, e, out_}, e.node);
  }

  const Program& p_;
  std::ostringstream out_;
  std::map<VarId, std::string> names_;
  std::map<std::string, int> used_;
  const Model* model_ = nullptr;
};

}  // namespace

std::string print(const Program& program) { return Printer(program).run(); }

}  // namespace borel::typed

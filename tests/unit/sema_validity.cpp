#include "tests/unit/sema_validity.h"

#include <set>

namespace borel {

using namespace typed;

namespace {

bool alike(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Type::Kind::Unit) return true;
  if (a.kind == Type::Kind::Tuple) {
    if (a.elements.size() != b.elements.size()) return false;
    for (size_t i = 0; i < a.elements.size(); ++i) {
      if (!alike(a.elements[i], b.elements[i])) return false;
    }
    return true;
  }
  return a.scalar == b.scalar && a.dims.size() == b.dims.size() && a.matrix == b.matrix;
}

Type scalar(Scalar kind) {
  Type out;
  out.kind = Type::Kind::Scalar;
  out.scalar = kind;
  return out;
}

class Checker {
 public:
  explicit Checker(const Program& program) : p_(program) {}

  std::vector<std::string> run() {
    where_ = "globals";
    for (VarId size : p_.sizes) define(size);
    for (const Input& input : p_.inputs) {
      define(input.variable);
      type(p_[input.variable].type);
    }
    for (const Global& g : p_.globals) {
      expr(*g.value);
      want(p_[g.variable].global, "a global's variable is marked so");
      want(alike(p_[g.variable].type, g.value->type), "a global has its variable's type");
      define(g.variable);
    }
    const std::set<VarId> globals = defined_;
    for (const Function& f : p_.functions) {
      where_ = f.name;
      defined_ = globals;
      function_ = &f;
      for (VarId v : f.params) define(v);
      collect_sizes(f.body);
      for (VarId v : f.params) type(p_[v].type);
      bool returned = block(f.body, true);
      want(returned || f.result.kind == Type::Kind::Unit, "a function returns its result");
    }
    function_ = nullptr;
    for (const Model& m : p_.models) {
      where_ = m.name;
      defined_ = globals;
      model_ = &m;
      for (VarId v : m.params) define(v);
      for (const Site& s : m.sites) {
        type(s.type);
        want((s.kind == Site::Kind::Observed) == (s.variable == VarId::None),
             "sites that are not observed have a variable");
        want(s.outer_rank <= static_cast<int>(s.type.dims.size()), "outer rank of " + s.name);
        if (s.variable != VarId::None) {
          want(p_[s.variable].type == s.type, "a site's variable has its type: " + s.name);
          define(s.variable);
        }
      }
      collect_sizes(m.body);
      block(m.body, false);
      model_ = nullptr;
    }
    if (p_.machine) machine(*p_.machine);
    return std::move(wrong_);
  }

 private:
  void want(bool holds, const std::string& what) {
    if (!holds) wrong_.push_back(where_ + ": " + what);
  }
  void define(VarId v) {
    want(v != VarId::None && static_cast<size_t>(v) < p_.variables.size(), "a variable exists");
    want(defined_.insert(v).second, "defined twice: " + p_[v].name);
  }
  // Sizes that a function computes itself may be named in types before they are computed.
  void collect_sizes(const Block& b) {
    later_.clear();
    collect(b);
  }
  void collect(const Block& b) {
    for (const Stmt& s : b) {
      if (const auto* let = std::get_if<Let>(&s.node)) later_.insert(let->variable);
      if (const auto* f = std::get_if<For>(&s.node)) collect(f->body);
      if (const auto* w = std::get_if<While>(&s.node)) collect(w->body);
      if (const auto* i = std::get_if<If>(&s.node)) {
        collect(i->then_block);
        collect(i->else_block);
      }
    }
  }
  void type(const Type& t) {
    for (const Type& element : t.elements) type(element);
    want(t.fields.empty() || t.fields.size() == t.elements.size(), "a field for each element");
    for (const Size& dim : t.dims) {
      for (const Size::Term& term : dim.terms) {
        for (VarId v : term.factors) {
          bool known = v != VarId::None && (defined_.count(v) != 0 || later_.count(v) != 0);
          want(known, "a size is known" + (v == VarId::None ? "" : ": " + p_[v].name));
          if (v != VarId::None) {
            want(!p_[v].is_mutable && alike(p_[v].type, scalar(Scalar::Int)),
                 "a size is an immutable int");
          }
        }
      }
    }
  }
  // What is defined inside is unknown after.
  template <class F>
  void nested(F check) {
    std::set<VarId> outer = defined_;
    check();
    defined_ = std::move(outer);
  }

  bool block(const Block& b, bool tail) {
    bool returned = false;
    for (size_t i = 0; i < b.size(); ++i) {
      want(!returned, "nothing follows a return");
      returned = statement(b[i], tail && i + 1 == b.size());
    }
    return returned;
  }

  bool statement(const Stmt& s, bool tail) {
    if (const auto* x = std::get_if<Let>(&s.node)) {
      type(p_[x->variable].type);
      if (x->value) {
        expr(*x->value);
        want(alike(x->value->type, p_[x->variable].type), "let " + p_[x->variable].name);
      } else {
        want(p_[x->variable].is_mutable, "only a var has no value");
      }
      define(x->variable);
    } else if (const auto* lets = std::get_if<LetTuple>(&s.node)) {
      expr(*lets->value);
      want(lets->value->type.elements.size() == lets->variables.size(), "let (…)");
      for (size_t i = 0; i < lets->variables.size(); ++i) {
        want(alike(lets->value->type.elements[i], p_[lets->variables[i]].type), "let (…)");
        define(lets->variables[i]);
      }
    } else if (const auto* assign = std::get_if<Assign>(&s.node)) {
      const Variable& v = p_[assign->variable];
      want(v.is_mutable, "only a var is assigned");
      want(defined_.count(assign->variable) != 0, "an assigned variable is known");
      expr(*assign->value);
      Type place = indexed(v.type, assign->subscripts);
      want(alike(place, assign->value->type), "what is assigned to " + v.name);
    } else if (const auto* branch = std::get_if<If>(&s.node)) {
      truth(*branch->condition);
      bool first = false, second = false;
      nested([&] { first = block(branch->then_block, tail); });
      nested([&] { second = block(branch->else_block, tail); });
      want(first == second || !tail, "both branches return, or none");
      return first && second;
    } else if (const auto* loop = std::get_if<For>(&s.node)) {
      whole(*loop->lower);
      whole(*loop->upper);
      nested([&] {
        define(loop->variable);
        block(loop->body, false);
      });
    } else if (const auto* loop_while = std::get_if<While>(&s.node)) {
      truth(*loop_while->condition);
      nested([&] { block(loop_while->body, false); });
    } else if (const auto* result = std::get_if<Return>(&s.node)) {
      want(tail && function_ != nullptr, "return is last");
      if (result->value) {
        expr(*result->value);
        want(function_ == nullptr || alike(result->value->type, function_->result),
             "the result's type");
      }
      return true;
    } else if (const auto* sample = std::get_if<Sample>(&s.node)) {
      draw(*sample);
    } else if (const auto* record = std::get_if<Record>(&s.node)) {
      const Site& site = model_->sites.at(static_cast<size_t>(record->site));
      want(site.kind == Site::Kind::Derived, "what is recorded is derived");
      for (const ExprPtr& i : record->indices) whole(*i);
      expr(*record->value);
      want(record->indices.size() == static_cast<size_t>(site.outer_rank),
           "indices of " + site.name);
      want(record->value->type.dims.size() + record->indices.size() == site.type.dims.size(),
           "the rank of " + site.name);
    } else if (const auto* factor = std::get_if<Factor>(&s.node)) {
      want(model_ != nullptr, "factor is in a model");
      real(*factor->value);
    } else if (const auto* require = std::get_if<Require>(&s.node)) {
      truth(*require->condition);
    } else if (const auto* check = std::get_if<Check>(&s.node)) {
      truth(*check->condition);
    } else if (const auto* evaluate = std::get_if<Evaluate>(&s.node)) {
      expr(*evaluate->value);
    }
    return false;
  }

  void draw(const Sample& s) {
    const Site& site = model_->sites.at(static_cast<size_t>(s.site));
    want((site.kind == Site::Kind::Observed) == (s.observed != nullptr), "observed: " + site.name);
    want(s.indices.size() == static_cast<size_t>(site.outer_rank), "indices of " + site.name);
    for (const ExprPtr& i : s.indices) whole(*i);
    Type one = site.type;
    one.dims.erase(one.dims.begin(), one.dims.begin() + site.outer_rank);
    if (one.dims.empty()) one.kind = Type::Kind::Scalar;
    if (s.observed) {
      expr(*s.observed);
      want(alike(s.observed->type, one), "the data of " + site.name);
    }
    for (const ExprPtr& a : s.distribution.args) expr(*a);
    for (const ExprPtr& a : s.support.args) expr(*a);
    fits(s.distribution.logp, s.distribution.args, &one, site.name);
    if (s.distribution.sampler) {
      fits(*s.distribution.sampler, s.distribution.args, nullptr, site.name);
      want(alike(p_[*s.distribution.sampler].result, one), "the sampler of " + site.name);
    }
    want(s.support.constrain.has_value() == s.support.unconstrain.has_value(), "both directions");
    if (s.support.constrain) {
      Type reals = one.dims.empty() ? scalar(Scalar::Real) : one;
      fits(*s.support.constrain, s.support.args, &reals, site.name);
      fits(*s.support.unconstrain, s.support.args, &one, site.name);
      want(one.dims.empty() == (s.support.unconstrained_size == nullptr), "sizes of " + site.name);
    }
  }

  // A function against its arguments, and one more of a type.
  void fits(FunctionId id, const std::vector<ExprPtr>& args, const Type* last,
            const std::string& what) {
    const Function& f = p_[id];
    size_t count = args.size() + (last != nullptr ? 1 : 0);
    want(f.params.size() == count, "arguments of " + f.name + " for " + what);
    if (f.params.size() != count) return;
    for (size_t i = 0; i < count; ++i) {
      const Type& given = i < args.size() ? args[i]->type : *last;
      want(alike(given, p_[f.params[i]].type), "the types of arguments of " + f.name);
    }
  }

  void truth(const Expr& e) {
    expr(e);
    want(alike(e.type, scalar(Scalar::Bool)), "a condition is a bool");
  }
  void whole(const Expr& e) {
    expr(e);
    want(alike(e.type, scalar(Scalar::Int)), "an index or bound is an int");
  }
  void real(const Expr& e) {
    expr(e);
    want(alike(e.type, scalar(Scalar::Real)), "a density is a real");
  }

  Type indexed(const Type& base, const std::vector<Subscript>& list) {
    Type out = base;
    out.dims.clear();
    want(list.size() <= base.dims.size(), "no more subscripts than dims");
    for (size_t i = 0; i < base.dims.size(); ++i) {
      if (i >= list.size() || list[i].kind == Subscript::Kind::All) {
        out.dims.push_back(base.dims[i]);
        continue;
      }
      const Subscript& s = list[i];
      expr(*s.first);
      if (s.kind == Subscript::Kind::At) {
        want(alike(s.first->type, scalar(Scalar::Int)), "an index is an int");
        if (i + 2 >= base.dims.size()) out.matrix = false;
      } else if (s.kind == Subscript::Kind::Range) {
        whole(*s.second);
        out.dims.push_back(base.dims[i]);
      } else {
        want(s.first->type.dims.size() == 1 && s.first->type.scalar == Scalar::Int,
             "a gather has an int[k]");
        out.dims.push_back(base.dims[i]);
      }
    }
    if (out.dims.empty())
      out.kind = base.kind == Type::Kind::Array ? Type::Kind::Scalar : base.kind;
    return out;
  }

  void expr(const Expr& e) {
    type(e.type);
    if (const auto* c = std::get_if<Constant>(&e.node)) {
      Scalar kind = c->value.index() == 0   ? Scalar::Bool
                    : c->value.index() == 1 ? Scalar::Int
                                            : Scalar::Real;
      want(alike(e.type, scalar(kind)), "a constant's type");
    } else if (const auto* v = std::get_if<VarRef>(&e.node)) {
      want(defined_.count(v->variable) != 0, "a variable is defined: " + p_[v->variable].name);
      want(alike(e.type, p_[v->variable].type), "a variable's type: " + p_[v->variable].name);
    } else if (const auto* b = std::get_if<Builtin>(&e.node)) {
      for (const ExprPtr& a : b->args) expr(*a);
      builtin(*b, e.type);
    } else if (const auto* c2 = std::get_if<Conditional>(&e.node)) {
      truth(*c2->condition);
      expr(*c2->if_true);
      expr(*c2->if_false);
      want(alike(c2->if_true->type, e.type) && alike(c2->if_false->type, e.type),
           "both sides of ?");
    } else if (const auto* i = std::get_if<Index>(&e.node)) {
      expr(*i->base);
      want(alike(indexed(i->base->type, i->subscripts), e.type), "the type of an index");
      for (const Subscript& s : i->subscripts) {
        want(!s.checked || i->place != PlaceId::None, "a checked index has a place");
      }
    } else if (const auto* call = std::get_if<Call>(&e.node)) {
      for (const ExprPtr& a : call->args) expr(*a);
      fits(call->function, call->args, nullptr, "a call");
      want(alike(p_[call->function].result, e.type), "the type of a call");
    } else if (const auto* t = std::get_if<MakeTuple>(&e.node)) {
      want(t->elements.size() == e.type.elements.size(), "the elements of a tuple");
      for (size_t k = 0; k < t->elements.size(); ++k) {
        expr(*t->elements[k]);
        want(alike(t->elements[k]->type, e.type.elements.at(k)), "the type of an element");
      }
    } else if (const auto* g = std::get_if<TupleGet>(&e.node)) {
      expr(*g->base);
      want(alike(g->base->type.elements.at(static_cast<size_t>(g->index)), e.type), "t.i");
    } else if (const auto* a = std::get_if<MakeArray>(&e.node)) {
      for (const ExprPtr& x : a->elements) {
        expr(*x);
        want(x->type.scalar == e.type.scalar && x->type.dims.size() + 1 == e.type.dims.size(),
             "the elements of an array");
      }
    } else if (const auto* list = std::get_if<Comprehension>(&e.node)) {
      for (const auto& generator : list->generators) {
        whole(*generator.lower);
        whole(*generator.upper);
      }
      nested([&] {
        for (const auto& generator : list->generators) define(generator.variable);
        expr(*list->body);
      });
      want(list->body->type.dims.size() + list->generators.size() == e.type.dims.size() &&
               list->body->type.scalar == e.type.scalar,
           "the type of a comprehension");
    } else if (const auto* inner = std::get_if<BlockExpr>(&e.node)) {
      nested([&] {
        block(inner->statements, false);
        expr(*inner->value);
      });
      want(alike(inner->value->type, e.type), "the type of a block");
    } else if (const auto* m = std::get_if<ModelCall>(&e.node)) {
      for (const ExprPtr& x : m->args) expr(*x);
      model_call(*m, e.type);
    } else if (const auto* d = std::get_if<GradientCall>(&e.node)) {
      for (const ExprPtr& x : d->args) expr(*x);
      fits(d->function, d->args, nullptr, "a gradient");
      want(alike(p_[d->function].result, scalar(Scalar::Real)), "a gradient is of a real");
      want(d->wrt.size() == d->args.size(), "wrt");
      size_t at = 1;
      for (size_t k = 0; k < d->wrt.size(); ++k) {
        if (!d->wrt[k]) continue;
        want(at < e.type.elements.size() && alike(e.type.elements[at], d->args[k]->type),
             "adjoint");
        ++at;
      }
      want(at == e.type.elements.size(), "an adjoint for each argument");
    }
  }

  void model_call(const ModelCall& m, const Type& result) {
    using Kind = ModelCall::Kind;
    const Model& model = p_[m.model];
    size_t latents = 0, kept = 0;
    for (const Site& s : model.sites) {
      latents += s.kind == Site::Kind::Latent;
      kept += s.kind != Site::Kind::Observed;
    }
    size_t operands = 1;
    bool trace = false;
    switch (m.kind) {
      case Kind::Simulate:
        trace = true;
        [[fallthrough]];
      case Kind::Dimension:
      case Kind::StageCount:
      case Kind::FrameReals:
      case Kind::FrameInts:
        operands = 0;
        break;
      case Kind::CompleteTrace:
        trace = true;
        [[fallthrough]];
      case Kind::Unconstrain:
      case Kind::TraceLogDensity:
      case Kind::ChangedDensity:
      case Kind::HeldDensity:
      case Kind::TracePath:
        operands = latents;
        break;
      case Kind::Constrain:
        trace = true;
        break;
      case Kind::LogDensity:
      case Kind::LogDensityGradient:
      case Kind::Likelihood:
        break;
      case Kind::PathTrace:
      case Kind::StageValues:
        trace = true;
        [[fallthrough]];
      case Kind::CheckStage:
        operands = 2;
        break;
      case Kind::StageSummary:
        want(result.elements.size() == 2 * kept, "two moments of each site");
        operands = 3;
        break;
      case Kind::Advance:
        operands = 4;
        break;
      case Kind::Follow:
      case Kind::Transition:
        operands = 6;
        break;
    }
    want(m.args.size() == model.params.size() + operands,
         "arguments of an operator on " + model.name);
    if (trace) want(result.kind == Type::Kind::Tuple && result.elements.size() == kept, "a trace");
  }

  void builtin(const Builtin& b, const Type& result) {
    auto numeric = [&](size_t i) { return b.args[i]->type.scalar; };
    bool binary = b.op <= Op::Max || (b.op >= Op::Eq && b.op <= Op::Or) || b.op == Op::Pow ||
                  b.op == Op::Atan2;
    if (binary) {
      want(b.args.size() == 2 && numeric(0) == numeric(1), "operands of one kind");
      size_t rank = std::max(b.args[0]->type.dims.size(), b.args[1]->type.dims.size());
      want(result.dims.size() == rank, "an elementwise result has its operands' rank");
    }
    if (b.op >= Op::Eq && b.op <= Op::Not) {
      want(result.scalar == Scalar::Bool, "a comparison is a bool");
    } else if (binary) {
      want(result.scalar == numeric(0), "an elementwise result has its operands' kind");
    }
    if (b.op >= Op::Sqrt && b.op <= Op::LogNormalCdf) {
      want(b.args.size() == 1 && numeric(0) == Scalar::Real && result.scalar == Scalar::Real &&
               result.dims.size() == b.args[0]->type.dims.size(),
           "a function of reals");
    }
    if (b.op == Op::IntToReal) {
      want(numeric(0) == Scalar::Int && result.scalar == Scalar::Real, "int to real");
    }
    bool checked =
        b.op == Op::ToInt || ((b.op <= Op::Abs) && b.op != Op::Min && b.op != Op::Max &&
                              (b.op == Op::Div || b.op == Op::Mod) && result.scalar == Scalar::Int);
    want(!checked || b.place != PlaceId::None, "what may fault has a place");
  }

  void machine(const Machine& m) {
    where_ = "machine";
    size_t count = m.state.kind == Type::Kind::Tuple ? m.state.elements.size() : 1;
    size_t given = m.parameters.size();
    want(m.model != ModelId::None, "a machine has a model");
    want(p_[m.init].params.size() == given + 2, "init(parameters, start, radius)");
    for (FunctionId id : {m.step, m.draw, m.info, m.metric}) {
      if (id == FunctionId::None) continue;
      want(p_[id].params.size() == given + count, "arguments of " + p_[id].name);
    }
    want(alike(p_[m.init].result, m.state) && alike(p_[m.step].result, m.state), "the state");
    want(m.info == FunctionId::None || p_[m.info].result.elements.size() == m.statistics.size(),
         "statistics");
    for (const MachineParameter& p : m.parameters) {
      want(p.lower <= p.fallback && p.fallback <= p.upper, "a default in its range: " + p.name);
    }
  }

  const Program& p_;
  std::string where_;
  std::vector<std::string> wrong_;
  std::set<VarId> defined_, later_;
  const Function* function_ = nullptr;
  const Model* model_ = nullptr;
};

}  // namespace

std::vector<std::string> broken_promises(const Program& program) { return Checker(program).run(); }

}  // namespace borel

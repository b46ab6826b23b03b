// Models through density, unconstrain, inline, accumulate and derive, and what these make through
// the other passes.
#include <cmath>
#include <set>

#include "compiler/dialect/prob.h"
#include "mlir/IR/Verifier.h"
#include "tests/measure/harness.h"

namespace borel::testing {
namespace {

const std::vector<std::string> general_passes = {"structure", "simplify", "split",    "fuse",
                                                 "simplify",  "hoist",    "simplify", "fuse",
                                                 "flatten",   "simplify"};

std::vector<std::string> with_general(std::vector<std::string> passes) {
  passes.insert(passes.end(), general_passes.begin(), general_passes.end());
  return passes;
}

/// One number, or several, that a stage must leave as they are.
struct Observable {
  std::string function;
  Point point;
  Trace trace;  // of a function that still draws
  bool is_density = true;
  Evaluation value;
};

Evaluation look(mlir::ModuleOp module, const Observable& what) {
  return guarded([&](Evaluation& out) {
    Interpreter run(module);
    run.step_limit = 300'000;
    run.slots = what.point.slots;
    run.bind();
    auto function = module.lookupSymbol<mlir::func::FuncOp>(what.function);
    if (!function) throw Refused("no function @" + what.function);
    const bool scores = function->hasAttr(prob::model_attribute) || function.getNumResults() == 0;
    if (scores) {
      out.results = {run.density_of(what.function, what.point.arguments, what.trace)};
    } else {
      out.results = run.call(what.function, what.point.arguments);
    }
    out.fragile = run.fragile;
  });
}

/// log |det| by elimination; 0 for no rows.
double log_determinant(std::vector<std::vector<double>> a) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t pivot = i;
    for (size_t r = i; r < a.size(); ++r)
      if (std::fabs(a[r][i]) > std::fabs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]);
    sum += std::log(std::fabs(a[i][i]));
    for (size_t r = i + 1; r < a.size(); ++r) {
      const double factor = a[r][i] / a[i][i];
      for (size_t c = i; c < a.size(); ++c) a[r][c] -= factor * a[i][c];
    }
  }
  return sum;
}

class ModelCheck {
 public:
  ModelCheck(Harness& harness, const ModelProgram& program, uint64_t seed, Tally* tally,
             const Fault* fault)
      : harness_(harness), program_(program), seed_(seed), tally_(tally), fault_(fault) {}

  CheckResult run() {
    base_ = harness_.parse(program_.text);
    if (!base_) {
      fail("generator", "the program is not valid: " + harness_.reported, "", "");
      return std::move(result_);
    }
    for (const Point& point : program_.points)
      if (!result_.failure) make_traces(point);
    if (result_.failure) return std::move(result_);
    // The general passes on one model in three: they have programs of their own.
    const bool general = seed_ % 3 == 0;
    const auto onwards = [&](std::vector<std::string> passes) {
      return general ? with_general(std::move(passes)) : passes;
    };
    route({"density", "inline", "accumulate", "sweep"}, 0, program_.text, on_traces());
    if (!done() && !program_.finite_latents)
      route(onwards({"density", "unconstrain", "inline", "accumulate"}), 1, program_.text,
            on_reals());
    if (!done()) route(onwards({"derive"}), 0, with_derived(), derived());
    if (tally_ && !result_.failure)
      for (const std::string& pass : changed_) ++(*tally_)[pass];
    return std::move(result_);
  }

 private:
  struct AtTrace {
    Point point;
    Trace trace;
    Evaluation density;
  };
  struct AtReals {
    Point point;
    Datum u;
    Evaluation plain, with_jacobian, values, reals_back;
  };

  bool done() const { return result_.failure || result_.fault_applied; }

  bool fail(const std::string& pass, const std::string& message, const std::string& before,
            const std::string& after) {
    result_.failure = Failure{pass, message, before, after};
    return false;
  }

  //===- What the model itself says -----------------------------------------------------------===//

  std::vector<int64_t> shape_of(const ModelProgram::Site& site, const Point& point) const {
    std::vector<int64_t> shape;
    for (const std::string& dim : site.dims) shape.push_back(size_at(dim, point));
    return shape;
  }

  /// Sites' values at fixed points, and every combination of the finite ones.
  void make_traces(const Point& point) {
    Choice choose(seed_ + 17 * traces_.size());
    struct Element {
      int64_t site;
      size_t element;
      int values, value;
    };
    std::vector<Element> finite;
    std::map<int64_t, std::vector<Datum>> values;
    for (size_t s = 0; s < program_.sites.size(); ++s) {
      const auto& site = program_.sites[s];
      if (site.kind != "latent") continue;
      int64_t count = 1;
      for (const int64_t extent : shape_of(site, point)) count *= extent;
      auto& elements = values[static_cast<int64_t>(s)];
      for (int64_t i = 0; i < count; ++i) {
        if (site.values == 0) {
          elements.emplace_back(
              Real(site.positive ? choose.uniform(.1, 1.5) : choose.uniform(-1.5, 1.5)));
          continue;
        }
        finite.push_back({static_cast<int64_t>(s), static_cast<size_t>(i), site.values, 0});
        elements.emplace_back();
      }
    }
    double total = 0;
    bool exact = true;
    for (int n = 0;; ++n) {
      AtTrace at;
      at.point = point;
      for (const Element& e : finite) {
        const bool truth = program_.sites[static_cast<size_t>(e.site)].type == "bool";
        values[e.site][e.element] = truth ? Datum(e.value == 1) : Datum(int64_t{e.value});
      }
      for (auto& [s, elements] : values) {
        const auto shape = shape_of(program_.sites[static_cast<size_t>(s)], point);
        at.trace[s] = shape.empty() ? elements[0] : make_array(shape, elements);
        at.point.arguments.push_back(at.trace[s]);
      }
      std::set<std::pair<int64_t, int64_t>> reached;
      at.density = guarded([&](Evaluation& out) {
        Interpreter run(*base_);
        run.slots = point.slots;
        out.results = {run.density_of("model", point.arguments, at.trace)};
        out.fragile = run.fragile;
        for (const Draw& draw : run.draws) reached.insert({draw.site, draw.element});
      });
      if (!at.density.refusal.empty()) {
        fail("generator", "the model is refused: " + at.density.refusal, program_.text, "");
        return;
      }
      // What is not drawn has the value 0, once.
      bool possible = true;
      for (const Element& e : finite)
        if (e.value != 0 && !reached.contains({e.site, static_cast<int64_t>(e.element)}))
          possible = false;
      if (possible) total += std::exp(as_real(at.density.results[0]));
      traces_.push_back(std::move(at));
      size_t next = 0;
      while (next < finite.size() && ++finite[next].value == finite[next].values)
        finite[next++].value = 0;
      if (next == finite.size()) break;
      if (n > 300) {
        exact = false;
        break;
      }
    }
    if (exact && program_.is_normalised && !program_.continuous_latents &&
        std::fabs(total - 1) > 1e-12)
      fail("generator", "the model's probabilities add up to " + std::to_string(total),
           program_.text, "");
    if (!program_.finite_latents) make_reals(point, choose);
  }

  void make_reals(const Point& point, Choice& choose) {
    std::map<int64_t, int64_t> offsets;
    int64_t dimension = 0;
    for (size_t s = 0; s < program_.sites.size(); ++s) {
      const auto& site = program_.sites[s];
      if (site.kind != "latent") continue;
      offsets[static_cast<int64_t>(s)] = dimension;
      int64_t count = 1;
      const auto shape = shape_of(site, point);
      for (size_t d = 0; d < shape.size(); ++d)
        count *= shape[d] - (d + 1 == shape.size() ? site.missing_reals : 0);
      dimension += count;
    }
    std::vector<Datum> u;
    for (int64_t i = 0; i < dimension; ++i) u.emplace_back(Real(choose.uniform(-1.5, 1.5)));
    AtReals at;
    at.point = point;
    at.u = make_array({dimension}, u);
    at.point.arguments.push_back(at.u);
    Interpreter run(*base_);
    run.slots = point.slots;
    const auto go = [&](const std::vector<Datum>& reals) {
      return run.density_on_reals("model", point.arguments, make_array({dimension}, reals),
                                  offsets);
    };
    const Real plain = go(u);
    at.plain.results = {plain};
    at.values.results = run.returned;
    // The Jacobian of the values that were drawn by the reals that they were drawn from.
    std::vector<int64_t> used;
    for (const Draw& draw : run.draws)
      for (int64_t i = 0; i < draw.reals; ++i) used.push_back(draw.first_real + i);
    std::vector<std::vector<double>> jacobian(used.size());
    for (const int64_t column : used) {
      auto moved = u;
      std::get<Real>(moved[static_cast<size_t>(column)]).tangent = 1;
      go(moved);
      size_t row = 0;
      for (const Draw& draw : run.draws)
        for (int64_t i = 0; i < draw.reals; ++i)
          jacobian[row++].push_back(as_dual(draw.value[static_cast<size_t>(i)]).tangent);
    }
    const double jacobian_term = log_determinant(jacobian);
    at.with_jacobian.results = {plain +
                                Real(jacobian_term, 0, 1e-12 * (1 + std::fabs(jacobian_term)))};
    std::vector<Datum> back(u.size(), Datum(Real(0)));
    for (const int64_t i : used) back[static_cast<size_t>(i)] = u[static_cast<size_t>(i)];
    at.reals_back.results = {make_array({dimension}, back)};
    for (Evaluation* e : {&at.plain, &at.with_jacobian, &at.values, &at.reals_back})
      e->fragile = run.fragile;
    reals_.push_back(std::move(at));
  }

  //===- Routes -------------------------------------------------------------------------------===//

  std::vector<Observable> on_traces() const {
    std::vector<Observable> out;
    for (const AtTrace& at : traces_)
      out.push_back({"model", at.point, at.trace, true, at.density});
    return out;
  }
  std::vector<Observable> on_reals() const {
    std::vector<Observable> out;
    for (const AtReals& at : reals_) out.push_back({"model", at.point, {}, true, at.with_jacobian});
    return out;
  }

  std::string types_of(const char* kind) const {
    std::string types;
    for (const auto& site : program_.sites) {
      if (site.kind != kind) continue;
      const char* scalar = site.type == "real" ? "f64" : site.type == "int" ? "i64" : "i1";
      types += ", " + (site.dims.empty() ? std::string(scalar) : "tensor<" + [&] {
                 std::string dims;
                 for (size_t i = 0; i < site.dims.size(); ++i) dims += "?x";
                 return dims;
               }() + scalar + ">");
    }
    return types;
  }

  /// The module with a declaration for everything that derive makes.
  std::string with_derived() const {
    const std::string arguments = "i64, f64", u = ", tensor<?xf64>", latent = types_of("latent");
    const std::string values = (latent + types_of("derived")).substr(2);
    std::string text = program_.text.substr(0, program_.text.rfind('}'));
    const auto declare = [&](const char* kind, const std::string& inputs,
                             const std::string& results) {
      text += std::string("func.func private @d.") + kind + "(" + inputs + ") -> (" + results +
              ") attributes {prob.derive = {kind = \"" + kind + "\", of = @model}}\n";
    };
    declare("trace_log_density", arguments + latent, "f64");
    declare("dimension", arguments, "i64");
    if (program_.has_samplers) declare("simulate", arguments, values);
    if (!program_.finite_latents) {
      // The gradient before the density that it is of, and the other way round.
      const bool first = seed_ % 2 == 0;
      if (first) declare("log_density_gradient", arguments + u, "f64, tensor<?xf64>");
      declare("log_density", arguments + u, "f64");
      declare("log_density_plain", arguments + u, "f64");
      if (!first) declare("log_density_gradient", arguments + u, "f64, tensor<?xf64>");
      declare("constrain", arguments + u, values);
      declare("unconstrain", arguments + latent, "tensor<?xf64>");
    }
    return text + "}\n";
  }

  std::vector<Observable> derived() const {
    std::vector<Observable> out;
    const size_t some = std::min<size_t>(traces_.size(), 16);
    for (size_t i = 0; i < some; ++i) {
      const AtTrace& at = traces_[i * 7 % traces_.size()];
      out.push_back({"d.trace_log_density", at.point, {}, true, at.density});
      Point bare = at.point;
      bare.arguments.resize(2);
      out.push_back({"model", bare, at.trace, true, at.density});
    }
    for (const Point& point : program_.points) {
      if (!program_.has_samplers) continue;
      out.push_back({"d.simulate", point, {}, false, guarded([&](Evaluation& e) {
                       Interpreter run(*base_);
                       run.slots = point.slots;
                       e.results = run.simulate("model", point.arguments);
                       e.fragile = run.fragile;
                     })});
    }
    for (const AtReals& at : reals_) {
      out.push_back({"d.log_density", at.point, {}, true, at.with_jacobian});
      out.push_back({"d.log_density_plain", at.point, {}, true, at.plain});
      out.push_back({"d.constrain", at.point, {}, false, at.values});
      Point bare = at.point, back = at.point;
      bare.arguments.resize(2);
      back.arguments.resize(2);
      size_t latents = 0;
      for (const auto& site : program_.sites) latents += site.kind == "latent";
      for (size_t i = 0; i < latents; ++i) back.arguments.push_back(at.values.results[i]);
      out.push_back({"d.unconstrain", back, {}, false, at.reals_back});
      Evaluation dimension;
      dimension.results = {as_array(at.u).shape[0]};
      out.push_back({"d.dimension", bare, {}, false, dimension});
    }
    return out;
  }

  /// Runs the passes; what they leave is looked at from pass number `first` on.
  void route(const std::vector<std::string>& passes, size_t first, const std::string& text,
             std::vector<Observable> observables) {
    if (fault_ && std::find(passes.begin() + static_cast<long>(first), passes.end(),
                            fault_->pass) == passes.end())
      return;
    module_ = harness_.parse(text);
    if (!module_) {
      fail("generator", "the program is not valid: " + harness_.reported, text, "");
      return;
    }
    for (size_t i = 0; i < passes.size(); ++i)
      if (!stage(passes[i], i >= first, observables) || result_.fault_applied) return;
  }

  bool stage(const std::string& pass, bool looked_at, std::vector<Observable>& observables) {
    const bool inject = fault_ && fault_->pass == pass && looked_at;
    const auto inject_now = [&] {
      Choice choose(seed_ ^ 0xFA17);
      result_.fault_applied = fault_->apply(*module_, choose);
    };
    if (inject && fault_->on_input) {
      inject_now();
      if (!result_.fault_applied) return false;
    } else if (inject) {
      module_->walk([&](mlir::Operation* op) {
        op->setDiscardableAttr(old_mark, mlir::UnitAttr::get(&harness_.context()));
      });
    }
    const std::string before = fault_ ? "" : print(*module_);
    if (!harness_.run(*module_, pass))
      return fail(pass, "failed: " + harness_.reported, before, "");
    if (inject && !fault_->on_input) {
      inject_now();
      if (!result_.fault_applied || mlir::failed(mlir::verify(*module_)))
        return result_.fault_applied = false;
    }
    const std::string after = fault_ ? "" : print(*module_);
    if (!fault_ && before == after) return true;
    if (!looked_at || (fault_ && !inject)) return true;
    changed_.insert(pass);
    for (Observable& what : observables) {
      Evaluation now = look(*module_, what);
      const Agreement agreement = pass != "simplify" ? Agreement::Same
                                  : what.is_density  ? Agreement::LogDensity
                                                     : Agreement::WhereFinite;
      if (auto found = difference(what.value, now, agreement))
        return fail(pass, "@" + what.function + ": " + *found, before, after);
      what.value = std::move(now);
    }
    if (pass == "derive" && !program_.finite_latents)
      return check_gradients(before, after, observables);
    return true;
  }

  /// The derived gradient, which later passes must keep.
  bool check_gradients(const std::string& before, const std::string& after,
                       std::vector<Observable>& observables) {
    for (const AtReals& at : reals_) {
      Observable what{"d.log_density_gradient", at.point, {}, false, {}};
      what.value = look(*module_, what);
      if (!what.value.refusal.empty())
        return fail("derive", "the gradient is refused: " + what.value.refusal, before, after);
      Choice choose(seed_);
      Observable density{"d.log_density", at.point, {}, true, {}};
      auto moved = std::make_shared<Array>(as_array(at.u));
      std::vector<double> direction;
      for (Datum& u : moved->elements) {
        direction.push_back(choose.uniform(-1, 1));
        std::get<Real>(u).tangent = direction.back();
      }
      density.point.arguments.back() = moved;
      const Evaluation slope = look(*module_, density);
      if (slope.fragile || what.value.fragile || !slope.refusal.empty()) continue;
      if (!std::isfinite(as_real(slope.results[0]))) continue;
      observables.push_back(what);
      if (!agree(as_dual(slope.results[0]), as_dual(what.value.results[0])))
        return fail("derive", "the gradient's value is another", before, after);
      const auto gradient = scalars(what.value.results.at(1));
      if (gradient.size() != direction.size())
        return fail("derive", "the gradient has another length than u", before, after);
      Real sum;
      double magnitude = 0;
      for (size_t i = 0; i < gradient.size(); ++i) {
        const Real& g = as_dual(gradient[i]);
        sum = sum + Real(direction[i] * g.value, 0, std::fabs(direction[i]) * g.error);
        magnitude += std::fabs(direction[i] * g.value);
      }
      const double expected = as_dual(slope.results[0]).tangent;
      if (!agree(Real(expected, 0, 1e-13 * magnitude), sum))
        return fail("derive",
                    "the gradient gives a slope of " + std::to_string(sum.value) +
                        ", forward mode " + std::to_string(expected),
                    before, after);
    }
    return true;
  }

  Harness& harness_;
  const ModelProgram& program_;
  uint64_t seed_;
  Tally* tally_;
  const Fault* fault_;
  mlir::OwningOpRef<mlir::ModuleOp> base_, module_;
  std::vector<AtTrace> traces_;
  std::vector<AtReals> reals_;
  std::set<std::string> changed_;
  CheckResult result_;
};

}  // namespace

CheckResult check_model(Harness& harness, const ModelProgram& program, uint64_t seed, Tally* tally,
                        const Fault* fault) {
  return ModelCheck(harness, program, seed, tally, fault).run();
}

}  // namespace borel::testing

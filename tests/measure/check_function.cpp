// Ordinary functions through the passes, in the pipeline's order or in a random one.
#include <cmath>
#include <set>

#include "compiler/dialect/prob.h"
#include "compiler/transform/gradient.h"
#include "compiler/transform/tangent.h"
#include "mlir/IR/Verifier.h"
#include "tests/measure/harness.h"

namespace borel::testing {
namespace {

/// driver/pipeline.cpp's order, with gradient where derive calls it.
const std::vector<std::string> pipeline_order = {
    "inline",   "sweep",     "structure", "simplify", "fuse",    "simplify", "split",
    "gradient", "structure", "simplify",  "split",    "fuse",    "simplify", "condense",
    "simplify", "hoist",     "simplify",  "fuse",     "flatten", "simplify"};

std::vector<std::string> stages_of(uint64_t seed) {
  Choice choose(seed ^ 0x51A6E5);
  if (choose.chance(0.6)) return pipeline_order;
  std::vector<std::string> stages;
  const std::vector<std::string> any = {"inline", "structure", "simplify", "gradient", "split",
                                        "fuse",   "hoist",     "sweep",    "flatten",  "condense"};
  const int n = 3 + choose.below(4);
  for (int i = 0; i < n; ++i) {
    const std::string& next = choose.of(any);
    const bool once = next == "gradient" || next == "hoist";
    // A derivative of a choice multiplies what is not chosen by zero, be it infinite.
    if (next == "gradient" && llvm::is_contained(stages, "flatten")) continue;
    if (once && std::find(stages.begin(), stages.end(), next) != stages.end()) continue;
    if (next == "gradient") stages.emplace_back("sweep");  // which its place in the order asks for
    stages.push_back(next);
  }
  return stages;
}

class FunctionCheck {
 public:
  FunctionCheck(Harness& harness, const FunctionProgram& program, uint64_t seed, Tally* tally,
                const Fault* fault)
      : harness_(harness), program_(program), seed_(seed), tally_(tally), fault_(fault) {}

  CheckResult run() {
    module_ = harness_.parse(program_.text);
    if (!module_) {
      fail("generator", "the program is not valid: " + harness_.reported);
      return std::move(result_);
    }
    if (!fault_) remember();
    for (const std::string& pass : stages_of(seed_)) {
      const bool inject = fault_ && fault_->pass == pass;
      if (inject) remember();
      if (!stage(pass, inject)) break;
      if (result_.fault_applied) break;
      if (pass == "gradient" && fault_ && fault_->pass == "tangent") {
        along("g", "", "");
        break;
      }
    }
    if (tally_ && !result_.failure)
      for (const std::string& pass : changed_) ++(*tally_)[pass];
    return std::move(result_);
  }

 private:
  /// One pass, and what it did. False: stop.
  bool stage(const std::string& pass, bool inject) {
    const bool look = !fault_ || inject;
    if (inject) {
      Choice choose(seed_ ^ 0xFA17);
      if (fault_->on_input) {
        result_.fault_applied = fault_->apply(*module_, choose);
        if (!result_.fault_applied) return false;
      } else {
        module_->walk([&](mlir::Operation* op) {
          op->setDiscardableAttr(old_mark, mlir::UnitAttr::get(&harness_.context()));
        });
      }
    }
    const std::string before = look ? print(*module_) : "";
    if (pass == "gradient") {
      if (!differentiate()) return fail(pass, "failed: " + harness_.reported, before);
    } else if (!harness_.run(*module_, pass)) {
      return fail(pass, "failed: " + harness_.reported, before);
    }
    if (inject && !fault_->on_input) {
      Choice choose(seed_ ^ 0xFA17);
      result_.fault_applied = fault_->apply(*module_, choose);
      if (!result_.fault_applied) {
        module_->walk([](mlir::Operation* op) { op->removeDiscardableAttr(old_mark); });
        return true;
      }
      if (mlir::failed(mlir::verify(*module_))) {
        // A fault that the verifier sees is no test of this one.
        result_.fault_applied = false;
        return false;
      }
    }
    if (!look) return true;
    const std::string after = print(*module_);
    if (before == after && !inject) return true;
    changed_.insert(pass);
    return compare(pass, before, after);
  }

  /// The functions to look at, with their values at every point.
  void remember() {
    values_.clear();
    for (const char* name : {"f", "g"}) {
      if (!module_->lookupSymbol(name)) continue;
      for (const Point& point : program_.points)
        values_[name].push_back(evaluate(*module_, name, point));
    }
  }

  bool compare(const std::string& pass, const std::string& before, const std::string& after) {
    const auto old = std::move(values_);
    remember();
    const Agreement agreement =
        pass == "simplify" || pass == "condense" ? Agreement::WhereFinite : Agreement::Same;
    for (const auto& [name, evaluations] : old)
      for (size_t i = 0; i < evaluations.size(); ++i)
        if (auto found = difference(evaluations[i], values_.at(name)[i], agreement))
          return fail(pass, "@" + name + " at point " + std::to_string(i) + ": " + *found, before,
                      after);
    if (pass == "gradient")
      for (size_t i = 0; i < program_.points.size(); ++i)
        if (auto found = wrong_gradient(i))
          return fail(pass, "at point " + std::to_string(i) + ": " + *found, before, after);
    return pass != "gradient" || (along("f", before, after) && along("g", before, after));
  }

  /// Declares @g, the gradient of @f in every real argument, and has it filled.
  bool differentiate() {
    mlir::MLIRContext* context = &harness_.context();
    harness_.reported.clear();
    mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic& diagnostic) {
      harness_.reported += diagnostic.str() + "\n";
      return mlir::success();
    });
    auto source = module_->lookupSymbol<mlir::func::FuncOp>("f");
    llvm::SmallVector<mlir::Type> results(source.getResultTypes());
    llvm::SmallVector<bool> wrt;
    for (const mlir::Type input : source.getArgumentTypes()) {
      wrt.push_back(prob::is_real(input));
      if (wrt.back()) results.push_back(input);
    }
    auto target = mlir::func::FuncOp::create(
        module_->getLoc(), "g",
        mlir::FunctionType::get(context, source.getArgumentTypes(), results));
    target.setPrivate();
    module_->push_back(target);
    const bool done = mlir::succeeded(transform::differentiate(source, wrt, target));
    target.setPublic();
    return done && mlir::succeeded(mlir::verify(*module_));
  }

  /// @g's adjoints against @f's derivative in a random direction, by forward mode.
  std::optional<std::string> wrong_gradient(size_t point_number) {
    std::vector<double> direction;
    const Point moved = along_direction(point_number, direction);
    const Evaluation slope = evaluate(*module_, "f", moved);
    const Evaluation& gradient = values_.at("g")[point_number];
    if (slope.fragile || gradient.fragile || !slope.refusal.empty()) return std::nullopt;
    if (!gradient.refusal.empty()) return "the gradient is refused: " + gradient.refusal;
    const size_t primal = slope.results.size();
    Evaluation values = gradient;
    values.results.resize(primal);
    if (auto found = difference(slope, values, Agreement::Same)) return "of the values, " + *found;
    Real sum;
    double magnitude = 0;
    size_t next = 0;
    for (size_t i = primal; i < gradient.results.size(); ++i)
      for (const Datum& adjoint : scalars(gradient.results[i])) {
        if (next >= direction.size()) return "the gradient has more elements than the arguments";
        const double d = direction[next++];
        const Real& g = as_dual(adjoint);
        sum = sum + Real(d * g.value, 0, std::fabs(d) * g.error);
        magnitude += std::fabs(d * g.value);
      }
    if (next != direction.size()) return "the gradient has fewer elements than the arguments";
    const double expected = as_dual(slope.results[0]).tangent;
    if (!std::isfinite(expected)) return std::nullopt;
    // The slope's own rounding is of the size of the gradient's terms.
    if (agree(Real(expected, 0, 1e-13 * magnitude), sum)) return std::nullopt;
    return "the gradient gives a slope of " + std::to_string(sum.value) + ", forward mode " +
           std::to_string(expected);
  }

  /// The point with a tangent on every real.
  Point along_direction(size_t point_number, std::vector<double>& direction) {
    Choice choose(seed_ + point_number);
    return changed(program_.points[point_number], [&](Real& real) {
      real.tangent = choose.uniform(-1, 1);
      direction.push_back(real.tangent);
    });
  }

  template <class Change>
  static Point changed(Point point, Change change) {
    const auto each = [&](Datum& d) {
      if (auto* real = std::get_if<Real>(&d)) change(*real);
    };
    for (Datum& argument : point.arguments) {
      if (auto* array = std::get_if<std::shared_ptr<const Array>>(&argument)) {
        auto copy = std::make_shared<Array>(**array);
        for (Datum& element : copy->elements) each(element);
        argument = copy;
      } else {
        each(argument);
      }
    }
    return point;
  }

  /// The function's derivative along a direction as differentiate_along makes it, against dual
  /// numbers: of @g, products with the Hessian.
  bool along(const std::string& name, const std::string& before, const std::string& after) {
    mlir::OwningOpRef<mlir::ModuleOp> module = module_->clone();
    auto source = module->lookupSymbol<mlir::func::FuncOp>(name);
    llvm::SmallVector<mlir::Type> inputs(source.getArgumentTypes()),
        results(source.getResultTypes());
    llvm::SmallVector<bool> wrt, of;
    for (const mlir::Type type : source.getArgumentTypes()) {
      wrt.push_back(prob::is_real(type));
      if (wrt.back()) inputs.push_back(type);
    }
    for (const mlir::Type type : source.getResultTypes()) {
      of.push_back(prob::is_real(type));
      if (of.back()) results.push_back(type);
    }
    auto target = mlir::func::FuncOp::create(
        module->getLoc(), "along", mlir::FunctionType::get(&harness_.context(), inputs, results));
    target.setPrivate();
    module->push_back(target);
    if (fault_)
      module->walk([&](mlir::Operation* op) {
        op->setDiscardableAttr(old_mark, mlir::UnitAttr::get(&harness_.context()));
      });
    if (mlir::failed(transform::differentiate_along(source, wrt, of, target)) ||
        mlir::failed(mlir::verify(*module)))
      return fail("tangent", "of @" + name + " cannot be made", before, after);
    if (fault_) {
      Choice choose(seed_ ^ 0xFA17);
      result_.fault_applied =
          fault_->apply(*module, choose) && mlir::succeeded(mlir::verify(*module));
      if (!result_.fault_applied) return true;
    }
    target.setPublic();
    for (size_t i = 0; i < program_.points.size(); ++i)
      if (auto found = wrong_tangent(*module, name, i))
        return fail("tangent", "of @" + name + " at point " + std::to_string(i) + ": " + *found,
                    before, after);
    return true;
  }

  std::optional<std::string> wrong_tangent(mlir::ModuleOp module, const std::string& name,
                                           size_t point_number) {
    std::vector<double> direction;
    const Evaluation expected = evaluate(module, name, along_direction(point_number, direction));
    Point both = program_.points[point_number];
    size_t next = 0;
    const Point tangents = changed(both, [&](Real& real) { real = Real(direction[next++]); });
    auto source = module.lookupSymbol<mlir::func::FuncOp>(name);
    for (auto [type, tangent] : llvm::zip(source.getArgumentTypes(), tangents.arguments))
      if (prob::is_real(type)) both.arguments.push_back(tangent);
    const Evaluation got = evaluate(module, "along", both);
    if (expected.fragile || got.fragile || !expected.refusal.empty()) return std::nullopt;
    if (!got.refusal.empty()) return "it is refused: " + got.refusal;
    size_t result = expected.results.size();
    for (size_t i = 0; i < expected.results.size(); ++i) {
      if (!prob::is_real(source.getResultTypes()[static_cast<unsigned>(i)])) continue;
      const auto wanted = scalars(expected.results[i]), found = scalars(got.results.at(result++));
      if (wanted.size() != found.size()) return "a tangent of another shape";
      double largest = 1;
      for (const Datum& one : wanted) largest = std::max(largest, std::fabs(as_dual(one).tangent));
      for (size_t k = 0; k < wanted.size(); ++k) {
        const double a = as_dual(wanted[k]).tangent, b = as_dual(found[k]).value;
        if (!std::isfinite(largest) || !std::isfinite(a)) continue;
        if (!(std::fabs(a - b) <= 1e-8 * largest))
          return "a tangent of " + std::to_string(b) + ", by dual numbers " + std::to_string(a);
      }
    }
    return std::nullopt;
  }

  bool fail(const std::string& pass, const std::string& message, const std::string& before = "",
            const std::string& after = "") {
    result_.failure = Failure{pass, message, before, after};
    return false;
  }

  Harness& harness_;
  const FunctionProgram& program_;
  uint64_t seed_;
  Tally* tally_;
  const Fault* fault_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::map<std::string, std::vector<Evaluation>> values_;
  std::set<std::string> changed_;
  CheckResult result_;
};

}  // namespace

CheckResult check_function(Harness& harness, const FunctionProgram& program, uint64_t seed,
                           Tally* tally, const Fault* fault) {
  return FunctionCheck(harness, program, seed, tally, fault).run();
}

}  // namespace borel::testing

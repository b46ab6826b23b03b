#include "tests/measure/harness.h"

#include <cmath>

#include "compiler/dialect/prob.h"
#include "compiler/transform/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

namespace borel::testing {

Harness::Harness() : context_(mlir::MLIRContext::Threading::DISABLED) {
  context_.loadDialect<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                       mlir::math::MathDialect, mlir::scf::SCFDialect>();
}

mlir::OwningOpRef<mlir::ModuleOp> Harness::parse(const std::string& text) {
  reported.clear();
  mlir::ScopedDiagnosticHandler handler(&context_, [&](mlir::Diagnostic& diagnostic) {
    reported += diagnostic.str() + "\n";
    return mlir::success();
  });
  return mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
}

bool Harness::run(mlir::ModuleOp module, const std::string& pass) {
  auto& manager = managers_[pass];
  if (!manager) {
    manager = std::make_unique<mlir::PassManager>(&context_);
    for (const auto& entry : transform::passes()) {
      if (pass != entry.name) continue;
      auto created = entry.create();
      const auto anchor = created->getOpName();
      if (anchor && *anchor != mlir::ModuleOp::getOperationName()) {
        manager->nest(*anchor).addPass(std::move(created));
      } else {
        manager->addPass(std::move(created));
      }
    }
    if (manager->size() == 0) throw std::logic_error("no pass is called " + pass);
  }
  reported.clear();
  mlir::ScopedDiagnosticHandler handler(&context_, [&](mlir::Diagnostic& diagnostic) {
    reported += diagnostic.str() + "\n";
    return mlir::success();
  });
  return mlir::succeeded(manager->run(module));
}

std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out);
  return text;
}

Evaluation guarded(const std::function<void(Evaluation&)>& body) {
  Evaluation out;
  try {
    body(out);
  } catch (const std::exception& refused) {
    // Refused, or a look-up of what is not there.
    out.refusal = refused.what();
    if (out.refusal.empty()) out.refusal = "refused";
  }
  return out;
}

Evaluation evaluate(mlir::ModuleOp module, const std::string& function, const Point& point) {
  return guarded([&](Evaluation& out) {
    Interpreter run(module);
    run.step_limit = 300'000;  // a program gone wrong may not end
    run.slots = point.slots;
    run.bind();
    out.results = run.call(function, point.arguments);
    out.fragile = run.fragile;
  });
}

bool agree(const Real& x, const Real& y, double slack) {
  if (std::isnan(x.value) || std::isnan(y.value)) return std::isnan(x.value) && std::isnan(y.value);
  if (x.value == y.value) return true;
  if (!std::isfinite(x.value) || !std::isfinite(y.value)) return false;
  const double room = slack * (x.error + y.error) + 1e-290;
  // Without a bound there is nothing to hold the values against.
  return !(std::fabs(x.value - y.value) > room);
}

namespace {

std::string show(const Datum& d) {
  if (const auto* real = std::get_if<Real>(&d)) {
    char text[80];
    std::snprintf(text, sizeof text, "%.17g (+- %.2g)", real->value, real->error);
    return text;
  }
  if (const auto* integer = std::get_if<int64_t>(&d)) return std::to_string(*integer);
  if (const auto* truth = std::get_if<bool>(&d)) return *truth ? "true" : "false";
  return "an array";
}

bool scalars_agree(const Datum& x, const Datum& y, Agreement agreement) {
  if (x.index() != y.index()) return false;
  if (const auto* real = std::get_if<Real>(&x)) {
    const Real& now = std::get<Real>(y);
    if (agreement == Agreement::LogDensity && std::isinf(real->value) && real->value < 0)
      return now.value == real->value;
    if (agreement != Agreement::Same && !std::isfinite(real->value)) return true;
    return agree(*real, now);
  }
  if (const auto* integer = std::get_if<int64_t>(&x)) return *integer == std::get<int64_t>(y);
  return std::get<bool>(x) == std::get<bool>(y);
}

bool is_array(const Datum& d) { return std::holds_alternative<std::shared_ptr<const Array>>(d); }

}  // namespace

std::optional<std::string> difference(const Evaluation& before, const Evaluation& after,
                                      Agreement agreement) {
  if (before.fragile || after.fragile || !before.refusal.empty()) return std::nullopt;
  if (!after.refusal.empty()) return "is refused: " + after.refusal;
  if (before.results.size() != after.results.size()) return "has another number of results";
  for (size_t i = 0; i < before.results.size(); ++i) {
    const Datum &x = before.results[i], &y = after.results[i];
    const std::string where = "result " + std::to_string(i);
    if (is_array(x) != is_array(y)) return where + " is of another kind";
    // A matrix of no rows does not know how long they would be.
    if (is_array(x) && as_array(x).shape != as_array(y).shape && !as_array(x).elements.empty())
      return where + " has another shape";
    const auto xs = scalars(x), ys = scalars(y);
    if (xs.size() != ys.size()) return where + " has another size";
    for (size_t k = 0; k < xs.size(); ++k)
      if (!scalars_agree(xs[k], ys[k], agreement))
        return where + (is_array(x) ? "[" + std::to_string(k) + "]" : "") + " was " + show(xs[k]) +
               " and is " + show(ys[k]);
  }
  return std::nullopt;
}

}  // namespace borel::testing

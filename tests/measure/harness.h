/// Runs passes on programs and says whether the programs still mean the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "tests/measure/interpreter.h"
#include "tests/measure/programs.h"
#include "tests/measure/writer.h"

namespace borel::testing {

/// A context with one pass manager per pass; verifies the module after each pass.
class Harness {
 public:
  Harness();
  /// Null when the text is not a valid module.
  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string& text);
  /// Runs the pass of this name (passes.def). False when it fails or leaves an invalid module;
  /// `reported` has what MLIR said.
  bool run(mlir::ModuleOp module, const std::string& pass);
  mlir::MLIRContext& context() { return context_; }

  std::string reported;

 private:
  mlir::MLIRContext context_;
  std::map<std::string, std::unique_ptr<mlir::PassManager>> managers_;
};

std::string print(mlir::ModuleOp module);

/// What a function gave at a point.
struct Evaluation {
  std::vector<Datum> results;
  bool fragile = false;
  std::string refusal;  // why the interpreter would not run it; empty when it did
};
Evaluation evaluate(mlir::ModuleOp module, const std::string& function, const Point& point);
/// Runs `body` and turns Refused into a refusal.
Evaluation guarded(const std::function<void(Evaluation&)>& body);

enum class Agreement {
  Same,         // also where values are infinite or NaN
  WhereFinite,  // only where the old value is finite
  LogDensity    // the same, but -infinity stays
};
/// How two evaluations differ by more than rounding; nothing when they do not. Evaluations that are
/// fragile agree with everything.
std::optional<std::string> difference(const Evaluation& before, const Evaluation& after,
                                      Agreement agreement);
/// The same for two reals, with room for `slack` times their error bounds.
bool agree(const Real& x, const Real& y, double slack = 32);

/// A deliberate fault in a pass: changes the module that the pass left, among the operations that
/// the pass made; false when there is nothing of its kind there.
struct Fault {
  std::string pass, what;
  std::function<bool(mlir::ModuleOp, Choice&)> apply;
  /// Before the pass instead: the pass as it would be if it had read something else.
  bool on_input = false;
};

struct Failure {
  std::string pass, message, before, after;
};

/// Programs on which each pass was tested and which it changed.
using Tally = std::map<std::string, int>;

/// Checks one program through the stages that its seed chooses. With a fault: stops at the first
/// stage that the fault applies to.
struct CheckResult {
  std::optional<Failure> failure;
  bool fault_applied = false;
};
/// Models: every density against the interpreter's own reading of the model, over all values of its
/// finite sites; on reals with the Jacobian by forward mode; every derived function; and all passes
/// on those.
CheckResult check_model(Harness& harness, const ModelProgram& program, uint64_t seed,
                        Tally* tally = nullptr, const Fault* fault = nullptr);
CheckResult check_function(Harness& harness, const FunctionProgram& program, uint64_t seed,
                           Tally* tally = nullptr, const Fault* fault = nullptr);
/// A model in stages (suspend): a population that goes through them, each particle with all values
/// of the uniforms that it takes, against the model's own runs; at each stop the evidence, and the
/// mean and the deviation of every site. Particles that agree in their frames are made one, so that
/// nothing but the frame is known of them. Tallies as "suspend" the programs whose particles keep
/// something from one stage to the next.
CheckResult check_stages(Harness& harness, const StageProgram& program, uint64_t seed,
                         Tally* tally = nullptr, const Fault* fault = nullptr);

/// Names of operations that were there before a pass carry this mark while a fault is injected.
inline constexpr llvm::StringLiteral old_mark = "measure.old";

}  // namespace borel::testing

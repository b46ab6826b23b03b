/// An independent interpreter of prob IR: slow, obvious, and sharing nothing with codegen.
///
/// It gives meaning to every stage of the pipeline, so that a pass can be tested by evaluating the
/// program before and after it. Every real carries two more numbers:
///  - a tangent (forward-mode differentiation): exact directional derivatives of whole programs,
///    by rules that share nothing with the reverse-mode pass they are held against;
///  - a bound of its rounding error (running error analysis, Higham, Accuracy and Stability of
///    Numerical Algorithms, 2nd ed., sec. 3.3): how far two programs of the same meaning may
///    differ.
///
/// Generative operations are evaluated in one of three ways: against a given trace (the density of
/// the trace is the sum of all scores), on a vector of unconstrained reals, or by drawing, weighed
/// by what is observed or not.
#pragma once

#include <functional>
#include <stdexcept>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tests/measure/datum.h"

namespace borel::testing {

/// The program did something that the interpreter refuses: an index out of range, a fault, an
/// unknown operation.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Interpreter {
 public:
  explicit Interpreter(mlir::ModuleOp module) : module_(module) {}

  /// Values of the instance's slots by name (inputs, sizes). Hoisted slots are computed by `bind`.
  std::map<std::string, Datum> slots;

  /// Runs @borel.bind, where there is one, and stores its results in the hoisted slots.
  void bind();
  std::vector<Datum> call(llvm::StringRef function, const std::vector<Datum>& arguments);

  /// Log density of a trace under a function (its prob.sample, observe, score, require); functions
  /// after density take the trace by their arguments and have an empty one.
  Real density_of(llvm::StringRef model, const std::vector<Datum>& arguments, const Trace& trace);
  /// The same at the trace that u states; `offsets` says where in u each site begins.
  Real density_on_reals(llvm::StringRef model, const std::vector<Datum>& arguments, const Datum& u,
                        const std::map<int64_t, int64_t>& offsets);
  /// Runs a model by drawing from its samplers.
  std::vector<Datum> simulate(llvm::StringRef model, const std::vector<Datum>& arguments);

  /// Runs a model by drawing; gives the log weight of what it observes, scores and requires. At
  /// each prob.stop calls `at_stop` with the log weight so far. Among `draws` are what it records.
  Real weigh(llvm::StringRef model, const std::vector<Datum>& arguments);
  std::function<void(const Real&)> at_stop;

  /// Where random numbers come from: prob.uniform (else a fixed sequence), prob.key and
  /// prob.uniform_at (key, element, number) (else refused).
  std::function<double()> uniform;
  std::function<int64_t()> key;
  std::function<double(int64_t, int64_t, int64_t)> uniform_at;

  /// What the last generative run returned, drew and (density_of) which elements it reached.
  std::vector<Datum> returned;
  std::vector<Draw> draws;

  /// A decision hung on less than its rounding error, or a derivative on a kink: the point says
  /// nothing about whether two programs agree.
  bool fragile = false;
  /// The index of the next value of the fixed sequence that prob.uniform gives.
  int64_t next_uniform = 0;
  /// Operations evaluated so far: bounds runaway programs.
  int64_t steps = 0;
  int64_t step_limit = 50'000'000;

 private:
  using Frame = llvm::DenseMap<mlir::Value, Datum>;
  enum class Mode { Ordinary, OnTrace, OnReals, Drawing, Weighing };

  Real generate(Mode mode, llvm::StringRef model, const std::vector<Datum>& arguments);
  std::vector<Datum> run_block(mlir::Block& block, Frame& frame);
  void run_op(mlir::Operation& op, Frame& frame);
  void run_loop(mlir::Operation& op, Frame& frame);
  void run_while(mlir::Operation& op, Frame& frame);
  bool run_scalar(mlir::Operation& op, Frame& frame);
  void run_generative(mlir::Operation& op, Frame& frame);
  Datum drawn(mlir::Operation& op, Frame& frame);
  Real score_so_far() const;
  void compared(const Real& x, const Real& y);

  mlir::ModuleOp module_;
  llvm::DenseMap<mlir::StringAttr, mlir::func::FuncOp> functions_;
  Mode mode_ = Mode::Ordinary;
  const Trace* trace_ = nullptr;
  const Array* reals_ = nullptr;
  const std::map<int64_t, int64_t>* offsets_ = nullptr;
  Real score_;
  bool failed_ = false;  // a requirement
  int depth_ = 0;
};

}  // namespace borel::testing

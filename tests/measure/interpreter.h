/// An independent interpreter of prob IR: slow, obvious, and sharing nothing with codegen.
///
/// It gives meaning to every stage of the pipeline, so that a pass can be tested by evaluating the
/// program before and after it. Generative operations are evaluated against a given trace:
/// prob.sample takes its value from the trace and adds its log density, so the density of a trace
/// under a model is what `density_of` returns.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace borel::testing {

struct Array;
/// A value at run time: real, int (i64), truth value, or array (shared, never mutated in place).
using Datum = std::variant<double, int64_t, bool, std::shared_ptr<const Array>>;

/// Row-major array of scalars of one kind.
struct Array {
  std::vector<int64_t> shape;
  std::vector<Datum> elements;
};

Datum make_array(std::vector<int64_t> shape, std::vector<Datum> elements);
Datum real_array(const std::vector<double>& values);
Datum int_array(const std::vector<int64_t>& values);
double as_real(const Datum& d);
int64_t as_int(const Datum& d);
const Array& as_array(const Datum& d);

/// The program did something that the interpreter refuses: an index out of range, a fault, an
/// unknown operation.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Values of sites by index, each a scalar or an array over the site's extents.
using Trace = std::map<int64_t, Datum>;

class Interpreter {
 public:
  explicit Interpreter(mlir::ModuleOp module) : module_(module) {}

  /// Values of the instance's slots by name (inputs, sizes). Hoisted slots are computed by `bind`.
  std::map<std::string, Datum> slots;

  /// Runs @borel.bind, where there is one, and stores its results in the hoisted slots.
  void bind();
  std::vector<Datum> call(llvm::StringRef function, const std::vector<Datum>& arguments);
  /// Log density of a trace under a model function (its prob.sample, observe, score, require).
  double density_of(llvm::StringRef model, const std::vector<Datum>& arguments, const Trace& trace);
  /// Operations evaluated so far: bounds runaway programs.
  int64_t steps = 0;
  int64_t step_limit = 50'000'000;

 private:
  using Frame = llvm::DenseMap<mlir::Value, Datum>;
  std::vector<Datum> run_block(mlir::Block& block, Frame& frame);
  void run_op(mlir::Operation& op, Frame& frame);
  void run_loop(mlir::Operation& op, Frame& frame);
  bool run_scalar(mlir::Operation& op, Frame& frame);
  void run_generative(mlir::Operation& op, Frame& frame);

  mlir::ModuleOp module_;
  const Trace* trace_ = nullptr;
  double score_ = 0;
  int depth_ = 0;
};

}  // namespace borel::testing

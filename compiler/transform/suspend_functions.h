/// Makes functions of the stages of a model. Part of suspend.
#pragma once

#include <memory>
#include <optional>

#include "compiler/transform/suspend_stages.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/IRMapping.h"

namespace borel::transform {

/// An operation's operands, and what its regions use of what is around it.
llvm::SetVector<mlir::Value> used_by(mlir::Operation* op);

/// What is common to all particles, computed once, outside of their loops.
class Common {
 public:
  Common(mlir::OpBuilder& b, mlir::IRMapping map) : b_(b), map_(std::move(map)) {}

  mlir::Value get(mlir::Value value) {
    if (const mlir::Value known = map_.lookupOrNull(value)) return known;
    mlir::Operation* op = value.getDefiningOp();
    for (const mlir::Value operand : used_by(op)) get(operand);
    b_.clone(*op, map_);
    return map_.lookup(value);
  }
  void set(mlir::Value value, mlir::Value by) { map_.map(value, by); }
  mlir::OpBuilder& builder() { return b_; }
  const mlir::IRMapping& map() const { return map_; }

 private:
  mlir::OpBuilder& b_;
  mlir::IRMapping map_;
};

/// A body for a function of the stages, in place of the model's own.
class Suspend {
 public:
  explicit Suspend(mlir::func::FuncOp model);
  void make_count();
  void make_size(bool reals);
  void make_advance(bool follow);
  void make_transition();
  void make_check();
  void make_summary();
  mlir::LogicalResult make_trace_path();
  mlir::LogicalResult make_path_trace();

 private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using OpBuilder = mlir::OpBuilder;

  // the function
  Common open(mlir::TypeRange arguments);
  void close(mlir::ValueRange results);
  Value integer(int64_t value);
  Value trips(const Stages::Stage& stage, Common& common);
  bool in_reals(mlir::Type type) const;

  // rows
  void place_rows(Common& common);
  /// The extents of a kept array, from a value that all who share its rows agree with.
  Values extents_of(unsigned kept, Common& common);
  Values extents_of(Value array, Common& common);
  /// Extents are common even where the array is not.
  Value extent_of(Value array, int64_t dimension, Common& common);
  Value row_index(OpBuilder& b, unsigned kept, mlir::ValueRange indices);
  /// A kept value of one particle.
  Value load(OpBuilder& b, unsigned kept, Value particle);
  Value load(OpBuilder& b, unsigned kept, Value particle, Values& indices, mlir::Type type);
  /// A column of values, an element for each particle, goes to the rows of `kept`.
  void store(unsigned kept, Value column);
  Value store(OpBuilder& b, unsigned kept, Value column, Value frames, Values& indices);
  Value for_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> body);
  /// A plate over the particles, whose maps' types are those of what the body gives.
  prob::ForOp particle_loop(OpBuilder& b, llvm::function_ref<Values(OpBuilder&, Value)> body);
  Value write_element(OpBuilder& b, unsigned kept, Value value, Value column, Value frames,
                      Values& indices);
  /// Truths are kept as whole numbers.
  Value as_held(OpBuilder& b, Value value);

  struct Running {
    unsigned stage;
    Common& common;
    mlir::IRMapping values;
    Value particle;
    Value first;  // whether it is the loop's first iteration
  };

  // a stage
  /// Draws in a plate over particles become what they are: drawn, given, or given to the last one.
  void settle_draws(prob::ForOp particles, bool score);
  /// From `number` on: the stage whose turn it is; `first` is its number among all stages.
  Values choose_stage(unsigned number, Value stage, Value first, Common& common);
  /// The same for the density of a stage's draws and its weight.
  Value score_stage(unsigned number, Value stage, Value first, Common& common);
  /// Whether it is the first iteration of the stage's loop; null: it has none.
  Value enter_stage(unsigned number, Value iteration, Common& common);
  Values run_stage(unsigned number, Value iteration, Common& common);
  /// The particle's log weight with what the stage adds. What is no number counts as impossible.
  Value add_weight(OpBuilder& b, Value particle, Value weight);
  Value never(OpBuilder& b);
  Value is_possible(OpBuilder& b, Value weight);
  /// What the rows of `kept` get at the stage's stop; none: they stay.
  std::optional<Value> value_at_stop(OpBuilder& b, Running& run, unsigned kept);
  /// A value of the stage, for one particle.
  Value get(OpBuilder& b, Running& run, Value value);
  Value read_kept(OpBuilder& b, Running& run, unsigned kept, Value value);

  // paths and summaries
  Value empty_site(const ModelSite& site, mlir::func::CallOp shape);
  /// The sites as they are known after a stage, whose frames are in one column.
  mlir::LogicalResult trace_stage(OpBuilder& b, unsigned stage, Value column, Common& common,
                                  Values& traced);
  /// The sites' values after a stage, to one column of frames.
  mlir::LogicalResult write_path(OpBuilder& b, unsigned stage, Value column, Common& common,
                                 mlir::ValueRange given, Values& frames);
  Value sum_over_particles(llvm::function_ref<Value(OpBuilder&, Value)> term);
  Value sum_over_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> term);
  Value moments(unsigned kept, bool deviation);
  Value moments(OpBuilder& b, unsigned kept, bool deviation, Values& indices);

  mlir::func::FuncOp model_;
  Stages stages_;
  mlir::Location loc_;
  OpBuilder b_;
  std::unique_ptr<mlir::Region> region_;
  unsigned captured_ = 0;
  mlir::Type real_, integer_;
  Value reals_, ints_, weights_, total_, particles_, real_rows_, int_rows_;
  Value given_reals_, given_ints_, column_;  // frames that hold what draws are to be
  llvm::SmallVector<Value> rows_;            // of each kept value: its first row
  llvm::SmallVector<Values> extents_;        // and its extents
};

}  // namespace borel::transform

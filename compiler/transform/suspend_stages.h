/// A model in stages: what each stage is made of and what particles keep between them. Part of
/// suspend.
#pragma once

#include <variant>

#include "compiler/dialect/prob.h"
#include "compiler/transform/model_sites.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Draws and scores of a copy of a model become values: its last two arguments are the key and the
/// number of the particle, from which uniforms are taken, and every prob.stop has the operands that
/// its description names. The function returns
/// nothing. Arrays that loops fill and read a fixed number of places back are carried as such.
mlir::LogicalResult evaluate_draws(mlir::func::FuncOp model);

/// The stages of a function that `evaluate_draws` made.
class Stages {
 public:
  explicit Stages(mlir::func::FuncOp function);

  /// Up to a stop: operations at the top level, or the iterations of a loop there.
  struct Stage {
    prob::StopOp stop;
    prob::ForOp loop;                             // null: no loop
    llvm::DenseSet<mlir::Operation*> operations;  // of a stage without loop
    mlir::Value weight() { return stop.getValues()[0]; }
    mlir::Value score() { return stop.getValues()[1]; }  // of its draws
  };
  /// A value that particles keep: one of an earlier stage, a carry of a stage's loop (both known by
  /// a value), or a site.
  struct Kept {
    mlir::Value value;  // null: of a site
    unsigned site = 0;
    unsigned stage = 0;  // from which on it is there
    mlir::Type type;
    unsigned parent = 0;              // the one whose rows it shares
    bool named = false;               // somebody reads it
    llvm::SmallVector<bool, 8> live;  // at each stop
  };
  /// What a kept value is at a stop: another kept one as it is, or a value of the stage.
  using Held = std::variant<unsigned, mlir::Value>;

  llvm::SmallVector<Stage, 4> stages;
  llvm::SmallVector<ModelSite, 4> sites;
  llvm::SmallVector<Kept> kept;

  /// Whether a value is the same for all particles.
  bool is_common(mlir::Value value) const { return common_.contains(value); }
  /// The kept value that a stage reads for a value of an earlier one or for its loop's carry; none:
  /// the stage computes it itself.
  std::optional<unsigned> read(unsigned stage, mlir::Value value) const;
  unsigned find(unsigned kept) const;
  /// What `kept` is at the stop of `stage`.
  Held held(unsigned number, unsigned stage) const;
  /// The loop's initial value where the first iteration has to compute it; null: it is read.
  mlir::Value initial(unsigned stage, mlir::BlockArgument carry) const;
  unsigned of_site(unsigned site) const { return site_[site]; }
  /// By which a site is known at a stage's stop, and of one that moves the index of its element.
  mlir::Value site_value(unsigned stage, unsigned site) const {
    return const_cast<Stage&>(stages[stage]).stop.getValues()[2 + site];
  }
  mlir::Value site_index(unsigned stage, unsigned site) const;

 private:
  void find_common(mlir::Block& block);
  void cut(mlir::Block& block);
  void merge_equal_carries();
  void find_uses();
  void need(unsigned stage, mlir::Value value, bool at_entry_only);
  void share_rows();
  unsigned add(mlir::Value value, unsigned stage);
  std::optional<unsigned> stage_of(mlir::Value value) const;

  llvm::DenseSet<mlir::Value> common_;
  llvm::DenseMap<mlir::Operation*, unsigned> stage_of_;
  llvm::DenseMap<mlir::Value, unsigned> numbers_;
  llvm::SmallVector<unsigned> site_;
  llvm::DenseSet<std::pair<unsigned, mlir::Value>> visited_[2];
};

}  // namespace borel::transform

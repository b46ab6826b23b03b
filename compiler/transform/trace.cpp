#include "compiler/transform/trace.h"

#include <map>

#include "compiler/dialect/prob.h"
#include "compiler/transform/density.h"
#include "compiler/transform/model_sites.h"
#include "compiler/transform/thread.h"
#include "compiler/transform/unconstrain.h"
#include "llvm/ADT/DenseSet.h"

namespace borel::transform {

using mlir::OpBuilder;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;

mlir::LogicalResult constrain_trace(FuncOp model) {
  if (failed(density(model, {.scores = false, .keep_values = true}))) return mlir::failure();
  return unconstrain(model, {.jacobian = false});
}

mlir::LogicalResult simulate(FuncOp model) {
  llvm::SmallVector<mlir::Operation*> effects;
  model.walk([&](mlir::Operation* op) {
    if (mlir::isa<prob::SampleOp, prob::ObserveOp, prob::RecordOp, prob::ScoreOp, prob::RequireOp>(
            op))
      effects.push_back(op);
  });
  for (mlir::Operation* op : effects) {
    if (auto sample = mlir::dyn_cast<prob::SampleOp>(op)) {
      if (!sample.getSamplerAttr())
        return sample.emitOpError("has a distribution that cannot be simulated");
      OpBuilder b(op);
      auto draw =
          b.create<mlir::func::CallOp>(op->getLoc(), sample.getSamplerAttr(),
                                       mlir::TypeRange{sample.getType()}, sample.getParameters());
      sample.replaceAllUsesWith(draw.getResult(0));
    }
    op->erase();
  }
  model->removeAttr(prob::model_attribute);
  return mlir::success();
}

namespace {
Value read_trace(OpBuilder& b, prob::LatentOp latent) {
  return prob::extract(b, latent.getLoc(), latent.getSource(), latent.getIndices());
}
}  // namespace

static void read_latents(FuncOp model) {
  model.walk([](prob::LatentOp latent) {
    OpBuilder b(latent);
    latent.replaceAllUsesWith(read_trace(b, latent));
    latent.erase();
  });
}

mlir::LogicalResult trace_density(FuncOp model) {
  if (failed(density(model))) return mlir::failure();
  read_latents(model);
  return mlir::success();
}

mlir::LogicalResult held_density(FuncOp model) {
  if (failed(density(model, {.prior = false}))) return mlir::failure();
  read_latents(model);
  return mlir::success();
}

mlir::LogicalResult complete_trace(FuncOp model) {
  if (failed(density(model, {.scores = false, .keep_values = true}))) return mlir::failure();
  read_latents(model);
  return mlir::success();
}

namespace {

/// Follows what values of some sites can change: values, and whether an operation runs.
class Changes {
 public:
  explicit Changes(llvm::ArrayRef<int64_t> sites) : sites_(sites) {}

  void visit(mlir::Block& block, bool within) {
    for (mlir::Operation& op : block) {
      auto latent = mlir::dyn_cast<prob::LatentOp>(op);
      bool changes =
          within || llvm::any_of(op.getOperands(), [&](Value x) { return changed_.contains(x); });
      if (latent) changes = llvm::is_contained(sites_, static_cast<int64_t>(latent.getSite()));
      if (op.getNumRegions() == 0) {
        if (mlir::isa<prob::ScoreOp, prob::RequireOp>(op) && changes) kept_.insert(&op);
        if (changes) changed_.insert(op.result_begin(), op.result_end());
        continue;
      }
      // What goes round a loop, or chooses a branch, changes all that the operation gives; how much
      // of a loop runs does not depend on what it carries.
      auto loop = mlir::dyn_cast<prob::ForOp>(op);
      const bool runs =
          within || (loop ? changed_.contains(loop.getLower()) || changed_.contains(loop.getUpper())
                          : changes);
      for (bool again = true; again;) {
        again = false;
        const auto before = changed_.size();
        for (mlir::Region& region : op.getRegions())
          for (mlir::Block& inner : region) {
            if (changes || gives_changed(op))
              changed_.insert(inner.args_begin() + (loop ? 1 : 0), inner.args_end());
            visit(inner, runs || (!loop && gives_changed(op) && inner.getNumArguments() > 0));
          }
        again = changed_.size() != before;
      }
      if (changes || runs || gives_changed(op)) changed_.insert(op.result_begin(), op.result_end());
    }
  }

  bool keeps(mlir::Operation* op) const { return kept_.contains(op); }

 private:
  bool gives_changed(mlir::Operation& op) const {
    for (mlir::Region& region : op.getRegions())
      for (mlir::Block& inner : region)
        if (!inner.empty())
          for (const Value given : inner.back().getOperands())
            if (changed_.contains(given)) return true;
    return false;
  }

  llvm::ArrayRef<int64_t> sites_;
  llvm::DenseSet<Value> changed_;
  llvm::DenseSet<mlir::Operation*> kept_;
};

}  // namespace

mlir::LogicalResult changed_density(FuncOp model, llvm::ArrayRef<int64_t> sites) {
  if (failed(density(model))) return mlir::failure();
  Changes changes(sites);
  changes.visit(model.getBody().front(), false);
  llvm::SmallVector<mlir::Operation*> dropped;
  model.walk([&](mlir::Operation* op) {
    if (mlir::isa<prob::ScoreOp, prob::RequireOp>(op) && !changes.keeps(op)) dropped.push_back(op);
  });
  for (mlir::Operation* op : dropped) op->erase();
  read_latents(model);
  return mlir::success();
}

namespace {

/// u runs through the program from its first draw to its last: each prob.latent inserts its reals.
class WriteReals {
 public:
  explicit WriteReals(FuncOp function) : function_(function) {}

  mlir::LogicalResult run() {
    mlir::Block& body = function_.getBody().front();
    const ValueRange shape = call_shape(function_);
    for (const ModelSite& site : latent_sites(function_))
      offsets_[site.index] = shape[static_cast<size_t>(site.offset_result)];
    OpBuilder b(function_.getContext());
    b.setInsertionPointAfter(shape.front().getDefiningOp());
    const mlir::Type reals = prob::array_type(prob::real_type(b.getContext()), 1);
    const Value start =
        b.create<prob::ZerosOp>(function_.getLoc(), reals, ValueRange{shape.front()});
    llvm::SmallVector<Value> u{start};
    const auto draws = [](mlir::Operation& op) -> std::optional<unsigned> {
      if (mlir::isa<prob::LatentOp>(op)) return 0;
      return std::nullopt;
    };
    const auto done = thread_values(body, u, draws, [&](mlir::Operation& op, Value written) {
      return write(mlir::cast<prob::LatentOp>(op), written);
    });
    if (mlir::failed(done) || failed_) return mlir::failure();
    body.getTerminator()->setOperands(u);
    update_type(function_);
    return mlir::success();
  }

 private:
  Value write(prob::LatentOp latent, Value u) {
    OpBuilder b(latent);
    const mlir::Location loc = latent.getLoc();
    const Value value = read_trace(b, latent);
    const Value at =
        position_in_reals(b, latent, offsets_.at(static_cast<int64_t>(latent.getSite())));
    Value reals = value;
    if (auto inverse = latent.getUnconstrainAttr()) {
      llvm::SmallVector<Value> arguments(latent.getSupportParameters());
      arguments.push_back(value);
      const Value count = latent.getUnconstrainedSize();
      const mlir::Type type = prob::array_type(prob::real_type(b.getContext()), count ? 1 : 0);
      reals =
          b.create<mlir::func::CallOp>(loc, inverse, mlir::TypeRange{type}, arguments).getResult(0);
    } else if (latent.getConstrainAttr()) {
      latent.emitOpError("has a support without `unconstrain`");
      failed_ = true;
    }
    latent.replaceAllUsesWith(value);
    if (!prob::is_array(reals.getType())) {
      u = b.create<prob::InsertOp>(loc, reals, u, ValueRange{at}, mlir::IntegerAttr());
    } else {
      u = copy(b, loc, reals, u, at, latent.getUnconstrainedSize());
    }
    latent.erase();
    return u;
  }

  static Value copy(OpBuilder& b, mlir::Location loc, Value reals, Value u, Value at, Value count) {
    auto loop = b.create<prob::ForOp>(loc, prob::int_constant(b, loc, 0), count, ValueRange{u},
                                      mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    const Value element = prob::extract(b, loc, reals, loop.induction());
    const Value to = add_sizes(b, loc, at, loop.induction());
    const Value next = b.create<prob::InsertOp>(loc, element, loop.carry_args().front(),
                                                ValueRange{to}, mlir::IntegerAttr());
    b.create<prob::YieldOp>(loc, ValueRange{next}, ValueRange{}, ValueRange{}, ValueRange{});
    return loop.getCarries().front();
  }

  FuncOp function_;
  std::map<int64_t, Value> offsets_;
  bool failed_ = false;
};

}  // namespace

mlir::LogicalResult unconstrain_trace(FuncOp model) {
  if (failed(density(model, {.scores = false, .keep_values = true}))) return mlir::failure();
  return WriteReals(model).run();
}

}  // namespace borel::transform

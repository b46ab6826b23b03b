#include "compiler/transform/trace.h"

#include <map>

#include "compiler/dialect/prob.h"
#include "compiler/transform/density.h"
#include "compiler/transform/model_sites.h"
#include "compiler/transform/thread.h"
#include "compiler/transform/unconstrain.h"

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

mlir::LogicalResult trace_density(FuncOp model) {
  if (failed(density(model))) return mlir::failure();
  model.walk([](prob::LatentOp latent) {
    OpBuilder b(latent);
    latent.replaceAllUsesWith(read_trace(b, latent));
    latent.erase();
  });
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

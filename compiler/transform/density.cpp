#include "compiler/transform/density.h"

#include <map>

#include "compiler/dialect/prob.h"
#include "compiler/transform/diagnose.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/model_sites.h"
#include "compiler/transform/passes.h"

namespace borel::transform {

using mlir::Value;
using mlir::func::FuncOp;

namespace {

/// Adds the score of `logp` (parameters…, value).
void score(mlir::OpBuilder& b, mlir::Location loc, mlir::FlatSymbolRefAttr logp,
           mlir::ValueRange parameters, Value value, int64_t place) {
  llvm::SmallVector<Value> arguments(parameters);
  arguments.push_back(value);
  auto call = b.create<mlir::func::CallOp>(
      loc, logp, mlir::TypeRange{prob::real_type(b.getContext())}, arguments);
  call->setAttr(drawn_at_attribute, b.getI64IntegerAttr(place));
  b.create<prob::ScoreOp>(loc, call.getResult(0), place);
}

class Density {
 public:
  Density(FuncOp function, const DensityOptions& options)
      : function_(function), options_(options) {}

  mlir::LogicalResult run() {
    if (!function_->hasAttr(prob::model_attribute))
      return function_.emitError("is not a model, so it has no density");
    mlir::Block& body = function_.getBody().front();
    for (const ModelSite& site : latent_sites(function_))
      arguments_[site.index] = body.addArgument(site.type, function_.getLoc());

    llvm::SmallVector<mlir::Operation*> effects;
    function_.walk([&](mlir::Operation* op) {
      if (mlir::isa<prob::SampleOp, prob::ObserveOp, prob::RecordOp>(op)) effects.push_back(op);
      if (!options_.scores && mlir::isa<prob::ScoreOp, prob::RequireOp>(op)) effects.push_back(op);
    });
    for (mlir::Operation* op : effects) {
      if (auto sample = mlir::dyn_cast<prob::SampleOp>(op)) {
        if (!arguments_.contains(static_cast<int64_t>(sample.getSite())))
          return sample.emitOpError("draws at a site that is not latent");
        read(sample);
      } else if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op); observe && options_.scores) {
        mlir::OpBuilder b(op);
        score(b, observe.getLoc(), observe.getLogpAttr(), observe.getParameters(),
              observe.getValue(), static_cast<int64_t>(observe.getPlace()));
      }
      op->erase();
    }
    if (!options_.keep_values) {
      body.getTerminator()->setOperands({});
      // Arrays that were kept for the results alone go with them.
      for (mlir::Operation* op : outer_loops()) drop_unused(mlir::cast<prob::ForOp>(op));
    }
    update_type(function_);
    function_->removeAttr(prob::model_attribute);
    return mlir::success();
  }

 private:
  void read(prob::SampleOp sample) {
    mlir::OpBuilder b(sample);
    auto latent = b.create<prob::LatentOp>(
        sample.getLoc(), sample.getType(), arguments_.at(static_cast<int64_t>(sample.getSite())),
        sample.getSupportParameters(), sample.getIndices(), sample.getExtents(),
        sample.getUnconstrainedSize(), sample.getValueSize(), sample.getSiteAttr(),
        sample.getConstrainAttr(), sample.getUnconstrainAttr(), sample.getPlaceAttr());
    if (options_.scores && options_.prior)
      score(b, sample.getLoc(), sample.getLogpAttr(), sample.getParameters(), latent.getValue(),
            static_cast<int64_t>(sample.getPlace()));
    sample.replaceAllUsesWith(latent.getValue());
  }

  /// Loops of the function's own block, last first: what a loop's results feed is seen before it.
  llvm::SmallVector<mlir::Operation*> outer_loops() {
    llvm::SmallVector<mlir::Operation*> out;
    for (mlir::Operation& op : llvm::reverse(function_.getBody().front()))
      if (mlir::isa<prob::ForOp>(op)) out.push_back(&op);
    return out;
  }

  FuncOp function_;
  const DensityOptions& options_;
  std::map<int64_t, Value> arguments_;
};

class DensityPass : public mlir::PassWrapper<DensityPass, mlir::OperationPass<FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DensityPass)
  llvm::StringRef getArgument() const final { return "density"; }
  void runOnOperation() final {
    if (getOperation()->hasAttr(prob::model_attribute) && failed(density(getOperation())))
      signalPassFailure();
  }
};

}  // namespace

mlir::LogicalResult density(FuncOp model, const DensityOptions& options) {
  return Density(model, options).run();
}

std::unique_ptr<mlir::Pass> create_density_pass() { return std::make_unique<DensityPass>(); }

}  // namespace borel::transform

#include "compiler/transform/unconstrain.h"

#include <map>

#include "compiler/transform/model_sites.h"
#include "compiler/transform/passes.h"

namespace borel::transform {

using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;

Value position_in_reals(mlir::OpBuilder& b, prob::LatentOp latent, Value site_offset) {
  const mlir::Location loc = latent.getLoc();
  Value element = linear_index(b, loc, latent.getIndices(), latent.getExtents());
  if (latent.getUnconstrainedSize())
    element = multiply_sizes(b, loc, element, latent.getUnconstrainedSize());
  return add_sizes(b, loc, site_offset, element);
}

namespace {

class Unconstrain {
 public:
  Unconstrain(FuncOp function, const UnconstrainOptions& options)
      : function_(function), options_(options) {}

  mlir::LogicalResult run() {
    const auto sites = latent_sites(function_);
    mlir::Block& body = function_.getBody().front();
    const auto first = static_cast<unsigned>(body.getNumArguments() - sites.size());
    const mlir::Type reals = prob::array_type(prob::real_type(function_.getContext()), 1);
    u_ = body.addArgument(reals, function_.getLoc());
    llvm::SmallVector<prob::LatentOp> latents;
    function_.walk([&](prob::LatentOp latent) { latents.push_back(latent); });
    const ValueRange shape = call_shape(function_);
    for (const ModelSite& site : sites)
      offsets_[site.index] = shape[static_cast<size_t>(site.offset_result)];
    for (prob::LatentOp latent : latents)
      if (failed(read(latent))) return mlir::failure();
    for (size_t i = 0; i < sites.size(); ++i) {
      if (!body.getArgument(first).use_empty())
        return function_.emitError("uses a site's value other than by prob.latent");
      body.eraseArgument(first);
    }
    update_type(function_);
    return mlir::success();
  }

 private:
  mlir::LogicalResult read(prob::LatentOp latent) {
    mlir::OpBuilder b(latent);
    const mlir::Location loc = latent.getLoc();
    if (!prob::is_real(latent.getType()))
      return latent.emitOpError("is discrete, so it has no unconstrained real");
    const Value at =
        position_in_reals(b, latent, offsets_.at(static_cast<int64_t>(latent.getSite())));
    Value value;
    if (const Value count = latent.getUnconstrainedSize()) {
      value = slice(b, loc, at, count);
    } else {
      value = prob::extract(b, loc, u_, at);
    }
    if (auto constrain = latent.getConstrainAttr()) {
      llvm::SmallVector<Value> arguments(latent.getSupportParameters());
      arguments.push_back(value);
      auto call = b.create<mlir::func::CallOp>(
          loc, constrain, mlir::TypeRange{latent.getType(), prob::real_type(b.getContext())},
          arguments);
      value = call.getResult(0);
      if (options_.jacobian)
        b.create<prob::ScoreOp>(loc, call.getResult(1), static_cast<int64_t>(latent.getPlace()));
    } else if (value.getType() != latent.getType()) {
      return latent.emitOpError("has a value of another shape than its reals and no `constrain`");
    }
    latent.replaceAllUsesWith(value);
    latent.erase();
    return mlir::success();
  }

  /// u[at .. at + count], as a plate.
  Value slice(mlir::OpBuilder& b, mlir::Location loc, Value at, Value count) {
    auto loop = b.create<prob::ForOp>(loc, prob::int_constant(b, loc, 0), count, ValueRange{},
                                      mlir::TypeRange{prob::real_type(b.getContext())},
                                      mlir::TypeRange{}, ValueRange{});
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    const Value index = add_sizes(b, loc, at, loop.induction());
    const Value element = prob::extract(b, loc, u_, index);
    b.create<prob::YieldOp>(loc, ValueRange{}, ValueRange{element}, ValueRange{}, ValueRange{});
    return loop.getMaps().front();
  }

  FuncOp function_;
  const UnconstrainOptions& options_;
  Value u_;
  std::map<int64_t, Value> offsets_;  // by site
};

/// Functions that density made: no longer models, but with the sites of one.
class UnconstrainPass : public mlir::PassWrapper<UnconstrainPass, mlir::OperationPass<FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(UnconstrainPass)
  llvm::StringRef getArgument() const final { return "unconstrain"; }
  void runOnOperation() final {
    FuncOp function = getOperation();
    if (function->hasAttr(prob::sites_attribute) && !function->hasAttr(prob::model_attribute) &&
        failed(unconstrain(function)))
      signalPassFailure();
  }
};

}  // namespace

mlir::LogicalResult unconstrain(FuncOp density, const UnconstrainOptions& options) {
  return Unconstrain(density, options).run();
}

std::unique_ptr<mlir::Pass> create_unconstrain_pass() {
  return std::make_unique<UnconstrainPass>();
}

}  // namespace borel::transform

// Of the observed sites: what they would be if they were drawn anew, and how likely each draw is.
#include <limits>
#include <map>
#include <optional>

#include "compiler/dialect/prob.h"
#include "compiler/transform/density.h"
#include "compiler/transform/model_sites.h"
#include "compiler/transform/thread.h"
#include "compiler/transform/trace.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::transform {

using mlir::Location;
using mlir::OpBuilder;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;
namespace arith = mlir::arith;

namespace {

/// A scalar as one of another type; a truth is what is not 0.
Value convert_scalar(OpBuilder& b, Location loc, Value value, mlir::Type to) {
  const mlir::Type from = value.getType();
  if (from == to) return value;
  const bool truth = to.isInteger(1);
  if (prob::is_real(from)) {
    if (!truth) return b.create<arith::FPToSIOp>(loc, to, value);
    return b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::UNE, value,
                                   prob::real_constant(b, loc, 0));
  }
  if (prob::is_real(to)) {
    if (from.isInteger(1)) return b.create<arith::UIToFPOp>(loc, to, value);
    return b.create<arith::SIToFPOp>(loc, to, value);
  }
  if (!truth) return b.create<arith::ExtUIOp>(loc, to, value);
  return b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, value,
                                 prob::int_constant(b, loc, 0));
}

/// A scalar or array with elements of another type, its last two dimensions perhaps exchanged.
Value convert(OpBuilder& b, Location loc, Value value, mlir::Type to, bool transposed,
              llvm::SmallVector<Value>& indices) {
  const auto array = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  const auto rank = array ? static_cast<unsigned>(array.getRank()) : 0;
  const auto source = [&](unsigned dimension) {
    return transposed && dimension + 2 >= rank ? 2 * rank - 3 - dimension : dimension;
  };
  const auto at = static_cast<unsigned>(indices.size());
  if (at == rank) {
    llvm::SmallVector<Value> from;
    for (unsigned d = 0; d < rank; ++d) from.push_back(indices[source(d)]);
    const Value element = rank == 0 ? value : prob::extract(b, loc, value, from);
    return convert_scalar(b, loc, element, to);
  }
  const Value extent = prob::dim(b, loc, value, static_cast<int64_t>(source(at)));
  auto loop = b.create<prob::ForOp>(loc, prob::int_constant(b, loc, 0), extent, ValueRange{},
                                    mlir::TypeRange{prob::array_type(to, rank - at - 1)},
                                    mlir::TypeRange{}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  indices.push_back(loop.induction());
  const Value element = convert(b, loc, value, to, transposed, indices);
  indices.pop_back();
  b.create<prob::YieldOp>(loc, ValueRange{}, ValueRange{element}, ValueRange{}, ValueRange{});
  return loop.getMaps().front();
}

Value converted(OpBuilder& b, Location loc, Value value, mlir::Type to, bool transposed = false) {
  if (prob::scalar_type(value.getType()) == to && !transposed) return value;
  llvm::SmallVector<Value> indices;
  return convert(b, loc, value, to, transposed, indices);
}

/// The check of the indices with which an observation reads its data; null: they are in range.
mlir::IntegerAttr index_check(Value observed) {
  while (mlir::Operation* op = observed.getDefiningOp()) {
    if (auto read = mlir::dyn_cast<prob::ExtractOp>(op)) return read.getPlaceAttr();
    if (op->getNumOperands() != 1) break;
    observed = op->getOperand(0);
  }
  return {};
}

/// Puts a value of one draw among those of its site.
Value store(OpBuilder& b, prob::ObserveOp observe, Value value, Value all) {
  if (observe.getIndices().empty()) return value;
  return b.create<prob::InsertOp>(observe.getLoc(), value, all, observe.getIndices(),
                                  index_check(observe.getValue()));
}

/// The model returns `values` as reals; its latent sites are arguments that are reals.
mlir::LogicalResult finish(FuncOp model, llvm::ArrayRef<Value> values) {
  const mlir::Type real = prob::real_type(model.getContext());
  mlir::Block& body = model.getBody().front();
  OpBuilder b(body.getTerminator());
  llvm::SmallVector<Value> results;
  for (const Value value : values) results.push_back(converted(b, model.getLoc(), value, real));
  body.getTerminator()->setOperands(results);
  const auto latents = static_cast<unsigned>(latent_sites(model).size());
  if (failed(density(model, {.scores = false, .keep_values = true}))) return mlir::failure();
  const unsigned first = body.getNumArguments() - latents;
  for (unsigned i = 0; i < latents; ++i) {
    Value site = body.getArgument(first + i);
    if (prob::is_real(site.getType())) continue;
    // A draw holds whole numbers as reals.
    const unsigned rank =
        mlir::isa<mlir::RankedTensorType>(site.getType())
            ? static_cast<unsigned>(mlir::cast<mlir::RankedTensorType>(site.getType()).getRank())
            : 0;
    site.replaceAllUsesWith(
        body.insertArgument(first + i, prob::array_type(real, rank), site.getLoc()));
    body.eraseArgument(first + i + 1);
  }
  model.walk([](prob::LatentOp latent) {
    OpBuilder at(latent);
    const Value given = prob::extract(at, latent.getLoc(), latent.getSource(), latent.getIndices());
    latent.replaceAllUsesWith(
        converted(at, latent.getLoc(), given, prob::scalar_type(latent.getType())));
    latent.erase();
  });
  update_type(model);
  return mlir::success();
}

/// Observed sites, numbered as results.
class ObservedSites {
 public:
  explicit ObservedSites(FuncOp model) {
    for (const ModelSite& site : model_sites(model)) {
      if (site.kind != ModelSite::Kind::Observed) continue;
      numbers_[site.index] = static_cast<unsigned>(sites.size());
      sites.push_back(site);
    }
  }
  unsigned number(uint64_t site) const { return numbers_.at(static_cast<int64_t>(site)); }

  llvm::SmallVector<ModelSite> sites;

 private:
  std::map<int64_t, unsigned> numbers_;
};

/// Conditions of the model that only ask whether what is observed lies in its support: those of the
/// site since the draw before.
Value within_support(OpBuilder& b, prob::ObserveOp observe) {
  const auto module = observe->getParentOfType<mlir::ModuleOp>();
  const auto places = module->getAttrOfType<mlir::ArrayAttr>(prob::places_attribute);
  const auto site_at = [&](uint64_t place) -> llvm::StringRef {
    if (!places || place >= places.size()) return {};
    return mlir::cast<mlir::DictionaryAttr>(places[static_cast<unsigned>(place)])
        .getAs<mlir::StringAttr>("site")
        .getValue();
  };
  Value all;
  for (mlir::Operation* op = observe->getPrevNode(); op; op = op->getPrevNode()) {
    if (mlir::isa<prob::ObserveOp, prob::SampleOp>(op)) break;
    auto require = mlir::dyn_cast<prob::RequireOp>(op);
    if (!require || site_at(require.getPlace()) != site_at(observe.getPlace())) continue;
    all = all ? b.createOrFold<arith::AndIOp>(op->getLoc(), all, require.getCondition())
              : require.getCondition();
  }
  return all;
}

}  // namespace

void hold_observed(FuncOp model) {
  model.walk([](prob::ObservedOp read) {
    read.replaceAllUsesWith(read.getData());
    read.erase();
  });
}

mlir::LogicalResult predict(FuncOp model) {
  const ObservedSites observed(model);
  mlir::Block& body = model.getBody().front();
  llvm::SmallVector<Value> values(observed.sites.size());
  // The first read of each site says what its data are.
  for (auto read : body.getOps<prob::ObservedOp>()) {
    const unsigned number = observed.number(read.getSite());
    if (values[number]) continue;
    OpBuilder b(model.getContext());
    b.setInsertionPointAfter(read);
    values[number] =
        converted(b, read.getLoc(), read.getData(), prob::scalar_type(observed.sites[number].type),
                  read.getTransposed());
  }
  if (llvm::is_contained(values, Value()))
    return model.emitError("has an observed site whose data are not there at its start");

  bool missing = false;
  const auto touches = [&](mlir::Operation& op) -> std::optional<unsigned> {
    if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op))
      return observed.number(observe.getSite());
    if (auto read = mlir::dyn_cast<prob::ObservedOp>(op)) return observed.number(read.getSite());
    return std::nullopt;
  };
  const auto visit = [&](mlir::Operation& op, Value all) -> Value {
    OpBuilder b(&op);
    if (auto read = mlir::dyn_cast<prob::ObservedOp>(op)) {
      if (!read.use_empty())
        read.replaceAllUsesWith(converted(b, op.getLoc(), all, prob::scalar_type(read.getType()),
                                          read.getTransposed()));
      op.erase();
      return all;
    }
    auto observe = mlir::cast<prob::ObserveOp>(op);
    if (!observe.getSamplerAttr()) {
      observe.emitOpError("has a distribution that cannot be simulated");
      missing = true;
      return all;
    }
    auto draw = b.create<mlir::func::CallOp>(op.getLoc(), observe.getSamplerAttr(),
                                             mlir::TypeRange{observe.getValue().getType()},
                                             observe.getParameters());
    const Value next = store(b, observe, draw.getResult(0), all);
    op.erase();
    return next;
  };
  if (failed(thread_values(body, values, touches, visit)) || missing) return mlir::failure();
  return finish(model, values);
}

mlir::LogicalResult log_likelihood(FuncOp model) {
  const ObservedSites observed(model);
  mlir::Block& body = model.getBody().front();
  const ValueRange shape = call_shape(model);
  const mlir::Type real = prob::real_type(model.getContext());
  llvm::SmallVector<Value> values;
  OpBuilder b(model.getContext());
  b.setInsertionPointAfter(shape.front().getDefiningOp());
  for (const ModelSite& site : observed.sites) {
    if (site.draw_rank == 0) {
      values.push_back(prob::real_constant(b, model.getLoc(), 0));
      continue;
    }
    llvm::SmallVector<Value> extents;
    for (unsigned d = 0; d < site.draw_rank; ++d)
      extents.push_back(shape[static_cast<size_t>(site.shape_result) + d]);
    const int64_t rank = site.offset_result - site.shape_result;
    if (site.column_major && rank >= 2 && static_cast<int64_t>(site.draw_rank) == rank)
      std::swap(extents[site.draw_rank - 1], extents[site.draw_rank - 2]);
    values.push_back(
        b.create<prob::ZerosOp>(model.getLoc(), prob::array_type(real, site.draw_rank), extents));
  }
  const auto touches = [&](mlir::Operation& op) -> std::optional<unsigned> {
    if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op))
      return observed.number(observe.getSite());
    return std::nullopt;
  };
  const auto visit = [&](mlir::Operation& op, Value all) -> Value {
    auto observe = mlir::cast<prob::ObserveOp>(op);
    OpBuilder at(&op);
    llvm::SmallVector<Value> arguments(observe.getParameters());
    arguments.push_back(observe.getValue());
    Value term = at.create<mlir::func::CallOp>(op.getLoc(), observe.getLogpAttr(),
                                               mlir::TypeRange{real}, arguments)
                     .getResult(0);
    if (const Value within = within_support(at, observe)) {
      const Value never =
          prob::real_constant(at, op.getLoc(), -std::numeric_limits<double>::infinity());
      term = at.create<arith::SelectOp>(op.getLoc(), within, term, never);
    }
    const Value next = store(at, observe, term, all);
    op.erase();
    return next;
  };
  if (failed(thread_values(body, values, touches, visit))) return mlir::failure();
  return finish(model, values);
}

}  // namespace borel::transform

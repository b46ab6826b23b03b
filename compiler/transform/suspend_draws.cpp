// Draws, scores and sites of a model as values that run through it.
#include <limits>

#include "compiler/transform/inline.h"
#include "compiler/transform/loop_edit.h"
#include "compiler/transform/structure.h"
#include "compiler/transform/suspend.h"
#include "compiler/transform/suspend_stages.h"
#include "compiler/transform/sweep.h"
#include "compiler/transform/thread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace borel::transform {

using mlir::OpBuilder;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;
namespace arith = mlir::arith;

void drop_stops(FuncOp model) {
  model.walk([](prob::StopOp stop) { stop.erase(); });
}

namespace {

/// A stop in a loop whose bounds depend on draws comes after the loop.
void settle_stops(FuncOp model) {
  llvm::DenseSet<Value> drawn;
  const auto depends = [&](mlir::Operation* op) {
    const auto walked = op->walk([&](mlir::Operation* inner) {
      const bool random =
          mlir::isa<prob::SampleOp, prob::UniformOp>(inner) ||
          llvm::any_of(inner->getOperands(), [&](Value x) { return drawn.contains(x); });
      return random ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
    });
    return walked.wasInterrupted();
  };
  for (mlir::Operation& op : llvm::make_early_inc_range(model.getBody().front())) {
    auto loop = mlir::dyn_cast<prob::ForOp>(op);
    if (loop && (drawn.contains(loop.getLower()) || drawn.contains(loop.getUpper()))) {
      bool stopped = false;
      loop.walk([&](prob::StopOp stop) {
        stop.erase();
        stopped = true;
      });
      OpBuilder b(model.getContext());
      b.setInsertionPointAfter(loop);
      if (stopped) b.create<prob::StopOp>(loop.getLoc(), ValueRange());
    }
    if (depends(&op)) drawn.insert(op.result_begin(), op.result_end());
  }
}

bool is_stop(mlir::Operation& op) { return mlir::isa<prob::StopOp>(op); }

Value keep_at_stop(mlir::Operation& op, Value value) {
  op.insertOperands(op.getNumOperands(), value);
  return value;
}

/// The log density of what is drawn runs from draw to draw; draws are marked.
mlir::LogicalResult score_draws(FuncOp model) {
  mlir::Block& body = model.getBody().front();
  OpBuilder start = OpBuilder::atBlockBegin(&body);
  llvm::SmallVector<Value> score{prob::real_constant(start, model.getLoc(), 0)};
  const auto touches = [](mlir::Operation& op) -> std::optional<unsigned> {
    if (is_stop(op) || mlir::isa<prob::SampleOp>(op)) return 0;
    return std::nullopt;
  };
  return thread_values(body, score, touches, [](mlir::Operation& op, Value so_far) -> Value {
    OpBuilder b(&op);
    const mlir::Location loc = op.getLoc();
    if (is_stop(op)) {
      keep_at_stop(op, so_far);
      return prob::real_constant(b, loc, 0);
    }
    auto sample = mlir::cast<prob::SampleOp>(op);
    b.setInsertionPointAfter(&op);
    auto drawn = b.create<prob::DrawnOp>(loc, sample.getType(), sample.getValue(),
                                         sample.getIndices(), sample.getSite());
    sample.getValue().replaceAllUsesExcept(drawn.getResult(), drawn);
    llvm::SmallVector<Value> arguments(sample.getParameters());
    arguments.push_back(drawn.getResult());
    auto term = b.create<mlir::func::CallOp>(loc, sample.getLogpAttr(),
                                             mlir::TypeRange{so_far.getType()}, arguments);
    return b.create<arith::AddFOp>(loc, so_far, term.getResult(0));
  });
}

mlir::LogicalResult weigh(FuncOp model) {
  mlir::Block& body = model.getBody().front();
  OpBuilder start = OpBuilder::atBlockBegin(&body);
  llvm::SmallVector<Value> weight{prob::real_constant(start, model.getLoc(), 0)};
  const auto touches = [](mlir::Operation& op) -> std::optional<unsigned> {
    if (is_stop(op) || mlir::isa<prob::ObserveOp, prob::ScoreOp, prob::RequireOp>(op)) return 0;
    return std::nullopt;
  };
  mlir::Attribute place;  // of the latest observation
  return thread_values(body, weight, touches, [&](mlir::Operation& op, Value so_far) -> Value {
    OpBuilder b(&op);
    const mlir::Location loc = op.getLoc();
    if (is_stop(op)) {
      keep_at_stop(op, so_far);
      if (place) op.setAttr(prob::place_attribute, place);
      place = {};
      return prob::real_constant(b, loc, 0);
    }
    place = op.getAttr("place");
    Value next;
    if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op)) {
      llvm::SmallVector<Value> arguments(observe.getParameters());
      arguments.push_back(observe.getValue());
      auto term = b.create<mlir::func::CallOp>(loc, observe.getLogpAttr(),
                                               mlir::TypeRange{so_far.getType()}, arguments);
      next = b.create<arith::AddFOp>(loc, so_far, term.getResult(0));
    } else if (auto score = mlir::dyn_cast<prob::ScoreOp>(op)) {
      next = b.create<arith::AddFOp>(loc, so_far, score.getValue());
    } else {
      const Value never = prob::real_constant(b, loc, -std::numeric_limits<double>::infinity());
      next = b.create<arith::SelectOp>(loc, mlir::cast<prob::RequireOp>(op).getCondition(), so_far,
                                       never);
    }
    op.erase();
    return next;
  });
}

/// The value by which a site is known runs from draw to draw.
mlir::LogicalResult follow_site(FuncOp model, const ModelSite& site, ValueRange shape) {
  mlir::Block& body = model.getBody().front();
  OpBuilder b(model.getContext());
  b.setInsertionPointAfter(shape.front().getDefiningOp());
  const mlir::Location loc = model.getLoc();
  const auto array = mlir::dyn_cast<mlir::RankedTensorType>(site.type);
  const unsigned rank = array ? static_cast<unsigned>(array.getRank()) : 0;
  llvm::SmallVector<Value> extents;
  for (unsigned d = site.moves; d < rank; ++d)
    extents.push_back(shape[static_cast<size_t>(site.shape_result) + d]);
  if (site.column_major && extents.size() >= 2)
    std::swap(extents[extents.size() - 1], extents[extents.size() - 2]);
  const mlir::Type scalar = prob::scalar_type(site.type);
  Value start;
  if (extents.empty())
    start = b.create<arith::ConstantOp>(loc, mlir::cast<mlir::TypedAttr>(b.getZeroAttr(scalar)));
  else
    start = b.create<prob::ZerosOp>(
        loc, prob::array_type(scalar, static_cast<unsigned>(extents.size())), extents);
  llvm::SmallVector<Value> current{start};
  const auto index = static_cast<uint64_t>(site.index);
  const auto touches = [&](mlir::Operation& op) -> std::optional<unsigned> {
    if (is_stop(op)) return 0;
    if (auto sample = mlir::dyn_cast<prob::SampleOp>(op); sample && sample.getSite() == index)
      return 0;
    if (auto record = mlir::dyn_cast<prob::RecordOp>(op); record && record.getSite() == index)
      return 0;
    return std::nullopt;
  };
  return thread_values(body, current, touches, [&](mlir::Operation& op, Value before) -> Value {
    if (is_stop(op)) return keep_at_stop(op, before);
    auto sample = mlir::dyn_cast<prob::SampleOp>(op);
    Value value = sample ? sample.getValue() : mlir::cast<prob::RecordOp>(op).getValue();
    mlir::Operation* last = &op;
    if (sample)
      for (mlir::Operation* user : value.getUsers())
        if (auto drawn = mlir::dyn_cast<prob::DrawnOp>(user)) {
          value = drawn.getResult();
          last = drawn;
        }
    auto indices = sample ? sample.getIndices() : mlir::cast<prob::RecordOp>(op).getIndices();
    if (site.moves) indices = indices.drop_front();
    if (indices.empty()) return value;
    OpBuilder at(model.getContext());
    at.setInsertionPointAfter(last);
    return at.create<prob::InsertOp>(op.getLoc(), value, before, indices, mlir::IntegerAttr());
  });
}

/// Of a site that moves: the index of the element that a stage draws, -1 where it draws none.
void keep_index(FuncOp model, const ModelSite& site) {
  const auto index = static_cast<uint64_t>(site.index);
  Value found;  // the first index of the latest draw
  model.walk([&](mlir::Operation* op) {
    ValueRange indices;
    if (auto sample = mlir::dyn_cast<prob::SampleOp>(op); sample && sample.getSite() == index)
      indices = sample.getIndices();
    if (auto record = mlir::dyn_cast<prob::RecordOp>(op); record && record.getSite() == index)
      indices = record.getIndices();
    if (!indices.empty()) found = indices.front();
    auto stop = mlir::dyn_cast<prob::StopOp>(op);
    if (!stop) return;
    OpBuilder b(stop);
    // One that is known in a part of the stage only is none that the whole stage has.
    const bool known = found && found.getParentRegion()->isAncestor(stop->getParentRegion());
    stop->insertOperands(stop->getNumOperands(),
                         known ? found : prob::int_constant(b, stop.getLoc(), -1));
    found = Value();
  });
}

mlir::LogicalResult draw(FuncOp model) {
  llvm::SmallVector<prob::SampleOp> samples;
  model.walk([&](prob::SampleOp sample) { samples.push_back(sample); });
  for (prob::SampleOp sample : samples) {
    if (!sample.getSamplerAttr())
      return sample.emitOpError("has a distribution that cannot be simulated");
    OpBuilder b(sample);
    auto call =
        b.create<mlir::func::CallOp>(sample.getLoc(), sample.getSamplerAttr(),
                                     mlir::TypeRange{sample.getType()}, sample.getParameters());
    sample.replaceAllUsesWith(call.getResult(0));
    sample.erase();
  }
  model.walk([](prob::RecordOp record) { record.erase(); });
  return mlir::success();
}

prob::ForOp loop_with_stop(mlir::Operation* op) {
  for (op = op->getParentOp(); op; op = op->getParentOp())
    if (auto loop = mlir::dyn_cast<prob::ForOp>(op))
      if (!loop.block().getOps<prob::StopOp>().empty()) return loop;
  return nullptr;
}

/// Uniforms by their number within the stage. Their keys differ from stage to stage and from
/// iteration to iteration, so that no two of them are taken for one.
mlir::LogicalResult number_uniforms(FuncOp model) {
  mlir::Block& body = model.getBody().front();
  const mlir::Type integer = mlir::IntegerType::get(model.getContext(), 64);
  const Value key = body.addArgument(integer, model.getLoc());
  const Value particle = body.addArgument(integer, model.getLoc());
  OpBuilder start = OpBuilder::atBlockBegin(&body);
  llvm::SmallVector<Value> count{prob::int_constant(start, model.getLoc(), 0)};
  const auto touches = [](mlir::Operation& op) -> std::optional<unsigned> {
    if (is_stop(op) || mlir::isa<prob::UniformOp>(op)) return 0;
    return std::nullopt;
  };
  int64_t stage = 0;
  const auto numbered =
      thread_values(body, count, touches, [&](mlir::Operation& op, Value number) -> Value {
        OpBuilder b(&op);
        if (is_stop(op)) {
          ++stage;
          return prob::int_constant(b, op.getLoc(), 0);
        }
        auto uniform = mlir::cast<prob::UniformOp>(op);
        Value own =
            b.create<arith::AddIOp>(op.getLoc(), key, prob::int_constant(b, op.getLoc(), stage));
        if (prob::ForOp loop = loop_with_stop(&op))
          own = b.create<arith::AddIOp>(op.getLoc(), own, loop.induction());
        const Value drawn =
            b.create<prob::UniformAtOp>(op.getLoc(), uniform.getType(), own, particle, number);
        uniform.replaceAllUsesWith(drawn);
        const Value next = b.createOrFold<arith::AddIOp>(op.getLoc(), number,
                                                         prob::int_constant(b, op.getLoc(), 1));
        op.erase();
        return next;
      });
  return numbered;
}

/// A carry that ends each iteration as it began it is no carry.
void drop_constant_carries(FuncOp model) {
  model.walk([](prob::ForOp loop) {
    for (auto [init, argument, next] :
         llvm::zip(loop.getCarryInits(), loop.carry_args(), loop.terminator().getCarries())) {
      mlir::Attribute first, then;
      const bool constant = mlir::matchPattern(init, mlir::m_Constant(&first)) &&
                            mlir::matchPattern(next, mlir::m_Constant(&then)) && first == then;
      if (next == argument || next == init || constant) argument.replaceAllUsesWith(init);
    }
  });
}

llvm::SmallVector<prob::ForOp> loops_with_stops(FuncOp model) {
  llvm::SmallVector<prob::ForOp> out;
  for (auto loop : model.getBody().front().getOps<prob::ForOp>())
    if (!loop.block().getOps<prob::StopOp>().empty()) out.push_back(loop);
  return out;
}

/// What a loop with stops sums up is carried.
void carry_sums(prob::ForOp loop) {
  if (loop.getSums().empty()) return;
  LoopEdit edit(loop);
  OpBuilder before(loop), end(loop.terminator());
  const mlir::Location loc = loop.getLoc();
  llvm::SmallVector<std::pair<Value, size_t>> moved;  // an old result, the carry that replaces it
  for (const LoopEdit::Sum& sum : edit.sums) {
    const mlir::Type type = sum.value.getType();
    const Value zero = before.create<arith::ConstantOp>(
        loc, mlir::cast<mlir::TypedAttr>(before.getZeroAttr(type)));
    const Value so_far = edit.new_argument(type);
    const Value next = prob::is_real(type)
                           ? end.create<arith::AddFOp>(loc, so_far, sum.value).getResult()
                           : end.create<arith::AddIOp>(loc, so_far, sum.value).getResult();
    moved.emplace_back(sum.result, edit.carries.size());
    edit.carries.push_back({zero, so_far, next, Value()});
  }
  edit.sums.clear();
  edit.apply();
  for (auto [result, number] : moved) result.replaceAllUsesWith(edit.carries[number].result);
  edit.finish();
}

mlir::LogicalResult run_passes(FuncOp model, bool with_structure) {
  mlir::PassManager manager(model.getContext(), FuncOp::getOperationName());
  manager.enableVerifier(false);
  manager.addPass(mlir::createCSEPass());
  if (with_structure) {
    manager.addPass(create_structure_pass());
    manager.addPass(mlir::createCSEPass());
  }
  return manager.run(model);
}

/// What was just written is read back as the value.
void forward_writes(FuncOp model) {
  model.walk([](prob::ExtractOp read) {
    auto write = read.getArray().getDefiningOp<prob::InsertOp>();
    if (!write || write.getIndices() != read.getIndices()) return;
    read.replaceAllUsesWith(write.getValue());
    read.erase();
  });
}

/// Arrays that a loop with stops fills become maps, and what it reads a few places back a carry.
/// Where all of such an array is wanted later, particles have to keep it whole.
mlir::LogicalResult tidy(FuncOp model) {
  if (failed(run_passes(model, false))) return mlir::failure();
  forward_writes(model);
  FuncOp before = model.clone();
  if (failed(run_passes(model, true))) return mlir::failure();
  sweep(model);
  const bool whole = llvm::any_of(loops_with_stops(model), [](prob::ForOp loop) {
    return !loop.getIntos().empty() || loop.getReverse() ||
           llvm::any_of(loop.getMaps(), [](Value map) { return !map.use_empty(); });
  });
  if (whole) model.getBody().takeBody(before.getBody());
  before.erase();
  for (prob::ForOp loop : loops_with_stops(model)) carry_sums(loop);
  return mlir::success();
}

}  // namespace

mlir::LogicalResult evaluate_draws(FuncOp model) {
  settle_stops(model);
  mlir::Block& body = model.getBody().front();
  const ValueRange shape = call_shape(model);
  if (failed(weigh(model)) || failed(score_draws(model))) return mlir::failure();
  for (const ModelSite& site : model_sites(model))
    if (site.kind != ModelSite::Kind::Observed && failed(follow_site(model, site, shape)))
      return mlir::failure();
  for (const ModelSite& site : model_sites(model))
    if (site.moves) keep_index(model, site);
  if (failed(draw(model)) || failed(inline_calls(model))) return mlir::failure();
  // A sampler's requirements are those of the density that weighs it, or of none.
  model.walk([](prob::RequireOp require) { require.erase(); });
  body.getTerminator()->eraseOperands(0, body.getTerminator()->getNumOperands());
  if (failed(number_uniforms(model))) return mlir::failure();
  update_type(model);
  drop_constant_carries(model);
  sweep(model);
  if (failed(tidy(model))) return mlir::failure();
  drop_constant_carries(model);
  sweep(model);
  return mlir::success();
}

}  // namespace borel::transform

// One stage, for all particles.
#include "compiler/transform/suspend_functions.h"

#include <limits>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace borel::transform {

using mlir::BlockArgument;
using mlir::Location;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using mlir::ValueRange;
using mlir::func::FuncOp;
namespace arith = mlir::arith;
namespace scf = mlir::scf;
using Values = llvm::SmallVector<Value>;

/// Draws in a plate over particles become what they are: drawn, given, or given to the last one.
void Suspend::settle_draws(prob::ForOp particles, bool score) {
  const Value reals = reals_, ints = ints_;
  particles.walk([&](prob::DrawnOp drawn) {
    if (!given_reals_) {
      drawn.replaceAllUsesWith(drawn.getValue());
      drawn.erase();
      return;
    }
    OpBuilder b(drawn);
    reals_ = given_reals_;
    ints_ = given_ints_;
    const auto* site = llvm::find_if(stages_.sites, [&](const ModelSite& s) {
      return s.index == static_cast<int64_t>(drawn.getSite());
    });
    const auto number = static_cast<unsigned>(site - stages_.sites.begin());
    Values indices(drawn.getIndices());
    if (site->moves) indices.erase(indices.begin());
    Value value = load(b, stages_.find(stages_.of_site(number)), column_, indices, drawn.getType());
    if (!score) {
      const Value last = b.create<arith::SubIOp>(loc_, particles_, prob::int_constant(b, loc_, 1));
      const Value follows =
          b.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq, particles.induction(), last);
      value = b.create<arith::SelectOp>(loc_, follows, value, drawn.getValue());
    }
    drawn.replaceAllUsesWith(value);
    drawn.erase();
  });
  reals_ = reals;
  ints_ = ints;
}

/// From `number` on: the stage whose turn it is; `first` is its number among all stages.
Values Suspend::choose_stage(unsigned number, Value stage, Value first, Common& common) {
  if (number == stages_.stages.size()) {
    return {reals_, ints_, weights_};
  }
  const Value end = add_sizes(b_, loc_, first, trips(stages_.stages[number], common));
  const Value here = b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::slt, stage, end);
  const mlir::Type types[] = {reals_.getType(), ints_.getType(), prob::array_type(real_, 1)};
  auto branch = b_.create<scf::IfOp>(loc_, types, here, /*withElseRegion=*/true);
  const Value reals = reals_, ints = ints_;
  const auto in_branch = [&](mlir::Region& region, auto make) {
    OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToEnd(&region.front());
    Common inner(b_, common.map());
    const Values results = make(inner);
    b_.create<scf::YieldOp>(loc_, results);
    reals_ = reals;
    ints_ = ints;
  };
  in_branch(branch.getThenRegion(), [&](Common& inner) {
    return run_stage(number, b_.createOrFold<arith::SubIOp>(loc_, stage, first), inner);
  });
  in_branch(branch.getElseRegion(),
            [&](Common& inner) { return choose_stage(number + 1, stage, end, inner); });
  return Values(branch.getResults());
}

/// The same for the density of a stage's draws and its weight.
Value Suspend::score_stage(unsigned number, Value stage, Value first, Common& common) {
  const mlir::Type type = prob::array_type(real_, 1);
  if (number == stages_.stages.size())
    return b_.create<prob::ZerosOp>(loc_, type, ValueRange{particles_});
  const Value end = add_sizes(b_, loc_, first, trips(stages_.stages[number], common));
  const Value here = b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::slt, stage, end);
  auto branch = b_.create<scf::IfOp>(loc_, type, here, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b_);
  b_.setInsertionPointToEnd(&branch.getThenRegion().front());
  {
    Common inner(b_, common.map());
    const Value first_iteration =
        enter_stage(number, b_.createOrFold<arith::SubIOp>(loc_, stage, first), inner);
    auto loop = particle_loop(b_, [&](OpBuilder& in, Value particle) {
      OpBuilder outside(in.getInsertionBlock()->getParentOp());
      Common shared(outside, inner.map());
      Running run{number, shared, {}, particle, first_iteration};
      Stages::Stage& its = stages_.stages[number];
      const Value weight = get(in, run, its.weight()), score = get(in, run, its.score());
      return Values{in.create<arith::AddFOp>(loc_, weight, score)};
    });
    settle_draws(loop, /*score=*/true);
    const Value scores = loop.getMaps().front();
    b_.create<scf::YieldOp>(loc_, scores);
  }
  b_.setInsertionPointToEnd(&branch.getElseRegion().front());
  Common inner(b_, common.map());
  const Value others = score_stage(number + 1, stage, end, inner);
  b_.create<scf::YieldOp>(loc_, others);
  return branch.getResult(0);
}

/// Whether it is the first iteration of the stage's loop; null: it has none.
Value Suspend::enter_stage(unsigned number, Value iteration, Common& common) {
  prob::ForOp loop = stages_.stages[number].loop;
  if (!loop) return {};
  common.set(loop.induction(), add_sizes(b_, loc_, common.get(loop.getLower()), iteration));
  return b_.createOrFold<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq, iteration, integer(0));
}

Values Suspend::run_stage(unsigned number, Value iteration, Common& common) {
  Stages::Stage& stage = stages_.stages[number];
  const Value first = enter_stage(number, iteration, common);
  llvm::SmallVector<unsigned> written;
  // What is common is computed before the particles' loop, which is made around its body.
  auto loop = particle_loop(b_, [&](OpBuilder& in, Value particle) {
    OpBuilder outside(in.getInsertionBlock()->getParentOp());
    Common shared(outside, common.map());
    Running inner{number, shared, {}, particle, first};
    Values results{add_weight(in, particle, get(in, inner, stage.weight()))};
    for (unsigned kept = 0; kept < stages_.kept.size(); ++kept) {
      if (stages_.find(kept) != kept) continue;
      const auto value = value_at_stop(in, inner, kept);
      if (!value) continue;
      written.push_back(kept);
      results.push_back(as_held(in, *value));
    }
    return results;
  });
  settle_draws(loop, /*score=*/false);
  for (auto [i, kept] : llvm::enumerate(written))
    store(kept, loop.getMaps()[static_cast<unsigned>(i) + 1]);
  const Value weights = loop.getMaps().front();
  return {reals_, ints_, weights};
}

/// The particle's log weight with what the stage adds. What is no number counts as impossible.
Value Suspend::add_weight(OpBuilder& b, Value particle, Value weight) {
  const Value sum =
      b.create<arith::AddFOp>(loc_, prob::extract(b, loc_, weights_, particle), weight);
  return b.create<arith::SelectOp>(loc_, is_possible(b, sum), sum, never(b));
}

Value Suspend::never(OpBuilder& b) {
  return prob::real_constant(b, loc_, -std::numeric_limits<double>::infinity());
}

Value Suspend::is_possible(OpBuilder& b, Value weight) {
  return b.create<arith::CmpFOp>(loc_, arith::CmpFPredicate::OGT, weight, never(b));
}

/// What the rows of `kept` get at the stage's stop; none: they stay.
std::optional<Value> Suspend::value_at_stop(OpBuilder& b, Running& run, unsigned kept) {
  for (unsigned i = 0; i < stages_.kept.size(); ++i) {
    if (stages_.find(i) != kept || !stages_.kept[i].live[run.stage]) continue;
    const Stages::Held held = stages_.held(i, run.stage);
    if (const auto* other = std::get_if<unsigned>(&held)) {
      if (stages_.find(*other) == kept) continue;
      return load(b, stages_.find(*other), run.particle);
    }
    return get(b, run, std::get<Value>(held));
  }
  return std::nullopt;
}

/// A value of the stage, for one particle.
Value Suspend::get(OpBuilder& b, Running& run, Value value) {
  if (stages_.is_common(value)) return run.common.get(value);
  if (const Value known = run.values.lookupOrNull(value)) return known;
  if (const auto kept = stages_.read(run.stage, value)) {
    const Value held = read_kept(b, run, *kept, value);
    run.values.map(value, held);
    return held;
  }
  if (value == model_.getArgument(captured_ + 1)) return run.particle;
  Operation* op = value.getDefiningOp();
  for (const Value operand : used_by(op)) run.values.map(operand, get(b, run, operand));
  b.clone(*op, run.values);
  return run.values.lookup(value);
}

Value Suspend::read_kept(OpBuilder& b, Running& run, unsigned kept, Value value) {
  const unsigned rows = stages_.find(kept);
  Value init, empty;
  if (auto argument = mlir::dyn_cast<BlockArgument>(value)) {
    init = stages_.initial(run.stage, argument);
    empty = run.first;
  } else if (auto loop = value.getDefiningOp<prob::ForOp>();
             loop && !loop.block().getOps<prob::StopOp>().empty()) {
    // A loop that does not run at all gives what it began with.
    init = loop.getCarryInits()[mlir::cast<mlir::OpResult>(value).getResultNumber()];
    const auto from = stages_.read(run.stage, init);
    if (from && stages_.find(*from) == rows) init = Value();
    OpBuilder& outside = run.common.builder();
    empty = outside.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sge,
                                          run.common.get(loop.getLower()),
                                          run.common.get(loop.getUpper()));
  }
  if (!init) return load(b, rows, run.particle);
  auto branch = b.create<scf::IfOp>(loc_, mlir::TypeRange{value.getType()}, empty,
                                    /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&branch.getThenRegion().front());
  Running inner{run.stage, run.common, run.values, run.particle, run.first};
  const Value begun = get(b, inner, init);
  b.create<scf::YieldOp>(loc_, begun);
  b.setInsertionPointToEnd(&branch.getElseRegion().front());
  const Value held = load(b, rows, run.particle);
  b.create<scf::YieldOp>(loc_, held);
  return branch.getResult(0);
}

}  // namespace borel::transform

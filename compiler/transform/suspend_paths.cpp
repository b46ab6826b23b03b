// Paths of single particles, and summaries of all.
#include "compiler/transform/suspend_functions.h"

#include <limits>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
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

mlir::LogicalResult Suspend::make_trace_path() {
  llvm::SmallVector<mlir::Type> arguments;
  for (const ModelSite& site : stages_.sites)
    if (site.kind == ModelSite::Kind::Latent) arguments.push_back(site.type);
  Common common = open(arguments);
  mlir::Block& body = *b_.getInsertionBlock();
  place_rows(common);
  Value count = integer(0);
  for (const Stages::Stage& stage : stages_.stages)
    count = add_sizes(b_, loc_, count, trips(stage, common));
  const auto zeros = [&](mlir::Type type, Value rows) -> Value {
    return b_.create<prob::ZerosOp>(loc_, prob::array_type(type, 2), ValueRange{rows, count});
  };
  Values frames{zeros(real_, real_rows_), zeros(integer_, int_rows_)};
  const auto given = body.getArguments().drop_front(captured_);
  Value first = integer(0);
  for (unsigned number = 0; number < stages_.stages.size(); ++number) {
    const Stages::Stage& stage = stages_.stages[number];
    const Value its = trips(stage, common);
    if (!stage.loop) {
      if (failed(write_path(b_, number, first, common, given, frames))) return mlir::failure();
    } else {
      auto loop = b_.create<prob::ForOp>(loc_, integer(0), its, frames, mlir::TypeRange{},
                                         mlir::TypeRange{}, ValueRange{});
      OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPointToEnd(&loop.block());
      Common inner(b_, common.map());
      enter_stage(number, loop.induction(), inner);
      Values next(loop.carry_args().begin(), loop.carry_args().end());
      if (failed(write_path(b_, number, add_sizes(b_, loc_, first, loop.induction()), inner, given,
                            next)))
        return mlir::failure();
      b_.create<prob::YieldOp>(loc_, next, ValueRange{}, ValueRange{}, ValueRange{});
      frames = Values(loop.getCarries());
    }
    first = add_sizes(b_, loc_, first, its);
  }
  close(frames);
  return mlir::success();
}

mlir::LogicalResult Suspend::make_path_trace() {
  Common common = open({prob::array_type(real_, 2), prob::array_type(integer_, 2)});
  mlir::Block& body = *b_.getInsertionBlock();
  reals_ = body.getArgument(captured_);
  ints_ = body.getArgument(captured_ + 1);
  place_rows(common);
  auto symbol = model_->getAttrOfType<mlir::FlatSymbolRefAttr>(prob::shape_attribute);
  auto shape_of = mlir::SymbolTable::lookupNearestSymbolFrom<FuncOp>(model_, symbol);
  auto shape = b_.create<mlir::func::CallOp>(
      loc_, shape_of, body.getArguments().take_front(shape_of.getNumArguments()));
  Values traced;
  for (const ModelSite& site : stages_.sites) traced.push_back(empty_site(site, shape));
  Value first = integer(0);
  for (unsigned number = 0; number < stages_.stages.size(); ++number) {
    const Stages::Stage& stage = stages_.stages[number];
    const Value count = trips(stage, common);
    if (!stage.loop) {
      if (failed(trace_stage(b_, number, first, common, traced))) return mlir::failure();
    } else {
      auto loop = b_.create<prob::ForOp>(loc_, integer(0), count, traced, mlir::TypeRange{},
                                         mlir::TypeRange{}, ValueRange{});
      OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPointToEnd(&loop.block());
      Common inner(b_, common.map());
      enter_stage(number, loop.induction(), inner);
      Values next(loop.carry_args().begin(), loop.carry_args().end());
      if (failed(
              trace_stage(b_, number, add_sizes(b_, loc_, first, loop.induction()), inner, next)))
        return mlir::failure();
      b_.create<prob::YieldOp>(loc_, next, ValueRange{}, ValueRange{}, ValueRange{});
      traced = Values(loop.getCarries());
    }
    first = add_sizes(b_, loc_, first, count);
  }
  close(traced);
  return mlir::success();
}

Value Suspend::empty_site(const ModelSite& site, mlir::func::CallOp shape) {
  const mlir::Type scalar = prob::scalar_type(site.type);
  const auto array = mlir::dyn_cast<mlir::RankedTensorType>(site.type);
  if (!array)
    return b_.create<arith::ConstantOp>(loc_, mlir::cast<mlir::TypedAttr>(b_.getZeroAttr(scalar)));
  Values extents;
  for (int64_t d = 0; d < array.getRank(); ++d)
    extents.push_back(shape.getResult(static_cast<unsigned>(site.shape_result + d)));
  if (site.column_major && extents.size() >= 2)
    std::swap(extents[extents.size() - 1], extents[extents.size() - 2]);
  return b_.create<prob::ZerosOp>(loc_, site.type, extents);
}

/// The sites as they are known after a stage, whose frames are in one column.
mlir::LogicalResult Suspend::trace_stage(OpBuilder& b, unsigned stage, Value column, Common& common,
                                         Values& traced) {
  llvm::APInt number;
  for (unsigned i = 0; i < traced.size(); ++i) {
    const unsigned kept = stages_.of_site(i);
    if (!stages_.kept[kept].live[stage]) continue;
    const Value value = load(b, stages_.find(kept), column);
    if (!stages_.sites[i].moves) {
      traced[i] = value;
      continue;
    }
    const Value index = stages_.site_index(stage, i);
    if (mlir::matchPattern(index, mlir::m_ConstantInt(&number)) && number.isNegative()) continue;
    if (!stages_.is_common(index))
      return model_.emitError("draws at an index that depends on draws: its path has no trace");
    traced[i] = b.create<prob::InsertOp>(loc_, value, traced[i], ValueRange{common.get(index)},
                                         mlir::IntegerAttr());
  }
  return mlir::success();
}

/// The sites' values after a stage, to one column of frames.
mlir::LogicalResult Suspend::write_path(OpBuilder& b, unsigned stage, Value column, Common& common,
                                        ValueRange given, Values& frames) {
  llvm::APInt number;
  unsigned next = 0;
  for (unsigned i = 0; i < stages_.sites.size(); ++i) {
    const ModelSite& site = stages_.sites[i];
    if (site.kind != ModelSite::Kind::Latent) continue;
    Value value = given[next++];
    if (!stages_.kept[stages_.of_site(i)].live[stage]) continue;
    if (site.moves) {
      const Value index = stages_.site_index(stage, i);
      if (mlir::matchPattern(index, mlir::m_ConstantInt(&number)) && number.isNegative()) continue;
      if (!stages_.is_common(index))
        return model_.emitError("draws at an index that depends on draws: its trace has no path");
      value = prob::extract(b, loc_, value, common.get(index));
    }
    const unsigned kept = stages_.find(stages_.of_site(i));
    Value& into = frames[in_reals(stages_.kept[kept].type) ? 0 : 1];
    Values indices;
    into = write_element(b, kept, value, column, into, indices);
  }
  return mlir::success();
}

void Suspend::make_summary() {
  const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
  Common common = open({frames[0], frames[1], prob::array_type(real_, 1)});
  mlir::Block& body = *b_.getInsertionBlock();
  reals_ = body.getArgument(captured_);
  ints_ = body.getArgument(captured_ + 1);
  weights_ = body.getArgument(captured_ + 2);
  particles_ = prob::dim(b_, loc_, reals_, 1);
  place_rows(common);
  const Value total = sum_over_particles(
      [&](OpBuilder& b, Value particle) { return prob::extract(b, loc_, weights_, particle); });
  total_ = total;
  Values results;
  for (unsigned site = 0; site < stages_.sites.size(); ++site) {
    const unsigned kept = stages_.find(stages_.of_site(site));
    results.append({moments(kept, /*deviation=*/false), moments(kept, /*deviation=*/true)});
  }
  close(results);
}

Value Suspend::sum_over_particles(llvm::function_ref<Value(OpBuilder&, Value)> term) {
  return sum_over_particles(b_, term);
}

Value Suspend::sum_over_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> term) {
  auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), particles_, ValueRange{},
                                    mlir::TypeRange{}, mlir::TypeRange{real_}, ValueRange{});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&loop.block());
  const Value value = term(b, loop.induction());
  b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{}, ValueRange{value}, ValueRange{});
  return loop.getSums().front();
}

Value Suspend::moments(unsigned kept, bool deviation) {
  Values indices;
  return moments(b_, kept, deviation, indices);
}

Value Suspend::moments(OpBuilder& b, unsigned kept, bool deviation, Values& indices) {
  if (indices.size() < extents_[kept].size()) {
    const mlir::Type element =
        prob::array_type(real_, static_cast<unsigned>(extents_[kept].size() - indices.size() - 1));
    auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0),
                                      extents_[kept][indices.size()], ValueRange{},
                                      mlir::TypeRange{element}, mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    indices.push_back(loop.induction());
    const Value value = moments(b, kept, deviation, indices);
    indices.pop_back();
    b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{value}, ValueRange{}, ValueRange{});
    return loop.getMaps().front();
  }
  const Value row = row_index(b, kept, indices);
  const bool real = in_reals(stages_.kept[kept].type);
  const auto value = [&](OpBuilder& in, Value particle) -> Value {
    const Value held = prob::extract(in, loc_, real ? reals_ : ints_, {row, particle});
    return real ? held : in.create<arith::SIToFPOp>(loc_, real_, held).getResult();
  };
  const auto average = [&](llvm::function_ref<Value(OpBuilder&, Value)> of) -> Value {
    const Value sum = sum_over_particles(b, [&](OpBuilder& in, Value particle) -> Value {
      return in.create<arith::MulFOp>(loc_, prob::extract(in, loc_, weights_, particle),
                                      of(in, value(in, particle)));
    });
    return b.create<arith::DivFOp>(loc_, sum, total_);
  };
  const Value mean = average([](OpBuilder&, Value x) { return x; });
  if (!deviation) return mean;
  const Value variance = average([&](OpBuilder& in, Value x) -> Value {
    const Value away = in.create<arith::SubFOp>(loc_, x, mean);
    return in.create<arith::MulFOp>(loc_, away, away);
  });
  return b.create<mlir::math::SqrtOp>(loc_, variance);
}

}  // namespace borel::transform

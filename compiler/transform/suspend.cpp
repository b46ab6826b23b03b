#include "compiler/transform/suspend.h"

#include <limits>

#include "compiler/transform/suspend_stages.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
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

namespace {

using Values = llvm::SmallVector<Value>;

Operation* clone_with(OpBuilder& b, Operation* op, mlir::IRMapping& map) {
  return b.clone(*op, map);
}

llvm::SetVector<Value> used_by(Operation* op) {
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  if (op->getNumRegions() != 0) mlir::getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

/// What is common to all particles, computed once, outside of their loops.
class Common {
 public:
  Common(OpBuilder& b, mlir::IRMapping map) : b_(b), map_(std::move(map)) {}

  Value get(Value value) {
    if (const Value known = map_.lookupOrNull(value)) return known;
    Operation* op = value.getDefiningOp();
    for (const Value operand : used_by(op)) get(operand);
    clone_with(b_, op, map_);
    return map_.lookup(value);
  }
  void set(Value value, Value by) { map_.map(value, by); }
  OpBuilder& builder() { return b_; }
  const mlir::IRMapping& map() const { return map_; }

 private:
  OpBuilder& b_;
  mlir::IRMapping map_;
};

/// Makes functions of the stages of a model in a new body.
class Suspend {
 public:
  explicit Suspend(FuncOp model)
      : model_(model), stages_(model), loc_(model.getLoc()), b_(model.getContext()) {
    real_ = prob::real_type(b_.getContext());
    integer_ = b_.getI64Type();
    captured_ = model.getNumArguments() - 2;
  }

  /// False: of an array that particles keep (which was reported).
  bool knows_sizes() const { return knows_sizes_; }

  void make_count() {
    Common common = open({});
    Value count = integer(0);
    for (const Stages::Stage& stage : stages_.stages)
      count = add_sizes(b_, loc_, count, trips(stage, common));
    close({count});
  }

  void make_size(bool reals) {
    Common common = open({});
    place_rows(common);
    close({reals ? real_rows_ : int_rows_});
  }

  void make_advance(bool follow) {
    const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
    llvm::SmallVector<mlir::Type> arguments{integer_, frames[0], frames[1],
                                            prob::array_type(real_, 1)};
    if (follow) arguments.append({frames[0], frames[1]});
    Common common = open(arguments);
    mlir::Block& body = *b_.getInsertionBlock();
    if (follow) {
      given_reals_ = body.getArgument(captured_ + 4);
      given_ints_ = body.getArgument(captured_ + 5);
      column_ = body.getArgument(captured_);
    }
    const Value stage = body.getArgument(captured_);
    reals_ = body.getArgument(captured_ + 1);
    ints_ = body.getArgument(captured_ + 2);
    weights_ = body.getArgument(captured_ + 3);
    particles_ = prob::dim(b_, loc_, reals_, 1);
    common.set(model_.getArgument(captured_), b_.create<prob::KeyOp>(loc_, integer_));
    place_rows(common);
    close(choose_stage(0, stage, integer(0), common));
  }

  void make_transition() {
    const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
    Common common = open({integer_, frames[0], frames[1], frames[0], frames[1], integer_});
    mlir::Block& body = *b_.getInsertionBlock();
    const Value stage = body.getArgument(captured_);
    reals_ = body.getArgument(captured_ + 1);
    ints_ = body.getArgument(captured_ + 2);
    particles_ = prob::dim(b_, loc_, reals_, 1);
    common.set(model_.getArgument(captured_), integer(0));  // nothing is drawn
    place_rows(common);
    given_reals_ = body.getArgument(captured_ + 3);
    given_ints_ = body.getArgument(captured_ + 4);
    column_ = body.getArgument(captured_ + 5);
    close({score_stage(0, stage, integer(0), common)});
  }

  mlir::LogicalResult make_trace_path() {
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

  mlir::LogicalResult make_path_trace() {
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
        if (failed(trace_stage(b_, number, add_sizes(b_, loc_, first, loop.induction()), inner,
                               next)))
          return mlir::failure();
        b_.create<prob::YieldOp>(loc_, next, ValueRange{}, ValueRange{}, ValueRange{});
        traced = Values(loop.getCarries());
      }
      first = add_sizes(b_, loc_, first, count);
    }
    close(traced);
    return mlir::success();
  }

  void make_check() {
    Common common = open({integer_, prob::array_type(real_, 1)});
    mlir::Block& body = *b_.getInsertionBlock();
    const Value latest = b_.create<arith::SubIOp>(loc_, body.getArgument(captured_), integer(1));
    weights_ = body.getArgument(captured_ + 1);
    particles_ = prob::dim(b_, loc_, weights_, 0);
    auto loop = b_.create<prob::ForOp>(loc_, integer(0), particles_, ValueRange{},
                                       mlir::TypeRange{}, mlir::TypeRange{integer_}, ValueRange{});
    {
      OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPointToEnd(&loop.block());
      const Value possible = is_possible(b_, prob::extract(b_, loc_, weights_, loop.induction()));
      const Value one = b_.create<arith::ExtUIOp>(loc_, integer_, possible);
      b_.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{}, ValueRange{one}, ValueRange{});
    }
    const Value none = b_.create<arith::AndIOp>(
        loc_,
        b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq, loop.getSums().front(),
                                 integer(0)),
        b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sgt, particles_, integer(0)));
    Value first = integer(0);
    for (Stages::Stage& stage : stages_.stages) {
      const Value end = add_sizes(b_, loc_, first, trips(stage, common));
      auto place = stage.stop->getAttrOfType<mlir::IntegerAttr>(prob::place_attribute);
      if (place) {
        const Value within = b_.create<arith::AndIOp>(
            loc_, b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sge, latest, first),
            b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::slt, latest, end));
        Value element;
        if (stage.loop)
          element = add_sizes(b_, loc_, common.get(stage.loop.getLower()),
                              b_.create<arith::SubIOp>(loc_, latest, first));
        constexpr int weights_fault = 11;  // BOREL_FAULT_WEIGHTS
        b_.create<prob::FaultOp>(loc_, b_.create<arith::AndIOp>(loc_, none, within), element,
                                 weights_fault, static_cast<uint64_t>(place.getInt()));
      }
      first = end;
    }
    close({});
  }

  void make_summary() {
    const mlir::Type frames[] = {prob::array_type(real_, 2), prob::array_type(integer_, 2)};
    Common common = open({frames[0], frames[1], prob::array_type(real_, 1)});
    mlir::Block& body = *b_.getInsertionBlock();
    reals_ = body.getArgument(captured_);
    ints_ = body.getArgument(captured_ + 1);
    weights_ = body.getArgument(captured_ + 2);
    particles_ = prob::dim(b_, loc_, reals_, 1);
    place_rows(common);
    const Value total = sum_over_particles([&](OpBuilder& b, Value particle) {
      return prob::extract(b, loc_, weights_, particle);
    });
    total_ = total;
    Values results;
    for (unsigned site = 0; site < stages_.sites.size(); ++site) {
      const unsigned kept = stages_.find(stages_.of_site(site));
      results.append({moments(kept, /*deviation=*/false), moments(kept, /*deviation=*/true)});
    }
    close(results);
  }

 private:
  // ---- the function --------------------------------------------------------------------------

  Common open(mlir::TypeRange arguments) {
    region_ = std::make_unique<mlir::Region>();
    mlir::Block& body = region_->emplaceBlock();
    mlir::IRMapping map;
    for (unsigned i = 0; i < captured_; ++i)
      map.map(model_.getArgument(i), body.addArgument(model_.getArgumentTypes()[i], loc_));
    for (const mlir::Type type : arguments) body.addArgument(type, loc_);
    b_.setInsertionPointToEnd(&body);
    return Common(b_, map);
  }

  void close(ValueRange results) {
    b_.create<mlir::func::ReturnOp>(loc_, results);
    model_.getBody().takeBody(*region_);
    update_type(model_);
    model_->removeAttr(prob::model_attribute);
  }

  Value integer(int64_t value) { return prob::int_constant(b_, loc_, value); }

  Value trips(const Stages::Stage& stage, Common& common) {
    if (!stage.loop) return integer(1);
    prob::ForOp loop = stage.loop;
    const Value difference = b_.createOrFold<arith::SubIOp>(loc_, common.get(loop.getUpper()),
                                                            common.get(loop.getLower()));
    return b_.createOrFold<arith::MaxSIOp>(loc_, difference, integer(0));
  }

  // ---- rows ----------------------------------------------------------------------------------

  bool in_reals(mlir::Type type) const { return prob::is_real(type); }

  void place_rows(Common& common) {
    real_rows_ = int_rows_ = integer(0);
    rows_.resize(stages_.kept.size());
    extents_.resize(stages_.kept.size());
    for (unsigned i = 0; i < stages_.kept.size(); ++i) {
      if (stages_.find(i) != i) continue;
      const mlir::Type type = stages_.kept[i].type;
      Value& next = in_reals(type) ? real_rows_ : int_rows_;
      rows_[i] = next;
      Value elements = integer(1);
      if (prob::is_array(type)) {
        extents_[i] = extents_of(i, common);
        for (const Value extent : extents_[i])
          elements = multiply_sizes(b_, loc_, elements, extent);
      }
      next = add_sizes(b_, loc_, next, elements);
    }
  }

  /// The extents of a kept array, from a value that all who share its rows agree with.
  Values extents_of(unsigned kept, Common& common) {
    Value value = stages_.kept[kept].value;
    for (unsigned i = 0; !value && i < stages_.kept.size(); ++i)
      if (stages_.find(i) == kept) value = stages_.kept[i].value;
    if (!value) value = stages_.site_value(0, stages_.kept[kept].site);
    return extents_of(value, common);
  }
  Values extents_of(Value array, Common& common) {
    const auto rank = mlir::cast<mlir::RankedTensorType>(array.getType()).getRank();
    Values out;
    for (int64_t d = 0; d < rank; ++d) out.push_back(extent_of(array, d, common));
    return out;
  }
  /// Of what is common: whether it also does not depend on the iteration of a loop with stops.
  static bool is_same_in_all_iterations(Value value) {
    llvm::SetVector<Value> work;
    work.insert(value);
    for (size_t i = 0; i < work.size(); ++i) {
      if (Operation* op = work[i].getDefiningOp()) {
        for (const Value used : used_by(op)) work.insert(used);
      } else if (!mlir::isa<FuncOp>(mlir::cast<BlockArgument>(work[i]).getOwner()->getParentOp())) {
        return false;
      }
    }
    return true;
  }

  Value unknown_size() {
    if (knows_sizes_) mlir::emitError(loc_, "particles would need to know the size of an array");
    knows_sizes_ = false;
    return integer(0);
  }

  /// A number by which an extent is known, which may be that of another array.
  Value size_of(Value size, Common& common) {
    if (stages_.is_common(size) && is_same_in_all_iterations(size)) return common.get(size);
    Operation* op = size.getDefiningOp();
    if (auto dim = mlir::dyn_cast_or_null<prob::DimOp>(op))
      return extent_of(dim.getArray(), static_cast<int64_t>(dim.getDimension()), common);
    if (!op || op->getNumRegions() != 0 || op->getNumOperands() == 0 ||
        mlir::isa<prob::ExtractOp>(op)) {
      return unknown_size();
    }
    mlir::IRMapping map;
    for (const Value operand : op->getOperands()) map.map(operand, size_of(operand, common));
    return b_.clone(*op, map)->getResult(0);
  }

  /// Extents are common even where the array is not.
  Value extent_of(Value array, int64_t dimension, Common& common) {
    if (stages_.is_common(array) && is_same_in_all_iterations(array))
      return prob::dim(b_, loc_, common.get(array), dimension);
    if (auto argument = mlir::dyn_cast<BlockArgument>(array)) {
      auto loop = mlir::cast<prob::ForOp>(argument.getOwner()->getParentOp());
      const unsigned number = argument.getArgNumber() - 1;
      if (number < loop.getCarryInits().size())
        return extent_of(loop.getCarryInits()[number], dimension, common);
      return extent_of(loop.getIntoInits()[number - loop.getCarryInits().size()], dimension,
                       common);
    }
    Operation* op = array.getDefiningOp();
    if (auto insert = mlir::dyn_cast<prob::InsertOp>(op))
      return extent_of(insert.getArray(), dimension, common);
    if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(op))
      return extent_of(add_at.getArray(), dimension, common);
    if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op))
      return extent_of(extract.getArray(),
                       dimension + static_cast<int64_t>(extract.getIndices().size()), common);
    if (auto drawn = mlir::dyn_cast<prob::DrawnOp>(op))
      return extent_of(drawn.getValue(), dimension, common);
    if (auto zeros = mlir::dyn_cast<prob::ZerosOp>(op))
      return size_of(zeros.getExtents()[static_cast<unsigned>(dimension)], common);
    const unsigned number = mlir::cast<mlir::OpResult>(array).getResultNumber();
    if (auto branch = mlir::dyn_cast<scf::IfOp>(op))
      return extent_of(branch.thenYield().getOperand(number), dimension, common);
    if (auto select = mlir::dyn_cast<arith::SelectOp>(op))
      return extent_of(select.getTrueValue(), dimension, common);
    if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
      const unsigned carries = static_cast<unsigned>(loop.getCarries().size());
      const unsigned maps = static_cast<unsigned>(loop.getMaps().size());
      if (number < carries) return extent_of(loop.getCarryInits()[number], dimension, common);
      if (number >= carries + maps)
        return extent_of(loop.getIntoInits()[number - carries - maps - loop.getSums().size()],
                         dimension, common);
      if (dimension > 0)
        return extent_of(loop.terminator().getMaps()[number - carries], dimension - 1, common);
      const Value trips = b_.createOrFold<arith::SubIOp>(loc_, size_of(loop.getUpper(), common),
                                                         size_of(loop.getLower(), common));
      return b_.createOrFold<arith::MaxSIOp>(loc_, trips, integer(0));
    }
    return unknown_size();
  }

  Value row_index(OpBuilder& b, unsigned kept, ValueRange indices) {
    return add_sizes(b, loc_, rows_[kept],
                     indices.empty() ? prob::int_constant(b, loc_, 0)
                                     : linear_index(b, loc_, indices, extents_[kept]));
  }

  /// A kept value of one particle.
  Value load(OpBuilder& b, unsigned kept, Value particle) {
    Values indices;
    return load(b, kept, particle, indices, stages_.kept[kept].type);
  }
  Value load(OpBuilder& b, unsigned kept, Value particle, Values& indices, mlir::Type type) {
    const mlir::Type scalar = prob::scalar_type(stages_.kept[kept].type);
    if (!prob::is_array(type)) {
      const Value row = row_index(b, kept, indices);
      const Value held = prob::extract(b, loc_, in_reals(scalar) ? reals_ : ints_, {row, particle});
      if (!scalar.isInteger(1)) return held;
      return b.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ne, held,
                                     prob::int_constant(b, loc_, 0));
    }
    const mlir::Type element = prob::element_type(type);
    auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0),
                                      extents_[kept][indices.size()], ValueRange{},
                                      mlir::TypeRange{element}, mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    indices.push_back(loop.induction());
    const Value value = load(b, kept, particle, indices, element);
    indices.pop_back();
    b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{value}, ValueRange{}, ValueRange{});
    return loop.getMaps().front();
  }

  /// A column of values, an element for each particle, goes to the rows of `kept`.
  void store(unsigned kept, Value column) {
    Values indices;
    Value& frames = in_reals(stages_.kept[kept].type) ? reals_ : ints_;
    frames = store(b_, kept, column, frames, indices);
  }
  Value store(OpBuilder& b, unsigned kept, Value column, Value frames, Values& indices) {
    const size_t rank = extents_[kept].size();
    if (indices.size() == rank) {
      Value row = column;
      if (rank > 0)
        row = for_particles(b, [&](OpBuilder& in, Value particle) {
          Values at{particle};
          at.append(indices);
          return prob::extract(in, loc_, column, at);
        });
      return b.create<prob::InsertOp>(loc_, row, frames, ValueRange{row_index(b, kept, indices)},
                                      mlir::IntegerAttr());
    }
    auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0),
                                      extents_[kept][indices.size()], ValueRange{frames},
                                      mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    indices.push_back(loop.induction());
    const Value next = store(b, kept, column, loop.carry_args().front(), indices);
    indices.pop_back();
    b.create<prob::YieldOp>(loc_, ValueRange{next}, ValueRange{}, ValueRange{}, ValueRange{});
    return loop.getCarries().front();
  }

  Value for_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> body) {
    OpBuilder::InsertionGuard guard(b);
    auto loop = particle_loop(b, [&](OpBuilder& in, Value particle) {
      return Values{body(in, particle)};
    });
    return loop.getMaps().front();
  }

  /// A plate over the particles, whose maps' types are those of what the body gives.
  prob::ForOp particle_loop(OpBuilder& b, llvm::function_ref<Values(OpBuilder&, Value)> body) {
    // The body first: it says what the maps are.
    auto shell = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), particles_,
                                       ValueRange{}, mlir::TypeRange{}, mlir::TypeRange{},
                                       ValueRange{});
    Values values;
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(&shell.block());
      values = body(b, shell.induction());
    }
    b.setInsertionPoint(shell);
    auto loop = b.create<prob::ForOp>(loc_, shell.getLower(), shell.getUpper(), ValueRange{},
                                      mlir::TypeRange(ValueRange(values)), mlir::TypeRange{},
                                      ValueRange{});
    shell.induction().replaceAllUsesWith(loop.induction());
    for (Value& value : values)
      if (value == shell.induction()) value = loop.induction();
    loop.block().getOperations().splice(loop.block().end(), shell.block().getOperations());
    shell.erase();
    b.setInsertionPointToEnd(&loop.block());
    b.create<prob::YieldOp>(loc_, ValueRange{}, values, ValueRange{}, ValueRange{});
    b.setInsertionPointAfter(loop);
    return loop;
  }

  // ---- traces --------------------------------------------------------------------------------

  Value empty_site(const ModelSite& site, mlir::func::CallOp shape) {
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
  mlir::LogicalResult trace_stage(OpBuilder& b, unsigned stage, Value column, Common& common,
                                  Values& traced) {
    for (unsigned i = 0; i < traced.size(); ++i) {
      const unsigned kept = stages_.of_site(i);
      if (!stages_.is_drawn(stage, i)) continue;
      const Value value = load(b, stages_.find(kept), column);
      if (!stages_.sites[i].moves) {
        traced[i] = value;
        continue;
      }
      const Value index = stages_.site_index(stage, i);
      if (!stages_.is_common(index))
        return model_.emitError("draws at an index that depends on draws: its path has no trace");
      traced[i] = b.create<prob::InsertOp>(loc_, value, traced[i], ValueRange{common.get(index)},
                                           mlir::IntegerAttr());
    }
    return mlir::success();
  }

  /// The sites' values after a stage, to one column of frames.
  mlir::LogicalResult write_path(OpBuilder& b, unsigned stage, Value column, Common& common,
                                 ValueRange given, Values& frames) {
    unsigned next = 0;
    for (unsigned i = 0; i < stages_.sites.size(); ++i) {
      const ModelSite& site = stages_.sites[i];
      if (site.kind != ModelSite::Kind::Latent) continue;
      Value value = given[next++];
      if (!stages_.kept[stages_.of_site(i)].live[stage]) continue;
      if (site.moves) {
        const Value index = stages_.site_index(stage, i);
        // What a loop before has drawn last nobody asks of a path.
        if (!stages_.is_common(index) && !stages_.is_drawn(stage, i)) continue;
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
  Value write_element(OpBuilder& b, unsigned kept, Value value, Value column, Value frames,
                      Values& indices) {
    if (indices.size() == extents_[kept].size()) {
      Value element = indices.empty() ? value : prob::extract(b, loc_, value, indices);
      if (element.getType().isInteger(1))
        element = b.create<arith::ExtUIOp>(loc_, integer_, element);
      return b.create<prob::InsertOp>(loc_, element, frames,
                                      ValueRange{row_index(b, kept, indices), column},
                                      mlir::IntegerAttr());
    }
    auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0),
                                      extents_[kept][indices.size()], ValueRange{frames},
                                      mlir::TypeRange{}, mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    indices.push_back(loop.induction());
    const Value next =
        write_element(b, kept, value, column, loop.carry_args().front(), indices);
    indices.pop_back();
    b.create<prob::YieldOp>(loc_, ValueRange{next}, ValueRange{}, ValueRange{}, ValueRange{});
    return loop.getCarries().front();
  }

  /// Draws in a plate over particles become what they are: drawn, given, or given to the last one.
  void settle_draws(prob::ForOp particles, bool score) {
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
      Value value =
          load(b, stages_.find(stages_.of_site(number)), column_, indices, drawn.getType());
      if (!score) {
        const Value last = b.create<arith::SubIOp>(loc_, particles_, prob::int_constant(b, loc_, 1));
        const Value follows = b.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq,
                                                      particles.induction(), last);
        value = b.create<arith::SelectOp>(loc_, follows, value, drawn.getValue());
      }
      drawn.replaceAllUsesWith(value);
      drawn.erase();
    });
    reals_ = reals;
    ints_ = ints;
  }

  // ---- a stage -------------------------------------------------------------------------------

  /// From `number` on: the stage whose turn it is; `first` is its number among all stages.
  Values choose_stage(unsigned number, Value stage, Value first, Common& common) {
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
    in_branch(branch.getElseRegion(), [&](Common& inner) {
      return choose_stage(number + 1, stage, end, inner);
    });
    return Values(branch.getResults());
  }

  /// The same for the density of a stage's draws and its weight.
  Value score_stage(unsigned number, Value stage, Value first, Common& common) {
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
  Value enter_stage(unsigned number, Value iteration, Common& common) {
    prob::ForOp loop = stages_.stages[number].loop;
    if (!loop) return {};
    common.set(loop.induction(), add_sizes(b_, loc_, common.get(loop.getLower()), iteration));
    return b_.createOrFold<arith::CmpIOp>(loc_, arith::CmpIPredicate::eq, iteration, integer(0));
  }

  struct Running {
    unsigned stage;
    Common& common;
    mlir::IRMapping values;
    Value particle;
    Value first;  // whether it is the loop's first iteration
  };

  Values run_stage(unsigned number, Value iteration, Common& common) {
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
  Value add_weight(OpBuilder& b, Value particle, Value weight) {
    const Value sum = b.create<arith::AddFOp>(
        loc_, prob::extract(b, loc_, weights_, particle), weight);
    return b.create<arith::SelectOp>(loc_, is_possible(b, sum), sum, never(b));
  }
  Value never(OpBuilder& b) {
    return prob::real_constant(b, loc_, -std::numeric_limits<double>::infinity());
  }
  Value is_possible(OpBuilder& b, Value weight) {
    return b.create<arith::CmpFOp>(loc_, arith::CmpFPredicate::OGT, weight, never(b));
  }

  /// Truths are kept as whole numbers.
  Value as_held(OpBuilder& b, Value value) {
    const mlir::Type scalar = prob::scalar_type(value.getType());
    if (!scalar.isInteger(1)) return value;
    if (!prob::is_array(value.getType())) return b.create<arith::ExtUIOp>(loc_, integer_, value);
    auto loop = b.create<prob::ForOp>(
        loc_, prob::int_constant(b, loc_, 0), prob::dim(b, loc_, value, 0), ValueRange{},
        mlir::TypeRange{prob::array_type(
            integer_, static_cast<unsigned>(
                          mlir::cast<mlir::RankedTensorType>(value.getType()).getRank() - 1))},
        mlir::TypeRange{}, ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    const Value element = as_held(b, prob::extract(b, loc_, value, loop.induction()));
    b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{element}, ValueRange{}, ValueRange{});
    return loop.getMaps().front();
  }

  /// What the rows of `kept` get at the stage's stop; none: they stay.
  std::optional<Value> value_at_stop(OpBuilder& b, Running& run, unsigned kept) {
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
  Value get(OpBuilder& b, Running& run, Value value) {
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
    clone_with(b, op, run.values);
    return run.values.lookup(value);
  }

  Value read_kept(OpBuilder& b, Running& run, unsigned kept, Value value) {
    const unsigned rows = stages_.find(kept);
    Value init, empty;
    if (stages_.is_in_rows(run.stage, value)) return load(b, rows, run.particle);
    if (auto argument = mlir::dyn_cast<BlockArgument>(value)) {
      init = stages_.initial(run.stage, argument);
      empty = run.first;
    } else {
      // A loop that does not run at all gives what it began with.
      auto loop = value.getDefiningOp<prob::ForOp>();
      init = loop.getCarryInits()[mlir::cast<mlir::OpResult>(value).getResultNumber()];
      OpBuilder& outside = run.common.builder();
      empty = outside.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::sge,
                                            run.common.get(loop.getLower()),
                                            run.common.get(loop.getUpper()));
    }
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

  // ---- summaries -----------------------------------------------------------------------------

  Value sum_over_particles(llvm::function_ref<Value(OpBuilder&, Value)> term) {
    return sum_over_particles(b_, term);
  }
  Value sum_over_particles(OpBuilder& b, llvm::function_ref<Value(OpBuilder&, Value)> term) {
    auto loop = b.create<prob::ForOp>(loc_, prob::int_constant(b, loc_, 0), particles_,
                                      ValueRange{}, mlir::TypeRange{}, mlir::TypeRange{real_},
                                      ValueRange{});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&loop.block());
    const Value value = term(b, loop.induction());
    b.create<prob::YieldOp>(loc_, ValueRange{}, ValueRange{}, ValueRange{value}, ValueRange{});
    return loop.getSums().front();
  }

  Value moments(unsigned kept, bool deviation) {
    Values indices;
    return moments(b_, kept, deviation, indices);
  }
  Value moments(OpBuilder& b, unsigned kept, bool deviation, Values& indices) {
    if (indices.size() < extents_[kept].size()) {
      const mlir::Type element = prob::array_type(
          real_, static_cast<unsigned>(extents_[kept].size() - indices.size() - 1));
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

  bool knows_sizes_ = true;
  FuncOp model_;
  Stages stages_;
  Location loc_;
  OpBuilder b_;
  std::unique_ptr<mlir::Region> region_;
  unsigned captured_ = 0;
  mlir::Type real_, integer_;
  Value reals_, ints_, weights_, total_, particles_, real_rows_, int_rows_;
  Value given_reals_, given_ints_, column_;  // frames that hold what draws are to be
  llvm::SmallVector<Value> rows_;      // of each kept value: its first row
  llvm::SmallVector<Values> extents_;  // and its extents
};

mlir::LogicalResult make(FuncOp model, llvm::function_ref<void(Suspend&)> what) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  Suspend suspend(model);
  what(suspend);
  return mlir::success(suspend.knows_sizes());
}

}  // namespace

mlir::LogicalResult stage_count(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_count(); });
}
mlir::LogicalResult frame_reals(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_size(true); });
}
mlir::LogicalResult frame_ints(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_size(false); });
}
mlir::LogicalResult advance_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_advance(/*follow=*/false); });
}
mlir::LogicalResult score_transition(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_transition(); });
}
mlir::LogicalResult follow_path(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_advance(/*follow=*/true); });
}
mlir::LogicalResult trace_path(FuncOp model) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  return Suspend(model).make_trace_path();
}
mlir::LogicalResult path_trace(FuncOp model) {
  if (failed(evaluate_draws(model))) return mlir::failure();
  return Suspend(model).make_path_trace();
}
mlir::LogicalResult check_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_check(); });
}
mlir::LogicalResult summarise_stage(FuncOp model) {
  return make(model, [](Suspend& s) { s.make_summary(); });
}

}  // namespace borel::transform

#include "compiler/transform/gradient_reverse.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/gradient_activity.h"
#include "compiler/transform/gradient_arrays.h"
#include "compiler/transform/gradient_rules.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace borel::transform {
namespace {

using mlir::Block;
using mlir::failure;
using mlir::IRMapping;
using mlir::Location;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Region;
using mlir::success;
using mlir::Value;
using mlir::ValueRange;
namespace func = mlir::func;
namespace scf = mlir::scf;

/// Adjoints of source values, in target values, within one region.
using Adjoints = llvm::DenseMap<Value, Value>;

/// What the reverse of a loop with carries reads in place of recomputing: for each source value the
/// array (in the target) whose element iv - lower was its value in iteration iv.
using Record = llvm::SmallVector<std::pair<Value, Value>>;

class Reverser {
 public:
  Reverser(OpBuilder& builder, const Activity& activity, mlir::ModuleOp module)
      : b_(builder), active_(activity), module_(module) {}

  /// Emits the operations of a source block; loops with carries also record. Source values are
  /// mapped to target values in `map`.
  void forward(Block& block, IRMapping& map) {
    for (Operation& op : block.without_terminator()) {
      auto loop = mlir::dyn_cast<prob::ForOp>(op);
      const bool differentiated =
          loop && !loop.getCarries().empty() && llvm::any_of(loop.getResults(), active_);
      if (differentiated) {
        forward_recorded(loop, map);
      } else {
        clone(op, map);
      }
    }
  }

  /// Visits the operations backwards, adding to `adjoints`. Every value of the block is in `map`.
  LogicalResult reverse(Block& block, IRMapping& map, Adjoints& adjoints) {
    for (Operation& op : llvm::reverse(block.without_terminator()))
      if (mlir::failed(reverse(op, map, adjoints))) return failure();
    return success();
  }

  void add(Adjoints& adjoints, Value source, Value contribution) {
    auto [at, fresh] = adjoints.try_emplace(source, contribution);
    if (fresh) return;
    const Location loc = contribution.getLoc();
    if (!prob::is_array(contribution.getType())) {
      at->second = b_.createOrFold<mlir::arith::AddFOp>(loc, at->second, contribution);
    } else {
      at->second = add_array(b_, loc, at->second, contribution);
    }
  }

 private:
  /// Clones one operation. What its regions define stays out of `map`: the same regions are emitted
  /// again in the reverse sweep.
  Operation* clone(Operation& op, IRMapping& map) {
    if (op.getNumRegions() == 0) return b_.clone(op, map);
    llvm::SetVector<Value> used;
    mlir::getUsedValuesDefinedAbove(op.getRegions(), used);
    IRMapping own;
    for (const Value v : used) own.map(v, map.lookupOrDefault(v));
    for (const Value v : op.getOperands()) own.map(v, map.lookupOrDefault(v));
    Operation* twin = b_.clone(op, own);
    map.map(op.getResults(), twin->getResults());
    return twin;
  }

  void add_element(Adjoints& adjoints, Value source_array, Value primal_array, Value contribution,
                   ValueRange indices) {
    const Location loc = contribution.getLoc();
    Value& current = adjoints[source_array];
    if (!current) current = prob::zeros_like(b_, loc, primal_array);
    if (!prob::is_array(contribution.getType())) {
      current = b_.create<prob::AddAtOp>(loc, contribution, current, indices);
    } else {
      current = add_array(b_, loc, current, contribution, llvm::to_vector(indices));
    }
  }

  // ---- loops with carries: the recorded primal ----

  static unsigned rank_of(Value array) {
    return static_cast<unsigned>(mlir::cast<mlir::RankedTensorType>(array.getType()).getRank());
  }

  void forward_recorded(prob::ForOp source, IRMapping& map) {
    auto loop = mlir::cast<prob::ForOp>(clone(*source, map));
    // What to record, in source values.
    llvm::SmallVector<Value> wanted;
    Skipped& skipped = skipped_[source];
    skipped = Skipped();
    for (auto [i, carry] : llvm::enumerate(source.carry_args())) {
      if (!prob::is_array(carry.getType())) {
        wanted.push_back(carry);
        continue;
      }
      if (auto uses = element_uses(source, carry)) {
        for (prob::ExtractOp read : uses->reads) wanted.push_back(read.getResult());
        skipped.updates.insert(uses->updates.begin(), uses->updates.end());
        for (Value version : uses->versions)
          if (version.getParentBlock() == &source.block())
            skipped.versions.try_emplace(version, static_cast<unsigned>(i));
        if (!keeps_shape(source, static_cast<unsigned>(i)))
          skipped.extents.try_emplace(static_cast<unsigned>(i));
      } else {
        wanted.push_back(carry);
      }
    }

    // The same loop with the records as further maps.
    llvm::SmallVector<mlir::Type> elements;
    for (const Value map_value : loop.terminator().getMaps())
      elements.push_back(map_value.getType());
    for (const Value v : wanted) elements.push_back(v.getType());
    for (const auto& [carry, arrays] : skipped.extents)
      elements.append(rank_of(source.carry_args()[carry]), b_.getI64Type());
    auto recorded = b_.create<prob::ForOp>(
        loop.getLoc(), loop.getLower(), loop.getUpper(), loop.getCarryInits(), elements,
        loop.getSums().getTypes(), loop.getIntoInits(), loop.getReverse());
    IRMapping inner = map;
    {
      OpBuilder::InsertionGuard guard(b_);
      Block& body = recorded.block();
      b_.setInsertionPointToStart(&body);
      inner.map(source.block().getArguments(), body.getArguments());
      for (Operation& op : source.block().without_terminator()) clone(op, inner);
      prob::YieldOp yield = source.terminator();
      auto mapped = [&](ValueRange values) {
        return llvm::map_to_vector(values, [&](Value v) { return inner.lookupOrDefault(v); });
      };
      llvm::SmallVector<Value> maps = mapped(yield.getMaps());
      for (const Value v : wanted) maps.push_back(inner.lookupOrDefault(v));
      for (const auto& [carry, arrays] : skipped.extents)
        llvm::append_range(maps, prob::extents(b_, loop.getLoc(), recorded.carry_args()[carry]));
      b_.create<prob::YieldOp>(loop.getLoc(), mapped(yield.getCarries()), maps,
                               mapped(yield.getSums()), mapped(yield.getIntos()));
    }
    const size_t maps = source.getMaps().size();
    auto results = [&](ValueRange from, ValueRange to) {
      for (auto [s, t] : llvm::zip(from, to)) map.map(s, t);
    };
    results(source.getCarries(), recorded.getCarries());
    results(source.getMaps(), recorded.getMaps().take_front(maps));
    results(source.getSums(), recorded.getSums());
    results(source.getIntos(), recorded.getIntos());
    Record& record = records_[source];
    record.clear();
    for (auto [v, array] : llvm::zip(wanted, recorded.getMaps().drop_front(maps)))
      record.emplace_back(v, array);
    ValueRange extents = recorded.getMaps().drop_front(maps + wanted.size());
    for (auto& [carry, arrays] : skipped.extents) {
      const unsigned rank = rank_of(source.carry_args()[carry]);
      arrays.append(extents.begin(), extents.begin() + rank);
      extents = extents.drop_front(rank);
    }
    loop.erase();
  }

  // ---- reverse of one operation ----

  LogicalResult reverse(Operation& op, IRMapping& map, Adjoints& adjoints) {
    if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) return reverse_loop(loop, map, adjoints);
    if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) return reverse_if(branch, map, adjoints);
    if (auto call = mlir::dyn_cast<func::CallOp>(op)) return reverse_call(call, map, adjoints);
    if (op.getNumResults() != 1 || !active_(op.getResult(0))) {
      return only_faults(op) ? success() : refuse(op);
    }
    const Value seed = adjoints.lookup(op.getResult(0));
    if (!seed) return success();
    const Location loc = op.getLoc();

    if (auto read = mlir::dyn_cast<prob::ExtractOp>(op)) {
      add_element(adjoints, read.getArray(), map.lookupOrDefault(read.getArray()), seed,
                  mapped(read.getIndices(), map));
      return success();
    }
    if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) {
      auto indices = mapped(insert.getIndices(), map);
      if (active_(insert.getValue()))
        add(adjoints, insert.getValue(), prob::extract(b_, loc, seed, indices));
      if (active_(insert.getArray())) {
        const Value zero = zero_of(loc, insert.getValue().getType(), insert.getValue(), map);
        add(adjoints, insert.getArray(),
            b_.create<prob::InsertOp>(loc, seed.getType(), zero, seed, indices,
                                      mlir::IntegerAttr()));
      }
      return success();
    }
    if (auto update = mlir::dyn_cast<prob::AddAtOp>(op)) {
      if (active_(update.getValue()))
        add(adjoints, update.getValue(),
            prob::extract(b_, loc, seed, mapped(update.getIndices(), map)));
      if (active_(update.getArray())) add(adjoints, update.getArray(), seed);
      return success();
    }
    if (auto select = mlir::dyn_cast<mlir::arith::SelectOp>(op);
        select && prob::is_array(select.getType())) {
      const Value condition = map.lookupOrDefault(select.getCondition());
      const Value zeros = prob::zeros_like(b_, loc, seed);
      if (active_(select.getTrueValue()))
        add(adjoints, select.getTrueValue(),
            b_.create<mlir::arith::SelectOp>(loc, condition, seed, zeros));
      if (active_(select.getFalseValue()))
        add(adjoints, select.getFalseValue(),
            b_.create<mlir::arith::SelectOp>(loc, condition, zeros, seed));
      return success();
    }

    // A scalar operation; its emitted twin has the operands and the result.
    Operation* primal = map.lookup(op.getResult(0)).getDefiningOp();
    if (!primal || primal->getName() != op.getName()) {
      // Its result is read from a record: write it out again.
      IRMapping own = map;
      primal = b_.clone(op, own);
    }
    auto wanted = [&](unsigned i) { return active_(op.getOperand(i)); };
    auto contribute = [&](unsigned i, Value contribution) {
      add(adjoints, op.getOperand(i), contribution);
    };
    if (apply_scalar_rule({b_, primal, seed, wanted, contribute}) == RuleOutcome::Unknown)
      return refuse(op);
    return success();
  }

  static llvm::SmallVector<Value> mapped(ValueRange values, IRMapping& map) {
    return llvm::map_to_vector(values, [&](Value v) { return map.lookupOrDefault(v); });
  }

  Value zero_of(Location loc, mlir::Type type, Value source, IRMapping& map) {
    if (!prob::is_array(type)) return prob::real_constant(b_, loc, 0.0);
    return prob::zeros_like(b_, loc, map.lookupOrDefault(source));
  }

  // ---- regions ----

  struct Captured {
    llvm::SmallVector<Value> scalars, arrays;  // source values
  };
  /// Active values from outside that the regions use, in order of use.
  Captured captured(llvm::MutableArrayRef<Region> regions) {
    llvm::SetVector<Value> used;
    mlir::getUsedValuesDefinedAbove(regions, used);
    Captured out;
    for (const Value v : used)
      if (active_(v)) (prob::is_array(v.getType()) ? out.arrays : out.scalars).push_back(v);
    return out;
  }

  LogicalResult reverse_if(scf::IfOp branch, IRMapping& map, Adjoints& adjoints) {
    if (llvm::none_of(branch.getResults(),
                      [&](Value v) { return static_cast<bool>(adjoints.lookup(v)); })) {
      return only_faults(*branch) ? success() : refuse(*branch);
    }
    const Location loc = branch.getLoc();
    const Captured outer = captured(branch->getRegions());
    llvm::SmallVector<mlir::Type> types;
    for (const Value v : outer.scalars) types.push_back(v.getType());
    for (const Value v : outer.arrays) {
      types.push_back(v.getType());
      if (!adjoints.lookup(v)) adjoints[v] = prob::zeros_like(b_, loc, map.lookupOrDefault(v));
    }
    if (types.empty()) return success();
    auto reversed = b_.create<scf::IfOp>(loc, types, map.lookupOrDefault(branch.getCondition()),
                                         /*withElseRegion=*/true);
    for (auto [side, target] : {std::pair{&branch.getThenRegion(), &reversed.getThenRegion()},
                                std::pair{&branch.getElseRegion(), &reversed.getElseRegion()}}) {
      OpBuilder::InsertionGuard guard(b_);
      if (target->empty()) b_.createBlock(target);
      b_.setInsertionPointToStart(&target->front());
      Adjoints inner;
      for (const Value v : outer.arrays) inner[v] = adjoints.lookup(v);
      if (!side->empty()) {
        Block& body = side->front();
        IRMapping inner_map = map;
        forward(body, inner_map);
        for (auto [out, result] :
             llvm::zip(body.getTerminator()->getOperands(), branch.getResults()))
          if (const Value seed = adjoints.lookup(result); seed && active_(out))
            add(inner, out, seed);
        if (mlir::failed(reverse(body, inner_map, inner))) return failure();
      }
      llvm::SmallVector<Value> out;
      for (const Value v : outer.scalars) {
        const Value delta = inner.lookup(v);
        out.push_back(delta ? delta : prob::real_constant(b_, loc, 0.0));
      }
      for (const Value v : outer.arrays) out.push_back(inner.lookup(v));
      b_.create<scf::YieldOp>(loc, out);
    }
    for (auto [i, v] : llvm::enumerate(outer.scalars))
      add(adjoints, v, reversed.getResult(static_cast<unsigned>(i)));
    for (auto [i, v] : llvm::enumerate(outer.arrays))
      adjoints[v] = reversed.getResult(static_cast<unsigned>(outer.scalars.size() + i));
    return success();
  }

  LogicalResult reverse_loop(prob::ForOp source, IRMapping& map, Adjoints& adjoints) {
    if (llvm::none_of(source.getResults(),
                      [&](Value v) { return static_cast<bool>(adjoints.lookup(v)); })) {
      return only_faults(*source) ? success() : refuse(*source);
    }
    const Location loc = source.getLoc();
    prob::YieldOp yield = source.terminator();
    Captured outer = captured(source->getRegions());

    // Adjoints of active carries run backwards through the loop.
    llvm::SmallVector<unsigned> carries;
    llvm::SmallVector<Value> carry_inits;
    for (auto [i, argument] : llvm::enumerate(source.carry_args())) {
      const Value result = source.getCarries()[i];
      if (!active_(argument) && !active_(yield.getCarries()[i])) continue;
      carries.push_back(static_cast<unsigned>(i));
      const Value seed = adjoints.lookup(result);
      carry_inits.push_back(seed ? seed : prob::zeros_like(b_, loc, map.lookupOrDefault(result)));
    }
    llvm::SmallVector<mlir::Type> sum_types;
    for (const Value v : outer.scalars) sum_types.push_back(v.getType());
    llvm::SmallVector<Value> into_inits;
    for (const Value v : outer.arrays) {
      const Value current = adjoints.lookup(v);
      into_inits.push_back(current ? current : prob::zeros_like(b_, loc, map.lookupOrDefault(v)));
    }

    const Value lower = map.lookupOrDefault(source.getLower());
    auto reversed = b_.create<prob::ForOp>(loc, lower, map.lookupOrDefault(source.getUpper()),
                                           carry_inits, mlir::TypeRange{}, sum_types, into_inits,
                                           carries.empty() ? false : !source.getReverse());
    {
      OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPointToStart(&reversed.block());
      const Value iv = reversed.induction();
      auto offset = [&, position = Value()]() mutable {
        if (!position) position = b_.createOrFold<mlir::arith::SubIOp>(loc, iv, lower);
        return position;
      };
      IRMapping inner_map = map;
      inner_map.map(source.induction(), iv);
      // Into arguments are not read: only their shape may be asked for.
      for (auto [argument, init] : llvm::zip(source.into_args(), source.getIntoInits()))
        inner_map.map(argument, map.lookupOrDefault(init));
      if (source.getCarries().empty()) {
        forward(source.block(), inner_map);
      } else {
        restore(source, offset, map, inner_map);
      }

      Adjoints inner;
      for (auto [v, argument] : llvm::zip(outer.arrays, reversed.into_args())) inner[v] = argument;
      for (auto [i, argument] : llvm::zip(carries, reversed.carry_args()))
        if (active_(yield.getCarries()[i])) add(inner, yield.getCarries()[i], argument);
      for (auto [out, result] : llvm::zip(yield.getMaps(), source.getMaps()))
        if (const Value seed = adjoints.lookup(result); seed && active_(out))
          add(inner, out, prob::extract(b_, loc, seed, offset()));
      for (auto [out, result] : llvm::zip(yield.getSums(), source.getSums()))
        if (const Value seed = adjoints.lookup(result); seed && active_(out)) add(inner, out, seed);
      for (auto [out, result] : llvm::zip(yield.getIntos(), source.getIntos()))
        if (const Value seed = adjoints.lookup(result); seed && active_(out)) inner[out] = seed;
      if (mlir::failed(reverse(source.block(), inner_map, inner))) return failure();

      auto found = [&](Value v, Value like) {
        const Value d = inner.lookup(v);
        if (d) return d;
        return prob::is_array(v.getType()) ? prob::zeros_like(b_, loc, like)
                                           : prob::real_constant(b_, loc, 0.0);
      };
      llvm::SmallVector<Value> carry_out, sums_out, intos_out;
      for (const unsigned i : carries)
        carry_out.push_back(
            found(source.carry_args()[i], inner_map.lookupOrDefault(source.carry_args()[i])));
      for (const Value v : outer.scalars) sums_out.push_back(found(v, {}));
      for (const Value v : outer.arrays) intos_out.push_back(inner.lookup(v));
      b_.create<prob::YieldOp>(loc, carry_out, ValueRange{}, sums_out, intos_out);
    }

    // Captured arrays first: one may start a carry too, whose adjoint is then added to its own.
    for (auto [v, d] : llvm::zip(outer.arrays, reversed.getIntos())) adjoints[v] = d;
    for (auto [i, d] : llvm::zip(carries, reversed.getCarries()))
      if (active_(source.getCarryInits()[i])) add(adjoints, source.getCarryInits()[i], d);
    for (auto [v, d] : llvm::zip(outer.scalars, reversed.getSums())) add(adjoints, v, d);
    for (auto [init, result] : llvm::zip(source.getIntoInits(), source.getIntos()))
      if (const Value seed = adjoints.lookup(result); seed && active_(init))
        add(adjoints, init, seed);
    return success();
  }

  /// Recomputes a recorded loop's body from its record.
  template <class Offset>
  void restore(prob::ForOp source, Offset& offset, IRMapping& outer, IRMapping& map) {
    llvm::DenseMap<Value, Value> recorded;
    for (auto [v, array] : records_[source])
      recorded[v] = prob::extract(b_, source.getLoc(), array, offset());
    // Of versions that are not recorded only the shape may be asked for, which is their start's, or
    // recorded.
    const Skipped skipped = skipped_[source];  // a copy: loops in the body have their own
    llvm::DenseMap<unsigned, Value> shapes;
    for (const auto& [carry, arrays] : skipped.extents) {
      llvm::SmallVector<Value> extents;
      for (const Value array : arrays)
        extents.push_back(prob::extract(b_, source.getLoc(), array, offset()));
      shapes[carry] =
          b_.create<prob::ZerosOp>(source.getLoc(), source.carry_args()[carry].getType(), extents);
    }
    const auto start_of = [&](Value version) {
      const unsigned carry = skipped.versions.lookup(version);
      if (const Value shape = shapes.lookup(carry)) return shape;
      return outer.lookupOrDefault(source.getCarryInits()[carry]);
    };
    for (const auto& [version, carry] : skipped.versions) map.map(version, start_of(version));
    for (const Value carry : source.carry_args())
      if (const Value v = recorded.lookup(carry)) map.map(carry, v);
    for (Operation& op : source.block().without_terminator()) {
      if (skipped.updates.contains(&op)) continue;
      if (op.getNumResults() == 1)
        if (const Value v = recorded.lookup(op.getResult(0))) {
          map.map(op.getResult(0), v);
          continue;
        }
      auto loop = mlir::dyn_cast<prob::ForOp>(op);
      if (loop && !loop.getCarries().empty() && llvm::any_of(loop.getResults(), active_)) {
        forward_recorded(loop, map);
      } else {
        clone(op, map);
      }
      for (const Value result : op.getResults())
        if (skipped.versions.contains(result)) map.map(result, start_of(result));
    }
  }

  // ---- calls ----

  LogicalResult reverse_call(func::CallOp call, IRMapping& map, Adjoints& adjoints) {
    auto callee = module_.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee) return call.emitError("calls an unknown function");
    if (llvm::none_of(call.getResults(),
                      [&](Value v) { return static_cast<bool>(adjoints.lookup(v)); }))
      return success();
    const Location loc = call.getLoc();
    llvm::SmallVector<Value> arguments = mapped(call.getOperands(), map);
    llvm::SmallVector<Value> seeds;
    llvm::SmallVector<mlir::Type> adjoint_types;
    llvm::SmallVector<bool> wrt;
    for (const Value result : call.getResults()) {
      if (!prob::is_real(result.getType())) continue;
      const Value seed = adjoints.lookup(result);
      seeds.push_back(seed ? seed : prob::zeros_like(b_, loc, map.lookupOrDefault(result)));
    }
    auto custom = callee->getAttrOfType<mlir::FlatSymbolRefAttr>(prob::adjoint_attribute);
    if (!custom && callee->hasAttr(prob::host_attribute)) return refuse_host(call, callee);
    for (const Value operand : call.getOperands()) {
      wrt.push_back(custom ? prob::is_real(operand.getType()) : active_(operand));
      if (wrt.back()) adjoint_types.push_back(operand.getType());
    }
    mlir::StringAttr name;
    if (custom) {
      llvm::append_range(arguments, mapped(call.getResults(), map));
      name = custom.getAttr();
    } else {
      auto product = product_of(callee, wrt, adjoint_types);
      if (!product) return failure();
      name = product.getSymNameAttr();
    }
    llvm::append_range(arguments, seeds);
    auto reversed = b_.create<func::CallOp>(loc, name, adjoint_types, arguments);
    unsigned next = 0;
    for (auto [operand, marked] : llvm::zip(call.getOperands(), wrt)) {
      if (!marked) continue;
      const Value d = reversed.getResult(next++);
      if (active_(operand)) add(adjoints, operand, d);
    }
    return success();
  }

  func::FuncOp product_of(func::FuncOp callee, llvm::ArrayRef<bool> wrt,
                          llvm::ArrayRef<mlir::Type> adjoint_types) {
    std::string name = (callee.getSymName() + ".vjp.").str();
    for (const bool marked : wrt) name += marked ? '1' : '0';
    if (auto known = module_.lookupSymbol<func::FuncOp>(name)) return known;
    llvm::SmallVector<mlir::Type> inputs(callee.getArgumentTypes());
    for (const mlir::Type result : callee.getResultTypes())
      if (prob::is_real(result)) inputs.push_back(result);
    auto product = func::FuncOp::create(
        callee.getLoc(), name, mlir::FunctionType::get(callee.getContext(), inputs, adjoint_types));
    product.setPrivate();
    for (const llvm::StringRef kept : {prob::adjoint_of_attribute, prob::place_attribute})
      if (const auto attribute = callee->getAttr(kept)) product->setAttr(kept, attribute);
    module_.push_back(product);  // before its body, which may call it
    if (mlir::failed(fill_product(callee, wrt, product))) return {};
    return product;
  }

  OpBuilder& b_;
  const Activity& active_;
  mlir::ModuleOp module_;
  llvm::DenseMap<Operation*, Record> records_;  // of the latest emission of each source loop
  /// Array carries that are not recorded: updates that the reverse sweep leaves out, and all
  /// versions at the top of the body, with the number of the carry.
  struct Skipped {
    llvm::SmallPtrSet<Operation*, 8> updates;
    llvm::DenseMap<Value, unsigned> versions;
    // Of carries whose shape changes: for each dimension the array of its extents.
    llvm::MapVector<unsigned, llvm::SmallVector<Value>> extents;
  };
  llvm::DenseMap<Operation*, Skipped> skipped_;
};

}  // namespace

LogicalResult fill_reverse(func::FuncOp source, llvm::ArrayRef<bool> wrt, func::FuncOp target,
                           SeedFn seeds) {
  const Activity active(source, wrt);
  Block* body = target.addEntryBlock();
  OpBuilder b = OpBuilder::atBlockBegin(body);
  IRMapping map;
  map.map(source.getArguments(),
          ValueRange(body->getArguments()).take_front(source.getNumArguments()));
  Reverser reverser(b, active, target->getParentOfType<mlir::ModuleOp>());
  Block& from = source.getBody().front();
  reverser.forward(from, map);

  ValueRange results = from.getTerminator()->getOperands();
  Adjoints adjoints;
  for (auto [result, seed] : llvm::zip(results, seeds(b, source.getLoc(), results)))
    if (seed && active(result)) reverser.add(adjoints, result, seed);
  if (mlir::failed(reverser.reverse(from, map, adjoints))) return failure();

  llvm::SmallVector<Value> out;
  const size_t marked = static_cast<size_t>(llvm::count(wrt, true));
  if (target.getNumResults() > marked)
    for (const Value result : results) out.push_back(map.lookupOrDefault(result));
  for (auto [argument, mark] : llvm::zip(source.getArguments(), wrt)) {
    if (!mark) continue;
    const Value d = adjoints.lookup(argument);
    out.push_back(d ? d : prob::zeros_like(b, source.getLoc(), map.lookup(argument)));
  }
  b.create<func::ReturnOp>(source.getLoc(), out);
  return success();
}

}  // namespace borel::transform

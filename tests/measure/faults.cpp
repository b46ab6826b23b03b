#include "tests/measure/faults.h"

#include "compiler/dialect/prob.h"
#include "llvm/ADT/StringSet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::testing {
namespace {

using mlir::Operation;
using mlir::Value;
using Apply = std::function<bool(mlir::ModuleOp, Choice&)>;
using Accepts = std::function<bool(Operation*)>;

//===- Places for faults
//------------------------------------------------------------------------===//

enum class Where { Made, Anywhere };  // by the pass; or also what it kept

/// Operations that `accepts`, in functions whose names begin so.
std::vector<Operation*> places(mlir::ModuleOp module, Where where, llvm::StringRef functions,
                               const Accepts& accepts) {
  std::vector<Operation*> found;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (!function.getSymName().starts_with(functions)) continue;
    function.walk([&](Operation* op) {
      if (op == function.getOperation()) return;
      if (where == Where::Made && op->hasAttr(old_mark)) return;
      if (accepts(op)) found.push_back(op);
    });
  }
  return found;
}

bool is(Operation* op, llvm::StringRef name) { return op->getName().getStringRef() == name; }

/// What a fault changes, and among which operations.
struct Scope {
  Where where = Where::Made;
  const char* functions = "";
};

Apply at_one(Scope scope, Accepts accepts, std::function<void(Operation*, Choice&)> change) {
  return [=](mlir::ModuleOp module, Choice& choose) {
    const auto found = places(module, scope.where, scope.functions, accepts);
    if (found.empty()) return false;
    change(choose.of(found), choose);
    return true;
  };
}

Value zero_before(Operation* op, mlir::Type type) {
  mlir::OpBuilder b(op);
  return b.create<mlir::arith::ConstantOp>(op->getLoc(), b.getZeroAttr(type));
}

bool used(Operation* op) { return op->getNumResults() > 0 && !op->use_empty(); }

//===- Kinds of fault
//---------------------------------------------------------------------------===//

Apply erase(const char* name, Scope scope = {}) {
  return at_one(
      scope, [=](Operation* op) { return is(op, name); },
      [](Operation* op, Choice&) { op->erase(); });
}

Apply twice(const char* name, Scope scope = {}) {
  return at_one(
      scope, [=](Operation* op) { return is(op, name); },
      [](Operation* op, Choice&) {
        mlir::OpBuilder b(op);
        b.clone(*op);
      });
}

/// An operand instead of the result.
Apply bypass(const char* name, unsigned operand, Scope scope = {}) {
  return at_one(
      scope,
      [=](Operation* op) {
        return is(op, name) && used(op) && operand < op->getNumOperands() &&
               op->getOperand(operand).getType() == op->getResult(0).getType();
      },
      [=](Operation* op, Choice&) {
        op->getResult(0).replaceAllUsesWith(op->getOperand(operand));
      });
}

/// A call's last real argument instead of its first result: u instead of the value on the support.
Apply last_operand(const char* name, Scope scope = {}) {
  return at_one(
      scope,
      [=](Operation* op) {
        return is(op, name) && op->getNumOperands() > 0 && op->getNumResults() == 2 && used(op) &&
               op->getOperands().back().getType() == op->getResult(0).getType();
      },
      [](Operation* op, Choice&) {
        op->getResult(0).replaceAllUsesWith(op->getOperands().back());
      });
}

/// Two operands of one type for each other, from `first` on.
Apply swap(const char* name, Scope scope = {}, unsigned first = 0) {
  const auto pair = [=](Operation* op) {
    for (unsigned i = first; i < op->getNumOperands(); ++i)
      for (unsigned j = i + 1; j < op->getNumOperands(); ++j)
        if (op->getOperand(i) != op->getOperand(j) &&
            op->getOperand(i).getType() == op->getOperand(j).getType())
          return std::pair<unsigned, unsigned>(i, j);
    return std::pair<unsigned, unsigned>(0, 0);
  };
  return at_one(
      scope, [=](Operation* op) { return is(op, name) && pair(op).second > 0; },
      [=](Operation* op, Choice&) {
        const auto [i, j] = pair(op);
        const Value x = op->getOperand(i), y = op->getOperand(j);
        op->setOperand(i, y);
        op->setOperand(j, x);
      });
}

/// Another operation on the same operands.
Apply become(const char* name, const char* other, Scope scope = {}) {
  return at_one(
      scope, [=](Operation* op) { return is(op, name) && used(op); },
      [=](Operation* op, Choice&) {
        mlir::OpBuilder b(op);
        mlir::OperationState state(op->getLoc(), other);
        state.addOperands(op->getOperands());
        state.addTypes(op->getResultTypes());
        op->replaceAllUsesWith(b.create(state));
      });
}

/// A real or integer constant that is another.
Apply other_constant(bool real, Scope scope = {}) {
  return at_one(
      scope,
      [=](Operation* op) {
        auto constant = mlir::dyn_cast<mlir::arith::ConstantOp>(op);
        return constant && used(op) &&
               (real ? mlir::isa<mlir::FloatType>(constant.getType())
                     : constant.getType().isInteger(64));
      },
      [=](Operation* op, Choice&) {
        auto constant = mlir::cast<mlir::arith::ConstantOp>(op);
        mlir::OpBuilder b(op);
        if (real) {
          const double value = mlir::cast<mlir::FloatAttr>(constant.getValue()).getValueAsDouble();
          constant.setValueAttr(b.getF64FloatAttr(value == 0 ? 1.0 : 2 * value));
        } else {
          const int64_t value = mlir::cast<mlir::IntegerAttr>(constant.getValue()).getInt();
          constant.setValueAttr(b.getI64IntegerAttr(value + 1));
        }
      });
}

/// The first element instead of the one that an index says.
Apply first_element(const char* name, unsigned first_index, Scope scope = {}) {
  return at_one(
      scope,
      [=](Operation* op) {
        return is(op, name) && op->getNumOperands() > first_index &&
               mlir::isa<mlir::BlockArgument>(op->getOperand(first_index)) &&
               op->getOperand(first_index).getType().isInteger(64);
      },
      [=](Operation* op, Choice&) {
        op->setOperand(first_index, zero_before(op, op->getOperand(first_index).getType()));
      });
}

/// The other branch.
Apply inverted(const char* name, Scope scope = {}) {
  return at_one(
      scope, [=](Operation* op) { return is(op, name); },
      [](Operation* op, Choice&) {
        mlir::OpBuilder b(op);
        const Value truth = b.create<mlir::arith::ConstantOp>(op->getLoc(), b.getBoolAttr(true));
        op->setOperand(0, b.create<mlir::arith::XOrIOp>(op->getLoc(), op->getOperand(0), truth));
      });
}

/// Nothing instead of what a branch gives.
Apply branch_gives_nothing(unsigned region, Scope scope = {}) {
  return at_one(
      scope,
      [=](Operation* op) {
        return is(op, "scf.if") && op->getNumResults() > 0 &&
               mlir::isa<mlir::FloatType>(op->getResults().back().getType()) &&
               !op->getResults().back().use_empty();
      },
      [=](Operation* op, Choice&) {
        Operation* yield = op->getRegion(region).front().getTerminator();
        const unsigned last = yield->getNumOperands() - 1;
        yield->setOperand(last, zero_before(yield, op->getResults().back().getType()));
      });
}

//===- Faults of loops
//--------------------------------------------------------------------------===//

Apply in_loop(Scope scope, std::function<bool(prob::ForOp)> accepts,
              std::function<void(prob::ForOp, Choice&)> change) {
  return at_one(
      scope,
      [=](Operation* op) {
        auto loop = mlir::dyn_cast<prob::ForOp>(op);
        return loop && accepts(loop);
      },
      [=](Operation* op, Choice& choose) { change(mlir::cast<prob::ForOp>(op), choose); });
}

bool any_used(mlir::ValueRange values) {
  for (const Value v : values)
    if (!v.use_empty()) return true;
  return false;
}

Apply sum_is_lost(Scope scope = {}) {
  return in_loop(
      scope, [](prob::ForOp loop) { return any_used(loop.getSums()); },
      [](prob::ForOp loop, Choice&) {
        for (Value sum : llvm::reverse(loop.getSums()))
          if (!sum.use_empty()) return sum.replaceAllUsesWith(zero_before(loop, sum.getType()));
      });
}

Apply into_is_lost(Scope scope = {}) {
  return in_loop(
      scope, [](prob::ForOp loop) { return any_used(loop.getIntos()); },
      [](prob::ForOp loop, Choice&) {
        for (auto [into, init] : llvm::zip(loop.getIntos(), loop.getIntoInits()))
          if (!into.use_empty()) return Value(into).replaceAllUsesWith(init);
      });
}

/// A carry that stays what it was.
Apply carry_stands_still(Scope scope = {}) {
  return in_loop(
      scope, [](prob::ForOp loop) { return !loop.getCarries().empty(); },
      [](prob::ForOp loop, Choice& choose) {
        const int n = choose.below(static_cast<int>(loop.getCarries().size()));
        loop.terminator()->setOperand(static_cast<unsigned>(n),
                                      loop.carry_args()[static_cast<size_t>(n)]);
      });
}

Apply wrong_way(Scope scope = {}) {
  return in_loop(
      scope, [](prob::ForOp loop) { return !loop.getCarries().empty(); },
      [](prob::ForOp loop, Choice&) { loop.setReverse(!loop.getReverse()); });
}

/// The last iteration does not run.
Apply too_short(Scope scope = {}) {
  return in_loop(
      scope, [](prob::ForOp loop) { return loop->getNumResults() > 0 && used(loop); },
      [](prob::ForOp loop, Choice&) {
        mlir::OpBuilder b(loop);
        const Value one = prob::int_constant(b, loop.getLoc(), 1);
        loop->setOperand(1, b.create<mlir::arith::SubIOp>(loop.getLoc(), loop.getUpper(), one));
      });
}

/// One kind of result for another of its type.
Apply results_exchanged(Scope scope = {}) {
  const auto pair = [](prob::ForOp loop) {
    for (auto results : {mlir::ValueRange(loop.getSums()), mlir::ValueRange(loop.getMaps()),
                         mlir::ValueRange(loop.getCarries())})
      for (size_t i = 0; i < results.size(); ++i)
        for (size_t j = i + 1; j < results.size(); ++j)
          if (results[i].getType() == results[j].getType() && !results[i].use_empty())
            return std::pair<Value, Value>(results[i], results[j]);
    return std::pair<Value, Value>();
  };
  return in_loop(
      scope, [=](prob::ForOp loop) { return static_cast<bool>(pair(loop).first); },
      [=](prob::ForOp loop, Choice&) {
        auto [x, y] = pair(loop);
        x.replaceAllUsesWith(y);
      });
}

/// A constant instead of what a map collects.
Apply map_is_lost(Scope scope = {}) {
  const auto real_map = [](prob::ForOp loop) {
    for (auto [value, result] : llvm::zip(loop.terminator().getMaps(), loop.getMaps()))
      if (mlir::isa<mlir::FloatType>(value.getType()) && !result.use_empty()) return value;
    return Value();
  };
  return in_loop(
      scope, [=](prob::ForOp loop) { return static_cast<bool>(real_map(loop)); },
      [=](prob::ForOp loop, Choice&) {
        Operation* yield = loop.terminator();
        const Value value = real_map(loop);
        const Value zero = zero_before(yield, value.getType());
        for (mlir::OpOperand& operand : yield->getOpOperands())
          if (operand.get() == value) operand.set(zero);
      });
}

Apply init_is_zero(Scope scope = {}) {
  return in_loop(
      scope,
      [](prob::ForOp loop) {
        return llvm::any_of(loop.getCarryInits(),
                            [](Value v) { return mlir::isa<mlir::FloatType>(v.getType()); });
      },
      [](prob::ForOp loop, Choice&) {
        for (mlir::OpOperand& init : loop->getOpOperands())
          if (mlir::isa<mlir::FloatType>(init.get().getType()))
            return init.set(zero_before(loop, init.get().getType()));
      });
}

//===- Faults of single passes
//------------------------------------------------------------------===//

/// A size that the shape function gives, read as 0.
Apply offset_is_zero() {
  return at_one(
      {Where::Made, "model"},
      [](Operation* op) { return is(op, "func.call") && op->getNumResults() > 2; },
      [](Operation* op, Choice& choose) {
        mlir::OpBuilder b(op->getContext());
        b.setInsertionPointAfter(op);
        const Value zero = prob::int_constant(b, op->getLoc(), 0);
        std::vector<mlir::OpResult> read;
        for (auto result : op->getResults())
          if (!result.use_empty()) read.push_back(result);
        if (!read.empty()) Value(choose.of(read)).replaceAllUsesWith(zero);
      });
}

/// The sign of a score.
Apply score_is_negative(Scope scope = {}) {
  return at_one(
      scope, [](Operation* op) { return is(op, "prob.score"); },
      [](Operation* op, Choice&) {
        mlir::OpBuilder b(op);
        op->setOperand(0, b.create<mlir::arith::NegFOp>(op->getLoc(), op->getOperand(0)));
      });
}

/// Another slot of the same type.
Apply other_slot(const char* type_text) {
  return at_one(
      {Where::Made, ""},
      [=](Operation* op) {
        auto data = mlir::dyn_cast<prob::DataOp>(op);
        if (!data || !used(op) || !data.getSlot().starts_with("borel.h")) return false;
        std::string text;
        llvm::raw_string_ostream(text) << data.getType();
        return text == type_text;
      },
      [=](Operation* op, Choice&) {
        auto data = mlir::cast<prob::DataOp>(op);
        auto module = op->getParentOfType<mlir::ModuleOp>();
        for (auto slot : module.getOps<prob::SlotOp>())
          if (slot.getType() == data.getType() && slot.getSymName() != data.getSlot())
            return data.setSlot(slot.getSymName());
      });
}

/// A real argument taken for data.
Apply argument_as_data() {
  return [](mlir::ModuleOp module, Choice&) {
    auto f = module.lookupSymbol<mlir::func::FuncOp>("f");
    for (Value argument : f.getArguments()) {
      if (!mlir::isa<mlir::FloatType>(argument.getType()) || argument.use_empty()) continue;
      mlir::OpBuilder b = mlir::OpBuilder::atBlockBegin(&f.getBody().front());
      argument.replaceAllUsesWith(b.create<prob::DataOp>(f.getLoc(), argument.getType(), "ds"));
      return true;
    }
    return false;
  };
}

std::vector<Fault> make_faults() {
  const Scope in_model{Where::Made, "model"}, anywhere_in_model{Where::Anywhere, "model"};
  const Scope helpers{Where::Anywhere, ""}, bound{Where::Anywhere, "borel.bind"};
  const auto derived = [](const char* function) { return Scope{Where::Anywhere, function}; };
  constexpr bool on_input = true;
  return {
      {"density", "drops a score", erase("prob.score")},
      {"density", "scores twice", twice("prob.score")},
      {"density", "ignores data", erase("prob.observe", anywhere_in_model), on_input},
      {"density", "ignores a requirement", erase("prob.require", anywhere_in_model), on_input},
      {"density", "takes parameters of a density in another order", swap("func.call", in_model)},
      {"density", "reads the first element of a site for all", first_element("prob.latent", 1)},
      {"density", "scores with the wrong sign", score_is_negative()},
      {"density", "scores on the other branch", inverted("scf.if", anywhere_in_model), on_input},

      {"unconstrain", "forgets a log Jacobian", erase("prob.score", in_model)},
      {"unconstrain", "counts a log Jacobian twice", twice("prob.score", in_model)},
      {"unconstrain", "adds log |du/dx|", score_is_negative(in_model)},
      {"unconstrain", "uses u as the value", last_operand("func.call", in_model)},
      {"unconstrain", "exchanges the bounds of a support", swap("func.call", in_model)},
      {"unconstrain", "starts a site at 0", offset_is_zero()},
      {"unconstrain", "loses the stride of an element", bypass("arith.muli", 0, in_model)},
      {"unconstrain", "reads one real for all elements", bypass("arith.addi", 0, in_model)},

      {"accumulate", "loses a term", bypass("arith.addf", 0)},
      {"accumulate", "subtracts a term", become("arith.addf", "arith.subf")},
      {"accumulate", "loses a loop's scores", sum_is_lost(anywhere_in_model)},
      {"accumulate", "loses the then branch", branch_gives_nothing(0)},
      {"accumulate", "loses the else branch", branch_gives_nothing(1)},
      {"accumulate", "ignores requirements", bypass("arith.select", 1, in_model)},
      {"accumulate", "leaves out the last iteration", too_short(anywhere_in_model)},

      {"derive", "constrain returns sites in another order",
       swap("func.return", derived("d.constrain"))},
      {"derive", "constrain loses an iteration", too_short(derived("d.constrain"))},
      {"derive", "constrain reads the first real for all",
       first_element("prob.extract", 1, derived("d.constrain"))},
      {"derive", "unconstrain writes all elements to one place",
       bypass("arith.addi", 0, derived("d.unconstrain"))},
      {"derive", "unconstrain applies the transform itself",
       bypass("math.log", 0, derived("d.unconstrain"))},
      {"derive", "simulate draws from another branch", inverted("scf.if", derived("d.simulate"))},
      {"derive", "simulate loses an iteration", too_short(derived("d.simulate"))},
      {"derive", "the density of a trace loses a term",
       bypass("arith.addf", 0, derived("d.trace_log_density"))},
      {"derive", "the gradient loses a factor",
       bypass("arith.mulf", 0, derived("d.log_density_gradient"))},
      {"derive", "the gradient loses a sign",
       bypass("arith.negf", 0, derived("d.log_density_gradient"))},
      {"derive", "the density is without its Jacobian", erase("prob.score", derived("model")),
       on_input},

      {"sweep", "drops an addend", bypass("arith.addf", 0, derived("f"))},
      {"sweep", "drops a result that is used", sum_is_lost(derived("f"))},
      {"sweep", "drops additions that are used", into_is_lost(derived("f"))},
      {"sweep", "drops what a loop carries", carry_stands_still(derived("f"))},
      {"sweep", "drops what a loop collects", map_is_lost(derived("f"))},
      {"sweep", "drops what a branch gives", branch_gives_nothing(0, derived("f"))},

      {"inline", "maps arguments in another order", swap("func.call", derived("f")), on_input},
      {"inline", "maps results in another order", swap("func.return", derived("inner")), on_input},
      {"inline", "takes the other branch of a body", inverted("scf.if", derived("outer")),
       on_input},
      {"inline", "loses an operation of a body", bypass("arith.subf", 0, derived("inner")),
       on_input},
      {"inline", "mixes up constants of two bodies", other_constant(true, derived("inner")),
       on_input},
      {"inline", "loses an iteration of a body", too_short(derived("weighted")), on_input},
      {"inline", "uses an argument as the result", bypass("func.call", 0, derived("f")), on_input},

      {"gradient", "misses the second use of a value", bypass("arith.addf", 0)},
      {"gradient", "has the wrong sign", bypass("arith.negf", 0)},
      {"gradient", "loses a factor", bypass("arith.mulf", 0)},
      {"gradient", "loses an addition into an array", bypass("prob.add_at", 1)},
      {"gradient", "adds at the first place only", first_element("prob.add_at", 2)},
      {"gradient", "loses the adjoint of a carry", carry_stands_still()},
      {"gradient", "runs backwards loops forwards", wrong_way()},
      {"gradient", "loses the adjoint of a captured scalar", sum_is_lost()},
      {"gradient", "sends adjoints down the other branch", inverted("scf.if")},
      {"gradient", "leaves out an iteration", too_short()},

      {"tangent", "loses an operand's part", bypass("arith.addf", 0, {Where::Made, "along"})},
      {"tangent", "loses a factor", bypass("arith.mulf", 0, {Where::Made, "along"})},
      {"tangent", "loses an addition into an array",
       bypass("prob.add_at", 1, {Where::Made, "along"})},
      {"tangent", "adds at the first place only",
       first_element("prob.add_at", 2, {Where::Made, "along"})},
      {"tangent", "has the wrong sign", bypass("arith.negf", 0, {Where::Made, "along"})},
      {"tangent", "loses the tangent of a sum", sum_is_lost({Where::Made, "along"})},

      {"structure", "forgets where a sum starts", bypass("arith.addf", 1)},
      {"structure", "loses a sum", sum_is_lost(derived("f"))},
      {"structure", "adds what is subtracted", bypass("arith.negf", 0)},
      {"structure", "reads the first place for all", first_element("prob.extract", 1)},
      {"structure", "keeps an old carry", carry_stands_still(derived("f"))},
      {"structure", "loses additions", into_is_lost(derived("f"))},
      {"structure", "fills a map with nothing", map_is_lost()},
      {"structure", "assembles from the wrong part", inverted("scf.if")},
      {"structure", "leaves out an iteration", too_short()},

      {"simplify", "drops a factor", bypass("arith.mulf", 0)},
      {"simplify", "multiplies in place of dividing", become("arith.divf", "arith.mulf")},
      {"simplify", "drops a sign", bypass("arith.negf", 0)},
      {"simplify", "adds in place of subtracting", become("arith.subf", "arith.addf")},
      {"simplify", "drops an addend", bypass("arith.addf", 0)},
      {"simplify", "has a wrong constant", other_constant(true)},
      {"simplify", "drops the guard of an empty sum", bypass("arith.select", 2)},
      {"simplify", "loses a sum", sum_is_lost(derived("f"))},
      {"simplify", "merges different results", results_exchanged(derived("f"))},

      {"split", "hands on the wrong array", results_exchanged()},
      {"split", "hands on nothing", map_is_lost()},
      {"split", "reads one place for all", first_element("prob.extract", 1)},
      {"split", "stops a recurrence", carry_stands_still(derived("f"))},
      {"split", "runs a recurrence the wrong way", wrong_way(derived("f"))},
      {"split", "leaves out an iteration", too_short()},
      {"split", "loses a sum", sum_is_lost(derived("f"))},
      {"split", "starts a recurrence at nothing", init_is_zero(derived("f"))},

      {"fuse", "exchanges results", results_exchanged()},
      {"fuse", "loses a sum", sum_is_lost()},
      {"fuse", "loses additions", into_is_lost()},
      {"fuse", "hands on nothing", map_is_lost()},
      {"fuse", "leaves out an iteration", too_short()},
      {"fuse", "reads one place for all", first_element("prob.extract", 1, helpers)},

      {"condense", "leaves out a column", bypass("prob.add_at", 1)},
      {"condense", "loses a part of a form", bypass("arith.addf", 0, derived("f"))},
      {"condense", "loses a factor", bypass("arith.mulf", 0, derived("f"))},
      {"condense", "leaves out an iteration", too_short()},
      {"condense", "does not take one column out of the next", carry_stands_still()},
      {"condense", "reads one place for all", first_element("prob.extract", 1)},
      {"condense", "loses a sum", sum_is_lost(derived("f"))},
      {"condense", "loses additions", into_is_lost(derived("f"))},

      {"hoist", "binds values to each other's slots", swap("func.return", bound)},
      {"hoist", "reads another slot of numbers", other_slot("f64")},
      {"hoist", "reads another slot of arrays", other_slot("tensor<?xf64>")},
      {"hoist", "computes too few elements", too_short(bound)},
      {"hoist", "gathers the first element for all", first_element("prob.extract", 1, bound)},
      {"hoist", "loses an operation", bypass("arith.mulf", 0, bound)},
      {"hoist", "takes an argument for data", argument_as_data(), on_input},

      {"flatten", "always chooses the then side", bypass("arith.select", 1)},
      {"flatten", "always chooses the else side", bypass("arith.select", 2)},
      {"flatten", "exchanges the sides", inverted("scf.if", derived("f")), on_input},
      {"flatten", "loses the then side", branch_gives_nothing(0, derived("f")), on_input},
      {"flatten", "loses the else side", branch_gives_nothing(1, derived("f")), on_input},
      {"flatten", "mixes up the results of a branch", results_exchanged(derived("f")), on_input},
  };
}

}  // namespace

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = make_faults();
  return all;
}

Hunt hunt(Harness& harness, const Fault& fault, int max_programs) {
  static const llvm::StringSet<> of_models = {"density", "unconstrain", "accumulate", "derive"};
  Hunt out;
  for (uint64_t seed = 1; out.programs < max_programs && !out.caught; ++seed) {
    ++out.programs;
    const CheckResult result =
        fault.pass == "suspend" ? check_stages(harness, random_stages(seed), seed, nullptr, &fault)
        : of_models.contains(fault.pass)
            ? check_model(harness, random_model(seed), seed, nullptr, &fault)
            : check_function(harness, random_function(seed), seed, nullptr, &fault);
    if (!result.fault_applied) continue;
    ++out.applied;
    if (!result.failure || result.failure->pass != fault.pass) continue;
    out.caught = true;
    out.how = result.failure->message;
  }
  return out;
}

}  // namespace borel::testing

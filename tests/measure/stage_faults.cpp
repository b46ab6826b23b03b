// Faults of suspend: what particles keep, weigh and draw, gone wrong in one place.
#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "tests/measure/faults.h"

namespace borel::testing {
namespace {

using mlir::Operation;
using mlir::Value;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

/// Changes one of the operations of type Op that suspend made in a function.
template <class Op, class Accepts, class Change>
std::function<bool(mlir::ModuleOp, Choice&)> at_one(const char* name, Accepts accepts,
                                                    Change change) {
  return [=](mlir::ModuleOp module, Choice& choose) {
    auto function = module.lookupSymbol<mlir::func::FuncOp>(name);
    if (!function) return false;
    std::vector<Op> found;
    function.walk([&](Op op) {
      if (!op->hasAttr(old_mark) && accepts(op)) found.push_back(op);
    });
    if (found.empty()) return false;
    change(choose.of(found));
    return true;
  };
}

constexpr const char* advance = "d.advance";

Value zero_before(Operation* op) {
  mlir::OpBuilder b(op);
  return prob::int_constant(b, op->getLoc(), 0);
}
bool is_zero(Value value) { return mlir::matchPattern(value, mlir::m_Zero()); }

/// A frame's element of a particle.
bool reads_frame(prob::ExtractOp read) {
  return read.getIndices().size() == 2 && mlir::isa<mlir::BlockArgument>(read.getArray());
}
bool writes_frame(prob::InsertOp write) {
  return mlir::cast<mlir::RankedTensorType>(write.getType()).getRank() == 2 &&
         write.getIndices().size() == 1;
}
/// The particle's log weight and what the stage adds.
bool adds_weight(arith::AddFOp add) {
  auto read = add.getLhs().getDefiningOp<prob::ExtractOp>();
  return read && read.getIndices().size() == 1 && mlir::isa<mlir::BlockArgument>(read.getArray());
}
bool compares(Value condition, arith::CmpIPredicate predicate) {
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  return compare && compare.getPredicate() == predicate && !compare->hasAttr(old_mark);
}
/// The choice between what a loop begins with and what particles kept.
bool chooses_initial(scf::IfOp branch, arith::CmpIPredicate predicate) {
  return branch.getNumResults() == 1 && branch->getParentOfType<prob::ForOp>() &&
         compares(branch.getCondition(), predicate);
}
auto always(bool side) {
  return [=](scf::IfOp branch) {
    mlir::OpBuilder b(branch);
    branch.getConditionMutable().assign(
        b.create<arith::ConstantOp>(branch.getLoc(), b.getBoolAttr(side)));
  };
}
template <class Op>
auto operand_instead(unsigned operand) {
  return [=](Op op) { op->getResult(0).replaceAllUsesWith(op->getOperand(operand)); };
}
template <class Op>
auto zero_for(unsigned operand) {
  return [=](Op op) { op->setOperand(operand, zero_before(op)); };
}
/// One less than a size.
auto one_less() {
  return [](mlir::func::ReturnOp end) {
    mlir::OpBuilder b(end);
    const Value one = prob::int_constant(b, end.getLoc(), 1);
    end->setOperand(0, b.create<arith::SubIOp>(end.getLoc(), end.getOperand(0), one));
  };
}
const auto any = [](auto) { return true; };

std::vector<Fault> make_faults() {
  const auto first = [](scf::IfOp x) { return chooses_initial(x, arith::CmpIPredicate::eq); };
  const auto empty = [](scf::IfOp x) { return chooses_initial(x, arith::CmpIPredicate::sge); };
  return {
      {"suspend", "leaves a value out of the frame",
       at_one<prob::InsertOp>(advance, writes_frame, operand_instead<prob::InsertOp>(1))},
      {"suspend", "writes to another's row",
       at_one<prob::InsertOp>(
           advance, [](prob::InsertOp x) { return writes_frame(x) && !is_zero(x.getIndices()[0]); },
           zero_for<prob::InsertOp>(2))},
      {"suspend", "reads another's row",
       at_one<prob::ExtractOp>(
           advance, [](prob::ExtractOp x) { return reads_frame(x) && !is_zero(x.getIndices()[0]); },
           zero_for<prob::ExtractOp>(1))},
      {"suspend", "reads another particle",
       at_one<prob::ExtractOp>(advance, reads_frame, zero_for<prob::ExtractOp>(2))},
      {"suspend", "forgets the weight of the stages before",
       at_one<arith::AddFOp>(advance, adds_weight, operand_instead<arith::AddFOp>(1))},
      {"suspend", "forgets a stage's weight",
       at_one<arith::AddFOp>(advance, adds_weight, operand_instead<arith::AddFOp>(0))},
      {"suspend", "counts a weight twice",
       at_one<arith::AddFOp>(advance, adds_weight,
                             [](arith::AddFOp x) {
                               mlir::OpBuilder b(x);
                               x->setOperand(
                                   0, b.create<arith::AddFOp>(x.getLoc(), x.getLhs(), x.getRhs()));
                             })},
      {"suspend", "draws alike for all particles",
       at_one<prob::UniformAtOp>(advance, any, zero_for<prob::UniformAtOp>(1))},
      {"suspend", "takes a uniform twice",
       at_one<prob::UniformAtOp>(
           advance, [](prob::UniformAtOp x) { return !is_zero(x.getNumber()); },
           zero_for<prob::UniformAtOp>(2))},
      {"suspend", "draws alike in all stages",
       at_one<prob::KeyOp>(
           advance, any, [](prob::KeyOp x) { x.getResult().replaceAllUsesWith(zero_before(x)); })},
      {"suspend", "begins a loop with what particles kept",
       at_one<scf::IfOp>(advance, first, always(false))},
      {"suspend", "begins a loop again and again", at_one<scf::IfOp>(advance, first, always(true))},
      {"suspend", "takes what a loop that did not run would have given",
       at_one<scf::IfOp>(advance, empty, always(false))},
      {"suspend", "takes what a loop that ran began with",
       at_one<scf::IfOp>(advance, empty, always(true))},
      {"suspend", "runs a stage once more",
       at_one<arith::CmpIOp>(
           advance,
           [](arith::CmpIOp x) {
             return x.getPredicate() == arith::CmpIPredicate::slt &&
                    mlir::isa<mlir::BlockArgument>(x.getLhs()) &&
                    mlir::isa<mlir::func::FuncOp>(x->getParentOp());
           },
           [](arith::CmpIOp x) { x.setPredicate(arith::CmpIPredicate::sle); })},
      {"suspend", "counts a stage too few",
       at_one<mlir::func::ReturnOp>("d.stage_count", any, one_less())},
      {"suspend", "makes frames too small",
       at_one<mlir::func::ReturnOp>("d.frame_reals", any, one_less())},
      {"suspend", "shows a site unweighted",
       at_one<arith::MulFOp>("d.stage_summary", any, operand_instead<arith::MulFOp>(1))},
      {"suspend", "shows another's row",
       at_one<prob::ExtractOp>(
           "d.stage_summary",
           [](prob::ExtractOp x) { return reads_frame(x) && !is_zero(x.getIndices()[0]); },
           zero_for<prob::ExtractOp>(1))},
      {"suspend", "does not miss its particles",
       at_one<prob::FaultOp>("d.check_stage", any, [](prob::FaultOp x) { x.erase(); })},
      {"suspend", "misses a stop",
       [](mlir::ModuleOp module, Choice& choose) {
         std::vector<prob::StopOp> found;
         module.walk([&](prob::StopOp stop) { found.push_back(stop); });
         if (found.empty()) return false;
         prob::StopOp stop = choose.of(found);
         stop.erase();
         return true;
       },
       /*on_input=*/true},
  };
}

}  // namespace

const std::vector<Fault>& stage_faults() {
  static const std::vector<Fault> all = make_faults();
  return all;
}

}  // namespace borel::testing

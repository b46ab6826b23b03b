#include "compiler/transform/thread.h"

#include "compiler/dialect/prob.h"
#include "compiler/transform/branch_edit.h"
#include "compiler/transform/loop_edit.h"

namespace borel::transform {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
using mlir::ValueRange;
namespace scf = mlir::scf;

namespace {

using Values = llvm::SmallVector<Value>;

class Thread {
 public:
  Thread(TouchesFn touches, VisitFn visit) : touches_(touches), visit_(visit) {}

  LogicalResult block(mlir::Block& body, llvm::SmallVectorImpl<Value>& values) {
    for (mlir::Operation& op : llvm::make_early_inc_range(body)) {
      if (const auto number = touches_(op)) {
        values[*number] = visit_(op, values[*number]);
        continue;
      }
      const llvm::SmallVector<unsigned> numbers = touched_in(op, values.size());
      if (numbers.empty()) continue;
      LogicalResult done = failure();
      Values results;
      if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
        done = through(loop, values, numbers, results);
      } else if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) {
        done = through(branch, values, numbers, results);
      } else if (auto repeat = mlir::dyn_cast<scf::WhileOp>(op)) {
        done = through(repeat, values, numbers, results);
      } else {
        op.emitOpError("draws where the trace cannot be followed");
      }
      if (mlir::failed(done)) return failure();
      for (auto [number, value] : llvm::zip_equal(numbers, results)) values[number] = value;
    }
    return success();
  }

 private:
  llvm::SmallVector<unsigned> touched_in(mlir::Operation& op, size_t count) {
    llvm::SmallVector<unsigned> out;
    if (op.getNumRegions() == 0) return out;
    llvm::SmallVector<bool> found(count);
    op.walk([&](mlir::Operation* inner) {
      if (const auto number = touches_(*inner)) found[*number] = true;
    });
    for (unsigned i = 0; i < count; ++i)
      if (found[i]) out.push_back(i);
    return out;
  }

  static Values chosen(llvm::ArrayRef<Value> values, llvm::ArrayRef<unsigned> numbers) {
    return llvm::map_to_vector(numbers, [&](unsigned number) { return values[number]; });
  }

  LogicalResult through(prob::ForOp loop, llvm::ArrayRef<Value> values,
                        llvm::ArrayRef<unsigned> numbers, Values& results) {
    Values inner(values), arguments;
    for (const unsigned number : numbers) {
      inner[number] = loop.block().addArgument(values[number].getType(), loop.getLoc());
      arguments.push_back(inner[number]);
    }
    if (mlir::failed(block(loop.block(), inner))) return failure();
    LoopEdit edit(loop);  // once the body is as it stays
    for (auto [number, argument] : llvm::zip_equal(numbers, arguments))
      edit.carries.push_back({values[number], argument, inner[number], Value()});
    results = Values(edit.apply().getCarries().take_back(numbers.size()));
    edit.finish();
    return success();
  }

  LogicalResult through(scf::IfOp branch, llvm::ArrayRef<Value> values,
                        llvm::ArrayRef<unsigned> numbers, Values& results) {
    Values yes(values), no(values);
    if (mlir::failed(block(branch.getThenRegion().front(), yes))) return failure();
    if (!branch.getElseRegion().empty() && mlir::failed(block(branch.getElseRegion().front(), no)))
      return failure();
    const auto otherwise = [&](mlir::OpBuilder&) { return chosen(no, numbers); };
    scf::IfOp made = add_results(branch, chosen(yes, numbers), otherwise);
    results = Values(made.getResults().take_back(numbers.size()));
    return success();
  }

  LogicalResult through(scf::WhileOp repeat, llvm::ArrayRef<Value> values,
                        llvm::ArrayRef<unsigned> numbers, Values& results) {
    LogicalResult done = success();
    const auto inside = [&](ValueRange carried) {
      mlir::Block& body = *carried.front().getParentBlock();
      mlir::Block& test = mlir::cast<scf::WhileOp>(body.getParentOp()).getBefore().front();
      Values tested(values), after(values);
      const unsigned first = test.getNumArguments() - static_cast<unsigned>(numbers.size());
      for (auto [i, number] : llvm::enumerate(numbers)) {
        tested[number] = test.getArgument(first + static_cast<unsigned>(i));
        after[number] = carried[i];
      }
      // The test only reads: it passes its arguments on as they are.
      if (mlir::failed(block(test, tested)) || mlir::failed(block(body, after))) done = failure();
      return chosen(after, numbers);
    };
    scf::WhileOp made = add_carries(repeat, chosen(values, numbers), inside);
    results = Values(made.getResults().take_back(numbers.size()));
    return done;
  }

  TouchesFn touches_;
  VisitFn visit_;
};

}  // namespace

LogicalResult thread_values(mlir::Block& block, llvm::SmallVectorImpl<Value>& values,
                            TouchesFn touches, VisitFn visit) {
  return Thread(touches, visit).block(block, values);
}

}  // namespace borel::transform

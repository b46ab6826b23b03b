#include "compiler/transform/simplify_factors.h"

#include "compiler/analysis/loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

namespace borel::transform {

namespace {

using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

/// The reads of an array, when there are few, of single elements, in loops beside `loop`.
bool find_reads(ForOp loop, Value array, llvm::SmallVectorImpl<prob::ExtractOp>& reads) {
  constexpr size_t max_reads = 2;
  for (mlir::OpOperand& use : array.getUses()) {
    auto read = mlir::dyn_cast<prob::ExtractOp>(use.getOwner());
    if (!read || use.getOperandNumber() != 0 || prob::is_array(read.getType())) return false;
    auto reader = read->getParentOfType<ForOp>();
    if (!reader || reader->getBlock() != loop->getBlock()) return false;
    reads.push_back(read);
  }
  return !reads.empty() && reads.size() <= max_reads;
}

/// The fixed factor of a value that nothing else uses, and the operand that holds the value's
/// varying part; null when there is none. Constants are left: they are no reason to wait.
Value fixed_factor(ForOp loop, Value value, Value& varying) {
  auto product = value.getDefiningOp<mlir::arith::MulFOp>();
  if (!product || !product->hasOneUse() || product->getBlock() != &loop.block()) return nullptr;
  for (const bool swap : {false, true}) {
    const Value c = product->getOperand(swap ? 0 : 1), x = product->getOperand(swap ? 1 : 0);
    if (!analysis::is_outside(c, loop) || analysis::is_outside(x, loop)) continue;
    if (mlir::matchPattern(c, mlir::m_Constant())) continue;
    varying = x;
    return c;
  }
  return nullptr;
}

void multiply_reads(llvm::ArrayRef<prob::ExtractOp> reads, Value factor) {
  for (prob::ExtractOp read : reads) {
    OpBuilder b(read);
    b.setInsertionPointAfter(read);
    auto product = b.create<mlir::arith::MulFOp>(read.getLoc(), read.getResult(), factor);
    read.getResult().replaceAllUsesExcept(product.getResult(), product);
  }
}

}  // namespace

ForOp sink_factors(ForOp loop, bool& changed) {
  prob::YieldOp yield = loop.terminator();
  const auto first_map = static_cast<unsigned>(loop.getCarries().size());
  for (unsigned i = 0; i < loop.getMaps().size(); ++i) {
    Value varying;
    const Value factor = fixed_factor(loop, yield.getMaps()[i], varying);
    llvm::SmallVector<prob::ExtractOp> reads;
    if (!factor || !find_reads(loop, loop.getMaps()[i], reads)) continue;
    yield->setOperand(first_map + i, varying);
    multiply_reads(reads, factor);
    changed = true;
  }
  for (size_t i = 0; i < loop.getIntos().size(); ++i) {
    if (!analysis::is_zeros(loop.getIntoInits()[i])) continue;
    auto add = yield.getIntos()[i].getDefiningOp<prob::AddAtOp>();
    if (!add || add.getArray() != loop.into_args()[i] || add->getBlock() != &loop.block()) continue;
    Value varying;
    const Value factor = fixed_factor(loop, add.getValue(), varying);
    llvm::SmallVector<prob::ExtractOp> reads;
    if (!factor || !find_reads(loop, loop.getIntos()[i], reads)) continue;
    add.getValueMutable().assign(varying);
    multiply_reads(reads, factor);
    changed = true;
  }
  return loop;
}

}  // namespace borel::transform

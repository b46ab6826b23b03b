#include "compiler/transform/fuse.h"

#include "compiler/analysis/loops.h"
#include "compiler/transform/loop_edit.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace borel::transform {

namespace {

using mlir::Block;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;
using prob::ForOp;

/// A fused loop with more results than this would spill its accumulators.
constexpr size_t max_results = 64;

/// Calls `visit` for each value from outside that `op` uses (with repeats); stops when it says
/// false.
bool each_capture(Operation* op, llvm::function_ref<bool(mlir::OpOperand&)> visit) {
  return !op->walk([&](Operation* inner) {
              for (mlir::OpOperand& operand : inner->getOpOperands()) {
                if (inner != op && !analysis::is_outside(operand.get(), op)) continue;
                if (!visit(operand)) return mlir::WalkResult::interrupt();
              }
              return mlir::WalkResult::advance();
            }).wasInterrupted();
}

/// How `consumer` uses a result of `producer`, where fusion can serve it.
bool serves(mlir::OpOperand& use, ForOp producer, ForOp consumer) {
  const size_t n = mlir::cast<mlir::OpResult>(use.get()).getResultNumber();
  const size_t maps = producer.getMaps().size(), sums = producer.getSums().size();
  if (n < maps) {
    auto extract = mlir::dyn_cast<prob::ExtractOp>(use.getOwner());
    return extract && use.getOperandNumber() == 0 && !extract.getIndices().empty() &&
           analysis::position_in(consumer, extract.getIndices()[0]) == 0;
  }
  // Only the init of an into continues an into, and nobody else may see what it holds by then.
  return n >= maps + sums && use.getOwner() == consumer && use.get().hasOneUse();
}

/// The operations between the two that need the producer, in order; nothing when the consumer needs
/// one of them, or one has an effect and so cannot move behind the consumer.
std::optional<llvm::SmallVector<Operation*>> followers(ForOp producer, ForOp consumer) {
  llvm::SmallPtrSet<Operation*, 16> dependent;
  llvm::SmallVector<Operation*> out;
  const auto depends = [&](mlir::OpOperand& use) {
    Operation* definition = use.get().getDefiningOp();
    return definition && dependent.contains(definition);
  };
  for (Operation* op = producer->getNextNode(); op != consumer; op = op->getNextNode()) {
    const bool independent = each_capture(op, [&](mlir::OpOperand& use) {
      return use.get().getDefiningOp() != producer.getOperation() && !depends(use);
    });
    if (independent) continue;
    if (!mlir::isMemoryEffectFree(op)) return std::nullopt;
    dependent.insert(op);
    out.push_back(op);
  }
  const bool legal = each_capture(consumer, [&](mlir::OpOperand& use) {
    if (use.get().getDefiningOp() == producer.getOperation())
      return serves(use, producer, consumer);
    return !depends(use);
  });
  if (!legal) return std::nullopt;
  return out;
}

/// Merges `producer` into `consumer`, at the consumer's place.
ForOp merge(ForOp producer, ForOp consumer, llvm::ArrayRef<Operation*> behind) {
  LoopEdit first(producer), second(consumer);
  // An into that goes on from the producer's shares its accumulator.
  struct Joined {
    size_t first, second;
  };
  llvm::SmallVector<Joined> joined;
  for (auto [i, entry] : llvm::enumerate(second.intos))
    for (auto [j, origin] : llvm::enumerate(first.intos))
      if (entry.init == origin.result) joined.push_back({j, i});

  llvm::SmallVector<Value> into_inits;
  llvm::SmallVector<mlir::Type> elements, sums;
  const auto is_joined = [&](size_t i) {
    return llvm::any_of(joined, [&](const Joined& pair) { return pair.second == i; });
  };
  for (const auto& entry : first.intos) into_inits.push_back(entry.init);
  for (auto [i, entry] : llvm::enumerate(second.intos))
    if (!is_joined(i)) into_inits.push_back(entry.init);
  for (const LoopEdit* edit : {&first, &second}) {
    for (const auto& entry : edit->maps) elements.push_back(entry.value.getType());
    for (const auto& entry : edit->sums) sums.push_back(entry.value.getType());
  }

  OpBuilder b(consumer);
  auto fused =
      b.create<ForOp>(consumer.getLoc(), consumer.getLower(), consumer.getUpper(),
                      mlir::ValueRange(), elements, sums, into_inits, consumer.getReverse());
  Block& to = fused.block();

  // The producer's body, then the consumer's, which reads the producer's maps directly.
  first.replace(producer.induction(), fused.induction());
  second.replace(consumer.induction(), fused.induction());
  size_t argument = 0;
  for (auto& entry : first.intos) first.replace(entry.argument, fused.into_args()[argument++]);
  for (auto [i, entry] : llvm::enumerate(second.intos)) {
    if (is_joined(i)) continue;
    second.replace(entry.argument, fused.into_args()[argument++]);
  }
  for (const Joined& pair : joined)
    second.replace(second.intos[pair.second].argument, first.intos[pair.first].next);

  llvm::SmallVector<prob::ExtractOp> reads;
  for (auto [entry, result] : llvm::zip(first.maps, producer.getMaps()))
    for (Operation* user : result.getUsers())
      if (consumer->isProperAncestor(user)) reads.push_back(mlir::cast<prob::ExtractOp>(user));

  producer.terminator().erase();
  consumer.terminator().erase();
  to.getOperations().splice(to.end(), producer.block().getOperations());
  to.getOperations().splice(to.end(), consumer.block().getOperations());

  for (prob::ExtractOp read : reads) {
    const size_t n = mlir::cast<mlir::OpResult>(read.getArray()).getResultNumber();
    Value element = first.maps[n].value;
    if (read.getIndices().size() > 1) {
      OpBuilder at(read);
      element = at.create<prob::ExtractOp>(read.getLoc(), read.getType(), element,
                                           read.getIndices().drop_front(), read.getPlaceAttr());
    }
    second.replace(read, element);
    read.erase();
  }

  llvm::SmallVector<Value> yielded_maps, yielded_sums, yielded_intos;
  for (const LoopEdit* edit : {&first, &second}) {
    for (const auto& entry : edit->maps) yielded_maps.push_back(entry.value);
    for (const auto& entry : edit->sums) yielded_sums.push_back(entry.value);
  }
  for (auto [j, entry] : llvm::enumerate(first.intos)) {
    Value next = entry.next;
    for (const Joined& pair : joined)
      if (pair.first == j) next = second.intos[pair.second].next;
    yielded_intos.push_back(next);
  }
  for (auto [i, entry] : llvm::enumerate(second.intos))
    if (!is_joined(i)) yielded_intos.push_back(entry.next);
  b.setInsertionPointToEnd(&to);
  b.create<prob::YieldOp>(consumer.getLoc(), mlir::ValueRange(), yielded_maps, yielded_sums,
                          yielded_intos);

  size_t map = 0, sum = 0, into = 0;
  for (const LoopEdit* edit : {&first, &second}) {
    for (const auto& entry : edit->maps) {
      Value old = entry.result;
      old.replaceAllUsesWith(fused.getMaps()[map++]);
    }
    for (const auto& entry : edit->sums) {
      Value old = entry.result;
      old.replaceAllUsesWith(fused.getSums()[sum++]);
    }
  }
  for (auto [i, entry] : llvm::enumerate(second.intos)) {
    for (const Joined& pair : joined)
      if (pair.second == i) entry.result.replaceAllUsesWith(fused.getIntos()[pair.first]);
  }
  const size_t first_intos = first.intos.size();
  for (auto& entry : first.intos) {
    Value result = fused.getIntos()[into++];
    // What read the partial sums of a joined chain was only the consumer.
    entry.result.replaceUsesWithIf(
        result, [&](mlir::OpOperand& use) { return use.getOwner() != consumer.getOperation(); });
  }
  into = first_intos;
  for (auto [i, entry] : llvm::enumerate(second.intos))
    if (!is_joined(i)) entry.result.replaceAllUsesWith(fused.getIntos()[into++]);

  consumer.erase();
  producer.erase();
  Operation* last = fused;
  for (Operation* op : behind) {
    op->moveAfter(last);
    last = op;
  }
  return drop_unused(fused);
}

/// Additions to an array on its way into a loop that only adds to it can follow the loop: they
/// commute. That brings loops that add to one array next to each other.
void sink_additions(ForOp loop) {
  for (size_t i = 0; i < loop.getIntoInits().size(); ++i) {
    while (auto add = loop.getIntoInits()[i].getDefiningOp<prob::AddAtOp>()) {
      if (!add->hasOneUse() || add->getBlock() != loop->getBlock()) break;
      Value result = loop.getIntos()[i];
      loop.getIntoInitsMutable().slice(static_cast<unsigned>(i), 1).assign(add.getArray());
      add->moveAfter(loop);
      result.replaceAllUsesWith(add.getResult());
      add.getArrayMutable().assign(result);
    }
  }
}

bool can_meet(ForOp a, ForOp b) {
  if (!analysis::same_range(a, b) || static_cast<bool>(a.getReverse()) != b.getReverse())
    return false;
  return a->getNumResults() + b->getNumResults() <= max_results;
}

void fuse_plate(ForOp loop, llvm::SmallVectorImpl<ForOp>& plates) {
  sink_additions(loop);
  llvm::SmallVector<ForOp> moved;
  // The nearest earlier plate first: it is the likeliest producer.
  for (size_t i = plates.size(); i-- > 0;) {
    if (!can_meet(plates[i], loop)) continue;
    const auto behind = followers(plates[i], loop);
    if (!behind) continue;
    for (Operation* op : *behind)
      if (auto plate = mlir::dyn_cast<ForOp>(op); plate && plate.is_plate()) moved.push_back(plate);
    loop = merge(plates[i], loop, *behind);
    plates.erase(plates.begin() + static_cast<std::ptrdiff_t>(i));
    // Plates that moved behind come after this one now.
    llvm::erase_if(plates, [&](ForOp plate) { return llvm::is_contained(moved, plate); });
    i = std::min(i, plates.size());
    if (!loop) break;
    sink_additions(loop);
  }
  if (loop) plates.push_back(loop);
  for (ForOp plate : moved) fuse_plate(plate, plates);
}

class FusePass : public mlir::PassWrapper<FusePass, mlir::OperationPass<mlir::func::FuncOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FusePass)

  llvm::StringRef getArgument() const final { return "fuse"; }

  void runOnOperation() final {
    if (!getOperation().isExternal()) fuse_plates(getOperation().getBody().front());
  }
};

}  // namespace

void fuse_plates(Block& block) {
  llvm::SmallVector<ForOp> plates;  // what a later plate may join
  for (ForOp loop : llvm::to_vector(block.getOps<ForOp>()))
    if (loop.is_plate()) fuse_plate(loop, plates);
  for (Operation& op : block)
    for (mlir::Region& region : op.getRegions())
      for (Block& inner : region) fuse_plates(inner);
}

std::unique_ptr<mlir::Pass> create_fuse_pass() { return std::make_unique<FusePass>(); }

}  // namespace borel::transform

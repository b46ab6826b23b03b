#include "compiler/codegen/lifetimes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::codegen {

using mlir::Operation;
using mlir::Value;
namespace scf = mlir::scf;

bool overlap(const Life& a, const Life& b) {
  for (const Interval x : a)
    for (const Interval y : b)
      if (overlap(x, y)) return true;
  return false;
}

Lifetimes::Lifetimes(mlir::func::FuncOp function) { number(function.getBody().front()); }

void Lifetimes::number(mlir::Block& block) {
  for (Operation& op : block) {
    const Position first = 4 * next_++;
    Position last = first;
    if (op.getNumRegions() != 0) {
      for (mlir::Region& region : op.getRegions())
        if (!region.empty()) number(region.front());
      last = 4 * next_++;
    }
    numbers_[&op] = {first, last};
  }
}

namespace {
void add_users(Value value, llvm::SmallVectorImpl<Operation*>& users) {
  for (Operation* user : value.getUsers()) {
    users.push_back(user);
    if (auto extract = mlir::dyn_cast<prob::ExtractOp>(user))
      if (prob::is_array(extract.getType())) add_users(extract.getResult(), users);
  }
}
}  // namespace

void Lifetimes::cover(mlir::Block* block, Position from, llvm::ArrayRef<Operation*> users,
                      Life& life) const {
  Operation* last = nullptr;
  for (Operation* user : users) {
    Operation* here = block->findAncestorOpInBlock(*user);
    if (here && (!last || begin(here) > begin(last))) last = here;
  }
  if (!last) {
    life.push_back({from, from});
    return;
  }
  llvm::SmallVector<Operation*> inside;
  for (Operation* user : users)
    if (user != last && last->isProperAncestor(user)) inside.push_back(user);
  const bool branch = mlir::isa<scf::IfOp>(last);
  life.push_back({from, inside.empty() || branch ? begin(last) : end(last)});
  if (inside.empty() || !branch) return;
  // A branch keeps the value only as long as that branch itself uses it.
  for (mlir::Region& region : last->getRegions()) {
    llvm::SmallVector<Operation*> mine;
    for (Operation* user : inside)
      if (region.isAncestor(user->getParentRegion())) mine.push_back(user);
    if (!mine.empty()) cover(&region.front(), start(&region.front()), mine, life);
  }
}

Life Lifetimes::of(Value array) const {
  llvm::SmallVector<Operation*> users;
  add_users(array, users);
  Life life;
  Position from = 0;
  const auto write_at = [&](Operation* terminator) {
    const Position at = begin(terminator) + 2;
    life.push_back({at, at});
  };
  if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(array)) {
    Operation* parent = argument.getOwner()->getParentOp();
    if (!mlir::isa<mlir::func::FuncOp>(parent)) from = start(argument.getOwner());
    if (auto loop = mlir::dyn_cast<prob::ForOp>(parent)) write_at(loop.terminator());
    if (auto loop = mlir::dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner() == loop.getBeforeBody())
        write_at(loop.getYieldOp());
      else
        write_at(loop.getConditionOp());
    }
  } else {
    Operation* op = array.getDefiningOp();
    const unsigned n = mlir::cast<mlir::OpResult>(array).getResultNumber();
    from = begin(op) + 2;
    if (mlir::isa<mlir::func::CallOp, prob::ZerosOp>(op)) from = begin(op);
    if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
      const unsigned carries = size_of(loop.getCarries());
      const bool map = n >= carries && n < carries + size_of(loop.getMaps());
      from = map ? begin(op) : end(op) + 2;
    } else if (auto branch = mlir::dyn_cast<scf::IfOp>(op)) {
      from = end(op) + 2;
      write_at(branch.thenYield());
      write_at(branch.elseYield());
    } else if (auto again = mlir::dyn_cast<scf::WhileOp>(op)) {
      from = end(op) + 2;
      write_at(again.getConditionOp());
    }
  }
  cover(array.getParentBlock(), from, users, life);
  return life;
}

bool Lifetimes::available(Value value, Operation* point) const {
  mlir::Block* block = value.getParentBlock();
  Operation* op = value.getDefiningOp();
  if (!point) return !op && mlir::isa<mlir::func::FuncOp>(block->getParentOp());
  Operation* here = block->findAncestorOpInBlock(*point);
  return here && (!op || end(op) < begin(here));
}

bool Lifetimes::available(Extent extent, Operation* point) const {
  llvm::SmallVector<Value> values;
  Extents::leaves(extent, values);
  return llvm::all_of(values, [&](Value value) { return available(value, point); });
}

bool Lifetimes::available(const ExtentList& extents, Operation* point) const {
  return llvm::all_of(extents, [&](Extent extent) { return available(extent, point); });
}

}  // namespace borel::codegen

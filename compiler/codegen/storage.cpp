#include "compiler/codegen/storage.h"

#include <optional>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

#include "compiler/codegen/lifetimes.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

using mlir::Operation;
using mlir::Value;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

Value StoragePlan::root(Value value) {
  while (auto extract = value.getDefiningOp<prob::ExtractOp>()) value = extract.getArray();
  return value;
}

unsigned StoragePlan::buffer_of(Value array) const {
  auto found = ids_.find(root(array));
  internal_check(found != ids_.end(), "an array value without a buffer");
  return found->second;
}

bool StoragePlan::same_memory(Value a, Value b) const {
  const unsigned i = buffer_of(a), j = buffer_of(b);
  const auto framed = [](const Buffer& buffer) {
    return buffer.kind == Buffer::Kind::Local && !buffer.before;
  };
  const Buffer &x = buffers_[i], &y = buffers_[j];
  return i == j || (framed(x) && framed(y) && x.frame_slot == y.frame_slot);
}

llvm::ArrayRef<unsigned> StoragePlan::allocated_before(Operation* op) const {
  auto found = allocated_.find(op);
  return found == allocated_.end() ? llvm::ArrayRef<unsigned>() : found->second;
}

llvm::ArrayRef<unsigned> StoragePlan::parts_of(prob::ForOp loop) const {
  auto found = parts_.find(loop);
  return found == parts_.end() ? llvm::ArrayRef<unsigned>() : found->second;
}

llvm::ArrayRef<unsigned> StoragePlan::rows_of(prob::ForOp loop) const {
  auto found = rows_.find(loop);
  return found == rows_.end() ? llvm::ArrayRef<unsigned>() : found->second;
}

// Builds a plan: lists the array values and the pairs that should share, then joins pairs, those in
// the innermost loops first, as long as no two members' lives overlap.
class StoragePlanner {
 public:
  StoragePlanner(mlir::func::FuncOp function, Extents& extents, StoragePlan& plan)
      : function_(function), extents_(extents), plan_(plan), times_(function) {}

  void run(llvm::ArrayRef<int> in_place) {
    collect(in_place);
    pair_up();
    keep_state(in_place);
    std::stable_sort(pairs_.begin(), pairs_.end(), [](const Pair& a, const Pair& b) {
      return a.depth != b.depth ? a.depth > b.depth : a.made && !b.made;
    });
    for (const Pair& pair : pairs_) join(find(pair.a), find(pair.b));
    give_results();
    place();
  }

 private:
  struct Group {
    llvm::SmallVector<Value, 4> values;
    llvm::SmallVector<Life, 4> lives;  // of each value
    ExtentList extents;
    mlir::Type element;
    bool read_only = false;
    std::optional<unsigned> result;  // memory of this result of the function
    unsigned parent;                 // union-find
  };
  struct Pair {
    Value a, b;
    unsigned depth;
    // Not what a branch passes on as it came: that is copied at need, where what is made in the
    // branch can be made in its place.
    bool made;
  };

  unsigned find(unsigned id) const {
    while (groups_[id].parent != id) id = groups_[id].parent;
    return id;
  }
  unsigned find(Value value) const { return find(index_.at(value)); }

  static unsigned depth_of(Operation* op) {
    unsigned depth = 0;
    for (; op; op = op->getParentOp())
      if (mlir::isa<prob::ForOp, scf::WhileOp>(op)) ++depth;
    return depth;
  }

  void add(Value value) {
    if (!prob::is_array(value.getType()) || StoragePlan::is_view(value)) return;
    Group group;
    group.values.push_back(value);
    group.lives.push_back(times_.of(value));
    group.extents = extents_.of_array(value);
    group.element = prob::scalar_type(value.getType());
    group.read_only = static_cast<bool>(value.getDefiningOp<prob::DataOp>());
    group.parent = static_cast<unsigned>(groups_.size());
    index_[value] = group.parent;
    groups_.push_back(std::move(group));
  }

  void collect(llvm::ArrayRef<int> in_place) {
    for (mlir::BlockArgument argument : function_.getArguments()) {
      if (!prob::is_array(argument.getType())) continue;
      add(argument);
      const unsigned n = argument.getArgNumber();
      if (n < in_place.size() && in_place[n] >= 0)
        groups_.back().result = static_cast<unsigned>(in_place[n]);
      else
        groups_.back().read_only = true;
    }
    function_.walk<mlir::WalkOrder::PreOrder>([&](Operation* op) {
      if (op == function_) return;
      for (mlir::Region& region : op->getRegions())
        if (!region.empty())
          for (mlir::BlockArgument argument : region.front().getArguments()) add(argument);
      for (const Value result : op->getResults()) add(result);
    });
  }

  void want(Value a, Value b, unsigned depth, bool made = true) {
    if (!prob::is_array(a.getType()) || StoragePlan::is_view(a) || StoragePlan::is_view(b)) return;
    pairs_.push_back({a, b, depth, made});
  }

  void pair_up() {
    function_.walk([&](Operation* op) {
      const unsigned depth = depth_of(op);
      if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) {
        if (replaces_all(insert))
          plan_.replacing_.insert(insert);
        else
          want(insert.getArray(), insert.getResult(), depth);
      }
      if (auto add_at = mlir::dyn_cast<prob::AddAtOp>(op))
        want(add_at.getArray(), add_at.getResult(), depth);
      if (auto select = mlir::dyn_cast<arith::SelectOp>(op)) {
        want(select.getTrueValue(), select.getResult(), depth);
        want(select.getFalseValue(), select.getResult(), depth);
      }
      if (auto branch = mlir::dyn_cast<scf::IfOp>(op); branch && branch.elseBlock()) {
        for (unsigned i = 0; i < branch.getNumResults(); ++i) {
          for (Value value : {branch.thenYield().getOperand(i), branch.elseYield().getOperand(i)})
            want(value, branch.getResult(i), depth,
                 branch->isProperAncestor(value.getParentBlock()->getParentOp()) ||
                     branch == value.getParentBlock()->getParentOp());
        }
      }
      if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) pair_loop(loop, depth);
      if (auto loop = mlir::dyn_cast<scf::WhileOp>(op)) {
        for (unsigned i = 0; i < loop.getNumResults(); ++i) {
          if (!prob::is_array(loop.getResult(i).getType())) continue;
          unite(find(loop.getResult(i)), find(loop.getAfterArguments()[i]));
          want(loop.getConditionOp().getArgs()[i], loop.getResult(i), depth);
        }
        for (unsigned i = 0; i < loop.getInits().size(); ++i) {
          want(loop.getYieldOp().getOperand(i), loop.getBeforeArguments()[i], depth);
          want(loop.getInits()[i], loop.getBeforeArguments()[i], depth - 1);
        }
      }
    });
  }

  void pair_loop(prob::ForOp loop, unsigned depth) {
    prob::YieldOp yield = loop.terminator();
    const auto chain = [&](Value init, Value argument, Value next, Value result) {
      if (!prob::is_array(init.getType())) return;
      unite(find(argument), find(result));
      want(next, argument, depth);
      want(init, argument, depth - 1);
    };
    for (auto [init, argument, next, result] :
         llvm::zip(loop.getCarryInits(), loop.carry_args(), yield.getCarries(), loop.getCarries()))
      chain(init, argument, next, result);
    for (auto [init, argument, next, result] :
         llvm::zip(loop.getIntoInits(), loop.into_args(), yield.getIntos(), loop.getIntos()))
      chain(init, argument, next, result);
  }

  // A plate that computes element iv of `result` from element iv of `source` alone may write over
  // `source`, provided that nothing else needs it.
  bool overwrites(Value result, Value source, const Life& result_life,
                  const Life& source_life) const {
    auto loop = result.getDefiningOp<prob::ForOp>();
    if (!loop || !loop.is_plate()) return false;
    if (!mlir::matchPattern(loop.getLower(), mlir::m_Zero())) return false;
    const unsigned n = mlir::cast<mlir::OpResult>(result).getResultNumber();
    if (n >= loop.getMaps().size() ||
        mlir::cast<mlir::RankedTensorType>(result.getType()).getRank() != 1)
      return false;
    const Interval whole{times_.begin(loop), times_.end(loop)};
    for (const Interval x : source_life)
      for (const Interval y : result_life)
        if (overlap(x, y) &&
            (std::max(x.begin, y.begin) < whole.begin || std::min(x.end, y.end) > whole.end))
          return false;
    for (Operation* user : source.getUsers()) {
      if (user == loop) return false;
      if (!loop->isProperAncestor(user)) continue;
      auto extract = mlir::dyn_cast<prob::ExtractOp>(user);
      if (!extract || extract.getIndices().size() != 1 ||
          extract.getIndices()[0] != loop.induction())
        return false;
    }
    return true;
  }

  bool interfere(const Group& a, const Group& b) const {
    for (unsigned i = 0; i < a.values.size(); ++i)
      for (unsigned j = 0; j < b.values.size(); ++j) {
        if (!overlap(a.lives[i], b.lives[j])) continue;
        if (overwrites(a.values[i], b.values[j], a.lives[i], b.lives[j])) continue;
        if (overwrites(b.values[j], a.values[i], b.lives[j], a.lives[i])) continue;
        return true;
      }
    return false;
  }

  void unite(unsigned a, unsigned b) {
    if (a == b) return;
    Group &into = groups_[a], &from = groups_[b];
    llvm::append_range(into.values, from.values);
    llvm::append_range(into.lives, from.lives);
    if (from.result) into.result = from.result;
    from.values.clear();
    from.lives.clear();
    from.parent = a;
  }

  void join(unsigned a, unsigned b) {
    if (a == b) return;
    const Group &x = groups_[a], &y = groups_[b];
    if (x.read_only || y.read_only || x.element != y.element || x.extents != y.extents) return;
    if (x.result && y.result) return;
    if (interfere(x, y)) return;
    if (!x.result && !y.result) {
      llvm::SmallVector<Value> both(x.values.begin(), x.values.end());
      llvm::append_range(both, y.values);
      Operation* at = anchor(both);
      if (!times_.available(x.extents, nullptr) && !times_.available(x.extents, at)) return;
    }
    unite(a, b);
  }

  // The operation of the innermost common block before which nothing of the group exists.
  Operation* anchor(llvm::ArrayRef<Value> values) const {
    Value head = values.front();
    mlir::Block* block = head.getParentBlock();
    const auto holds = [&](Value value) -> bool {
      for (mlir::Block* b = value.getParentBlock(); b; b = b->getParentOp()->getBlock()) {
        if (b == block) return true;
        if (mlir::isa<mlir::func::FuncOp>(b->getParentOp())) return false;
      }
      return false;
    };
    while (!llvm::all_of(values, holds)) block = block->getParentOp()->getBlock();
    Operation* first = nullptr;
    for (Value value : values) {
      Operation* op = value.getDefiningOp();
      if (!op) op = value.getParentBlock()->getParentOp();
      Operation* here = block->findAncestorOpInBlock(*op);
      internal_check(here != nullptr, "an argument of a block without its loop's result");
      if (!first || times_.begin(here) < times_.begin(first)) first = here;
    }
    return first;
  }

  // A state that is updated in place: what is returned lies where the argument lies, before
  // anything else can claim it. Their extents agree by contract.
  void keep_state(llvm::ArrayRef<int> in_place) {
    mlir::Operation* returned = function_.getBody().front().getTerminator();
    for (unsigned n = 0; n < in_place.size(); ++n) {
      if (in_place[n] < 0) continue;
      const Value value = returned->getOperand(static_cast<unsigned>(in_place[n]));
      if (StoragePlan::is_view(value)) continue;
      const unsigned a = find(function_.getArgument(n)), b = find(value);
      if (a != b && !groups_[b].read_only && !groups_[b].result &&
          !interfere(groups_[a], groups_[b]))
        unite(a, b);
    }
  }

  void give_results() {
    auto returned = mlir::cast<mlir::func::ReturnOp>(function_.getBody().front().getTerminator());
    llvm::SmallVector<bool> given(returned.getNumOperands(), false);
    for (const Group& group : groups_)
      if (group.result && group.parent == index_.at(group.values.front()))
        given[*group.result] = true;
    for (unsigned i = 0; i < returned.getNumOperands(); ++i) {
      const Value value = returned.getOperand(i);
      if (!prob::is_array(value.getType()) || StoragePlan::is_view(value)) continue;
      const unsigned id = find(value);
      if (groups_[id].read_only || groups_[id].result) continue;
      if (!given[i]) {
        groups_[id].result = i;
        continue;
      }
      // In-place argument: its extents are those of the result by contract.
      for (unsigned other = 0; other < groups_.size(); ++other)
        if (groups_[other].parent == other && groups_[other].result == i &&
            groups_[other].element == groups_[id].element &&
            !interfere(groups_[other], groups_[id])) {
          unite(other, id);
          break;
        }
    }
  }

  // The map whose rows the group's values are, when an iteration yields one of them.
  Value row_of(const Group& group) const {
    for (const Value value : group.values)
      for (mlir::OpOperand& use : value.getUses()) {
        auto yield = mlir::dyn_cast<prob::YieldOp>(use.getOwner());
        if (!yield) continue;
        auto loop = mlir::cast<prob::ForOp>(yield->getParentOp());
        const unsigned first = size_of(loop.getCarries()), maps = size_of(loop.getMaps());
        const unsigned n = use.getOperandNumber();
        if (n < first || n >= first + maps || !taken_rows_.insert(loop.getResult(n)).second)
          continue;
        const bool inside = llvm::all_of(group.values, [&](Value member) {
          return loop.getBody().isAncestor(member.getParentRegion()) &&
                 !(mlir::isa<mlir::BlockArgument>(member) &&
                   member.getParentBlock() == &loop.block());
        });
        if (inside) return loop.getResult(n);
        taken_rows_.erase(loop.getResult(n));
      }
    return {};
  }

  // Whether `loop` may write over the array while it runs: of `value` it reads scalars with its own
  // number as last index only, so that an iteration reads what no other one writes.
  static bool reads_own_elements(prob::ForOp loop, Operation* user, Value value) {
    auto extract = mlir::dyn_cast<prob::ExtractOp>(user);
    return extract && extract.getArray() == value && !prob::is_array(extract.getType()) &&
           extract.getIndices().back() == loop.induction();
  }

  // Whether rows of constant numbers, all there are, are inserted one after the other.
  bool replaces_all(prob::InsertOp insert) const {
    if (insert.getIndices().size() != 1) return false;
    const Extent rows = extents_.of_array(insert.getArray()).front();
    if (rows->kind != ExtentNode::Kind::Constant || rows->number > 64) return false;
    llvm::DenseSet<std::int64_t> replaced;
    for (mlir::Block* block = insert->getBlock(); insert && insert->getBlock() == block;) {
      llvm::APInt row;
      if (insert.getIndices().size() != 1 ||
          !mlir::matchPattern(insert.getIndices()[0], mlir::m_ConstantInt(&row)) ||
          row.isNegative() || row.sge(rows->number))
        return false;
      if (!replaced.insert(row.getSExtValue()).second) return false;
      if (static_cast<std::int64_t>(replaced.size()) == rows->number) return true;
      const Value result = insert.getResult();
      if (!result.hasOneUse()) return false;
      insert = mlir::dyn_cast<prob::InsertOp>(*result.getUsers().begin());
      if (insert && insert.getArray() != result) return false;
    }
    return false;
  }

  // Whether a plate may write to the memory of what `insert` gives before it does: the caller's, of
  // which nobody needs what is there from then on.
  bool is_free(prob::InsertOp insert, prob::ForOp loop) const {
    const Group& group = groups_[find(insert.getResult())];
    if (!group.result || !times_.available(group.extents, loop)) return false;
    const Interval before{times_.begin(loop), times_.begin(insert)};
    return llvm::none_of(group.lives, [&](const Life& life) {
      return llvm::any_of(life, [&](const Interval x) { return overlap(x, before); });
    });
  }

  // The array into which a map of a plate is inserted as a part, where the plate may as well write
  // to that part at once: nothing else happens to the array, and nobody reads it, until then.
  std::pair<prob::InsertOp, Value> part_of(const Group& group) const {
    if (group.values.size() != 1 || !group.values.front().hasOneUse()) return {};
    const Value map = group.values.front();
    auto loop = map.getDefiningOp<prob::ForOp>();
    if (!loop || !loop.is_plate() || !mlir::matchPattern(loop.getLower(), mlir::m_Zero()))
      return {};
    auto insert = mlir::dyn_cast<prob::InsertOp>(*map.getUsers().begin());
    if (!insert || insert.getValue() != map || insert.getPlace() ||
        insert->getBlock() != loop->getBlock())
      return {};
    for (const Value index : insert.getIndices())
      if (!times_.available(index, loop)) return {};
    const ExtentList extents = extents_.of_array(insert.getArray());
    if (extents.size() != insert.getIndices().size() + group.extents.size() ||
        !std::equal(group.extents.begin(), group.extents.end(),
                    extents.begin() + insert.getIndices().size()))
      return {};
    Value base = insert.getArray();
    llvm::DenseSet<Operation*> writes{insert};
    for (prob::InsertOp first = insert;;) {
      if (find(first.getArray()) != find(first.getResult())) {
        // All that writes to the rows up to then.
        const auto rows = extents_.of_array(first.getArray()).front()->number;
        if (!plan_.replaces_all(first) || static_cast<std::int64_t>(writes.size()) > rows ||
            !is_free(first, loop))
          return {};
        return {insert, insert.getResult()};
      }
      first = base.getDefiningOp<prob::InsertOp>();
      if (!first || first->getBlock() != loop->getBlock() || first->isBeforeInBlock(loop)) break;
      if (first.getValue().getDefiningOp() != loop) return {};
      writes.insert(first);
      base = first.getArray();
    }
    if (StoragePlan::is_view(base) || find(base) != find(insert.getArray()) ||
        groups_[find(base)].read_only || !times_.available(base, loop))
      return {};
    for (Operation* user : base.getUsers()) {
      if (writes.contains(user)) continue;
      Operation* here = loop->getBlock()->findAncestorOpInBlock(*user);
      if (here == loop ? !reads_own_elements(loop, user, base)
                       : here && loop->isBeforeInBlock(here) && here->isBeforeInBlock(insert))
        return {};
    }
    return {insert, base};
  }

  void place() {
    llvm::DenseMap<unsigned, unsigned> ids;
    std::vector<std::pair<unsigned, Life>> framed;  // buffer, life
    for (unsigned id = 0; id < groups_.size(); ++id) {
      const Group& group = groups_[id];
      if (group.parent != id) continue;
      Buffer buffer;
      buffer.extents = group.extents;
      buffer.element = group.element;
      const unsigned number = plan_.buffer_count();
      ids[id] = number;
      if (group.read_only) {
        auto argument = mlir::dyn_cast<mlir::BlockArgument>(group.values.front());
        buffer.kind = argument ? Buffer::Kind::Argument : Buffer::Kind::Data;
        buffer.index = argument ? argument.getArgNumber() : 0;
      } else if (group.result) {
        buffer.kind = Buffer::Kind::Result;
        buffer.index = *group.result;
      } else if (const Value map = row_of(group)) {
        buffer.kind = Buffer::Kind::Row;
        buffer.row_of = map;
        plan_.rows_[map.getDefiningOp()].push_back(number);
      } else if (const auto [insert, base] = part_of(group); insert) {
        buffer.kind = Buffer::Kind::Part;
        buffer.part_of = insert;
        buffer.base = base;
        plan_.parts_[group.values.front().getDefiningOp()].push_back(number);
      } else if (times_.available(group.extents, nullptr)) {
        Life life;
        for (const Life& one : group.lives) llvm::append_range(life, one);
        framed.emplace_back(number, std::move(life));
      } else {
        buffer.before = anchor(group.values);
        if (!times_.available(group.extents, buffer.before))
          throw InternalError("an array whose extents are known only after it has to exist");
        plan_.allocated_[buffer.before].push_back(number);
      }
      plan_.buffers_.push_back(std::move(buffer));
    }
    share_frame(framed);
    for (const auto& [value, id] : index_) plan_.ids_[value] = ids.at(find(id));
  }

  // Pieces of the frame are shared by buffers of one shape whose lives do not overlap.
  void share_frame(llvm::ArrayRef<std::pair<unsigned, Life>> framed) {
    llvm::SmallVector<Life> lives;
    for (const auto& [number, life] : framed) {
      Buffer& buffer = plan_.buffers_[number];
      unsigned slot = 0;
      for (; slot < plan_.frame_.size(); ++slot)
        if (plan_.buffers_[plan_.frame_[slot]].extents == buffer.extents &&
            !overlap(lives[slot], life))
          break;
      if (slot == plan_.frame_.size()) {
        plan_.frame_.push_back(number);
        lives.emplace_back();
      }
      buffer.frame_slot = slot;
      llvm::append_range(lives[slot], life);
    }
  }

  mlir::func::FuncOp function_;
  Extents& extents_;
  StoragePlan& plan_;
  Lifetimes times_;
  std::vector<Group> groups_;
  llvm::DenseMap<Value, unsigned> index_;
  std::vector<Pair> pairs_;
  mutable llvm::DenseSet<Value> taken_rows_;
};

StoragePlan::StoragePlan(mlir::func::FuncOp function, Extents& extents,
                         llvm::ArrayRef<int> in_place) {
  StoragePlanner(function, extents, *this).run(in_place);
}

}  // namespace borel::codegen

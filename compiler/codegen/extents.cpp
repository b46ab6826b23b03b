#include "compiler/codegen/extents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "compiler/support/diagnostics.h"

namespace borel::codegen {

using Kind = ExtentNode::Kind;
using mlir::Value;

namespace arith = mlir::arith;
namespace scf = mlir::scf;

Extent Extents::node(ExtentNode wanted) {
  const Key key{static_cast<int>(wanted.kind),
                wanted.number,
                wanted.value.getAsOpaquePointer(),
                wanted.slot,
                wanted.left,
                wanted.right};
  auto& entry = nodes_[key];
  if (!entry) entry = std::make_unique<ExtentNode>(std::move(wanted));
  return entry.get();
}

Extent Extents::constant(std::int64_t number) { return node({Kind::Constant, number, {}, {}}); }

Extent Extents::binary(Kind kind, Extent left, Extent right) {
  if (left->kind == Kind::Constant && right->kind == Kind::Constant) {
    // Unsigned arithmetic: a program's overflow must not become the compiler's.
    const auto a = static_cast<std::uint64_t>(left->number);
    const auto b = static_cast<std::uint64_t>(right->number);
    switch (kind) {
      case Kind::Add:
        return constant(static_cast<std::int64_t>(a + b));
      case Kind::Subtract:
        return constant(static_cast<std::int64_t>(a - b));
      case Kind::Multiply:
        return constant(static_cast<std::int64_t>(a * b));
      case Kind::Minimum:
        return constant(std::min(left->number, right->number));
      case Kind::Maximum:
        return constant(std::max(left->number, right->number));
      case Kind::Trips:
        return constant(std::max<std::int64_t>(static_cast<std::int64_t>(a - b), 0));
      default:
        break;
    }
  }
  if (right->kind == Kind::Constant && right->number == 0 &&
      (kind == Kind::Add || kind == Kind::Subtract))
    return left;
  // From 0 on a loop makes as many trips as its bound says, or none. Sizes of data and extents of
  // arrays are not negative.
  if ((kind == Kind::Trips || kind == Kind::Maximum) && right->kind == Kind::Constant &&
      right->number == 0) {
    const bool nonnegative = left->kind == Kind::Dimension || left->kind == Kind::Trips ||
                             (left->kind == Kind::Slot && slot(left->slot).getKind() == "size") ||
                             (left->kind == Kind::Maximum && left->right->kind == Kind::Constant &&
                              left->right->number >= 0);
    return nonnegative ? left : node({Kind::Maximum, 0, {}, {}, left, right});
  }
  return node({kind, 0, {}, {}, left, right});
}

void Extents::leaves(Extent extent, llvm::SmallVectorImpl<Value>& out) {
  if (extent->value) out.push_back(extent->value);
  if (extent->left) leaves(extent->left, out);
  if (extent->right) leaves(extent->right, out);
}

mlir::func::FuncOp Extents::callee(mlir::func::CallOp call) {
  auto function = symbols_.lookup<mlir::func::FuncOp>(call.getCallee());
  internal_check(static_cast<bool>(function), "a call of a function that the module lacks");
  return function;
}

prob::SlotOp Extents::slot(llvm::StringRef name) {
  auto op = symbols_.lookup<prob::SlotOp>(name);
  internal_check(static_cast<bool>(op), "a read of a slot that the module lacks");
  return op;
}

Extent Extents::slot_extent(llvm::StringRef name) { return node({Kind::Slot, 0, {}, name.str()}); }

// A slot, a constant, or [slot, constant]: their sum.
Extent Extents::dimension(mlir::Attribute dim) {
  if (auto symbol = mlir::dyn_cast<mlir::FlatSymbolRefAttr>(dim))
    return slot_extent(symbol.getValue());
  if (auto sum = mlir::dyn_cast<mlir::ArrayAttr>(dim))
    return binary(Kind::Add, dimension(sum[0]), dimension(sum[1]));
  return constant(mlir::cast<mlir::IntegerAttr>(dim).getInt());
}

namespace {
bool from_arguments(Extent extent) {
  llvm::SmallVector<Value> values;
  Extents::leaves(extent, values);
  return llvm::all_of(values, [](Value value) {
    return mlir::isa<mlir::BlockArgument>(value) &&
           mlir::isa<mlir::func::FuncOp>(value.getParentBlock()->getParentOp());
  });
}
}  // namespace

Extent Extents::of_scalar(Value value) {
  if (auto found = scalars_.find(value); found != scalars_.end()) return found->second;
  const Extent extent = compute_scalar(value);
  scalars_[value] = extent;
  return extent;
}

Extent Extents::compute_scalar(Value value) {
  mlir::Operation* op = value.getDefiningOp();
  if (op != nullptr) {
    if (auto c = mlir::dyn_cast<arith::ConstantOp>(op))
      return constant(mlir::cast<mlir::IntegerAttr>(c.getValue()).getInt());
    if (auto data = mlir::dyn_cast<prob::DataOp>(op)) return slot_extent(data.getSlot());
    if (auto dim = mlir::dyn_cast<prob::DimOp>(op))
      return of_array(dim.getArray())[static_cast<unsigned>(dim.getDimension())];
    const auto two = [&](Kind kind) {
      return binary(kind, of_scalar(op->getOperand(0)), of_scalar(op->getOperand(1)));
    };
    if (mlir::isa<arith::AddIOp>(op)) return two(Kind::Add);
    if (mlir::isa<arith::SubIOp>(op)) return two(Kind::Subtract);
    if (mlir::isa<arith::MulIOp>(op)) return two(Kind::Multiply);
    if (mlir::isa<arith::MinSIOp>(op)) return two(Kind::Minimum);
    if (mlir::isa<arith::MaxSIOp>(op)) return two(Kind::Maximum);
    if (auto call = mlir::dyn_cast<mlir::func::CallOp>(op)) {
      mlir::func::FuncOp function = callee(call);
      if (open_.insert(function).second) {
        const Extent extent = of_scalar(function.getBody().front().getTerminator()->getOperand(
            mlir::cast<mlir::OpResult>(value).getResultNumber()));
        open_.erase(function);
        if (from_arguments(extent)) return substitute(extent, call);
      }
    }
  }
  return node({Kind::Value, 0, value, {}});
}

ExtentList Extents::of_array(Value array) {
  if (auto found = arrays_.find(array); found != arrays_.end()) return found->second;
  ExtentList list = compute_array(array);
  const auto shape = mlir::cast<mlir::RankedTensorType>(array.getType()).getShape();
  for (auto [extent, length] : llvm::zip(list, shape))
    if (!mlir::ShapedType::isDynamic(length)) extent = constant(length);
  if (!list.empty()) arrays_[array] = list;
  return list;
}

ExtentList Extents::opaque(Value array) {
  ExtentList list;
  const auto rank = mlir::cast<mlir::RankedTensorType>(array.getType()).getRank();
  for (std::int64_t d = 0; d < rank; ++d) list.push_back(node({Kind::Dimension, d, array, {}}));
  return list;
}

// How far an extent that a branch gives is known outside of it: less is better.
int Extents::distance(Extent extent, mlir::Operation* branch) {
  llvm::SmallVector<Value> values;
  leaves(extent, values);
  int most = 0;
  for (Value value : values) {
    mlir::Operation* parent = value.getParentBlock()->getParentOp();
    const bool argument =
        mlir::isa<mlir::BlockArgument>(value) && mlir::isa<mlir::func::FuncOp>(parent);
    most = std::max(most, argument                                               ? 1
                          : parent == branch || branch->isProperAncestor(parent) ? 3
                                                                                 : 2);
  }
  return most;
}

ExtentList Extents::merge(Value array, const ExtentList& a, const ExtentList& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  ExtentList list = opaque(array);
  mlir::Operation* branch = array.getDefiningOp();
  for (unsigned d = 0; d < list.size(); ++d) {
    const int x = distance(a[d], branch), y = distance(b[d], branch);
    if (std::min(x, y) < 3) list[d] = x <= y ? a[d] : b[d];
  }
  return list;
}

// Of an argument. A machine's state has the extents that its start has, as far as the instance
// alone determines them.
ExtentList Extents::of_state(mlir::func::FuncOp function, unsigned argument) {
  ExtentList list = opaque(function.getArgument(argument));
  const auto entry = [](mlir::func::FuncOp of) {
    auto name = of->getAttrOfType<mlir::StringAttr>(prob::entry_attribute);
    return name ? name.getValue() : llvm::StringRef();
  };
  const llvm::StringRef name = entry(function);
  if (name != "step" && name != "draw" && name != "info") return list;
  for (auto init : module_.getOps<mlir::func::FuncOp>()) {
    if (entry(init) != "init" || argument >= init.getNumResults()) continue;
    for (auto [mine, extent] : llvm::zip(list, of_result(init, argument))) {
      llvm::SmallVector<Value> values;
      leaves(extent, values);
      if (values.empty()) mine = extent;
    }
  }
  return list;
}

ExtentList Extents::compute_array(Value array) {
  if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(array)) {
    mlir::Operation* parent = argument.getOwner()->getParentOp();
    const unsigned n = argument.getArgNumber();
    if (auto loop = mlir::dyn_cast<prob::ForOp>(parent))
      return of_array(loop->getOperand(1 + n));  // lower, upper, carries…, intos…
    if (auto loop = mlir::dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner() == loop.getBeforeBody()) return of_array(loop.getInits()[n]);
      return of_array(loop.getConditionOp().getArgs()[n]);
    }
    if (auto function = mlir::dyn_cast<mlir::func::FuncOp>(parent)) return of_state(function, n);
    return opaque(array);
  }
  mlir::Operation* op = array.getDefiningOp();
  const unsigned n = mlir::cast<mlir::OpResult>(array).getResultNumber();
  if (auto zeros = mlir::dyn_cast<prob::ZerosOp>(op)) {
    ExtentList list;
    for (const Value extent : zeros.getExtents()) list.push_back(of_scalar(extent));
    return list;
  }
  if (auto insert = mlir::dyn_cast<prob::InsertOp>(op)) return of_array(insert.getArray());
  if (auto add = mlir::dyn_cast<prob::AddAtOp>(op)) return of_array(add.getArray());
  if (auto extract = mlir::dyn_cast<prob::ExtractOp>(op)) {
    const ExtentList whole = of_array(extract.getArray());
    if (whole.empty()) return {};
    return ExtentList(whole.begin() + extract.getIndices().size(), whole.end());
  }
  if (auto data = mlir::dyn_cast<prob::DataOp>(op)) {
    ExtentList list;
    for (const mlir::Attribute dim : slot(data.getSlot()).getDims()) {
      list.push_back(dimension(dim));
    }
    return list;
  }
  if (auto select = mlir::dyn_cast<arith::SelectOp>(op))
    return merge(array, of_array(select.getTrueValue()), of_array(select.getFalseValue()));
  if (auto branch = mlir::dyn_cast<scf::IfOp>(op))
    return merge(array, of_array(branch.thenYield().getOperand(n)),
                 of_array(branch.elseYield().getOperand(n)));
  if (auto loop = mlir::dyn_cast<scf::WhileOp>(op))
    return of_array(loop.getConditionOp().getArgs()[n]);
  if (auto loop = mlir::dyn_cast<prob::ForOp>(op)) {
    const unsigned carries = size_of(loop.getCarries()), maps = size_of(loop.getMaps());
    if (n < carries) return of_array(loop.getCarryInits()[n]);
    if (n >= carries + maps)
      return of_array(loop.getIntoInits()[n - carries - maps - size_of(loop.getSums())]);
    ExtentList list{binary(Kind::Trips, of_scalar(loop.getUpper()), of_scalar(loop.getLower()))};
    const Value element = loop.terminator().getMaps()[n - carries];
    if (prob::is_array(element.getType())) {
      const ExtentList inner = of_array(element);
      if (inner.empty()) return {};
      llvm::append_range(list, inner);
    }
    return list;
  }
  if (auto call = mlir::dyn_cast<mlir::func::CallOp>(op)) {
    mlir::func::FuncOp function = callee(call);
    if (open_.contains(function)) return {};
    ExtentList list = opaque(array);
    for (auto [mine, extent] : llvm::zip(list, of_result(function, n)))
      if (from_arguments(extent)) mine = substitute(extent, call);
    return list;
  }
  return opaque(array);
}

Extent Extents::substitute(Extent extent, mlir::func::CallOp call) {
  switch (extent->kind) {
    case Kind::Constant:
    case Kind::Slot:
      return extent;
    case Kind::Value:
    case Kind::Dimension: {
      auto argument = mlir::cast<mlir::BlockArgument>(extent->value);
      const Value operand = call.getOperand(argument.getArgNumber());
      return extent->kind == Kind::Value ? of_scalar(operand)
                                         : of_array(operand)[static_cast<unsigned>(extent->number)];
    }
    default:
      return binary(extent->kind, substitute(extent->left, call), substitute(extent->right, call));
  }
}

ExtentList Extents::of_result(mlir::func::FuncOp function, unsigned index) {
  const std::pair<mlir::Operation*, unsigned> key{function, index};
  if (auto found = results_.find(key); found != results_.end()) return found->second;
  auto returned = mlir::cast<mlir::func::ReturnOp>(function.getBody().front().getTerminator());
  const bool first = open_.insert(function).second;
  ExtentList list = of_array(returned.getOperand(index));
  if (first) {
    open_.erase(function);
    results_[key] = list;
  }
  return list;
}

}  // namespace borel::codegen

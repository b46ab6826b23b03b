// The entries of a machine and of binding: where states and instances hold their values.
#include <cstddef>

#include "borel/program.h"
#include "compiler/codegen/emit_entry.h"
#include "compiler/codegen/size_arithmetic.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

namespace {
constexpr llvm::StringLiteral bind_name = "borel.bind";
}

// ---- extents over the instance ----------------------------------------------------------------

std::int64_t EntryEmitter::order_of(prob::SlotOp slot) {
  const std::string name = slot.getSymName().str();
  const auto find = [&](const auto& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i].slot == name) return static_cast<std::int64_t>(i);
    return std::int64_t{-1};
  };
  if (slot.getKind() == "size") return find(program_->sizes);
  if (const std::int64_t order = find(program_->inputs); order >= 0) return order;
  const std::int64_t external = find(program_->externals);
  internal_check(external >= 0, "the description has no input for a slot");
  return static_cast<std::int64_t>(program_->inputs.size()) + external;
}

llvm::Value* EntryEmitter::input_scalar(prob::SlotOp slot, IRValue* inputs, llvm::Type* type) {
  IRValue* data = field(inputs, order_of(slot) * std::int64_t{sizeof(borel_array)}, m_.ptr);
  return b_.CreateAlignedLoad(type, data, llvm::Align(8));
}

llvm::Value* EntryEmitter::evaluate(Extent extent, IRValue* inputs, IRValue* sizes) {
  using Kind = ExtentNode::Kind;
  switch (extent->kind) {
    case Kind::Constant:
      return llvm::ConstantInt::get(m_.i64, extent->number, true);
    case Kind::Slot: {
      prob::SlotOp slot = m_.extents.slot(extent->slot);
      if (!inputs) return field(instance_, m_.layout.offset(extent->slot), m_.i64);
      if (slot.getKind() == "size") return field(sizes, order_of(slot) * 8, m_.i64);
      if (slot.getKind() == "input") return input_scalar(slot, inputs, m_.i64);
      throw InternalError("the extent of a hoisted array depends on what is hoisted with it");
    }
    case Kind::Value:
    case Kind::Dimension:
      throw InternalError("an extent of a state or of a hoisted array is not known to its caller");
    default:
      break;
  }
  IRValue* left = evaluate(extent->left, inputs, sizes);
  IRValue* right = evaluate(extent->right, inputs, sizes);
  switch (extent->kind) {
    case Kind::Add:
      return b_.CreateAdd(left, right);
    case Kind::Subtract:
      return b_.CreateSub(left, right);
    case Kind::Multiply:
      return size_product(b_, left, right);
    case Kind::Minimum:
      return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, right);
    case Kind::Maximum:
      return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, left, right);
    default:
      return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b_.CreateSub(left, right),
                                      b_.getInt64(0));
  }
}

// ---- states -----------------------------------------------------------------------------------

EntryEmitter::StateLayout EntryEmitter::state_layout(const MachineDescription& machine,
                                                     const ModelDescription& model) {
  mlir::func::FuncOp init = m_.function(machine.init).source;
  StateLayout layout;
  layout.bytes = b_.getInt64(0);
  for (unsigned i = 0; i < init.getNumResults(); ++i) {
    const mlir::Type type = init.getResultTypes()[i];
    layout.extents.emplace_back();
    if (!prob::is_array(type)) {
      layout.offsets.push_back(layout.bytes);
      layout.bytes = size_sum(b_, layout.bytes, b_.getInt64(8));
      continue;
    }
    layout.bytes = size_aligned(b_, layout.bytes);
    layout.offsets.push_back(layout.bytes);
    IRValue* size = b_.getInt64(8);
    for (const Extent extent : m_.extents.of_result(init, i)) {
      // A state as long as the starting point that the host may give is as long as u.
      IRValue* length =
          extent->kind == ExtentNode::Kind::Dimension && extent->value == init.getArgument(1)
              ? model_dimension(model)
              : evaluate(extent, nullptr, nullptr);
      layout.extents.back().push_back(length);
      size = size_product(b_, size, length);
    }
    layout.bytes = size_sum(b_, layout.bytes, size);
  }
  return layout;
}

llvm::SmallVector<llvm::Value*> EntryEmitter::load_state(EmittedFunction& callee,
                                                         const StateLayout& layout,
                                                         IRValue* state) {
  llvm::SmallVector<IRValue*> values;
  for (unsigned i = 0; i < callee.source.getNumArguments(); ++i) {
    const mlir::Type type = callee.source.getArgumentTypes()[i];
    IRValue* place = at(state, layout.offsets[i]);
    if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type)) {
      values.push_back(place);
      for (unsigned d = 0; d < tensor.getRank(); ++d)
        if (tensor.isDynamicDim(d)) values.push_back(layout.extents[i][d]);
      continue;
    }
    IRValue* value = b_.CreateAlignedLoad(m_.memory_type(type), place, llvm::Align(8));
    if (type.isInteger(1)) value = b_.CreateICmpNE(value, b_.getInt64(0));
    values.push_back(value);
  }
  return values;
}

void EntryEmitter::store_state(EmittedFunction& callee, const StateLayout& layout,
                               llvm::ArrayRef<IRValue*> scalars, IRValue* state) {
  unsigned next = 0;
  for (unsigned i = 0; i < callee.source.getNumResults(); ++i) {
    if (prob::is_array(callee.source.getResultTypes()[i])) continue;
    IRValue* value = scalars[next++];
    if (value->getType() == m_.i1) value = b_.CreateZExt(value, m_.i64);
    b_.CreateAlignedStore(value, at(state, layout.offsets[i]), llvm::Align(8));
  }
}

llvm::Function* EntryEmitter::state_size(const MachineDescription& machine,
                                         const ModelDescription& model) {
  auto* function = open("state_size", m_.i64, {m_.ptr}, 0, -1);
  b_.CreateRet(state_layout(machine, model).bytes);
  return function;
}

llvm::Function* EntryEmitter::init(const MachineDescription& machine,
                                   const ModelDescription& model) {
  auto* function = open("init", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  IRValue* top = begin_workspace(3);
  const StateLayout layout = state_layout(machine, model);
  IRValue *config = argument(2), *state = argument(4);
  IRValue* initial = field(config, offsetof(borel_config, initial), m_.ptr);
  llvm::SmallVector<IRValue*> arguments{
      field(config, offsetof(borel_config, parameters), m_.ptr),
      b_.getInt64(machine.parameters.size()), initial,
      b_.CreateSelect(b_.CreateIsNull(initial), b_.getInt64(0), model_dimension(model)),
      field(config, offsetof(borel_config, initial_radius), m_.f64)};
  EmittedFunction& callee = m_.function(machine.init);
  for (unsigned i = 0; i < callee.source.getNumResults(); ++i)
    if (prob::is_array(callee.source.getResultTypes()[i]))
      arguments.push_back(at(state, layout.offsets[i]));
  const Called called = call(callee, top, arguments);
  finish(called.status);
  store_state(callee, layout, called.scalars, state);
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

llvm::Function* EntryEmitter::step(const MachineDescription& machine,
                                   const ModelDescription& model) {
  auto* function = open("step", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  IRValue* top = begin_workspace(2);
  const StateLayout layout = state_layout(machine, model);
  EmittedFunction& callee = m_.function(machine.step);
  // Arrays of the new state are written where those of the old one lie.
  const Called called = call(callee, top, load_state(callee, layout, argument(3)));
  finish(called.status);
  store_state(callee, layout, called.scalars, argument(3));
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

llvm::Function* EntryEmitter::draw(const MachineDescription& machine,
                                   const ModelDescription& model) {
  auto* function = open("draw", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  EmittedFunction& callee = m_.function(machine.draw);
  const StateLayout layout = state_layout(machine, model);
  b_.CreateRet(call_for_draw(callee, model, begin_workspace(),
                             load_state(callee, layout, argument(2)), argument(3)));
  return function;
}

llvm::Function* EntryEmitter::info(const MachineDescription& machine,
                                   const ModelDescription& model) {
  if (machine.info.empty()) return nullptr;
  auto* function = open("info", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  EmittedFunction& callee = m_.function(machine.info);
  const StateLayout layout = state_layout(machine, model);
  const Called called = call(callee, begin_workspace(), load_state(callee, layout, argument(2)));
  finish(called.status);
  internal_check(called.scalars.size() == machine.statistics.size(),
                 "info gives another number of statistics than the machine names");
  for (unsigned i = 0; i < called.scalars.size(); ++i)
    b_.CreateStore(to_real(called.scalars[i]), at(argument(3), std::int64_t{8} * i));
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

llvm::Function* EntryEmitter::metric_size(const MachineDescription& machine,
                                          const ModelDescription& model) {
  if (machine.metric.empty()) return nullptr;
  auto* function = open("metric_size", m_.i64, {m_.ptr}, 0, -1);
  mlir::func::FuncOp source = m_.function(machine.metric).source;
  const StateLayout layout = state_layout(machine, model);
  IRValue* size = b_.getInt64(1);
  for (const Extent extent : m_.extents.of_result(source, 0)) {
    // Usually the metric is a part of the state.
    const auto part = extent->kind == ExtentNode::Kind::Dimension
                          ? mlir::dyn_cast<mlir::BlockArgument>(extent->value)
                          : mlir::BlockArgument();
    size = b_.CreateMul(
        size, part ? layout.extents[part.getArgNumber()][static_cast<std::size_t>(extent->number)]
                   : evaluate(extent, nullptr, nullptr));
  }
  b_.CreateRet(size);
  return function;
}

llvm::Function* EntryEmitter::metric(const MachineDescription& machine,
                                     const ModelDescription& model) {
  if (machine.metric.empty()) return nullptr;
  auto* function = open("metric", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  EmittedFunction& callee = m_.function(machine.metric);
  const StateLayout layout = state_layout(machine, model);
  auto arguments = load_state(callee, layout, argument(2));
  arguments.push_back(argument(3));
  b_.CreateRet(call(callee, begin_workspace(), arguments).status);
  return function;
}

llvm::Function* EntryEmitter::steps(const MachineDescription& machine) {
  if (machine.steps.empty()) return nullptr;
  auto* function = open("steps", m_.i64, {m_.ptr}, 0, -1);
  b_.CreateRet(numbers(machine.steps).front());
  return function;
}

// ---- instances --------------------------------------------------------------------------------

mlir::func::FuncOp EntryEmitter::bind_function() {
  return m_.source.lookupSymbol<mlir::func::FuncOp>(bind_name);
}

llvm::SmallVector<llvm::Value*> EntryEmitter::hoisted_offsets(IRValue* inputs, IRValue* sizes,
                                                              IRValue*& end) {
  llvm::SmallVector<IRValue*> offsets;
  end = b_.getInt64(static_cast<std::uint64_t>(m_.layout.header_bytes()));
  mlir::func::FuncOp function = bind_function();
  if (!function) return offsets;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    offsets.push_back(nullptr);
    if (!prob::is_array(function.getResultTypes()[i])) continue;
    offsets.back() = end;
    IRValue* size = b_.getInt64(8);
    for (const Extent extent : m_.extents.of_result(function, i))
      size = size_product(b_, size, evaluate(extent, inputs, sizes));
    end = size_sum(b_, end, size_aligned(b_, size));
  }
  return offsets;
}

llvm::Function* EntryEmitter::instance_size(const ProgramDescription& program) {
  program_ = &program;
  auto* function = open("instance_size", m_.i64, {m_.ptr, m_.ptr}, -1, -1);
  IRValue* end = nullptr;
  hoisted_offsets(argument(0), argument(1), end);
  b_.CreateRet(end);
  return function;
}

llvm::Function* EntryEmitter::bind(const ProgramDescription& program) {
  program_ = &program;
  auto* function = open("bind", m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 3, 2);
  IRValue *inputs = argument(0), *sizes = argument(1);
  const auto cell = [&](prob::SlotOp slot) {
    return at(instance_, m_.layout.offset(slot.getSymName()));
  };
  llvm::SmallVector<prob::SlotOp> hoisted;
  for (auto slot : m_.source.getOps<prob::SlotOp>()) {
    if (slot.getKind() == "hoisted") {
      hoisted.push_back(slot);
      continue;
    }
    const std::int64_t order = order_of(slot);
    IRValue* value = nullptr;
    if (slot.getKind() == "size")
      value = field(sizes, 8 * order, m_.i64);
    else if (prob::is_array(slot.getType()))
      value = field(inputs, order * std::int64_t{sizeof(borel_array)}, m_.ptr);
    else
      value = input_scalar(slot, inputs, m_.memory_type(slot.getType()));
    b_.CreateStore(value, cell(slot));
  }
  for (auto check : m_.source.getOps<mlir::func::FuncOp>())
    if (check->hasAttr(prob::check_attribute))
      finish(call(m_.function(check.getSymName()), begin_workspace(), {}).status);
  mlir::func::FuncOp compute = bind_function();
  internal_check(hoisted.size() == (compute ? compute.getNumResults() : 0),
                 "the function that binds gives another number of values than there are slots");
  if (compute) {
    IRValue* end = nullptr;
    const auto offsets = hoisted_offsets(inputs, sizes, end);
    llvm::SmallVector<IRValue*> arguments;
    for (unsigned i = 0; i < hoisted.size(); ++i)
      if (offsets[i]) arguments.push_back(at(instance_, offsets[i]));
    const Called called = call(m_.function(bind_name), begin_workspace(), arguments);
    finish(called.status);
    unsigned array = 0, scalar = 0;
    for (unsigned i = 0; i < hoisted.size(); ++i) {
      IRValue* value = offsets[i] ? arguments[array++] : called.scalars[scalar++];
      if (value->getType() == m_.i1) value = b_.CreateZExt(value, m_.i64);
      b_.CreateStore(value, cell(hoisted[i]));
    }
  }
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

}  // namespace borel::codegen

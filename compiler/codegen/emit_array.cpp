#include <cstddef>

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"

#include "borel/program.h"
#include "compiler/codegen/emit_function.h"
#include "compiler/codegen/size_arithmetic.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

using Shape = Lanes::Shape;
using llvm::CmpInst;

// ---- memory -----------------------------------------------------------------------------------

// Each piece of memory has a scope, so that LLVM knows which accesses are apart. Buffers that are
// allocated as code proceeds share one: they may follow one another in the same place.
void FunctionEmitter::make_scopes() {
  llvm::MDBuilder metadata(m_.context);
  llvm::MDNode* domain = metadata.createAnonymousAliasScopeDomain(function_->getName());
  const auto fresh = [&] { return metadata.createAnonymousAliasScope(domain); };
  llvm::SmallVector<llvm::MDNode*> all;
  const auto listed = [&] { return all.emplace_back(fresh()); };
  llvm::MDNode* data = listed();
  scratch_scope_ = listed();
  llvm::SmallVector<llvm::MDNode*> frame;
  for (unsigned i = 0; i < plan_->frame().size(); ++i) frame.push_back(listed());
  scopes_.assign(plan_->buffer_count(), nullptr);
  for (unsigned id = 0; id < plan_->buffer_count(); ++id) {
    const Buffer& buffer = plan_->buffer(id);
    if (buffer.kind == Buffer::Kind::Data) scopes_[id] = data;
    if (buffer.kind == Buffer::Kind::Local)
      scopes_[id] = buffer.before ? scratch_scope_ : frame[buffer.frame_slot];
    if (buffer.kind == Buffer::Kind::Argument || buffer.kind == Buffer::Kind::Result)
      scopes_[id] = listed();
  }
  for (unsigned id = 0; id < plan_->buffer_count(); ++id) {
    unsigned at = id;
    const auto inside = [&] {
      const Buffer& buffer = plan_->buffer(at);
      if (buffer.kind == Buffer::Kind::Row) return buffer.row_of;
      return buffer.kind == Buffer::Kind::Part ? buffer.base : Value();
    };
    while (const Value whole = inside()) at = plan_->buffer_of(whole);
    scopes_[id] = scopes_[at];
  }
  constexpr unsigned most = 100;  // the lists grow with the square
  if (all.size() > most) return;
  for (llvm::MDNode* scope : all) {
    llvm::SmallVector<llvm::Metadata*> others;
    for (llvm::MDNode* other : all)
      if (other != scope) others.push_back(other);
    alias_lists_[scope] = {llvm::MDNode::get(m_.context, {scope}),
                           llvm::MDNode::get(m_.context, others)};
  }
}

void FunctionEmitter::mark(llvm::Instruction* access, const Array& array) {
  if (array.immutable && llvm::isa<llvm::LoadInst>(access))
    access->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(m_.context, {}));
  auto found = alias_lists_.find(array.scope);
  if (found == alias_lists_.end()) return;
  access->setMetadata(llvm::LLVMContext::MD_alias_scope, found->second.first);
  access->setMetadata(llvm::LLVMContext::MD_noalias, found->second.second);
}

llvm::Value* FunctionEmitter::allocate(IRValue* bytes) {
  const auto field = [&](std::size_t offset) {
    return b_.CreateLoad(m_.i64, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_, offset));
  };
  bytes = size_aligned(b_, bytes);
  IRValue* used = b_.CreatePtrToInt(top_, m_.i64);
  IRValue* left = b_.CreateSub(field(offsetof(borel_workspace, end)), used);
  IRValue* needed =
      size_sum(b_, b_.CreateSub(used, field(offsetof(borel_workspace, begin))), bytes);
  need_space(b_.CreateICmpUGT(bytes, left), needed);
  IRValue* memory = top_;
  top_ = b_.CreateGEP(b_.getInt8Ty(), top_, bytes);
  return memory;
}

void FunctionEmitter::allocate_before(mlir::Operation* op) {
  for (const unsigned id : plan_->allocated_before(op)) {
    IRValue* bytes = constant(8);
    for (const Extent extent : plan_->buffer(id).extents)
      bytes = size_product(b_, bytes, materialise(extent));
    buffers_[id] = allocate(bytes);
  }
}

llvm::Value* FunctionEmitter::dummy() {
  if (!dummy_) dummy_ = entry_slot(m_.i64);
  return dummy_;
}

llvm::Value* FunctionEmitter::entry_slot(llvm::Type* type) {
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  b_.SetInsertPoint(entry_, entry_->getFirstInsertionPt());
  return b_.CreateAlloca(type);
}

// ---- array values -----------------------------------------------------------------------------

llvm::Value* FunctionEmitter::materialise(Extent extent) {
  using Kind = ExtentNode::Kind;
  if (extent->kind == Kind::Constant) return constant(extent->number);
  if (auto found = entry_extents_.find(extent); found != entry_extents_.end()) return found->second;
  llvm::SmallVector<Value> leaves;
  Extents::leaves(extent, leaves);
  const bool on_entry = llvm::all_of(leaves, [&](Value leaf) {
    return leaf.getParentBlock() == &f_.source.getBody().front() &&
           mlir::isa<mlir::BlockArgument>(leaf);
  });
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  if (on_entry) b_.SetInsertPoint(entry_->getTerminator());
  IRValue* value = nullptr;
  switch (extent->kind) {
    case Kind::Constant:
      break;
    case Kind::Value:
      value = scalar_of(extent->value);
      break;
    case Kind::Dimension:
      value = array_of(extent->value).extents[static_cast<unsigned>(extent->number)];
      break;
    case Kind::Slot:
      value = slot_cell(m_.extents.slot(extent->slot), m_.i64);
      break;
    default: {
      IRValue* left = materialise(extent->left);
      IRValue* right = materialise(extent->right);
      if (extent->kind == Kind::Add) value = b_.CreateAdd(left, right);
      if (extent->kind == Kind::Subtract) value = b_.CreateSub(left, right);
      if (extent->kind == Kind::Multiply) value = size_product(b_, left, right);
      if (extent->kind == Kind::Minimum)
        value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, right);
      if (extent->kind == Kind::Maximum)
        value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, left, right);
      if (extent->kind == Kind::Trips)
        value =
            b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b_.CreateSub(left, right), constant(0));
    }
  }
  if (on_entry) entry_extents_[extent] = value;
  return value;
}

const Array& FunctionEmitter::array_of(Value value) {
  auto found = arrays_.find(value);
  internal_check(found != arrays_.end(), "an array used before it was emitted");
  return found->second;
}

Array FunctionEmitter::make_array(Value value) {
  const unsigned id = plan_->buffer_of(value);
  Array array;
  array.element = prob::scalar_type(value.getType());
  array.scope = scopes_[id];
  if (auto data = value.getDefiningOp<prob::DataOp>()) {
    array.data = slot_cell(m_.extents.slot(data.getSlot()), m_.ptr);
    array.immutable = true;
  } else {
    array.data = buffers_[id];
    const Buffer& buffer = plan_->buffer(id);
    array.padded = buffer.kind == Buffer::Kind::Local && buffer.extents.size() == 1;
  }
  internal_check(array.data != nullptr, "an array without memory");
  for (const Extent extent : m_.extents.of_array(value))
    array.extents.push_back(materialise(extent));
  return array;
}

llvm::Value* FunctionEmitter::count(const Array& array) {
  IRValue* n = constant(1);
  for (IRValue* extent : array.extents) n = b_.CreateMul(n, extent);
  return n;
}

llvm::SmallVector<Lanes, 4> FunctionEmitter::index_lanes(mlir::ValueRange indices) {
  llvm::SmallVector<Lanes, 4> lanes;
  for (const Value index : indices) lanes.push_back(lanes_of(index));
  return lanes;
}

Lanes FunctionEmitter::element_offset(const Array& array, llvm::ArrayRef<Lanes> indices) {
  Lanes offset = uniform_lanes(constant(0));
  for (unsigned d = 0; d < array.extents.size(); ++d) {
    if (d > 0) offset = multiply(offset, uniform_lanes(array.extents[d]));
    if (d < indices.size()) offset = add(offset, indices[d]);
  }
  return offset;
}

llvm::Value* FunctionEmitter::address(const Array& array, IRValue* offset) {
  return b_.CreateGEP(m_.i64, array.data, offset);
}

Array FunctionEmitter::view(const Array& array, llvm::ArrayRef<Lanes> indices) {
  Array part = array;
  part.padded = false;
  part.extents.assign(array.extents.begin() + indices.size(), array.extents.end());
  const Lanes offset = element_offset(array, indices);
  if (offset.uniform())
    part.data = address(array, offset.value);
  else
    part.offset = array.offset.value ? add(array.offset, offset) : offset;
  return part;
}

Lanes FunctionEmitter::from_memory(IRValue* value, mlir::Type element) {
  if (element.isInteger(1))
    value = b_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  return result_lanes(value);
}

llvm::Value* FunctionEmitter::to_memory(IRValue* value, mlir::Type element) {
  if (!element.isInteger(1)) return value;
  llvm::Type* type = m_.i64;
  if (auto* v = llvm::dyn_cast<llvm::FixedVectorType>(value->getType()))
    type = llvm::FixedVectorType::get(type, v->getNumElements());
  return b_.CreateZExt(value, type);
}

namespace {
bool is_one(llvm::Value* value) {
  auto* number = llvm::dyn_cast<llvm::ConstantInt>(value);
  return number && number->isOne();
}
}  // namespace

// Whether all lanes are known to run.
bool FunctionEmitter::all_run() const {
  auto* mask = llvm::dyn_cast<llvm::Constant>(lanes_->mask);
  return mask && mask->isAllOnesValue();
}

// One lane of a vector. Of one that comes straight from memory it is loaded again: that takes less
// than to pick it out.
llvm::Value* FunctionEmitter::lane_of(IRValue* lanes, unsigned lane) {
  if (IRValue* all = llvm::getSplatValue(lanes)) return all;
  if (auto* sum = llvm::dyn_cast<llvm::BinaryOperator>(lanes);
      sum && sum->getOpcode() == llvm::Instruction::Add)
    return b_.CreateAdd(lane_of(sum->getOperand(0), lane), lane_of(sum->getOperand(1), lane));
  auto* load = llvm::dyn_cast<llvm::IntrinsicInst>(lanes);
  if (!load || load->getIntrinsicID() != llvm::Intrinsic::masked_load ||
      !lanes_->plan->accumulations.empty())  // which may have changed it
    return b_.CreateExtractElement(lanes, lane);
  llvm::Type* type = load->getType()->getScalarType();
  auto* read = b_.CreateAlignedLoad(
      type, b_.CreateGEP(type, load->getArgOperand(0), constant(lane)), llvm::Align(8));
  read->copyMetadata(*load);
  return read;
}

Lanes FunctionEmitter::gather_singly(const Array& array, IRValue* offsets) {
  llvm::Type* type = m_.memory_type(array.element);
  IRValue* all = llvm::PoisonValue::get(llvm::FixedVectorType::get(type, lanes_->width));
  for (unsigned lane = 0; lane < lanes_->width; ++lane) {
    auto* read = b_.CreateAlignedLoad(type, address(array, lane_of(offsets, lane)), llvm::Align(8));
    mark(read, array);
    all = b_.CreateInsertElement(all, read, lane);
  }
  return from_memory(all, array.element);
}

Lanes FunctionEmitter::load(const Array& array, Lanes offset) {
  if (array.offset.value) offset = add(array.offset, offset);
  llvm::Type* type = m_.memory_type(array.element);
  llvm::Instruction* read = nullptr;
  if (offset.uniform()) {
    IRValue* at = address(array, offset.value);
    // Where no lane runs, the index may be out of range.
    if (lanes_ && lanes_->conditional) at = b_.CreateSelect(any(lanes_->mask), at, dummy());
    read = b_.CreateAlignedLoad(type, at, llvm::Align(8));
    if (!(lanes_ && lanes_->conditional)) mark(read, array);
    return from_memory(read, array.element);
  }
  auto* vector_type = llvm::FixedVectorType::get(type, lanes_->width);
  llvm::Constant* rest = llvm::Constant::getNullValue(vector_type);
  if (offset.shape == Shape::Linear && is_one(offset.step))
    read = b_.CreateMaskedLoad(vector_type, address(array, offset.value), llvm::Align(8),
                               lanes_->mask, rest);
  else if (m_.target.slow_gather && all_run())
    return gather_singly(array, vector(offset));
  else
    read = b_.CreateMaskedGather(vector_type, address(array, vector(offset)), llvm::Align(8),
                                 lanes_->mask, rest);
  mark(read, array);
  return from_memory(read, array.element);
}

void FunctionEmitter::store(const Array& array, Lanes offset, Lanes value, bool whole) {
  if (array.offset.value) offset = add(array.offset, offset);
  llvm::Instruction* write = nullptr;
  if (offset.uniform()) {
    internal_check(value.uniform(), "lanes that write one element");
    write = b_.CreateAlignedStore(to_memory(value.value, array.element),
                                  address(array, offset.value), llvm::Align(8));
  } else {
    IRValue* held = to_memory(vector(value), array.element);
    const bool linear = offset.shape == Shape::Linear && is_one(offset.step);
    if (linear && whole && !lanes_->conditional && !lanes_->down &&
        lanes_->width <= static_cast<unsigned>(m_.target.vector_width))
      write = b_.CreateAlignedStore(held, address(array, offset.value), llvm::Align(8));
    else if (linear)
      write =
          b_.CreateMaskedStore(held, address(array, offset.value), llvm::Align(8), lanes_->mask);
    else
      write = b_.CreateMaskedScatter(held, address(array, vector(offset)), llvm::Align(8),
                                     lanes_->mask);
  }
  mark(write, array);
}

void FunctionEmitter::check_indices(const Array& array, llvm::ArrayRef<Lanes> indices,
                                    std::int64_t place) {
  for (unsigned d = 0; d < indices.size(); ++d)
    fault_if(compare(CmpInst::ICMP_UGE, indices[d], uniform_lanes(array.extents[d])),
             BOREL_FAULT_INDEX, place, indices[d]);
}

// ---- operations -------------------------------------------------------------------------------

void FunctionEmitter::emit_zeros(prob::ZerosOp op) {
  define(op.getResult());
  const Array& array = array_of(op.getResult());
  auto* fill = b_.CreateMemSet(array.data, b_.getInt8(0), b_.CreateMul(count(array), constant(8)),
                               llvm::Align(8));
  mark(fill, array);
}

void FunctionEmitter::emit_extract(prob::ExtractOp op) {
  const Array array = array_of(op.getArray());
  const auto indices = index_lanes(op.getIndices());
  if (op.getPlace()) check_indices(array, indices, static_cast<std::int64_t>(*op.getPlace()));
  if (prob::is_array(op.getType()))
    arrays_[op.getResult()] = view(array, indices);
  else
    set(op.getResult(), load(array, element_offset(array, indices)));
}

void FunctionEmitter::emit_insert(prob::InsertOp op) {
  internal_check(!lanes_, "an update of an array in a vectorised loop");
  const auto indices = index_lanes(op.getIndices());
  if (op.getPlace())
    check_indices(array_of(op.getArray()), indices, static_cast<std::int64_t>(*op.getPlace()));
  define(op.getResult());
  if (!plan_->replaces_all(op)) transfer({{op.getArray(), op.getResult()}});
  const Array result = array_of(op.getResult());
  if (prob::is_array(op.getValue().getType())) {
    if (!StoragePlan::is_view(op.getValue()) &&
        plan_->buffer(plan_->buffer_of(op.getValue())).part_of == op)
      return;  // written in place
    copy(array_of(op.getValue()), view(result, indices));
  } else
    store(result, element_offset(result, indices), lanes_of(op.getValue()));
}

void FunctionEmitter::emit_add_at(prob::AddAtOp op) {
  if (lanes_) return emit_lanes_add_at(op, lanes_->plan->accumulations.at(op));
  const auto indices = index_lanes(op.getIndices());
  define(op.getResult());
  transfer({{op.getArray(), op.getResult()}});
  const Array result = array_of(op.getResult());
  if (prob::is_array(op.getValue().getType()))
    return add_array(array_of(op.getValue()), view(result, indices));
  const Lanes offset = element_offset(result, indices);
  const Lanes sum = load(result, offset);
  store(result, offset, uniform_lanes(accumulate(op.getValue(), sum.value)));
}

void FunctionEmitter::emit_select(mlir::Operation& op) {
  const Value chosen = op.getResult(0);
  define(chosen);
  const Value yes = op.getOperand(1), no = op.getOperand(2);
  IRValue* condition = scalar_of(op.getOperand(0));
  if (!same_buffer(yes, chosen) && !same_buffer(no, chosen)) {
    const Array to = array_of(chosen), a = array_of(yes), b = array_of(no);
    check_shape(a, to, yes, chosen);
    check_shape(b, to, no, chosen);
    Array from = a;
    from.data = b_.CreateSelect(condition, a.data, b.data);
    return copy(from, to);
  }
  llvm::BasicBlock *first = block("then"), *second = block("else"), *next = block("endif");
  b_.CreateCondBr(condition, first, second);
  for (const Value from : {yes, no}) {
    b_.SetInsertPoint(from == yes ? first : second);
    transfer({{from, chosen}});
    b_.CreateBr(next);
  }
  b_.SetInsertPoint(next);
}

// ---- copies -----------------------------------------------------------------------------------

bool FunctionEmitter::same_buffer(Value a, Value b) const {
  return !StoragePlan::is_view(a) && !StoragePlan::is_view(b) &&
         plan_->buffer_of(a) == plan_->buffer_of(b);
}

void FunctionEmitter::check_shape(const Array& a, const Array& b, Value from, Value to) {
  if (m_.extents.of_array(from) == m_.extents.of_array(to)) return;
  for (auto [x, y] : llvm::zip(a.extents, b.extents))
    if (x != y)
      fault_if(uniform_lanes(b_.CreateICmpNE(x, y)), BOREL_FAULT_SHAPE, -1, uniform_lanes(x));
}

void FunctionEmitter::transfer(llvm::ArrayRef<Transfer> transfers) {
  llvm::SmallVector<Transfer> needed;
  for (const Transfer& one : transfers)
    if (prob::is_array(one.from.getType()) && !same_buffer(one.from, one.to)) needed.push_back(one);
  if (needed.empty()) return;
  IRValue* top = top_;
  llvm::SmallVector<Array> sources;
  for (const Transfer& one : needed) {
    Array from = array_of(one.from);
    check_shape(from, array_of(one.to), one.from, one.to);
    const bool overwritten = llvm::any_of(needed, [&](const Transfer& other) {
      return other.to != one.to && plan_->same_memory(other.to, one.from);
    });
    if (overwritten) {
      Array saved = from;
      saved.data = allocate(b_.CreateMul(count(from), constant(8)));
      saved.scope = scratch_scope_;
      saved.immutable = false;
      copy(from, saved);
      from = saved;
    }
    sources.push_back(from);
  }
  for (unsigned i = 0; i < needed.size(); ++i) copy(sources[i], array_of(needed[i].to));
  top_ = top;
}

void FunctionEmitter::for_vectors(IRValue* elements,
                                  llvm::function_ref<void(IRValue*, IRValue*)> body) {
  const unsigned width = static_cast<unsigned>(m_.target.vector_width);
  llvm::BasicBlock *before = b_.GetInsertBlock(), *loop = block("each"), *next = block("each.end");
  b_.CreateCondBr(b_.CreateICmpSGT(elements, constant(0)), loop, next);
  b_.SetInsertPoint(loop);
  auto* at = b_.CreatePHI(m_.i64, 2);
  at->addIncoming(constant(0), before);
  llvm::SmallVector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < width; ++i) numbers.push_back(llvm::ConstantInt::get(m_.i64, i));
  IRValue* left = b_.CreateVectorSplat(width, b_.CreateSub(elements, at));
  body(at, b_.CreateICmpSGT(left, llvm::ConstantVector::get(numbers)));
  IRValue* following = b_.CreateAdd(at, constant(width));
  at->addIncoming(following, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(following, elements), loop, next);
  b_.SetInsertPoint(next);
}

void FunctionEmitter::copy(const Array& from, const Array& to) {
  if (from.data == to.data) return;
  b_.CreateCall(m_.copy(from.padded, to.padded), {to.data, from.data, count(to)});
}

void FunctionEmitter::add_array(const Array& from, const Array& to) {
  auto* type = llvm::FixedVectorType::get(m_.memory_type(to.element),
                                          static_cast<unsigned>(m_.target.vector_width));
  llvm::Constant* rest = llvm::Constant::getNullValue(type);
  for_vectors(count(to), [&](IRValue* at, IRValue* mask) {
    auto* a = b_.CreateMaskedLoad(type, address(from, at), llvm::Align(8), mask, rest);
    mark(a, from);
    auto* b = b_.CreateMaskedLoad(type, address(to, at), llvm::Align(8), mask, rest);
    mark(b, to);
    IRValue* sum = prob::is_real(to.element) ? b_.CreateFAdd(b, a) : b_.CreateAdd(b, a);
    mark(b_.CreateMaskedStore(sum, address(to, at), llvm::Align(8), mask), to);
  });
}

}  // namespace borel::codegen

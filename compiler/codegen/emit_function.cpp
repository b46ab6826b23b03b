#include "compiler/codegen/emit_function.h"

#include <cstddef>

#include "llvm/IR/MDBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "borel/program.h"
#include "compiler/codegen/size_arithmetic.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

namespace arith = mlir::arith;
namespace scf = mlir::scf;

FunctionEmitter::FunctionEmitter(ModuleEmitter& module, EmittedFunction& function)
    : m_(module),
      f_(function),
      plan_(function.storage.get()),
      b_(module.context),
      function_(function.function),
      instance_(function_->getArg(0)),
      ws_(function_->getArg(1)),
      top_(function_->getArg(2)) {}

llvm::BasicBlock* FunctionEmitter::block(const char* name) {
  return llvm::BasicBlock::Create(m_.context, name, function_);
}

void FunctionEmitter::run() {
  prologue();
  mlir::Block& body = f_.source.getBody().front();
  emit_block(body);
  emit_return(mlir::cast<mlir::func::ReturnOp>(body.getTerminator()));
  f_.may_fail = fail_ != nullptr;
}

void FunctionEmitter::prologue() {
  entry_ = block("entry");
  llvm::BasicBlock* body = block("body");
  b_.SetInsertPoint(entry_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);

  buffers_.assign(plan_->buffer_count(), nullptr);
  make_scopes();
  unsigned next = 3;
  llvm::SmallVector<Value> array_arguments;
  for (mlir::BlockArgument argument : f_.source.getArguments()) {
    llvm::Argument* held = function_->getArg(next++);
    if (!prob::is_array(argument.getType())) {
      set(argument, uniform_lanes(held));
      continue;
    }
    buffers_[plan_->buffer_of(argument)] = held;
    Array array;
    array.data = held;
    array.element = prob::scalar_type(argument.getType());
    array.scope = scopes_[plan_->buffer_of(argument)];
    for (const std::int64_t extent :
         mlir::cast<mlir::RankedTensorType>(argument.getType()).getShape())
      array.extents.push_back(mlir::ShapedType::isDynamic(extent)
                                  ? static_cast<IRValue*>(function_->getArg(next++))
                                  : constant(extent));
    arrays_[argument] = array;
  }
  const auto in_place = [&](unsigned result) {
    return llvm::is_contained(f_.in_place, static_cast<int>(result));
  };
  for (unsigned i = 0; i < f_.source.getNumResults(); ++i) {
    if (!prob::is_array(f_.source.getResultTypes()[i]) || in_place(i)) continue;
    llvm::Argument* memory = function_->getArg(next++);
    for (unsigned id = 0; id < plan_->buffer_count(); ++id)
      if (plan_->buffer(id).kind == Buffer::Kind::Result && plan_->buffer(id).index == i)
        buffers_[id] = memory;
  }

  check_stack();
  // The frame: pieces of known extents, with one check of the space.
  llvm::SmallVector<IRValue*> offsets;
  IRValue* bytes = constant(0);
  for (const unsigned id : plan_->frame()) {
    offsets.push_back(bytes);
    IRValue* size = constant(8);
    for (const Extent extent : plan_->buffer(id).extents)
      size = size_product(b_, size, materialise(extent));
    bytes = size_sum(b_, bytes, size_aligned(b_, size));
  }
  if (offsets.empty()) return;
  IRValue* frame = allocate(bytes);
  for (unsigned id = 0; id < plan_->buffer_count(); ++id) {
    const Buffer& buffer = plan_->buffer(id);
    if (buffer.kind == Buffer::Kind::Local && !buffer.before)
      buffers_[id] = b_.CreateGEP(b_.getInt8Ty(), frame, offsets[buffer.frame_slot]);
  }
}

// A function that calls itself stops before the stack does.
void FunctionEmitter::check_stack() {
  const auto place = f_.source->getAttrOfType<mlir::IntegerAttr>(prob::place_attribute);
  if (!place) return;
  IRValue* begin = b_.CreateAlignedLoad(
      m_.i64, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_, offsetof(borel_workspace, stack)),
      llvm::Align(8));
  IRValue* used = b_.CreateSub(begin, b_.CreatePtrToInt(stack_address(b_), m_.i64));
  fault_if(uniform_lanes(b_.CreateICmpSGT(used, constant(BOREL_STACK))), BOREL_FAULT_RECURSION,
           place.getInt(), uniform_lanes(constant(-1)));
}

void FunctionEmitter::emit_block(mlir::Block& block) {
  for (mlir::Operation& op : block.without_terminator()) {
    if (is_fused(&op) ||
        (lanes_ && (lanes_->plan->log_sums.contains(&op) || lanes_->plan->is_extreme(&op))))
      continue;
    allocate_before(&op);
    emit_op(op);
  }
}

void FunctionEmitter::emit_op(mlir::Operation& op) {
  if (auto x = mlir::dyn_cast<prob::DataOp>(op)) return emit_data(x);
  if (auto x = mlir::dyn_cast<prob::DimOp>(op))
    return set(
        x.getResult(),
        uniform_lanes(array_of(x.getArray()).extents[static_cast<unsigned>(x.getDimension())]));
  if (auto x = mlir::dyn_cast<prob::ExtractOp>(op)) return emit_extract(x);
  if (auto x = mlir::dyn_cast<prob::InsertOp>(op)) return emit_insert(x);
  if (auto x = mlir::dyn_cast<prob::AddAtOp>(op)) return emit_add_at(x);
  if (auto x = mlir::dyn_cast<prob::ZerosOp>(op)) return emit_zeros(x);
  if (auto x = mlir::dyn_cast<prob::ForOp>(op)) return emit_for(x);
  if (auto x = mlir::dyn_cast<scf::IfOp>(op)) return emit_if(x);
  if (auto x = mlir::dyn_cast<scf::WhileOp>(op)) return emit_while(x);
  if (auto x = mlir::dyn_cast<mlir::func::CallOp>(op))
    return lanes_ ? inline_call(x) : emit_call(x);
  if (auto x = mlir::dyn_cast<prob::FaultOp>(op))
    return fault_if(lanes_of(x.getCondition()), static_cast<std::int32_t>(x.getKind()),
                    static_cast<std::int64_t>(x.getPlace()),
                    x.getElement() ? lanes_of(x.getElement()) : uniform_lanes(constant(-1)));
  if (auto x = mlir::dyn_cast<prob::UniformOp>(op)) {
    internal_check(!lanes_, "random bits in a plate");
    set(x.getResult(), uniform_lanes(b_.CreateCall(m_.uniform(), {random_context()})));
    return;
  }
  if (auto x = mlir::dyn_cast<prob::KeyOp>(op)) {
    internal_check(!lanes_, "random bits in a plate");
    return set(x.getResult(), uniform_lanes(emit_key()));
  }
  if (auto x = mlir::dyn_cast<prob::UniformAtOp>(op)) return emit_uniform_at(x);
  if (auto x = mlir::dyn_cast<arith::SelectOp>(op))
    if (prob::is_array(x.getType())) return emit_select(op);
  emit_arithmetic(op);
}

llvm::Value* FunctionEmitter::random_context() {
  return b_.CreateLoad(m_.ptr, ws_);  // borel_workspace::begin
}

void FunctionEmitter::emit_data(prob::DataOp op) {
  if (prob::is_array(op.getType())) return define(op.getValue());
  IRValue* cell = slot_cell(m_.extents.slot(op.getSlot()), m_.memory_type(op.getType()));
  if (op.getType().isInteger(1)) cell = b_.CreateICmpNE(cell, constant(0));
  set(op.getValue(), uniform_lanes(cell));
}

// What the instance holds for a slot, read once, on entry.
llvm::Value* FunctionEmitter::slot_cell(prob::SlotOp slot, llvm::Type* type) {
  IRValue*& cell = entry_slots_[slot];
  if (cell) return cell;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  b_.SetInsertPoint(entry_->getTerminator());
  IRValue* at =
      b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), instance_, m_.layout.offset(slot.getSymName()));
  auto* read = b_.CreateAlignedLoad(type, at, llvm::Align(8), slot.getSymName());
  read->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(m_.context, {}));
  return cell = read;
}

// ---- calls and results ------------------------------------------------------------------------

void FunctionEmitter::emit_call(mlir::func::CallOp call) {
  EmittedFunction& callee = m_.function(m_.extents.callee(call));
  llvm::SmallVector<IRValue*> arguments{instance_, ws_, top_};
  for (const Value operand : call.getOperands()) {
    if (!prob::is_array(operand.getType())) {
      arguments.push_back(scalar_of(operand));
      continue;
    }
    const Array& array = array_of(operand);
    arguments.push_back(array.data);
    const auto type = mlir::cast<mlir::RankedTensorType>(operand.getType());
    for (unsigned d = 0; d < array.extents.size(); ++d)
      if (type.isDynamicDim(d)) arguments.push_back(array.extents[d]);
  }
  for (const Value result : call.getResults())
    if (prob::is_array(result.getType())) {
      define(result);
      arguments.push_back(array_of(result).data);
    }
  IRValue* returned = b_.CreateCall(callee.function, arguments);
  const bool several = returned->getType()->isStructTy();
  if (callee.may_fail) {
    IRValue* status = several ? b_.CreateExtractValue(returned, 0) : returned;
    fail(b_.CreateICmpNE(status, llvm::ConstantInt::get(m_.i32, BOREL_OK)), status);
  }
  unsigned next = 1;
  for (const Value result : call.getResults())
    if (!prob::is_array(result.getType()))
      set(result, uniform_lanes(b_.CreateExtractValue(returned, next++)));
}

// In a vectorised loop the callee's body is emitted in place (the plan has looked at it).
void FunctionEmitter::inline_call(mlir::func::CallOp call) {
  mlir::Block& body = m_.extents.callee(call).getBody().front();
  internal_check(++inline_depth_ < 64, "recursion in a vectorised loop");
  for (auto [argument, operand] : llvm::zip(body.getArguments(), call.getOperands())) {
    if (prob::is_array(operand.getType()))
      arrays_[argument] = Array(array_of(operand));
    else
      set(argument, lanes_of(operand));
  }
  emit_block(body);
  for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
    set(result, lanes_of(value));
  --inline_depth_;
}

void FunctionEmitter::emit_return(mlir::func::ReturnOp op) {
  // Arrays that are not yet where the caller wants them.
  struct Pending {
    Array from, to;
  };
  llvm::SmallVector<Pending> pending;
  unsigned next = 3;
  for (mlir::BlockArgument argument : f_.source.getArguments()) {
    ++next;
    if (auto type = mlir::dyn_cast<mlir::RankedTensorType>(argument.getType()))
      next += static_cast<unsigned>(type.getNumDynamicDims());
  }
  llvm::SmallVector<IRValue*> scalars;
  for (unsigned i = 0; i < op.getNumOperands(); ++i) {
    const Value value = op.getOperand(i);
    if (!prob::is_array(value.getType())) {
      scalars.push_back(scalar_of(value));
      continue;
    }
    IRValue* memory = nullptr;
    for (unsigned a = 0; a < f_.in_place.size() && !memory; ++a)
      if (f_.in_place[a] == static_cast<int>(i)) memory = array_of(f_.source.getArgument(a)).data;
    if (!memory) memory = function_->getArg(next++);
    const Array& from = array_of(value);
    if (from.data == memory) continue;
    Array to = from;
    to.data = memory;
    to.scope = nullptr;
    for (unsigned id = 0; id < plan_->buffer_count(); ++id)
      if (plan_->buffer(id).kind == Buffer::Kind::Result && plan_->buffer(id).index == i)
        to.scope = scopes_[id];
    pending.push_back({from, to});
  }
  // A source may lie in memory that another copy writes (states that change places).
  if (pending.size() > 1) {
    for (Pending& one : pending) {
      const bool overwritten = llvm::any_of(pending, [&](const Pending& other) {
        return &other != &one && other.to.scope && other.to.scope == one.from.scope;
      });
      if (!overwritten) continue;
      Array saved = one.from;
      saved.data = allocate(b_.CreateMul(count(one.from), constant(8)));
      saved.scope = nullptr;
      copy(one.from, saved);
      one.from = saved;
    }
  }
  for (const Pending& one : pending) copy(one.from, one.to);
  count_rejection(scalars);

  IRValue* status = llvm::ConstantInt::get(m_.i32, BOREL_OK);
  if (!function_->getReturnType()->isStructTy()) {
    b_.CreateRet(status);
    return;
  }
  IRValue* all = llvm::PoisonValue::get(function_->getReturnType());
  all = b_.CreateInsertValue(all, status, 0);
  for (unsigned i = 0; i < scalars.size(); ++i) all = b_.CreateInsertValue(all, scalars[i], i + 1);
  b_.CreateRet(all);
}

// A density of 0 is counted where it is found: machines call densities, too.
void FunctionEmitter::count_rejection(llvm::ArrayRef<IRValue*> results) {
  if (!f_.source->hasAttr(prob::density_attribute)) return;
  IRValue* counter =
      b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_, offsetof(borel_workspace, rejections));
  IRValue* rejected =
      b_.CreateFCmpOEQ(results.front(), llvm::ConstantFP::getInfinity(m_.f64, /*Negative=*/true));
  b_.CreateAlignedStore(b_.CreateAdd(b_.CreateAlignedLoad(m_.i64, counter, llvm::Align(8)),
                                     b_.CreateZExt(rejected, m_.i64)),
                        counter, llvm::Align(8));
}

// ---- failing ----------------------------------------------------------------------------------

llvm::BasicBlock* FunctionEmitter::fail_block() {
  if (fail_) return fail_;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  fail_ = block("fail");
  b_.SetInsertPoint(fail_);
  fail_status_ = b_.CreatePHI(m_.i32, 4);
  if (function_->getReturnType()->isStructTy())
    b_.CreateRet(
        b_.CreateInsertValue(llvm::PoisonValue::get(function_->getReturnType()), fail_status_, 0));
  else
    b_.CreateRet(fail_status_);
  return fail_;
}

llvm::BasicBlock* FunctionEmitter::fault_block() {
  if (fault_) return fault_;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  fault_ = block("fault");
  b_.SetInsertPoint(fault_);
  fault_kind_ = b_.CreatePHI(m_.i32, 4);
  fault_place_ = b_.CreatePHI(m_.i32, 4);
  fault_index_ = b_.CreatePHI(m_.i64, 4);
  const auto write = [&](IRValue* value, std::size_t offset) {
    b_.CreateStore(value, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_,
                                                        offsetof(borel_workspace, fault) + offset));
  };
  write(fault_kind_, offsetof(borel_fault, kind));
  write(fault_place_, offsetof(borel_fault, place));
  write(fault_index_, offsetof(borel_fault, index));
  write(llvm::ConstantFP::getNaN(m_.f64), offsetof(borel_fault, value));
  llvm::BasicBlock* exit = fail_block();
  fail_status_->addIncoming(llvm::ConstantInt::get(m_.i32, BOREL_FAULT), fault_);
  b_.CreateBr(exit);
  return fault_;
}

namespace {
llvm::MDNode* unlikely(llvm::LLVMContext& context) {
  return llvm::MDBuilder(context).createBranchWeights(1, 1 << 20);
}
}  // namespace

void FunctionEmitter::fail(IRValue* condition, IRValue* status) {
  llvm::BasicBlock* next = block("continue");
  llvm::BasicBlock* exit = fail_block();
  fail_status_->addIncoming(status, b_.GetInsertBlock());
  b_.CreateCondBr(condition, exit, next, unlikely(m_.context));
  b_.SetInsertPoint(next);
}

void FunctionEmitter::need_space(IRValue* condition, IRValue* bytes) {
  if (!space_) {
    llvm::IRBuilder<>::InsertPointGuard guard(b_);
    space_ = block("space");
    b_.SetInsertPoint(space_);
    space_bytes_ = b_.CreatePHI(m_.i64, 4);
    b_.CreateStore(space_bytes_, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), ws_,
                                                               offsetof(borel_workspace, needed)));
    llvm::BasicBlock* exit = fail_block();
    fail_status_->addIncoming(llvm::ConstantInt::get(m_.i32, BOREL_NEED_SPACE), space_);
    b_.CreateBr(exit);
  }
  llvm::BasicBlock* next = block("continue");
  space_bytes_->addIncoming(bytes, b_.GetInsertBlock());
  b_.CreateCondBr(condition, space_, next, unlikely(m_.context));
  b_.SetInsertPoint(next);
}

void FunctionEmitter::fault_if(Lanes condition, std::int32_t kind, std::int64_t place,
                               Lanes index) {
  llvm::BasicBlock* next = block("continue");
  IRValue* happened = condition.value;
  IRValue* where = index.value;
  if (lanes_) {
    // Lanes that do not run cannot fail; the first that does is the one to report.
    IRValue* failing = b_.CreateAnd(vector(condition), lanes_->mask);
    llvm::BasicBlock* locate = block("locate");
    b_.CreateCondBr(any(failing), locate, next, unlikely(m_.context));
    b_.SetInsertPoint(locate);
    IRValue* bits = b_.CreateZExt(b_.CreateBitCast(failing, b_.getIntNTy(lanes_->width)), m_.i64);
    IRValue* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getTrue());
    if (!index.uniform()) where = b_.CreateExtractElement(vector(index), lane);
    happened = nullptr;
  }
  llvm::BasicBlock* exit = fault_block();
  fault_kind_->addIncoming(llvm::ConstantInt::get(m_.i32, kind), b_.GetInsertBlock());
  fault_place_->addIncoming(llvm::ConstantInt::get(m_.i32, place), b_.GetInsertBlock());
  fault_index_->addIncoming(where, b_.GetInsertBlock());
  if (happened)
    b_.CreateCondBr(happened, exit, next, unlikely(m_.context));
  else
    b_.CreateBr(exit);
  b_.SetInsertPoint(next);
}

}  // namespace borel::codegen

#include "compiler/codegen/emit_function.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

namespace scf = mlir::scf;
using Shape = Lanes::Shape;

void FunctionEmitter::emit_for(prob::ForOp loop) {
  if (!lanes_ && m_.target.vector_width > 1)
    if (auto plan =
            plan_vectors(loop, *plan_, m_.extents, static_cast<unsigned>(m_.target.vector_width)))
      return is_shared(loop, *plan) ? emit_shared_for(loop, *plan)
             : plan->scanned        ? emit_scanned_for(loop, *plan)
                                    : emit_vector_for(loop, *plan);
  emit_scalar_for(loop);
}

void FunctionEmitter::open_parts(prob::ForOp loop) {
  for (const unsigned id : plan_->parts_of(loop)) {
    const Buffer& buffer = plan_->buffer(id);
    prob::InsertOp insert = buffer.part_of;
    // The array may begin with these parts.
    const Array base =
        arrays_.contains(buffer.base) ? array_of(buffer.base) : make_array(buffer.base);
    buffers_[id] = view(base, index_lanes(insert.getIndices())).data;
  }
}

void FunctionEmitter::open_rows(prob::ForOp loop, IRValue* element) {
  for (const unsigned id : plan_->rows_of(loop))
    buffers_[id] = view(array_of(plan_->buffer(id).row_of), {uniform_lanes(element)}).data;
}

void FunctionEmitter::store_maps(prob::ForOp loop, IRValue* element) {
  prob::YieldOp yield = loop.terminator();
  for (auto [value, map] : llvm::zip(yield.getMaps(), loop.getMaps())) {
    const Array& whole = array_of(map);
    const Lanes at = lanes_ ? Lanes{element, constant(1), Shape::Linear} : uniform_lanes(element);
    if (!prob::is_array(value.getType())) {
      store(whole, element_offset(whole, {at}), lanes_of(value), whole.padded);
      continue;
    }
    if (!StoragePlan::is_view(value)) {
      const Buffer& buffer = plan_->buffer(plan_->buffer_of(value));
      if (buffer.kind == Buffer::Kind::Row && buffer.row_of == map) continue;
    }
    const Array row = view(whole, {at});
    copy(array_of(value), row);
  }
}

// Also inner loops of a vectorised loop: their bounds are the same in all lanes.
void FunctionEmitter::emit_scalar_for(prob::ForOp loop) {
  prob::YieldOp yield = loop.terminator();
  IRValue *lower = scalar_of(loop.getLower()), *upper = scalar_of(loop.getUpper());
  const bool reverse = loop.getReverse();

  // Arrays: carried ones and accumulators start in their buffers, maps are filled.
  llvm::SmallVector<Transfer> starts, nexts;
  const auto chain = [&](Value init, Value argument, Value next, Value result) {
    if (lanes_) {                          // accumulators only: all names of one array
      const Array array = array_of(init);  // a copy: the table may grow
      arrays_[argument] = array;
      arrays_[result] = array;
      return;
    }
    define(argument);
    define(result);
    starts.push_back({init, argument});
    nexts.push_back({next, argument});
  };
  for (auto [init, argument, next, result] :
       llvm::zip(loop.getCarryInits(), loop.carry_args(), yield.getCarries(), loop.getCarries()))
    if (prob::is_array(init.getType())) chain(init, argument, next, result);
  for (auto [init, argument, next, result] :
       llvm::zip(loop.getIntoInits(), loop.into_args(), yield.getIntos(), loop.getIntos()))
    chain(init, argument, next, result);
  open_parts(loop);
  for (const Value map : loop.getMaps()) define(map);
  transfer(starts);

  llvm::BasicBlock *body = block("for"), *next = block("endfor");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  // Shapes of what goes round: known before the loop for the phis.
  struct Round {
    Value argument, next, result;
    IRValue* start;
    llvm::PHINode* phi = nullptr;
    IRValue* last = nullptr;
  };
  std::vector<Round> rounds;
  const auto varies = [&](Value value) { return lanes_ && lanes_->plan->varying.contains(value); };
  for (auto [init, argument, after, result] :
       llvm::zip(loop.getCarryInits(), loop.carry_args(), yield.getCarries(), loop.getCarries()))
    if (!prob::is_array(init.getType()))
      rounds.push_back({argument, after, result, in_shape(lanes_of(init), varies(argument))});
  const std::size_t carries = rounds.size();
  for (auto [value, result] : llvm::zip(yield.getSums(), loop.getSums())) {
    llvm::Type* type = m_.scalar_type(result.getType());
    if (varies(result)) type = llvm::FixedVectorType::get(type, lanes_->width);
    rounds.push_back({{}, value, result, llvm::Constant::getNullValue(type)});
  }

  b_.CreateCondBr(b_.CreateICmpSLT(lower, upper), body, next);
  b_.SetInsertPoint(body);
  auto* induction = b_.CreatePHI(m_.i64, 2);
  induction->addIncoming(lower, before);
  for (Round& round : rounds) {
    round.phi = b_.CreatePHI(round.start->getType(), 2);
    round.phi->addIncoming(round.start, before);
    if (round.argument) set(round.argument, result_lanes(round.phi));
  }
  IRValue* iv = induction;
  // Descending: the induction variable is mirrored.
  if (reverse) iv = b_.CreateSub(b_.CreateAdd(lower, upper), b_.CreateAdd(iv, constant(1)));
  set(loop.induction(), uniform_lanes(iv));
  IRValue* element = loop.getMaps().empty() ? nullptr : b_.CreateSub(iv, lower);
  IRValue* top = top_;
  open_rows(loop, element);
  emit_block(loop.block());
  store_maps(loop, element);
  transfer(nexts);
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    Round& round = rounds[i];
    round.last = i < carries ? in_shape(lanes_of(round.next), round.phi->getType()->isVectorTy())
                             : accumulate(round.next, round.phi);
  }
  top_ = top;
  IRValue* following = b_.CreateAdd(induction, constant(1));
  llvm::BasicBlock* end = b_.GetInsertBlock();
  induction->addIncoming(following, end);
  for (Round& round : rounds) round.phi->addIncoming(round.last, end);
  b_.CreateCondBr(b_.CreateICmpSLT(following, upper), body, next);

  b_.SetInsertPoint(next);
  for (Round& round : rounds) {
    auto* phi = b_.CreatePHI(round.start->getType(), 2);
    phi->addIncoming(round.start, before);
    phi->addIncoming(round.last, end);
    set(round.result, result_lanes(phi));
  }
}

void FunctionEmitter::emit_masked_if(scf::IfOp op) {
  const Lanes condition = lanes_of(op.getCondition());
  VectorState* outer = lanes_;
  const auto branch = [&](mlir::Region& region, IRValue* taken) {
    if (region.empty()) return;
    VectorState inner = *outer;
    inner.mask = b_.CreateAnd(outer->mask, taken);
    inner.conditional = true;
    lanes_ = &inner;
    emit_block(region.front());
    lanes_ = outer;
  };
  branch(op.getThenRegion(), condition.value);
  branch(op.getElseRegion(), b_.CreateNot(condition.value));
  for (unsigned i = 0; i < op.getNumResults(); ++i) {
    const Value result = op.getResult(i), a = op.thenYield().getOperand(i),
                b = op.elseYield().getOperand(i);
    if (prob::is_array(result.getType()))
      arrays_[result] = Array(array_of(a));
    else
      set(result,
          result_lanes(b_.CreateSelect(condition.value, vector(lanes_of(a)), vector(lanes_of(b)))));
  }
}

void FunctionEmitter::emit_if(scf::IfOp op) {
  if (!lanes_of(op.getCondition()).uniform()) return emit_masked_if(op);
  llvm::SmallVector<Value> results(op.getResults());
  if (!lanes_)
    for (const Value result : results)
      if (prob::is_array(result.getType())) define(result);
  llvm::BasicBlock *first = block("then"), *second = block("else"), *next = block("endif");
  b_.CreateCondBr(scalar_of(op.getCondition()), first, second);
  IRValue* top = top_;
  const auto branch = [&](llvm::BasicBlock* at, mlir::Region& region) {
    b_.SetInsertPoint(at);
    if (region.empty()) return at;
    emit_block(region.front());
    if (!lanes_) {
      llvm::SmallVector<Transfer> transfers;
      for (auto [value, result] : llvm::zip(region.front().getTerminator()->getOperands(), results))
        transfers.push_back({value, result});
      transfer(transfers);
    }
    top_ = top;
    return b_.GetInsertBlock();
  };
  llvm::BasicBlock* then_end = branch(first, op.getThenRegion());
  llvm::BasicBlock* else_end = branch(second, op.getElseRegion());
  // Values are brought to one shape at the ends of the branches.
  llvm::SmallVector<std::pair<IRValue*, IRValue*>> incoming;
  for (unsigned i = 0; i < results.size(); ++i) {
    const Value a = op.thenYield().getOperand(i), b = op.elseYield().getOperand(i);
    if (prob::is_array(results[i].getType())) {
      if (lanes_) arrays_[results[i]] = Array(array_of(a));
      incoming.emplace_back(nullptr, nullptr);
      continue;
    }
    const Lanes x = lanes_of(a), y = lanes_of(b);
    const bool varying = !x.uniform() || !y.uniform();
    b_.SetInsertPoint(then_end);
    IRValue* from_then = in_shape(x, varying);
    b_.SetInsertPoint(else_end);
    incoming.emplace_back(from_then, in_shape(y, varying));
  }
  b_.SetInsertPoint(then_end);
  b_.CreateBr(next);
  b_.SetInsertPoint(else_end);
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
  for (unsigned i = 0; i < results.size(); ++i) {
    if (!incoming[i].first) continue;
    auto* phi = b_.CreatePHI(incoming[i].first->getType(), 2);
    phi->addIncoming(incoming[i].first, then_end);
    phi->addIncoming(incoming[i].second, else_end);
    set(results[i], result_lanes(phi));
  }
}

void FunctionEmitter::emit_while(scf::WhileOp loop) {
  internal_check(!lanes_, "a while loop in a vectorised loop");
  llvm::SmallVector<Transfer> starts, forwards, nexts;
  scf::ConditionOp condition = loop.getConditionOp();
  scf::YieldOp yield = loop.getYieldOp();
  for (unsigned i = 0; i < loop.getInits().size(); ++i) {
    const Value argument = loop.getBeforeArguments()[i];
    if (!prob::is_array(argument.getType())) continue;
    define(argument);
    starts.push_back({loop.getInits()[i], argument});
    nexts.push_back({yield.getOperand(i), argument});
  }
  for (unsigned i = 0; i < loop.getNumResults(); ++i)
    if (prob::is_array(loop.getResult(i).getType()))
      forwards.push_back({condition.getArgs()[i], loop.getResult(i)});
  transfer(starts);

  llvm::BasicBlock *header = block("while"), *body = block("do"), *next = block("endwhile");
  llvm::BasicBlock* before = b_.GetInsertBlock();
  IRValue* top = top_;
  b_.CreateBr(header);
  b_.SetInsertPoint(header);
  llvm::SmallVector<llvm::PHINode*> phis;
  for (unsigned i = 0; i < loop.getInits().size(); ++i) {
    const Value argument = loop.getBeforeArguments()[i];
    phis.push_back(nullptr);
    if (prob::is_array(argument.getType())) continue;
    phis.back() = b_.CreatePHI(m_.scalar_type(argument.getType()), 2);
    phis.back()->addIncoming(scalar_of(loop.getInits()[i]), before);
    set(argument, uniform_lanes(phis.back()));
  }
  emit_block(*loop.getBeforeBody());
  for (const Transfer& forward : forwards) define(forward.to);
  transfer(forwards);
  for (unsigned i = 0; i < loop.getNumResults(); ++i) {
    const Value argument = loop.getAfterArguments()[i];
    if (prob::is_array(argument.getType())) {
      define(argument);
      continue;
    }
    const Lanes value = lanes_of(condition.getArgs()[i]);
    set(argument, value);
    set(loop.getResult(i), value);
  }
  b_.CreateCondBr(scalar_of(condition.getCondition()), body, next);
  b_.SetInsertPoint(body);
  emit_block(*loop.getAfterBody());
  transfer(nexts);
  for (unsigned i = 0; i < phis.size(); ++i)
    if (phis[i]) phis[i]->addIncoming(scalar_of(yield.getOperand(i)), b_.GetInsertBlock());
  top_ = top;
  b_.CreateBr(header);
  b_.SetInsertPoint(next);
}

}  // namespace borel::codegen

#include "compiler/codegen/emit_entry.h"

#include <cstddef>

#include "borel/program.h"
#include "compiler/support/diagnostics.h"

namespace borel::codegen {

// ---- building blocks --------------------------------------------------------------------------

EntryEmitter::EntryEmitter(ModuleEmitter& module) : m_(module), b_(module.context) {}

llvm::Function* EntryEmitter::open(const llvm::Twine& name, llvm::Type* result,
                                   llvm::ArrayRef<llvm::Type*> arguments, int instance, int ws) {
  function_ =
      llvm::Function::Create(llvm::FunctionType::get(result, arguments, false),
                             llvm::GlobalValue::InternalLinkage, "entry." + name, m_.module);
  function_->setDoesNotThrow();
  b_.SetInsertPoint(llvm::BasicBlock::Create(m_.context, "entry", function_));
  instance_ = instance < 0 ? nullptr : function_->getArg(static_cast<unsigned>(instance));
  if (ws >= 0) {
    ws_ = function_->getArg(static_cast<unsigned>(ws));
  } else {
    // Functions of sizes have no workspace and need none.
    auto* type = llvm::ArrayType::get(m_.i64, sizeof(borel_workspace) / 8);
    ws_ = b_.CreateAlloca(type);
    b_.CreateStore(llvm::Constant::getNullValue(type), ws_);
  }
  if (m_.recursive())
    b_.CreateStore(stack_address(b_), at(ws_, std::int64_t{offsetof(borel_workspace, stack)}));
  return function_;
}

llvm::Value* EntryEmitter::at(IRValue* base, IRValue* bytes) {
  return b_.CreateGEP(b_.getInt8Ty(), base, bytes);
}
llvm::Value* EntryEmitter::at(IRValue* base, std::int64_t bytes) {
  return at(base, b_.getInt64(static_cast<std::uint64_t>(bytes)));
}
llvm::Value* EntryEmitter::field(IRValue* base, std::int64_t bytes, llvm::Type* type) {
  return b_.CreateAlignedLoad(type, at(base, bytes), llvm::Align(8));
}

void EntryEmitter::finish(IRValue* status) {
  auto* failed = llvm::BasicBlock::Create(m_.context, "failed", function_);
  auto* done = llvm::BasicBlock::Create(m_.context, "ok", function_);
  b_.CreateCondBr(b_.CreateICmpEQ(status, b_.getInt32(BOREL_OK)), done, failed);
  b_.SetInsertPoint(failed);
  b_.CreateRet(status);
  b_.SetInsertPoint(done);
}

llvm::Value* EntryEmitter::begin_workspace() {
  return field(ws_, offsetof(borel_workspace, begin), m_.ptr);
}

// A borel_key is passed by value: on the stack, being more than 16 bytes.
void EntryEmitter::take_key(unsigned key_argument) {
  auto* type = llvm::StructType::get(m_.context, {m_.i64, m_.i64, m_.i64});
  static_assert(sizeof(borel_key) == 24);
  function_->addParamAttr(key_argument, llvm::Attribute::getWithByValType(m_.context, type));
  function_->addParamAttr(key_argument,
                          llvm::Attribute::getWithAlignment(m_.context, llvm::Align(8)));
}

llvm::Value* EntryEmitter::begin_workspace(unsigned key_argument) {
  take_key(key_argument);
  constexpr std::int64_t space = BOREL_ALIGNMENT;
  static_assert(sizeof(RandomContext) <= space);
  IRValue* begin = begin_workspace();
  IRValue* left = b_.CreateSub(field(ws_, offsetof(borel_workspace, end), m_.i64),
                               b_.CreatePtrToInt(begin, m_.i64));
  b_.CreateStore(b_.getInt64(space), at(ws_, std::int64_t{offsetof(borel_workspace, needed)}));
  finish(b_.CreateSelect(b_.CreateICmpULT(left, b_.getInt64(space)), b_.getInt32(BOREL_NEED_SPACE),
                         b_.getInt32(BOREL_OK)));
  // runtime/core/philox.h: the key.
  const auto mix = [&](IRValue* z) {
    z = b_.CreateMul(b_.CreateXor(z, b_.CreateLShr(z, 30)), b_.getInt64(0xbf58476d1ce4e5b9u));
    z = b_.CreateMul(b_.CreateXor(z, b_.CreateLShr(z, 27)), b_.getInt64(0x94d049bb133111ebu));
    return b_.CreateXor(z, b_.CreateLShr(z, 31));
  };
  IRValue* given = argument(key_argument);
  IRValue* seed = field(given, offsetof(borel_key, seed), m_.i64);
  IRValue* stream = field(given, offsetof(borel_key, stream), m_.i64);
  IRValue* step = field(given, offsetof(borel_key, step), m_.i64);
  IRValue* key =
      mix(b_.CreateAdd(mix(b_.CreateAdd(seed, b_.getInt64(0x9e3779b97f4a7c15u))), stream));
  b_.CreateStore(key, at(begin, std::int64_t{offsetof(RandomContext, key)}));
  b_.CreateStore(step, at(begin, std::int64_t{offsetof(RandomContext, step)}));
  b_.CreateStore(b_.getInt64(0), at(begin, std::int64_t{offsetof(RandomContext, count)}));
  return at(begin, space);
}

EntryEmitter::Called EntryEmitter::call(EmittedFunction& callee, IRValue* top,
                                        llvm::ArrayRef<IRValue*> arguments) {
  llvm::SmallVector<IRValue*> all{instance_, ws_, top};
  llvm::append_range(all, arguments);
  internal_check(all.size() == callee.function->arg_size(),
                 "an entry function whose type is not what its kind has");
  IRValue* returned = b_.CreateCall(callee.function, all);
  Called called{returned, {}};
  if (auto* type = llvm::dyn_cast<llvm::StructType>(returned->getType())) {
    called.status = b_.CreateExtractValue(returned, 0);
    for (unsigned i = 1; i < type->getNumElements(); ++i)
      called.scalars.push_back(b_.CreateExtractValue(returned, i));
  }
  return called;
}

llvm::SmallVector<llvm::Value*> EntryEmitter::numbers(const std::string& name) {
  EmittedFunction& callee = m_.function(name);
  // A model inside another has sizes that only its user knows.
  if (callee.source.getNumArguments() != 0)
    return llvm::SmallVector<IRValue*>(callee.source.getNumResults(),
                                       b_.getInt64(~std::uint64_t{0}));
  return call(callee, llvm::ConstantPointerNull::get(m_.ptr), {}).scalars;
}

llvm::Value* EntryEmitter::to_real(IRValue* scalar) {
  if (scalar->getType()->isDoubleTy()) return scalar;
  return scalar->getType() == m_.i1 ? b_.CreateUIToFP(scalar, m_.f64)
                                    : b_.CreateSIToFP(scalar, m_.f64);
}

void EntryEmitter::for_each(IRValue* elements, llvm::function_ref<void(IRValue*)> body) {
  auto* before = b_.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(m_.context, "each", function_);
  auto* next = llvm::BasicBlock::Create(m_.context, "end", function_);
  b_.CreateCondBr(b_.CreateICmpSGT(elements, b_.getInt64(0)), loop, next);
  b_.SetInsertPoint(loop);
  auto* index = b_.CreatePHI(m_.i64, 2);
  index->addIncoming(b_.getInt64(0), before);
  body(index);
  IRValue* following = b_.CreateAdd(index, b_.getInt64(1));
  index->addIncoming(following, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(following, elements), loop, next);
  b_.SetInsertPoint(next);
}

// ---- sizes of a model -------------------------------------------------------------------------

llvm::Value* EntryEmitter::model_dimension(const ModelDescription& model) {
  return numbers(model.shape).front();
}

std::vector<EntryEmitter::SiteShape> EntryEmitter::shapes(const ModelDescription& model) {
  const auto all = numbers(model.shape);
  std::vector<SiteShape> shapes;
  std::size_t next = 2;
  for (const SiteDescription& site : model.sites) {
    SiteShape shape;
    shape.elements = b_.getInt64(1);
    internal_check(next + static_cast<std::size_t>(site.rank) < all.size(),
                   "a shape function with too few results");
    for (std::int32_t d = 0; d < site.rank; ++d) {
      shape.extents.push_back(all[next++]);
      shape.elements = b_.CreateMul(shape.elements, shape.extents.back());
    }
    shape.offset = all[next++];
    shapes.push_back(shape);
  }
  return shapes;
}

llvm::Function* EntryEmitter::dimension(const ModelDescription& model) {
  auto* function = open(model.name + ".dimension", m_.i64, {m_.ptr}, 0, -1);
  b_.CreateRet(numbers(model.shape)[0]);
  return function;
}

llvm::Function* EntryEmitter::draw_size(const ModelDescription& model) {
  auto* function = open(model.name + ".draw_size", m_.i64, {m_.ptr}, 0, -1);
  b_.CreateRet(numbers(model.shape)[1]);
  return function;
}

llvm::Function* EntryEmitter::site_shape(const ModelDescription& model) {
  auto* function = open(model.name + ".site_shape", llvm::Type::getVoidTy(m_.context),
                        {m_.ptr, m_.i32, m_.ptr, m_.ptr}, 0, -1);
  const auto all = shapes(model);
  auto* end = llvm::BasicBlock::Create(m_.context, "end", function);
  auto* choice = b_.CreateSwitch(argument(1), end);
  for (unsigned i = 0; i < all.size(); ++i) {
    auto* block = llvm::BasicBlock::Create(m_.context, "site", function);
    choice->addCase(b_.getInt32(i), block);
    b_.SetInsertPoint(block);
    for (unsigned d = 0; d < all[i].extents.size(); ++d)
      b_.CreateStore(all[i].extents[d], at(argument(2), std::int64_t{8} * d));
    b_.CreateStore(all[i].offset, argument(3));
    b_.CreateBr(end);
  }
  b_.SetInsertPoint(end);
  b_.CreateRetVoid();
  return function;
}

// ---- functions of a model ---------------------------------------------------------------------

llvm::Function* EntryEmitter::density(const ModelDescription& model, const std::string& name,
                                      bool gradient) {
  if (name.empty()) return nullptr;
  llvm::SmallVector<llvm::Type*> types(gradient ? 5 : 4, m_.ptr);
  auto* function = open(name, m_.i32, types, 0, 1);
  llvm::SmallVector<IRValue*> arguments{argument(2), model_dimension(model)};
  if (gradient) arguments.push_back(argument(4));
  const Called called = call(m_.function(name), begin_workspace(), arguments);
  finish(called.status);
  b_.CreateStore(called.scalars.front(), argument(3));
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

llvm::Function* EntryEmitter::hessian_vector(const ModelDescription& model,
                                             const std::string& name) {
  if (name.empty()) return nullptr;
  const llvm::SmallVector<llvm::Type*> types(7, m_.ptr);
  auto* function = open(name, m_.i32, types, 0, 1);
  IRValue* dimension = model_dimension(model);
  const Called called =
      call(m_.function(name), begin_workspace(),
           {argument(2), dimension, argument(3), dimension, argument(5), argument(6)});
  finish(called.status);
  b_.CreateStore(called.scalars.front(), argument(4));
  b_.CreateRet(b_.getInt32(BOREL_OK));
  return function;
}

llvm::Function* EntryEmitter::diagnose(const ModelDescription& model) {
  if (model.diagnose.empty()) return nullptr;
  auto* function = open(model.diagnose, m_.i32, {m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  llvm::SmallVector<IRValue*> arguments{argument(2), model_dimension(model)};
  b_.CreateRet(call(m_.function(model.diagnose), begin_workspace(), arguments).status);
  return function;
}

llvm::Value* EntryEmitter::call_for_draw(EmittedFunction& callee, const ModelDescription& model,
                                         IRValue* top, llvm::SmallVector<IRValue*> arguments,
                                         IRValue* draw) {
  const auto all = shapes(model);
  const auto results = callee.source.getResultTypes();
  internal_check(results.size() <= all.size(), "more values of a draw than the model has sites");
  // Sites lie one after another; arrays are written in place.
  llvm::SmallVector<IRValue*> places;
  IRValue* place = draw;
  for (unsigned i = 0; i < results.size(); ++i) {
    places.push_back(place);
    if (prob::is_array(results[i])) arguments.push_back(place);
    place = at(place, b_.CreateMul(all[i].elements, b_.getInt64(8)));
  }
  const Called called = call(callee, top, arguments);
  finish(called.status);
  unsigned scalar = 0;
  for (unsigned i = 0; i < results.size(); ++i) {
    if (!prob::is_array(results[i])) {
      b_.CreateStore(to_real(called.scalars[scalar++]), places[i]);
    } else if (!prob::is_real(results[i])) {
      // Integers became real numbers of the same size, one by one.
      for_each(all[i].elements, [&](IRValue* index) {
        IRValue* element = b_.CreateGEP(m_.i64, places[i], index);
        b_.CreateStore(b_.CreateSIToFP(b_.CreateLoad(m_.i64, element), m_.f64), element);
      });
    }
  }
  return called.status;
}

llvm::Function* EntryEmitter::constrain(const ModelDescription& model) {
  if (model.constrain.empty()) return nullptr;
  auto* function = open(model.constrain, m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  b_.CreateRet(call_for_draw(m_.function(model.constrain), model, begin_workspace(),
                             {argument(2), model_dimension(model)}, argument(3)));
  return function;
}

llvm::Function* EntryEmitter::simulate(const ModelDescription& model) {
  if (model.simulate.empty()) return nullptr;
  auto* function = open(model.simulate, m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  b_.CreateRet(
      call_for_draw(m_.function(model.simulate), model, begin_workspace(2), {}, argument(3)));
  return function;
}

llvm::Function* EntryEmitter::unconstrain(const ModelDescription& model) {
  if (model.unconstrain.empty()) return nullptr;
  auto* function = open(model.unconstrain, m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  EmittedFunction& callee = m_.function(model.unconstrain);
  llvm::SmallVector<IRValue*> arguments = latents(callee, model, shapes(model), argument(2));
  arguments.push_back(argument(3));
  b_.CreateRet(call(callee, begin_workspace(), arguments).status);
  return function;
}

llvm::SmallVector<llvm::Value*> EntryEmitter::latents(EmittedFunction& callee,
                                                      const ModelDescription& model,
                                                      llvm::ArrayRef<SiteShape> all,
                                                      IRValue* draw) {
  llvm::SmallVector<IRValue*> arguments;
  IRValue* place = draw;
  for (unsigned i = 0; i < callee.source.getNumArguments(); ++i) {
    const mlir::Type type = callee.source.getArgumentTypes()[i];
    if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type)) {
      internal_check(prob::is_real(type), "a site of integers with a map to the reals");
      arguments.push_back(place);
      llvm::SmallVector<IRValue*, 4> extents(all[i].extents);
      // The IR's arrays hold a matrix the other way round.
      if (model.sites[i].column_major)
        std::swap(extents[extents.size() - 1], extents[extents.size() - 2]);
      for (unsigned d = 0; d < tensor.getRank(); ++d)
        if (tensor.isDynamicDim(d)) arguments.push_back(extents[d]);
    } else {
      arguments.push_back(b_.CreateLoad(m_.f64, place));
    }
    place = at(place, b_.CreateMul(all[i].elements, b_.getInt64(8)));
  }
  return arguments;
}

llvm::Value* EntryEmitter::call_for_observed(EmittedFunction& callee, const ModelDescription& model,
                                             IRValue* top, IRValue* draw, IRValue* to,
                                             bool draws_only) {
  const auto all = shapes(model);
  llvm::SmallVector<IRValue*> arguments = latents(callee, model, all, draw), places;
  unsigned result = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SiteDescription& site = model.sites[i];
    if (site.kind != SiteDescription::Kind::Observed) continue;
    IRValue* count = b_.getInt64(1);
    for (std::int32_t d = 0; d < (draws_only ? site.draw_rank : site.rank); ++d)
      count = b_.CreateMul(count, all[i].extents[static_cast<unsigned>(d)]);
    internal_check(result < callee.source.getNumResults(), "fewer results than observed sites");
    if (prob::is_array(callee.source.getResultTypes()[result++])) {
      arguments.push_back(to);
    } else {
      places.push_back(to);
    }
    to = at(to, b_.CreateMul(count, b_.getInt64(8)));
  }
  const Called called = call(callee, top, arguments);
  finish(called.status);
  for (auto [scalar, place] : llvm::zip_equal(called.scalars, places))
    b_.CreateStore(scalar, place);
  return called.status;
}

llvm::Function* EntryEmitter::predict(const ModelDescription& model) {
  if (model.predict.empty()) return nullptr;
  auto* function = open(model.predict, m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  IRValue* top = begin_workspace(2);
  b_.CreateRet(call_for_observed(m_.function(model.predict), model, top, argument(3), argument(4),
                                 /*draws_only=*/false));
  return function;
}

llvm::Function* EntryEmitter::log_likelihood(const ModelDescription& model) {
  if (model.log_likelihood.empty()) return nullptr;
  auto* function = open(model.log_likelihood, m_.i32, {m_.ptr, m_.ptr, m_.ptr, m_.ptr}, 0, 1);
  b_.CreateRet(call_for_observed(m_.function(model.log_likelihood), model, begin_workspace(),
                                 argument(2), argument(3), /*draws_only=*/true));
  return function;
}

}  // namespace borel::codegen

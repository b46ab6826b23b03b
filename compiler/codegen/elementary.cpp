#include "compiler/codegen/elementary.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <string>

#include "compiler/codegen/elementary_kernels.h"
#include "compiler/codegen/engine_target.h"

namespace borel::codegen {
namespace {

struct Entry {
  Elementary function;
  std::string_view name;
  int arity;
  bool brief;  // worth inlining at each use
  Real (*unary)(Real);
  Real (*binary)(Real, Real);
};

constexpr Entry one(Elementary function, std::string_view name, bool brief, Real (*kernel)(Real)) {
  return {function, name, 1, brief, kernel, nullptr};
}

constexpr Entry two(Elementary function, std::string_view name, Real (*kernel)(Real, Real)) {
  return {function, name, 2, false, nullptr, kernel};
}

constexpr std::array entries{
    one(Elementary::exp, "exp", true, [](Real x) { return exp_kernel(x); }),
    one(Elementary::expm1, "expm1", true, [](Real x) { return expm1_kernel(x); }),
    one(Elementary::log, "log", true, [](Real x) { return log_kernel(x); }),
    one(Elementary::log1p, "log1p", true, [](Real x) { return log1p_kernel(x); }),
    one(Elementary::sqrt, "sqrt", true, [](Real x) { return sqrt(x); }),
    one(Elementary::lgamma, "lgamma", false, lgamma_kernel),
    one(Elementary::digamma, "digamma", false, digamma_kernel),
    one(Elementary::trigamma, "trigamma", false, trigamma_kernel),
    two(Elementary::pow, "pow", pow_kernel),
    one(Elementary::cbrt, "cbrt", false, cbrt_kernel),
    one(Elementary::sinh, "sinh", false, sinh_kernel),
    one(Elementary::cosh, "cosh", false, cosh_kernel),
    one(Elementary::tanh, "tanh", true, tanh_kernel),
    one(Elementary::erf, "erf", false, erf_kernel),
    one(Elementary::erfc, "erfc", false, erfc_kernel),
    one(Elementary::normal_cdf, "normal_cdf", false, normal_cdf_kernel),
    one(Elementary::log_normal_cdf, "log_normal_cdf", false, log_normal_cdf_kernel),
    one(Elementary::sin, "sin", false, sin_kernel),
    one(Elementary::cos, "cos", false, cos_kernel),
    one(Elementary::tan, "tan", false, tan_kernel),
    one(Elementary::asin, "asin", false, asin_kernel),
    one(Elementary::acos, "acos", false, acos_kernel),
    one(Elementary::atan, "atan", false, atan_kernel),
    two(Elementary::atan2, "atan2", atan2_kernel),
};

const Entry& entry(Elementary function) { return entries[static_cast<std::size_t>(function)]; }

constexpr bool in_order() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<std::size_t>(entries[i].function) != i) {
      return false;
    }
  }
  return true;
}
static_assert(in_order(), "entries follow the order of Elementary");

llvm::Function* body(llvm::Module& module, const Entry& which, llvm::Type* type, bool avx512) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  const unsigned width = vector == nullptr ? 1 : vector->getNumElements();
  const std::string name = "borel." + std::string(which.name) + ".v" + std::to_string(width);
  if (llvm::Function* present = module.getFunction(name)) {
    return present;
  }
  const llvm::SmallVector<llvm::Type*, 2> types(static_cast<std::size_t>(which.arity), type);
  auto* function = llvm::Function::Create(llvm::FunctionType::get(type, types, false),
                                          llvm::GlobalValue::InternalLinkage, name, module);
  // Not by LLVM's own inliner: `optimise` does it, call by call and late.
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  function->setWillReturn();
  function->setDoesNotAccessMemory();
  function->setNoSync();
  function->setMustProgress();
  function->addFnAttr(llvm::Attribute::Speculatable);
  // A builder of its own: no flags, debug location or folder of the caller's leaks in.
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(module.getContext(), "entry", function));
  Ops ops(builder, type, avx512);
  const Real first{&ops, function->getArg(0)};
  const Real result =
      which.arity == 1 ? which.unary(first) : which.binary(first, {&ops, function->getArg(1)});
  builder.CreateRet(result.value);
  return function;
}

}  // namespace

int elementary_arity(Elementary function) { return entry(function).arity; }
std::string_view elementary_name(Elementary function) { return entry(function).name; }

ElementaryOptions elementary_options(const TargetSpec& target) {
  ElementaryOptions options;
  options.avx512 = target.avx512;
  return options;
}

llvm::Value* emit_elementary(llvm::IRBuilderBase& builder, Elementary function,
                             llvm::ArrayRef<llvm::Value*> operands,
                             const ElementaryOptions& options) {
  llvm::Module& module = *builder.GetInsertBlock()->getModule();
  llvm::Type* type = operands.front()->getType();
  const Entry& which = entry(function);
  llvm::CallInst* call = builder.CreateCall(body(module, which, type, options.avx512), operands);
  using Inlining = ElementaryOptions::Inlining;
  const bool inlined =
      options.inlining == Inlining::automatic ? which.brief : options.inlining == Inlining::always;
  if (inlined) {
    call->addFnAttr(llvm::Attribute::get(module.getContext(), inline_elementary_attribute));
  }
  return call;
}

}  // namespace borel::codegen

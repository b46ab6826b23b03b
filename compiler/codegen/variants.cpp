#include "compiler/codegen/variants.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Target/TargetMachine.h>

#include <chrono>
#include <map>
#include <utility>

#include "borel/program.h"
#include "compiler/codegen/cpu_levels.h"

namespace borel::codegen {
namespace {

using llvm::Constant;

// Fields of borel_program that are not merged as the others are.
constexpr unsigned target_cpu_field = 2, instance_size_field = 14, bind_field = 15;

// Makes the descriptor of several variants, whose descriptors are alike but for their functions.
class Merger {
 public:
  Merger(llvm::Module& module, std::vector<llvm::GlobalVariable*> descriptors,
         const std::vector<std::string>& cpus)
      : module_(module),
        descriptors_(std::move(descriptors)),
        b_(module.getContext()),
        choice_(emit_level_choice(module, cpus)) {
    for (const std::string& cpu : cpus) cpus_ += (cpus_.empty() ? "" : ",") + cpu;
  }

  void merge(const std::string& symbol) {
    std::vector<Constant*> programs;
    for (llvm::GlobalVariable* one : descriptors_) programs.push_back(one->getInitializer());
    auto* type = llvm::cast<llvm::StructType>(programs.front()->getType());
    std::vector<Constant*> fields;
    for (unsigned i = 0; i < type->getNumElements(); ++i) {
      const std::vector<Constant*> field = elements(programs, i);
      if (i == target_cpu_field)
        fields.push_back(text(cpus_));
      else if (i == instance_size_field || i == bind_field)
        fields.push_back(choosing(functions(field), i == bind_field));
      else
        fields.push_back(merged(field));
    }
    auto* program = new llvm::GlobalVariable(module_, type, /*isConstant=*/true,
                                             llvm::GlobalValue::ExternalLinkage,
                                             llvm::ConstantStruct::get(type, fields), symbol);
    program->setAlignment(descriptors_.front()->getAlign());
    for (llvm::GlobalVariable* one : descriptors_) one->eraseFromParent();
    drop_unused();
  }

 private:
  static std::vector<Constant*> elements(const std::vector<Constant*>& all, unsigned i) {
    std::vector<Constant*> out;
    for (Constant* one : all) out.push_back(one->getAggregateElement(i));
    return out;
  }
  static std::vector<llvm::Function*> functions(const std::vector<Constant*>& all) {
    std::vector<llvm::Function*> out;
    for (Constant* one : all) out.push_back(llvm::cast<llvm::Function>(one));
    return out;
  }

  Constant* text(const std::string& value) {
    Constant* bytes = llvm::ConstantDataArray::getString(module_.getContext(), value);
    auto* global = new llvm::GlobalVariable(module_, bytes->getType(), true,
                                            llvm::GlobalValue::PrivateLinkage, bytes, "text");
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  static bool has_functions(const Constant* value) {
    if (llvm::isa<llvm::Function>(value)) return true;
    if (const auto* global = llvm::dyn_cast<llvm::GlobalVariable>(value))
      return has_functions(global->getInitializer());
    for (const llvm::Use& operand : value->operands())
      if (has_functions(llvm::cast<Constant>(operand.get()))) return true;
    return false;
  }

  // The first variant's constant, with dispatchers for functions.
  Constant* merged(const std::vector<Constant*>& all) {
    Constant* first = all.front();
    if (!has_functions(first)) return first;
    if (llvm::isa<llvm::Function>(first)) return dispatcher(functions(all));
    if (llvm::isa<llvm::GlobalVariable>(first)) {
      std::vector<Constant*> values;
      for (Constant* one : all)
        values.push_back(llvm::cast<llvm::GlobalVariable>(one)->getInitializer());
      Constant* value = merged(values);
      return new llvm::GlobalVariable(module_, value->getType(), true,
                                      llvm::GlobalValue::PrivateLinkage, value, "list");
    }
    std::vector<Constant*> fields;
    for (unsigned i = 0; i < first->getNumOperands(); ++i)
      fields.push_back(merged(elements(all, i)));
    if (auto* type = llvm::dyn_cast<llvm::StructType>(first->getType()))
      return llvm::ConstantStruct::get(type, fields);
    return llvm::ConstantArray::get(llvm::cast<llvm::ArrayType>(first->getType()), fields);
  }

  // How arguments are passed: a struct by value lies on the stack.
  static llvm::AttributeList passing(const llvm::Function& function) {
    llvm::LLVMContext& context = function.getContext();
    llvm::AttributeList out;
    for (unsigned i = 0; i < function.arg_size(); ++i)
      for (const auto kind : {llvm::Attribute::ByVal, llvm::Attribute::Alignment})
        if (function.hasParamAttribute(i, llvm::Attribute::ByVal) &&
            function.hasParamAttribute(i, kind))
          out = out.addParamAttribute(context, i, function.getAttributes().getParamAttr(i, kind));
    return out;
  }

  // A function of the same type as the variants', that runs anywhere.
  llvm::Function* open(const std::vector<llvm::Function*>& variants) {
    llvm::Function* first = variants.front();
    auto* function = llvm::Function::Create(
        first->getFunctionType(), llvm::GlobalValue::InternalLinkage, "borel.dispatch", module_);
    function->setAttributes(passing(*first));
    function->setDoesNotThrow();
    b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", function));
    return function;
  }

  // Calls the variant of this number and hands its result to `finish`.
  template <class Finish>
  void call(llvm::Function* from, llvm::Value* number, const std::vector<llvm::Function*>& variants,
            const std::vector<llvm::Value*>& arguments, Finish finish) {
    llvm::SwitchInst* choice = nullptr;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      auto* block = llvm::BasicBlock::Create(module_.getContext(), "variant", from);
      if (choice == nullptr)
        choice = b_.CreateSwitch(number, block, static_cast<unsigned>(variants.size()));
      else
        choice->addCase(b_.getInt64(i), block);
      llvm::IRBuilder<> b(block);
      llvm::CallInst* result = b.CreateCall(variants[i], arguments);
      result->setAttributes(passing(*variants[i]));
      finish(b, result);
    }
  }

  // A function that is given an instance: reads the number and jumps.
  llvm::Function* dispatcher(const std::vector<llvm::Function*>& variants) {
    llvm::Function* function = open(variants);
    std::vector<llvm::Value*> arguments;
    for (llvm::Argument& argument : function->args()) arguments.push_back(&argument);
    llvm::Value* number = b_.CreateLoad(b_.getInt64Ty(), arguments.front());
    arguments.front() =
        b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), arguments.front(), BOREL_ALIGNMENT);
    call(function, number, variants, arguments, [](llvm::IRBuilder<>& b, llvm::CallInst* result) {
      // A jump; but a struct on the stack is copied.
      result->setTailCallKind(result->getAttributes().hasAttrSomewhere(llvm::Attribute::ByVal)
                                  ? llvm::CallInst::TCK_NoTail
                                  : llvm::CallInst::TCK_MustTail);
      if (result->getType()->isVoidTy())
        b.CreateRetVoid();
      else
        b.CreateRet(result);
    });
    return function;
  }

  // instance_size and bind: ask the processor.
  llvm::Function* choosing(const std::vector<llvm::Function*>& variants, bool bind) {
    llvm::Function* function = open(variants);
    std::vector<llvm::Value*> arguments;
    for (llvm::Argument& argument : function->args()) arguments.push_back(&argument);
    llvm::Value* number = b_.CreateCall(choice_);
    if (bind) {
      llvm::Value*& instance = arguments.back();
      b_.CreateStore(number, instance);
      instance = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), instance, BOREL_ALIGNMENT);
    }
    call(function, number, variants, arguments, [&](llvm::IRBuilder<>& b, llvm::CallInst* result) {
      b.CreateRet(bind ? static_cast<llvm::Value*>(result)
                       : b.CreateAdd(result, b.getInt64(BOREL_ALIGNMENT)));
    });
    return function;
  }

  // Names and lists of the descriptors that are no more.
  void drop_unused() {
    for (bool changed = true; changed;) {
      changed = false;
      for (llvm::GlobalVariable& global : llvm::make_early_inc_range(module_.globals())) {
        global.removeDeadConstantUsers();
        if (!global.hasLocalLinkage() || !global.use_empty()) continue;
        global.eraseFromParent();
        changed = true;
      }
    }
  }

  llvm::Module& module_;
  std::vector<llvm::GlobalVariable*> descriptors_;
  llvm::IRBuilder<> b_;
  llvm::Function* choice_;
  std::string cpus_;
};

}  // namespace

Result<Compiled> compile_variants(std::vector<Variant>& variants, const std::string& symbol,
                                  const std::vector<std::string>& aliases,
                                  const OptimiseOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  Compiled compiled;
  const auto optimising = Clock::now();
  std::unique_ptr<llvm::TargetMachine> least;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    auto machine = make_target_machine(variants[i].target);
    if (!machine) return machine.error();
    apply_target(*variants[i].module, variants[i].target, **machine);
    if (Status status = optimise(*variants[i].module, **machine, options); !status)
      return status.error();
    if (i == 0) least = std::move(*machine);
  }

  llvm::Module& module = *variants.front().module;
  if (variants.size() > 1) {
    std::vector<std::string> names, cpus;
    for (const Variant& variant : variants) {
      names.push_back(symbol + "." + variant.target.cpu);
      cpus.push_back(variant.target.cpu);
      variant.module->getGlobalVariable(symbol)->setName(names.back());
    }
    for (std::size_t i = 1; i < variants.size(); ++i)
      if (llvm::Linker::linkModules(module, std::move(variants[i].module)))
        return EngineError{EngineError::Kind::internal, "link", "the variants do not fit together"};
    std::vector<llvm::GlobalVariable*> descriptors;
    for (const std::string& name : names) descriptors.push_back(module.getGlobalVariable(name));
    Merger(module, std::move(descriptors), cpus).merge(symbol);
    // Dispatchers run on every processor that some variant runs on.
    for (llvm::Function& function : module)
      if (!function.isDeclaration() && !function.hasFnAttribute("target-cpu"))
        function.addFnAttr("target-cpu", variants.front().target.cpu);
  }
  for (const std::string& alias : aliases)
    llvm::GlobalAlias::create(alias, module.getNamedGlobal(symbol));
  compiled.seconds.optimise = seconds(optimising);

  const auto emitting = Clock::now();
  Result<ObjectBytes> object = emit_object(module, *least);
  if (!object) return object.error();
  compiled.object = std::move(*object);
  compiled.seconds.emit = seconds(emitting);
  return compiled;
}

}  // namespace borel::codegen

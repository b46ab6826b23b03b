#include "compiler/codegen/optimise.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/IPO/Inliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Instrumentation/AddressSanitizer.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopIdiomRecognize.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>
#include <llvm/Transforms/Vectorize/SLPVectorizer.h>

#include <algorithm>
#include <string>
#include <vector>

#include "compiler/codegen/elementary.h"

namespace borel::codegen {
namespace {

// Replaces the calls that emit_elementary marked by the functions' bodies. The bodies are optimised
// once, as functions, and calls without effects are merged and hoisted whole, which costs a
// fraction of the same work on every inlined copy.
class InlineElementaryPass : public llvm::PassInfoMixin<InlineElementaryPass> {
 public:
  explicit InlineElementaryPass(std::size_t limit) : limit_(limit) {}

  llvm::PreservedAnalyses run(llvm::Module& module, llvm::ModuleAnalysisManager& /*analyses*/) {
    bool changed = false;
    for (llvm::Function& function : module) {
      for (llvm::CallBase* call : chosen(function)) {
        llvm::InlineFunctionInfo info;
        changed |= llvm::InlineFunction(*call, info).isSuccess();
      }
    }
    return changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
  }
  static bool isRequired() { return true; }  // NOLINT(readability-identifier-naming): LLVM's name

 private:
  std::vector<llvm::CallBase*> chosen(llvm::Function& function) const {
    std::vector<llvm::CallBase*> calls;
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (call != nullptr && call->hasFnAttr(inline_elementary_attribute)) {
        calls.push_back(call);
      }
    }
    if (calls.size() > limit_) {
      std::stable_partition(calls.begin(), calls.end(), [](const llvm::CallBase* call) {
        return call->getType()->isVectorTy();
      });
      calls.resize(limit_);
    }
    return calls;
  }

  std::size_t limit_;
};

llvm::FunctionPassManager lean_function_passes(const OptimiseOptions& options) {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::InstCombinePass());
  llvm::LoopPassManager hoist;
  // Rotation first: it gives the preheader that hoisting needs to run loads unconditionally.
  hoist.addPass(llvm::LoopRotatePass());
  hoist.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(hoist), /*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager clean;
  clean.addPass(llvm::LoopIdiomRecognizePass());
  clean.addPass(llvm::IndVarSimplifyPass());
  clean.addPass(llvm::LoopDeletionPass());
  clean.addPass(llvm::LoopFullUnrollPass(/*OptLevel=*/3));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(clean)));
  // Unrolled loops over small local arrays leave those arrays to be split once more.
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::GVNPass());
  passes.addPass(llvm::DSEPass());
  if (options.vectorise_loops) {
    passes.addPass(llvm::LoopVectorizePass());
  }
  if (options.vectorise_straight_line) {
    passes.addPass(llvm::SLPVectorizerPass());
  }
  passes.addPass(llvm::InstCombinePass());
  // Again, for what redundancy elimination and address arithmetic made invariant.
  llvm::LoopPassManager last;
  last.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(last), /*UseMemorySSA=*/true));
  passes.addPass(llvm::ADCEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

llvm::ModulePassManager pipeline(llvm::PassBuilder& builder, const OptimiseOptions& options) {
  llvm::ModulePassManager passes;
  switch (options.level) {
    case OptimiseLevel::none:
      passes.addPass(llvm::AlwaysInlinerPass());
      passes.addPass(InlineElementaryPass(options.inline_limit));
      break;
    case OptimiseLevel::lean:
      passes.addPass(llvm::AlwaysInlinerPass());
      passes.addPass(llvm::ModuleInlinerWrapperPass(llvm::getInlineParams(2, 0)));
      passes.addPass(llvm::createModuleToFunctionPassAdaptor(lean_function_passes(options)));
      passes.addPass(InlineElementaryPass(options.inline_limit));
      passes.addPass(llvm::GlobalDCEPass());
      break;
    case OptimiseLevel::full:
      passes.addPass(InlineElementaryPass(options.inline_limit));
      passes.addPass(builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3));
      break;
  }
  if (options.address_sanitizer) {
    passes.addPass(llvm::AddressSanitizerPass(llvm::AddressSanitizerOptions{}));
  }
  return passes;
}

}  // namespace

Status optimise(llvm::Module& module, llvm::TargetMachine& machine,
                const OptimiseOptions& options) {
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(module, &stream)) {
    stream.flush();
    return EngineError{EngineError::Kind::internal, "verify", message};
  }
  if (options.address_sanitizer) {
    for (llvm::Function& function : module) {
      if (!function.isDeclaration()) {
        function.addFnAttr(llvm::Attribute::SanitizeAddress);
      }
    }
  }
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = options.vectorise_loops;
  tuning.LoopInterleaving = options.vectorise_loops;
  tuning.SLPVectorization = options.vectorise_straight_line;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager call_graph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(call_graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, call_graph, modules);
  pipeline(builder, options).run(module, modules);
  return success();
}

}  // namespace borel::codegen

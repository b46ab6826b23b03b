#include "compiler/transform/derive.h"

#include <map>
#include <string>

#include "compiler/dialect/prob.h"
#include "compiler/transform/accumulate.h"
#include "compiler/transform/density.h"
#include "compiler/transform/diagnose.h"
#include "compiler/transform/gradient.h"
#include "compiler/transform/inline.h"
#include "compiler/transform/passes.h"
#include "compiler/transform/suspend.h"
#include "compiler/transform/sweep.h"
#include "compiler/transform/tangent.h"
#include "compiler/transform/trace.h"
#include "compiler/transform/unconstrain.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSwitch.h"

namespace borel::transform {

using mlir::failed;
using mlir::failure;
using mlir::LogicalResult;
using mlir::success;
using mlir::func::CallOp;
using mlir::func::FuncOp;

namespace {

enum class Kind {
  LogDensity,
  LogDensityPlain,
  LogDensityGradient,
  LogDensityGradientPlain,
  Likelihood,
  HessianVector,
  HessianVectorPlain,
  Constrain,
  Unconstrain,
  TraceLogDensity,
  Simulate,
  Predict,
  LogLikelihood,
  Diagnose,
  Dimension,
  Gradient,
  StageCount,
  FrameReals,
  FrameInts,
  Advance,
  Follow,
  Transition,
  PathTrace,
  TracePath,
  CheckStage,
  StageSummary,
  Unknown
};

Kind kind_of(mlir::DictionaryAttr request) {
  return llvm::StringSwitch<Kind>(request.getAs<mlir::StringAttr>("kind").getValue())
      .Case("log_density", Kind::LogDensity)
      .Case("log_density_plain", Kind::LogDensityPlain)
      .Case("log_density_gradient", Kind::LogDensityGradient)
      .Case("log_density_gradient_plain", Kind::LogDensityGradientPlain)
      .Case("likelihood", Kind::Likelihood)
      .Case("hessian_vector", Kind::HessianVector)
      .Case("hessian_vector_plain", Kind::HessianVectorPlain)
      .Case("constrain", Kind::Constrain)
      .Case("unconstrain", Kind::Unconstrain)
      .Case("trace_log_density", Kind::TraceLogDensity)
      .Case("simulate", Kind::Simulate)
      .Case("predict", Kind::Predict)
      .Case("log_likelihood", Kind::LogLikelihood)
      .Case("diagnose", Kind::Diagnose)
      .Case("dimension", Kind::Dimension)
      .Case("gradient", Kind::Gradient)
      .Case("stage_count", Kind::StageCount)
      .Case("frame_reals", Kind::FrameReals)
      .Case("frame_ints", Kind::FrameInts)
      .Case("advance", Kind::Advance)
      .Case("follow", Kind::Follow)
      .Case("trace_path", Kind::TracePath)
      .Case("transition", Kind::Transition)
      .Case("path_trace", Kind::PathTrace)
      .Case("check_stage", Kind::CheckStage)
      .Case("stage_summary", Kind::StageSummary)
      .Default(Kind::Unknown);
}

/// Made from a model's stages: of log densities they want the requirements in the value.
bool is_staged(Kind kind) {
  switch (kind) {
    case Kind::StageCount:
    case Kind::FrameReals:
    case Kind::FrameInts:
    case Kind::Advance:
    case Kind::Follow:
    case Kind::Transition:
    case Kind::PathTrace:
    case Kind::TracePath:
    case Kind::CheckStage:
    case Kind::StageSummary:
      return true;
    default:
      return false;
  }
}

class Derive {
 public:
  Derive(mlir::ModuleOp module, const DeriveOptions& options)
      : module_(module), options_(options) {}

  LogicalResult run() {
    llvm::SmallVector<FuncOp> of_models, of_functions;  // of settled functions
    for (FuncOp function : module_.getOps<FuncOp>()) {
      auto request = request_of(function);
      if (!request || !function.isExternal()) continue;
      const Kind kind = kind_of(request);
      const bool settled = kind == Kind::Gradient || kind == Kind::LogLikelihood || is_staged(kind);
      (settled ? of_functions : of_models).push_back(function);
    }
    for (FuncOp target : of_models)
      if (failed(make(target))) return failure();
    // From here on requirements of ordinary functions are values, so that calls from kernels and
    // gradients see them.
    if (failed(settle_requirements())) return failure();
    for (FuncOp target : of_functions)
      if (failed(make(target))) return failure();
    for (FuncOp function : module_.getOps<FuncOp>())
      if (function->hasAttr(prob::frames_attribute)) function->removeAttr(prob::derive_attribute);
    for (FuncOp function : module_.getOps<FuncOp>())
      if (function->hasAttr(prob::model_attribute)) hold_observed(function);
    for (FuncOp function : module_.getOps<FuncOp>())
      if (!function.isExternal() &&
          (failed(inline_data(function)) || failed(inline_adjoints(function))))
        return failure();
    return success();
  }

 private:
  static mlir::DictionaryAttr request_of(FuncOp function) {
    return function->getAttrOfType<mlir::DictionaryAttr>(prob::derive_attribute);
  }

  FuncOp source_of(FuncOp target) {
    return module_.lookupSymbol<FuncOp>(
        request_of(target).getAs<mlir::FlatSymbolRefAttr>("of").getValue());
  }

  /// Fills one declaration.
  LogicalResult make(FuncOp target) {
    if (!target.isExternal()) return success();
    if (!active_.insert(target).second) {
      auto error = target.emitError("a derivative that is made of itself cannot be computed");
      error.attachNote() << not_differentiable;
      return error;
    }
    FuncOp source = source_of(target);
    if (!source) return target.emitError("is to be made from a function that does not exist");
    for (FuncOp callee : wanted_by(source))
      if (failed(make(callee))) return failure();
    const LogicalResult made = make_from(source, target);
    active_.erase(target);
    if (failed(made)) return failure();
    if (auto request = request_of(target))
      made_[{source, request.getAs<mlir::StringAttr>("kind").str()}] = target;
    if (target->hasAttr(prob::entry_attribute)) {
      target.setPublic();
      target->removeAttr(prob::derive_attribute);
    }
    return success();
  }

  /// The declarations that what the source refers to (calls, and the distributions and supports of
  /// its sites) leads to: they are made first, since inlining and derivatives read their bodies.
  llvm::SmallVector<FuncOp> wanted_by(FuncOp source) {
    llvm::SmallVector<FuncOp> work{source}, out;
    llvm::DenseSet<mlir::Operation*> seen{source};
    const auto visit = [&](mlir::Operation* op) {
      op->getAttrDictionary().walk([&](mlir::SymbolRefAttr symbol) {
        auto callee = module_.lookupSymbol<FuncOp>(symbol.getRootReference());
        if (!callee || !seen.insert(callee).second) return;
        if (!callee.isExternal())
          work.push_back(callee);
        else if (request_of(callee))
          out.push_back(callee);
      });
    };
    while (!work.empty()) work.pop_back_val().getBody().walk(visit);
    return out;
  }

  LogicalResult make_from(FuncOp source, FuncOp target) {
    const Kind kind = kind_of(request_of(target));
    switch (kind) {
      case Kind::LogDensity:
      case Kind::LogDensityPlain:
        return fill(source, target, [&](FuncOp f) {
          return step(density(f)) && step(unconstrain(f, {kind == Kind::LogDensity})) &&
                 step(inline_calls(f)) && step(accumulate(f)) && swept(f);
        });
      case Kind::Likelihood:
        return fill(source, target, [&](FuncOp f) {
          return step(density(f, {.prior = false})) && step(unconstrain(f, {.jacobian = false})) &&
                 step(inline_calls(f)) && step(accumulate(f)) && swept(f);
        });
      case Kind::LogDensityGradient:
        return differentiate_density(source, target, "log_density");
      case Kind::LogDensityGradientPlain:
        return differentiate_density(source, target, "log_density_plain");
      case Kind::HessianVector:
        return differentiate_gradient(source, target, "log_density_gradient");
      case Kind::HessianVectorPlain:
        return differentiate_gradient(source, target, "log_density_gradient_plain");
      case Kind::Constrain:
        return fill(source, target,
                    [&](FuncOp f) { return step(constrain_trace(f)) && finish_trace(f); });
      case Kind::Unconstrain:
        return fill(source, target,
                    [&](FuncOp f) { return step(unconstrain_trace(f)) && finish_trace(f); });
      case Kind::Simulate:
        return fill(source, target, [&](FuncOp f) { return step(simulate(f)) && finish_trace(f); });
      case Kind::Predict:
        return fill(
            source, target,
            [&](FuncOp f) { return step(predict(f)) && finish_trace(f) && swept(f); },
            /*reads_observed=*/true);
      case Kind::LogLikelihood:
        return fill(source, target, [&](FuncOp f) {
          return step(log_likelihood(f)) && finish_trace(f) && swept(f);
        });
      case Kind::TraceLogDensity:
        return fill(source, target, [&](FuncOp f) {
          return step(trace_density(f)) && step(inline_calls(f)) && step(accumulate(f)) && swept(f);
        });
      case Kind::Diagnose:
        return fill(source, target, [&](FuncOp f) {
          return step(density(f)) && step(unconstrain(f)) && step(inline_calls(f)) &&
                 step(diagnose(f));
        });
      case Kind::Dimension:
        return call_dimension(source, target);
      case Kind::Gradient: {
        llvm::SmallVector<bool> wrt;
        for (const auto marked : request_of(target).getAs<mlir::ArrayAttr>("wrt"))
          wrt.push_back(mlir::cast<mlir::BoolAttr>(marked).getValue());
        FuncOp primal = copy(source);
        const bool ready =
            step(inline_calls(primal)) && step(settle(primal)) && step(prepare(primal));
        const LogicalResult done =
            ready && step(settle_called(primal)) ? differentiate(primal, wrt, target) : failure();
        primal.erase();
        return done;
      }
      case Kind::StageCount:
        return fill(source, target, stage_count);
      case Kind::FrameReals:
        return fill(source, target, frame_reals);
      case Kind::FrameInts:
        return fill(source, target, frame_ints);
      case Kind::CheckStage:
        return fill(source, target, check_stage);
      case Kind::PathTrace:
        return fill(source, target, path_trace);
      case Kind::TracePath:
        return fill(source, target, trace_path);
      case Kind::Follow:
      case Kind::Advance:
      case Kind::Transition:
      case Kind::StageSummary:
        target->setAttr(prob::frames_attribute, mlir::UnitAttr::get(target.getContext()));
        return fill(source, target,
                    kind == Kind::Advance      ? advance_stage
                    : kind == Kind::Follow     ? follow_path
                    : kind == Kind::Transition ? score_transition
                                               : summarise_stage);
      case Kind::Unknown:
        break;
    }
    return target.emitError("asks for an unknown kind of function");
  }

  static bool step(LogicalResult result) { return succeeded(result); }
  static bool step(bool result) { return result; }

  static bool swept(FuncOp function) {
    sweep(function);
    return true;
  }

  /// Calls of library functions in a trace become part of it; what they require does not matter.
  static bool finish_trace(FuncOp function) {
    if (failed(inline_calls(function))) return false;
    function.walk([](prob::RequireOp require) { require.erase(); });
    return true;
  }

  LogicalResult prepare(FuncOp function) {
    sweep(function);
    if (options_.prepare && failed(options_.prepare(function))) return failure();
    sweep(function);  // the loop passes may have taken the last use of a call
    return success();
  }

  FuncOp copy(FuncOp source) {
    FuncOp clone = source.clone();
    clone.setName((source.getName() + ".copy").str());
    clone.setPrivate();
    clone->removeAttr(prob::entry_attribute);
    clone->removeAttr(prob::density_attribute);
    mlir::SymbolTable(module_).insert(clone);
    return clone;
  }

  /// Runs passes on a copy of the source and gives its body to the target.
  template <class Passes>
  LogicalResult fill(FuncOp source, FuncOp target, Passes passes, bool reads_observed = false) {
    FuncOp work = copy(source);
    if (!reads_observed) hold_observed(work);
    if (!is_staged(kind_of(request_of(target)))) drop_stops(work);
    const bool done = step(passes(work));
    if (done && work.getFunctionType() != target.getFunctionType()) {
      target.emitError("is declared with another type than the function made: ")
          << work.getFunctionType();
      work.erase();
      return failure();
    }
    if (done) target.getBody().takeBody(work.getBody());
    work.erase();
    return done ? success() : failure();
  }

  LogicalResult differentiate_density(FuncOp model, FuncOp target, llvm::StringRef kind) {
    FuncOp primal = copy_of(model, target, kind, 1);
    if (!primal) return failure();
    llvm::SmallVector<bool> wrt(primal.getNumArguments(), false);
    wrt.back() = true;
    const bool ready = step(prepare(primal)) && step(settle_called(primal));
    const LogicalResult done = ready ? differentiate(primal, wrt, target) : failure();
    primal.erase();
    return done;
  }

  /// The gradient's own derivative along a vector.
  LogicalResult differentiate_gradient(FuncOp model, FuncOp target, llvm::StringRef kind) {
    FuncOp gradient = copy_of(model, target, kind, 2);
    if (!gradient) return failure();
    llvm::SmallVector<bool> wrt(gradient.getNumArguments(), false);
    wrt.back() = true;
    const bool ready = step(prepare(gradient)) && step(settle_called(gradient));
    const LogicalResult done =
        ready ? differentiate_along(gradient, wrt, {false, true}, target) : failure();
    gradient.erase();
    return done;
  }

  /// The log density or its gradient, from the module where it is wanted there too, else made for
  /// this alone: (the model's arguments…, u) -> the first results of `target`.
  FuncOp copy_of(FuncOp model, FuncOp target, llvm::StringRef kind, unsigned results) {
    const auto is_wanted = [&](FuncOp other) {
      const auto request = request_of(other);
      return request && other.isExternal() && source_of(other) == model &&
             request.getAs<mlir::StringAttr>("kind").getValue() == kind;
    };
    for (FuncOp other : module_.getOps<FuncOp>())
      if (is_wanted(other) && failed(make(other))) return nullptr;
    if (const auto found = made_.find({model, kind.str()}); found != made_.end())
      return copy(found->second);
    mlir::OpBuilder b(module_.getContext());
    FuncOp declaration = FuncOp::create(
        target.getLoc(), (target.getName() + ".primal").str(),
        b.getFunctionType(target.getArgumentTypes().take_front(model.getNumArguments() + 1),
                          target.getResultTypes().take_front(results)));
    declaration.setPrivate();
    declaration->setAttr(
        prob::derive_attribute,
        b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)),
                             b.getNamedAttr("of", mlir::FlatSymbolRefAttr::get(model))}));
    mlir::SymbolTable(module_).insert(declaration);
    const LogicalResult made = make(declaration);
    made_.erase({model, kind.str()});  // the caller takes it
    if (failed(made)) {
      declaration.erase();
      return nullptr;
    }
    return declaration;
  }

  LogicalResult call_dimension(FuncOp model, FuncOp target) {
    auto symbol = model->getAttrOfType<mlir::FlatSymbolRefAttr>(prob::shape_attribute);
    auto shape = module_.lookupSymbol<FuncOp>(symbol.getValue());
    mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(target.addEntryBlock());
    auto call = b.create<CallOp>(target.getLoc(), shape, target.getArguments());
    b.create<mlir::func::ReturnOp>(target.getLoc(), call.getResult(0));
    target->removeAttr(prob::derive_attribute);
    if (target.getNumArguments() == 0) target->setAttr(prob::global_attribute, b.getUnitAttr());
    return success();
  }

  /// Requirements of an ordinary function become part of its value.
  static LogicalResult settle(FuncOp function) {
    bool any = false;
    function.walk([&](prob::RequireOp) { any = true; });
    return any ? accumulate(function) : success();
  }

  /// The same for what stays a call: recursive functions.
  LogicalResult settle_called(FuncOp function) {
    llvm::SmallVector<FuncOp> work{function};
    llvm::DenseSet<mlir::Operation*> seen{function};
    while (!work.empty()) {
      llvm::SmallVector<FuncOp> called;
      work.pop_back_val().walk([&](CallOp call) {
        auto callee = module_.lookupSymbol<FuncOp>(call.getCallee());
        if (callee && !callee.isExternal() && seen.insert(callee).second) called.push_back(callee);
      });
      for (FuncOp callee : called)
        if (failed(settle(callee))) return failure();
      llvm::append_range(work, called);
    }
    return success();
  }

  LogicalResult settle_requirements() {
    for (FuncOp function : module_.getOps<FuncOp>())
      if (!function.isExternal() && !function->hasAttr(prob::model_attribute) &&
          failed(settle(function)))
        return failure();
    return success();
  }

  mlir::ModuleOp module_;
  const DeriveOptions& options_;
  llvm::DenseSet<mlir::Operation*> active_;
  std::map<std::pair<mlir::Operation*, std::string>, FuncOp> made_;  // by source and kind
};

class DerivePass : public mlir::PassWrapper<DerivePass, mlir::OperationPass<mlir::ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DerivePass)
  llvm::StringRef getArgument() const final { return "derive"; }
  void runOnOperation() final {
    if (failed(derive(getOperation()))) signalPassFailure();
  }
};

}  // namespace

LogicalResult derive(mlir::ModuleOp module, const DeriveOptions& options) {
  return Derive(module, options).run();
}

std::unique_ptr<mlir::Pass> create_derive_pass() { return std::make_unique<DerivePass>(); }

}  // namespace borel::transform

// Functions that the host supplies: descriptions, slots that hold their addresses, adjoints.
#include "compiler/lower/function_lowering.h"
#include "compiler/lower/module_lowering.h"
#include "llvm/ADT/DenseSet.h"

namespace borel::lowering {

using mlir::OpBuilder;
using mlir::func::FuncOp;

void ModuleLowering::make_host_functions() {
  ProgramDescription& description = result_.description;
  OpBuilder b(context_);
  for (size_t i = 0; i < program_.functions.size(); ++i) {
    const typed::Function& function = program_.functions[i];
    if (!function.host) continue;
    const std::string symbol = "extern." + function.host->name;
    const auto known =
        std::find_if(description.externals.begin(), description.externals.end(),
                     [&](const ExternalDescription& external) { return external.slot == symbol; });
    llvm::SmallVector<bool> matrices;
    ExternalDescription external;
    external.name = function.host->name;
    external.slot = symbol;
    external.gradient = function.host->gradient;
    external.result_rank = static_cast<int32_t>(function.result.dims.size());
    external.span = describe(function.span);
    for (size_t p = function.host->first; p < function.params.size(); ++p) {
      const typed::Type& type = program_[function.params[p]].type;
      matrices.push_back(type.matrix && type.dims.size() >= 2);
      external.arguments.push_back({type.scalar == typed::Scalar::Real  ? DataType::Real
                                    : type.scalar == typed::Scalar::Int ? DataType::Int
                                                                        : DataType::Bool,
                                    static_cast<int32_t>(type.dims.size()), matrices.back()});
    }
    if (known == description.externals.end()) {
      // The address of a borel_function, which bind finds behind the inputs.
      b.setInsertionPointToStart(module_->getBody());
      b.create<prob::SlotOp>(
          location(function.span), symbol, prob::array_type(prob::real_type(context_), 1), "input",
          b.getI64ArrayAttr({0}),
          static_cast<int64_t>(description.inputs.size() + description.externals.size()));
      description.externals.push_back(std::move(external));
    }
    FuncOp made = functions_.at(static_cast<typed::FunctionId>(i));
    const auto attribute = [&](bool adjoint) {
      return b.getDictionaryAttr(
          {b.getNamedAttr("slot", mlir::FlatSymbolRefAttr::get(context_, symbol)),
           b.getNamedAttr("first", b.getI64IntegerAttr(static_cast<int64_t>(function.host->first))),
           b.getNamedAttr("matrices", b.getBoolArrayAttr(matrices)),
           b.getNamedAttr("place", b.getI64IntegerAttr(static_cast<int64_t>(function.host_place))),
           b.getNamedAttr("adjoint", b.getBoolAttr(adjoint))});
    };
    made->setAttr(prob::host_attribute, attribute(false));
    if (!function.host->gradient) continue;
    FuncOp adjoint = host_adjoint(function, made);
    adjoint->setAttr(prob::host_attribute, attribute(true));
    set_adjoint(made, adjoint);
  }
}

/// (arguments…, result, its adjoint) -> adjoints of the real arguments.
FuncOp ModuleLowering::host_adjoint(const typed::Function& function, FuncOp of) {
  llvm::SmallVector<mlir::Type> arguments(of.getArgumentTypes()), results;
  for (const mlir::Type type : of.getArgumentTypes())
    if (prob::is_real(type)) results.push_back(type);
  for (int copies = 0; copies < 2; ++copies) llvm::append_range(arguments, of.getResultTypes());
  FuncOp adjoint = make_function((of.getName() + ".adjoint").str(), arguments, results,
                                 location(function.span), true);
  OpBuilder b = OpBuilder::atBlockEnd(&adjoint.getBody().front());
  llvm::SmallVector<mlir::Value> zeros;
  for (const mlir::Value argument : adjoint.getArguments().take_front(of.getNumArguments()))
    if (prob::is_real(argument.getType()))
      zeros.push_back(prob::zeros_like(b, adjoint.getLoc(), argument));
  b.create<mlir::func::ReturnOp>(adjoint.getLoc(), zeros);
  return adjoint;
}

bool ModuleLowering::reaches_no_derivative(FuncOp function) {
  llvm::SmallVector<FuncOp> work{function};
  llvm::DenseSet<mlir::Operation*> seen{function};
  bool found = false;
  while (!work.empty() && !found) {
    FuncOp next = work.pop_back_val();
    found = next->hasAttr(prob::host_attribute) && !next->hasAttr(prob::adjoint_attribute) &&
            llvm::any_of(next.getArgumentTypes(), prob::is_real);
    next.getBody().walk([&](mlir::Operation* op) {
      op->getAttrDictionary().walk([&](mlir::SymbolRefAttr symbol) {
        auto callee = module_->lookupSymbol<FuncOp>(symbol.getRootReference());
        if (callee && seen.insert(callee).second && !callee.isExternal()) work.push_back(callee);
      });
    });
  }
  return found;
}

}  // namespace borel::lowering

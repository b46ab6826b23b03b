/// State of one run of `lower` that is not local to a function: symbols, types, places.
#pragma once

#include <map>
#include <string>

#include "compiler/lower/lower.h"
#include "compiler/lower/views.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace borel::lowering {

class ModuleLowering {
 public:
  ModuleLowering(const typed::Program& program, const SourceManager& sources,
                 mlir::MLIRContext& context, const LowerOptions& options, LowerResult& result);
  mlir::OwningOpRef<mlir::ModuleOp> run();

  const typed::Program& program() const { return program_; }
  mlir::MLIRContext* context() const { return context_; }

  mlir::Type scalar_type(typed::Scalar scalar) const;
  /// Of a scalar or array.
  mlir::Type type(const typed::Type& type) const;
  /// Of any type: tuples flattened.
  llvm::SmallVector<mlir::Type, 4> types(const typed::Type& type) const;
  mlir::Location location(Span span) const;
  SpanDescription describe(Span span) const;

  /// Functions, by what they are in the typed program. Declared in advance, so any may call any.
  mlir::func::FuncOp function(typed::FunctionId id) const;
  mlir::func::FuncOp model(typed::ModelId id) const;
  mlir::func::FuncOp global(typed::VarId id) const;
  /// The symbol of a size's or an input's slot; null for a variable that is neither.
  mlir::FlatSymbolRefAttr slot(typed::VarId id) const;

  /// The function of this kind (transform/derive.h) made from a model, declared on demand.
  mlir::func::FuncOp derived(typed::ModelId id, llvm::StringRef kind,
                             llvm::ArrayRef<typed::SiteIndex> sites = {});
  mlir::func::FuncOp gradient(typed::FunctionId id, const std::vector<bool>& wrt);
  /// A function of linear algebra (linear_algebra.cpp), emitted on demand.
  mlir::func::FuncOp cholesky(typed::PlaceId place);
  mlir::func::FuncOp solve_lower(bool matrix);
  mlir::func::FuncOp product();

  /// A new private function after all others.
  mlir::func::FuncOp make_function(llvm::StringRef name, mlir::TypeRange arguments,
                                   mlir::TypeRange results, mlir::Location location,
                                   bool with_body);

 private:
  mlir::func::FuncOp cholesky_factor();
  /// What gradient calls in place of going through a function's loops
  /// (linear_algebra_adjoints.cpp).
  static void set_adjoint(mlir::func::FuncOp function, mlir::func::FuncOp adjoint);
  mlir::func::FuncOp cholesky_adjoint();
  mlir::func::FuncOp solve_lower_adjoint(bool matrix);
  mlir::func::FuncOp product_adjoint();

  void make_slots();
  /// Slots and descriptions of the functions that the host supplies, and their adjoints.
  void make_host_functions();
  mlir::func::FuncOp host_adjoint(const typed::Function& function, mlir::func::FuncOp of);
  /// Whether `function` uses one of reals that the host gives no derivative of.
  bool reaches_no_derivative(mlir::func::FuncOp function);
  void declare_functions();
  void make_model(typed::ModelId id);
  void make_entries();
  mlir::ArrayAttr place_attributes() const;
  mlir::ArrayAttr site_attributes(const typed::Model& model) const;
  mlir::ArrayAttr slot_dims(const typed::Input& input) const;
  /// A size as slots have it: see prob.slot.
  mlir::Attribute slot_extent(const typed::Size& size) const;
  mlir::ArrayAttr span_attribute(Span span) const;
  void describe_program();
  std::string dim_text(const typed::Size& size) const;
  DimDescription describe(const typed::Size& size) const;

  const typed::Program& program_;
  const SourceManager& sources_;
  mlir::MLIRContext* context_;
  const LowerOptions& options_;
  LowerResult& result_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::map<typed::VarId, std::string> slots_;
  std::map<typed::FunctionId, mlir::func::FuncOp> functions_;
  std::map<typed::ModelId, mlir::func::FuncOp> models_;
  std::map<typed::VarId, mlir::func::FuncOp> globals_;
  std::map<std::string, mlir::func::FuncOp> on_demand_;
};

}  // namespace borel::lowering

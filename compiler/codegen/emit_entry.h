// The functions of borel/program.h around emitted IR functions: where arguments lie, where results
// go, where the workspace begins.
#pragma once

#include "compiler/codegen/emit_module.h"
#include "compiler/support/description.h"

namespace borel::codegen {

class EntryEmitter {
 public:
  explicit EntryEmitter(ModuleEmitter& module);

  // Functions of a model; null where `name` is empty.
  llvm::Function* dimension(const ModelDescription& model);
  llvm::Function* draw_size(const ModelDescription& model);
  llvm::Function* site_shape(const ModelDescription& model);
  llvm::Function* density(const ModelDescription& model, const std::string& name, bool gradient);
  llvm::Function* hessian_vector(const ModelDescription& model, const std::string& name);
  llvm::Function* diagnose(const ModelDescription& model);
  llvm::Function* constrain(const ModelDescription& model);
  llvm::Function* unconstrain(const ModelDescription& model);
  llvm::Function* simulate(const ModelDescription& model);
  llvm::Function* predict(const ModelDescription& model);
  llvm::Function* log_likelihood(const ModelDescription& model);

  llvm::Function* state_size(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* init(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* step(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* draw(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* info(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* metric_size(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* metric(const MachineDescription& machine, const ModelDescription& model);
  llvm::Function* steps(const MachineDescription& machine);

  llvm::Function* instance_size(const ProgramDescription& program);
  llvm::Function* bind(const ProgramDescription& program);

 private:
  using IRValue = llvm::Value;

  // Starts a function: sets the insertion point, and instance_, ws_ from these arguments (-1:
  // none).
  llvm::Function* open(const llvm::Twine& name, llvm::Type* result,
                       llvm::ArrayRef<llvm::Type*> arguments, int instance, int ws);
  IRValue* argument(unsigned i) { return function_->getArg(i); }
  IRValue* at(IRValue* base, IRValue* bytes);
  IRValue* at(IRValue* base, std::int64_t bytes);
  IRValue* field(IRValue* base, std::int64_t bytes, llvm::Type* type);
  void finish(IRValue* status);  // returns unless the status is BOREL_OK
  // The start of free workspace; with a key its RandomContext lies before it.
  IRValue* begin_workspace();
  IRValue* begin_workspace(unsigned key_argument);
  void take_key(unsigned key_argument);

  // Calls an emitted function; results[i] is a scalar result, or null for an array.
  struct Called {
    IRValue* status;
    llvm::SmallVector<IRValue*> scalars;
  };
  Called call(EmittedFunction& callee, IRValue* top, llvm::ArrayRef<IRValue*> arguments);
  // Results of a function that returns i64 values and needs no workspace.
  llvm::SmallVector<IRValue*> numbers(const std::string& name);
  IRValue* model_dimension(const ModelDescription& model);

  // Extents of the draw sites, from model.shape.
  struct SiteShape {
    llvm::SmallVector<IRValue*, 4> extents;
    IRValue* elements;
    IRValue* offset;  // in u, or null
  };
  std::vector<SiteShape> shapes(const ModelDescription& model);
  // Calls `callee` and puts its results into the draw vector; returns the status.
  IRValue* call_for_draw(EmittedFunction& callee, const ModelDescription& model, IRValue* top,
                         llvm::SmallVector<IRValue*> arguments, IRValue* draw);
  IRValue* to_real(IRValue* scalar);
  // The latent sites' values in a draw, as arguments of `callee`: pointers and extents of arrays.
  llvm::SmallVector<IRValue*> latents(EmittedFunction& callee, const ModelDescription& model,
                                      llvm::ArrayRef<SiteShape> shapes, IRValue* draw);
  // Calls `callee`, which returns reals for each observed site, over the first `rank` dimensions of
  // each, and puts them one after another.
  IRValue* call_for_observed(EmittedFunction& callee, const ModelDescription& model, IRValue* top,
                             IRValue* draw, IRValue* to, bool draws_only);
  // for i in 0..elements
  void for_each(IRValue* elements, llvm::function_ref<void(IRValue*)> body);

  // Where the values of a state lie.
  struct StateLayout {
    llvm::SmallVector<IRValue*> offsets;                        // bytes, of each value
    llvm::SmallVector<llvm::SmallVector<IRValue*, 4>> extents;  // empty for scalars
    IRValue* bytes;
  };
  StateLayout state_layout(const MachineDescription& machine, const ModelDescription& model);
  llvm::SmallVector<IRValue*> load_state(EmittedFunction& callee, const StateLayout& layout,
                                         IRValue* state);
  void store_state(EmittedFunction& callee, const StateLayout& layout,
                   llvm::ArrayRef<IRValue*> scalars, IRValue* state);

  // An extent over slots: of the instance, or (inputs given) from what bind is given.
  IRValue* evaluate(Extent extent, IRValue* inputs, IRValue* sizes);
  IRValue* input_scalar(prob::SlotOp slot, IRValue* inputs, llvm::Type* type);
  // Bytes from the start of an instance to each hoisted array (null for scalars), and to its end.
  llvm::SmallVector<IRValue*> hoisted_offsets(IRValue* inputs, IRValue* sizes, IRValue*& end);
  mlir::func::FuncOp bind_function();
  // The number of an input or a size in the descriptor.
  std::int64_t order_of(prob::SlotOp slot);
  const ProgramDescription* program_ = nullptr;

  ModuleEmitter& m_;
  llvm::IRBuilder<> b_;
  llvm::Function* function_ = nullptr;
  IRValue *instance_ = nullptr, *ws_ = nullptr;
};

}  // namespace borel::codegen

// Emission of one function: operations in order, with control flow as basic blocks.
//
// The same code emits scalar and vector forms. A scalar value of the IR becomes Lanes: one value
// for all lanes (the only shape outside of vectorised loops), an integer that grows linearly from
// lane to lane, or a vector. Each operation is done in the simplest shape that its operands allow,
// so what is invariant stays scalar, and an index keeps the form that tells unit-stride accesses.
#pragma once

#include <optional>

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "compiler/codegen/emit_module.h"
#include "compiler/codegen/vector_plan.h"

namespace borel::codegen {

struct Lanes {
  enum class Shape { Uniform, Linear, Varying };
  llvm::Value* value = nullptr;  // Linear: lane 0's
  llvm::Value* step = nullptr;   // Linear: what each lane adds
  Shape shape = Shape::Uniform;

  bool uniform() const { return shape == Shape::Uniform; }
};

// An array value: row major elements of 8 bytes.
struct Array {
  llvm::Value* data = nullptr;
  llvm::SmallVector<llvm::Value*, 4> extents;
  mlir::Type element;
  llvm::MDNode* scope = nullptr;  // alias scope
  bool immutable = false;         // data of the instance
  // Memory of our own up to a multiple of the vectors' width: what a map or a copy stores last may
  // be a whole vector. Loads are served from whole stores that are under way, not from masked ones.
  bool padded = false;
  Lanes offset;  // in elements; no value: 0. Views with an index that varies
};

// How the iterations of a vectorised loop map to lanes.
struct VectorState {
  unsigned width = 1;
  llvm::Value* mask = nullptr;  // <width x i1>: lanes that run this iteration and branch
  llvm::Value* last = nullptr;  // i64: the number of the last lane of the iteration that runs
  bool conditional = false;     // within a branch that perhaps no lane takes
  bool down = false;            // from the end: the lanes that do not run are the first ones
  const VectorPlan* plan = nullptr;
};

class FunctionEmitter {
 public:
  FunctionEmitter(ModuleEmitter& module, EmittedFunction& function);
  void run();

 private:
  using Value = mlir::Value;
  using IRValue = llvm::Value;

  // emit_function.cpp: prologue, calls, results, faults
  void prologue();
  void check_stack();
  void emit_block(mlir::Block& block);  // without its terminator
  void emit_op(mlir::Operation& op);
  void emit_call(mlir::func::CallOp call);
  void inline_call(mlir::func::CallOp call);
  void emit_return(mlir::func::ReturnOp op);
  void count_rejection(llvm::ArrayRef<IRValue*> results);
  void emit_data(prob::DataOp op);
  IRValue* random_context();
  IRValue* emit_key();
  void emit_uniform_at(prob::UniformAtOp op);
  void fail(IRValue* condition, IRValue* status);
  void need_space(IRValue* condition, IRValue* bytes);
  void fault_if(Lanes condition, std::int32_t kind, std::int64_t place, Lanes index);
  llvm::BasicBlock* fault_block();
  llvm::BasicBlock* fail_block();
  llvm::BasicBlock* block(const char* name);

  // emit_scalar.cpp: arithmetic on lanes
  void emit_arithmetic(mlir::Operation& op);
  bool emit_integer(mlir::Operation& op);
  bool emit_real(mlir::Operation& op);
  IRValue* to_integer(IRValue* x, llvm::Type* type);
  void emit_checked(mlir::Operation& op, std::int64_t place);
  void emit_division(mlir::Operation& op);
  void emit_whole_power(mlir::Operation& op);
  void emit_multiply_add(mlir::Operation& op);
  // Whether a product is computed as part of the one sum that uses it.
  bool is_fused(mlir::Operation* op) const;
  // value + sum, fused where value is a product that is_fused.
  IRValue* accumulate(Value value, IRValue* sum);
  IRValue* vector(Lanes lanes);  // of the width of the current loop, also from the other shapes
  IRValue* in_shape(Lanes lanes, bool varying) { return varying ? vector(lanes) : lanes.value; }
  Lanes lanes_of(Value value);
  IRValue* scalar_of(Value value);  // which must be uniform
  void set(Value value, Lanes lanes) { scalars_[value] = lanes; }
  Lanes uniform_lanes(IRValue* value) { return {value, nullptr, Lanes::Shape::Uniform}; }
  Lanes result_lanes(IRValue* value);  // uniform or varying by its type
  Lanes add(Lanes a, Lanes b);
  Lanes subtract(Lanes a, Lanes b);
  Lanes multiply(Lanes a, Lanes b);
  Lanes compare(llvm::CmpInst::Predicate predicate, Lanes a, Lanes b);
  IRValue* any(IRValue* condition);  // of a scalar or a vector of i1

  // emit_array.cpp: access and copies
  IRValue* constant(std::int64_t number) { return llvm::ConstantInt::get(m_.i64, number, true); }
  IRValue* materialise(Extent extent);
  const Array& array_of(Value value);
  Array make_array(Value value);
  void define(Value value) { arrays_[value] = make_array(value); }
  Lanes element_offset(const Array& array, llvm::ArrayRef<Lanes> indices);
  IRValue* address(const Array& array, IRValue* offset);
  Lanes from_memory(IRValue* value, mlir::Type element);
  IRValue* to_memory(IRValue* value, mlir::Type element);
  IRValue* slot_cell(prob::SlotOp slot, llvm::Type* type);
  Array view(const Array& array, llvm::ArrayRef<Lanes> indices);
  Lanes load(const Array& array, Lanes offset);
  bool all_run() const;
  IRValue* lane_of(IRValue* lanes, unsigned lane);
  Lanes gather_singly(const Array& array, IRValue* offsets);
  // `whole`: lanes that do not run may store, too.
  void store(const Array& array, Lanes offset, Lanes value, bool whole = false);
  void check_indices(const Array& array, llvm::ArrayRef<Lanes> indices, std::int64_t place);
  llvm::SmallVector<Lanes, 4> index_lanes(mlir::ValueRange indices);
  void emit_zeros(prob::ZerosOp op);
  void emit_extract(prob::ExtractOp op);
  void emit_insert(prob::InsertOp op);
  void emit_add_at(prob::AddAtOp op);
  void emit_select(mlir::Operation& op);
  IRValue* count(const Array& array);
  // dst = src, dst += src; nothing when they are one buffer at one place
  void copy(const Array& from, const Array& to);
  void add_array(const Array& from, const Array& to);
  struct Transfer {
    Value from, to;
  };
  // All at once: a source that another transfer overwrites is saved first.
  void transfer(llvm::ArrayRef<Transfer> transfers);
  bool same_buffer(Value a, Value b) const;
  void check_shape(const Array& a, const Array& b, Value from, Value to);
  // body(first element, mask) for whole vectors of `count` elements
  void for_vectors(IRValue* count, llvm::function_ref<void(IRValue*, IRValue*)> body);

  IRValue* allocate(IRValue* bytes);
  void allocate_before(mlir::Operation* op);
  void mark(llvm::Instruction* access, const Array& array);
  void make_scopes();

  // emit_control.cpp: scalar control flow
  void emit_for(prob::ForOp loop);
  void emit_scalar_for(prob::ForOp loop);
  void emit_if(mlir::scf::IfOp op);
  void emit_masked_if(mlir::scf::IfOp op);
  void emit_while(mlir::scf::WhileOp op);
  IRValue* extreme_of(mlir::Operation* op, IRValue* x, IRValue* y);
  static mlir::Value compared(prob::ForOp loop, mlir::Operation* op);
  void open_parts(prob::ForOp loop);
  void open_rows(prob::ForOp loop, IRValue* element);
  void store_maps(prob::ForOp loop, IRValue* element);

  // emit_vector.cpp: plates over lanes
  void emit_vector_for(prob::ForOp loop, const VectorPlan& plan);
  // One loop over whole vectors of `width` lanes: iterations from..to.
  struct LaneLoop {
    unsigned width;
    IRValue* origin;  // the iteration of the first element of maps
    IRValue *from, *to;
    bool masked;  // the last vector may be a part of one
    llvm::BasicBlock* exit;
    IRValue* carry = nullptr;  // of a scanned loop: what comes in
    bool down = false;         // a scanned loop that runs backwards: from `to` on
  };
  // Returns what a scanned loop carries at its end.
  IRValue* emit_lanes(prob::ForOp loop, const VectorPlan& plan, const LaneLoop& lanes,
                      llvm::SmallVectorImpl<IRValue*>& sums);
  // The iterations from..to; maps begin with that of `origin`.
  struct Range {
    IRValue *origin, *from, *to;
  };
  llvm::SmallVector<IRValue*> emit_lane_range(prob::ForOp loop, const VectorPlan& plan,
                                              const Range& range, IRValue* carry,
                                              IRValue*& carried);
  void emit_many_lanes(prob::ForOp loop, const VectorPlan& plan, const Range& range,
                       llvm::SmallVectorImpl<IRValue*>& sums, llvm::BasicBlock* end);
  // emit_shared.cpp: plates over a population, by blocks that threads share
  bool is_shared(prob::ForOp loop, const VectorPlan& plan) const;
  void emit_shared_for(prob::ForOp loop, const VectorPlan& plan);
  llvm::Function* emit_task(prob::ForOp loop, const VectorPlan& plan,
                            llvm::ArrayRef<IRValue*> captured, llvm::StructType* environment);
  // emit_scan.cpp: linear recurrences
  struct Scan {
    unsigned width = 1;
    bool down = false;
    llvm::SmallVector<IRValue*, 4> powers;  // a^1, a^2, a^4, … a^width in all lanes
  };
  void emit_scanned_for(prob::ForOp loop, const VectorPlan& plan);
  Scan begin_scan(prob::ForOp loop, unsigned width);
  IRValue* coefficient(prob::ForOp loop, Value value);
  IRValue* offset(prob::ForOp loop, Value value);
  IRValue* scan_start(const Scan& scan, IRValue* carry);
  IRValue* delayed(const Scan& scan, IRValue* v, IRValue* before, unsigned k);
  IRValue* multiply_add(IRValue* a, IRValue* b, IRValue* c);
  IRValue* emit_scanned_block(prob::ForOp loop, const Scan& scan,
                              llvm::MutableArrayRef<IRValue*> state);

  // A sum of logarithms: of the arguments so far, the product for math.log and the product of
  // 1 + x, less 1, for math.log1p (which keeps the digits of small x).
  struct LogSum {
    mlir::Operation* log;
    unsigned sum;
    llvm::PHINode* product;
    IRValue* next = nullptr;
  };
  IRValue* neutral_product(const LogSum& log_sum, unsigned width);
  IRValue* log_of_product(const LogSum& log_sum, IRValue* product);
  IRValue* multiply_up(LogSum& log_sum, IRValue* sum);
  llvm::SmallVector<IRValue*, 4> split(IRValue* wide, unsigned width);
  IRValue* narrow(IRValue* wide, unsigned width);
  IRValue* accumulate_parts(Value value, IRValue* sum);
  void emit_lanes_add_at(prob::AddAtOp op, VectorPlan::Accumulation kind);
  void begin_accumulators(prob::ForOp loop, const VectorPlan& plan, IRValue* trips);
  void end_accumulators();
  IRValue* reduce(IRValue* vector);
  IRValue* row_sums(llvm::SmallVector<IRValue*> rows);
  IRValue* entry_slot(llvm::Type* type);  // stack memory that becomes a register
  IRValue* dummy();
  IRValue* lane_numbers();  // <0, 1, …>

  // Private accumulators of one vectorised loop.
  struct Accumulator {
    VectorPlan::Accumulation kind;
    unsigned buffer = 0;
    Array target;
    IRValue* offset = nullptr;  // Register: of the element
    IRValue* slot = nullptr;    // Register: where the vector is
    IRValue* table =
        nullptr;  // Table, Scattered: lane-private copies, [(element << row_shift) + lane]
    IRValue* row_shift = nullptr;
    IRValue* private_lanes = nullptr;  // i1: whether there are copies at all
    IRValue* elements = nullptr;
  };

  ModuleEmitter& m_;
  EmittedFunction& f_;
  const StoragePlan* plan_;
  llvm::IRBuilder<> b_;
  llvm::Function* function_;
  IRValue *instance_, *ws_, *top_;
  llvm::BasicBlock *entry_ = nullptr, *fault_ = nullptr, *fail_ = nullptr, *space_ = nullptr;
  llvm::PHINode *fault_kind_ = nullptr, *fault_place_ = nullptr, *fault_index_ = nullptr;
  llvm::PHINode *fail_status_ = nullptr, *space_bytes_ = nullptr;
  IRValue* dummy_ = nullptr;  // one element of stack that inactive lanes use

  llvm::DenseMap<Value, Lanes> scalars_;
  llvm::DenseMap<Value, Array> arrays_;
  llvm::DenseMap<Extent, IRValue*> entry_extents_;
  llvm::DenseMap<mlir::Operation*, IRValue*> entry_slots_;  // slots read on entry, by SlotOp
  llvm::SmallVector<IRValue*> buffers_;                     // address of each buffer
  llvm::SmallVector<llvm::MDNode*> scopes_;                 // of each buffer
  llvm::MDNode* scratch_scope_ = nullptr;  // of memory that is reused as code proceeds
  // By scope: the lists of itself and of all others.
  llvm::DenseMap<llvm::MDNode*, std::pair<llvm::MDNode*, llvm::MDNode*>> alias_lists_;
  VectorState* lanes_ = nullptr;  // within a vectorised loop
  std::vector<Accumulator> accumulators_;
  llvm::DenseMap<mlir::Operation*, unsigned> accumulator_of_;  // by prob.add_at
  unsigned inline_depth_ = 0;
  bool in_task_ = false;
};

}  // namespace borel::codegen

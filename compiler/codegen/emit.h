// From prob IR to LLVM IR.
//
// The IR is what the passes leave: func.func of one block with func.call and func.return, arith,
// math, scf.if, scf.while, and of prob the operations slot, data, zeros, dim, extract, insert,
// add_at, for, special, uniform and fault. Reals are f64.
//
// An IR function becomes an internal LLVM function
//     i32 or {i32, scalar results…} name(instance, ws, top, arguments…, memory of array results…)
// that returns a borel_status. An array argument is its address and its dynamic extents. `top` is
// the end of the part of the workspace that is in use: a function takes what its arrays need from
// there on and hands the rest to its callees, so recursion needs nothing else. Array results are
// written where the caller says. Arrays have elements of 8 bytes, also truth values.
//
// Carried arrays and results of branches keep their extents: a carry that changes its shape is a
// fault of kind BOREL_FAULT_SHAPE.
#pragma once

#include <memory>
#include <string>

#include "borel/program.h"
#include "compiler/codegen/engine_target.h"
#include "compiler/support/description.h"
#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace borel::codegen {

// The module with the program's functions and its descriptor, the constant `symbol`: what Jit::add
// and compile take. IR that the passes should not have left is an internal error.
Result<std::unique_ptr<llvm::Module>> emit(mlir::ModuleOp source, const ProgramDescription& program,
                                           const TargetSpec& target, llvm::LLVMContext& context,
                                           const std::string& source_hash = {},
                                           const std::string& symbol = BOREL_PROGRAM_SYMBOL);

}  // namespace borel::codegen

/// The prob dialect's C++ side: operation classes (from prob.td) and the few helpers that every
/// pass shares. See prob.td for what each operation means.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace borel::prob {

struct TraceResource : mlir::SideEffects::Resource::Base<TraceResource> {
  llvm::StringRef getName() final { return "<Trace>"; }
};
struct RandomResource : mlir::SideEffects::Resource::Base<RandomResource> {
  llvm::StringRef getName() final { return "<Random>"; }
};
struct FaultResource : mlir::SideEffects::Resource::Base<FaultResource> {
  llvm::StringRef getName() final { return "<Fault>"; }
};

class YieldOp;

}  // namespace borel::prob

#include "compiler/dialect/prob_dialect.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/prob_ops.h.inc"

namespace borel::prob {

/// Attribute names that functions and modules carry.
inline constexpr llvm::StringLiteral model_attribute = "prob.model";  // unit, on a model func.func
inline constexpr llvm::StringLiteral sites_attribute = "prob.sites";  // array of dictionaries
inline constexpr llvm::StringLiteral shape_attribute = "prob.shape";  // on a model: see derive.h
inline constexpr llvm::StringLiteral entry_attribute = "prob.entry";  // what the runtime calls
inline constexpr llvm::StringLiteral density_attribute =
    "prob.density";  // unit, on a model's log density: results of -infinity are counted
inline constexpr llvm::StringLiteral global_attribute = "prob.global";  // computed from data alone
inline constexpr llvm::StringLiteral check_attribute = "prob.check";    // unit: run first, by bind
// On a prob.slot of indices: they are at least 0 and below this, which is written as an extent is.
inline constexpr llvm::StringLiteral below_attribute = "prob.below";
// Unit, on prob.require: it speaks of an observed value, not of a distribution's parameter.
inline constexpr llvm::StringLiteral of_value_attribute = "prob.of_value";
inline constexpr llvm::StringLiteral places_attribute = "prob.places";    // array, on the module
inline constexpr llvm::StringLiteral derive_attribute = "prob.derive";    // see transform/derive.h
inline constexpr llvm::StringLiteral adjoint_attribute = "prob.adjoint";  // see gradient.h
inline constexpr llvm::StringLiteral adjoint_of_attribute = "prob.adjoint_of";  // on an adjoint
/// Unit, on a function that works on a population's frames: it is inlined wherever it is called, so
/// that frames stay where they are.
inline constexpr llvm::StringLiteral frames_attribute = "prob.frames";
/// On a function that the host supplies, {slot = @extern.f, first, matrices = […], place, adjoint}:
/// its arguments from `first` on are the host's (those before are sizes), `matrices` marks those
/// whose last two dimensions lie the other way round, `adjoint`: it is the vector-Jacobian product.
/// The body, which nothing may be made of, gives zeros of the results' shapes.
inline constexpr llvm::StringLiteral host_attribute = "prob.host";
inline constexpr llvm::StringLiteral place_attribute =
    "prob.place";  // checked arith ops, functions that call themselves

/// The language's `real`: no pass names a width.
mlir::FloatType real_type(mlir::MLIRContext* context);
/// An array type of `rank` dynamic dimensions over `element` (which may itself be an array type:
/// its dimensions follow). Rank 0 gives `element` back.
mlir::Type array_type(mlir::Type element, unsigned rank);
/// The type of one element of the leading dimension of an array type.
mlir::Type element_type(mlir::Type array);
inline bool is_array(mlir::Type type) { return mlir::isa<mlir::RankedTensorType>(type); }
/// The scalar type under any number of dimensions.
mlir::Type scalar_type(mlir::Type type);
inline bool is_real(mlir::Type type) { return mlir::isa<mlir::FloatType>(scalar_type(type)); }

/// Constants and small expressions, folded where they can be.
mlir::Value real_constant(mlir::OpBuilder& b, mlir::Location loc, double value);
mlir::Value int_constant(mlir::OpBuilder& b, mlir::Location loc, int64_t value);
/// Whether the value is surely not negative: an extent, a size of the program, a constant, or sums
/// and products of these (which count elements in memory, so that they do not overflow).
bool is_extent(mlir::Value value);
mlir::Value bool_constant(mlir::OpBuilder& b, mlir::Location loc, bool value);
/// `array[index]` for one leading index, and its extent.
mlir::Value extract(mlir::OpBuilder& b, mlir::Location loc, mlir::Value array,
                    mlir::ValueRange indices);
mlir::Value dim(mlir::OpBuilder& b, mlir::Location loc, mlir::Value array, int64_t dimension);
/// All extents of an array, by prob.dim.
llvm::SmallVector<mlir::Value> extents(mlir::OpBuilder& b, mlir::Location loc, mlir::Value array);
/// Zeros of the shape of `like` (a scalar or an array), which must be real.
mlir::Value zeros_like(mlir::OpBuilder& b, mlir::Location loc, mlir::Value like);

}  // namespace borel::prob

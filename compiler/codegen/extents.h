// Extents of arrays as expressions over what a function knows early: its arguments and the slots of
// the instance. Storage is laid out with them, before the values that they stem from are computed;
// equal expressions are one object, so comparing extents is comparing pointers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "compiler/dialect/prob.h"

namespace borel::codegen {

struct ExtentNode {
  enum class Kind {
    Constant,   // number
    Value,      // an i64 value of the function, `value`
    Dimension,  // extent `number` of the array `value`, which has no expression of its own
    Slot,       // the i64 slot `slot`
    Add,
    Subtract,
    Multiply,
    Minimum,
    Maximum,
    Trips  // max(left - right, 0)
  };
  Kind kind;
  std::int64_t number = 0;
  mlir::Value value;
  std::string slot;
  const ExtentNode* left = nullptr;
  const ExtentNode* right = nullptr;
};
using Extent = const ExtentNode*;
using ExtentList = llvm::SmallVector<Extent, 4>;

inline unsigned size_of(mlir::ValueRange values) { return static_cast<unsigned>(values.size()); }

// The extents of the values of one module. Extents of a call's results are those of the callee's
// results with the operands put in; a result of a recursive function has the extents that its
// non-recursive returns give it.
class Extents {
 public:
  explicit Extents(mlir::ModuleOp module) : module_(module), symbols_(module) {}

  // One per dimension of an array value (none while a recursive function's results are open).
  ExtentList of_array(mlir::Value array);
  // An i64 value.
  Extent of_scalar(mlir::Value value);
  // Extents of result `index` of `function` over its arguments and slots.
  ExtentList of_result(mlir::func::FuncOp function, unsigned index);

  Extent constant(std::int64_t number);
  // The leaves (Value and Dimension nodes) of an expression.
  static void leaves(Extent extent, llvm::SmallVectorImpl<mlir::Value>& out);

  mlir::func::FuncOp callee(mlir::func::CallOp call);
  prob::SlotOp slot(llvm::StringRef name);

 private:
  using Key = std::tuple<int, std::int64_t, const void*, std::string, Extent, Extent>;

  Extent node(ExtentNode node);
  Extent binary(ExtentNode::Kind kind, Extent left, Extent right);
  Extent slot_extent(llvm::StringRef name);
  Extent dimension(mlir::Attribute dim);
  ExtentList compute_array(mlir::Value array);
  ExtentList opaque(mlir::Value array);
  ExtentList of_state(mlir::func::FuncOp function, unsigned argument);
  Extent compute_scalar(mlir::Value value);
  Extent substitute(Extent extent, mlir::func::CallOp call);
  // Of the result `array` of a branch. Shapes of both sides agree in a correct program, so the
  // expression that is known best is taken; storage compares expressions and checks at run time
  // where they differ.
  static int distance(Extent extent, mlir::Operation* branch);
  ExtentList merge(mlir::Value array, const ExtentList& a, const ExtentList& b);

  mlir::ModuleOp module_;
  mlir::SymbolTable symbols_;
  std::map<Key, std::unique_ptr<ExtentNode>> nodes_;
  llvm::DenseMap<mlir::Value, ExtentList> arrays_;
  llvm::DenseMap<mlir::Value, Extent> scalars_;
  std::map<std::pair<mlir::Operation*, unsigned>, ExtentList> results_;
  llvm::DenseSet<mlir::Operation*> open_;  // functions whose results are being computed
};

}  // namespace borel::codegen

/// Derivatives of scalar operations: one entry an operation, for gradient.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace borel::transform {

/// What a scalar rule needs: the primal operation as emitted in the target, its source for telling
/// which operands are wanted, the adjoint of its result, and where contributions go.
struct ScalarRule {
  mlir::OpBuilder& b;
  mlir::Operation* primal;  // in the target: its operands and result are available
  mlir::Value seed;         // adjoint of the result
  llvm::function_ref<bool(unsigned operand)> wanted;
  llvm::function_ref<void(unsigned operand, mlir::Value contribution)> add;
};

enum class RuleOutcome {
  Applied,  // contributions were added
  Zero,     // the operation is piecewise constant
  Unknown   // not a scalar operation with a known derivative
};

RuleOutcome apply_scalar_rule(const ScalarRule& rule);

}  // namespace borel::transform

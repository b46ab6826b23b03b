/// Reverse-mode differentiation by source transformation.
///
/// Why: inference needs value and gradient as ordinary IR that later passes hoist, split and fuse.
/// How: the primal is emitted once, then its operations are visited backwards, each adding to the
/// adjoints of its operands (Griewank & Walther, Evaluating Derivatives, 2nd ed., ch. 3):
///  - a plate needs no tape: its reverse is a plate that recomputes the body; adjoints of captured
///    scalars are sums, of captured arrays `into` results;
///  - a loop with carries records, as maps, only carried scalars and the elements that its body
///  reads
///    of carried arrays, and runs backwards from these; unused records are removed by simplify;
///  - scf.if recomputes the branch it took; scf.while is first run to count its iterations and then
///    is a counted loop;
///  - a call that was not inlined calls the callee's vector-Jacobian product, made on demand, or
///  the
///    function named by the callee's `prob.adjoint` attribute (arguments…, results…, seeds…) ->
///    adjoints of its real arguments.
/// The result uses the same operations as the source, so it can be differentiated again.
/// Where in the order: after accumulate and inlining, before the loop passes.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/LogicalResult.h"

namespace borel::transform {

/// Note on the error that says what in the user's program cannot be differentiated, at its place:
/// any other error is one of the compiler.
inline constexpr llvm::StringLiteral not_differentiable =
    "the program asks for a derivative that is not known";

/// Fills the declaration `target`, of type (arguments of source…) -> (results of source…, adjoints
/// of the arguments that `wrt` marks), with the value and gradient of source's first result, which
/// must be a real. Marked arguments are reals or real arrays. Emits an error at what cannot be
/// differentiated (a draw of random bits, a function without a known derivative).
mlir::LogicalResult differentiate(mlir::func::FuncOp source, llvm::ArrayRef<bool> wrt,
                                  mlir::func::FuncOp target);

}  // namespace borel::transform

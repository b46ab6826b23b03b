/// Finds out what loops do with the variables that they carry.
///
/// A program's loops arrive with every variable that they assign to as a carry. A carry is a
/// sequence of dependent steps; most are not meant so. Per carry of a prob.for, innermost loops
/// first:
///  - never changed: not a carry;
///  - `c + x`, `c - x` where nothing else reads c (also on branches of an if): a sum;
///  - an array that gains one element an iteration, at a place that moves with the loop, and is
///  read
///    only there or at places not yet or never written: a map;
///  - one that is also read a fixed number of places back, `x[t - 1]`: a scalar (or row) carried
///  that
///    many iterations, and a map;
///  - an array to whose elements the iterations add: an into.
/// A nest that fills an array column by column gets its loops exchanged first, where nothing else
/// depends on their order.
/// What the array held elsewhere is kept by a plate that assembles the whole. An array with several
/// indices is treated per index, by the loop that counts it.
///
/// Runs on functions, first of the loop passes and before gradient: it is what makes a plate a
/// plate. Equal bounds must be equal values (simplify, or cse, before it).
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_structure_pass();

}  // namespace borel::transform

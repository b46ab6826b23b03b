/// Splitting recurrences from elementwise work.
///
/// A loop with carries runs one iteration after the other, and one recurrence keeps its whole body
/// from being vectorised. Here the body is cut in three: a plate before the loop with everything
/// that needs no carry (handed on as arrays), the loop with the operations on a path from a carry
/// to the next carry alone, and a plate after it with what needs carries but feeds none (the loop
/// hands on the carried values it reads). Sums, maps and intos go with the plates when what they
/// collect is there. Only real arithmetic is worth an array: reads of elements and integer sums are
/// repeated instead.
///
/// Runs on functions, after gradient and simplify and before fuse, which joins the plates with
/// others of their range.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_split_pass();

}  // namespace borel::transform

/// Everything that depends on data alone moves to `@borel.bind`, which runs once when data is
/// bound.
///
/// A value computed from prob.data, constants and pure operations (whole loops too) becomes a slot
/// of kind "hoisted", @borel.h0, @borel.h1, …, and is read by prob.data where it was computed.
/// Within a loop, what depends on data and the induction variable alone is first split off into a
/// loop of its own that collects it (nested loops give arrays of higher rank), which then moves; so
/// does a sum of data-only terms, which leaves one number. Reading an element, adding integers and
/// comparing them are not worth a slot; converting an integer to a real is, and so is reading data
/// at a place that is itself data.
///
/// Extents of hoisted arrays are constants, sizes that the program has already, or i64 slots of
/// their own. Values that several functions use are computed once. `@borel.bind` returns the slots'
/// values in the order of the slots. Runs last but for split and codegen's own passes, on the
/// module.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_hoist_pass();

}  // namespace borel::transform

/// What a model with stops does by itself, over all values of its uniforms: what populations of its
/// particles are held against.
#pragma once

#include <vector>

#include "mlir/IR/BuiltinOps.h"
#include "tests/measure/programs.h"

namespace borel::testing {

/// Unnormalised moments at a stop: of 1, then of every element of every site's latest value.
struct Moments {
  double mass = 0;
  std::vector<double> first, second, magnitude;
  void add(double weight, const std::vector<double>& values) {
    mass += weight;
    first.resize(values.size());
    second.resize(values.size());
    magnitude.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      first[i] += weight * values[i];
      second[i] += weight * values[i] * values[i];
      magnitude[i] += weight * std::fabs(values[i]);
    }
  }
};

/// By stop; and at the end, of the values that the model returns. No stops: the point says nothing
/// (too many runs, or a decision within rounding).
struct StageReference {
  std::vector<Moments> stops;
  Moments end;
};
/// Throws Refused where the interpreter refuses the model.
StageReference stage_reference(mlir::ModuleOp module, const StageProgram& program,
                               const Point& point);

/// The sites by which particles are known, in their order there: latent, then derived.
std::vector<size_t> known_sites(const StageProgram& program);

/// A real, a whole number or a truth.
double as_number(const Datum& d);

}  // namespace borel::testing

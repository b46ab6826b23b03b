/// Random programs in prob IR, as text, with the points at which to evaluate them. The same seed
/// gives the same program everywhere.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/measure/datum.h"

namespace borel::testing {

/// Values of the slots and of a function's arguments.
struct Point {
  std::map<std::string, Datum> slots;
  std::vector<Datum> arguments;
};

/// An ordinary function @f, whose first result is a real, in the shapes that the loop passes
/// rewrite and some that they must leave alone: plates, sums, maps, additions into arrays,
/// recurrences, arrays filled place by place, nested loops, branches, while loops, calls, work on
/// data alone.
struct FunctionProgram {
  std::string text;
  std::vector<Point> points;
};
FunctionProgram random_function(uint64_t seed);

/// A model @model with its shape function @model.shape and the functions of its distributions:
/// finite and continuous sites, scalars, arrays of rank 1 and 2 and array-valued draws, bounds and
/// trip counts that depend on other sites, branches, nested loops, observations, factors and
/// requirements.
struct ModelProgram {
  struct Site {
    std::string kind;               // "latent", "derived" or "observed"
    std::string type;               // "real", "int" or "bool"
    std::vector<std::string> dims;  // slots or numbers
    int values = 0;                 // of a finite site: 0 .. values - 1
    bool positive = false;          // values to try are positive
    bool drawn_whole = false;       // the last dimension belongs to one draw
    int missing_reals = 0;          // of a whole draw: by how much u is shorter than the value
  };
  std::string text;
  std::vector<Site> sites;
  std::vector<Point> points;
  bool finite_latents = false;
  bool continuous_latents = false;
  bool is_normalised = true;  // no observations, factors or requirements
  bool has_samplers = true;
};
ModelProgram random_model(uint64_t seed);

/// A model @model with stops, whose uniforms may take `grid` values each, equally likely and evenly
/// spread: few enough draws to go through all of its runs. Marks on stops: `inner`, of a loop whose
/// bounds depend on draws, counts as the one marked `after` behind the loop.
struct StageProgram {
  struct Site {
    std::string kind, type;  // as a ModelProgram's
    std::vector<std::string> dims;
    bool moves = false;  // known by its latest row
  };
  std::string text;
  std::vector<Site> sites;
  std::vector<Point> points;
  int grid = 2;
};
StageProgram random_stages(uint64_t seed);

/// The value of a size at a point.
int64_t size_at(const std::string& dim, const Point& point);

}  // namespace borel::testing

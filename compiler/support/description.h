/// What a compiled program's descriptor says of it (runtime/include/borel/program.h), as lowering
/// knows it: names, shapes, places, and the IR functions that implement it. Plain data.
///
/// Shapes are stated as the source states them (a matrix: rows, columns); `column_major` says that
/// the IR's array type and memory have a matrix's two dimensions the other way round.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace borel {

/// A range of source text; lines and columns count from 1, the end is exclusive. Line 0: none.
struct SpanDescription {
  std::string file;
  int32_t line = 0, column = 0, end_line = 0, end_column = 0;
};

/// sizes[symbol] + offset, or the constant offset when symbol is -1.
struct DimDescription {
  int32_t symbol = -1;
  int64_t offset = 0;
};

enum class DataType { Bool, Int, Real, Index };

struct SizeDescription {
  std::string name;
  std::string slot;  // symbol of its prob.slot
  SpanDescription span;
};

struct InputDescription {
  std::string name;
  std::string slot;  // symbol of its prob.slot
  DataType type = DataType::Real;
  std::vector<DimDescription> dims;  // as the source states them
  bool column_major = false;
  int64_t index_base = 0;      // of Index: what the data counts from
  DimDescription index_bound;  // of Index
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  bool lower_open = false, upper_open = false;
  SpanDescription span;
  /// Of a scalar Int or Real: what it is where the data do not say.
  std::optional<std::variant<int64_t, double>> fallback{};
};

/// A function that the host supplies; its arguments are reals, ints or bools.
struct ExternalDescription {
  struct Argument {
    DataType type = DataType::Real;
    int32_t rank = 0;
    bool column_major = false;
  };
  std::string name;
  std::string slot;  // symbol of its prob.slot
  std::vector<Argument> arguments;
  int32_t result_rank = 0;  // of reals
  bool gradient = false;
  SpanDescription span;
};

struct SiteDescription {
  enum class Kind { Latent, Derived, Observed };
  std::string name;
  Kind kind = Kind::Latent;
  DataType type = DataType::Real;
  int32_t rank = 0;
  bool column_major = false;
  std::string support;  // in words
  SpanDescription span;
  int32_t draw_rank = 0;            // leading dimensions that number its draws
  std::vector<std::string> dims{};  // as text, "J + 1"; "?" where no global name says it
};

/// Symbols of IR functions; empty where the program was lowered without them. For the types see
/// transform/derive.h.
struct ModelDescription {
  std::string name;
  std::vector<SiteDescription> sites;  // latent, derived, observed, each in source order
  std::string shape;  // () -> (dimension, draw size, then each site's dims…, offset in u or -1)
  std::string log_density, log_density_gradient, log_density_plain, log_density_gradient_plain;
  std::string constrain, unconstrain, simulate, diagnose;
  std::string hessian_vector, hessian_vector_plain, predict, log_likelihood;
};

struct ParameterDescription {
  std::string name;
  DataType type = DataType::Real;  // Int or Real
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  double fallback = 0;
  SpanDescription span;
};

/// Symbols of the entry functions, over flattened values:
///   init: (parameters: real[p], initial: real[n or 0], radius: real) -> (parameters…, state…)
///   step: (parameters…, state…) -> (parameters…, state…)
///   draw: (parameters…, state…) -> values of the model's latent and derived sites
///   info: (parameters…, state…) -> reals
///   metric: (parameters…, state…) -> the inverse metric; empty: the machine tells none
///   steps: () -> how many steps there are; empty: any number
struct MachineDescription {
  std::string name;
  int32_t model = -1;  // into ProgramDescription::models
  std::vector<ParameterDescription> parameters;
  std::vector<std::string> statistics;
  std::string init, step, draw, info, metric, steps;
};

struct PlaceDescription {
  SpanDescription span;
  std::string site;  // empty: none
  std::string what;
};

struct ProgramDescription {
  std::string name;
  std::vector<SizeDescription> sizes;
  std::vector<InputDescription> inputs;
  std::vector<ModelDescription> models;
  std::vector<PlaceDescription> places;
  std::vector<ExternalDescription> externals;
  bool has_machine = false;
  MachineDescription machine;
};

}  // namespace borel

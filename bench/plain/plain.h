// Models written by hand in plain C++: loops over the data with a hand-derived gradient, as a
// careful person writes them, compiled at -O3 -march=native -ffast-math. They are the mark that
// compiled models are measured against.
//
// Every density is on the unconstrained space, with the log Jacobian and all constants, in Stan's
// order of coordinates; the transforms are Stan's. Data is copied in the constructor, and derived
// columns (dummies, logarithms) are made there, but no sufficient statistics.
#ifndef BOREL_BENCH_PLAIN_PLAIN_H
#define BOREL_BENCH_PLAIN_PLAIN_H

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace borel::bench {

/// A model bound to its data. Evaluation uses buffers of the object: one thread at a time.
class PlainModel {
 public:
  PlainModel() = default;
  PlainModel(const PlainModel&) = delete;
  PlainModel& operator=(const PlainModel&) = delete;
  virtual ~PlainModel() = default;

  /// Dimension of the unconstrained space.
  [[nodiscard]] virtual std::size_t dim() const = 0;

  /// Log density at `u[dim()]`; its gradient is written to `grad[dim()]`.
  virtual double log_density_gradient(const double* u, double* grad) = 0;
};

struct PlainEntry {
  std::string_view name;  ///< folder of the posterior, as in posteriordb: "garch-garch11"
  /// Binds CmdStan data; throws nlohmann::json::exception where a name is missing or mistyped.
  std::unique_ptr<PlainModel> (*make)(const nlohmann::json& data);
};

/// Every model, in a fixed order.
std::span<const PlainEntry> plain_models();

/// The model of that name bound to `data`; null when there is none.
std::unique_ptr<PlainModel> make_plain_model(std::string_view name, const nlohmann::json& data);

}  // namespace borel::bench

#endif

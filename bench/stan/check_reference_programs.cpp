// Checks that the programs in bench/stan/reference describe the posteriors of bench/stan/models in
// other coordinates: at twenty points u' ~ U(-2, 2) the two log densities differ by the log
// Jacobian of the change of coordinates alone. The change is written here once more, by hand:
// some vectors are scale * raw on the unconstrained space.
//   check_reference_programs
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "stan_library.h"

namespace borel::bench {
namespace {

using Point = std::map<std::string, double>;  // unconstrained coordinates by name

struct Vector {
  std::string name;
  double (*scale)(const Point&);
};

struct Change {
  std::string folder;
  std::vector<Vector> vectors;
};

const Change changes[] = {
    {"GLMM_Poisson_data-GLMM_Poisson_model",
     {{"eps", [](const Point& u) { return 5 / (1 + std::exp(-u.at("sigma"))); }}}},
    {"irt_2pl-irt_2pl",
     {{"theta", [](const Point& u) { return std::exp(u.at("sigma_theta")); }},
      {"a", [](const Point& u) { return std::exp(u.at("sigma_a")); }}}},
    {"seeds_data-seeds_model",
     {{"b", [](const Point& u) { return std::exp(-0.5 * u.at("tau")); }}}},
};

/// The largest difference, relative to the log density.
double largest_error(const Change& change) {
  StanProgram model = StanProgram::open(change.folder);
  StanProgram other = StanProgram::open(change.folder, StanRelease::reference);
  const auto names = model.coordinate_names(), other_names = other.coordinate_names();
  if (names.size() != other_names.size()) throw std::runtime_error("another dimension");
  std::mt19937_64 bits(20240501);
  std::vector<double> gradient(names.size());
  double largest = 0;
  int points = 0;
  for (int attempt = 0; attempt < 200 && points < 20; ++attempt) {
    Point at;
    std::vector<double> other_u;
    for (const std::string& name : other_names) {
      other_u.push_back(static_cast<double>(bits() % 40001) / 10000.0 - 2);
      at[name] = other_u.back();
    }
    double jacobian = 0;
    for (const Vector& vector : change.vectors) {
      for (std::size_t i = 1; at.contains(vector.name + "_raw[" + std::to_string(i) + "]"); ++i) {
        const std::string index = "[" + std::to_string(i) + "]";
        at[vector.name + index] = vector.scale(at) * at.at(vector.name + "_raw" + index);
        jacobian += std::log(vector.scale(at));
      }
    }
    std::vector<double> u;
    for (const std::string& name : names) u.push_back(at.at(name));
    const double expected = model.log_density_gradient(u.data(), gradient.data()) + jacobian;
    const double got = other.log_density_gradient(other_u.data(), gradient.data());
    if (std::isinf(expected) && got == expected) continue;
    largest = std::max(largest, std::fabs(got - expected) / std::max(1.0, std::fabs(expected)));
    ++points;
  }
  if (points < 20) throw std::runtime_error("the log density is hardly ever finite");
  return largest;
}

}  // namespace
}  // namespace borel::bench

int main() {
  int failed = 0;
  for (const auto& change : borel::bench::changes) {
    try {
      const double error = borel::bench::largest_error(change);
      // Stan's bernoulli_logit is off by 2e-9 a term where |logit| > 20.
      const bool right = error <= 1e-8;
      std::cout << change.folder << ": " << error << (right ? "" : "  WRONG") << "\n";
      failed += right ? 0 : 1;
    } catch (const std::exception& error) {
      std::cerr << change.folder << ": " << error.what() << "\n";
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}

// Compiled Stan programs as objects: loads the shared object of a posterior and binds its data.
#ifndef BOREL_BENCH_STAN_STAN_LIBRARY_H
#define BOREL_BENCH_STAN_STAN_LIBRARY_H

#include "stan_model.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace borel::bench {

/// One Stan program bound to data. The shared object stays loaded for the life of the process.
class StanProgram {
 public:
  /// Loads `library` and binds the CmdStan JSON `data`; throws std::runtime_error with the reason.
  StanProgram(const std::filesystem::path& library, const std::filesystem::path& data);
  StanProgram(const StanProgram&) = delete;
  StanProgram& operator=(const StanProgram&) = delete;
  ~StanProgram();

  /// The program of a posteriordb folder with that folder's data, from the places that the build
  /// was configured with.
  static StanProgram open(const std::string& folder);

  [[nodiscard]] std::size_t dim() const { return dim_; }

  /// See stan_model_log_density_gradient: -infinity and zeros where Stan rejects the point.
  double log_density_gradient(const double* u, double* grad, bool propto = false,
                              bool jacobian = true) {
    return evaluate_(model_, u, grad, propto ? 1 : 0, jacobian ? 1 : 0);
  }

  /// Why Stan rejected the last point that it rejected; empty when none was.
  [[nodiscard]] std::string rejection() const { return rejection_(model_); }

  /// Names of the unconstrained coordinates, counted from 1 in brackets: `theta[1]`, `y[2,3]`.
  [[nodiscard]] std::vector<std::string> coordinate_names() const;

 private:
  StanModel* model_ = nullptr;
  std::size_t dim_ = 0;
  decltype(&stan_model_destroy) destroy_ = nullptr;
  decltype(&stan_model_log_density_gradient) evaluate_ = nullptr;
  decltype(&stan_model_rejection) rejection_ = nullptr;
  decltype(&stan_model_coordinate_name) name_ = nullptr;
};

/// Folders whose programs were built, sorted.
std::vector<std::string> stan_folders();

}  // namespace borel::bench

#endif

// Compiled Stan programs as objects: loads the shared object of a posterior and binds its data.
#ifndef BOREL_BENCH_STAN_STAN_LIBRARY_H
#define BOREL_BENCH_STAN_STAN_LIBRARY_H

#include "stan_model.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace borel::bench {

/// Which Stan translated and compiled a program.
enum class StanRelease {
  rstan,     ///< 2.21, from Debian
  current,   ///< the later one that BOREL_HTTPSTAN brought, where it was built
  reference  ///< 2.21 again; the program in bench/stan/reference, other coordinates of the
             ///< posterior
};

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
  static StanProgram open(const std::string& folder, StanRelease release = StanRelease::rstan);

  [[nodiscard]] std::size_t dim() const { return dim_; }

  /// See stan_model_log_density_gradient: -infinity and zeros where Stan rejects the point.
  double log_density_gradient(const double* u, double* grad, bool propto = false,
                              bool jacobian = true) {
    return evaluate_(model_, u, grad, propto ? 1 : 0, jacobian ? 1 : 0);
  }

  /// Draws from Stan's sampler, one row of `columns` values after another. Throws
  /// std::runtime_error when Stan cannot start.
  struct Draws {
    std::vector<std::string> names;  ///< columns, `theta[1]`, sampler's first (see stan_model.h)
    std::size_t parameter_columns = 0;
    std::vector<double> values;
    double seconds = 0;  ///< CPU time of initialisation, warm-up and draws
  };
  Draws sample(const StanNutsOptions& options);

  /// Why Stan rejected the last point that it rejected; empty when none was.
  [[nodiscard]] std::string rejection() const { return rejection_(model_); }

  /// Names of the unconstrained coordinates, counted from 1 in brackets: `theta[1]`, `y[2,3]`.
  [[nodiscard]] std::vector<std::string> coordinate_names() const;

 private:
  StanModel* model_ = nullptr;
  std::size_t dim_ = 0;
  decltype(&stan_model_destroy) destroy_ = nullptr;
  decltype(&stan_model_log_density_gradient) evaluate_ = nullptr;
  decltype(&stan_model_sample) sample_ = nullptr;
  decltype(&stan_model_draw_name) draw_name_ = nullptr;
  decltype(&stan_model_parameter_columns) parameter_columns_ = nullptr;
  decltype(&stan_model_rejection) rejection_ = nullptr;
  decltype(&stan_model_coordinate_name) name_ = nullptr;
};

/// Folders whose programs were built, sorted.
std::vector<std::string> stan_folders();

/// Whether a folder's program was built with that release.
bool stan_program_exists(const std::string& folder, StanRelease release);

}  // namespace borel::bench

#endif

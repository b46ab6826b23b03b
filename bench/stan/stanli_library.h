// stanli, an interpreter of Stan programs: loads its shared library and binds a program to data,
// so that its gradients can be timed without Python.
#ifndef BOREL_BENCH_STAN_STANLI_LIBRARY_H
#define BOREL_BENCH_STAN_STANLI_LIBRARY_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace borel::bench {

class StanliProgram {
 public:
  /// `library` is the package's libstanli.so, `program` Stan text with current array syntax,
  /// `data` CmdStan JSON. `fast_math` is stanli's own option of that name. Throws
  /// std::runtime_error with the reason.
  StanliProgram(const std::filesystem::path& library, const std::filesystem::path& program,
                const std::filesystem::path& data, bool fast_math = false);
  StanliProgram(const StanliProgram&) = delete;
  StanliProgram& operator=(const StanliProgram&) = delete;
  ~StanliProgram();

  /// The program of a posteriordb folder, from the places that the build was configured with.
  static StanliProgram open(const std::filesystem::path& library, const std::string& folder,
                            bool fast_math = false);

  [[nodiscard]] std::size_t dim() const { return dim_; }

  /// Log density as Stan's sampler takes it (constants of `~` dropped, log Jacobian included);
  /// -infinity where the program rejects the point.
  double log_density_gradient(const double* u, double* grad);

 private:
  void* model_ = nullptr;
  std::size_t dim_ = 0;
  int (*gradient_)(void*, const double*, double*, double*) = nullptr;
  void (*free_)(void*) = nullptr;
};

}  // namespace borel::bench

#endif

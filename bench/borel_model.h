// A program of tests/run/posteriordb compiled and bound to its data, called as Stan's programs are:
// unconstrained coordinates in, log density and gradient out.
#ifndef BOREL_BENCH_BOREL_MODEL_H
#define BOREL_BENCH_BOREL_MODEL_H

#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/unconstrained_names.h"

namespace borel::bench {

/// CPU time of this process, all its threads, in seconds.
inline double process_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Compiles the program of a posteriordb folder with `functions` and binds it to that folder's
/// data. Throws std::runtime_error; the reasons have been printed.
inline void bind_folder(const std::string& folder, const LowerOptions& functions,
                        driver::BoundProgram& out) {
  driver::ProgramArguments arguments;
  arguments.file = std::string(BOREL_PROGRAMS) + "/" + folder + ".ppl";
  const auto data = std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json";
  if (driver::bind_program(arguments, data.string(), functions, out) != driver::exit_ok)
    throw std::runtime_error(folder + ": cannot be compiled or bound");
}

/// Log density with gradient of a bound model at `u`; throws std::runtime_error on a fault.
inline double log_density_gradient(const runtime::Instance& instance, runtime::Workspace& workspace,
                                   const double* u, double* gradient) {
  const borel_model& model = instance.machine_model();
  double lp = 0;
  const borel_status status = workspace.run([&](borel_workspace* ws) {
    return model.log_density_gradient(instance.get(), ws, u, &lp, gradient);
  });
  if (status != BOREL_OK) throw std::runtime_error("the log density ends in a fault");
  return lp;
}

class BorelModel {
 public:
  explicit BorelModel(const std::string& folder) {
    LowerOptions functions;
    functions.constrain = functions.unconstrain = functions.simulate = false;
    bind_folder(folder, functions, bound_);
  }

  std::vector<std::string> names() const {
    return driver::unconstrained_names(*bound_.instance, bound_.instance->machine_model());
  }

  double operator()(const double* u, double* gradient) {
    return log_density_gradient(*bound_.instance, workspace_, u, gradient);
  }

 private:
  driver::BoundProgram bound_;
  runtime::Workspace workspace_;
};

}  // namespace borel::bench

#endif

// Prints, for each Stan program that was built (or those named), nanoseconds for one log density
// with gradient, each call depending on the one before (bench/timing.h): rstan's Stan 2.21, a
// later Stan where it was built, stanli where its library is given, and the plain C++ model
// where there is one. The last column is 2.21's time over the plain one.
//   time_stan [--constants] [--stanli LIBSTANLI.SO] [FOLDER...]
// Stan is timed as its own sampler calls it, dropping constants of `~` statements;
// --constants keeps them.
#include "bench/plain/plain.h"
#include "bench/timing.h"
#include "stan_library.h"
#include "stanli_library.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace borel::bench {
namespace {

/// Time of one call of `call`, after checking that its gradient is `reference` (when that is not
/// empty): a wrong answer has no time. Returns the gradient in `reference` when it was empty.
template <class Call>
double time_checked(const std::string& what, const Call& call, std::size_t dim,
                    std::vector<double>& reference) {
  const std::vector<double> u = timing_point(dim);
  std::vector<double> grad(dim);
  call(u.data(), grad.data());
  if (reference.empty()) reference = grad;
  double largest = 1;
  for (const double g : reference) largest = std::max(largest, std::fabs(g));
  if (reference.size() != dim) throw std::runtime_error(what + ": another dimension");
  for (std::size_t i = 0; i < dim; ++i) {
    if (!(std::fabs(grad[i] - reference[i]) <= 1e-8 * largest)) {
      throw std::runtime_error(what + ": another gradient");
    }
  }
  return time_gradient(call, u).median_ns;
}

double time_release(const std::string& folder, StanRelease release, bool propto,
                    std::vector<double>& reference) {
  StanProgram program = StanProgram::open(folder, release);
  const auto call = [&](const double* u, double* grad) {
    return program.log_density_gradient(u, grad, propto, true);
  };
  return time_checked(folder, call, program.dim(), reference);
}

template <class Model>
double time_model(const std::string& what, Model& model, std::vector<double>& reference) {
  const auto call = [&](const double* u, double* grad) {
    return model.log_density_gradient(u, grad);
  };
  return time_checked(what, call, model.dim(), reference);
}

void print_time(bool measured, double ns) {
  if (measured) {
    std::printf(" %12.1f", ns);
  } else {
    std::printf(" %12s", "-");
  }
}

void time_folder(const std::string& folder, bool propto, const std::string& stanli_library) {
  std::vector<double> reference;
  const double stan = time_release(folder, StanRelease::rstan, propto, reference);
  std::printf("%-52s", folder.c_str());
  print_time(true, stan);
  const bool has_current = stan_program_exists(folder, StanRelease::current);
  print_time(has_current,
             has_current ? time_release(folder, StanRelease::current, propto, reference) : 0);
  double stanli = 0;
  if (!stanli_library.empty()) {
    StanliProgram program = StanliProgram::open(stanli_library, folder);
    stanli = time_model(folder + " (stanli)", program, reference);
  }
  print_time(!stanli_library.empty(), stanli);
  std::ifstream file(std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json");
  const auto model = make_plain_model(folder, nlohmann::json::parse(file));
  const double plain = model ? time_model(folder + " (plain)", *model, reference) : 0;
  print_time(model != nullptr, plain);
  if (model) std::printf(" %8.1f", stan / plain);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  CLI::App app{"Times Stan's gradients and the plain models'"};
  bool constants = false;
  std::string stanli;
  std::vector<std::string> folders;
  app.add_flag("--constants", constants, "keep the constants of ~ statements");
  app.add_option("--stanli", stanli, "stanli's shared library")->check(CLI::ExistingFile);
  app.add_option("folders", folders, "posteriors; all by default");
  CLI11_PARSE(app, argc, argv);
  try {
    if (folders.empty()) folders = borel::bench::stan_folders();
    std::printf("%-52s %12s %12s %12s %12s %8s\n", "folder", "stan_2.21_ns", "current_ns",
                "stanli_ns", "plain_ns", "ratio");
    for (const std::string& folder : folders) {
      borel::bench::time_folder(folder, !constants, stanli);
    }
  } catch (const std::exception& error) {
    std::cerr << "time_stan: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

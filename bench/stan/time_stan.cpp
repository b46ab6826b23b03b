// Prints, for each Stan program that was built (or those named), nanoseconds for one log density
// with gradient: Stan's, and the plain C++ model's where there is one.
//   time_stan [--constants] [FOLDER...]
// Stan is timed as its own sampler calls it, dropping constants of `~` statements;
// --constants keeps them. Each call depends on the one before (bench/timing.h).
#include "bench/plain/plain.h"
#include "bench/timing.h"
#include "stan_library.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace borel::bench {
namespace {

Timing time_plain(PlainModel& model) {
  return time_gradient(
      [&](const double* u, double* grad) { return model.log_density_gradient(u, grad); },
      timing_point(model.dim()));
}

int run(const std::vector<std::string>& arguments) {
  bool propto = true;
  std::vector<std::string> folders;
  for (const std::string& argument : arguments) {
    if (argument == "--constants") {
      propto = false;
    } else if (argument.starts_with("-")) {
      std::cerr << "usage: time_stan [--constants] [FOLDER...]\n";
      return 2;
    } else {
      folders.push_back(argument);
    }
  }
  if (folders.empty()) folders = stan_folders();

  std::printf("%-52s %4s %12s %12s %8s\n", "folder", "dim", "stan_ns", "plain_ns", "ratio");
  for (const std::string& folder : folders) {
    StanProgram program = StanProgram::open(folder);
    const Timing stan = time_gradient(
        [&](const double* u, double* grad) {
          return program.log_density_gradient(u, grad, propto, true);
        },
        timing_point(program.dim()));
    std::ifstream file(std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json");
    const auto plain = make_plain_model(folder, nlohmann::json::parse(file));
    std::printf("%-52s %4zu %12.1f", folder.c_str(), program.dim(), stan.median_ns);
    if (plain) {
      const Timing timing = time_plain(*plain);
      std::printf(" %12.1f %8.1f\n", timing.median_ns, stan.median_ns / timing.median_ns);
    } else {
      std::printf(" %12s %8s\n", "-", "-");
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  try {
    return borel::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "time_stan: " << error.what() << "\n";
    return 1;
  }
}

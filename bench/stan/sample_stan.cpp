// Draws from one posterior with Stan's own sampler, without R:
//   sample_stan FOLDER OUT [--chains 4] [--warmup 1000] [--draws 1000] [--seed 1]
//               [--target-accept 0.8] [--max-depth 10] [--reference]
// --reference takes the posterior's program in bench/stan/reference.
// OUT: one line of column names separated by tabs, then doubles in the machine's byte order, a
// draw after another, a chain after another. Prints a line of JSON: CPU seconds of all chains
// with warm-up, counts, and how many columns are the sampler's and the parameters'.
#include "stan_library.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

int main(int argc, char** argv) {
  using borel::bench::StanProgram;
  CLI::App app{"Draws from one posterior with Stan's sampler"};
  std::string folder;
  std::string out;
  int chains = 4;
  StanNutsOptions options{1, 1, 1000, 1000, 0.8, 10};
  app.add_option("folder", folder)->required();
  app.add_option("out", out)->required();
  app.add_option("--chains", chains)->check(CLI::PositiveNumber);
  app.add_option("--warmup", options.warmup)->check(CLI::NonNegativeNumber);
  app.add_option("--draws", options.draws)->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed);
  app.add_option("--target-accept", options.target_accept)->check(CLI::Range(0.01, 0.999));
  app.add_option("--max-depth", options.max_depth)->check(CLI::PositiveNumber);
  bool reference = false;
  app.add_flag("--reference", reference);
  CLI11_PARSE(app, argc, argv);

  try {
    const auto release =
        reference ? borel::bench::StanRelease::reference : borel::bench::StanRelease::rstan;
    StanProgram program = StanProgram::open(folder, release);
    std::ofstream file(out, std::ios::binary);
    double seconds = 0;
    std::size_t columns = 0;
    std::size_t parameter_columns = 0;
    for (int chain = 1; chain <= chains; ++chain) {
      options.chain = static_cast<unsigned>(chain);
      const StanProgram::Draws draws = program.sample(options);
      if (chain == 1) {
        columns = draws.names.size();
        parameter_columns = draws.parameter_columns;
        for (std::size_t i = 0; i < columns; ++i) file << (i > 0 ? "\t" : "") << draws.names[i];
        file << '\n';
      }
      file.write(reinterpret_cast<const char*>(draws.values.data()),
                 static_cast<std::streamsize>(draws.values.size() * sizeof(double)));
      seconds += draws.seconds;
    }
    file.flush();
    if (!file) throw std::runtime_error("cannot write " + out);
    const nlohmann::json summary{{"chains", chains},
                                 {"draws", options.draws},
                                 {"seconds", seconds},
                                 {"columns", columns},
                                 {"parameter_columns", parameter_columns}};
    std::cout << summary.dump() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "sample_stan: " << folder << ": " << error.what() << "\n";
    return 1;
  }
  return 0;
}

// Prints, for each posterior, effective draws per second of NUTS as Borel and as Stan (rstan 2.21's
// services in this process) run it: four chains of 1000 + 1000 one after another, default settings,
// warm-up included, compilation excluded; the least bulk ESS over parameters; medians of seeds 1
// to 5.
//   sampling [--json FILE] [--seeds N] [FOLDER...]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/stan/stan_library.h"
#include "compiler/driver/bound.h"
#include "runtime/io/statistics.h"
#include "runtime/io/summary.h"
#include "runtime/loop/chains.h"

namespace borel::bench {
namespace {

namespace fs = std::filesystem;
constexpr int chains = 4, warmup = 1000, draws = 1000;

struct Speed {
  double ess_per_second = 0, seconds = 0;
};

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

Speed sample_borel(const driver::BoundProgram& bound, int seed) {
  const runtime::Instance& instance = *bound.instance;
  runtime::Parameters parameters(instance.machine());
  parameters.set("draws", draws);
  parameters.set("warmup", warmup);
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = 1;
  options.seed = static_cast<std::uint64_t>(seed);
  const runtime::SampleResult result = runtime::sample(instance, options);
  Speed speed;
  for (const runtime::Chain& chain : result.chains)
    speed.seconds += chain.time.warmup_seconds + chain.time.sampling_seconds;
  if (result.error) throw std::runtime_error(result.error->text);
  const io::Summary summary = io::summarise(instance, result, parameters);
  double least = INFINITY;
  const borel_model& model = instance.machine_model();
  for (const io::SummaryRow& row : summary.rows)
    if (row.site >= 0 && model.sites[row.site].kind == BOREL_LATENT)
      least = std::min(least, row.statistics.ess_bulk);
  speed.ess_per_second = least / speed.seconds;
  return speed;
}

Speed sample_stan(StanProgram& program, int seed) {
  Speed speed;
  std::vector<StanProgram::Draws> all;
  for (int chain = 1; chain <= chains; ++chain) {
    StanNutsOptions options{};
    options.seed = static_cast<unsigned>(seed);
    options.chain = static_cast<unsigned>(chain);
    options.warmup = warmup;
    options.draws = draws;
    options.target_accept = 0.8;
    options.max_depth = 10;
    all.push_back(program.sample(options));
    speed.seconds += all.back().seconds;
  }
  const std::size_t columns = all.front().names.size();
  io::StatisticsEngine engine(chains, draws);
  double least = INFINITY;
  for (std::size_t c = 7; c < all.front().parameter_columns; ++c) {
    std::vector<double> column;
    for (const auto& one : all)
      for (int i = 0; i < draws; ++i)
        column.push_back(one.values[static_cast<std::size_t>(i) * columns + c]);
    least = std::min(least, engine.compute(column.data()).ess_bulk);
  }
  speed.ess_per_second = least / speed.seconds;
  return speed;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  using namespace borel;
  using namespace borel::bench;
  CLI::App app{"Effective draws per second: Borel and Stan"};
  std::string json;
  int seeds = 5;
  std::vector<std::string> folders;
  app.add_option("--json", json, "write the table to this file too");
  app.add_option("--seeds", seeds, "seeds, of which the median counts")->check(CLI::PositiveNumber);
  app.add_option("folders", folders, "posteriors; all by default");
  CLI11_PARSE(app, argc, argv);
  if (folders.empty()) folders = stan_folders();

  std::printf("%-52s %12s %12s %10s %10s %8s\n", "model", "borel_ess/s", "stan_ess/s", "borel_s",
              "stan_s", "ratio");
  nlohmann::json out = nlohmann::json::array();
  double log_ratio = 0, least = INFINITY;
  int rows = 0, failed = 0;
  for (const std::string& folder : folders) {
    try {
      driver::ProgramArguments arguments;
      arguments.file = std::string(BOREL_PROGRAMS) + "/" + folder + ".ppl";
      LowerOptions functions;
      functions.log_density = functions.log_density_gradient = false;
      functions.constrain = functions.unconstrain = functions.simulate = false;
      driver::BoundProgram bound;
      const auto data = fs::path(BOREL_POSTERIORDB) / folder / "data.json";
      if (driver::bind_program(arguments, data.string(), functions, bound) != 0)
        throw std::runtime_error("cannot be compiled or bound");
      StanProgram stan = StanProgram::open(folder);
      std::vector<double> borel_ess, stan_ess, borel_s, stan_s;
      for (int seed = 1; seed <= seeds; ++seed) {
        const Speed mine = sample_borel(bound, seed), its = sample_stan(stan, seed);
        borel_ess.push_back(mine.ess_per_second);
        borel_s.push_back(mine.seconds);
        stan_ess.push_back(its.ess_per_second);
        stan_s.push_back(its.seconds);
      }
      const double ratio = median(borel_ess) / median(stan_ess);
      std::printf("%-52s %12.0f %12.0f %10.4f %10.4f %8.1f\n", folder.c_str(), median(borel_ess),
                  median(stan_ess), median(borel_s), median(stan_s), ratio);
      std::fflush(stdout);
      out.push_back({{"model", folder},
                     {"borel_ess_s", median(borel_ess)},
                     {"stan_ess_s", median(stan_ess)},
                     {"borel_s", median(borel_s)},
                     {"stan_s", median(stan_s)}});
      log_ratio += std::log(ratio);
      least = std::min(least, ratio);
      ++rows;
    } catch (const std::exception& error) {
      std::printf("%-52s %s\n", folder.c_str(), error.what());
      ++failed;
    }
  }
  if (rows > 0)
    std::printf("geometric mean: %.1f times Stan's effective draws per second (least %.1f)\n",
                std::exp(log_ratio / rows), least);
  if (!json.empty()) {
    std::ofstream file(json);
    file << out.dump(1) << "\n";
    file.close();
    if (!file) {
      std::cerr << "sampling: '" << json << "' could not be written\n";
      return 1;
    }
  }
  return failed == 0 ? 0 : 1;
}

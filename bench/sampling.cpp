// Prints, for each posterior, effective draws per second of NUTS as Borel and as Stan (rstan 2.21's
// services in this process) run it, side by side: four chains of 1000 + 1000 one after another,
// default settings, CPU seconds with warm-up, compilation excluded; the least bulk ESS over
// parameters; medians of seeds 1 to 5.
//   sampling [--json FILE] [--seeds N] [--recorded bench/stan/sampling.json] [FOLDER...]
//   sampling --overhead [FOLDER...]
// With --recorded, Stan's side is read from that file where it has the posterior, and not run; the
// column `stan` says which it was. --overhead prints what a leapfrog costs beside its gradient, of
// eight schools by default: the difference between a long and a short run.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/borel_model.h"
#include "bench/stan/stan_library.h"
#include "bench/timing.h"
#include "bench/write_json.h"
#include "runtime/io/statistics.h"
#include "runtime/io/summary.h"
#include "runtime/loop/chains.h"

namespace borel::bench {
namespace {

constexpr int chains = 4, warmup = 1000;

struct Speed {
  double ess_per_second = 0, seconds = 0;
};

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

struct BorelRun {
  runtime::SampleResult result;
  io::Summary summary;
  double seconds = 0, leapfrogs = 0;  // leapfrogs: of the draws
};

void run_borel(const runtime::Instance& instance, int seed, int draws, BorelRun& run) {
  runtime::Parameters parameters(instance.machine());
  parameters.set("draws", draws);
  parameters.set("warmup", warmup);
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = 1;
  options.seed = static_cast<std::uint64_t>(seed);
  const double start = process_seconds();
  run.result = runtime::sample(instance, options);
  run.seconds = process_seconds() - start;
  if (run.result.error) throw std::runtime_error(run.result.error->text);
  run.summary = io::summarise(instance, run.result, parameters);
  for (const io::ChainSummary& chain : run.summary.chains) run.leapfrogs += chain.leapfrogs;
}

void bind_sampler(const std::string& folder, driver::BoundProgram& bound) {
  LowerOptions functions;
  functions.log_density = functions.log_density_gradient = false;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  bind_folder(folder, functions, bound);
}

Speed sample_borel(const driver::BoundProgram& bound, int seed) {
  BorelRun run;
  run_borel(*bound.instance, seed, 1000, run);
  double least = INFINITY;
  const borel_model& model = bound.instance->machine_model();
  for (const io::SummaryRow& row : run.summary.rows)
    if (row.site >= 0 && model.sites[row.site].kind == BOREL_LATENT)
      least = std::min(least, row.statistics.ess_bulk);
  return {least / run.seconds, run.seconds};
}

struct StanRun {
  std::vector<StanProgram::Draws> chains;
  double seconds = 0, leapfrogs = 0;
};

StanRun run_stan(StanProgram& program, int seed, int draws) {
  StanRun run;
  for (int chain = 1; chain <= chains; ++chain) {
    StanNutsOptions options{};
    options.seed = static_cast<unsigned>(seed);
    options.chain = static_cast<unsigned>(chain);
    options.warmup = warmup;
    options.draws = draws;
    options.target_accept = 0.8;
    options.max_depth = 10;
    run.chains.push_back(program.sample(options));
    const StanProgram::Draws& one = run.chains.back();
    run.seconds += one.seconds;
    const auto column = static_cast<std::size_t>(
        std::find(one.names.begin(), one.names.end(), "n_leapfrog__") - one.names.begin());
    for (std::size_t i = column; i < one.values.size(); i += one.names.size())
      run.leapfrogs += one.values[i];
  }
  return run;
}

Speed sample_stan(StanProgram& program, int seed) {
  const int draws = 1000;
  const StanRun run = run_stan(program, seed, draws);
  const std::size_t columns = run.chains.front().names.size();
  io::StatisticsEngine engine(chains, draws);
  double least = INFINITY;
  constexpr std::size_t sampler_columns = 7;
  for (std::size_t c = sampler_columns; c < run.chains.front().parameter_columns; ++c) {
    std::vector<double> column;
    for (const auto& one : run.chains)
      for (int i = 0; i < draws; ++i)
        column.push_back(one.values[static_cast<std::size_t>(i) * columns + c]);
    least = std::min(least, engine.compute(column.data()).ess_bulk);
  }
  return {least / run.seconds, run.seconds};
}

Speed middle(const std::vector<Speed>& runs) {
  std::vector<double> ess, seconds;
  for (const Speed& run : runs) {
    ess.push_back(run.ess_per_second);
    seconds.push_back(run.seconds);
  }
  return {median(ess), median(seconds)};
}

/// Rows of bench/stan/sampling.json by posterior; empty without a file.
nlohmann::json read_recorded(const std::string& path) {
  nlohmann::json rows = nlohmann::json::object();
  if (path.empty()) return rows;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  for (const auto& row : nlohmann::json::parse(file)) rows[row.at("model")] = row;
  return rows;
}

int compare_speed(const std::vector<std::string>& folders, int seeds, const std::string& json,
                  const nlohmann::json& recorded) {
  std::printf("%-50s %12s %12s %10s %10s %8s  %s\n", "model", "borel_ess/s", "stan_ess/s",
              "borel_s", "stan_s", "ratio", "stan");
  nlohmann::json table = nlohmann::json::array();
  double log_ratio = 0, least = INFINITY;
  int rows = 0, read = 0, failed = 0;
  for (const std::string& folder : folders) {
    try {
      driver::BoundProgram bound;
      bind_sampler(folder, bound);
      std::vector<Speed> borel_runs, stan_runs;
      const bool known = recorded.contains(folder);
      if (known) {
        const auto& row = recorded.at(folder);
        stan_runs.push_back({row.at("stan_ess_s").get<double>(), row.at("stan_s").get<double>()});
        for (int seed = 1; seed <= seeds; ++seed) borel_runs.push_back(sample_borel(bound, seed));
      } else {
        StanProgram stan = StanProgram::open(folder);
        for (int seed = 1; seed <= seeds; ++seed) {
          borel_runs.push_back(sample_borel(bound, seed));
          stan_runs.push_back(sample_stan(stan, seed));
        }
      }
      const Speed mine = middle(borel_runs), its = middle(stan_runs);
      const double ratio = mine.ess_per_second / its.ess_per_second;
      const char* side = known ? "recorded" : "measured";
      std::printf("%-50s %12.0f %12.0f %10.4f %10.4f %8.1f  %s\n", folder.c_str(),
                  mine.ess_per_second, its.ess_per_second, mine.seconds, its.seconds, ratio, side);
      std::fflush(stdout);
      table.push_back({{"model", folder},
                       {"borel_ess_s", mine.ess_per_second},
                       {"stan_ess_s", its.ess_per_second},
                       {"borel_s", mine.seconds},
                       {"stan_s", its.seconds},
                       {"stan", side}});
      write_json(json, table);
      log_ratio += std::log(ratio);
      least = std::min(least, ratio);
      ++rows;
      read += known ? 1 : 0;
    } catch (const std::exception& error) {
      std::printf("%-50s %s\n", folder.c_str(), error.what());
      ++failed;
    }
  }
  if (rows > 0)
    std::printf(
        "geometric mean of %d: %.1f times Stan's effective draws per second (least %.1f); Stan's "
        "side measured in this run for %d, recorded for %d\n",
        rows, std::exp(log_ratio / rows), least, rows - read, read);
  return failed;
}

/// Nanoseconds a leapfrog outside its gradient: of runs with `draws` and with ten times as many.
template <class Run>
double overhead_ns(const Run& run, double gradient_ns, int draws) {
  std::vector<double> values;
  for (int repetition = 1; repetition <= 5; ++repetition) {
    const auto [short_seconds, short_leapfrogs] = run(repetition, draws);
    const auto [long_seconds, long_leapfrogs] = run(repetition, 10 * draws);
    values.push_back(1e9 * (long_seconds - short_seconds) / (long_leapfrogs - short_leapfrogs) -
                     gradient_ns);
  }
  return median(values);
}

int print_overhead(const std::vector<std::string>& folders) {
  std::printf("%-50s %10s %12s %14s %11s %13s\n", "model", "parameters", "borel_grad",
              "borel_beside", "stan_grad", "stan_beside");
  int failed = 0;
  for (const std::string& folder : folders) {
    try {
      BorelModel borel(folder);
      StanProgram stan = StanProgram::open(folder);
      const std::vector<double> u = timing_point(stan.dim());
      const double borel_ns =
          time_gradient([&](const double* x, double* g) { return borel(x, g); }, u).median_ns;
      const double stan_ns =
          time_gradient([&](const double* x,
                            double* g) { return stan.log_density_gradient(x, g, true, true); },
                        u)
              .median_ns;
      driver::BoundProgram bound;
      bind_sampler(folder, bound);
      const double borel_beside = overhead_ns(
          [&](int seed, int draws) {
            BorelRun run;
            run_borel(*bound.instance, seed, draws, run);
            return std::pair(run.seconds, run.leapfrogs);
          },
          borel_ns, 10000);
      const double stan_beside = overhead_ns(
          [&](int seed, int draws) {
            const StanRun run = run_stan(stan, seed, draws);
            return std::pair(run.seconds, run.leapfrogs);
          },
          stan_ns, 1000);
      std::printf("%-50s %10zu %9.1f ns %11.1f ns %8.1f ns %10.1f ns\n", folder.c_str(), stan.dim(),
                  borel_ns, borel_beside, stan_ns, stan_beside);
      std::fflush(stdout);
    } catch (const std::exception& error) {
      std::printf("%-50s %s\n", folder.c_str(), error.what());
      ++failed;
    }
  }
  return failed;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  using namespace borel::bench;
  CLI::App app{"Effective draws per second: Borel and Stan"};
  std::string json, recorded;
  int seeds = 5;
  bool overhead = false;
  std::vector<std::string> folders;
  app.add_option("--json", json, "write the table to this file too");
  app.add_option("--seeds", seeds, "seeds, of which the median counts")->check(CLI::PositiveNumber);
  app.add_option("--recorded", recorded, "Stan's side from this file, where it has it")
      ->check(CLI::ExistingFile);
  app.add_flag("--overhead", overhead, "what a leapfrog costs beside its gradient");
  app.add_option("folders", folders, "posteriors; all by default");
  CLI11_PARSE(app, argc, argv);
  try {
    if (overhead) {
      if (folders.empty()) folders = {"eight_schools-eight_schools_noncentered"};
      return print_overhead(folders) == 0 ? 0 : 1;
    }
    if (folders.empty()) folders = stan_folders();
    return compare_speed(folders, seeds, json, read_recorded(recorded)) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "sampling: " << error.what() << "\n";
    return 1;
  }
}

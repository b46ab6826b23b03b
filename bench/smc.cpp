// Prints nanoseconds for one particle and step of a bootstrap filter with systematic resampling at
// every step, side by side: stochastic volatility, 1000 observations, as textbook C++ writes it
// (textbook_filter.h), as the Python package `particles` runs it and as Borel does, by the
// library's filter of a model and by steps written by hand (stochastic_volatility.ppl). All give an
// estimate of the same log evidence: where one differs by more than five standard errors it fails.
//   smc [--particles N]... [--steps T] [--runs R] [--library LIBRARY.SO] [--python PYTHON]
//       [--json FILE]
// Times are CPU time of one thread, medians of R runs (seeds 1 to R), compilation and reading of
// data excluded. --library replaces the first of Borel's programs: one with inputs `y` and
// `particles` and a machine that makes its steps, whose statistic `log_evidence__` is that of all
// that it has seen.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <borel/borel.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/textbook_filter.h"
#include "bench/timing.h"
#include "bench/write_json.h"

namespace borel::bench {
namespace {

namespace fs = std::filesystem;

/// What several runs of one implementation took and gave.
struct Runs {
  std::string name;
  std::vector<double> ns;  // for one particle and step
  std::vector<double> log_evidence;

  double median_ns() const {
    std::vector<double> sorted = ns;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  double mean() const {
    double sum = 0;
    for (const double x : log_evidence) sum += x;
    return sum / static_cast<double>(log_evidence.size());
  }
  /// Of one run's log evidence.
  double variance() const {
    const double m = mean();
    double sum = 0;
    for (const double x : log_evidence) sum += (x - m) * (x - m);
    return sum / static_cast<double>(log_evidence.size() - 1);
  }
};

struct Problem {
  std::vector<double> y;
  int particles = 0, runs = 0;

  double per_particle_step(double seconds) const {
    return 1e9 * seconds / static_cast<double>(y.size()) / particles;
  }
};

Runs time_textbook(const Problem& problem) {
  Runs runs;
  runs.name = "textbook C++";
  for (int r = 1; r <= problem.runs; ++r) {
    const double start = thread_seconds();
    runs.log_evidence.push_back(
        textbook_filter(problem.y, problem.particles, static_cast<std::uint64_t>(r)));
    runs.ns.push_back(problem.per_particle_step(thread_seconds() - start));
  }
  return runs;
}

/// Throws std::runtime_error where the script fails.
Runs time_particles(const Problem& problem, const std::string& python) {
  const fs::path folder = fs::temp_directory_path() / "borel_smc";
  fs::create_directories(folder);
  nlohmann::json data = {{"y", problem.y}, {"particles", problem.particles}};
  for (int r = 1; r <= problem.runs; ++r) data["seeds"].push_back(r);
  const std::string in = (folder / "data.json").string(), out = (folder / "result.json").string();
  write_json(in, data);
  const std::string command =
      "'" + python + "' '" + BOREL_SMC_PARTICLES + "' '" + in + "' > '" + out + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("particles: the script failed");
  std::ifstream file(out);
  const auto result = nlohmann::json::parse(file);
  Runs runs;
  runs.name = "particles";
  runs.log_evidence = result.at("log_evidence").get<std::vector<double>>();
  for (const double seconds : result.at("seconds").get<std::vector<double>>())
    runs.ns.push_back(problem.per_particle_step(seconds));
  return runs;
}

/// Initialisation and all steps of the library's machine. Memory is that of the first run.
Runs time_borel(const std::string& name, const Library& library, const Problem& problem) {
  const borel_machine& machine = *library.program().machine;
  int statistic = 0;
  while (statistic < machine.statistic_count &&
         std::string(machine.statistics[statistic]) != "log_evidence__")
    ++statistic;
  if (statistic == machine.statistic_count)
    throw std::runtime_error("the program has no statistic log_evidence__");
  Data data(library);
  data.borrow("y", problem.y).copy("particles", problem.particles);
  const Instance instance(data);
  Runs runs;
  runs.name = name;
  Chain chain(instance, Options().seed(1), 1);
  const auto run = [&](int seed, std::int64_t steps) {
    const double start = thread_seconds();
    chain.restart(instance, Options().seed(static_cast<std::uint64_t>(seed)), 1);
    chain.step(steps);
    return thread_seconds() - start;
  };
  run(1, 2);  // its memory is there
  std::vector<double> statistics(static_cast<std::size_t>(machine.statistic_count));
  for (int r = 1; r <= problem.runs; ++r) {
    const double seconds = run(r, instance.steps());
    runs.ns.push_back(problem.per_particle_step(seconds));
    borel_error* error = nullptr;
    if (borel_chain_statistics(chain.get(), statistics.data(), &error) != BOREL_SUCCESS)
      throw std::runtime_error(borel_error_message(error));
    runs.log_evidence.push_back(statistics[static_cast<std::size_t>(statistic)]);
  }
  return runs;
}

/// Prints a row for each; false where two disagree.
bool report(const Problem& problem, const std::vector<Runs>& all, nlohmann::json& table) {
  const auto& ours =
      *std::find_if(all.begin(), all.end(), [](const Runs& runs) { return runs.name == "Borel"; });
  // One algorithm, one variance: of few runs each tells little of it.
  double variance = 0;
  for (const Runs& runs : all) variance += runs.variance() / static_cast<double>(all.size());
  const double error = std::sqrt(variance / problem.runs);
  bool agree = true;
  for (const Runs& runs : all) {
    const bool agrees = std::abs(runs.mean() - ours.mean()) <= 5 * std::sqrt(2.0) * error;
    std::printf("%9d  %-14s %10.2f %10.1f %14.3f %8.3f%s\n", problem.particles, runs.name.c_str(),
                runs.median_ns(), runs.median_ns() / ours.median_ns(), runs.mean(), error,
                agrees ? "" : "  ANOTHER EVIDENCE");
    agree = agree && agrees;
    table.push_back({{"particles", problem.particles},
                     {"steps", problem.y.size()},
                     {"name", runs.name},
                     {"ns_per_particle_step", runs.median_ns()},
                     {"ratio", runs.median_ns() / ours.median_ns()},
                     {"log_evidence", runs.mean()},
                     {"standard_error", error}});
  }
  std::fflush(stdout);
  return agree;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  using namespace borel::bench;
  CLI::App app{"Times bootstrap filters: textbook C++, particles, Borel"};
  std::vector<int> particles;
  int steps = 1000, runs = 5;
  std::string library = BOREL_SMC_LIBRARY, python = BOREL_PARTICLES_PYTHON, json;
  app.add_option("--particles", particles, "numbers of particles (default: 10000 1000000)")
      ->check(CLI::PositiveNumber);
  app.add_option("--steps", steps, "observations")->check(CLI::Range(2, 1000000));
  app.add_option("--runs", runs, "runs of each, with seeds from 1 on")->check(CLI::Range(3, 1000));
  app.add_option("--library", library, "Borel's filter")->check(CLI::ExistingFile);
  app.add_option("--python", python, "a Python that has particles; empty: without");
  app.add_option("--json", json, "write the table to this file too");
  CLI11_PARSE(app, argc, argv);
  if (particles.empty()) particles = {10000, 1000000};
  try {
    const auto program = borel::Library::load(library);
    const auto by_hand = borel::Library::load(BOREL_SMC_BY_HAND);
    const std::vector<double> y = simulate_volatility(steps, 20250101);
    std::printf("%9s  %-14s %10s %10s %14s %8s\n", "particles", "filter", "ns", "of Borel's",
                "log evidence", "error");
    nlohmann::json table = nlohmann::json::array();
    bool agree = true;
    for (const int count : particles) {
      const Problem problem{y, count, runs};
      std::vector<Runs> all = {time_textbook(problem)};
      if (!python.empty()) all.push_back(time_particles(problem, python));
      all.push_back(time_borel("Borel", program, problem));
      all.push_back(time_borel("Borel by hand", by_hand, problem));
      agree = report(problem, all, table) && agree;
      write_json(json, table);
    }
    return agree ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "smc: " << error.what() << "\n";
    return 1;
  }
}

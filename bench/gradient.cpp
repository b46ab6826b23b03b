// Prints, for each program of tests/run/posteriordb, nanoseconds for one log density with gradient,
// each call depending on the one before (timing.h): Borel's, Stan's (rstan 2.21, a later one and
// stanli, where they are), the plain C++ model's where there is one, and their ratios. A gradient
// that differs from rstan's by more than 1e-8 of the largest element has no time.
//   gradient [--json FILE] [--stanli LIBSTANLI.SO] [FOLDER...]
//   gradient --sizes [--json FILE]
// The second form checks and times plates of sizes 0 to 1e6 (sizes.h).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/borel_model.h"
#include "bench/plain/plain.h"
#include "bench/sizes.h"
#include "bench/stan/stan_library.h"
#include "bench/stan/stanli_library.h"
#include "bench/timing.h"
#include "bench/write_json.h"

namespace borel::bench {
namespace {

namespace fs = std::filesystem;

std::string dotted(std::string name) {
  for (char& c : name)
    if (c == '[' || c == ',') c = '.';
  name.erase(std::remove(name.begin(), name.end(), ']'), name.end());
  return name;
}

struct Row {
  std::string model;
  double borel = 0, stan = NAN, current = NAN, stanli = NAN, plain = NAN, error = NAN;
  std::string note;  // peers that are missing for a reason
};

/// Largest difference, relative to the largest element (to 1 below 1).
double difference(const std::vector<double>& got, const std::vector<double>& expected) {
  double largest = 1, error = 0;
  for (const double g : expected) largest = std::max(largest, std::fabs(g));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double distance = std::fabs(got[i] - expected[i]) / largest;
    error = std::max(error, std::isnan(distance) ? INFINITY : distance);
  }
  return error;
}

/// A peer that takes Stan's order of coordinates: its time at `u`, or NaN with a note of `what`.
template <class Call>
double time_peer(const char* what, const Call& call, const std::vector<double>& u,
                 const std::vector<double>& expected, std::string& note) {
  std::vector<double> gradient(u.size());
  call(u.data(), gradient.data());
  if (difference(gradient, expected) > 1e-8) {
    note += std::string("  ") + what + ": another gradient";
    return NAN;
  }
  return time_gradient(call, u).median_ns;
}

Row measure(const std::string& folder, const std::string& stanli_library) {
  Row row;
  row.model = folder;
  BorelModel borel(folder);
  const auto names = borel.names();
  const std::size_t dim = names.size();
  const std::vector<double> u = timing_point(dim);

  StanProgram stan = StanProgram::open(folder);
  if (stan.dim() != dim) throw std::runtime_error(folder + ": another dimension than Stan's");
  std::vector<double> expected(dim), gradient(dim), mine(dim), reordered;
  stan.log_density_gradient(u.data(), expected.data());
  // The same point, by name.
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < dim; ++i) position[names[i]] = i;
  const auto stan_names = stan.coordinate_names();
  for (std::size_t i = 0; i < dim; ++i) mine[position.at(dotted(stan_names[i]))] = u[i];
  borel(mine.data(), gradient.data());
  for (const std::string& name : stan_names)
    reordered.push_back(gradient[position.at(dotted(name))]);
  row.error = difference(reordered, expected);

  row.borel =
      time_gradient([&](const double* x, double* g) { return borel(x, g); }, mine).median_ns;
  // Stan as its own sampler calls it: without the constants of `~`.
  const auto as_sampler = [](StanProgram& program) {
    return [&program](const double* x, double* g) {
      return program.log_density_gradient(x, g, true, true);
    };
  };
  row.stan = time_gradient(as_sampler(stan), u).median_ns;
  if (stan_program_exists(folder, StanRelease::current)) {
    StanProgram current = StanProgram::open(folder, StanRelease::current);
    row.current = time_peer("later Stan", as_sampler(current), u, expected, row.note);
  }
  if (!stanli_library.empty()) {
    try {
      StanliProgram stanli = StanliProgram::open(stanli_library, folder);
      if (stanli.dim() != dim) throw std::runtime_error("another dimension");
      row.stanli = time_peer(
          "stanli", [&](const double* x, double* g) { return stanli.log_density_gradient(x, g); },
          u, expected, row.note);
    } catch (const std::exception& error) {
      row.note += std::string("  stanli: ") + error.what();
    }
  }
  std::ifstream file(fs::path(BOREL_POSTERIORDB) / folder / "data.json");
  if (const auto plain = make_plain_model(folder, nlohmann::json::parse(file)))
    row.plain = time_peer(
        "plain C++", [&](const double* x, double* g) { return plain->log_density_gradient(x, g); },
        u, expected, row.note);
  return row;
}

/// Geometric mean of what is added.
class Geometric {
 public:
  void add(double x) {
    if (std::isnan(x)) return;
    log_sum_ += std::log(x);
    least_ = std::min(least_, x);
    ++count_;
  }
  int count() const { return count_; }
  double mean() const { return std::exp(log_sum_ / count_); }
  double least() const { return least_; }

 private:
  double log_sum_ = 0, least_ = INFINITY;
  int count_ = 0;
};

void print_cell(double x, int decimals = 1) {
  if (std::isnan(x)) {
    std::printf(" %10s", "-");
  } else {
    std::printf(" %10.*f", decimals, x);
  }
}

nlohmann::json number(double x) { return std::isnan(x) ? nlohmann::json() : nlohmann::json(x); }

int measure_folders(const std::vector<std::string>& folders, const std::string& json,
                    const std::string& stanli) {
  std::printf("%-50s %10s %10s %10s %10s %10s %10s %10s\n", "model", "borel_ns", "stan_ns",
              "current_ns", "stanli_ns", "plain_ns", "stan/borel", "borel/plain");
  nlohmann::json table = nlohmann::json::array();
  Geometric stan, current, stanlis, plain;
  int failed = 0;
  for (const std::string& folder : folders) {
    try {
      const Row row = measure(folder, stanli);
      std::printf("%-50s", row.model.c_str());
      for (const double ns : {row.borel, row.stan, row.current, row.stanli, row.plain})
        print_cell(ns);
      print_cell(row.stan / row.borel);
      print_cell(row.borel / row.plain, 2);
      std::printf("%s%s\n", row.error > 1e-8 ? "  WRONG GRADIENT" : "", row.note.c_str());
      std::fflush(stdout);
      if (row.error > 1e-8) ++failed;
      stan.add(row.stan / row.borel);
      current.add(row.current / row.borel);
      stanlis.add(row.stanli / row.borel);
      plain.add(row.borel / row.plain);
      table.push_back({{"model", row.model},
                       {"borel_ns", row.borel},
                       {"stan_ns", row.stan},
                       {"current_ns", number(row.current)},
                       {"stanli_ns", number(row.stanli)},
                       {"plain_ns", number(row.plain)},
                       {"max_rel_err", row.error}});
      write_json(json, table);
    } catch (const std::exception& error) {
      std::printf("%-50s %s\n", folder.c_str(), error.what());
      ++failed;
    }
  }
  if (stan.count() > 0)
    std::printf("geometric mean of %d: %.1f times faster than Stan 2.21 (least %.1f)\n",
                stan.count(), stan.mean(), stan.least());
  if (current.count() > 0)
    std::printf("geometric mean of %d: %.1f times faster than the later Stan (least %.1f)\n",
                current.count(), current.mean(), current.least());
  if (stanlis.count() > 0)
    std::printf("geometric mean of %d: %.1f times faster than stanli (least %.1f)\n",
                stanlis.count(), stanlis.mean(), stanlis.least());
  if (plain.count() > 0)
    std::printf("geometric mean of %d: %.2f times plain C++'s time\n", plain.count(), plain.mean());
  return failed;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  using namespace borel::bench;
  CLI::App app{"Times log densities with gradients: Borel, Stan, plain C++"};
  std::string json, stanli = BOREL_STANLI;
  bool sizes = false;
  std::vector<std::string> folders;
  app.add_option("--json", json, "write the table to this file too");
  app.add_option("--stanli", stanli, "stanli's shared library")->check(CLI::ExistingFile);
  app.add_flag("--sizes", sizes, "plates of sizes 0 to 1e6");
  app.add_option("folders", folders, "posteriors; all by default");
  CLI11_PARSE(app, argc, argv);
  try {
    if (sizes) return measure_sizes(json) == 0 ? 0 : 1;
    if (folders.empty()) folders = stan_folders();
    return measure_folders(folders, json, stanli) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "gradient: " << error.what() << "\n";
    return 1;
  }
}

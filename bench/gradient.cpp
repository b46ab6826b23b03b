// Prints, for each program of tests/run/posteriordb, nanoseconds for one log density with gradient,
// each call depending on the one before (timing.h): Borel's, Stan's (rstan 2.21, and a later one
// where it was built), the plain C++ model's where there is one, and their ratios.
//   gradient [--json FILE] [FOLDER...]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/plain/plain.h"
#include "bench/stan/stan_library.h"
#include "bench/timing.h"
#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/unconstrained_names.h"

namespace borel::bench {
namespace {

namespace fs = std::filesystem;

std::string dotted(std::string name) {
  for (char& c : name)
    if (c == '[' || c == ',') c = '.';
  name.erase(std::remove(name.begin(), name.end(), ']'), name.end());
  return name;
}

/// A Borel program bound to its data, called as Stan's is: in Stan's order of coordinates.
class BorelModel {
 public:
  explicit BorelModel(const std::string& folder) {
    driver::ProgramArguments arguments;
    arguments.file = std::string(BOREL_PROGRAMS) + "/" + folder + ".ppl";
    LowerOptions functions;
    functions.constrain = functions.unconstrain = functions.simulate = false;
    const auto data = fs::path(BOREL_POSTERIORDB) / folder / "data.json";
    if (driver::bind_program(arguments, data.string(), functions, bound_) != 0)
      throw std::runtime_error(folder + ": cannot be compiled or bound");
    model_ = &bound_.instance->machine_model();
  }

  std::vector<std::string> names() const {
    return driver::unconstrained_names(*bound_.instance, *model_);
  }

  double operator()(const double* u, double* gradient) {
    double lp = 0;
    borel_status status =
        model_->log_density_gradient(bound_.instance->get(), workspace_.get(), u, &lp, gradient);
    while (status == BOREL_NEED_SPACE) {
      workspace_.grow();
      status =
          model_->log_density_gradient(bound_.instance->get(), workspace_.get(), u, &lp, gradient);
    }
    if (status != BOREL_OK) throw std::runtime_error("fault");
    return lp;
  }

 private:
  driver::BoundProgram bound_;
  const borel_model* model_ = nullptr;
  runtime::Workspace workspace_;
};

struct Row {
  std::string model;
  double borel = 0, stan = NAN, current = NAN, plain = NAN, error = NAN;
};

Row measure(const std::string& folder) {
  Row row;
  row.model = folder;
  BorelModel borel(folder);
  const auto names = borel.names();
  const std::size_t dim = names.size();
  const std::vector<double> u = timing_point(dim);
  std::vector<double> gradient(dim);

  StanProgram stan = StanProgram::open(folder);
  if (stan.dim() != dim) throw std::runtime_error(folder + ": another dimension than Stan's");
  // Compare at the same point, by name.
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < dim; ++i) position[names[i]] = i;
  const auto stan_names = stan.coordinate_names();
  std::vector<double> mine(dim), expected(dim);
  for (std::size_t i = 0; i < dim; ++i) mine[position.at(dotted(stan_names[i]))] = u[i];
  borel(mine.data(), gradient.data());
  stan.log_density_gradient(u.data(), expected.data());
  double largest = 1;
  for (const double g : expected) largest = std::max(largest, std::fabs(g));
  row.error = 0;
  for (std::size_t i = 0; i < dim; ++i)
    row.error = std::max(
        row.error, std::fabs(gradient[position.at(dotted(stan_names[i]))] - expected[i]) / largest);

  row.borel =
      time_gradient([&](const double* x, double* g) { return borel(x, g); }, mine).median_ns;
  row.stan = time_gradient([&](const double* x,
                               double* g) { return stan.log_density_gradient(x, g, true, true); },
                           u)
                 .median_ns;
  if (stan_program_exists(folder, StanRelease::current)) {
    StanProgram current = StanProgram::open(folder, StanRelease::current);
    row.current =
        time_gradient([&](const double* x,
                          double* g) { return current.log_density_gradient(x, g, true, true); },
                      u)
            .median_ns;
  }
  std::ifstream file(fs::path(BOREL_POSTERIORDB) / folder / "data.json");
  if (const auto plain = make_plain_model(folder, nlohmann::json::parse(file)))
    row.plain =
        time_gradient([&](const double* x, double* g) { return plain->log_density_gradient(x, g); },
                      u)
            .median_ns;
  return row;
}

void print_cell(double x, int decimals = 1) {
  if (std::isnan(x)) {
    std::printf(" %11s", "-");
  } else {
    std::printf(" %11.*f", decimals, x);
  }
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  using namespace borel::bench;
  CLI::App app{"Times log densities with gradients: Borel, Stan, plain C++"};
  std::string json;
  std::vector<std::string> folders;
  app.add_option("--json", json, "write the table to this file too");
  app.add_option("folders", folders, "posteriors; all by default");
  CLI11_PARSE(app, argc, argv);
  if (folders.empty()) folders = stan_folders();

  std::printf("%-52s %11s %11s %11s %11s %11s %11s\n", "model", "borel_ns", "stan_ns", "current_ns",
              "plain_ns", "stan/borel", "borel/plain");
  nlohmann::json out = nlohmann::json::array();
  double log_ratio = 0, log_plain = 0, least = INFINITY;
  int rows = 0, plains = 0, failed = 0;
  for (const std::string& folder : folders) {
    try {
      const Row row = measure(folder);
      std::printf("%-52s", row.model.c_str());
      print_cell(row.borel);
      print_cell(row.stan);
      print_cell(row.current);
      print_cell(row.plain);
      print_cell(row.stan / row.borel);
      print_cell(row.borel / row.plain, 2);
      std::printf("%s\n", row.error > 1e-8 ? "  WRONG GRADIENT" : "");
      std::fflush(stdout);
      if (row.error > 1e-8) ++failed;
      log_ratio += std::log(row.stan / row.borel);
      least = std::min(least, row.stan / row.borel);
      ++rows;
      nlohmann::json entry = {{"model", row.model},
                              {"borel_ns", row.borel},
                              {"stan_ns", row.stan},
                              {"plain_ns", nullptr},
                              {"max_rel_err", row.error}};
      if (!std::isnan(row.plain)) {
        entry["plain_ns"] = row.plain;
        log_plain += std::log(row.borel / row.plain);
        ++plains;
      }
      out.push_back(std::move(entry));
    } catch (const std::exception& error) {
      std::printf("%-52s %s\n", folder.c_str(), error.what());
      ++failed;
    }
  }
  if (rows > 0)
    std::printf("geometric mean: %.1f times faster than Stan (least %.1f)",
                std::exp(log_ratio / rows), least);
  if (plains > 0) std::printf("; %.2f times plain C++'s time", std::exp(log_plain / plains));
  std::printf("\n");
  if (!json.empty()) {
    std::ofstream file(json);
    file << out.dump(1) << "\n";
    file.close();
    if (!file) {
      std::cerr << "gradient: '" << json << "' could not be written\n";
      return 1;
    }
  }
  return failed == 0 ? 0 : 1;
}

// Records Stan's log density and gradient at twenty points u ~ U(-2, 2) of each program:
//   write_stan_fixtures OUT_FOLDER [FOLDER...]
// writes OUT_FOLDER/FOLDER.json for the named posteriors, or for all that were built. All
// constants are kept and the log Jacobian is included. A point of density zero is drawn again.
// The points have four decimals, so their
// text is exact; other numbers are written shortest with exact round trip.
#include "stan_library.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace borel::bench {
namespace {

constexpr int point_count = 20;
constexpr std::uint64_t seed = 20240501;

void append_number(std::string& out, double value) {
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_list(std::string& out, const std::vector<double>& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append_number(out, values[i]);
  }
  out += ']';
}

/// Draws a point where the density is finite (some programs have density zero on a part of the
/// space), trying at most a hundred times; returns the log density there.
double draw_point(StanProgram& program, std::mt19937_64& bits, std::vector<double>& u,
                  std::vector<double>& grad) {
  double lp = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    for (double& x : u) {
      // mt19937_64 is fixed by the standard, its distributions are not.
      const auto ticks = static_cast<std::int64_t>(bits() % 40001) - 20000;
      x = static_cast<double>(ticks) / 10000.0;
    }
    lp = program.log_density_gradient(u.data(), grad.data());
    if (std::isfinite(lp)) break;
  }
  return lp;
}

std::string fixture(const std::string& folder) {
  StanProgram program = StanProgram::open(folder);
  std::mt19937_64 bits(seed);
  std::vector<double> u(program.dim());
  std::vector<double> grad(program.dim());
  std::string out = "{\"posterior\":\"" + folder + "\",\n\"dimension\":";
  out += std::to_string(program.dim()) + ",\n\"names\":[";
  std::string_view separator;
  for (const std::string& name : program.coordinate_names()) {
    out.append(separator).append("\"").append(name).append("\"");
    separator = ",";
  }
  out += "],\n\"points\":[\n";
  for (int point = 0; point < point_count; ++point) {
    const double lp = draw_point(program, bits, u, grad);
    if (!std::isfinite(lp)) throw std::runtime_error(folder + ": " + program.rejection());
    out += "{\"u\":";
    append_list(out, u);
    out += ",\"lp\":";
    append_number(out, lp);
    out += ",\"grad\":";
    append_list(out, grad);
    out += point + 1 < point_count ? "},\n" : "}\n";
  }
  return out + "]}\n";
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::cerr << "usage: write_stan_fixtures OUT_FOLDER [FOLDER...]\n";
    return 2;
  }
  const std::filesystem::path out = arguments.front();
  const std::vector<std::string> folders =
      arguments.size() > 1 ? std::vector<std::string>(arguments.begin() + 1, arguments.end())
                           : stan_folders();
  for (const std::string& folder : folders) {
    const std::string text = fixture(folder);
    std::ofstream file(out / (folder + ".json"), std::ios::binary);
    file << text << std::flush;
    if (!file) throw std::runtime_error("cannot write " + (out / (folder + ".json")).string());
    std::cout << folder << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace borel::bench

int main(int argc, char** argv) {
  try {
    return borel::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "write_stan_fixtures: " << error.what() << "\n";
    return 1;
  }
}

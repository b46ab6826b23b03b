// Log densities and gradients of whole programs against Stan's, at 20 points of each posterior
// (tests/run/posteriordb/stan/*.json): differences of the log density, because Borel keeps
// normalising constants that Stan's programs leave out, and every element of the gradient.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/unconstrained_names.h"

namespace borel::driver {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> programs() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(BOREL_PROGRAMS))
    if (entry.path().extension() == ".ppl") out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

/// "theta[1,2]" as Stan writes it, "theta.1.2" as Borel does.
std::string dotted(std::string name) {
  for (char& c : name)
    if (c == '[' || c == ',') c = '.';
  name.erase(std::remove(name.begin(), name.end(), ']'), name.end());
  return name;
}

class PosteriordbGradient : public ::testing::TestWithParam<std::string> {};

TEST_P(PosteriordbGradient, EqualsStans) {
  const fs::path data = fs::path(BOREL_POSTERIORDB) / GetParam() / "data.json";
  if (!fs::exists(data)) {
    if (std::getenv("CI")) FAIL() << data << " is not there";
    GTEST_SKIP() << data << " is not there";
  }
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_PROGRAMS) + "/" + GetParam() + ".ppl";
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  BoundProgram bound;
  ASSERT_EQ(bind_program(arguments, data.string(), functions, bound), exit_ok);
  const runtime::Instance& instance = *bound.instance;
  const borel_model& model = instance.machine_model();

  std::ifstream file(fs::path(BOREL_PROGRAMS) / "stan" / (GetParam() + ".json"));
  ASSERT_TRUE(file);
  const auto fixture = nlohmann::json::parse(file);
  const auto names = unconstrained_names(instance, model);
  const size_t dimension = names.size();
  ASSERT_EQ(fixture.at("dimension").get<size_t>(), dimension);
  std::map<std::string, size_t> position;
  for (size_t i = 0; i < dimension; ++i) position[names[i]] = i;
  std::vector<size_t> from_stan;
  for (const auto& name : fixture.at("names")) {
    const auto it = position.find(dotted(name.get<std::string>()));
    ASSERT_NE(it, position.end()) << name;
    from_stan.push_back(it->second);
  }

  // Differences are taken from the point whose log density is nearest 0: least is lost to rounding.
  double base_expected = INFINITY, base_got = NAN;
  struct Compared {
    double got, expected;
  };
  std::vector<Compared> compared;
  runtime::Workspace workspace;
  for (const auto& point : fixture.at("points")) {
    std::vector<double> u(dimension), gradient(dimension);
    const auto at = point.at("u").get<std::vector<double>>();
    for (size_t i = 0; i < dimension; ++i) u[from_stan[i]] = at[i];
    double lp = NAN;
    const borel_status status = workspace.run([&](borel_workspace* ws) {
      return model.log_density_gradient(instance.get(), ws, u.data(), &lp, gradient.data());
    });
    ASSERT_EQ(status, BOREL_OK);
    if (!point.at("lp").is_number()) {
      EXPECT_EQ(lp, -INFINITY);
      continue;
    }
    const double expected = point.at("lp").get<double>();
    compared.push_back({lp, expected});
    if (std::fabs(expected) < std::fabs(base_expected)) {
      base_expected = expected;
      base_got = lp;
    }
    const auto wanted = point.at("grad").get<std::vector<double>>();
    double largest = 1;
    for (const double g : wanted) largest = std::max(largest, std::fabs(g));
    for (size_t i = 0; i < dimension; ++i)
      EXPECT_NEAR(gradient[from_stan[i]], wanted[i], 1e-8 * largest) << names[from_stan[i]];
    double alone = NAN;
    ASSERT_EQ(workspace.run([&](borel_workspace* ws) {
      return model.log_density(instance.get(), ws, u.data(), &alone);
    }),
              BOREL_OK);
    EXPECT_NEAR(alone, lp, 1e-12 * std::max(1.0, std::fabs(lp)));
  }
  EXPECT_GE(compared.size(), 10u);
  for (const Compared& one : compared)
    EXPECT_NEAR(one.got - base_got, one.expected - base_expected,
                1e-8 * std::max(1.0, std::fabs(one.expected)));
}

INSTANTIATE_TEST_SUITE_P(All, PosteriordbGradient, ::testing::ValuesIn(programs()),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace borel::driver

// The plain models agree with Stan's log densities and gradients at the recorded points.
#include "plain.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace borel::bench {
namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return nlohmann::json::parse(file);
}

/// Relative to the largest derivative. Stan's bernoulli_logit replaces the probability by 0 or 1
/// beyond |logit| = 20, off by 2e-9 a term, so logistic models cannot agree more closely.
double tolerance_of(std::string_view name) {
  const bool logistic = name == "wells_data-wells_dist" || name == "irt_2pl-irt_2pl";
  return logistic ? 1e-8 : 1e-12;
}

class Plain : public testing::TestWithParam<PlainEntry> {};

TEST_P(Plain, AgreesWithStan) {
  const std::filesystem::path database = POSTERIORDB;
  if (!std::filesystem::exists(database)) GTEST_SKIP() << "no folder " << database;
  const std::string name(GetParam().name);
  const nlohmann::json fixture = read_json(std::filesystem::path(FIXTURES) / (name + ".json"));
  const auto model = make_plain_model(name, read_json(database / name / "data.json"));
  const double tolerance = tolerance_of(name);
  ASSERT_NE(model, nullptr);
  ASSERT_EQ(model->dim(), fixture.at("dimension").get<std::size_t>());
  ASSERT_EQ(fixture.at("points").size(), 20U);
  for (const auto& point : fixture.at("points")) {
    const auto u = point.at("u").get<std::vector<double>>();
    const auto expected = point.at("grad").get<std::vector<double>>();
    const double lp = point.at("lp").get<double>();
    ASSERT_EQ(u.size(), model->dim());
    ASSERT_EQ(expected.size(), model->dim());
    std::vector<double> grad(u.size(), std::nan(""));
    EXPECT_NEAR(model->log_density_gradient(u.data(), grad.data()), lp,
                tolerance * std::max(1.0, std::fabs(lp)));
    double largest = 1;
    for (const double g : expected) largest = std::max(largest, std::fabs(g));
    for (std::size_t i = 0; i < u.size(); ++i) {
      EXPECT_NEAR(grad[i], expected[i], tolerance * largest) << "coordinate " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Plain,
                         testing::ValuesIn(plain_models().begin(), plain_models().end()),
                         [](const testing::TestParamInfo<PlainEntry>& entry) {
                           std::string name(entry.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(PlainRegistry, UnknownNameGivesNull) {
  EXPECT_EQ(make_plain_model("no-such-model", nlohmann::json::object()), nullptr);
}

}  // namespace
}  // namespace borel::bench

// NUTS draws from what it is asked to draw from: distributions whose distribution functions are
// known, and posteriors whose ranks must be uniform (simulation-based calibration: Talts,
// Betancourt, Simpson, Vehtari and Gelman 2018). Seeds and sizes are fixed.
#include <gtest/gtest.h>

#include <boost/math/distributions.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "runtime/io/quantities.h"
#include "runtime/io/statistics.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

void bind_data(const char* program, const char* infer, const std::string& data, BoundProgram& out) {
  const auto path =
      std::filesystem::path(::testing::TempDir()) / (std::string(program) + "." + infer + ".json");
  std::ofstream(path) << data;
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_STATISTICAL) + "/" + program + ".ppl";
  arguments.infer = infer;
  ASSERT_EQ(bind_program(arguments, path.string(), {}, out), exit_ok);
}

/// Positions in a draw, by name.
std::map<std::string, std::int64_t> positions(const runtime::Instance& instance) {
  std::map<std::string, std::int64_t> out;
  for (const io::Quantity& q : io::list_quantities(instance, instance.machine_model()))
    out[q.name] = q.position;
  return out;
}

TEST(Nuts, DrawsFromKnownDistributions) {
  using namespace boost::math;
  const std::map<std::string, std::function<double(double)>> distributions = {
      {"g", [](double x) { return cdf(gamma_distribution<>(3, 0.5), x); }},
      {"b", [](double x) { return cdf(beta_distribution<>(2, 5), x); }},
      {"t", [](double x) { return cdf(students_t_distribution<>(5), x); }},
      {"e", [](double x) { return cdf(exponential_distribution<>(0.01), x); }},
      {"w", [](double x) { return cdf(normal_distribution<>(1000, 0.001), x); }},
      {"a", [](double x) { return cdf(normal_distribution<>(), x); }},
      {"c", [](double x) { return cdf(normal_distribution<>(), x); }},
      {"l", [](double x) { return cdf(lognormal_distribution<>(0, 0.7), x); }}};
  BoundProgram bound;
  bind_data("targets", "main", "{}", bound);
  if (HasFatalFailure()) return;
  const runtime::Parameters parameters((**bound.program).machine[0]);
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.seed = 1;
  const runtime::SampleResult result = runtime::sample(*bound.instance, options);
  ASSERT_FALSE(result.error);
  const auto chains = static_cast<std::int64_t>(result.chains.size());
  const std::int64_t draws = result.chains[0].draw_count;
  io::StatisticsEngine engine(chains, draws);
  const auto at = positions(*bound.instance);
  ASSERT_EQ(at.size(), distributions.size());
  for (const auto& [name, distribution] : distributions) {
    // U = F(x) is uniform: its moments, and the mass of twenty equal cells, within four standard
    // errors.
    std::vector<double> u;
    for (const runtime::Chain& chain : result.chains)
      for (std::int64_t i = 0; i < draws; ++i)
        u.push_back(distribution(chain.draw(i)[at.at(name)]));
    const auto close = [&](const std::string& what, double expected, auto function) {
      std::vector<double> values;
      for (const double x : u) values.push_back(function(x));
      const io::QuantityStatistics got = engine.compute(values.data());
      EXPECT_LT(std::abs(got.mean - expected), 4 * got.mcse) << name << " " << what;
    };
    close("mean", 0.5, [](double x) { return x; });
    close("square", 1.0 / 3, [](double x) { return x * x; });
    for (int cell = 0; cell < 20; ++cell)
      close("cell " + std::to_string(cell), 0.05,
            [&](double x) { return static_cast<int>(x * 20) == cell ? 1.0 : 0.0; });
    EXPECT_LT(engine.compute(u.data()).rhat, 1.01) << name;
    EXPECT_GT(engine.compute(u.data()).ess_bulk, 2000) << name;
  }
}

/// Data for `main`: by name, from a draw of the joint distribution.
runtime::InputData observed(const borel_program& program, const std::vector<double>& sigma,
                            const double* draw, const std::map<std::string, std::int64_t>& at) {
  runtime::InputData data;
  const std::size_t count = sigma.size();
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    const std::string name = program.inputs[i].name;
    runtime::AlignedBuffer& memory = data.storage.emplace_back(8 * count);
    for (std::size_t j = 0; j < count; ++j) {
      if (name == "sigma") {
        memory.as<double>()[j] = sigma[j];
        continue;
      }
      const double value = draw[at.at(name + "[" + std::to_string(j + 1) + "]")];
      if (program.inputs[i].type == BOREL_REAL) {
        memory.as<double>()[j] = value;
      } else {
        memory.as<std::int64_t>()[j] = static_cast<std::int64_t>(value);
      }
    }
    data.arrays.push_back({memory.data(), {static_cast<std::int64_t>(count)}});
  }
  data.sizes = {static_cast<std::int64_t>(count)};
  return data;
}

TEST(Nuts, RanksOfThePriorAreUniform) {
  constexpr int replications = 2000, kept = 63, thin = 20, cells = 16;
  const std::vector<double> sigma = {0.5, 1, 2, 1};
  const std::string text = R"({"sigma": [0.5, 1, 2, 1])";
  BoundProgram prior, posterior;
  bind_data("calibration", "prior", text + "}", prior);
  bind_data("calibration", "main", text + R"(, "y": [0, 0, 0, 0], "k": [1, 2, 3, 4]})", posterior);
  if (HasFatalFailure()) return;
  const auto at = positions(*prior.instance), of = positions(*posterior.instance);
  const borel_model& joint = prior.instance->machine_model();
  std::vector<double> draw(static_cast<std::size_t>(prior.instance->draw_size(joint)));

  runtime::Parameters parameters((**posterior.program).machine[0]);
  for (const auto& [name, value] :
       std::map<std::string, int>{{"chains", 1}, {"warmup", 300}, {"draws", kept * thin}})
    ASSERT_FALSE(parameters.set(name, value));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = 1;
  std::map<std::string, std::vector<int>> ranks;
  runtime::Workspace ws;
  for (std::uint64_t r = 0; r < replications; ++r) {
    ASSERT_EQ(ws.run([&](borel_workspace* raw) {
      return joint.simulate(prior.instance->get(), raw, {7, r, 0}, draw.data());
    }),
              BOREL_OK);
    auto bound = runtime::Instance::bind(**posterior.program,
                                         observed(**posterior.program, sigma, draw.data(), at));
    ASSERT_TRUE(std::holds_alternative<runtime::Instance>(bound));
    options.seed = 100 + r;
    const auto result = runtime::sample(std::get<runtime::Instance>(bound), options);
    ASSERT_FALSE(result.error);
    for (const char* name : {"mu", "tau", "share", "z[1]", "theta[3]"}) {
      int rank = 0;
      for (int i = 0; i < kept; ++i)
        rank += result.chains[0].draw(i * thin + thin - 1)[of.at(name)] <
                draw[static_cast<std::size_t>(at.at(name))];
      auto& histogram = ranks[name];
      histogram.resize(cells);
      ++histogram[static_cast<std::size_t>(rank * cells / (kept + 1))];
    }
  }
  for (const auto& [name, histogram] : ranks) {
    double chi_square = 0;
    constexpr double expected = static_cast<double>(replications) / cells;
    for (const int count : histogram) chi_square += std::pow(count - expected, 2) / expected;
    // One in ten thousand of right samplers would be above.
    EXPECT_LT(chi_square, quantile(boost::math::chi_squared(cells - 1), 1 - 1e-4)) << name;
  }
}

// Along a curved ridge trajectories end for many reasons, in different halves of a tree. A rule
// that is not the same from every point of a trajectory shows here: by five per cent in the mean of
// x^2 where sub-trees are asked less than whole trees.
TEST(Nuts, KeepsACurvedDensity) {
  BoundProgram bound;
  bind_data("curved", "main", "{}", bound);
  if (HasFatalFailure()) return;
  runtime::Parameters parameters((**bound.program).machine[0]);
  ASSERT_FALSE(parameters.set("draws", 250000));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.seed = 1;
  const runtime::SampleResult result = runtime::sample(*bound.instance, options);
  ASSERT_FALSE(result.error);
  const std::int64_t draws = result.chains[0].draw_count;
  io::StatisticsEngine engine(static_cast<std::int64_t>(result.chains.size()), draws);
  const std::map<std::string, double> means = {{"x", 0}, {"y", 1}, {"square", 1}};
  for (const auto& [name, position] : positions(*bound.instance)) {
    std::vector<double> values;
    for (const runtime::Chain& chain : result.chains)
      for (std::int64_t i = 0; i < draws; ++i) values.push_back(chain.draw(i)[position]);
    const io::QuantityStatistics got = engine.compute(values.data());
    EXPECT_NEAR(got.mean, means.at(name), 4 * got.mcse) << name;
    EXPECT_LT(got.mcse, 0.01) << name;
  }
}

}  // namespace
}  // namespace borel::driver

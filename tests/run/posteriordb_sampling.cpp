// Posteriors of real data against reference draws, or, where the database has none, against Stan's
// own run (tests/run/posteriordb/stan/*.reference.json). What agreement is: every quantity has
// R-hat below 1.01, bulk and tail ESS of at least 1000, a mean within four standard errors (both
// runs') and a standard deviation within 10 % or four standard errors of it (both runs'), whichever
// is larger. Settings are fixed per model; the seed is never changed to pass.
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
#include "runtime/io/advice.h"
#include "runtime/io/quantities.h"
#include "runtime/io/statistics.h"
#include "runtime/io/summary.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

namespace fs = std::filesystem;

struct Settings {
  const char* folder;
  int draws = 3000;
  double target_accept = 0.8;
  const char* coordinates = "";  // folder of the program, when it is not that of the others
};

const Settings models[] = {
    {"eight_schools-eight_schools_noncentered", 4000, 0.95},
    {"kidiq-kidscore_interaction", 4000},
    {"kidiq-kidscore_momiq"},
    {"earnings-logearn_interaction", 4000},
    {"earnings-earn_height"},
    {"mesquite-logmesquite_logva"},
    {"mesquite-mesquite"},
    {"sblrc-blr"},
    {"kilpisjarvi_mod-kilpisjarvi", 4000},
    {"nes1972-nes"},
    {"nes2000-nes"},
    {"arK-arK"},
    {"arma-arma11"},
    {"garch-garch11"},
    {"low_dim_gauss_mix-low_dim_gauss_mix"},
    {"radon_mn-radon_hierarchical_intercept_noncentered"},
    {"wells_data-wells_dist"},
    {"rats_data-rats_model"},
    {"dogs-dogs"},
    // Funnels and heavy tails: small steps and many draws.
    {"irt_2pl-irt_2pl", 12000, 0.95},
    {"seeds_data-seeds_model", 100000, 0.99},
    // As the posterior is written, the effects are too narrow for one step size where their scale
    // is small, and 4 x 60000 draws are too few, Stan's as Borel's.
    {"GLMM_Poisson_data-GLMM_Poisson_model", 4000, 0.95, "noncentred/"},
};

struct Sampled {
  BoundProgram bound;
  runtime::SampleResult result;
  io::Summary summary;
};

/// Binds and samples; fails the test when that is not possible.
void sample(const std::string& program, const fs::path& data, int draws, double target_accept,
            Sampled& run) {
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_PROGRAMS) + "/" + program + ".ppl";
  LowerOptions functions;
  functions.log_density = functions.log_density_gradient = false;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  ASSERT_EQ(bind_program(arguments, data.string(), functions, run.bound), exit_ok);
  const runtime::Instance& instance = *run.bound.instance;
  runtime::Parameters parameters((**run.bound.program).machine[0]);
  ASSERT_FALSE(parameters.set("draws", draws));
  ASSERT_FALSE(parameters.set("target_accept", target_accept));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.seed = 20;
  run.result = runtime::sample(instance, options);
  ASSERT_FALSE(run.result.error) << run.result.error->text;
  run.summary = io::summarise(instance, run.result, parameters, 2);
}

/// Standard error of the standard deviation of one quantity. The variance is a mean of squares, so
/// its error is theirs, with their own autocorrelation and fourth moment: of a heavy-tailed
/// quantity it is many times that of a normal one.
double error_of_sd(const Sampled& run, std::int64_t position, const io::QuantityStatistics& got) {
  std::vector<double> draws = io::collect_draws(run.result, run.summary, position);
  for (double& x : draws) x = (x - got.mean) * (x - got.mean);
  io::StatisticsEngine engine(static_cast<std::int64_t>(run.summary.used_chains.size()),
                              run.summary.used_draws);
  return engine.compute(draws.data()).mcse / (2 * got.sd);
}

fs::path data_of(const std::string& folder) {
  return fs::path(BOREL_POSTERIORDB) / folder / "data.json";
}

#define REQUIRE_DATA(path)                                      \
  if (!fs::exists(path)) {                                      \
    if (std::getenv("CI")) FAIL() << (path) << " is not there"; \
    GTEST_SKIP() << (path) << " is not there";                  \
  }

class PosteriordbSampling : public ::testing::TestWithParam<Settings> {};

TEST_P(PosteriordbSampling, AgreesWithTheReference) {
  const std::string folder = GetParam().folder;
  const fs::path data = data_of(folder);
  REQUIRE_DATA(data);
  fs::path reference_path = data.parent_path() / "reference.json";
  if (!fs::exists(reference_path))
    reference_path = fs::path(BOREL_PROGRAMS) / "stan" / (folder + ".reference.json");
  std::ifstream file(reference_path);
  ASSERT_TRUE(file) << reference_path;
  const auto reference = nlohmann::json::parse(file);

  Sampled run;
  sample(GetParam().coordinates + folder, data, GetParam().draws, GetParam().target_accept, run);
  if (HasFatalFailure()) return;
  std::map<std::string, const io::SummaryRow*> rows;
  for (const io::SummaryRow& row : run.summary.rows) rows[row.name] = &row;
  std::map<std::string, std::int64_t> positions;
  const runtime::Instance& instance = *run.bound.instance;
  for (const io::Quantity& quantity : io::list_quantities(instance, instance.machine_model()))
    positions[quantity.name] = quantity.position;
  const double reference_draws = reference.value("draws", 10000.0);

  size_t compared = 0;
  for (const auto& [name, expected] : reference.at("parameters").items()) {
    ASSERT_TRUE(rows.contains(name)) << name;
    const io::QuantityStatistics& got = rows[name]->statistics;
    const double mcse = expected.at("mcse_mean").get<double>();
    const double mean = expected.at("mean").get<double>(), sd = expected.at("sd").get<double>();
    EXPECT_LT(got.rhat, 1.01) << name;
    EXPECT_GE(got.ess_bulk, 1000) << name;
    EXPECT_GE(got.ess_tail, 1000) << name;
    EXPECT_LE(std::fabs(got.mean - mean), 4 * std::hypot(got.mcse, mcse))
        << name << ": " << got.mean << " (" << got.mcse << ") against " << mean << " (" << mcse
        << ")";
    // The database's references do not give the error of their standard deviations: it is taken as
    // that of a normal quantity.
    const double reference_ess = std::min(std::pow(sd / mcse, 2), reference_draws);
    const double error = error_of_sd(run, positions.at(name), got);
    const double reference_error = expected.value("mcse_sd", sd / std::sqrt(2 * reference_ess));
    EXPECT_LE(std::fabs(got.sd - sd), std::max(0.1 * sd, 4 * std::hypot(error, reference_error)))
        << name << ": " << got.sd << " (" << error << ") against " << sd << " (" << reference_error
        << ")";
    ++compared;
  }
  EXPECT_GT(compared, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, PosteriordbSampling, ::testing::ValuesIn(models),
                         [](const auto& param) {
                           std::string name = param.param.folder;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

// The program of other coordinates has the density of the one that is tested against Stan's, times
// the Jacobian of eps = sigma * eps_raw.
TEST(Posteriordb, NoncentredFalconsAreTheSamePosterior) {
  const std::string folder = "GLMM_Poisson_data-GLMM_Poisson_model";
  const fs::path data = data_of(folder);
  REQUIRE_DATA(data);
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  BoundProgram centred, noncentred;
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_PROGRAMS) + "/" + folder + ".ppl";
  ASSERT_EQ(bind_program(arguments, data.string(), functions, centred), exit_ok);
  arguments.file = std::string(BOREL_PROGRAMS) + "/noncentred/" + folder + ".ppl";
  ASSERT_EQ(bind_program(arguments, data.string(), functions, noncentred), exit_ok);
  const auto log_density = [](const BoundProgram& program, const std::vector<double>& u) {
    const runtime::Instance& instance = *program.instance;
    runtime::Workspace workspace;
    double lp = NAN;
    EXPECT_EQ(workspace.run([&](borel_workspace* ws) {
      return instance.machine_model().log_density(instance.get(), ws, u.data(), &lp);
    }),
              BOREL_OK);
    return lp;
  };
  const auto names = unconstrained_names(*centred.instance, centred.instance->machine_model());
  const auto raw_names =
      unconstrained_names(*noncentred.instance, noncentred.instance->machine_model());
  ASSERT_EQ(names.size(), raw_names.size());
  for (int point = 0; point < 5; ++point) {
    std::map<std::string, double> at;
    std::vector<double> raw, u;
    for (size_t i = 0; i < raw_names.size(); ++i) {
      raw.push_back(0.5 * std::sin(0.7 * static_cast<double>(i) + point));  // beta2 < 10
      at[raw_names[i]] = raw.back();
    }
    const double sigma = 5 / (1 + std::exp(-at.at("sigma")));
    double jacobian = 0;
    for (const std::string& name : names) {
      const bool effect = name.starts_with("eps.");
      u.push_back(effect ? sigma * at.at("eps_raw." + name.substr(4)) : at.at(name));
      if (effect) jacobian += std::log(sigma);
    }
    const double expected = log_density(centred, u) + jacobian;
    ASSERT_TRUE(std::isfinite(expected));
    EXPECT_NEAR(log_density(noncentred, raw), expected, 1e-12 * std::fabs(expected));
  }
}

TEST(Posteriordb, CentredEightSchoolsWarnsOfDivergencesAndNamesTau) {
  const fs::path data = data_of("eight_schools-eight_schools_centered");
  REQUIRE_DATA(data);
  Sampled run;
  sample("eight_schools-eight_schools_centered", data, 1000, 0.8, run);
  if (HasFatalFailure()) return;
  EXPECT_GT(run.summary.divergent(), 0);
  const auto advice = io::advise(*run.bound.instance, run.result, run.summary);
  bool named = false;
  for (const io::Advice& one : advice)
    if (one.kind == io::AdviceKind::divergences)
      for (const io::SiteNote& note : one.sites) named |= note.site == "tau";
  EXPECT_TRUE(named);
}

}  // namespace
}  // namespace borel::driver

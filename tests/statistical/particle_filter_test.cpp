// Particle filters against evidence that is known exactly. An estimate is unbiased: the mean of
// many is the evidence, within four standard errors, at a number of particles where a single one
// deviates by less than its size. Seeds are fixed.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

struct Runs {
  std::vector<runtime::Chain> chains;
  std::string error;

  std::vector<double> evidence() const {
    std::vector<double> out;
    for (const runtime::Chain& chain : chains)
      out.push_back(std::exp(chain.statistic(chain.draw_count - 1)[0]));
    return out;
  }
};

Runs run(const std::string& infer, const std::string& data, int runs, int threads = 2) {
  const auto path = std::filesystem::path(::testing::TempDir()) / ("filter." + infer + ".json");
  std::ofstream(path) << data;
  ProgramArguments arguments;
  arguments.file = std::string(BOREL_STATISTICAL) + "/particle_filters.ppl";
  arguments.infer = infer;
  BoundProgram bound;
  Runs out;
  if (bind_program(arguments, path.string(), {}, bound) != exit_ok) {
    out.error = "cannot be bound";
    return out;
  }
  runtime::Parameters parameters((**bound.program).machine[0], bound.instance->steps());
  EXPECT_FALSE(parameters.set("chains", runs));
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = threads;
  options.seed = 7;
  runtime::SampleResult result = runtime::sample(*bound.instance, options);
  if (result.error) out.error = result.error->text;
  out.chains = std::move(result.chains);
  return out;
}

void expect_unbiased(const std::string& infer, const std::string& data, double log_evidence,
                     int runs) {
  SCOPED_TRACE(infer);
  const Runs made = run(infer, data, runs);
  ASSERT_EQ(made.error, "");
  const std::vector<double> evidence = made.evidence();
  ASSERT_EQ(evidence.size(), static_cast<std::size_t>(runs));
  double mean = 0, square = 0;
  for (const double z : evidence) {
    const double ratio = z / std::exp(log_evidence);
    mean += ratio / runs;
    square += ratio * ratio / runs;
  }
  const double deviation = std::sqrt(square - mean * mean);
  EXPECT_LT(deviation, 1) << "too few particles for a test of bias";
  EXPECT_NEAR(mean, 1, 4 * deviation / std::sqrt(runs));
  ::testing::Test::RecordProperty(infer, std::to_string(mean) + " +- " + std::to_string(deviation));
}

const std::string three = R"("T": 3, "y": [1, 2, 3])";
std::string with(const std::string& data, int particles) {
  return "{" + data + R"(, "particles": )" + std::to_string(particles) + "}";
}

TEST(ParticleFilter, EvidenceIsUnbiasedForEveryScheme) {
  for (const char* scheme :
       {"multinomial", "stratified", "systematic", "residual", "ssp", "killing"})
    expect_unbiased(std::string("by_") + scheme, with(three, 40), -4.332729, 2000);
}

TEST(ParticleFilter, EvidenceIsUnbiasedWhereResamplingIsSeldomOrNever) {
  expect_unbiased("adaptive", with(three, 40), -4.332729, 2000);
  expect_unbiased("unresampled", with(three, 1000), -4.332729, 1000);
}

TEST(ParticleFilter, EvidenceOfOtherModels) {
  expect_unbiased("from_start", with(three, 60), -4.415247, 2000);
  expect_unbiased("linear", with(three, 4000), -9.686784, 400);
  expect_unbiased("tossed", with(R"("n": 10, "heads": [1,1,1,1,1,1,0,0,0,0])", 200), -7.069375,
                  1000);
  // Each datum is Normal(0, sqrt(2)).
  double product = 0;
  for (const double y : {0.5, -1.0, 2.0, 0.1})
    product += -0.25 * y * y - 0.5 * std::log(4 * std::numbers::pi);
  expect_unbiased("apart", with(R"("n": 4, "y": [0.5, -1, 2, 0.1])", 50), product, 1000);
}

TEST(ParticleFilter, EvidenceIsUnbiasedWhateverLooksAhead) {
  expect_unbiased("twisted", with(three, 40), -4.332729, 2000);
  expect_unbiased("misled", with(three, 60), -4.332729, 2000);
}

// The first state is uniform on what y[0] leaves of (0, 1), (0, 0.5); of the second, uniform on
// (x, x + 1), y[1] = 1.2 leaves (0.2, 1.2): 0.435 in all.
TEST(ParticleFilter, AliveFilterIsUnbiased) {
  expect_unbiased("alive", with(R"("T": 2, "y": [0.5, 1.2])", 20), std::log(0.435), 4000);
}

TEST(ParticleFilter, VectorsAndWholeNumbersInTheStateAgreeWithTheirSum) {
  const std::string data = with(R"("T": 5, "y": [0.5, -0.8, -1.5, -1.2, 0.3])", 400);
  const Runs vector = run("vector_state", data, 1000), scalar = run("scalar_state", data, 1000);
  ASSERT_EQ(vector.error, "");
  ASSERT_EQ(scalar.error, "");
  const auto moments = [](const std::vector<double>& z) {
    double mean = 0, square = 0;
    for (const double x : z) {
      mean += x / static_cast<double>(z.size());
      square += x * x / static_cast<double>(z.size());
    }
    return std::pair(mean, (square - mean * mean) / static_cast<double>(z.size()));
  };
  const auto [a, a_error] = moments(vector.evidence());
  const auto [b, b_error] = moments(scalar.evidence());
  EXPECT_NEAR(a, b, 4 * std::sqrt(a_error + b_error));
}

TEST(ParticleFilter, FiltersAsTheKalmanFilterDoes) {
  const Runs made = run("by_systematic", with(three, 100000), 1);
  ASSERT_EQ(made.error, "");
  const runtime::Chain& chain = made.chains[0];
  ASSERT_EQ(chain.draw_count, 3);
  // Effective numbers are about 16000: four standard errors of the mean and of the deviation.
  EXPECT_NEAR(chain.draw(2)[0], 2.961484, 4 * 0.196 / std::sqrt(16000.));
  EXPECT_NEAR(chain.draw(2)[1], std::sqrt(0.0385165), 4 * 0.196 / std::sqrt(2 * 16000.));
  EXPECT_NEAR(chain.statistic(2)[0], -4.332729, 0.02);
}

TEST(ParticleFilter, ToldVarianceIsThatOfTheEvidence) {
  const int count = 4000;
  const Runs made = run("told", with(three, 60), count);
  ASSERT_EQ(made.error, "");
  double mean = 0, square = 0, told = 0, told_square = 0, fourth = 0;
  for (const runtime::Chain& chain : made.chains) {
    const double* at = chain.statistic(chain.draw_count - 1);
    const double ratio = std::exp(at[0] + 4.332729), variance = at[1] * ratio * ratio;
    mean += ratio / count;
    square += ratio * ratio / count;
    fourth += std::pow(ratio - 1, 4) / count;
    told += variance / count;
    told_square += variance * variance / count;
  }
  const double found = square - mean * mean;
  const double error = std::sqrt((told_square - told * told + fourth - found * found) / count);
  EXPECT_LT(error, 0.3 * found);
  EXPECT_NEAR(told, found, 4 * error);
}

TEST(ParticleFilter, TellsTheTailOfItsWeights) {
  for (const double shape : {0.2, 0.6, 0.9}) {
    const Runs made =
        run("tail", R"({"shape": )" + std::to_string(shape) + R"(, "particles": 100000})", 1);
    ASSERT_EQ(made.error, "");
    const runtime::Chain& chain = made.chains[0];
    // Fitted to some 950 weights.
    EXPECT_NEAR(chain.statistic(chain.draw_count - 1)[2], shape, 4 * (1 + shape) / std::sqrt(950.));
  }
}

TEST(ParticleFilter, ThreadsShareAStepAndGiveTheSameBits) {
  const std::string data = with(three, 40000);
  for (const char* infer : {"adaptive", "by_systematic", "vector_state"}) {
    const std::string its = std::string(infer) == "vector_state"
                                ? with(R"("T": 3, "y": [0.5, -0.8, -1.5])", 40000)
                                : data;
    const Runs one = run(infer, its, 1, 1);
    ASSERT_EQ(one.error, "");
    for (const int threads : {2, 4, 16}) {
      const Runs many = run(infer, its, 1, threads);
      ASSERT_EQ(many.error, "");
      for (int t = 0; t < 3; ++t)
        for (int i = 0; i < 2; ++i) {
          EXPECT_EQ(one.chains[0].statistic(t)[i], many.chains[0].statistic(t)[i]) << infer;
          EXPECT_EQ(one.chains[0].draw(t)[i], many.chains[0].draw(t)[i]) << infer;
        }
    }
  }
}

TEST(ParticleFilter, SameBitsForAnyNumberOfThreads) {
  const std::string data = with(three, 1000);
  const Runs one = run("adaptive", data, 5, 1), four = run("adaptive", data, 5, 4);
  ASSERT_EQ(one.chains.size(), four.chains.size());
  for (std::size_t i = 0; i < one.chains.size(); ++i)
    for (int t = 0; t < 3; ++t) {
      EXPECT_EQ(one.chains[i].statistic(t)[0], four.chains[i].statistic(t)[0]);
      EXPECT_EQ(one.chains[i].draw(t)[0], four.chains[i].draw(t)[0]);
    }
}

TEST(ParticleFilter, NamesTheObservationThatNoParticleExplains) {
  const Runs made = run("impossible", with(R"("T": 4, "y": [0.5, 1.5, 9, 9.5])", 500), 1);
  EXPECT_NE(made.error.find("no particle has a density above 0 at this observation"),
            std::string::npos)
      << made.error;
  EXPECT_NE(made.error.find("at site `y`: `Uniform`, at element 2"), std::string::npos)
      << made.error;
}

}  // namespace
}  // namespace borel::driver

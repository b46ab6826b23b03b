// Functions that the host supplies.
#include <atomic>
#include <cmath>
#include <thread>

#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

using Values = std::vector<double>;

constexpr const char* data =
    R"({"w": [[1, -2, 0.5], [0.25, 3, -1]], "power": 2, "y": [0, 0], "out": [0.5, -1]})";

/// What the functions below are told, and how often they were called.
struct Host {
  std::atomic<int> values{0}, gradients{0};
  int32_t failure = 0;
  double result = 0;  // of `score`, added
};

double at(const borel_array& array, std::int64_t i) {
  return static_cast<const double*>(array.data)[i];
}

// -sum((x - s)^2) / 2
int32_t quadratic(void* host, const borel_array* arguments, double* result) {
  Host& told = *static_cast<Host*>(host);
  ++told.values;
  EXPECT_EQ(arguments[0].dims[0], 3);
  EXPECT_EQ(arguments[0].dims[1], 0);
  *result = 0;
  for (int i = 0; i < 3; ++i) *result -= std::pow(at(arguments[0], i) - at(arguments[1], 0), 2) / 2;
  return told.failure;
}
int32_t quadratic_gradient(void* host, const borel_array* arguments, const double* result,
                           const double* seed, double* const* adjoints) {
  ++static_cast<Host*>(host)->gradients;
  double again = 0;
  EXPECT_EQ(quadratic(host, arguments, &again), 0);
  EXPECT_EQ(again, *result);
  *adjoints[1] = 0;
  for (int i = 0; i < 3; ++i) {
    adjoints[0][i] = -*seed * (at(arguments[0], i) - at(arguments[1], 0));
    *adjoints[1] -= adjoints[0][i];
  }
  return 0;
}

// W x^power, or 0 unless it is on; W lies column by column.
int32_t filtered(void*, const borel_array* arguments, double* result) {
  const auto power = static_cast<const std::int64_t*>(arguments[2].data)[0];
  const auto on = static_cast<const std::int64_t*>(arguments[3].data)[0];
  EXPECT_EQ(arguments[0].dims[0], 2);
  EXPECT_EQ(arguments[0].dims[1], 3);
  EXPECT_EQ(on, 1);
  for (int r = 0; r < 2; ++r) {
    result[r] = 0;
    for (int c = 0; c < 3; ++c)
      result[r] += at(arguments[0], r + 2 * c) * std::pow(at(arguments[1], c), power);
  }
  return 0;
}
int32_t filtered_gradient(void*, const borel_array* arguments, const double*, const double* seed,
                          double* const* adjoints) {
  const auto power = static_cast<const std::int64_t*>(arguments[2].data)[0];
  EXPECT_EQ(adjoints[2], nullptr);
  EXPECT_EQ(adjoints[3], nullptr);
  for (int c = 0; c < 3; ++c) {
    const double x = at(arguments[1], c);
    adjoints[1][c] = 0;
    for (int r = 0; r < 2; ++r) {
      adjoints[0][r + 2 * c] = seed[r] * std::pow(x, power);
      adjoints[1][c] += seed[r] * at(arguments[0], r + 2 * c) * static_cast<double>(power) *
                        std::pow(x, power - 1);
    }
  }
  return 0;
}

int32_t weight(void*, const borel_array* arguments, double* result) {
  *result = 0.5 * static_cast<double>(static_cast<const std::int64_t*>(arguments[0].data)[0]);
  return 0;
}

int32_t score(void* host, const borel_array* arguments, double* result) {
  Host& told = *static_cast<Host*>(host);
  *result = at(arguments[0], 0) * at(arguments[0], 1) / 2 + told.result;
  return told.failure;
}

const borel_program& program() { return compiled("tests/host/programs/callback.ppl"); }

void give(const Data& to, Host& host) {
  const borel_function functions[] = {{&host, quadratic, quadratic_gradient},
                                      {&host, filtered, filtered_gradient},
                                      {&host, weight, nullptr}};
  const char* names[] = {"quadratic", "filtered", "weight"};
  for (int i = 0; i < 3; ++i) {
    Problem problem;
    ASSERT_EQ(borel_data_function(to.get(), names[i], &functions[i], problem), BOREL_SUCCESS)
        << problem.message();
  }
}

class Callback : public testing::Test {
 protected:
  Callback() : library(open(program())), given(from_json(library, data)) {
    give(given, host);
    instance = bind_data(given);
    at_ = worker(instance);
  }
  double density(const Values& u) {
    double lp = 0;
    Problem problem;
    EXPECT_EQ(borel_log_density(at_.get(), 0, 1, u.data(), &lp, problem), BOREL_SUCCESS)
        << problem.message();
    return lp;
  }

  Host host;
  Library library;
  Data given;
  Instance instance;
  Worker at_;
};

double normal(double x, double mean) {
  return -0.5 * (x - mean) * (x - mean) - 0.5 * std::log(2 * M_PI);
}

double expected_density(const Values& u) {
  const double w[2][3] = {{1, -2, 0.5}, {0.25, 3, -1}}, out[] = {0.5, -1};
  double lp = normal(u[3], 0);
  for (int i = 0; i < 3; ++i) lp += normal(u[i], 0) - (u[i] - u[3]) * (u[i] - u[3]) / 2;
  for (int r = 0; r < 2; ++r) {
    double mean = 0;
    for (int c = 0; c < 3; ++c) mean += w[r][c] * u[c] * u[c];
    lp += normal(out[r], mean);
  }
  return lp;
}

TEST_F(Callback, DensityGradientAndDraws) {
  const Values u{0.3, -0.7, 1.1, 0.4};
  EXPECT_NEAR(density(u), expected_density(u), 1e-13);
  EXPECT_GT(host.values.load(), 0);
  EXPECT_EQ(host.gradients.load(), 0);
  double lp = 0, gradient[4];
  Problem problem;
  ASSERT_EQ(borel_log_density_gradient(at_.get(), 0, 1, u.data(), &lp, gradient, problem),
            BOREL_SUCCESS);
  EXPECT_GT(host.gradients.load(), 0);
  EXPECT_NEAR(lp, expected_density(u), 1e-13);
  for (int i = 0; i < 4; ++i) {
    Values up(u), down(u);
    up[i] += 1e-5;
    down[i] -= 1e-5;
    EXPECT_NEAR(gradient[i], (expected_density(up) - expected_density(down)) / 2e-5, 1e-8) << i;
  }
  double draw[5];
  ASSERT_EQ(borel_constrain(at_.get(), 0, u.data(), draw, problem), BOREL_SUCCESS);
  EXPECT_NEAR(draw[4], 1.25 * 0.09 + 0.49 - 0.5 * 1.21, 1e-13);
  EXPECT_EQ(borel_simulate(at_.get(), 0, {1, 2, 3}, draw, problem), BOREL_SUCCESS);
  double predicted[2], terms[2];
  ASSERT_EQ(borel_predict(at_.get(), 0, {1, 2, 3}, draw, predicted, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_log_likelihood(at_.get(), 0, draw, terms, problem), BOREL_SUCCESS);
}

TEST_F(Callback, SamplesInThreads) {
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = 4;
  options.threads = 4;
  options.warmup = 200;
  options.draws = 50;
  Values draws(4 * 50 * 5), again(draws.size());
  options.draw_values = draws.data();
  Problem problem;
  ASSERT_EQ(borel_run(instance.get(), &options, nullptr, problem), BOREL_SUCCESS)
      << problem.message();
  options.threads = 1;
  options.draw_values = again.data();
  ASSERT_EQ(borel_run(instance.get(), &options, nullptr, problem), BOREL_SUCCESS);
  EXPECT_EQ(draws, again);
}

TEST_F(Callback, FailureIsAFaultAtItsDeclaration) {
  const Values u(4, 0.1);
  host.failure = 7;
  double lp = 0, gradient[4];
  Problem problem;
  EXPECT_FAILS(borel_log_density(at_.get(), 0, 1, u.data(), &lp, problem), BOREL_RUN_FAILED,
               problem, "a function of the host failed");
  EXPECT_NE(problem.message().find("quadratic"), std::string::npos) << problem.message();
  EXPECT_NE(problem.message().find("7"), std::string::npos) << problem.message();
  EXPECT_EQ(problem.span().line, 3);
  EXPECT_FAILS(borel_log_density_gradient(at_.get(), 0, 1, u.data(), &lp, gradient, problem),
               BOREL_RUN_FAILED, problem, "a function of the host failed");
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = 1;
  EXPECT_FAILS(borel_run(instance.get(), &options, nullptr, problem), BOREL_RUN_FAILED, problem,
               "a function of the host failed");
  host.failure = 0;
  EXPECT_NEAR(density(u), expected_density(u), 1e-13);
}

TEST_F(Callback, RebindTakesOtherFunctions) {
  const borel_function half{nullptr,
                            [](void*, const borel_array*, double* result) -> int32_t {
                              *result = 0;
                              return 0;
                            },
                            nullptr};
  const Values u{0.3, -0.7, 1.1, 0.4};
  Problem problem;
  ASSERT_EQ(borel_data_function(given.get(), "weight", &half, problem), BOREL_SUCCESS);
  EXPECT_NEAR(density(u), expected_density(u), 1e-13);  // what is bound stays
  borel_data_clear(given.get());                        // functions stay
  ASSERT_EQ(borel_data_json(given.get(), data, std::string(data).size(), problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_rebind(instance.get(), given.get(), problem), BOREL_SUCCESS) << problem.message();
  double without = 0;
  for (int i = 0; i < 3; ++i) without += (u[i] - u[3]) * (u[i] - u[3]) / 2;
  EXPECT_NEAR(density(u), expected_density(u) + without, 1e-13);
}

TEST(Callbacks, Failures) {
  const Library library = open(program());
  const Data given = from_json(library, data);
  Host host;
  Problem problem;
  borel_instance* instance = nullptr;
  EXPECT_FAILS(borel_bind(given.get(), &instance, problem), BOREL_BAD_DATA, problem,
               "the host gives no function `");
  EXPECT_FALSE(problem.subject().empty());
  EXPECT_STREQ(problem.span().file == nullptr ? "" : "file", "file");
  const borel_function function{&host, quadratic, quadratic_gradient},
      no_value{&host, nullptr, quadratic_gradient}, no_gradient{&host, quadratic, nullptr};
  EXPECT_FAILS(borel_data_function(nullptr, "quadratic", &function, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  EXPECT_FAILS(borel_data_function(given.get(), nullptr, &function, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  EXPECT_FAILS(borel_data_function(given.get(), "quadratic", nullptr, problem), BOREL_BAD_ARGUMENT,
               problem, "is null");
  EXPECT_FAILS(borel_data_function(given.get(), "quadratic", &no_value, problem),
               BOREL_BAD_ARGUMENT, problem, "is null");
  EXPECT_FAILS(borel_data_function(given.get(), "cubic", &function, problem), BOREL_BAD_ARGUMENT,
               problem, "the program asks for no function `cubic`");
  EXPECT_FAILS(borel_data_function(given.get(), "quadratic", &no_gradient, problem),
               BOREL_BAD_ARGUMENT, problem, "lacks its gradient");
  // All but one.
  give(given, host);
  const Data other = from_json(library, data);
  const borel_function last{nullptr, weight, nullptr};
  ASSERT_EQ(borel_data_function(other.get(), "weight", &last, problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_bind(other.get(), &instance, problem), BOREL_BAD_DATA, problem,
               "the host gives no function `");
  EXPECT_NE(problem.subject(), "weight");
}

driver::PipelineOptions options_of(const char* file, const char* infer = "") {
  driver::PipelineOptions options;
  options.file = std::string(BOREL_SOURCE "/") + file;
  options.infer = infer;
  return options;
}

// Where nobody asks for the derivative, there is none.
TEST(Callbacks, WithoutADerivative) {
  SourceManager sources;
  Diagnostics diagnostics;
  driver::StageTimes times;
  const auto loaded = driver::load(options_of("tests/host/programs/underived.ppl", "main"), sources,
                                   diagnostics, times);
  ASSERT_TRUE(loaded.has_value()) << render(diagnostics, sources);
  const Library library = open(**loaded);
  borel_data* raw = nullptr;
  ASSERT_EQ(borel_data_create(library.get(), &raw, nullptr), BOREL_SUCCESS);
  const Data given(raw);
  Host host;
  const borel_function function{&host, score, nullptr};
  Problem problem;
  ASSERT_EQ(borel_data_function(given.get(), "score", &function, problem), BOREL_SUCCESS);
  const Instance instance = bind_data(given);
  const Worker at = worker(instance);
  const double u[2] = {0.5, -1.5};
  double lp = 0, gradient[2];
  ASSERT_EQ(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_SUCCESS);
  EXPECT_NEAR(lp, normal(0.5, 0) + normal(-1.5, 0) - 0.375, 1e-14);
  EXPECT_FAILS(borel_log_density_gradient(at.get(), 0, 1, u, &lp, gradient, problem),
               BOREL_NOT_SUPPORTED, problem, "without the gradient");
  // A log weight of -infinity is a density of 0; NaN is none.
  host.result = -INFINITY;
  ASSERT_EQ(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_SUCCESS);
  EXPECT_EQ(lp, -INFINITY);
  host.result = NAN;
  EXPECT_FAILS(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_RUN_FAILED, problem,
               "nan");
  host.result = 0;
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = 2;
  options.draws = 4000;
  Values draws(2 * 4000 * 2);
  options.draw_values = draws.data();
  ASSERT_EQ(borel_run(instance.get(), &options, nullptr, problem), BOREL_SUCCESS)
      << problem.message();
  double product = 0;
  for (size_t i = 0; i < draws.size(); i += 2) product += draws[i] * draws[i + 1] / 8000;
  EXPECT_NEAR(product, 2. / 3, 0.25);  // of precision [1, -1/2; -1/2, 1]
}

std::string errors_of(const char* file, const char* infer, bool hessian = false) {
  driver::PipelineOptions options = options_of(file, infer);
  options.functions.hessian = hessian;
  SourceManager sources;
  Diagnostics diagnostics;
  driver::StageTimes times;
  EXPECT_FALSE(driver::load(options, sources, diagnostics, times).has_value());
  return render(diagnostics, sources);
}

TEST(Callbacks, ADerivativeThatNobodyGivesIsAnError) {
  const std::string text = errors_of("tests/host/programs/underived.ppl", "steep");
  EXPECT_NE(text.find("underived.ppl:6:3"), std::string::npos) << text;
  EXPECT_NE(text.find("'score' of the host cannot be differentiated"), std::string::npos) << text;
  const std::string second = errors_of("tests/host/programs/callback.ppl", "", true);
  EXPECT_NE(second.find("of the host cannot be differentiated"), std::string::npos) << second;
}

}  // namespace
}  // namespace borel::host::test

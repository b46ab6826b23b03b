// The functions of bridgestan.h from C++, with eight schools linked in: what Python's client cannot
// reach, and what sanitizers are to watch.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "runtime/bridgestan/bridgestan.h"

namespace {

constexpr const char* data =
    R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})";
constexpr int dimension = 10, parameters = 10, all = 18;

// A message that the caller frees.
class Message {
 public:
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() { bs_free_error_msg(text_); }
  operator char**() { return &text_; }
  std::string take() {
    std::string out = text_ == nullptr ? "" : text_;
    bs_free_error_msg(text_);
    text_ = nullptr;
    return out;
  }

 private:
  char* text_ = nullptr;
};

class BridgeStan : public testing::Test {
 protected:
  void SetUp() override {
    Message message;
    model = bs_model_construct(data, 1, message);
    ASSERT_NE(model, nullptr) << message.take();
  }
  void TearDown() override { bs_model_destruct(model); }

  bs_model* model = nullptr;
};

TEST_F(BridgeStan, SuccessLeavesTheMessageAlone) {
  char untouched = 'x';
  char* message = &untouched;
  const std::vector<double> u(dimension, 0.25);
  std::vector<double> theta(all), gradient(dimension), hessian(dimension * dimension);
  std::vector<double> point(dimension);
  double lp = 0;
  bs_rng* rng = bs_rng_construct(3, &message);
  ASSERT_NE(rng, nullptr);
  EXPECT_EQ(bs_param_constrain(model, true, true, u.data(), theta.data(), rng, &message), 0);
  EXPECT_EQ(bs_param_unconstrain(model, theta.data(), point.data(), &message), 0);
  EXPECT_EQ(bs_log_density(model, true, true, u.data(), &lp, &message), 0);
  EXPECT_EQ(bs_log_density_gradient(model, true, true, u.data(), &lp, gradient.data(), &message),
            0);
  EXPECT_EQ(bs_log_density_hessian(model, true, true, u.data(), &lp, gradient.data(),
                                   hessian.data(), &message),
            0);
  EXPECT_EQ(bs_log_density_hessian_vector_product(model, true, true, u.data(), gradient.data(), &lp,
                                                  point.data(), &message),
            0);
  EXPECT_EQ(bs_param_initialize(model, nullptr, rng, 2, 100, true, point.data(), &message), 0);
  EXPECT_EQ(bs_param_initialize(model, "", rng, 2, 100, true, point.data(), &message), 0);
  EXPECT_EQ(bs_set_print_callback(nullptr, &message), 0);
  EXPECT_EQ(message, &untouched);
  bs_rng_destruct(rng);
}

TEST_F(BridgeStan, FailuresNeedNoPlaceForTheMessage) {
  std::vector<double> u(dimension, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> out(all), matrix(dimension * dimension);
  double lp = 0;
  EXPECT_EQ(bs_model_construct("{", 1, nullptr), nullptr);
  EXPECT_EQ(bs_model_construct("/no/such.json", 1, nullptr), nullptr);
  EXPECT_EQ(bs_log_density(model, true, true, u.data(), &lp, nullptr), -1);
  EXPECT_EQ(bs_log_density_gradient(model, true, true, u.data(), &lp, out.data(), nullptr), -1);
  EXPECT_EQ(
      bs_log_density_hessian(model, true, true, u.data(), &lp, out.data(), matrix.data(), nullptr),
      -1);
  EXPECT_EQ(bs_param_unconstrain(model, u.data(), out.data(), nullptr), -1);
  EXPECT_EQ(bs_param_unconstrain_json(model, "{", out.data(), nullptr), -1);
  EXPECT_EQ(bs_param_unconstrain_json(model, nullptr, out.data(), nullptr), -1);
  EXPECT_EQ(bs_param_initialize(model, nullptr, nullptr, 2, 100, true, out.data(), nullptr), -1);
  EXPECT_EQ(bs_param_constrain(model, true, true, u.data(), out.data(), nullptr, nullptr), -1);
  bs_free_error_msg(nullptr);
  bs_model_destruct(nullptr);
  bs_rng_destruct(nullptr);
}

TEST_F(BridgeStan, WritesAsMuchAsItSays) {
  const std::vector<double> u(dimension, 0.25);
  for (const bool include_tp : {false, true}) {
    const int count = bs_param_num(model, include_tp, false);
    EXPECT_EQ(count, include_tp ? all : parameters);
    std::vector<double> theta(static_cast<std::size_t>(count));  // AddressSanitizer knows its end
    Message message;
    EXPECT_EQ(
        bs_param_constrain(model, include_tp, false, u.data(), theta.data(), nullptr, message), 0)
        << message.take();
  }
}

// More threads than a model keeps desks for; all see the same numbers.
TEST_F(BridgeStan, AnyNumberOfThreads) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(-2, 2);
  constexpr int points = 20;
  std::vector<std::vector<double>> u(points, std::vector<double>(dimension)), expected = u;
  std::vector<double> densities(points);
  for (int i = 0; i < points; ++i) {
    for (double& x : u[i]) x = uniform(random);
    ASSERT_EQ(bs_log_density_gradient(model, true, true, u[i].data(), &densities[i],
                                      expected[i].data(), nullptr),
              0);
  }
  std::vector<int> wrong(100, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 100; ++t) {
    threads.emplace_back([&, t] {
      std::vector<double> gradient(dimension), theta(all), back(dimension);
      for (int repeat = 0; repeat < 5; ++repeat) {
        for (int i = 0; i < points; ++i) {
          double lp = 0;
          bs_log_density_gradient(model, true, true, u[i].data(), &lp, gradient.data(), nullptr);
          wrong[t] += lp != densities[i] || gradient != expected[i];
          bs_param_constrain(model, true, false, u[i].data(), theta.data(), nullptr, nullptr);
          bs_param_unconstrain(model, theta.data(), back.data(), nullptr);
          wrong[t] += std::abs(back[1] - u[i][1]) > 1e-12;
          Message message;
          wrong[t] += bs_param_unconstrain_json(model, "{", back.data(), message) != -1 ||
                      message.take().empty();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(100, 0));
}

// Texts cut, doubled and damaged: each is read or refused with a message.
TEST_F(BridgeStan, AnyTextIsSafe) {
  const std::string values = R"({"mu": 1.5, "tau": 2, "z": [1, 2, 3, 4, 5, 6, 7, -8e-1]})";
  std::mt19937_64 random(11);
  std::vector<double> u(dimension);
  int read = 0;
  bs_rng* rng = bs_rng_construct(5, nullptr);
  for (int i = 0; i < 3000; ++i) {
    std::string text = i == 0 ? values : i % 2 == 0 ? values : std::string(data);
    for (int change = i == 0 ? 0 : 1 + static_cast<int>(random() % 3); change > 0; --change) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
        case 0:
          text.resize(at);
          break;
        case 1:
          text.insert(at, 1, "[]{},:\"0-e.n\\ "[random() % 14]);
          break;
        case 2:
          text.insert(at, text.substr(at / 2));
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(1 + random() % 255);
      }
    }
    Message message;
    const bool is_values = bs_param_unconstrain_json(model, text.c_str(), u.data(), message) == 0;
    read += is_values;
    ASSERT_EQ(is_values, message.take().empty()) << text;
    const bool starts =
        bs_param_initialize(model, text.c_str(), rng, 1, 3, true, u.data(), message) == 0;
    ASSERT_EQ(starts, message.take().empty()) << text;
    bs_model* made = bs_model_construct(text.c_str(), 1, message);
    ASSERT_EQ(made != nullptr, message.take().empty()) << text;
    bs_model_destruct(made);
  }
  EXPECT_GT(read, 0);
  bs_rng_destruct(rng);
}

}  // namespace

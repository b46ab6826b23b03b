// Draws that R and C++ make alike: Lehmer's generator and the four operations of arithmetic, which
// are the same bits in both. summary_golden.R has the same definitions.
#ifndef BOREL_TESTS_UNIT_RUNTIME_SUMMARY_CASES_H
#define BOREL_TESTS_UNIT_RUNTIME_SUMMARY_CASES_H

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace borel::io::test {

class Lehmer {
 public:
  explicit Lehmer(std::int64_t seed) : x_(seed) {}
  double uniform() {
    x_ = x_ * 16807 % 2147483647;
    return static_cast<double>(x_) / 2147483647;
  }
  double noise() {
    double sum = uniform();
    sum += uniform();
    sum += uniform();
    return sum - 1.5;
  }

 private:
  std::int64_t x_;
};

// Chain after chain.
inline std::vector<double> make_draws(const std::string& kind, std::int64_t chains,
                                      std::int64_t iterations) {
  Lehmer random(20201);
  std::vector<double> draws;
  for (std::int64_t c = 0; c < chains; ++c) {
    double x = 0;
    for (std::int64_t i = 0; i < iterations; ++i) {
      const double e = random.noise(), u = random.uniform();
      const bool first = draws.empty();
      if (kind == "iid") {
        x = e;
      } else if (kind == "slow") {
        x = 0.9 * x + e;
      } else if (kind == "slower") {
        x = 0.99 * x + e;
      } else if (kind == "antithetic") {
        x = -0.7 * x + e;
      } else if (kind == "ties") {
        x = std::floor(4 * u);
      } else if (kind == "binary") {
        x = u < 0.5 ? 1 : 0;
      } else if (kind == "rare") {
        x = u < 0.03 ? 1 : 0;
      } else if (kind == "heavy") {
        x = (u - 0.5) / (u * (1 - u) * u);
      } else if (kind == "shifted") {
        x = e + 0.5 * static_cast<double>(c);
      } else if (kind == "drift") {
        x = e + static_cast<double>(i) / static_cast<double>(iterations);
      } else if (kind == "constant") {
        x = 3.25;
      } else if (kind == "offset") {
        x = 1e6 + e;
      } else if (kind == "tiny") {
        x = 1e-18 * e;
      } else if (kind == "infinite") {
        x = first ? std::numeric_limits<double>::infinity() : e;
      } else if (kind == "nan") {
        x = first ? std::numeric_limits<double>::quiet_NaN() : e;
      }
      draws.push_back(x);
    }
  }
  return draws;
}

}  // namespace borel::io::test

#endif

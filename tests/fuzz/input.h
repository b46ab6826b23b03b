// What the bytes of an input stand for: numbers, texts, and changes of texts.
#ifndef BOREL_TESTS_FUZZ_INPUT_H
#define BOREL_TESTS_FUZZ_INPUT_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace borel::fuzz {

class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

  bool at_end() const { return at_ == end_; }
  std::uint8_t byte() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
  int below(int limit) { return byte() % limit; }
  std::uint64_t word() {
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) {
      out = out << 8 | byte();
    }
    return out;
  }
  double real() {
    constexpr double known[] = {0,    1,    -1,      0.5, 0.3,       -2,    3,     10,
                                1e-8, -1e3, 1e300,   1e9, 4.5,       -0.25, 7.5e2, 2147483648.,
                                -0.,  1e19, -1e-320, 100, 0.9999999, 6,     -4,    0.01};
    const int kind = below(32);
    if (kind < 24) {
      return known[kind];
    }
    if (kind < 28) {
      return static_cast<std::int8_t>(byte()) / 16.;
    }
    if (kind == 28) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (kind == 29) {
      return byte() % 2 == 0 ? HUGE_VAL : -HUGE_VAL;
    }
    const std::uint64_t bits = word();
    double out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
  std::vector<double> reals(std::int64_t count) {
    std::vector<double> out(static_cast<std::size_t>(count));
    // A few numbers again and again: long points from few bytes.
    const std::size_t period = static_cast<std::size_t>(1 + below(8));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = i < period ? real() : out[i - period];
    }
    return out;
  }
  std::string text(std::size_t most) {
    const std::size_t wanted = std::min<std::size_t>(most, 256u * byte() + byte());
    const std::size_t size = std::min<std::size_t>(wanted, static_cast<std::size_t>(end_ - at_));
    std::string out(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return out;
  }
  // Some of its bytes changed, put in, taken out or doubled.
  void change(std::string& text) {
    for (int edits = below(6); edits > 0 && !text.empty(); --edits) {
      const std::size_t place = (256u * byte() + byte()) % text.size();
      switch (below(5)) {
        case 0:
          text[place] = static_cast<char>(byte());
          break;
        case 1:
          text.insert(place, 1, "0123456789-+.,[]{}\"eENaInfty:\\ "[below(31)]);
          break;
        case 2:
          text.erase(place, 1 + byte() % 16u);
          break;
        case 3:
          text[place] = static_cast<char>(text[place] ^ (1 << below(8)));
          break;
        default:
          text.insert(place, text.substr(place, 1 + byte() % 16u));
      }
    }
  }

 private:
  const std::uint8_t *at_, *end_;
};

}  // namespace borel::fuzz

#endif

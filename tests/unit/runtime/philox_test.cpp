#include "runtime/core/philox.h"

#include <gtest/gtest.h>

namespace borel::runtime {
namespace {

// The known answers that Random123 publishes for philox4x32-10.
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) ==
              PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                         {0xffffffff, 0xffffffff}) ==
              PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                         {0xa4093822, 0x299f31d0}) ==
              PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

// SplitMix64 seeded with 1234567 gives this first; mix64 is its finaliser.
static_assert(mix64(1234567 + 0x9e3779b97f4a7c15u) == 6457827717110365317u);

TEST(Philox, UniformsExcludeTheEndsAndAreSymmetric) {
  EXPECT_EQ(uniform_from_word(0), 0x1p-53);
  EXPECT_EQ(uniform_from_word(~std::uint64_t{0}), 1 - 0x1p-53);
  EXPECT_EQ(uniform_from_word(0xfff), 0x1p-53);  // the low 12 bits are not used
  EXPECT_EQ(uniform_from_word(0x1000), 3 * 0x1p-53);
  for (const std::uint64_t word : {0x0123456789abcdefu, 0xfedcba9876543210u, 0x8000000000000000u}) {
    EXPECT_EQ(uniform_from_word(word) + uniform_from_word(~word), 1.0);
  }
}

TEST(Philox, WordsArePinned) {
  // From an implementation of the definition in another language. They must never change, or
  // seeds would lose their meaning.
  const borel_key key{42, 3, 17};
  const auto words = random_words(key, 5);
  EXPECT_EQ(words[0], 0x4f6e2cebb0c5fce2u);
  EXPECT_EQ(words[1], 0xebf7876e16586dd2u);
  const auto wide = random_words({0xffffffffffffffffu, 1u << 20, 0x123456789abcdefu}, 1ull << 40);
  EXPECT_EQ(wide[0], 0x83ee7c9a7ad6d051u);
  EXPECT_EQ(wide[1], 0x293c7a6d35eed347u);
}

TEST(Philox, EveryPartOfTheKeyMatters) {
  const auto base = random_words({1, 2, 3}, 4);
  EXPECT_NE(base, random_words({2, 2, 3}, 4));
  EXPECT_NE(base, random_words({1, 3, 3}, 4));
  EXPECT_NE(base, random_words({1, 2, 4}, 4));
  EXPECT_NE(base, random_words({1, 2, 3}, 5));
  EXPECT_NE(base, random_words({1, 2, 3 + (1ull << 32)}, 4));
  EXPECT_NE(base, random_words({1, 2, 3}, 4 + (1ull << 32)));
  EXPECT_NE(base, random_words({2, 1, 3}, 4));  // seed and stream are not interchangeable
}

TEST(Philox, UniformsLookUniform) {
  constexpr int cells = 64, count = 1 << 16;
  std::array<int, cells> seen{};
  double sum = 0;
  for (std::uint64_t i = 0; i < count / 2; ++i) {
    for (const double u : random_uniforms({7, 0, 1}, i)) {
      ++seen[static_cast<std::size_t>(u * cells)];
      sum += u;
    }
  }
  double chi2 = 0;
  const double expected = static_cast<double>(count) / cells;
  for (const int n : seen) {
    chi2 += (n - expected) * (n - expected) / expected;
  }
  EXPECT_LT(chi2, 117);  // 63 degrees of freedom: the 1e-4 point on either side
  EXPECT_GT(chi2, 27);
  EXPECT_NEAR(sum / count, 0.5, 4 * 0.2887 / 256);
}

}  // namespace
}  // namespace borel::runtime

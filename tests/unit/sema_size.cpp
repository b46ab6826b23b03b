// Symbolic extents.
#include <gtest/gtest.h>

#include <limits>

#include "compiler/sema/size.h"

namespace borel::sema {
namespace {

const typed::VarId n{0}, m{1};

std::string shown(const typed::Size& size) {
  return text(size, [](typed::VarId v) { return v == n ? "n" : "m"; });
}

TEST(Size, IsCanonical) {
  typed::Size a = add(variable_size(n), constant_size(1));
  typed::Size b = add(constant_size(1), variable_size(n));
  EXPECT_EQ(a, b);
  EXPECT_EQ(subtract(a, b), constant_size(0));
  EXPECT_EQ(multiply(variable_size(n), variable_size(m)),
            multiply(variable_size(m), variable_size(n)));
  EXPECT_EQ(shown(multiply(a, subtract(variable_size(n), constant_size(1)))), "n * n - 1");
  EXPECT_EQ(shown(constant_size(0)), "0");
  EXPECT_EQ(shown(subtract(constant_size(2), variable_size(m))), "-m + 2");
}

TEST(Size, TellsConstantsAndSingleVariables) {
  EXPECT_EQ(constant_value(subtract(variable_size(n), variable_size(n))), 0);
  EXPECT_EQ(constant_value(constant_size(-3)), -3);
  EXPECT_EQ(constant_value(variable_size(n)), std::nullopt);
  EXPECT_EQ(single_variable(variable_size(m)), m);
  EXPECT_EQ(single_variable(add(variable_size(m), variable_size(m))), std::nullopt);
}

TEST(Size, SubstitutesPolynomials) {
  typed::Size square = multiply(variable_size(n), variable_size(n));
  auto with = [](typed::VarId v) -> std::optional<typed::Size> {
    if (v == n) return add(variable_size(m), constant_size(1));
    return std::nullopt;
  };
  EXPECT_EQ(shown(*substitute(square, with)), "m * m + 2 * m + 1");
  EXPECT_EQ(substitute(variable_size(m), with), std::nullopt);
}

TEST(Size, KnowsWhatInt64HasNoRoomFor) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const typed::Size large = multiply(constant_size(int64_t{1} << 62), variable_size(n));
  EXPECT_TRUE(is_exact(large));
  EXPECT_FALSE(is_exact(multiply(large, constant_size(4))));
  EXPECT_FALSE(is_exact(add(constant_size(most - 1), constant_size(7))));
  EXPECT_FALSE(is_exact(subtract(constant_size(-most + 1), constant_size(7))));
  EXPECT_FALSE(is_exact(constant_size(std::numeric_limits<int64_t>::min())));
  const typed::Size sum = add(variable_size(n), constant_size(int64_t{1} << 40));
  const typed::Size difference = subtract(variable_size(n), constant_size(int64_t{1} << 40));
  EXPECT_TRUE(is_exact(add(sum, difference)));
  EXPECT_FALSE(is_exact(multiply(sum, difference)));
}

TEST(Size, OrdersWhatIsPlain) {
  EXPECT_TRUE(surely_at_most(variable_size(n), add(variable_size(n), variable_size(m))));
  EXPECT_TRUE(surely_at_most(constant_size(0), variable_size(n)));
  EXPECT_FALSE(surely_at_most(constant_size(1), variable_size(n)));
  EXPECT_FALSE(surely_at_most(variable_size(n), variable_size(m)));
}

}  // namespace
}  // namespace borel::sema

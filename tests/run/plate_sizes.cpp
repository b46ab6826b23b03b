// Log densities and gradients of seven shapes of models at plate sizes from 0 to 1e6, against plain
// C++ (plate_sizes/shapes.h). A program is compiled once: sizes are read from the data.
#include "tests/run/plate_sizes/shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/driver/pipeline.h"

namespace borel::plate_sizes {
namespace {

class PlateSizes : public ::testing::TestWithParam<Shape> {};

/// 1e-8 of each element, or of 1 where the element is smaller.
double tolerance(double expected) { return 1e-8 * std::max(1.0, std::fabs(expected)); }

void compare(const Case& one, const runtime::Instance& instance) {
  const borel_model& model = instance.machine_model();
  const std::size_t dimension = one.u.size();
  ASSERT_EQ(static_cast<std::size_t>(instance.dimension(model)), dimension);
  std::vector<double> expected(dimension), gradient(dimension, NAN);
  const double value = one.plain(one.u.data(), expected.data());
  runtime::Workspace workspace;
  double lp = NAN, alone = NAN;
  ASSERT_EQ(workspace.run([&](borel_workspace* ws) {
    return model.log_density_gradient(instance.get(), ws, one.u.data(), &lp, gradient.data());
  }),
            BOREL_OK);
  ASSERT_EQ(workspace.run([&](borel_workspace* ws) {
    return model.log_density(instance.get(), ws, one.u.data(), &alone);
  }),
            BOREL_OK);
  EXPECT_NEAR(lp, value, tolerance(value));
  EXPECT_NEAR(alone, value, tolerance(value));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < dimension; ++i)
    if (!(std::fabs(gradient[i] - expected[i]) <= tolerance(expected[i])) && ++wrong <= 5)
      ADD_FAILURE() << "coordinate " << i << ": " << gradient[i] << " is not " << expected[i];
  EXPECT_EQ(wrong, 0u);
}

TEST_P(PlateSizes, AreRight) {
  driver::PipelineOptions options;
  options.file = std::string(BOREL_PLATE_SIZES) + "/" + GetParam().name + ".ppl";
  options.functions.constrain = options.functions.unconstrain = options.functions.simulate = false;
  for (const Column& column : GetParam().make(1).columns) options.data_names.insert(column.name);
  SourceManager sources;
  Diagnostics diagnostics;
  driver::StageTimes times;
  const auto program = driver::load(options, sources, diagnostics, times);
  ASSERT_TRUE(program) << options.file << " does not compile";

  std::vector<std::int64_t> all(sizes.begin(), sizes.end());
  for (std::int64_t size = 2; size <= 40; ++size) all.push_back(size);
  for (const std::int64_t size : all) {
    SCOPED_TRACE("size " + std::to_string(size));
    const Case one = GetParam().make(size);
    auto bound = runtime::Instance::bind(**program, input_data(**program, one.columns));
    const auto* error = std::get_if<runtime::Error>(&bound);
    ASSERT_EQ(error, nullptr) << error->text;
    compare(one, std::get<runtime::Instance>(bound));
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlateSizes, ::testing::ValuesIn(shapes().begin(), shapes().end()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace borel::plate_sizes

#include "bench/sizes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/borel_model.h"
#include "bench/timing.h"
#include "bench/write_json.h"
#include "compiler/driver/pipeline.h"
#include "tests/run/plate_sizes/shapes.h"

namespace borel::bench {
namespace {

struct SizeRow {
  double ns = 0, error = 0;
};

/// The largest error of value and gradient, relative to each element (to 1 below 1), and the time.
SizeRow measure(const borel_program& program, const plate_sizes::Case& one) {
  auto bound = runtime::Instance::bind(program, plate_sizes::input_data(program, one.columns));
  if (const auto* error = std::get_if<runtime::Error>(&bound))
    throw std::runtime_error(error->text);
  const auto& instance = std::get<runtime::Instance>(bound);
  std::vector<double> gradient(one.u.size()), expected(one.u.size());
  runtime::Workspace workspace;
  const auto call = [&](const double* u, double* out) {
    return log_density_gradient(instance, workspace, u, out);
  };
  const double value = one.plain(one.u.data(), expected.data());
  const auto relative = [](double got, double wanted) {
    const double error = std::fabs(got - wanted) / std::max(1.0, std::fabs(wanted));
    return std::isnan(error) ? INFINITY : error;
  };
  SizeRow row;
  row.error = relative(call(one.u.data(), gradient.data()), value);
  for (std::size_t i = 0; i < expected.size(); ++i)
    row.error = std::max(row.error, relative(gradient[i], expected[i]));
  row.ns = time_gradient(call, one.u).median_ns;
  return row;
}

}  // namespace

int measure_sizes(const std::string& json) {
  std::printf("%-12s %9s %13s %13s %10s\n", "shape", "size", "borel_ns", "ns/element", "error");
  nlohmann::json table = nlohmann::json::array();
  int wrong = 0;
  for (const plate_sizes::Shape& shape : plate_sizes::shapes()) {
    driver::PipelineOptions options;
    options.file = std::string(BOREL_PLATE_SIZES) + "/" + shape.name + ".ppl";
    options.functions.constrain = options.functions.unconstrain = false;
    options.functions.simulate = false;
    for (const plate_sizes::Column& column : shape.make(1).columns)
      options.data_names.insert(column.name);
    SourceManager sources;
    Diagnostics diagnostics;
    driver::StageTimes times;
    const auto program = driver::load(options, sources, diagnostics, times);
    driver::print_diagnostics(diagnostics, sources);
    if (!program) {
      ++wrong;
      continue;
    }
    for (const std::int64_t size : plate_sizes::sizes) {
      try {
        const SizeRow row = measure(**program, shape.make(size));
        const bool right = row.error <= 1e-8;
        std::printf("%-12s %9lld %13.1f", shape.name, static_cast<long long>(size), row.ns);
        if (size > 0) {
          std::printf(" %13.3f", row.ns / static_cast<double>(size));
        } else {
          std::printf(" %13s", "-");
        }
        std::printf(" %10.1e%s\n", row.error, right ? "" : "  WRONG");
        std::fflush(stdout);
        if (!right) ++wrong;
        table.push_back({{"shape", shape.name},
                         {"size", size},
                         {"borel_ns", row.ns},
                         {"max_rel_err", row.error}});
      } catch (const std::exception& error) {
        std::printf("%-12s %9lld %s\n", shape.name, static_cast<long long>(size), error.what());
        ++wrong;
      }
    }
  }
  write_json(json, table);
  return wrong;
}

}  // namespace borel::bench

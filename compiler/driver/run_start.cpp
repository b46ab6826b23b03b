#include "compiler/driver/run_start.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/driver/messages.h"
#include "runtime/io/data.h"

namespace borel::driver {
namespace {

std::optional<double> read_radius(const std::string& text) {
  double radius = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), radius);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return radius;
}

}  // namespace

int read_start(const SampleArguments& arguments, const BoundProgram& bound,
               runtime::SampleOptions& options) {
  if (arguments.initial.empty()) return exit_ok;
  const std::string& text = arguments.initial;
  if (const auto radius = read_radius(text)) {
    if (!(*radius >= 0) || std::isinf(*radius)) {
      std::cerr << "error: --init wants a radius of 0 or more, or a file\n";
      return exit_usage;
    }
    options.initial_radius = *radius;
    return exit_ok;
  }
  const runtime::Instance& instance = *bound.instance;
  const borel_model& model = instance.machine_model();
  auto read = io::JsonDocument::read(text);
  if (const auto* problem = std::get_if<io::JsonError>(&read)) {
    const io::DataProblem shown = io::file_problem(*problem);
    print_problems({&shown, 1}, bound.sources);
    return exit_data;
  }
  const auto& document = std::get<io::JsonDocument>(read);
  const std::int64_t dimension = instance.dimension(model);
  if (document.find("params_r")) {
    auto point = io::read_vector(document, "params_r", dimension);
    print_problems(point.problems, bound.sources);
    if (!point.ok()) return exit_data;
    options.initial = {std::move(point.values)};
    return exit_ok;
  }
  if (model.unconstrain == nullptr) {
    std::cerr << "error: the machine's draws are of no model that --init could start by name\n";
    return exit_usage;
  }
  const auto latents = io::read_latents(instance, model, document);
  print_problems(latents.problems, bound.sources);
  if (!latents.ok()) return exit_data;
  std::vector<double> u(static_cast<std::size_t>(dimension));
  runtime::Workspace workspace;
  const borel_status status = workspace.run([&](borel_workspace* ws) {
    return model.unconstrain(instance.get(), ws, latents.values.data(), u.data());
  });
  if (status != BOREL_OK) {
    const auto fault = runtime::describe_fault(**bound.program, workspace.get()->fault);
    print_error(fault, bound.sources);
    return exit_code(fault);
  }
  for (const double x : u) {
    if (std::isfinite(x)) continue;
    std::cerr << "error: '" << text << "' holds a value outside its site's support\n";
    return exit_data;
  }
  options.initial = {std::move(u)};
  return exit_ok;
}

std::string initial_file(const SampleArguments& arguments) {
  return read_radius(arguments.initial) ? std::string() : arguments.initial;
}

}  // namespace borel::driver

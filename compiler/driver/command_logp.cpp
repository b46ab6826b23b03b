#include <charconv>
#include <cmath>
#include <iostream>
#include <variant>
#include <vector>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/unconstrained_names.h"
#include "runtime/core/density.h"
#include "runtime/io/data.h"
#include "runtime/io/quantities.h"

namespace borel::driver {
namespace {

/// CmdStan's spelling of what JSON has no number for.
std::string json_number(double x) {
  if (std::isnan(x)) return "\"NaN\"";
  if (std::isinf(x)) return x > 0 ? "\"+inf\"" : "\"-inf\"";
  return runtime::number_text(x);
}

}  // namespace

int run_logp(const LogpArguments& arguments) {
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  functions.predict = functions.log_likelihood = false;
  BoundProgram bound;
  if (const int code =
          bind_program(arguments.program, arguments.data, functions, bound, {arguments.settings})) {
    return code;
  }
  const runtime::Instance& instance = *bound.instance;
  const borel_program& program = **bound.program;
  if (program.model_count == 0) {
    std::cerr << "error: the program conditions no model\n";
    return exit_program;
  }
  const borel_model* found = program.machine ? &instance.machine_model() : nullptr;
  // The draws of a machine may be of none of its models.
  for (std::int32_t i = 0; i < program.model_count; ++i)
    if (found == nullptr || (found->dimension(instance.get()) == 0 && !found->log_density))
      found = &instance.model(i);
  const borel_model& model = *found;
  if (model.log_density_gradient == nullptr) {
    std::cerr << "error: the model '" << model.name << "' has no gradient\n";
    return exit_program;
  }
  const std::int64_t dimension = instance.dimension(model);

  auto document = io::JsonDocument::read(arguments.at);
  if (const auto* error = std::get_if<io::JsonError>(&document)) {
    const io::DataProblem problem = io::file_problem(*error);
    print_problems({&problem, 1}, bound.sources);
    return exit_data;
  }
  const io::LatentsResult point =
      io::read_vector(std::get<io::JsonDocument>(document), "params_r", dimension);
  print_problems(point.problems, bound.sources);
  if (!point.ok()) return exit_data;

  std::vector<double> gradient(static_cast<std::size_t>(dimension));
  double lp = 0;
  runtime::Workspace workspace;
  const auto function =
      arguments.jacobian ? model.log_density_gradient : model.log_density_gradient_plain;
  const borel_status status = workspace.run([&](borel_workspace* ws) {
    return function(instance.get(), ws, point.values.data(), &lp, gradient.data());
  });
  if (status != BOREL_OK) {
    const runtime::Error error = runtime::describe_fault(program, workspace.get()->fault);
    print_error(error, bound.sources);
    return exit_code(error);
  }

  if (!std::isfinite(lp)) {
    if (const auto why = runtime::explain_not_finite(instance, model, point.values))
      print_error(*why, bound.sources);
  }

  const auto names = unconstrained_names(instance, model);
  std::cout << "{\"lp\": " << json_number(lp) << ",\n \"grad\": [";
  for (std::size_t i = 0; i < gradient.size(); ++i)
    std::cout << (i ? ", " : "") << json_number(gradient[i]);
  std::cout << "],\n \"names\": [";
  for (std::size_t i = 0; i < names.size(); ++i)
    std::cout << (i ? ", " : "") << '"' << names[i] << '"';
  std::cout << "]}\n" << std::flush;
  if (arguments.program.time_passes) print_times(bound.times, std::cerr);
  return std::cout.good() ? exit_ok : exit_output;
}

}  // namespace borel::driver

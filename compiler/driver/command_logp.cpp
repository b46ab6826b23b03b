#include <charconv>
#include <cmath>
#include <iostream>
#include <variant>
#include <vector>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/messages.h"
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

/// Names of the elements of u: those of latent sites, or u_names counted from 1 where a site has
/// another number of reals than elements.
std::vector<std::string> unconstrained_names(const runtime::Instance& instance,
                                             const borel_model& model, std::int64_t dimension) {
  std::vector<std::string> names(static_cast<std::size_t>(dimension));
  std::vector<std::int64_t> offsets;
  for (std::int32_t s = 0; s < model.site_count && model.sites[s].kind == BOREL_LATENT; ++s)
    offsets.push_back(instance.site_shape(model, s).offset);
  for (std::size_t s = 0; s < offsets.size(); ++s) {
    const runtime::SiteShape shape = instance.site_shape(model, static_cast<std::int32_t>(s));
    const std::int64_t end = s + 1 < offsets.size() ? offsets[s + 1] : dimension;
    const bool matrix = model.sites[s].layout == BOREL_COLUMN_MAJOR;
    for (std::int64_t k = 0; k < end - offsets[s]; ++k) {
      std::string name = model.sites[s].name;
      if (end - offsets[s] != shape.count) {
        name += "." + std::to_string(k + 1);
      } else {
        std::vector<std::int64_t> dims = shape.dims;
        const std::size_t rank = dims.size();
        if (matrix) std::swap(dims[rank - 1], dims[rank - 2]);
        std::vector<std::int64_t> index(rank);
        std::int64_t rest = k;
        for (std::size_t d = rank; d-- > 0; rest /= dims[d]) index[d] = rest % dims[d];
        if (matrix) std::swap(index[rank - 1], index[rank - 2]);
        for (const std::int64_t i : index) name += "." + std::to_string(i + 1);
      }
      names[static_cast<std::size_t>(offsets[s] + k)] = name;
    }
  }
  return names;
}

}  // namespace

int run_logp(const LogpArguments& arguments) {
  LowerOptions functions;
  functions.constrain = functions.unconstrain = functions.simulate = false;
  BoundProgram bound;
  if (const int code = bind_program(arguments.program, arguments.data, functions, bound)) {
    return code;
  }
  const runtime::Instance& instance = *bound.instance;
  const borel_program& program = **bound.program;
  if (program.model_count == 0) {
    std::cerr << "error: the program conditions no model\n";
    return exit_program;
  }
  const borel_model& model = program.machine ? instance.machine_model() : instance.model(0);
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

  const auto names = unconstrained_names(instance, model, dimension);
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

#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <variant>

#include <unistd.h>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/messages.h"
#include "runtime/core/density.h"
#include "runtime/core/parameters.h"
#include "runtime/io/advice.h"
#include "runtime/io/csv.h"
#include "runtime/io/data.h"
#include "runtime/io/interrupt.h"
#include "runtime/io/progress.h"
#include "runtime/io/report.h"
#include "runtime/io/summary.h"
#include "runtime/loop/chains.h"

namespace borel::driver {
namespace {

std::string time_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

/// Parameters from the dedicated flags and from --set NAME=VALUE.
runtime::Failure set_parameters(const SampleArguments& arguments, runtime::Parameters& out) {
  auto set = [&](const char* name, const auto& value) -> runtime::Failure {
    if (!value) return {};
    return out.set(name, static_cast<double>(*value));
  };
  if (auto e = set("chains", arguments.chains)) return e;
  if (auto e = set("warmup", arguments.warmup)) return e;
  if (auto e = set("draws", arguments.draws)) return e;
  if (auto e = set("target_accept", arguments.target_accept)) return e;
  if (auto e = set("max_depth", arguments.max_depth)) return e;
  for (const std::string& setting : arguments.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      return runtime::Error{
          runtime::ErrorKind::parameter, "--set wants NAME=VALUE, not '" + setting + "'", {}, {}};
    if (auto e = out.set(std::string_view(setting).substr(0, equals),
                         std::string_view(setting).substr(equals + 1)))
      return e;
  }
  return {};
}

/// --init: a radius, a file of params_r, or a file of values by name. exit_ok or an exit code.
int read_start(const SampleArguments& arguments, const BoundProgram& bound,
               runtime::SampleOptions& options) {
  if (arguments.initial.empty()) return exit_ok;
  const std::string& text = arguments.initial;
  double radius = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), radius);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (!(radius >= 0) || std::isinf(radius)) {
      std::cerr << "error: --init wants a radius of 0 or more, or a file\n";
      return exit_usage;
    }
    options.initial_radius = radius;
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

/// Says which site and term keep the log density from being finite, at the given starting point or
/// at 0: the program is compiled once more, with the slow density that tells.
void explain_start(const SampleArguments& arguments, const runtime::SampleOptions& options) {
  LowerOptions functions;
  functions.log_density_gradient = functions.constrain = functions.unconstrain = false;
  functions.simulate = false;
  BoundProgram bound;
  if (bind_program(arguments.program, arguments.data, functions, bound) != exit_ok) return;
  const borel_model& model = bound.instance->machine_model();
  const std::vector<double> u =
      options.initial.empty()
          ? std::vector<double>(static_cast<std::size_t>(bound.instance->dimension(model)))
          : options.initial.front();
  if (const auto why = runtime::explain_not_finite(*bound.instance, model, u))
    print_error(*why, bound.sources);
}

int write_summary(const std::string& path, const std::string& json) {
  std::ofstream file(path);
  file << json;
  file.close();
  if (file) return exit_ok;
  std::cerr << "error: '" << path << "' could not be written\n";
  return exit_output;
}

}  // namespace

int run_sample(const SampleArguments& arguments) {
  LowerOptions functions;
  // A run needs what its machine calls, and unconstrain for starts given by name.
  functions.log_density = functions.log_density_gradient = functions.diagnose = false;
  functions.constrain = functions.simulate = false;
  functions.unconstrain = !arguments.initial.empty();
  BoundProgram bound;
  if (const int code = bind_program(arguments.program, arguments.data, functions, bound)) {
    return code;
  }
  const borel_program& program = **bound.program;
  if (program.machine == nullptr) {
    std::cerr << "error: the infer evaluates to no machine\n";
    return exit_program;
  }
  const runtime::Instance& instance = *bound.instance;

  runtime::Parameters parameters(*program.machine);
  if (const auto error = set_parameters(arguments, parameters)) {
    print_error(*error, bound.sources);
    return exit_code(*error);
  }
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = arguments.threads;
  options.seed = arguments.seed ? *arguments.seed : std::random_device{}();
  options.save_warmup = arguments.save_warmup;
  if (const int code = read_start(arguments, bound, options)) return code;

  std::unique_ptr<io::CsvWriter> writer;
  if (!arguments.output.empty()) {
    io::CsvOptions csv;
    csv.directory = arguments.output;
    csv.stem = std::filesystem::path(arguments.program.file).stem().string();
    csv.model = csv.stem;
    csv.version = BOREL_VERSION;
    csv.start_time = time_text();
    csv.data_file = arguments.data;
    csv.initial = arguments.initial.empty() ? "2" : arguments.initial;
    csv.seed = options.seed;
    csv.save_warmup = arguments.save_warmup;
    csv.parameters = &parameters;
    auto opened = io::CsvWriter::open(instance, csv);
    if (const auto* error = std::get_if<runtime::Error>(&opened)) {
      print_error(*error, bound.sources);
      return exit_code(*error);
    }
    writer = std::move(std::get<std::unique_ptr<io::CsvWriter>>(opened));
    options.sink = writer.get();
  }
  io::ProgressPrinter progress(STDERR_FILENO, io::progress_style(STDERR_FILENO, arguments.quiet));
  options.progress = [&](auto chains) { progress(chains); };

  const io::InterruptGuard interrupt;
  options.stop = interrupt.flag();
  const auto start = std::chrono::steady_clock::now();
  const runtime::SampleResult result = runtime::sample(instance, options);
  bound.times.emplace_back(
      "sample", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());

  const io::Summary summary =
      io::summarise(instance, result, parameters, static_cast<int>(std::max(arguments.threads, 0)));
  const auto advice = io::advise(instance, result, summary);
  int code = exit_ok;
  if (!arguments.quiet && summary.total_draws() > 0) {
    io::TableOptions table;
    table.width = io::terminal_width(STDOUT_FILENO, 100);
    std::cout << io::summary_table(summary, table) << '\n'
              << io::run_text(summary, parameters.get_int("warmup")) << std::flush;
    if (!arguments.seed) std::cout << "seed: " << options.seed << std::endl;
    if (!std::cout) code = exit_output;
  }
  if (!arguments.quiet) std::cerr << io::advice_text(advice);
  if (!arguments.summary.empty())
    code = std::max(code, write_summary(arguments.summary, io::summary_json(summary, advice)));
  if (arguments.program.time_passes) print_times(bound.times, std::cerr);
  if (result.error) {
    print_error(*result.error, bound.sources);
    if (result.error->kind == runtime::ErrorKind::start) explain_start(arguments, options);
    return exit_code(*result.error);
  }
  if (result.stopped) {
    std::cerr << "interrupted: finished draws are kept\n";
    return exit_interrupted;
  }
  return code;
}

}  // namespace borel::driver

#include "compiler/driver/machine_run.h"

#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>
#include <utility>
#include <variant>

#include <unistd.h>

#include "compiler/driver/checkpointed_run.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/run_start.h"
#include "runtime/core/density.h"
#include "runtime/io/csv.h"
#include "runtime/io/interrupt.h"
#include "runtime/io/progress.h"

namespace borel::driver {
namespace {

constexpr std::int64_t most_lines_of_progress = 8;

std::string time_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

/// Parameters from the dedicated flags and from --set NAME=VALUE.
runtime::Failure set_parameters(const SampleArguments& arguments,
                                const std::vector<std::string>& settings,
                                runtime::Parameters& out) {
  auto set = [&](const char* name, const auto& value) -> runtime::Failure {
    if (!value) return {};
    return out.set(name, static_cast<double>(*value));
  };
  if (auto e = set("chains", arguments.chains)) return e;
  if (auto e = set("warmup", arguments.warmup)) return e;
  if (auto e = set("draws", arguments.draws)) return e;
  if (auto e = set("target_accept", arguments.target_accept)) return e;
  if (auto e = set("max_depth", arguments.max_depth)) return e;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (auto e = out.set(std::string_view(setting).substr(0, equals),
                         std::string_view(setting).substr(equals + 1)))
      return e;
  }
  return {};
}

/// Says which site and term keep the log density from being finite, at the given starting point or
/// at 0: the program is compiled once more, with the slow density that tells.
void explain_start(const SampleArguments& arguments, const runtime::SampleOptions& options) {
  LowerOptions functions;
  functions.log_density_gradient = functions.constrain = functions.unconstrain = false;
  functions.simulate = functions.predict = functions.log_likelihood = false;
  BoundProgram bound;
  if (bind_program(arguments.program, arguments.data, functions, bound,
                   {arguments.settings, /*of_machine=*/true}) != exit_ok)
    return;
  const borel_model& model = bound.instance->machine_model();
  if (model.log_density == nullptr) return;
  const std::vector<double> u =
      options.initial.empty()
          ? std::vector<double>(static_cast<std::size_t>(bound.instance->dimension(model)))
          : options.initial.front();
  if (const auto why = runtime::explain_not_finite(*bound.instance, model, u))
    print_error(*why, bound.sources);
}

}  // namespace

int write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (file) return exit_ok;
  std::cerr << "error: '" << path << "' could not be written\n";
  return exit_output;
}

int run_machine(const SampleArguments& arguments, const RunRecord* earlier, const Report& report) {
  CheckpointedRun checkpointed(arguments, earlier);
  if (const int code = checkpointed.prepare_folder()) return code;
  LowerOptions functions;
  // A run needs what its machine calls, and unconstrain for starts given by name.
  functions.log_density = functions.log_density_gradient = functions.diagnose = false;
  functions.constrain = functions.simulate = false;
  functions.predict = functions.log_likelihood = false;
  functions.unconstrain = !arguments.initial.empty();
  BoundProgram bound;
  if (const int code = bind_program(arguments.program, arguments.data, functions, bound,
                                    {arguments.settings, /*of_machine=*/true})) {
    return code;
  }
  const borel_program& program = **bound.program;
  if (program.machine == nullptr) {
    std::cerr << "error: the infer evaluates to no machine\n";
    return exit_program;
  }
  const runtime::Instance& instance = *bound.instance;
  if (instance.steps() >= 0 ? !arguments.smc : arguments.smc) {
    std::cerr << "error: the machine '" << program.machine->name
              << (arguments.smc ? "' does not run through its data once: `borel sample` runs it\n"
                                : "' runs through its data once: `borel smc` runs it\n");
    return exit_usage;
  }

  runtime::Parameters parameters(*program.machine, instance.steps());
  if (const auto error = set_parameters(arguments, bound.settings, parameters)) {
    print_error(*error, bound.sources);
    return exit_code(*error);
  }
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.threads = arguments.threads;
  options.seed = arguments.seed ? *arguments.seed
                 : earlier      ? earlier->identity.seed
                                : std::random_device{}();
  options.save_warmup = arguments.save_warmup;
  if (const int code = read_start(arguments, bound, options)) return code;

  std::unique_ptr<io::CsvWriter> writer;
  std::vector<runtime::Chain> from;
  if (const std::string output = output_folder(arguments); !output.empty()) {
    io::CsvOptions csv;
    csv.directory = output;
    csv.stem = output_stem(arguments);
    csv.model = csv.stem;
    csv.version = BOREL_VERSION;
    csv.start_time = time_text();
    csv.data_file = arguments.data;
    csv.initial = arguments.initial.empty() ? "2" : arguments.initial;
    csv.seed = options.seed;
    csv.save_warmup = arguments.save_warmup;
    csv.parameters = &parameters;
    csv.marked = !arguments.checkpoint.empty();
    if (const int code = checkpointed.load(bound, parameters, options.seed, from, csv.kept))
      return code;
    auto opened = io::CsvWriter::open(instance, csv);
    if (const auto* error = std::get_if<runtime::Error>(&opened)) {
      print_error(*error, bound.sources);
      return exit_code(*error);
    }
    writer = std::move(std::get<std::unique_ptr<io::CsvWriter>>(opened));
    options.sink = writer.get();
    if (const int code = checkpointed.begin(parameters, *writer)) return code;
    options.states = checkpointed.states();
  }
  // A line for each of many repetitions would be no help.
  const bool quiet =
      arguments.quiet || (arguments.smc && parameters.get_int("chains") > most_lines_of_progress);
  io::ProgressPrinter progress(STDERR_FILENO, io::progress_style(STDERR_FILENO, quiet));
  options.progress = [&](auto chains) { progress(chains); };

  const io::InterruptGuard interrupt;
  options.stop = interrupt.flag();
  const auto start = std::chrono::steady_clock::now();
  const runtime::SampleResult result = runtime::sample(instance, options, std::move(from));
  bound.times.emplace_back(
      "sample", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());

  const int code = report({arguments, bound, parameters, options, result});
  if (arguments.program.time_passes) print_times(bound.times, std::cerr);
  if (result.error) {
    print_error(*result.error, bound.sources);
    if (result.error->kind == runtime::ErrorKind::start) explain_start(arguments, options);
    if (result.error->kind == runtime::ErrorKind::output) std::cerr << checkpointed.advice();
    return exit_code(*result.error);
  }
  if (result.stopped) {
    std::cerr << "interrupted: finished draws are kept\n" << checkpointed.advice();
    return exit_interrupted;
  }
  return code;
}

}  // namespace borel::driver

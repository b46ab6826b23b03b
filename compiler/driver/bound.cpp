#include "compiler/driver/bound.h"

#include <chrono>
#include <iostream>
#include <variant>

#include "compiler/driver/messages.h"
#include "runtime/io/data.h"

namespace borel::driver {

PipelineOptions pipeline_options(const ProgramArguments& arguments) {
  PipelineOptions options;
  options.file = arguments.file;
  options.infer = arguments.infer;
  options.model = arguments.model;
  options.library = arguments.library;
  options.cpu = arguments.cpu;
  return options;
}

int bind_program(const ProgramArguments& arguments, const std::string& data_file,
                 const LowerOptions& functions, BoundProgram& out) {
  if (!arguments.cpu.empty()) {
    if (const auto target = codegen::named_target(arguments.cpu); !target) {
      std::cerr << "error: " << target.error().message << '\n';
      return exit_usage;
    }
  }
  io::JsonDocument document;
  if (!data_file.empty()) {
    auto read = io::JsonDocument::read(data_file);
    if (const auto* error = std::get_if<io::JsonError>(&read)) {
      const io::DataProblem problem = io::file_problem(*error);
      print_problems({&problem, 1}, out.sources);
      return exit_data;
    }
    document = std::move(std::get<io::JsonDocument>(read));
  }

  PipelineOptions options = pipeline_options(arguments);
  options.functions = functions;
  for (const io::JsonVariable& variable : document.variables())
    options.data_names.insert(variable.name);
  Diagnostics diagnostics;
  out.program = load(options, out.sources, diagnostics, out.times);
  print_diagnostics(diagnostics, out.sources);
  if (!out.program) return exit_program;

  const auto start = std::chrono::steady_clock::now();
  io::DataResult data = io::read_data(**out.program, document);
  print_problems(data.problems, out.sources);
  if (!data.ok()) {
    if (data_file.empty() && (*out.program)->input_count > 0)
      std::cerr << "  help: name the data file with --data FILE.json\n";
    return exit_data;
  }
  auto bound = runtime::Instance::bind(**out.program, std::move(data.data));
  if (const auto* error = std::get_if<runtime::Error>(&bound)) {
    print_error(*error, out.sources);
    return exit_code(*error);
  }
  out.instance.emplace(std::move(std::get<runtime::Instance>(bound)));
  out.times.emplace_back(
      "bind", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return exit_ok;
}

}  // namespace borel::driver

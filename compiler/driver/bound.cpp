#include "compiler/driver/bound.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <variant>

#include "compiler/driver/messages.h"
#include "runtime/core/names.h"
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

namespace {

/// Whether the machine declares it, or runs of any machine have it.
bool is_parameter(const borel_program& program, const std::string& name) {
  if (program.machine == nullptr) return false;
  for (std::int32_t i = 0; i < program.machine->parameter_count; ++i)
    if (name == program.machine->parameters[i].name) return true;
  return name == "chains" || name == "warmup" || name == "draws";
}

int bad_setting(const std::string& text) {
  std::cerr << "error: " << text << '\n';
  return exit_usage;
}

int unknown_setting(const borel_program& program, const std::string& name, bool of_machine) {
  std::vector<std::string> names;
  if (of_machine && program.machine != nullptr) {
    for (std::int32_t i = 0; i < program.machine->parameter_count; ++i)
      names.emplace_back(program.machine->parameters[i].name);
    for (const char* always : {"chains", "warmup", "draws"})
      if ((program.machine->steps == nullptr || always == std::string_view("chains")) &&
          std::find(names.begin(), names.end(), always) == names.end())
        names.emplace_back(always);
  }
  for (std::int32_t i = 0; i < program.input_count; ++i)
    if (program.inputs[i].rank == 0) names.emplace_back(program.inputs[i].name);
  for (std::int32_t i = 0; i < program.size_count; ++i)
    if (std::find(names.begin(), names.end(), program.sizes[i].name) == names.end())
      names.emplace_back(program.sizes[i].name);
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  const std::string near = runtime::nearest_name(name, names);
  return bad_setting("there is no " + std::string(of_machine ? "parameter or input `" : "input `") +
                     name + "`" +
                     (!near.empty()  ? "; did you mean `" + near + "`?"
                      : list.empty() ? ""
                                     : "; there are " + list));
}

/// --set: into the data, or aside for the machine.
int apply_settings(const borel_program& program, const Settings& settings, io::JsonDocument& data,
                   BoundProgram& out) {
  for (const std::string& setting : settings.given) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return bad_setting("--set wants NAME=VALUE, not '" + setting + "'");
    const std::string name = setting.substr(0, equals), value = setting.substr(equals + 1);
    if (settings.of_machine && is_parameter(program, name)) {
      out.settings.push_back(setting);
      continue;
    }
    bool known = false;
    for (std::int32_t i = 0; i < program.input_count; ++i) {
      if (name != program.inputs[i].name) continue;
      known = true;
      if (program.inputs[i].rank > 0)
        return bad_setting("--set gives numbers, and `" + name +
                           "` is an array: give it in the data");
    }
    for (std::int32_t i = 0; i < program.size_count; ++i)
      known = known || name == program.sizes[i].name;
    if (!known) return unknown_setting(program, name, settings.of_machine);
    const std::string origin = "--set " + setting;
    if (!data.set(name, value, origin))
      return bad_setting(
          std::string(origin).append(": `").append(value).append("` is not a number"));
  }
  return exit_ok;
}

}  // namespace

int bind_program(const ProgramArguments& arguments, const std::string& data_file,
                 const LowerOptions& functions, BoundProgram& out, const Settings& settings) {
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
  if (const int code = apply_settings(**out.program, settings, document, out)) return code;
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

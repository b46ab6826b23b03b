#include <algorithm>
#include <fstream>
#include <iostream>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/messages.h"

namespace borel::driver {

int run_check(const CheckArguments& arguments) {
  SourceManager sources;
  Diagnostics diagnostics;
  StageTimes times;
  const bool good = check(pipeline_options(arguments.program), sources, diagnostics, times);
  print_diagnostics(diagnostics, sources);
  if (arguments.program.time_passes) print_times(times, std::cerr);
  return good ? exit_ok : exit_program;
}

int run_build(const BuildArguments& arguments) {
  const auto stages = stage_names();
  if (!arguments.dump_after.empty() &&
      std::find(stages.begin(), stages.end(), arguments.dump_after) == stages.end()) {
    std::cerr << "borel build: no stage is called '" << arguments.dump_after
              << "'; the stages, in order:\n";
    for (const std::string& stage : stages) std::cerr << "  " << stage << '\n';
    return exit_usage;
  }
  const auto ends_with = [&](std::string_view end) {
    return std::string_view(arguments.output).ends_with(end);
  };
  if (arguments.dump_after.empty() && !ends_with(".so") && !ends_with(".o")) {
    std::cerr << "borel build: --output NAME.so or NAME.o, or --dump-after STAGE, is needed\n";
    return exit_usage;
  }

  SourceManager sources;
  Diagnostics diagnostics;
  StageTimes times;
  PipelineOptions options = pipeline_options(arguments.program);
  options.address_sanitizer = arguments.address_sanitizer;
  options.dump_after = arguments.dump_after;
  options.dump = &std::cout;
  const auto object = compile(options, sources, diagnostics, times);
  print_diagnostics(diagnostics, sources);
  if (arguments.program.time_passes) print_times(times, std::cerr);
  if (diagnostics.has_errors()) return exit_program;
  if (arguments.output.empty()) {
    std::cout.flush();
    return std::cout.good() ? exit_ok : exit_output;
  }

  if (ends_with(".so")) {
    if (auto linked = codegen::link_shared(*object, arguments.output); !linked) {
      std::cerr << "error: " << linked.error().text() << '\n';
      return exit_output;
    }
    return exit_ok;
  }
  std::ofstream file(arguments.output, std::ios::binary);
  file.write(object->data(), static_cast<std::streamsize>(object->size()));
  file.close();
  if (!file) {
    std::cerr << "error: '" << arguments.output << "' could not be written\n";
    return exit_output;
  }
  return exit_ok;
}

}  // namespace borel::driver

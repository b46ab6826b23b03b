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

}  // namespace borel::driver

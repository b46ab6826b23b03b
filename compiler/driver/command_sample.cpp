#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "compiler/driver/machine_run.h"
#include "compiler/driver/messages.h"
#include "runtime/io/advice.h"
#include "runtime/io/progress.h"
#include "runtime/io/report.h"
#include "runtime/io/summary.h"

namespace borel::driver {
namespace {

int report(const MachineRun& run) {
  const SampleArguments& arguments = run.arguments;
  const runtime::Instance& instance = *run.bound.instance;
  const io::Summary summary = io::summarise(instance, run.result, run.parameters,
                                            static_cast<int>(std::max(arguments.threads, 0)));
  const auto advice = io::advise(instance, run.result, summary);
  int code = exit_ok;
  if (!arguments.quiet && summary.total_draws() > 0) {
    io::TableOptions table;
    table.width = io::terminal_width(STDOUT_FILENO, 100);
    std::cout << io::summary_table(summary, table) << '\n'
              << io::run_text(summary, run.parameters.get_int("warmup")) << std::flush;
    if (!arguments.seed) std::cout << "seed: " << run.options.seed << '\n' << std::flush;
    if (!std::cout) code = exit_output;
  }
  if (!arguments.quiet) std::cerr << io::advice_text(advice);
  if (!arguments.summary.empty())
    code = std::max(code, write_text(arguments.summary, io::summary_json(summary, advice)));
  return code;
}

}  // namespace

int run_sample(const SampleArguments& arguments) { return run_sample(arguments, nullptr); }

int run_sample(const SampleArguments& arguments, const RunRecord* earlier) {
  return run_machine(arguments, earlier, report);
}

}  // namespace borel::driver

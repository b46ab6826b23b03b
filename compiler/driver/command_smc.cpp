#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "compiler/driver/checkpointed_run.h"
#include "compiler/driver/machine_run.h"
#include "compiler/driver/messages.h"
#include "runtime/io/filter_report.h"
#include "runtime/io/progress.h"

namespace borel::driver {
namespace {

void print(const MachineRun& run, std::optional<std::int64_t> particles) {
  const runtime::Instance& instance = *run.bound.instance;
  io::FilterTableOptions table;
  table.width = io::terminal_width(STDOUT_FILENO, 100);
  const auto made = std::find_if(run.result.chains.begin(), run.result.chains.end(),
                                 [](const runtime::Chain& chain) { return chain.draw_count > 0; });
  if (made == run.result.chains.end()) return;
  if (run.result.chains.size() > 1)
    std::cout << "run " << made - run.result.chains.begin() + 1 << " of "
              << run.result.chains.size() << ":\n";
  std::cout << io::filter_table(instance, run.result, particles, table) << '\n';
  if (particles)
    std::cout << io::filter_picture(io::filter_steps(instance, *made), *particles, table.width)
              << '\n';
  if (const auto evidence = io::evidence(instance, run.result))
    std::cout << io::evidence_text(*evidence);
  if (!run.arguments.seed) std::cout << "seed: " << run.options.seed << '\n';
  std::cout << std::flush;
}

int report(const MachineRun& run) {
  const SampleArguments& arguments = run.arguments;
  const runtime::Instance& instance = *run.bound.instance;
  const auto particles = io::particle_count(instance, run.parameters);
  int code = exit_ok;
  if (!arguments.quiet) {
    print(run, particles);
    if (!std::cout) code = exit_output;
  }
  if (!arguments.summary.empty())
    code = std::max(
        code, write_text(arguments.summary, io::filter_json(instance, run.result, particles)));
  if (!arguments.figure.empty()) {
    const auto steps = io::filter_steps(instance, run.result.chains.front());
    if (!particles || (steps.ess.empty() && steps.ancestors.empty())) {
      std::cerr << "warning: there is nothing to draw: the machine tells no numbers of its "
                   "particles\n";
      return code;
    }
    const std::string title = output_stem(arguments) + ", " + std::to_string(*particles) +
                              (*particles == 1 ? " particle" : " particles");
    code =
        std::max(code, write_text(arguments.figure, io::filter_figure(steps, *particles, title)));
  }
  return code;
}

}  // namespace

int run_smc(const SampleArguments& arguments) { return run_smc(arguments, nullptr); }

int run_smc(const SampleArguments& arguments, const RunRecord* earlier) {
  return run_machine(arguments, earlier, report);
}

}  // namespace borel::driver

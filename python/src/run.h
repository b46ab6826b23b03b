// borel_run in threads of its own, while the thread that called from Python waits for it without
// the GIL, tells how far it is, and looks for Ctrl-C.
#ifndef BOREL_PYTHON_RUN_H
#define BOREL_PYTHON_RUN_H

#include <nanobind/nanobind.h>

#include "instance.h"

namespace borel::python {

struct RunOptions {
  std::uint64_t seed = 1;
  std::int32_t chains = 0;  // all three numbers as the caller found them: >= 0
  std::int64_t warmup = 0, draws = 0;
  std::int32_t threads = 1;
  bool save_warmup = false;
  std::vector<std::pair<std::string, double>> settings;
  const double* initial = nullptr;  // or null
  double initial_radius = 0;
};

// Fills `draws` (chains x rows x draw_size) and `statistics` (chains x rows x statistic_count),
// rows being those of borel_run_options. `tick`, None or tick(iterations, divergences), is called
// some times a second with sums over the chains. Ctrl-C, as far as this is the thread that gets it,
// ends the run after the iterations that the chains are at. Gives a list of
// (iterations, rejections, warmup_seconds, draw_seconds), one for each chain, and how often Ctrl-C
// was pressed; what `tick` raises ends the run and comes out of it.
nanobind::tuple run(const Instance& instance, const RunOptions& options, Array draws,
                    Array statistics, nanobind::object tick);

}  // namespace borel::python

#endif

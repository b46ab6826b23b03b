// Chains of a machine: init, warm-up, draws.
#ifndef BOREL_RUNTIME_LOOP_CHAINS_H
#define BOREL_RUNTIME_LOOP_CHAINS_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "runtime/core/instance.h"
#include "runtime/core/parameters.h"
#include "runtime/loop/sink.h"

namespace borel::runtime {

enum class ChainPhase : std::int32_t { waiting, starting, warmup, sampling, done, stopped, failed };

struct ChainProgress {
  ChainPhase phase = ChainPhase::waiting;
  std::int64_t iterations = 0;         // finished, warm-up included
  std::int64_t warmup = 0, draws = 0;  // wanted
  std::int64_t first = 0;              // of `iterations`, those that an earlier run finished
};

struct SampleOptions {
  // Warm-up, draws and chains are those of the parameters.
  const Parameters* parameters = nullptr;
  int threads = 0;  // 0: as many as the machine has; never more than chains
  std::uint64_t seed = 0;
  std::uint64_t first_stream = 0;  // chain c uses stream first_stream + c
  bool save_warmup = false;        // warm-up iterations are kept and sent to the sink too
  bool keep_draws = true;          // in memory; false: only the sink sees them
  // Of so many bytes a state is not copied before every step: when a step wants more workspace, the
  // last few are repeated. Results do not depend on it.
  std::size_t large_state = 1 << 17;

  // Unconstrained starts: none (the machine draws one), one for all chains, or one a chain.
  std::vector<std::vector<double>> initial;
  double initial_radius = 2;

  DrawSink* sink = nullptr;
  StateSink* states = nullptr;
  // Checked before each iteration; set by another thread or a signal handler.
  const std::atomic<bool>* stop = nullptr;
  // Called on the caller's thread, at most once a period and once at the end.
  std::function<void(std::span<const ChainProgress>)> progress;
  std::chrono::milliseconds progress_period{100};
};

struct Chain {
  std::int64_t stream = 0;
  // Finished iterations that were kept, oldest first: warm-up (if saved), then draws.
  std::int64_t warmup_count = 0, draw_count = 0;
  std::int64_t draw_size = 0, statistic_count = 0;
  std::unique_ptr<double[]> draws;       // rows of draw_size
  std::unique_ptr<double[]> statistics;  // rows of statistic_count

  const double* draw(std::int64_t i) const { return draws.get() + (warmup_count + i) * draw_size; }
  const double* statistic(std::int64_t i) const {
    return statistics.get() + (warmup_count + i) * statistic_count;
  }

  std::int64_t iterations = 0;  // finished, warm-up included, kept or not
  ChainTime time;               // of all runs that it took
  // Log densities that a constraint or reject() made -infinity, and the first of them.
  std::int64_t warmup_rejections = 0, rejections = 0;
  borel_fault first_rejection{};
  Adaptation adaptation;
  AlignedBuffer state;  // the last one
  Failure error;        // why the chain ended early
};

struct SampleResult {
  std::vector<Chain> chains;
  bool stopped = false;  // by SampleOptions::stop, before all was done
  // Of the first chain that has an error, led by the chain's number (counting from 1).
  Failure error;
};

// Runs the machine of `instance`'s program, chain c with random bits of (seed, first_stream + c):
// init has step 0, iteration i has step i. The draws of a chain depend on nothing else, so they are
// the same bytes for any number of threads. An error ends every chain at its next iteration and
// keeps all finished draws. In the steady state an iteration allocates nothing here. A machine with
// `steps` makes so many, each of which is a draw, by Parameters that know the number.
//
// `from` are chains of an earlier run with the same options but for sinks and threads, as its
// StateSink saw them and with the draws that it kept; one a chain, or none. They go on where they
// were and end as if there had been one run. One whose state is empty starts anew.
SampleResult sample(const Instance& instance, const SampleOptions& options,
                    std::vector<Chain> from = {});

// Position of the statistic of that name, with or without the two underscores that draws' files put
// behind it; -1 if the machine has none.
std::int32_t find_statistic(const borel_machine& machine, std::string_view name);

}  // namespace borel::runtime

#endif

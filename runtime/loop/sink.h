// Where finished draws go while a run is under way.
#ifndef BOREL_RUNTIME_LOOP_SINK_H
#define BOREL_RUNTIME_LOOP_SINK_H

#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/core/fault.h"

namespace borel::runtime {

// What adaptation settled on, as far as the machine tells: NaN and empty where it does not.
struct Adaptation {
  double step_size = std::numeric_limits<double>::quiet_NaN();  // the statistic stepsize
  // In the order of u: the diagonal, or (n * n values) all of it, column by column.
  std::vector<double> inverse_metric;
};

struct ChainTime {
  double warmup_seconds = 0;  // the start included
  double sampling_seconds = 0;
};

// Calls for one chain come in order from one thread at a time; calls for different chains may come
// at the same time. A Failure ends the run; draws that were finished before it stay in memory.
class DrawSink {
 public:
  virtual ~DrawSink() = default;

  // One iteration's statistics and draw, in the machine's and the model's own order.
  virtual Failure draw(std::int64_t chain, bool warmup, const double* statistics,
                       const double* draw) = 0;
  // Once a chain, after warm-up and before the first draw that is not warm-up.
  virtual Failure adapted(std::int64_t chain, const Adaptation& adaptation) = 0;
  // Once a chain, after its last draw, also when the run was stopped or failed.
  virtual Failure finished(std::int64_t chain, const ChainTime& time) = 0;
};

struct Chain;

// Takes chains as they stand between two iterations, so that another run can go on from there.
// Threads as for DrawSink.
class StateSink {
 public:
  virtual ~StateSink() = default;

  // After each iteration, once its draw has gone to the DrawSink; after the last one of warm-up,
  // only once the DrawSink knows what adaptation settled on. `chain` is whole but for its draws and
  // valid during the call. `last`: the chain ends here, be it done or stopped.
  virtual Failure state(std::int64_t index, const Chain& chain, bool last) = 0;
};

}  // namespace borel::runtime

#endif

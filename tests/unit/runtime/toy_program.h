// A program made by hand, as the compiler would make one: a standard normal in eight unconstrained
// dimensions, sampled by random-walk Metropolis.
//
//   model toy(y: real[N]) {
//     mu    ~ Normal(0, 1)
//     tau: positive, log(tau) ~ Normal(0, 1)
//     theta: real[2, 3] ~ Normal(0, 1)
//     m := matrix[2, 2], m[i, j] = 10 (i + 1) + (j + 1) + mu
//   }
//
// Its machine has parameters that make it fail, reject or want memory at will.
#ifndef BOREL_TESTS_UNIT_RUNTIME_TOY_PROGRAM_H
#define BOREL_TESTS_UNIT_RUNTIME_TOY_PROGRAM_H

#include <variant>

#include "runtime/core/instance.h"
#include "runtime/core/parameters.h"
#include "runtime/loop/chains.h"

namespace borel::runtime::test {

constexpr int toy_dimension = 8, toy_draw_size = 12;

// Positions of the statistics in the machine's own order, which is not CmdStan's.
enum ToyStatistic {
  toy_energy,
  toy_lp,
  toy_accept,
  toy_step_size,
  toy_depth,
  toy_leapfrogs,
  toy_divergent,
  toy_accepted,
  toy_statistic_count
};

// Parameters: warmup (200), draws (300), chains (4), scale (0.8), fail_at (step that faults, 0:
// none), fail_chain (stream that does), hunger (bytes of workspace that step i wants: i * hunger),
// reject_above (mu that the constraint of the model still allows), max_depth (10, unused).
const borel_program& toy_program();

Instance bind_toy();

// Samples with these parameters set.
struct Setting {
  const char* name;
  double value;
};
Parameters toy_parameters(std::initializer_list<Setting> settings);
SampleResult sample_toy(std::initializer_list<Setting> settings, SampleOptions options = {});

}  // namespace borel::runtime::test

#endif

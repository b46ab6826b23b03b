/// Calls every function of a compiled program, as its contract (borel/program.h) allows, from
/// memory of exactly the sizes that the contract asks for: for tests that watch what the functions
/// do.
#pragma once

#include <cstdint>
#include <vector>

#include "borel/program.h"
#include "runtime/core/instance.h"

namespace borel::testing {

/// Told before and after each call into the program; `function` is the pointer's name in program.h.
class CallObserver {
 public:
  CallObserver() = default;
  CallObserver(const CallObserver&) = delete;
  CallObserver& operator=(const CallObserver&) = delete;
  virtual ~CallObserver() = default;
  virtual void before(const char* function) = 0;
  virtual void after(const char* function) = 0;
};

/// A buffer that is to be eight bytes too short: what a checker of addresses has to notice.
enum class TooShort : std::uint8_t { nothing, input, point, gradient, draw, state, workspace };

/// What the functions computed at the point u[i] = 0.1 + 0.3 sin(i), for comparisons.
struct FunctionResults {
  double log_density = 0, log_density_plain = 0;
  std::vector<double> gradient, draw;
};

/// Binds the data and calls each function of the machine and of its model: `steps` steps, the
/// others once or twice. Throws std::runtime_error where a call fails, where a function is missing
/// (other than simulate),/// or where results contradict each other (constrain and unconstrain; the
/// density alone and with its gradient).
FunctionResults call_every_function(const borel_program& program, const runtime::InputData& data,
                                    int steps, CallObserver& observer,
                                    TooShort too_short = TooShort::nothing);

}  // namespace borel::testing

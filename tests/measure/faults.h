/// Deliberate faults of every pass: what each must be caught doing by the same checks that the
/// passes themselves must stand.
#pragma once

#include <vector>

#include "tests/measure/harness.h"

namespace borel::testing {

const std::vector<Fault>& faults();
/// Those of suspend, which is part of derive.
const std::vector<Fault>& stage_faults();

/// Runs a fault on random programs until it is caught. How many programs it took, how many of them
/// had a place for the fault.
struct Hunt {
  bool caught = false;
  int programs = 0, applied = 0;
  std::string how;
};
Hunt hunt(Harness& harness, const Fault& fault, int max_programs);

}  // namespace borel::testing

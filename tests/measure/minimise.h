/// Makes a failing program smaller: drops lines and puts operands in place of results, greedily, as
/// long as the same pass fails.
#pragma once

#include "tests/measure/harness.h"

namespace borel::testing {

/// `check` gives what is wrong with a candidate.
std::string minimised(Harness& harness, const std::string& text, const Failure& failure,
                      const std::function<std::optional<Failure>(const std::string&)>& check);

}  // namespace borel::testing

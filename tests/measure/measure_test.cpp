// Every pass keeps what programs mean: on random programs, with at least 500 that each pass
// changed; and faults put into the passes are caught by the same checks.
#include <gtest/gtest.h>

#include <set>

#include "compiler/transform/passes.h"
#include "tests/measure/faults.h"

namespace borel::testing {
namespace {

constexpr int wanted = 500;

const std::set<std::string> of_models = {"density", "unconstrain", "accumulate", "derive"};

/// Checks programs until each of these passes changed enough of them.
template <class Check>
void check_until_enough(const char* kind, const std::set<std::string>& passes, Check check) {
  Tally tally;
  const auto enough = [&] {
    for (const std::string& pass : passes)
      if (tally[pass] < wanted) return false;
    return true;
  };
  int failures = 0;
  for (uint64_t seed = 1; seed <= 4000 && !enough() && failures < 5; ++seed) {
    const std::optional<Failure> failure = check(seed, tally);
    if (!failure) continue;
    ++failures;
    ADD_FAILURE() << kind << " " << seed << ": " << failure->pass << ": " << failure->message
                  << "\nscripts/fuzz 1 " << seed << " shows a smaller program";
  }
  for (const std::string& pass : passes) {
    std::printf("%-12s changed %d programs\n", pass.c_str(), tally[pass]);
    EXPECT_GE(tally[pass], wanted) << pass << " was tested on too few programs";
  }
}

TEST(Measure, ModelsKeepTheirMeaning) {
  Harness harness;
  check_until_enough("model", of_models, [&](uint64_t seed, Tally& tally) {
    return check_model(harness, random_model(seed), seed, &tally).failure;
  });
}

TEST(Measure, FunctionsKeepTheirMeaning) {
  Harness harness;
  std::set<std::string> passes;
  for (const auto& entry : transform::passes())
    if (!of_models.contains(entry.name)) passes.insert(entry.name);
  passes.erase("tangent");  // is made of every gradient, on a copy
  check_until_enough("function", passes, [&](uint64_t seed, Tally& tally) {
    return check_function(harness, random_function(seed), seed, &tally).failure;
  });
}

TEST(Measure, StagesKeepTheMeasure) {
  Harness harness;
  check_until_enough("stages", {"suspend"}, [&](uint64_t seed, Tally& tally) {
    return check_stages(harness, random_stages(seed), seed, &tally).failure;
  });
}

/// How many faults of each pass are caught.
std::map<std::string, int> caught(const std::vector<Fault>& faults) {
  Harness harness;
  std::map<std::string, int> out;
  for (const Fault& fault : faults) {
    const Hunt result = hunt(harness, fault, 600);
    EXPECT_TRUE(result.caught) << fault.pass << " " << fault.what << ": not seen on "
                               << result.applied << " of " << result.programs << " programs";
    out[fault.pass] += result.caught;
    std::printf("%-12s %-48s caught on the %d. program with a place for it (of %d): %.60s\n",
                fault.pass.c_str(), fault.what.c_str(), result.applied, result.programs,
                result.how.c_str());
  }
  return out;
}

TEST(Measure, FaultsAreCaught) {
  const auto found = caught(faults());
  for (const auto& entry : transform::passes()) EXPECT_GE(found.at(entry.name), 5) << entry.name;
}

TEST(Measure, StageFaultsAreCaught) { EXPECT_GE(caught(stage_faults()).at("suspend"), 20); }

}  // namespace
}  // namespace borel::testing

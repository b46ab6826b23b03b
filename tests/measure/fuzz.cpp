// fuzz [N] [seed] [M] [KIND]: checks N random programs of each kind (or one: function, model,
// stages) from a seed on; prints each failing seed, and for the first M failures a smaller program
// that fails in the same way. Exit status 1 when any failed.
#include <cstdio>
#include <cstdlib>

#include "tests/measure/harness.h"
#include "tests/measure/minimise.h"

int main(int argc, char** argv) {
  using namespace borel::testing;
  const long n = argc > 1 ? std::atol(argv[1]) : 1000;
  const auto first = static_cast<uint64_t>(argc > 2 ? std::atoll(argv[2]) : 1);
  const int minimised_failures = argc > 3 ? std::atoi(argv[3]) : 3;
  const std::string only = argc > 4 ? argv[4] : "";
  const auto wanted = [&](const char* kind) { return only.empty() || only == kind; };
  Harness harness;
  Tally tally;
  int failures = 0;
  const auto report = [&](const char* kind, uint64_t seed, const Failure& failure) {
    ++failures;
    std::printf("%s %llu: %s: %s\n", kind, static_cast<unsigned long long>(seed),
                failure.pass.c_str(), failure.message.c_str());
    std::fflush(stdout);
    return failures <= minimised_failures;
  };
  const auto show = [](const std::string& text, const std::optional<Failure>& failure) {
    std::printf("--- smaller: %s\n%s", failure ? failure->message.c_str() : "", text.c_str());
    if (failure)
      std::printf("--- before %s:\n%s--- after:\n%s\n", failure->pass.c_str(),
                  failure->before.c_str(), failure->after.c_str());
    std::fflush(stdout);
  };
  for (uint64_t seed = first; seed < first + static_cast<uint64_t>(n); ++seed) {
    const FunctionProgram program = random_function(seed);
    const auto checked_function =
        wanted("function") ? check_function(harness, program, seed, &tally).failure : std::nullopt;
    if (const auto& failure = checked_function; failure && report("function", seed, *failure)) {
      const auto checked = [&](const std::string& text) {
        FunctionProgram smaller{text, program.points};
        return check_function(harness, smaller, seed).failure;
      };
      const std::string text = minimised(harness, program.text, *failure, checked);
      show(text, checked(text));
    }
    const ModelProgram model = random_model(seed);
    const auto checked_model =
        wanted("model") ? check_model(harness, model, seed, &tally).failure : std::nullopt;
    if (const auto& failure = checked_model; failure && report("model", seed, *failure)) {
      const auto checked = [&](const std::string& text) {
        ModelProgram smaller = model;
        smaller.text = text;
        return check_model(harness, smaller, seed).failure;
      };
      const std::string text = minimised(harness, model.text, *failure, checked);
      show(text, checked(text));
    }
    const StageProgram stages = random_stages(seed);
    if (argc > 5) std::printf("%s", stages.text.c_str());
    const auto checked_stages =
        wanted("stages") ? check_stages(harness, stages, seed, &tally).failure : std::nullopt;
    if (const auto& failure = checked_stages; failure && report("stages", seed, *failure)) {
      const auto checked = [&](const std::string& text) {
        // Without it the passes cannot know a site's extents.
        if (text.find("func.func private @model.shape") == std::string::npos)
          return std::optional<Failure>();
        StageProgram smaller = stages;
        smaller.text = text;
        return check_stages(harness, smaller, seed).failure;
      };
      const std::string text = minimised(harness, stages.text, *failure, checked);
      show(text, checked(text));
    }
  }
  for (const auto& [pass, count] : tally)
    std::printf("%-12s changed %d programs\n", pass.c_str(), count);
  std::printf("%d failures\n", failures);
  return failures != 0;
}

// What runs of a machine that goes through its data once came to: a table of its steps, a picture
// of the effective sample size, and the evidence.
//
// Of the machine's statistics it knows, where they are there: log_evidence (of the data so far),
// ess (the effective number of particles), resampled (0 or 1) and ancestors (distinct ones that the
// last resampling kept). A site NAME with another one NAME_sd of the same shape is shown as mean
// and standard deviation.
#ifndef BOREL_RUNTIME_IO_FILTER_REPORT_H
#define BOREL_RUNTIME_IO_FILTER_REPORT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/instance.h"
#include "runtime/core/parameters.h"
#include "runtime/loop/chains.h"

namespace borel::io {

// One run, step by step: empty where the machine has no such statistic.
struct FilterSteps {
  std::vector<double> log_evidence, ess, resampled, ancestors;
};
FilterSteps filter_steps(const runtime::Instance& instance, const runtime::Chain& run);

// The scalar input `particles`, or the machine's parameter of that name; nothing where there is
// neither.
std::optional<std::int64_t> particle_count(const runtime::Instance& instance,
                                           const runtime::Parameters& parameters);

// What the runs that came to their end say together. The estimate of the evidence of each run is
// unbiased, so is their mean; its logarithm is not.
struct Evidence {
  std::vector<double> runs;  // the log evidence of each
  double log_mean = 0;       // of the mean of the estimates
  // Of several runs, else NaN: the variance of the estimates over the square of their mean, and the
  // standard error of log_mean that follows from it.
  double relative_variance = 0, standard_error = 0;
};
// Nothing where the machine tells no evidence or no run is finished.
std::optional<Evidence> evidence(const runtime::Instance& instance,
                                 const runtime::SampleResult& result);

struct FilterTableOptions {
  std::int64_t width = 100;      // of the terminal
  std::int64_t most_steps = 24;  // beyond it the first and the last ones
};

// A row a step of the first run that made any: ESS (and as a share), log evidence so far, distinct
// ancestors where it resampled, and the first sites as mean and standard deviation.
std::string filter_table(const runtime::Instance& instance, const runtime::SampleResult& result,
                         std::optional<std::int64_t> particles,
                         const FilterTableOptions& options = {});

// The share of effective particles over the steps, in block characters; where several steps share a
// column, the lowest. Empty where it is not known.
std::string filter_picture(const FilterSteps& steps, std::int64_t particles, std::int64_t width);

// "log evidence -123.45 (…)".
std::string evidence_text(const Evidence& evidence);

// {"particles", "steps", "log_evidence", "standard_error", "relative_variance", "runs":
// [{"log_evidence", "steps", "seconds"}…]}. What is unknown is null.
std::string filter_json(const runtime::Instance& instance, const runtime::SampleResult& result,
                        std::optional<std::int64_t> particles);

// A picture for documents: the share of effective particles over the steps, and that of distinct
// ancestors where it resampled.
// filter_figure.cpp.
std::string filter_figure(const FilterSteps& steps, std::int64_t particles,
                          const std::string& title);

}  // namespace borel::io

#endif

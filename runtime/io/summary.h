// The posterior summary of a run: one row a quantity, and how well the chains did.
#ifndef BOREL_RUNTIME_IO_SUMMARY_H
#define BOREL_RUNTIME_IO_SUMMARY_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/io/quantities.h"
#include "runtime/io/statistics.h"
#include "runtime/loop/chains.h"

namespace borel::io {

struct SummaryRow {
  std::string name;        // "theta[1]"; "lp__" for the log density
  std::int32_t site = -1;  // in the machine's model; -1: a statistic
  QuantityStatistics statistics{};
};

struct ChainSummary {
  std::int64_t draws = 0;      // finished after warm-up
  std::int64_t divergent = 0;  // of those
  std::int64_t saturated = 0;  // of those that reached max_depth
  double energy_bfmi = 0;      // NaN: unknown
  double step_size = 0;        // NaN: unknown
  double accept_stat = 0;      // mean; NaN: unknown
  double leapfrogs = 0;        // in all draws; NaN: unknown
  std::int64_t rejections = 0, warmup_rejections = 0;
  runtime::ChainTime time;
};

struct Summary {
  std::vector<SummaryRow> rows;  // lp__ first if there is one, then as list_quantities orders them
  std::vector<ChainSummary> chains;  // of the run, all of them
  // What the rows are made of. Chains of a run that was stopped differ in length: the chains and
  // the common length are chosen to keep as many draws as possible.
  std::vector<std::int64_t> used_chains;
  std::int64_t used_draws = 0;  // a chain
  std::int64_t max_depth = 0;   // 0: the machine has no such parameter
  double target_accept = 0;     // 0: the same

  std::int64_t divergent() const;
  std::int64_t saturated() const;
  std::int64_t total_draws() const;  // over all chains
};

// `threads` as in SampleOptions; the numbers do not depend on it.
Summary summarise(const runtime::Instance& instance, const runtime::SampleResult& result,
                  const runtime::Parameters& parameters, int threads = 1);

// The draws of one position (or statistic) of the used chains, chain after chain.
std::vector<double> collect_draws(const runtime::SampleResult& result, const Summary& summary,
                                  std::int64_t position);
std::vector<double> collect_statistic(const runtime::SampleResult& result, const Summary& summary,
                                      std::int32_t statistic);

}  // namespace borel::io

#endif

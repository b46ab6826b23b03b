// A summary as a table for people and as JSON for programs.
#ifndef BOREL_RUNTIME_IO_REPORT_H
#define BOREL_RUNTIME_IO_REPORT_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/io/advice.h"
#include "runtime/io/summary.h"

namespace borel::io {

struct TableOptions {
  std::int64_t width = 100;     // of the terminal; long names are shortened to fit
  std::int64_t most_rows = 60;  // beyond it the first ones, and the worst by R-hat of the rest
};

// Rows of mean, MCSE, sd, quantiles, ESS and R-hat. Each row shows as many decimals as its MCSE
// makes meaningful (two digits of it); what cannot be computed is NA.
std::string summary_table(const Summary& summary, const TableOptions& options = {});

// "4 chains of 1000 draws after 1000 of warm-up: 0.12 s (warm-up 0.06 s, sampling 0.06 s a chain)",
// then divergences, tree depth and E-BFMI, one line each.
std::string run_text(const Summary& summary, std::int64_t warmup);

// {"draws_per_chain", "chains_used", "quantities": [{"name", "mean", "mcse", "sd", "q5", "q50",
// "q95", "ess_bulk", "ess_tail", "rhat"}…], "chains": [{…}…], "warnings": [{"kind", "text",
// "sites": [{"site", "file", "line", "column", "text"}…]}…]}. NaN and infinities are null.
std::string summary_json(const Summary& summary, const std::vector<Advice>& advice);

}  // namespace borel::io

#endif

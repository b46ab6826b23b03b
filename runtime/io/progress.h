// Progress of the chains on standard error while a run is under way.
#ifndef BOREL_RUNTIME_IO_PROGRESS_H
#define BOREL_RUNTIME_IO_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/loop/chains.h"

namespace borel::io {

enum class ProgressStyle {
  none,
  lines,  // for files and pipes: one line a chain, no oftener than every few seconds
  live    // for terminals: a line a chain, redrawn in place
};

// live if `descriptor` is a terminal that can move its cursor, else lines; none when `quiet`.
ProgressStyle progress_style(int descriptor, bool quiet);

// Columns of the terminal at `descriptor`, or `fallback`.
std::int64_t terminal_width(int descriptor, std::int64_t fallback);

class ProgressPrinter {
 public:
  ProgressPrinter(int descriptor, ProgressStyle style,
                  std::chrono::milliseconds line_period = std::chrono::seconds(5));

  // For SampleOptions::progress.
  void operator()(std::span<const runtime::ChainProgress> chains);

 private:
  using Clock = std::chrono::steady_clock;

  std::string live_line(std::size_t chain, const runtime::ChainProgress& progress) const;
  void write(const std::string& text) const;

  int descriptor_;
  ProgressStyle style_;
  std::chrono::milliseconds line_period_;
  Clock::time_point start_ = Clock::now(), last_line_ = start_;
  std::size_t lines_shown_ = 0;
  std::int64_t width_;
};

// "chain 2: 1300 / 2000 (65 %), sampling".
std::string progress_line(std::size_t chain, const runtime::ChainProgress& progress);

}  // namespace borel::io

#endif

#include "runtime/io/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace borel::io {

using runtime::ChainPhase;
using runtime::ChainProgress;

namespace {

const char* phase_name(ChainPhase phase) {
  switch (phase) {
    case ChainPhase::waiting:
      return "waiting";
    case ChainPhase::starting:
      return "starting";
    case ChainPhase::warmup:
      return "warm-up";
    case ChainPhase::sampling:
      return "sampling";
    case ChainPhase::done:
      return "done";
    case ChainPhase::stopped:
      return "stopped";
    case ChainPhase::failed:
      break;
  }
  return "failed";
}

double part_done(const ChainProgress& progress) {
  const std::int64_t total = progress.warmup + progress.draws;
  return total > 0 ? static_cast<double>(progress.iterations) / static_cast<double>(total) : 1;
}

bool running(const ChainProgress& progress) {
  return progress.phase != ChainPhase::done && progress.phase != ChainPhase::stopped &&
         progress.phase != ChainPhase::failed;
}

}  // namespace

ProgressStyle progress_style(int descriptor, bool quiet) {
  if (quiet) {
    return ProgressStyle::none;
  }
  return ::isatty(descriptor) != 0 ? ProgressStyle::live : ProgressStyle::lines;
}

std::int64_t terminal_width(int descriptor, std::int64_t fallback) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : fallback;
}

std::string progress_line(std::size_t chain, const ChainProgress& progress) {
  char text[120];
  std::snprintf(text, sizeof text, "chain %zu: %" PRId64 " / %" PRId64 " (%d %%), %s", chain + 1,
                progress.iterations, progress.warmup + progress.draws,
                static_cast<int>(100 * part_done(progress)), phase_name(progress.phase));
  return text;
}

ProgressPrinter::ProgressPrinter(int descriptor, ProgressStyle style,
                                 std::chrono::milliseconds line_period)
    : descriptor_(descriptor),
      style_(style),
      line_period_(line_period),
      width_(terminal_width(descriptor, 80)) {}

std::string ProgressPrinter::live_line(std::size_t chain, const ChainProgress& progress) const {
  constexpr int bar_width = 24;
  const int filled = static_cast<int>(bar_width * part_done(progress));
  std::string bar = "[" + std::string(static_cast<std::size_t>(filled), '=') +
                    std::string(static_cast<std::size_t>(bar_width - filled), ' ') + "] ";
  std::string line = progress_line(chain, progress);
  if (width_ >= 80) {
    line = bar + line;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const std::int64_t here = progress.iterations - progress.first;
  if (running(progress) && here > 0 && seconds > 2) {
    const std::int64_t left_over = progress.warmup + progress.draws - progress.iterations;
    char left[48];
    std::snprintf(left, sizeof left, ", about %.0f s left",
                  seconds * static_cast<double>(left_over) / static_cast<double>(here));
    line += left;
  }
  return line.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(width_ - 1, 1)));
}

void ProgressPrinter::operator()(std::span<const ChainProgress> chains) {
  if (style_ == ProgressStyle::none) {
    return;
  }
  std::string text;
  if (style_ == ProgressStyle::live) {
    // Up to where the first line was, then every line anew, clearing what stood behind it.
    if (lines_shown_ > 0) {
      text += "\x1b[" + std::to_string(lines_shown_) + "A";
    }
    for (std::size_t c = 0; c < chains.size(); ++c) {
      text += "\r" + live_line(c, chains[c]) + "\x1b[K\n";
    }
    lines_shown_ = chains.size();
  } else if (Clock::now() - last_line_ >= line_period_) {
    last_line_ = Clock::now();
    for (std::size_t c = 0; c < chains.size(); ++c) {
      text += progress_line(c, chains[c]) + "\n";
    }
  }
  write(text);
}

// Progress is a courtesy: what cannot be shown is dropped.
void ProgressPrinter::write(const std::string& text) const {
  const ssize_t ignored = text.empty() ? 0 : ::write(descriptor_, text.data(), text.size());
  static_cast<void>(ignored);
}

}  // namespace borel::io

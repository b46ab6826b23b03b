// Ctrl-C as a flag that a run watches. For the command only: a library leaves signals alone.
#ifndef BOREL_RUNTIME_IO_INTERRUPT_H
#define BOREL_RUNTIME_IO_INTERRUPT_H

#include <atomic>
#include <csignal>

namespace borel::io {

// While one exists, SIGINT and SIGTERM set `flag()` instead of ending the process; the second
// signal ends it as usual. At most one exists at a time (std::logic_error).
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;

  const std::atomic<bool>* flag() const;
  bool interrupted() const { return flag()->load(); }

 private:
  struct sigaction old_interrupt_, old_terminate_;
};

}  // namespace borel::io

#endif

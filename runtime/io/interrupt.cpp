#include "runtime/io/interrupt.h"

#include <stdexcept>

namespace borel::io {

namespace {

// A signal handler has no argument through which it could reach anything else.
std::atomic<bool> interrupt_flag{false};
std::atomic<bool> guard_exists{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void borel_on_interrupt(int) { interrupt_flag.store(true); }

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guard_exists.exchange(true)) {
    throw std::logic_error("there is an InterruptGuard already");
  }
  interrupt_flag.store(false);
  struct sigaction action {};
  action.sa_handler = borel_on_interrupt;
  action.sa_flags = SA_RESTART | SA_RESETHAND;  // the second one ends the process
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
  guard_exists.store(false);
}

const std::atomic<bool>* InterruptGuard::flag() const { return &interrupt_flag; }

}  // namespace borel::io

#include "run.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <exception>
#include <thread>

namespace borel::python {

namespace nb = nanobind;

namespace {

constexpr std::chrono::milliseconds tick_interval(50);

// A thread that no signal reaches: they are for Python's.
template <class Body>
std::thread start_quiet_thread(Body body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct Restore {
    const sigset_t& before;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  } restore{before};
  return std::thread(std::move(body));
}

class Run {
 public:
  Run(const Instance& instance, const RunOptions& options, Array& draws, Array& statistics)
      : instance_(instance.handle()),
        machine_(find_machine(instance)),
        summaries_(static_cast<std::size_t>(options.chains)) {
    borel_run_defaults(&raw_);
    for (const auto& [name, value] : options.settings) {
      settings_.push_back({name.c_str(), value});
    }
    raw_.seed = options.seed;
    raw_.chains = options.chains;
    raw_.threads = options.threads;
    if (instance.steps() < 0) {  // else it makes its steps
      raw_.warmup = options.warmup;
      raw_.draws = options.draws;
    }
    raw_.save_warmup = options.save_warmup;
    raw_.setting_count = static_cast<std::int32_t>(settings_.size());
    raw_.settings = settings_.data();
    raw_.initial = options.initial;
    raw_.initial_radius = options.initial_radius;
    raw_.context = this;
    raw_.on_iteration = [](void* context, const borel_iteration* iteration) {
      return static_cast<Run*>(context)->count(*iteration);
    };
    raw_.cancelled = [](void* context) -> std::int32_t {
      return static_cast<Run*>(context)->cancelled_.load(std::memory_order_relaxed);
    };
    raw_.draw_values = draws.data();
    raw_.statistic_values = statistics.data();
    check_room(options, draws, statistics);
    for (std::int32_t i = 0; i < machine_.statistic_count; ++i) {
      if (std::strcmp(machine_.statistics[i], "divergent__") == 0) {
        divergent_ = i;
      }
    }
  }

  nb::tuple operator()(const nb::object& tick) {
    std::thread thread = start_quiet_thread([this] { work(); });
    wait(tick);
    {
      const nb::gil_scoped_release release;
      thread.join();
    }
    if (raised_ != nullptr) {
      borel_error_free(error_);
      std::rethrow_exception(raised_);
    }
    if (code_ != BOREL_SUCCESS && !(code_ == BOREL_CANCELLED && interrupts_ > 0)) {
      throw Error(code_, error_);
    }
    borel_error_free(error_);
    nb::list chains;
    for (const borel_chain_summary& chain : summaries_) {
      chains.append(nb::make_tuple(chain.iterations, chain.rejections, chain.warmup_seconds,
                                   chain.draw_seconds));
    }
    return nb::make_tuple(chains, interrupts_);
  }

 private:
  static const borel_machine& find_machine(const Instance& instance) {
    const borel_machine* machine = instance.program().machine;
    if (machine == nullptr) {
      throw Error(BOREL_NOT_SUPPORTED, "the program has no machine, only models");
    }
    return *machine;
  }

  void check_room(const RunOptions& options, const Array& draws, const Array& statistics) const {
    const std::int64_t rows = options.draws + (options.save_warmup ? options.warmup : 0);
    const std::int64_t size = borel_draw_size(instance_.get(), machine_.model);
    detail::check_size("the draws", draws.size(), options.chains * rows * size);
    detail::check_size("the statistics", statistics.size(),
                       options.chains * rows * machine_.statistic_count);
    if (options.initial != nullptr && options.initial_radius != 0) {
      throw Error(BOREL_BAD_ARGUMENT, "a starting point has no radius");
    }
  }

  std::int32_t count(const borel_iteration& iteration) {
    iterations_.fetch_add(1, std::memory_order_relaxed);
    if (iteration.warmup == 0 && divergent_ >= 0 && iteration.statistics[divergent_] != 0) {
      divergences_.fetch_add(1, std::memory_order_relaxed);
    }
    return 0;
  }

  void work() {
    code_ = borel_run(instance_.get(), &raw_, summaries_.data(), &error_);
    const std::lock_guard<std::mutex> lock(mutex_);
    is_done_ = true;
    done_.notify_all();
  }

  // Holds the GIL but for the waiting itself.
  void wait(const nb::object& tick) {
    for (;;) {
      {
        const nb::gil_scoped_release release;
        std::unique_lock<std::mutex> lock(mutex_);
        if (done_.wait_for(lock, tick_interval, [this] { return is_done_; })) {
          return;
        }
      }
      try {
        if (PyErr_CheckSignals() != 0) {
          throw nb::python_error();
        }
        if (!tick.is_none() && raised_ == nullptr) {
          tick(iterations_.load(std::memory_order_relaxed),
               divergences_.load(std::memory_order_relaxed));
        }
      } catch (nb::python_error& error) {
        error.matches(PyExc_KeyboardInterrupt) ? interrupt() : stop_for(std::current_exception());
      } catch (...) {
        stop_for(std::current_exception());
      }
    }
  }

  void interrupt() {
    ++interrupts_;
    cancelled_.store(1, std::memory_order_relaxed);
  }
  void stop_for(std::exception_ptr raised) {
    raised_ = raised_ == nullptr ? raised : raised_;
    cancelled_.store(1, std::memory_order_relaxed);
  }

  const borel::Instance& instance_;
  const borel_machine& machine_;
  std::vector<borel_setting> settings_;
  borel_run_options raw_{};
  std::vector<borel_chain_summary> summaries_;
  std::int32_t divergent_ = -1;

  std::atomic<std::int64_t> iterations_{0}, divergences_{0};
  std::atomic<std::int32_t> cancelled_{0};
  std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  borel_code code_ = BOREL_SUCCESS;
  borel_error* error_ = nullptr;

  int interrupts_ = 0;
  std::exception_ptr raised_;
};

}  // namespace

nb::tuple run(const Instance& instance, const RunOptions& options, Array draws, Array statistics,
              nb::object tick) {
  return Run(instance, options, draws, statistics)(tick);
}

}  // namespace borel::python

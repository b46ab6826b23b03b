#include "runtime/loop/chains.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "runtime/core/threads.h"

namespace borel::runtime {

namespace {

using Clock = std::chrono::steady_clock;

// Steps between copies of a large state.
constexpr std::int64_t most_repeated = 32;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What a chain shows while it runs; on a cache line of its own, since it is written every
// iteration.
struct alignas(64) SharedProgress {
  std::atomic<ChainPhase> phase{ChainPhase::waiting};
  std::atomic<std::int64_t> iterations{0};
};

struct Run {
  const Instance& instance;
  const SampleOptions& options;
  std::int64_t warmup, draws;
  std::int32_t step_size_statistic;
  int threads_each = 1;  // that a chain may share the work of a step among
  std::atomic<bool> failed{false};

  bool stop_requested() const {
    return failed.load(std::memory_order_relaxed) ||
           (options.stop != nullptr && options.stop->load(std::memory_order_relaxed));
  }
};

// Thrown within a chain to end it.
struct ChainError {
  Error error;
};

class ChainRunner {
 public:
  ChainRunner(Run& run, std::int64_t index, Chain& chain, SharedProgress& progress)
      : run_(run),
        machine_(run.instance.machine()),
        instance_(run.instance.get()),
        index_(index),
        chain_(chain),
        progress_(progress),
        first_(chain.iterations),
        key_{run.options.seed, run.options.first_stream + static_cast<std::uint64_t>(index), 0} {
    if (run.threads_each > 1) {
      workspace_.get()->share = share;
      workspace_.get()->pool = this;
    }
  }

  void operator()() {
    const Clock::time_point start = Clock::now();
    ChainPhase end = ChainPhase::failed;
    try {
      end = iterate(start);
    } catch (ChainError& thrown) {
      chain_.error = std::move(thrown.error);
    } catch (const std::bad_alloc&) {
      chain_.error = Error{ErrorKind::memory, "out of memory", {}, {}};
    } catch (const ContractViolation& violation) {
      chain_.error = Error{ErrorKind::internal, violation.what(), {}, {}};
    }
    if (chain_.error) {
      run_.failed.store(true, std::memory_order_relaxed);
    }
    take_rejections(chain_.iterations < run_.warmup ? chain_.warmup_rejections : chain_.rejections);
    if (run_.options.sink != nullptr) {
      Failure failure = run_.options.sink->finished(index_, chain_.time);
      if (failure && !chain_.error) {
        chain_.error = std::move(failure);
        end = ChainPhase::failed;
        run_.failed.store(true, std::memory_order_relaxed);
      }
    }
    progress_.phase.store(end, std::memory_order_relaxed);
  }

 private:
  // Threads of the chain's own, from the first step that has work to share.
  static void share(void* runner, void (*task)(void*, std::int64_t), void* environment,
                    std::int64_t tasks) {
    // Waking threads costs as much as a few tasks.
    constexpr std::int64_t few = 8;
    if (tasks < few) {
      for (std::int64_t i = 0; i < tasks; ++i) task(environment, i);
      return;
    }
    auto& self = *static_cast<ChainRunner*>(runner);
    if (!self.sharers_) self.sharers_.emplace(self.run_.threads_each);
    std::atomic<std::int64_t> next{0};
    self.sharers_->for_each(self.sharers_->size(), [&](std::int64_t) {
      for (std::int64_t i = 0; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;)
        task(environment, i);
    });
  }

  ChainPhase iterate(Clock::time_point start) {
    if (run_.stop_requested()) {
      return ChainPhase::stopped;
    }
    const bool begun = prepare();
    progress_.phase.store(ChainPhase::starting, std::memory_order_relaxed);
    if (!begun) {
      initialise();
      take_rejections(chain_.warmup_rejections);
    }
    const ChainTime before = chain_.time;
    if (!begun || first_ < run_.warmup) {
      const auto tell_time = [&] {
        chain_.time.warmup_seconds = before.warmup_seconds + seconds_since(start);
      };
      if (!advance(ChainPhase::warmup, run_.warmup, tell_time)) {
        return ChainPhase::stopped;
      }
      if (machine_.steps == nullptr) {
        read_adaptation();
      }
      offer_state(false);
    }
    const Clock::time_point sampling_start = Clock::now();
    const auto tell_time = [&] {
      chain_.time.sampling_seconds = before.sampling_seconds + seconds_since(sampling_start);
    };
    const bool done = advance(ChainPhase::sampling, run_.warmup + run_.draws, tell_time);
    if (done) {
      offer_state(true);
    }
    return done ? ChainPhase::done : ChainPhase::stopped;
  }

  // Memory for all that the chain will hold, with what it holds already. True for a chain that goes
  // on from an earlier run.
  bool prepare() {
    const std::int64_t state_size = machine_.state_size(instance_);
    if (state_size < 0) {
      throw ContractViolation("state_size is negative");
    }
    const bool begun = chain_.state.size() > 0;
    if (begun && chain_.state.size() != static_cast<std::size_t>(state_size)) {
      throw ChainError{Error{ErrorKind::incompatible,
                             "a saved state has " + std::to_string(chain_.state.size()) +
                                 " bytes; the machine's have " + std::to_string(state_size),
                             {},
                             {}}};
    }
    if (!begun) {
      chain_.state = AlignedBuffer(static_cast<std::size_t>(state_size));
      if (state_size > 0) {  // bytes which the machine leaves alone are the same in every run
        std::memset(chain_.state.data(), 0, chain_.state.size());
      }
    }
    saved_ = AlignedBuffer(chain_.state.size());
    chain_.stream = static_cast<std::int64_t>(key_.stream);
    chain_.draw_size = run_.instance.draw_size(run_.instance.machine_model());
    chain_.statistic_count = machine_.statistic_count;
    std::int64_t rows = 1;  // without keep_draws one row is written again and again
    if (run_.options.keep_draws) {
      rows = run_.draws + (run_.options.save_warmup ? run_.warmup : 0);
    }
    const std::int64_t kept = chain_.warmup_count + chain_.draw_count;
    const auto allocate = [&](std::unique_ptr<double[]>& values, std::int64_t row) {
      auto all = std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(rows * row));
      if (kept > 0) {
        copy(all.get(), values.get(), static_cast<std::size_t>(kept * row) * sizeof(double));
      }
      values = std::move(all);
    };
    allocate(chain_.draws, chain_.draw_size);
    allocate(chain_.statistics, chain_.statistic_count);
    return begun;
  }

  void check(borel_status status) {
    if (status != BOREL_OK) {
      throw ChainError{describe_fault(run_.instance.program(), workspace_.get()->fault)};
    }
  }

  void initialise() {
    const auto& initial = run_.options.initial;
    borel_config config{};
    config.parameters = run_.options.parameters->values();
    config.initial_radius = run_.options.initial_radius;
    if (!initial.empty()) {
      const std::size_t i = initial.size() == 1 ? 0 : static_cast<std::size_t>(index_);
      config.initial = initial.at(i).data();
    }
    void* state = chain_.state.data();
    check(workspace_.run(
        [&](borel_workspace* ws) { return machine_.init(instance_, ws, &config, key_, state); }));
    check_start(config.initial != nullptr);
  }

  // A machine that tells its log density must not start where that is not finite.
  void check_start(bool given) {
    const std::int32_t column = find_statistic(machine_, "lp");
    if (column < 0 || machine_.info == nullptr) {
      return;
    }
    std::vector<double> statistics(static_cast<std::size_t>(machine_.statistic_count));
    check(workspace_.run([&](borel_workspace* ws) {
      return machine_.info(instance_, ws, chain_.state.data(), statistics.data());
    }));
    const double lp = statistics[static_cast<std::size_t>(column)];
    if (!std::isfinite(lp)) {
      throw ChainError{
          Error{ErrorKind::start,
                given ? "the log density at the given starting point is " + number_text(lp)
                      : "no starting point with a finite log density was found in "
                        "100 tries: give one with --init, or a smaller radius",
                {},
                {}}};
    }
  }

  // Iterations until `end` are done; false when stopped before. `tell_time` brings the chain's time
  // up to date.
  template <class TellTime>
  bool advance(ChainPhase phase, std::int64_t end, const TellTime& tell_time) {
    progress_.phase.store(phase, std::memory_order_relaxed);
    const bool warmup = phase == ChainPhase::warmup;
    const bool record = !warmup || run_.options.save_warmup;
    while (chain_.iterations < end) {
      if (run_.stop_requested()) {
        tell_time();
        offer_state(true);
        return false;
      }
      step();
      if (record) {
        this->record(warmup);
      }
      take_rejections(warmup ? chain_.warmup_rejections : chain_.rejections);
      ++chain_.iterations;
      progress_.iterations.store(chain_.iterations, std::memory_order_relaxed);
      // The last one of a phase is offered when all that belongs to the phase is done.
      if (run_.options.states != nullptr && chain_.iterations < end) {
        tell_time();
        offer_state(false);
      }
    }
    tell_time();
    return true;
  }

  void offer_state(bool last) {
    if (run_.options.states != nullptr) {
      check_sink(run_.options.states->state(index_, chain_, last));
    }
  }

  void step() {
    void* state = chain_.state.data();
    key_.step = static_cast<std::uint64_t>(chain_.iterations) + 1;
    const bool is_large = chain_.state.size() >= run_.options.large_state;
    if (!is_large || calm_ < 2 || chain_.iterations - saved_at_ >= most_repeated) {
      copy(saved_.data(), state, chain_.state.size());
      saved_at_ = chain_.iterations;
    }
    const std::size_t capacity = workspace_.capacity();
    check(workspace_.run(
        [&](borel_workspace* ws) { return machine_.step(instance_, ws, key_, state); },
        [&] { restore(); }));
    calm_ = workspace_.capacity() == capacity ? calm_ + 1 : 0;
  }

  // Brings the state back to what it was before this step: the saved one, and the steps since then
  // once more, which give the same bits.
  void restore() {
    void* state = chain_.state.data();
    copy(state, saved_.data(), chain_.state.size());
    borel_key key = key_;
    for (std::int64_t done = saved_at_; done < chain_.iterations;) {
      key.step = static_cast<std::uint64_t>(done) + 1;
      switch (machine_.step(instance_, workspace_.get(), key, state)) {
        case BOREL_OK:
          ++done;
          break;
        case BOREL_NEED_SPACE:
          workspace_.grow();
          copy(state, saved_.data(), chain_.state.size());
          done = saved_at_;
          break;
        default:
          throw ContractViolation("a step fails that went well before");
      }
    }
  }

  static void copy(void* to, const void* from, std::size_t size) {
    if (size > 0) {
      std::memcpy(to, from, size);
    }
  }

  void record(bool warmup) {
    const std::int64_t row = run_.options.keep_draws ? chain_.warmup_count + chain_.draw_count : 0;
    double* draw = chain_.draws.get() + row * chain_.draw_size;
    double* statistics = chain_.statistics.get() + row * chain_.statistic_count;
    const void* state = chain_.state.data();
    check(workspace_.run(
        [&](borel_workspace* ws) { return machine_.draw(instance_, ws, state, draw); }));
    if (chain_.statistic_count > 0) {
      check(workspace_.run(
          [&](borel_workspace* ws) { return machine_.info(instance_, ws, state, statistics); }));
    }
    if (run_.options.sink != nullptr) {
      check_sink(run_.options.sink->draw(index_, warmup, statistics, draw));
    }
    if (run_.options.keep_draws) {
      ++(warmup ? chain_.warmup_count : chain_.draw_count);
    }
  }

  void read_adaptation() {
    const void* state = chain_.state.data();
    if (run_.step_size_statistic >= 0) {
      std::vector<double> statistics(static_cast<std::size_t>(machine_.statistic_count));
      check(workspace_.run([&](borel_workspace* ws) {
        return machine_.info(instance_, ws, state, statistics.data());
      }));
      chain_.adaptation.step_size = statistics[static_cast<std::size_t>(run_.step_size_statistic)];
    }
    if (machine_.metric != nullptr) {
      std::vector<double>& metric = chain_.adaptation.inverse_metric;
      metric.resize(static_cast<std::size_t>(machine_.metric_size(instance_)));
      check(workspace_.run([&](borel_workspace* ws) {
        return machine_.metric(instance_, ws, state, metric.data());
      }));
    }
    if (run_.options.sink != nullptr) {
      check_sink(run_.options.sink->adapted(index_, chain_.adaptation));
    }
  }

  static void check_sink(Failure failure) {
    if (failure) {
      throw ChainError{std::move(*failure)};
    }
  }

  void take_rejections(std::int64_t& count) {
    const borel_workspace* ws = workspace_.get();
    if (ws->rejections == 0) {
      return;
    }
    if (chain_.warmup_rejections + chain_.rejections == 0) {
      chain_.first_rejection = ws->fault;
    }
    count += ws->rejections;
    workspace_.clear_faults();
  }

  Run& run_;
  const borel_machine& machine_;
  const void* instance_;
  const std::int64_t index_;
  Chain& chain_;
  SharedProgress& progress_;
  const std::int64_t first_;  // iterations that an earlier run finished
  borel_key key_;
  Workspace workspace_;
  std::optional<ThreadPool> sharers_;
  // The state when saved_at_ iterations were done. A small one is copied before each step. Copying
  // a large one can cost as much as its step: that is copied while steps ask for more workspace,
  // and then now and again.
  AlignedBuffer saved_;
  std::int64_t saved_at_ = 0;
  int calm_ = 0;  // steps since one asked for more
};

Failure check_initial(const Instance& instance, const SampleOptions& options, std::int64_t chains) {
  const std::size_t count = options.initial.size();
  if (count > 1 && count != static_cast<std::size_t>(chains)) {
    return Error{ErrorKind::parameter,
                 "there are " + std::to_string(count) + " initial points for " +
                     std::to_string(chains) + " chains",
                 {},
                 {}};
  }
  const std::int64_t dimension = instance.dimension(instance.machine_model());
  for (const auto& initial : options.initial) {
    if (static_cast<std::int64_t>(initial.size()) != dimension) {
      return Error{ErrorKind::parameter,
                   "an initial point has " + std::to_string(initial.size()) +
                       " unconstrained values; the model has " + std::to_string(dimension),
                   {},
                   {}};
    }
  }
  return {};
}

}  // namespace

std::int32_t find_statistic(const borel_machine& machine, std::string_view name) {
  for (std::int32_t i = 0; i < machine.statistic_count; ++i) {
    std::string_view candidate = machine.statistics[i];
    if (candidate.ends_with("__")) {
      candidate.remove_suffix(2);
    }
    if (candidate == name) {
      return i;
    }
  }
  return -1;
}

SampleResult sample(const Instance& instance, const SampleOptions& options,
                    std::vector<Chain> from) {
  const Parameters& parameters = *options.parameters;
  const std::int64_t chains = parameters.get_int("chains");
  if (Failure failure = check_initial(instance, options, chains)) {
    SampleResult refused;
    refused.error = std::move(failure);
    return refused;
  }
  Run run{instance, options, parameters.get_int("warmup"), parameters.get_int("draws"),
          find_statistic(instance.machine(), "stepsize")};
  const int threads = thread_count(options.threads, std::numeric_limits<std::int64_t>::max());
  run.threads_each = static_cast<int>(threads / std::clamp<std::int64_t>(chains, 1, threads));
  SampleResult result;
  result.chains = std::move(from);
  result.chains.resize(static_cast<std::size_t>(chains));
  std::vector<SharedProgress> shared(result.chains.size());
  std::vector<ChainProgress> shown(result.chains.size());
  std::vector<std::int64_t> first(result.chains.size());
  for (std::size_t c = 0; c < first.size(); ++c) {
    first[c] = result.chains[c].iterations;
    shared[c].iterations.store(first[c], std::memory_order_relaxed);
  }
  const auto show = [&] {
    if (!options.progress) {
      return;
    }
    for (std::size_t c = 0; c < shown.size(); ++c) {
      shown[c] = {shared[c].phase.load(std::memory_order_relaxed),
                  shared[c].iterations.load(std::memory_order_relaxed), run.warmup, run.draws,
                  first[c]};
    }
    options.progress(shown);
  };

  ThreadPool pool(thread_count(options.threads, chains));
  pool.start(chains, [&](std::int64_t c) {
    const std::size_t i = static_cast<std::size_t>(c);
    ChainRunner(run, c, result.chains[i], shared[i])();
  });
  while (!pool.wait_for(options.progress_period)) {
    show();
  }
  show();

  for (std::size_t c = 0; c < result.chains.size(); ++c) {
    Chain& chain = result.chains[c];
    if (chain.error && !result.error) {
      result.error = chain.error;
      result.error->text = "chain " + std::to_string(c + 1) + ": " + chain.error->text;
    }
    if (!chain.error && chain.iterations < run.warmup + run.draws) {
      result.stopped = true;
    }
  }
  result.stopped = result.stopped && !result.error;
  return result;
}

}  // namespace borel::runtime

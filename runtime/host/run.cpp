// Whole runs: chains in threads, their draws given out as they come or kept in the caller's memory.
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <ctime>

#include "runtime/host/handles.h"

namespace borel::host {

namespace {

double seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Outcome {
  borel_code code;  // BOREL_CANCELLED: it stopped because the host asked
  borel_error* error;
  std::int64_t divergences, draws;
};

class Run {
 public:
  Run(const borel_instance& instance, const borel_run_options& options,
      borel_chain_summary* summaries, const Reporter& report)
      : instance_(instance),
        machine_(*instance.program->machine),
        options_(options),
        summaries_(summaries),
        report_(report),
        parameters_(instance.library->allocator),
        outcomes_(instance.library->allocator) {}

  borel_code operator()() {
    if (const borel_code code = prepare()) {
      return code;
    }
    run_threads();
    return conclude();
  }

 private:
  borel_code prepare() {
    if (const borel_code code = apply_settings(instance_, options_.setting_count, options_.settings,
                                               parameters_, counts_, report_)) {
      return code;
    }
    if (options_.chains < 0 || options_.threads < 0 || options_.warmup < -1 ||
        options_.draws < -1) {
      return report_.bad_argument("chains, threads, warmup or draws are below their least");
    }
    const struct {
      const char* name;
      std::int64_t value, unset;
    } given[] = {{"warmup", options_.warmup, -1},
                 {"draws", options_.draws, -1},
                 {"chains", options_.chains, 0}};
    for (const auto& count : given) {
      const borel_setting setting = {count.name, static_cast<double>(count.value)};
      if (count.value == count.unset) {
        continue;
      }
      if (const borel_code code =
              apply_setting(instance_, setting, parameters_, counts_, report_)) {
        return code;
      }
    }
    draw_size_ = borel_draw_size(&instance_, machine_.model);
    divergent_ = find_statistic(machine_, "divergent");
    watches_divergences_ = divergent_ >= 0 && instance_.library->logger.log != nullptr;
    if (!outcomes_.resize(static_cast<std::size_t>(counts_.chains))) {
      return report_.no_memory();
    }
    for (std::int64_t c = 0; summaries_ != nullptr && c < counts_.chains; ++c) {
      summaries_[c] = {};
    }
    return BOREL_SUCCESS;
  }

  // The caller's thread is one of them. Fewer are made if the system has no more.
  void run_threads() {
    constexpr std::int64_t most = 1024;
    std::int64_t wanted = options_.threads < counts_.chains ? options_.threads : counts_.chains;
    wanted = (wanted < most ? wanted : most) - 1;
    pthread_t threads[most];
    std::int64_t made = 0;
    pthread_attr_t attributes;
    if (wanted > 0 && pthread_attr_init(&attributes) == 0) {
      // The program may take BOREL_STACK of it, and callbacks the rest.
      constexpr std::size_t least = 4 * BOREL_STACK;
      std::size_t stack = 0;
      if (pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < least) {
        pthread_attr_setstacksize(&attributes, least);
      }
      // Signals are for the host's own threads.
      sigset_t all, before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      const auto body = [](void* run) -> void* {
        static_cast<Run*>(run)->take_chains();
        return nullptr;
      };
      while (made < wanted && pthread_create(&threads[made], &attributes, body, this) == 0) {
        ++made;
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      pthread_attr_destroy(&attributes);
    }
    take_chains();
    for (std::int64_t i = 0; i < made; ++i) {
      pthread_join(threads[i], nullptr);
    }
  }

  void take_chains() {
    for (;;) {
      const std::int64_t c = next_.fetch_add(1, std::memory_order_relaxed);
      if (c >= counts_.chains) {
        return;
      }
      run_chain(c);
    }
  }

  bool must_stop() {
    if (!stopped_.load(std::memory_order_relaxed) && options_.cancelled != nullptr &&
        options_.cancelled(options_.context) != 0) {
      stopped_.store(true, std::memory_order_relaxed);
    }
    return stopped_.load(std::memory_order_relaxed);
  }

  void run_chain(std::int64_t c) {
    Outcome& outcome = outcomes_[static_cast<std::size_t>(c)];
    if (must_stop()) {
      outcome.code = BOREL_CANCELLED;
      return;
    }
    Text prefix;
    prefix << "chain " << c + 1 << ": ";
    const Reporter report = {report_.allocator, report_.error != nullptr ? &outcome.error : nullptr,
                             prefix.view()};
    borel_chain* chain = make_chain(&instance_);
    Array<double> row(instance_.library->allocator);
    if (chain == nullptr || !row.resize(static_cast<std::size_t>(draw_size_))) {
      outcome.code = report.no_memory();
    } else {
      outcome.code = iterate(*chain, c, row.data(), outcome, report);
    }
    borel_chain_free(chain);
    if (outcome.code != BOREL_SUCCESS) {
      stopped_.store(true, std::memory_order_relaxed);
    }
  }

  borel_code iterate(borel_chain& chain, std::int64_t c, double* row, Outcome& outcome,
                     const Reporter& report) {
    double phase_start = seconds_now();
    if (!chain.parameters.resize(parameters_.size())) {
      return report.no_memory();
    }
    if (parameters_.size() > 0) {
      std::memcpy(chain.parameters.data(), parameters_.data(), 8 * parameters_.size());
    }
    borel_code code = start_chain(chain, options_.seed, static_cast<std::uint64_t>(c) + 1,
                                  options_.initial, options_.initial_radius, report);
    const std::int64_t end = counts_.warmup + counts_.draws;
    for (std::int64_t i = 0; code == BOREL_SUCCESS && i < end; ++i) {
      if (i == counts_.warmup) {
        phase_start = end_phase(c, &borel_chain_summary::warmup_seconds, phase_start);
      }
      code = must_stop() ? static_cast<borel_code>(BOREL_CANCELLED) : step_chain(chain, report);
      if (code == BOREL_SUCCESS) {
        code = give_out(chain, c, i, row, outcome, report);
      }
      if (summaries_ != nullptr) {
        summaries_[c].iterations = borel_chain_iteration(&chain);
      }
    }
    const bool was_warmup = borel_chain_iteration(&chain) <= counts_.warmup && counts_.warmup > 0;
    end_phase(
        c, was_warmup ? &borel_chain_summary::warmup_seconds : &borel_chain_summary::draw_seconds,
        phase_start);
    if (summaries_ != nullptr) {
      summaries_[c].rejections = chain.worker.raw.rejections;
    }
    return code;
  }

  double end_phase(std::int64_t c, double borel_chain_summary::*seconds, double start) {
    const double now = seconds_now();
    if (summaries_ != nullptr) {
      summaries_[c].*seconds = now - start;
    }
    return now;
  }

  // Iteration i, counting from 0, is done.
  borel_code give_out(borel_chain& chain, std::int64_t c, std::int64_t i, double* row,
                      Outcome& outcome, const Reporter& report) {
    const bool warmup = i < counts_.warmup;
    const bool is_kept = !warmup || options_.save_warmup != 0;
    const std::int64_t rows = counts_.draws + (options_.save_warmup != 0 ? counts_.warmup : 0);
    const std::int64_t at = c * rows + (options_.save_warmup != 0 ? i : i - counts_.warmup);
    double* draw = is_kept && (options_.draw_values != nullptr || options_.on_iteration != nullptr)
                       ? row
                       : nullptr;
    double* statistics = chain.statistics.data();
    if (is_kept && options_.draw_values != nullptr) {
      draw = options_.draw_values + at * draw_size_;
    }
    if (is_kept && options_.statistic_values != nullptr) {
      statistics = options_.statistic_values + at * machine_.statistic_count;
    }
    if (draw != nullptr) {
      if (const borel_code code = read_draw(chain, draw, report)) {
        return code;
      }
    }
    const bool wants_statistics = options_.on_iteration != nullptr ||
                                  (is_kept && options_.statistic_values != nullptr) ||
                                  (!warmup && watches_divergences_);
    if (wants_statistics) {
      if (const borel_code code = read_statistics(chain, statistics, report)) {
        return code;
      }
    }
    if (!warmup) {
      ++outcome.draws;
      outcome.divergences += watches_divergences_ && statistics[divergent_] != 0 ? 1 : 0;
    }
    if (options_.on_iteration != nullptr) {
      const borel_iteration told = {static_cast<std::uint64_t>(c) + 1, i + 1, warmup ? 1 : 0, draw,
                                    statistics};
      if (options_.on_iteration(options_.context, &told) != 0) {
        return BOREL_CANCELLED;
      }
    }
    return BOREL_SUCCESS;
  }

  // The failure of the lowest chain that has one, before any cancellation.
  borel_code conclude() {
    borel_code code = BOREL_SUCCESS;
    std::int64_t divergences = 0, draws = 0;
    for (Outcome& outcome : outcomes_) {
      divergences += outcome.divergences;
      draws += outcome.draws;
      const bool is_failure = outcome.code != BOREL_SUCCESS && outcome.code != BOREL_CANCELLED;
      const bool had_failure = code != BOREL_SUCCESS && code != BOREL_CANCELLED;
      if (is_failure && !had_failure) {
        code = outcome.code;
        if (report_.error != nullptr) {
          *report_.error = outcome.error;
        }
      } else {
        borel_error_free(outcome.error);
        code = code == BOREL_SUCCESS ? outcome.code : code;
      }
    }
    if (divergences > 0) {
      const borel_logger& logger = instance_.library->logger;
      Text text;
      text << divergences << " of " << draws << " draws ended in a divergence";
      char line[Text::capacity + 4] = {};
      std::memcpy(line, text.view().data(), text.view().size());
      logger.log(logger.context, BOREL_LOG_WARNING, line);
    }
    if (code == BOREL_CANCELLED) {
      return report_(BOREL_CANCELLED, Text("the host asked to stop"));
    }
    return code;
  }

  const borel_instance& instance_;
  const borel_machine& machine_;
  const borel_run_options& options_;
  borel_chain_summary* summaries_;
  const Reporter& report_;
  Array<double> parameters_;
  Array<Outcome> outcomes_;
  Counts counts_{};
  std::int64_t draw_size_ = 0;
  std::int32_t divergent_ = -1;
  bool watches_divergences_ = false;
  std::atomic<std::int64_t> next_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" {

void borel_run_defaults(borel_run_options* options) {
  if (options != nullptr) {
    *options = borel_run_options{};
    options->struct_size = sizeof(borel_run_options);
    options->seed = 1;
    options->warmup = options->draws = -1;
  }
}

borel_code borel_run(const borel_instance* instance, const borel_run_options* options,
                     borel_chain_summary* summaries, borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  if (options == nullptr) {
    return report.bad_argument("the options are null");
  }
  if (options->struct_size != sizeof(borel_run_options)) {
    return report.bad_argument("the options are not those of borel_run_defaults");
  }
  borel_code code = BOREL_SUCCESS;
  if (machine_of(instance, report, code) == nullptr) {
    return code;
  }
  return Run(*instance, *options, summaries, report)();
}

}  // extern "C"

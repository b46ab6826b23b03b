// Chains: a machine's state, stepped by hand. Random bits are those of `borel sample`: chain c has
// stream c - 1, its start is step 0 and its iteration i is step i.
#include <cmath>

#include "runtime/host/handles.h"

namespace borel::host {

std::int32_t find_statistic(const borel_machine& machine, std::string_view name) {
  for (std::int32_t i = 0; i < machine.statistic_count; ++i) {
    std::string_view candidate = machine.statistics[i];
    const std::size_t size = candidate.size();
    if (size >= 2 && candidate[size - 1] == '_' && candidate[size - 2] == '_') {
      candidate.remove_suffix(2);
    }
    if (candidate == name) {
      return i;
    }
  }
  return -1;
}

const borel_machine* machine_of(const borel_instance* instance, const Reporter& report,
                                borel_code& code) {
  code = BOREL_SUCCESS;
  if (!instance->is_bound) {
    code = report.bad_argument("the instance is not bound");
    return nullptr;
  }
  if (instance->program->machine == nullptr) {
    code = report(BOREL_NOT_SUPPORTED, Text("the program has no machine, only models"));
  }
  return instance->program->machine;
}

borel_chain* make_chain(const borel_instance* instance) {
  const borel_allocator& allocator = instance->library->allocator;
  borel_chain* made = create<borel_chain>(allocator, instance);
  if (made != nullptr && !prepare_workspace(made->worker.raw, made->worker.space)) {
    borel_chain_free(made);
    return nullptr;
  }
  return made;
}

borel_code prepare_chain(borel_chain& chain, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  const borel_machine& machine = *instance.program->machine;
  chain.is_started = false;
  chain.has_hash = false;
  chain.generation = instance.generation;
  chain.saved_at = chain.calm = 0;
  const std::int64_t size = machine.state_size(instance.memory.data());
  if (size < 0) {
    return report(BOREL_BAD_DATA, Text("the sizes of the data are too large"));
  }
  chain.state_size = static_cast<std::size_t>(size);
  if (!chain.state.reserve(chain.state_size) || !chain.saved.reserve(chain.state_size) ||
      !chain.statistics.resize(static_cast<std::size_t>(machine.statistic_count))) {
    return report.no_memory();
  }
  // Bytes that the machine leaves alone are the same in every run.
  std::memset(chain.state.data(), 0, chain.state_size);
  clear_faults(chain.worker.raw);
  return BOREL_SUCCESS;
}

borel_code read_statistics(borel_chain& chain, double* statistics, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  const borel_machine& machine = *instance.program->machine;
  if (machine.statistic_count == 0) {
    return BOREL_SUCCESS;
  }
  return run_call(chain.worker, report, [&](borel_workspace* ws) {
    return machine.info(instance.memory.data(), ws, chain.state.data(), statistics);
  });
}

borel_code read_draw(borel_chain& chain, double* draw, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  return run_call(chain.worker, report, [&](borel_workspace* ws) {
    return instance.program->machine->draw(instance.memory.data(), ws, chain.state.data(), draw);
  });
}

namespace {

// A machine that tells its log density must not start where that is not finite.
borel_code check_start(borel_chain& chain, const double* initial, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  const borel_machine& machine = *instance.program->machine;
  const std::int32_t column = find_statistic(machine, "lp");
  if (column < 0) {
    return BOREL_SUCCESS;
  }
  if (const borel_code code = read_statistics(chain, chain.statistics.data(), report)) {
    return code;
  }
  const double lp = chain.statistics[static_cast<std::size_t>(column)];
  if (std::isfinite(lp)) {
    return BOREL_SUCCESS;
  }
  const borel_model& model = instance.program->models[machine.model];
  if (initial != nullptr) {
    return report_not_finite(chain.worker, model, initial, lp,
                             "the log density at the given starting point is ", report);
  }
  constexpr const char* text =
      "no starting point with a finite log density was found in 100 tries: give one, or a smaller "
      "radius";
  Array<double> zero(instance.library->allocator);
  double value = 0;
  if (model.log_density == nullptr ||
      !zero.resize(static_cast<std::size_t>(model.dimension(instance.memory.data())))) {
    return report(BOREL_RUN_FAILED, Text(text));
  }
  const borel_code code = run_call(chain.worker, report, [&](borel_workspace* ws) {
    return model.log_density(instance.memory.data(), ws, zero.data(), &value);
  });
  if (code != BOREL_SUCCESS || std::isfinite(value)) {
    return code != BOREL_SUCCESS ? code : report(BOREL_RUN_FAILED, Text(text));
  }
  return report_not_finite(chain.worker, model, zero.data(), value,
                           (Text(text) << "; at 0 the log density is ").view(), report);
}

}  // namespace

borel_code start_chain(borel_chain& chain, std::uint64_t seed, std::uint64_t number,
                       const double* initial, double radius, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  if (const borel_code code = prepare_chain(chain, report)) {
    return code;
  }
  if (number == 0) {
    return report.bad_argument("chains count from 1: found 0");
  }
  if (!(radius >= 0) || !std::isfinite(radius)) {
    return report.bad_argument(Text() << "the initial radius is " << radius
                                      << ", expected a finite number of at least 0");
  }
  chain.key = {seed, number - 1, 0};
  const borel_config config = {chain.parameters.data(), initial, radius == 0 ? 2 : radius};
  const borel_code code = run_call(chain.worker, report, [&](borel_workspace* ws) {
    return instance.program->machine->init(instance.memory.data(), ws, &config, chain.key,
                                           chain.state.data());
  });
  if (code != BOREL_SUCCESS) {
    return code;
  }
  if (const borel_code start_code = check_start(chain, initial, report)) {
    return start_code;
  }
  chain.is_started = true;
  return BOREL_SUCCESS;
}

namespace {

constexpr std::size_t large_state = 1 << 17;  // bytes
constexpr std::int64_t most_repeated = 32;    // steps between copies of a large state

// Brings the state back to what it was after the iterations that are finished: the saved one, and
// those since then once more, which give the same bits. Without memory for it there is no state.
borel_code restore(borel_chain& chain, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  borel_workspace& raw = chain.worker.raw;
  std::uint8_t* const state = chain.state.data();
  const std::int64_t rejections = raw.rejections;
  const borel_fault fault = raw.fault;
  const std::int64_t wanted = borel_chain_iteration(&chain);
  std::memcpy(state, chain.saved.data(), chain.state_size);
  borel_key key = chain.key;
  for (std::int64_t done = chain.saved_at; done < wanted;) {
    key.step = static_cast<std::uint64_t>(done) + 1;
    const borel_status status =
        instance.program->machine->step(instance.memory.data(), &raw, key, state);
    if (status == BOREL_OK) {
      ++done;
      continue;
    }
    const borel_code code =
        status == BOREL_NEED_SPACE
            ? grow_workspace(raw, chain.worker.space, report)
            : report_fault(report, *instance.program, raw.fault, BOREL_RUN_FAILED);
    if (code != BOREL_SUCCESS) {
      chain.is_started = false;
      return code;
    }
    std::memcpy(state, chain.saved.data(), chain.state_size);
    done = chain.saved_at;
  }
  raw.rejections = rejections;
  raw.fault = fault;
  return BOREL_SUCCESS;
}

}  // namespace

borel_code step_chain(borel_chain& chain, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  borel_workspace& raw = chain.worker.raw;
  std::uint8_t* const state = chain.state.data();
  const std::int64_t done = borel_chain_iteration(&chain);
  if (chain.state_size < large_state || chain.calm < 2 || done - chain.saved_at >= most_repeated) {
    std::memcpy(chain.saved.data(), state, chain.state_size);
    chain.saved_at = done;
  }
  borel_key key = chain.key;
  ++key.step;
  const std::int64_t rejections = raw.rejections;
  const borel_fault fault = raw.fault;
  ++chain.calm;
  borel_code code = BOREL_SUCCESS;
  borel_status status = BOREL_NEED_SPACE;
  while (code == BOREL_SUCCESS &&
         (status = instance.program->machine->step(instance.memory.data(), &raw, key, state)) ==
             BOREL_NEED_SPACE) {
    chain.calm = 0;
    code = grow_workspace(raw, chain.worker.space, report);
    raw.rejections = rejections;  // the repetition counts them again
    raw.fault = fault;
    if (code == BOREL_SUCCESS) {
      code = restore(chain, report);
    }
  }
  if (code == BOREL_SUCCESS && status != BOREL_OK) {
    code = report_fault(report, *instance.program, raw.fault, BOREL_RUN_FAILED);
  }
  if (code != BOREL_SUCCESS) {
    raw.rejections = rejections;
    if (chain.is_started) {
      restore(chain, Reporter{report.allocator, nullptr});
    }
    return code;
  }
  chain.key = key;
  return BOREL_SUCCESS;
}

namespace {

borel_code start(borel_chain& chain, const borel_start& start, const Reporter& report) {
  const borel_instance& instance = *chain.worker.instance;
  Counts counts{};
  chain.is_started = false;
  if (const borel_code code = apply_settings(instance, start.setting_count, start.settings,
                                             chain.parameters, counts, report)) {
    return code;
  }
  chain.warmup = counts.warmup;
  return start_chain(chain, start.seed, start.chain, start.initial, start.initial_radius, report);
}

}  // namespace

borel_code check_chain(const borel_chain* chain, borel_error** error) {
  if (chain == nullptr) {
    return null_handle(error, "the chain");
  }
  const Reporter report = reporter(chain->worker.instance, error);
  if (chain->worker.instance->generation != chain->generation) {
    return report.bad_argument("the instance was bound again: the chain must be restarted");
  }
  if (!chain->is_started) {
    return report.bad_argument("the chain has no state, since its last start failed");
  }
  return BOREL_SUCCESS;
}

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_chain_create(const borel_instance* instance, const borel_start* start,
                              borel_chain** chain, borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  if (start == nullptr || chain == nullptr) {
    return report.bad_argument("the start or the place for the chain is null");
  }
  borel_code code = BOREL_SUCCESS;
  if (machine_of(instance, report, code) == nullptr) {
    return code;
  }
  borel_chain* made = make_chain(instance);
  if (made == nullptr) {
    return report.no_memory();
  }
  code = borel::host::start(*made, *start, report);
  if (code != BOREL_SUCCESS) {
    borel_chain_free(made);
    return code;
  }
  *chain = made;
  return BOREL_SUCCESS;
}

borel_code borel_chain_restart(borel_chain* chain, const borel_start* start, borel_error** error) {
  if (chain == nullptr) {
    return null_handle(error, "the chain");
  }
  const Reporter report = reporter(chain->worker.instance, error);
  if (start == nullptr) {
    return report.bad_argument("the start is null");
  }
  borel_code code = BOREL_SUCCESS;
  if (machine_of(chain->worker.instance, report, code) == nullptr) {
    return code;
  }
  return borel::host::start(*chain, *start, report);
}

void borel_chain_free(borel_chain* chain) {
  if (chain != nullptr) {
    destroy(chain->worker.instance->library->allocator, chain);
  }
}

borel_code borel_chain_step(borel_chain* chain, int64_t count, borel_error** error) {
  if (const borel_code code = check_chain(chain, error)) {
    return code;
  }
  const borel_instance& instance = *chain->worker.instance;
  const Reporter report = reporter(&instance, error);
  if (count < 0) {
    return report.bad_argument(Text() << "the count of iterations is " << count);
  }
  const std::int64_t steps = steps_of(instance), done = borel_chain_iteration(chain);
  if (steps >= 0 && count > steps - done) {
    return report.bad_argument(Text() << "the machine makes " << steps << " steps, of which "
                                      << done << " are made: found a count of " << count);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (const borel_code code = step_chain(*chain, report)) {
      return code;
    }
  }
  return BOREL_SUCCESS;
}

int64_t borel_chain_iteration(const borel_chain* chain) {
  return chain == nullptr ? -1 : static_cast<std::int64_t>(chain->key.step);
}
int64_t borel_chain_warmup(const borel_chain* chain) {
  return chain == nullptr ? -1 : chain->warmup;
}

borel_code borel_chain_draw(borel_chain* chain, double* draw, borel_error** error) {
  if (const borel_code code = check_chain(chain, error)) {
    return code;
  }
  const borel_instance& instance = *chain->worker.instance;
  const Reporter report = reporter(&instance, error);
  if (draw == nullptr && borel_draw_size(&instance, borel_instance_model(&instance)) > 0) {
    return report.bad_argument("the place for the draw is null");
  }
  return read_draw(*chain, draw, report);
}

borel_code borel_chain_statistics(borel_chain* chain, double* statistics, borel_error** error) {
  if (const borel_code code = check_chain(chain, error)) {
    return code;
  }
  const Reporter report = reporter(chain->worker.instance, error);
  if (statistics == nullptr && chain->worker.instance->program->machine->statistic_count > 0) {
    return report.bad_argument("the place for the statistics is null");
  }
  return read_statistics(*chain, statistics, report);
}

}  // extern "C"

#include "tests/unit/runtime/toy_program.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <numbers>

#include "runtime/core/philox.h"

namespace borel::runtime::test {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr const char* file = "toy.ppl";

enum Parameter {
  warmup,
  draws,
  chains,
  scale,
  fail_at,
  fail_chain,
  hunger,
  reject_above,
  max_depth,
  count
};

struct ToyInstance {
  double sum_y;
  std::int64_t n;
};

struct ToyState {
  double u[toy_dimension];
  double parameters[count];
  double lp, accept;
  std::int64_t accepted;
};

double normal(const borel_key& key, std::uint64_t position) {
  const auto u = random_uniforms(key, position);
  return std::sqrt(-2 * std::log(u[0])) * std::cos(2 * std::numbers::pi * u[1]);
}

double log_density(const double* u) {
  double lp = 0;
  for (int i = 0; i < toy_dimension; ++i) {
    lp -= 0.5 * u[i] * u[i];
  }
  return lp;
}

borel_status model_log_density(const void*, borel_workspace* ws, const double* u, double* lp) {
  *lp = log_density(u);
  if (u[0] > 50) {  // a constraint that only the density knows
    *lp = -infinity;
    ++ws->rejections;
    ws->fault = {BOREL_FAULT_PARAMETER, 1, -1, u[0]};
  }
  return BOREL_OK;
}

borel_status model_gradient(const void*, borel_workspace* ws, const double* u, double* lp,
                            double* gradient) {
  if (ws->end - ws->begin < 100000) {
    ws->needed = 100000;
    return BOREL_NEED_SPACE;
  }
  *lp = log_density(u);
  for (int i = 0; i < toy_dimension; ++i) {
    gradient[i] = -u[i];
  }
  return BOREL_OK;
}

borel_status diagnose(const void*, borel_workspace* ws, const double* u) {
  for (int i = 2; i < toy_dimension; ++i) {
    if (!std::isfinite(u[i])) {
      ws->fault = {BOREL_FAULT_NOT_FINITE, 0, i - 2, u[i]};
      return BOREL_FAULT;
    }
  }
  return BOREL_OK;
}

borel_status constrain(const void*, borel_workspace*, const double* u, double* draw) {
  std::memcpy(draw, u, toy_dimension * sizeof(double));
  draw[1] = std::exp(u[1]);
  for (int column = 0; column < 2; ++column) {
    for (int row = 0; row < 2; ++row) {
      draw[toy_dimension + 2 * column + row] = 10 * (row + 1) + (column + 1) + u[0];
    }
  }
  return BOREL_OK;
}

borel_status unconstrain(const void*, borel_workspace* ws, const double* latents, double* u) {
  std::memcpy(u, latents, toy_dimension * sizeof(double));
  u[1] = std::log(latents[1]);
  if (!(latents[1] > 0)) {
    ws->fault = {BOREL_FAULT_SUPPORT, 3, -1, latents[1]};
    return BOREL_FAULT;
  }
  return BOREL_OK;
}

void site_shape(const void*, std::int32_t site, std::int64_t* dims, std::int64_t* offset) {
  constexpr std::int64_t offsets[] = {0, 1, 2, -1, -1};
  *offset = offsets[site];
  if (site == 2 || site == 3) {
    dims[0] = 2;
    dims[1] = site == 2 ? 3 : 2;
  }
}

borel_status init(const void* instance, borel_workspace* ws, const borel_config* config,
                  borel_key key, void* state_bytes) {
  if (ws->end - ws->begin < 64) {
    ws->needed = 64;
    return BOREL_NEED_SPACE;
  }
  ToyState& state = *static_cast<ToyState*>(state_bytes);
  std::memcpy(state.parameters, config->parameters, sizeof state.parameters);
  for (int i = 0; i < toy_dimension; ++i) {
    const double drawn =
        config->initial_radius * (2 * random_uniforms(key, static_cast<std::uint64_t>(i))[0] - 1);
    state.u[i] = config->initial != nullptr ? config->initial[i] : drawn;
  }
  state.lp = log_density(state.u);
  if (!std::isfinite(state.lp) || static_cast<const ToyInstance*>(instance)->n < 0) {
    ws->fault = {BOREL_FAULT_NOT_FINITE, 1, -1, state.lp};
    return BOREL_FAULT;
  }
  state.accept = 0;
  state.accepted = 0;
  return BOREL_OK;
}

borel_status step(const void*, borel_workspace* ws, borel_key key, void* state_bytes) {
  ToyState& state = *static_cast<ToyState*>(state_bytes);
  const bool fails = static_cast<double>(key.step) == state.parameters[fail_at] &&
                     static_cast<double>(key.stream) == state.parameters[fail_chain];
  if (fails) {
    ws->fault = {BOREL_FAULT_INDEX, 0, 12, std::numeric_limits<double>::quiet_NaN()};
    return BOREL_FAULT;
  }
  double proposal[toy_dimension];
  for (int i = 0; i < toy_dimension; ++i) {
    proposal[i] = state.u[i] + state.parameters[scale] * normal(key, static_cast<std::uint64_t>(i));
  }
  double lp = log_density(proposal);
  if (proposal[0] > state.parameters[reject_above]) {
    lp = -infinity;
    if (ws->rejections++ == 0) {
      ws->fault = {BOREL_FAULT_REJECT, 1, -1, proposal[0]};
    }
  }
  state.accept = std::min(1.0, std::exp(lp - state.lp));
  if (random_uniforms(key, toy_dimension)[0] < state.accept) {
    std::memcpy(state.u, proposal, sizeof proposal);
    state.lp = lp;
    ++state.accepted;
  }
  // Only now, when the state has changed already: the loop must put it back.
  const double wanted = static_cast<double>(key.step) * state.parameters[hunger];
  if (static_cast<double>(ws->end - ws->begin) < wanted) {
    ws->needed = static_cast<std::int64_t>(wanted);
    return BOREL_NEED_SPACE;
  }
  std::memset(ws->begin, 0xab, static_cast<std::size_t>(wanted));
  return BOREL_OK;
}

borel_status draw(const void* instance, borel_workspace* ws, const void* state, double* draw) {
  return constrain(instance, ws, static_cast<const ToyState*>(state)->u, draw);
}

borel_status metric(const void*, borel_workspace*, const void*, double* inverse_metric) {
  constexpr double values[toy_dimension] = {1, 2, 0.1, 4, 5, 6, 7, 8};
  std::copy(std::begin(values), std::end(values), inverse_metric);
  return BOREL_OK;
}

borel_status info(const void*, borel_workspace*, const void* state_bytes, double* statistics) {
  const ToyState& state = *static_cast<const ToyState*>(state_bytes);
  statistics[toy_energy] = -state.lp;
  statistics[toy_lp] = state.lp;
  statistics[toy_accept] = state.accept;
  statistics[toy_step_size] = state.parameters[scale];
  statistics[toy_depth] = 1;
  statistics[toy_leapfrogs] = 1;
  statistics[toy_divergent] = state.u[1] < -1 ? 1 : 0;
  statistics[toy_accepted] = static_cast<double>(state.accepted);
  return BOREL_OK;
}

std::int64_t instance_size(const borel_array*, const std::int64_t*) { return sizeof(ToyInstance); }

borel_status bind(const borel_array* inputs, const std::int64_t* sizes, borel_workspace* ws,
                  void* instance) {
  const double* y = static_cast<const double*>(inputs[0].data);
  ToyInstance bound{0, sizes[0]};
  for (std::int64_t i = 0; i < sizes[0]; ++i) {
    if (y[i] == 99) {
      ws->fault = {BOREL_FAULT_PARAMETER, 2, i, y[i]};
      return BOREL_FAULT;
    }
    bound.sum_y += y[i];
  }
  std::memcpy(instance, &bound, sizeof bound);
  return BOREL_OK;
}

constexpr borel_site sites[] = {
    {"mu", BOREL_LATENT, BOREL_REAL, 0, BOREL_ROW_MAJOR, "real", {file, 2, 3, 2, 5}, 0},
    {"tau", BOREL_LATENT, BOREL_REAL, 0, BOREL_ROW_MAJOR, "positive", {file, 3, 3, 3, 6}, 0},
    {"theta", BOREL_LATENT, BOREL_REAL, 2, BOREL_ROW_MAJOR, "real", {file, 4, 3, 4, 8}, 2},
    {"m", BOREL_DERIVED, BOREL_REAL, 2, BOREL_COLUMN_MAJOR, "real", {file, 5, 3, 5, 4}, 2},
    {"y", BOREL_OBSERVED, BOREL_REAL, 1, BOREL_ROW_MAJOR, "real", {file, 6, 3, 6, 4}, 1}};

constexpr borel_model model = {"toy",
                               5,
                               sites,
                               [](const void*) -> std::int64_t { return toy_dimension; },
                               [](const void*) -> std::int64_t { return toy_draw_size; },
                               site_shape,
                               model_log_density,
                               model_gradient,
                               nullptr,
                               nullptr,
                               constrain,
                               unconstrain,
                               nullptr,
                               diagnose,
                               nullptr,
                               nullptr,
                               nullptr,
                               nullptr};

constexpr borel_parameter parameters[] = {
    {"warmup", BOREL_INT, 0, 1e9, 200, {file, 10, 3, 10, 9}},
    {"draws", BOREL_INT, 0, 1e9, 300, {file, 11, 3, 11, 8}},
    {"chains", BOREL_INT, 1, 1e6, 4, {file, 12, 3, 12, 9}},
    {"scale", BOREL_REAL, 0.01, 10, 0.8, {file, 13, 3, 13, 8}},
    {"fail_at", BOREL_INT, 0, 1e9, 0, {file, 14, 3, 14, 10}},
    {"fail_chain", BOREL_INT, 0, 1e9, 0, {file, 15, 3, 15, 13}},
    {"hunger", BOREL_INT, 0, 1e9, 0, {file, 16, 3, 16, 9}},
    {"reject_above", BOREL_REAL, -infinity, infinity, infinity, {file, 17, 3, 17, 15}},
    {"max_depth", BOREL_INT, 1, 30, 10, {file, 18, 3, 18, 12}}};

constexpr const char* statistics[] = {"energy",    "lp__",       "accept_stat", "stepsize",
                                      "treedepth", "n_leapfrog", "divergent",   "accepted"};

constexpr borel_machine machine = {"walk",
                                   0,
                                   count,
                                   parameters,
                                   toy_statistic_count,
                                   statistics,
                                   [](const void*) -> std::int64_t { return sizeof(ToyState); },
                                   init,
                                   step,
                                   draw,
                                   info,
                                   [](const void*) -> std::int64_t { return toy_dimension; },
                                   metric,
                                   nullptr};

constexpr borel_place places[] = {{{file, 20, 5, 20, 12}, "theta", "theta[k]"},
                                  {{file, 21, 5, 21, 12}, "mu", "mu <= reject_above"},
                                  {{file, 22, 5, 22, 12}, "y", "y != 99"},
                                  {{file, 3, 3, 3, 6}, "tau", "tau > 0"}};

constexpr borel_size sizes[] = {{"N", {file, 1, 19, 1, 20}}};
constexpr borel_input inputs[] = {{"y",
                                   BOREL_REAL,
                                   1,
                                   BOREL_ROW_MAJOR,
                                   0,
                                   {{0, 0}},
                                   {-1, 0},
                                   -infinity,
                                   infinity,
                                   0,
                                   0,
                                   {file, 1, 11, 1, 21},
                                   nullptr}};

}  // namespace

const borel_program& toy_program() {
  static constexpr borel_program program = {BOREL_ABI_VERSION,
                                            sizeof(borel_program),
                                            "x86-64",
                                            "0123abcd",
                                            "main",
                                            1,
                                            1,
                                            1,
                                            4,
                                            sizes,
                                            inputs,
                                            &model,
                                            places,
                                            &machine,
                                            instance_size,
                                            bind,
                                            0,
                                            nullptr};
  return program;
}

Instance bind_toy() {
  InputData data;
  data.storage.emplace_back(2 * sizeof(double));
  double* y = data.storage[0].as<double>();
  y[0] = 1;
  y[1] = 2;
  data.arrays.push_back({y, {2, 0, 0, 0}});
  data.sizes.push_back(2);
  auto bound = Instance::bind(toy_program(), std::move(data));
  return std::move(std::get<Instance>(bound));
}

Parameters toy_parameters(std::initializer_list<Setting> settings) {
  Parameters parameters(*toy_program().machine);
  for (const Setting& setting : settings) {
    if (parameters.set(setting.name, setting.value)) {
      std::abort();  // a mistake in the test itself
    }
  }
  return parameters;
}

SampleResult sample_toy(std::initializer_list<Setting> settings, SampleOptions options) {
  const Instance instance = bind_toy();
  const Parameters parameters = toy_parameters(settings);
  options.parameters = &parameters;
  return sample(instance, options);
}

}  // namespace borel::runtime::test

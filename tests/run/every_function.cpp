#include "tests/run/every_function.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "runtime/core/parameters.h"

namespace borel::testing {
namespace {

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};
using Block = std::unique_ptr<void, Freed>;

/// Aligned, and not a byte longer than asked for.
Block block(std::int64_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, BOREL_ALIGNMENT, static_cast<std::size_t>(bytes)) != 0)
    throw std::bad_alloc();
  std::memset(memory, 0, static_cast<std::size_t>(bytes));
  return Block(memory);
}

class Caller {
 public:
  Caller(const borel_program& program, CallObserver& observer, TooShort too_short)
      : program_(program), observer_(observer), too_short_(too_short) {}

  FunctionResults run(const runtime::InputData& data, int steps) {
    bind(data);
    model();
    if (program_.machine == nullptr) throw std::runtime_error("no machine");
    machine(steps);
    return results_;
  }

 private:
  /// Room for `count` elements of eight bytes.
  Block elements(std::int64_t count, TooShort kind) const {
    const bool cut = kind == too_short_ && kind != TooShort::nothing;
    return block(8 * count - (cut ? 8 : 0));
  }

  template <class Call>
  auto observed(const char* function, Call call) {
    observer_.before(function);
    const auto result = call();
    observer_.after(function);
    return result;
  }

  /// Calls until the workspace is as large as the function says, and no larger.
  template <class Call, class Restore>
  void call(const char* function, Call call, Restore restore) {
    borel_workspace ws{};
    Block memory;
    for (int attempt = 0;; ++attempt) {
      const borel_status status = observed(function, [&] { return call(&ws); });
      if (status == BOREL_OK) return;
      if (status != BOREL_NEED_SPACE || attempt == 100)
        throw std::runtime_error(std::string(function) + " failed");
      const std::int64_t had = ws.end - ws.begin, wanted = ws.needed;
      if (wanted <= had) throw std::runtime_error(std::string(function) + " wants what it has");
      memory.reset();
      const bool cut = too_short_ == TooShort::workspace;
      memory = block(wanted - (cut ? 8 : 0));
      ws.begin = static_cast<std::uint8_t*>(memory.get());
      ws.end = ws.begin + wanted;
      restore();
    }
  }
  template <class Call>
  void call(const char* function, Call function_call) {
    call(function, function_call, [] {});
  }

  template <class Function>
  static Function present(Function function, const char* name) {
    if (function == nullptr) throw std::runtime_error(std::string("no function ") + name);
    return function;
  }

  void bind(const runtime::InputData& data) {
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      borel_array array = data.arrays[static_cast<std::size_t>(i)];
      std::int64_t count = 1;
      for (std::int32_t d = 0; d < program_.inputs[i].rank; ++d) count *= array.dims[d];
      const bool cut = too_short_ == TooShort::input && program_.inputs[i].rank > 0;
      const std::int64_t kept = count - (cut ? 1 : 0);
      inputs_.push_back(block(8 * kept));
      std::memcpy(inputs_.back().get(), array.data, static_cast<std::size_t>(8 * kept));
      array.data = inputs_.back().get();
      arrays_.push_back(array);
    }
    const std::int64_t* sizes = data.sizes.data();
    instance_ = block(
        observed("instance_size", [&] { return program_.instance_size(arrays_.data(), sizes); }));
    call("bind", [&](borel_workspace* ws) {
      return program_.bind(arrays_.data(), sizes, ws, instance_.get());
    });
  }

  void model() {
    const borel_model& model = program_.models[program_.machine ? program_.machine->model : 0];
    const void* instance = instance_.get();
    dimension_ = observed("dimension", [&] { return model.dimension(instance); });
    draw_size_ = observed("draw_size", [&] { return model.draw_size(instance); });
    std::int64_t latents = 0;
    for (std::int32_t site = 0; site < model.site_count; ++site) {
      std::int64_t dims[BOREL_MAX_RANK] = {}, offset = 0, count = 1;
      observed("site_shape", [&] {
        model.site_shape(instance, site, dims, &offset);
        return 0;
      });
      for (std::int32_t d = 0; d < model.sites[site].rank; ++d) count *= dims[d];
      if (model.sites[site].kind == BOREL_LATENT) latents += count;
    }

    const Block point = elements(dimension_, TooShort::point);
    double* u = static_cast<double*>(point.get());
    const bool cut = too_short_ == TooShort::point;
    for (std::int64_t i = 0; i < dimension_ - (cut ? 1 : 0); ++i)
      u[i] = 0.1 + 0.3 * std::sin(static_cast<double>(i));
    densities(model, u);

    const Block draw = elements(draw_size_, TooShort::draw);
    double* values = static_cast<double*>(draw.get());
    present(model.constrain, "constrain");
    call("constrain",
         [&](borel_workspace* ws) { return model.constrain(instance, ws, u, values); });
    results_.draw.assign(values, values + draw_size_);
    const Block constrained = elements(latents, TooShort::nothing);
    std::copy_n(values, latents, static_cast<double*>(constrained.get()));
    const Block back = elements(dimension_, TooShort::nothing);
    double* v = static_cast<double*>(back.get());
    present(model.unconstrain, "unconstrain");
    call("unconstrain", [&](borel_workspace* ws) {
      return model.unconstrain(instance, ws, static_cast<const double*>(constrained.get()), v);
    });
    for (std::int64_t i = 0; i < dimension_; ++i)
      if (!(std::fabs(u[i] - v[i]) <= 1e-9))
        throw std::runtime_error("unconstrain does not invert constrain at " + std::to_string(i));
    if (model.simulate != nullptr) {  // a Flat site cannot be drawn
      call("simulate", [&](borel_workspace* ws) {
        return model.simulate(instance, ws, {1, 2, 3}, values);
      });
    }
    observed_sites(model, static_cast<const double*>(constrained.get()));
    present(model.diagnose, "diagnose");
    call("diagnose", [&](borel_workspace* ws) { return model.diagnose(instance, ws, u); });
  }

  void observed_sites(const borel_model& model, const double* latents) {
    const void* instance = instance_.get();
    std::int64_t all = 0, draws = 0;
    for (std::int32_t site = 0; site < model.site_count; ++site) {
      if (model.sites[site].kind != BOREL_OBSERVED) continue;
      std::int64_t dims[BOREL_MAX_RANK] = {}, offset = 0, elements = 1, drawn = 1;
      model.site_shape(instance, site, dims, &offset);
      for (std::int32_t d = 0; d < model.sites[site].rank; ++d) {
        elements *= dims[d];
        if (d < model.sites[site].draw_rank) drawn *= dims[d];
      }
      all += elements;
      draws += drawn;
    }
    if (model.predict != nullptr) {
      const Block values = elements(all, TooShort::nothing);
      call("predict", [&](borel_workspace* ws) {
        return model.predict(instance, ws, {1, 2, 3}, latents, static_cast<double*>(values.get()));
      });
    }
    if (model.log_likelihood != nullptr) {
      const Block terms = elements(draws, TooShort::nothing);
      call("log_likelihood", [&](borel_workspace* ws) {
        return model.log_likelihood(instance, ws, latents, static_cast<double*>(terms.get()));
      });
    }
  }

  void densities(const borel_model& model, const double* u) {
    const void* instance = instance_.get();
    const Block memory = elements(dimension_, TooShort::gradient);
    double* gradient = static_cast<double*>(memory.get());
    double lp = NAN;
    const auto check = [&](double expected) {
      if (!(std::fabs(lp - expected) <= 1e-10 * std::max(1.0, std::fabs(expected))))
        throw std::runtime_error("the log density differs with and without its gradient");
    };
    present(model.log_density, "log_density");
    call("log_density",
         [&](borel_workspace* ws) { return model.log_density(instance, ws, u, &lp); });
    results_.log_density = lp;
    present(model.log_density_plain, "log_density_plain");
    call("log_density_plain",
         [&](borel_workspace* ws) { return model.log_density_plain(instance, ws, u, &lp); });
    results_.log_density_plain = lp;
    present(model.log_density_gradient_plain, "log_density_gradient_plain");
    call("log_density_gradient_plain", [&](borel_workspace* ws) {
      return model.log_density_gradient_plain(instance, ws, u, &lp, gradient);
    });
    check(results_.log_density_plain);
    present(model.log_density_gradient, "log_density_gradient");
    call("log_density_gradient", [&](borel_workspace* ws) {
      return model.log_density_gradient(instance, ws, u, &lp, gradient);
    });
    check(results_.log_density);
    if (model.hessian_vector != nullptr) {
      const Block product = elements(dimension_, TooShort::nothing);
      call("hessian_vector", [&](borel_workspace* ws) {
        return model.hessian_vector(instance, ws, u, u, &lp, gradient,
                                    static_cast<double*>(product.get()));
      });
      check(results_.log_density);
    }
    results_.gradient.assign(gradient, gradient + dimension_);
  }

  void machine(int steps) {
    const borel_machine& machine = *program_.machine;
    const void* instance = instance_.get();
    runtime::Parameters parameters(machine);
    if (parameters.set("warmup", steps / 2)) throw std::runtime_error("no parameter warmup");
    const std::int64_t state_size =
        observed("state_size", [&] { return machine.state_size(instance); });
    const bool cut = too_short_ == TooShort::state;
    const Block memory = block(state_size - (cut ? 8 : 0)), saved = block(state_size);
    void* state = memory.get();
    borel_config config{parameters.values(), nullptr, 2};
    borel_key key{4, 0, 0};
    call("init",
         [&](borel_workspace* ws) { return machine.init(instance, ws, &config, key, state); });
    const Block draw = elements(draw_size_, TooShort::nothing);
    const Block statistics = elements(machine.statistic_count, TooShort::nothing);
    for (int i = 0; i < steps; ++i) {
      ++key.step;
      std::memcpy(saved.get(), state, static_cast<std::size_t>(state_size));
      call(
          "step", [&](borel_workspace* ws) { return machine.step(instance, ws, key, state); },
          [&] { std::memcpy(state, saved.get(), static_cast<std::size_t>(state_size)); });
    }
    call("draw", [&](borel_workspace* ws) {
      return machine.draw(instance, ws, state, static_cast<double*>(draw.get()));
    });
    call("info", [&](borel_workspace* ws) {
      return machine.info(instance, ws, state, static_cast<double*>(statistics.get()));
    });
    // The initial point given instead of drawn.
    const Block start = elements(dimension_, TooShort::nothing);
    config.initial = static_cast<const double*>(start.get());
    call("init",
         [&](borel_workspace* ws) { return machine.init(instance, ws, &config, key, state); });
  }

  const borel_program& program_;
  CallObserver& observer_;
  const TooShort too_short_;
  std::vector<Block> inputs_;
  std::vector<borel_array> arrays_;
  Block instance_;
  std::int64_t dimension_ = 0, draw_size_ = 0;
  FunctionResults results_;
};

}  // namespace

FunctionResults call_every_function(const borel_program& program, const runtime::InputData& data,
                                    int steps, CallObserver& observer, TooShort too_short) {
  return Caller(program, observer, too_short).run(data, steps);
}

}  // namespace borel::testing

// Borel in a C++17 application: handles that free themselves and errors that are thrown, over
// borel.h, whose comments say what each call does. Header-only; link what borel.h asks for.
//
//   auto library = borel::Library::open(eight_schools_program);
//   borel::Data data(library);
//   data.borrow("sigma", sigma, {8}).borrow("y", y, {8});
//   borel::Instance instance(data);
//   borel::Draws draws = borel::run(instance, borel::Options().seed(1).threads(4));
//
// Handles are moved, not copied, and outlive what was made from them, as in borel.h: a library its
// data and instances, an instance its workers and chains. A moved-from handle may only be destroyed
// or assigned to. Every member that can fail throws borel::Error.
#ifndef BOREL_BOREL_HPP
#define BOREL_BOREL_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "borel/borel.h"

namespace borel {

// Elements somewhere else: from a vector, an array, or a pointer and a count.
template <class T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <class Container,
            class = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::declval<Container&>().data())> (*)[], T (*)[]>>>
  constexpr Span(Container&& container) : data_(container.data()), size_(container.size()) {}
  template <std::size_t count>
  constexpr Span(T (&array)[count]) : data_(array), size_(count) {}

  constexpr T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T& operator[](std::size_t i) const { return data_[i]; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// What a call failed with. what() is borel_error_message.
class Error : public std::runtime_error {
 public:
  // Takes the error over; null: only the code is known.
  Error(borel_code code, borel_error* error)
      : std::runtime_error(error != nullptr ? borel_error_message(error) : "an error of Borel"),
        code_(code),
        subject_(borel_error_subject(error)),
        file_(text(borel_error_span(error).file)),
        line_(borel_error_span(error).line),
        column_(borel_error_span(error).column) {
    borel_error_free(error);
  }
  Error(borel_code code, const std::string& what) : std::runtime_error(what), code_(code) {}

  borel_code code() const noexcept { return code_; }
  const std::string& subject() const noexcept { return subject_; }  // a site or input, or ""
  // The place in the program's source; "" and 0 when there is none.
  const std::string& file() const noexcept { return file_; }
  int line() const noexcept { return line_; }
  int column() const noexcept { return column_; }

 private:
  static const char* text(const char* file) { return file != nullptr ? file : ""; }

  borel_code code_;
  std::string subject_, file_;
  int line_ = 0, column_ = 0;
};

namespace detail {

// Runs call(borel_error**) and throws its failure.
template <class Call>
void check(Call&& call) {
  borel_error* error = nullptr;
  if (const borel_code code = call(&error)) {
    throw Error(code, error);
  }
}

inline void check_size(const char* what, std::size_t found, std::int64_t wanted) {
  if (static_cast<std::int64_t>(found) != wanted) {
    throw Error(BOREL_BAD_ARGUMENT, std::string(what) + ": found " + std::to_string(found) +
                                        " elements, expected " + std::to_string(wanted));
  }
}

template <class T, void (*free)(T*)>
struct Deleter {
  void operator()(T* handle) const noexcept { free(handle); }
};
template <class T, void (*free)(T*)>
using Handle = std::unique_ptr<T, Deleter<T, free>>;

}  // namespace detail

class Library {
 public:
  // A program that is linked into the application.
  static Library open(const borel_program& program, const borel_allocator* allocator = nullptr,
                      const borel_logger* logger = nullptr) {
    borel_library* library = nullptr;
    detail::check([&](borel_error** error) {
      return borel_library_open(&program, allocator, logger, &library, error);
    });
    return Library(library);
  }
  // One in a shared library.
  static Library load(const std::string& path, const borel_allocator* allocator = nullptr,
                      const borel_logger* logger = nullptr) {
    borel_library* library = nullptr;
    detail::check([&](borel_error** error) {
      return borel_library_load(path.c_str(), allocator, logger, &library, error);
    });
    return Library(library);
  }

  const borel_program& program() const { return *borel_library_program(handle_.get()); }
  borel_library* get() const { return handle_.get(); }

 private:
  explicit Library(borel_library* handle) : handle_(handle) {}
  detail::Handle<borel_library, borel_library_free> handle_;
};

class Data {
 public:
  using Shape = std::initializer_list<std::int64_t>;

  explicit Data(const Library& library) {
    borel_data* data = nullptr;
    detail::check(
        [&](borel_error** error) { return borel_data_create(library.get(), &data, error); });
    handle_.reset(data);
  }

  // The caller's memory, which stays, unchanged, while an instance is bound to it. Without a shape
  // it is an array of one dimension.
  Data& borrow(const char* name, Span<const double> values) {
    return borrow(name, values, {static_cast<std::int64_t>(values.size())});
  }
  Data& borrow(const char* name, Span<const std::int64_t> values) {
    return borrow(name, values, {static_cast<std::int64_t>(values.size())});
  }
  Data& borrow(const char* name, Span<const double> values, Shape shape) {
    return set(borel_data_real, name, values, shape);
  }
  Data& borrow(const char* name, Span<const std::int64_t> values, Shape shape) {
    return set(borel_data_int, name, values, shape);
  }
  // A copy; of ints also where the input is real.
  Data& copy(const char* name, Span<const double> values) {
    return copy(name, values, {static_cast<std::int64_t>(values.size())});
  }
  Data& copy(const char* name, Span<const std::int64_t> values) {
    return copy(name, values, {static_cast<std::int64_t>(values.size())});
  }
  Data& copy(const char* name, Span<const double> values, Shape shape) {
    return set(borel_data_copy_real, name, values, shape);
  }
  Data& copy(const char* name, Span<const std::int64_t> values, Shape shape) {
    return set(borel_data_copy_int, name, values, shape);
  }
  // A single number, copied.
  Data& copy(const char* name, double value) {
    return copy(name, Span<const double>(&value, 1), {});
  }
  Data& copy(const char* name, std::int64_t value) {
    return copy(name, Span<const std::int64_t>(&value, 1), {});
  }
  Data& copy(const char* name, int value) { return copy(name, static_cast<std::int64_t>(value)); }
  Data& json(const std::string& text) {
    detail::check([&](borel_error** error) {
      return borel_data_json(get(), text.data(), text.size(), error);
    });
    return *this;
  }
  // A function that the program asks for; what `function.host` points to outlives what is bound.
  Data& function(const char* name, const borel_function& function) {
    detail::check(
        [&](borel_error** error) { return borel_data_function(get(), name, &function, error); });
    return *this;
  }
  void clear() noexcept { borel_data_clear(get()); }
  borel_data* get() const { return handle_.get(); }

 private:
  template <class T>
  Data& set(borel_code (*setter)(borel_data*, const char*, const T*, std::int32_t,
                                 const std::int64_t*, borel_error**),
            const char* name, Span<const T> values, Shape shape) {
    std::int64_t count = 1;
    for (const std::int64_t dim : shape) {
      count *= dim;
    }
    detail::check_size(name, values.size(), count);
    detail::check([&](borel_error** error) {
      return setter(get(), name, values.data(), static_cast<std::int32_t>(shape.size()),
                    shape.begin(), error);
    });
    return *this;
  }

  detail::Handle<borel_data, borel_data_free> handle_;
};

class Instance {
 public:
  explicit Instance(Data& data) {
    borel_instance* instance = nullptr;
    detail::check([&](borel_error** error) { return borel_bind(data.get(), &instance, error); });
    handle_.reset(instance);
  }
  void rebind(Data& data) {
    detail::check([&](borel_error** error) { return borel_rebind(get(), data.get(), error); });
  }

  // Of the machine's model, unless another is named by its number.
  std::int32_t model() const { return borel_instance_model(get()); }
  // Of a machine that runs once through; -1: any number.
  std::int64_t steps() const { return borel_instance_steps(get()); }
  std::int32_t find_model(const char* name) const { return borel_find_model(get(), name); }
  std::int64_t dimension() const { return dimension(model()); }
  std::int64_t dimension(std::int32_t model) const { return borel_dimension(get(), model); }
  std::int64_t draw_size() const { return draw_size(model()); }
  std::int64_t draw_size(std::int32_t model) const { return borel_draw_size(get(), model); }
  std::vector<borel_site_info> sites() const { return sites(model()); }
  std::vector<borel_site_info> sites(std::int32_t model) const {
    const std::int32_t count = borel_site_count(get(), model);
    std::vector<borel_site_info> all(static_cast<std::size_t>(count > 0 ? count : 0));
    for (std::size_t i = 0; i < all.size(); ++i) {
      detail::check([&](borel_error** error) {
        return borel_describe_site(get(), model, static_cast<std::int32_t>(i), &all[i], error);
      });
    }
    return all;
  }
  borel_instance* get() const { return handle_.get(); }

 private:
  detail::Handle<borel_instance, borel_instance_free> handle_;
};

// Densities of one model; a worker is for one thread at a time.
class Worker {
 public:
  explicit Worker(const Instance& instance) : Worker(instance, instance.model()) {}
  Worker(const Instance& instance, std::int32_t model) : instance_(instance.get()), model_(model) {
    borel_worker* worker = nullptr;
    detail::check(
        [&](borel_error** error) { return borel_worker_create(instance_, &worker, error); });
    handle_.reset(worker);
  }

  double log_density(Span<const double> u, bool jacobian = true) {
    check_point("u", u.size());
    double value = 0;
    detail::check([&](borel_error** error) {
      return borel_log_density(get(), model_, jacobian, u.data(), &value, error);
    });
    return value;
  }
  // Fills `gradient`, which has as many elements as u.
  double log_density_gradient(Span<const double> u, Span<double> gradient, bool jacobian = true) {
    check_point("u", u.size());
    check_point("the gradient", gradient.size());
    double value = 0;
    detail::check([&](borel_error** error) {
      return borel_log_density_gradient(get(), model_, jacobian, u.data(), &value, gradient.data(),
                                        error);
    });
    return value;
  }
  // Fills gradient and product (the Hessian times v), of as many elements as u.
  double hessian_vector(Span<const double> u, Span<const double> v, Span<double> gradient,
                        Span<double> product, bool jacobian = true) {
    check_point("u", u.size());
    check_point("v", v.size());
    check_point("the gradient", gradient.size());
    check_point("the product", product.size());
    double value = 0;
    detail::check([&](borel_error** error) {
      return borel_hessian_vector(get(), model_, jacobian, u.data(), v.data(), &value,
                                  gradient.data(), product.data(), error);
    });
    return value;
  }
  std::vector<double> constrain(Span<const double> u) {
    check_point("u", u.size());
    std::vector<double> draw = new_draw();
    detail::check([&](borel_error** error) {
      return borel_constrain(get(), model_, u.data(), draw.data(), error);
    });
    return draw;
  }
  // The first elements of a draw are its latent values.
  std::vector<double> unconstrain(Span<const double> latents) {
    std::vector<double> u(static_cast<std::size_t>(borel_dimension(instance_, model_)));
    detail::check([&](borel_error** error) {
      return borel_unconstrain(get(), model_, latents.data(), u.data(), error);
    });
    return u;
  }
  std::vector<double> simulate(std::uint64_t seed, std::uint64_t stream = 0,
                               std::uint64_t step = 0) {
    std::vector<double> draw = new_draw();
    detail::check([&](borel_error** error) {
      return borel_simulate(get(), model_, borel_key{seed, stream, step}, draw.data(), error);
    });
    return draw;
  }
  // The observed sites drawn anew at a draw.
  std::vector<double> predict(Span<const double> draw, std::uint64_t seed, std::uint64_t stream = 0,
                              std::uint64_t step = 0) {
    check_draw(draw.size());
    std::vector<double> observed = new_values(borel_observed_size(instance_, model_));
    detail::check([&](borel_error** error) {
      return borel_predict(get(), model_, borel_key{seed, stream, step}, draw.data(),
                           observed.data(), error);
    });
    return observed;
  }
  // The log density of each draw that is observed, at a draw.
  std::vector<double> log_likelihood(Span<const double> draw) {
    check_draw(draw.size());
    std::vector<double> terms = new_values(borel_term_count(instance_, model_));
    detail::check([&](borel_error** error) {
      return borel_log_likelihood(get(), model_, draw.data(), terms.data(), error);
    });
    return terms;
  }
  borel_worker* get() const { return handle_.get(); }

 private:
  void check_draw(std::size_t size) const {
    detail::check_size("the draw", size, borel_draw_size(instance_, model_));
  }
  void check_point(const char* what, std::size_t size) const {
    detail::check_size(what, size, borel_dimension(instance_, model_));
  }
  static std::vector<double> new_values(std::int64_t size) {
    return std::vector<double>(static_cast<std::size_t>(size > 0 ? size : 0));
  }
  std::vector<double> new_draw() const { return new_values(borel_draw_size(instance_, model_)); }

  const borel_instance* instance_;
  std::int32_t model_;
  detail::Handle<borel_worker, borel_worker_free> handle_;
};

// What a chain or a run starts with.
class Options {
 public:
  Options() { borel_run_defaults(&raw_); }

  Options& seed(std::uint64_t seed) {
    return with([&] { raw_.seed = seed; });
  }
  Options& chains(std::int32_t chains) {
    return with([&] { raw_.chains = chains; });
  }
  Options& threads(std::int32_t threads) {
    return with([&] { raw_.threads = threads; });
  }
  Options& warmup(std::int64_t warmup) {
    return with([&] { raw_.warmup = warmup; });
  }
  Options& draws(std::int64_t draws) {
    return with([&] { raw_.draws = draws; });
  }
  Options& save_warmup(bool save = true) {
    return with([&] { raw_.save_warmup = save; });
  }
  Options& initial_radius(double radius) {
    return with([&] { raw_.initial_radius = radius; });
  }
  Options& initial(std::vector<double> u) {
    return with([&] { initial_ = std::move(u); });
  }
  // A parameter of the machine, by its name.
  Options& set(std::string name, double value) {
    return with([&] { settings_.emplace_back(std::move(name), value); });
  }

 private:
  template <class Change>
  Options& with(Change change) {
    change();
    return *this;
  }
  friend class Chain;
  template <class Callback>
  friend class Run;

  // `settings` holds what the result points to.
  borel_run_options raw(std::vector<borel_setting>& settings) const {
    borel_run_options result = raw_;
    for (const auto& [name, value] : settings_) {
      settings.push_back({name.c_str(), value});
    }
    result.settings = settings.data();
    result.setting_count = static_cast<std::int32_t>(settings.size());
    result.initial = initial_.empty() ? nullptr : initial_.data();
    return result;
  }
  void check_initial(const Instance& instance) const {
    if (!initial_.empty()) {
      detail::check_size("the initial point", initial_.size(), instance.dimension());
    }
  }

  borel_run_options raw_;
  std::vector<double> initial_;
  std::vector<std::pair<std::string, double>> settings_;
};

// A chain that is stepped by hand.
class Chain {
 public:
  // Chain `number`, counting from 1.
  Chain(const Instance& instance, const Options& options, std::uint64_t number)
      : instance_(instance.get()) {
    borel_chain* chain = nullptr;
    start(instance, options, number, [&](const borel_start& start, borel_error** error) {
      return borel_chain_create(instance.get(), &start, &chain, error);
    });
    handle_.reset(chain);
  }
  static Chain resume(const Instance& instance, Span<const std::uint8_t> bytes) {
    borel_chain* chain = nullptr;
    detail::check([&](borel_error** error) {
      return borel_chain_resume(instance.get(), bytes.data(), bytes.size(), &chain, error);
    });
    return Chain(instance.get(), chain);
  }
  // Again from the start, on what `instance`, the chain's own, is bound to now.
  void restart(const Instance& instance, const Options& options, std::uint64_t number) {
    start(instance, options, number, [&](const borel_start& start, borel_error** error) {
      return borel_chain_restart(get(), &start, error);
    });
  }

  void step(std::int64_t count = 1) {
    detail::check([&](borel_error** error) { return borel_chain_step(get(), count, error); });
  }
  std::int64_t iteration() const { return borel_chain_iteration(get()); }
  std::int64_t warmup() const { return borel_chain_warmup(get()); }
  std::vector<double> draw() const {
    const std::int64_t size = borel_draw_size(instance_, borel_instance_model(instance_));
    std::vector<double> draw(static_cast<std::size_t>(size > 0 ? size : 0));
    detail::check([&](borel_error** error) { return borel_chain_draw(get(), draw.data(), error); });
    return draw;
  }
  std::vector<std::uint8_t> save() const {
    std::size_t size = 0;
    borel_chain_save(get(), nullptr, 0, &size, nullptr);
    std::vector<std::uint8_t> bytes(size);
    detail::check([&](borel_error** error) {
      return borel_chain_save(get(), bytes.data(), bytes.size(), &size, error);
    });
    return bytes;
  }
  borel_chain* get() const { return handle_.get(); }

 private:
  Chain(const borel_instance* instance, borel_chain* handle)
      : instance_(instance), handle_(handle) {}

  template <class Call>
  static void start(const Instance& instance, const Options& options, std::uint64_t number,
                    Call call) {
    options.check_initial(instance);
    std::vector<borel_setting> settings;
    const borel_run_options raw = options.raw(settings);
    // What a run takes as options of its own are parameters of the machine.
    if (raw.warmup >= 0) {
      settings.push_back({"warmup", static_cast<double>(raw.warmup)});
    }
    if (raw.draws >= 0) {
      settings.push_back({"draws", static_cast<double>(raw.draws)});
    }
    const borel_start start = {raw.seed,
                               number,
                               raw.initial,
                               raw.initial_radius,
                               static_cast<std::int32_t>(settings.size()),
                               settings.data()};
    detail::check([&](borel_error** error) { return call(start, error); });
  }

  const borel_instance* instance_;
  detail::Handle<borel_chain, borel_chain_free> handle_;
};

// The draws of a run.
class Draws {
 public:
  std::size_t chains() const { return summaries_.size(); }
  std::size_t draws() const { return draws_; }  // of a chain, with warm-up if it was saved
  std::size_t draw_size() const { return draw_size_; }
  // One draw; chains and draws count from 0.
  Span<const double> operator()(std::size_t chain, std::size_t draw) const {
    return {values_.data() + (chain * draws_ + draw) * draw_size_, draw_size_};
  }
  // All of them: chains x draws x draw_size.
  const std::vector<double>& values() const { return values_; }
  // chains x draws x the machine's statistics.
  const std::vector<double>& statistics() const { return statistics_; }
  const std::vector<borel_chain_summary>& summaries() const { return summaries_; }

 private:
  template <class Callback>
  friend class Run;
  std::size_t draws_ = 0, draw_size_ = 0;
  std::vector<double> values_, statistics_;
  std::vector<borel_chain_summary> summaries_;
};

// One run; use run() and stream().
template <class Callback>
class Run {
 public:
  Run(const Instance& instance, const Options& options, Callback& on_iteration, bool keeps)
      : on_iteration_(on_iteration) {
    options.check_initial(instance);
    raw_ = options.raw(settings_);
    raw_.context = this;
    raw_.on_iteration = [](void* context, const borel_iteration* iteration) -> std::int32_t {
      return static_cast<Run*>(context)->tell(*iteration);
    };
    if (keeps) {
      make_room(instance);
    }
    borel_error* error = nullptr;
    const borel_code code =
        borel_run(instance.get(), &raw_, keeps ? result_.summaries_.data() : nullptr, &error);
    if (thrown_ != nullptr) {
      borel_error_free(error);
      std::rethrow_exception(thrown_);
    }
    if (code != BOREL_SUCCESS) {
      throw Error(code, error);
    }
  }

  Draws take() { return std::move(result_); }

 private:
  void make_room(const Instance& instance) {
    const borel_machine* machine = find_machine(instance);
    const std::int64_t steps = instance.steps();  // which are its draws, if it makes them
    const std::size_t warmup = steps >= 0 ? 0 : count_of(machine, "warmup", raw_.warmup, -1, 1000);
    const std::size_t draws = steps >= 0 ? static_cast<std::size_t>(steps)
                                         : count_of(machine, "draws", raw_.draws, -1, 1000);
    const std::size_t chains = count_of(machine, "chains", raw_.chains, 0, steps >= 0 ? 1 : 4);
    result_.draws_ = draws + (raw_.save_warmup != 0 ? warmup : 0);
    result_.draw_size_ = static_cast<std::size_t>(instance.draw_size());
    const std::size_t rows = chains * result_.draws_;
    result_.values_.resize(rows * result_.draw_size_);
    result_.statistics_.resize(rows * static_cast<std::size_t>(machine->statistic_count));
    result_.summaries_.resize(chains);
    raw_.draw_values = result_.values_.data();
    raw_.statistic_values = result_.statistics_.data();
  }
  static const borel_machine* find_machine(const Instance& instance) {
    const borel_machine* machine = borel_instance_program(instance.get())->machine;
    if (machine == nullptr) {
      throw Error(BOREL_NOT_SUPPORTED, "the program has no machine, only models");
    }
    return machine;
  }
  // As borel_run finds it: an option, a setting, the machine's default. What is no count is left to
  // borel_run, which says so.
  std::size_t count_of(const borel_machine* machine, const std::string& name, std::int64_t option,
                       std::int64_t unset, double fallback) const {
    for (std::int32_t i = 0; i < machine->parameter_count; ++i) {
      if (name == machine->parameters[i].name) {
        fallback = machine->parameters[i].fallback;
      }
    }
    for (const borel_setting& setting : settings_) {
      if (name == setting.name) {
        fallback = setting.value;
      }
    }
    const double value = option != unset ? static_cast<double>(option) : fallback;
    return value >= 0 && value < 1e15 ? static_cast<std::size_t>(value) : 0;
  }

  std::int32_t tell(const borel_iteration& iteration) noexcept {
    try {
      return on_iteration_(iteration) ? 0 : 1;
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (thrown_ == nullptr) {
        thrown_ = std::current_exception();
      }
      return 1;
    }
  }

  Callback& on_iteration_;
  std::vector<borel_setting> settings_;
  borel_run_options raw_{};
  Draws result_;
  std::mutex mutex_;
  std::exception_ptr thrown_;
};

// Runs all chains and keeps their draws. With `on_iteration`, called as
// on_iteration(const borel_iteration&) -> bool by the threads of the run: false stops it, which is
// an Error of BOREL_CANCELLED; an exception stops it and comes out of it.
template <class Callback>
Draws run(const Instance& instance, const Options& options, Callback&& on_iteration) {
  return Run<std::remove_reference_t<Callback>>(instance, options, on_iteration, true).take();
}
inline Draws run(const Instance& instance, const Options& options = Options()) {
  return run(instance, options, [](const borel_iteration&) { return true; });
}
// The same with nothing kept: only `on_iteration` sees the draws.
template <class Callback>
void stream(const Instance& instance, const Options& options, Callback&& on_iteration) {
  Run<std::remove_reference_t<Callback>>(instance, options, on_iteration, false);
}

}  // namespace borel

#endif

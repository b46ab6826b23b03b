#include "host_calls.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "borel/borel.h"
#include "fuzz_callback.h"
#include "fuzz_curved.h"
#include "fuzz_grouped.h"
#include "fuzz_predictive.h"
#include "fuzz_schools.h"
#include "host_functions.h"
#include "input.h"

namespace borel::fuzz {
namespace {

struct Program {
  const borel_program* program;
  const char* data;  // that it takes
};
const Program programs[] = {
    {&fuzz_schools_program,
     R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})"},
    {&fuzz_grouped_program,
     R"({"J": 3, "group": [1, 2, 3, 1], "X": [[0, -1], [0.25, 0], [0.5, 1], [1, 1]],
         "trials": [10, 11, 12, 13], "shifted": true, "y": [0, 1, 2, 3], "ceiling": 0.5,
         "floor": 1})"},
    {&fuzz_curved_program,
     R"({"N": 7, "J": 3, "g": [0, 1, 2, 0, 1, 2, 1], "x": [0.5, -1, 0.25, 2, -0.5, 1, -2],
         "low": -1, "y": [0.1, -0.3, 1.2, 0.4, 2.5, -0.7, 0], "count": [0, 3, 1, 2, 5, 0, 1]})"},
    {&fuzz_predictive_program,
     R"({"N": 3, "T": 4, "K": 20, "x": [0, 1, -2], "first": 0.5, "y": [0.3, 1.1, -1.7],
         "z": [0.1, 0.2, 0.3, 0.9], "r": [7, 3.6, 2, 1],
         "shares": [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], "c": [3, 12, 20], "flag": [1, 0, 1],
         "one": 0.25, "w": [[0, 1, 2], [9.5, 11, 12]], "v": 8,
         "h": [[0, 1, 2], [9.5, 11, 12]], "e": 8})"}};

// Its functions are the host's; chosen by a first byte of 255.
const Program host_program = {
    &fuzz_callback_program,
    R"({"w": [[1, -2, 0.5], [0.25, 3, -1]], "power": 2, "y": [0, 0], "out": [0.5, -1]})"};

constexpr std::size_t memory_limit = std::size_t{64} << 20;  // of a program's handles together
constexpr std::int64_t longest = 1 << 12;                    // elements that a call is made with
constexpr int most_calls = 64;

// ---- memory -------------------------------------------------------------------------------------

struct Memory {
  std::atomic<std::size_t> used{0}, blocks{0};
};
void* allocate(void* context, std::size_t bytes, std::size_t alignment) {
  Memory& memory = *static_cast<Memory*>(context);
  if (bytes > memory_limit || memory.used + bytes > memory_limit) {
    return nullptr;
  }
  memory.used += bytes;
  ++memory.blocks;
  return std::aligned_alloc(std::max(alignment, alignof(std::max_align_t)),
                            (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0));
}
void release(void* context, void* block, std::size_t bytes, std::size_t) {
  Memory& memory = *static_cast<Memory*>(context);
  memory.used -= bytes;
  --memory.blocks;
  std::free(block);
}

// ---- calls --------------------------------------------------------------------------------------

// Somewhere for an error; asks of it what borel.h promises.
class Told {
 public:
  ~Told() { borel_error_free(error_); }
  operator borel_error**() { return &error_; }

  borel_code of(borel_code code) {
    if (code < BOREL_SUCCESS || code > BOREL_NOT_SUPPORTED) {
      give_up("a code that there is not");
    }
    if (code == BOREL_SUCCESS) {
      if (error_ != nullptr) {
        give_up("an error of a success");
      }
      return code;
    }
    if (error_ == nullptr || borel_error_code(error_) != code) {
      give_up("no error, or one that says another code");
    }
    const char* message = borel_error_message(error_);
    if (message == nullptr || *message == '\0' || std::strchr(message, '\n') != nullptr) {
      give_up("a message that is not one line");
    }
    if (borel_error_subject(error_) == nullptr) {
      give_up("no subject");
    }
    borel_error_free(error_);
    error_ = nullptr;
    return code;
  }

 private:
  borel_error* error_ = nullptr;
};

// Stops a run after so many questions.
struct Patience {
  std::atomic<int> left;
};
int32_t is_over(void* context) { return --static_cast<Patience*>(context)->left < 0; }
int32_t take(void* context, const borel_iteration* iteration) {
  if (iteration->chain == 0 || iteration->iteration == 0) {
    give_up("an iteration without a number");
  }
  return is_over(context);
}

class Session {
 public:
  explicit Session(Input& input) : input_(input), program_(choose(input.byte())) {
    const borel_allocator allocator{&memory_, allocate, release};
    const borel_logger logger{nullptr, [](void*, borel_log_level, const char*) {}};
    Told told;
    if (told.of(borel_library_open(program_.program, &allocator, &logger, &library_, told)) !=
            BOREL_SUCCESS ||
        told.of(borel_data_create(library_, &data_, told)) != BOREL_SUCCESS) {
      give_up("a program that does not open");
    }
    give_functions(program_.program == host_program.program && input.below(8) != 0 ? 15 : 0);
    // Most sessions begin with data that can be bound.
    if (input.below(4) != 0) {
      const std::string text = program_.data;
      told.of(borel_data_json(data_, text.data(), text.size(), told));
      told.of(borel_bind(data_, &instance_, told));
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    drop();
    borel_data_free(data_);
    borel_library_free(library_);
    if (memory_.blocks != 0 || memory_.used != 0) {
      give_up("memory that was not given back");
    }
  }

  void call() {
    switch (input_.below(20)) {
      case 0:
        return give_json();
      case 1:
      case 2:
        return give_memory();
      case 3:
        if (program_.program == host_program.program) {
          give_functions(input_.below(16));
        }
        return borel_data_clear(data_);
      case 4:
        return bind();
      case 5:
        return describe();
      case 6:
        return make_worker();
      case 7:
      case 8:
      case 9:
        return evaluate();
      case 10:
        return make_chain();
      case 11:
      case 12:
        return step();
      case 13:
      case 14:
        return save();
      case 15:
      case 16:
        return resume();
      case 17:
        return run();
      case 18:
        return input_.below(4) == 0 ? drop() : free_one();
      default:
        return restart();
    }
  }

 private:
  static const Program& choose(int byte) {
    return byte == 255 ? host_program : programs[byte % static_cast<int>(std::size(programs))];
  }

  // Those whose bits are set; all but one exist.
  void give_functions(int which) {
    const borel_function functions[] = {{&shift_, quadratic, quadratic_gradient},
                                        {nullptr, filtered, filtered_gradient},
                                        {nullptr, weight, nullptr},
                                        {nullptr, weight, nullptr}};
    const char* names[] = {"quadratic", "filtered", "weight", "nothing"};
    for (int i = 0; i < 4; ++i) {
      Told told;
      if ((which >> i) % 2 != 0) {
        told.of(borel_data_function(data_, names[i], &functions[i], told));
      }
    }
  }

  void give_json() {
    std::string text = input_.below(4) == 0 ? input_.text(2000) : std::string(program_.data);
    input_.change(text);
    // Exactly as long: what reads past its end is seen.
    const std::vector<char> exact(text.begin(), text.end());
    Told told;
    told.of(borel_data_json(data_, exact.data(), exact.size(), told));
  }

  std::string name() {
    const int count = program_.program->input_count + program_.program->size_count;
    const int which = input_.below(count + 1);
    if (which < program_.program->input_count) {
      return program_.program->inputs[which].name;
    }
    if (which < count) {
      return program_.program->sizes[which - program_.program->input_count].name;
    }
    return input_.text(12);
  }

  void give_memory() {
    const std::string to = name();
    const int rank = input_.below(16) == 0 ? static_cast<int>(input_.word()) : input_.below(4);
    std::int64_t dims[BOREL_MAX_RANK] = {}, count = 1;
    for (int d = 0; d < std::min(std::max(rank, 0), BOREL_MAX_RANK); ++d) {
      dims[d] = input_.below(9);
      count *= dims[d];
      if (input_.below(32) == 0) {
        dims[d] = -dims[d] - 1;
        count = 0;
      }
    }
    // It stays as long as an instance may be bound to it.
    std::vector<double>& reals = reals_.emplace_back(input_.reals(count));
    std::vector<std::int64_t>& ints = ints_.emplace_back();
    for (const double value : reals) {
      ints.push_back(std::fabs(value) < 1e18 ? static_cast<std::int64_t>(value)
                                             : static_cast<std::int64_t>(count));
    }
    Told told;
    switch (input_.below(4)) {
      case 0:
        told.of(borel_data_real(data_, to.c_str(), reals.data(), rank, dims, told));
        break;
      case 1:
        told.of(borel_data_int(data_, to.c_str(), ints.data(), rank, dims, told));
        break;
      case 2:
        told.of(borel_data_copy_real(data_, to.c_str(), reals.data(), rank, dims, told));
        break;
      default:
        told.of(borel_data_copy_int(data_, to.c_str(), ints.data(), rank, dims, told));
    }
  }

  void bind() {
    Told told;
    if (instance_ != nullptr) {
      told.of(borel_rebind(instance_, data_, told));
    } else if (told.of(borel_bind(data_, &instance_, told)) != BOREL_SUCCESS) {
      instance_ = nullptr;
    }
  }

  void describe() {
    const int model = input_.below(8) == 0 ? static_cast<int>(input_.word()) : 0;
    const int site = input_.below(8) == 0 ? static_cast<int>(input_.word()) : input_.below(12);
    borel_site_info info;
    Told told;
    if (told.of(borel_describe_site(instance_, model, site, &info, told)) == BOREL_SUCCESS &&
        (info.name == nullptr || info.rank < 0 || info.rank > BOREL_MAX_RANK)) {
      give_up("a site that is none");
    }
    const std::string wanted = input_.text(8);
    if (borel_find_model(instance_, wanted.c_str()) >= program_.program->model_count) {
      give_up("a model that is not there");
    }
  }

  void make_worker() {
    if (workers_.size() >= 3) {
      return;
    }
    borel_worker* made = nullptr;
    Told told;
    if (told.of(borel_worker_create(instance_, &made, told)) == BOREL_SUCCESS) {
      workers_.push_back(made);
    }
  }

  // Lengths, where they are such that a call can be made.
  bool sizes(std::int64_t& dimension, std::int64_t& draw) const {
    dimension = borel_dimension(instance_, 0);
    draw = borel_draw_size(instance_, 0);
    return dimension >= 0 && draw >= 0 && dimension <= longest && draw <= longest &&
           borel_observed_size(instance_, 0) <= longest;
  }

  void evaluate() {
    borel_worker* worker =
        workers_.empty() ? nullptr
                         : workers_[static_cast<std::size_t>(input_.below(3)) % workers_.size()];
    const int model = input_.below(32) == 0 ? static_cast<int>(input_.word()) : 0;
    std::int64_t n = 0, size = 0;
    if (!sizes(n, size)) {
      n = size = 0;
      if (instance_ != nullptr && borel_dimension(instance_, 0) >= 0) {
        return;
      }
    }
    const auto room = [](std::int64_t count) {
      return std::vector<double>(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
    };
    const std::vector<double> u = input_.reals(n);
    std::vector<double> g = room(n), draw = room(size);
    const int jacobian = input_.below(2);
    double lp = 0;
    Told told;
    switch (input_.below(8)) {
      case 0:
        told.of(borel_log_density(worker, model, jacobian, u.data(), &lp, told));
        break;
      case 1:
        told.of(borel_log_density_gradient(worker, model, jacobian, u.data(), &lp, g.data(), told));
        break;
      case 2:
        told.of(borel_constrain(worker, model, u.data(), draw.data(), told));
        break;
      case 3: {
        draw = input_.reals(size);
        told.of(borel_unconstrain(worker, model, draw.data(), g.data(), told));
        break;
      }
      case 4:
        told.of(borel_simulate(worker, model, {input_.word(), 1, 2}, draw.data(), told));
        break;
      case 5: {
        const std::vector<double> v = input_.reals(n);
        std::vector<double> product = room(n);
        told.of(borel_hessian_vector(worker, model, jacobian, u.data(), v.data(), &lp, g.data(),
                                     product.data(), told));
        break;
      }
      case 6: {
        draw = input_.reals(size);
        std::vector<double> observed = room(borel_observed_size(instance_, 0));
        told.of(borel_predict(worker, model, {input_.word(), 1, 2}, draw.data(), observed.data(),
                              told));
        break;
      }
      default: {
        draw = input_.reals(size);
        std::vector<double> terms = room(borel_term_count(instance_, 0));
        told.of(borel_log_likelihood(worker, model, draw.data(), terms.data(), told));
      }
    }
  }

  // Settings of the machine, or of nothing. `counts`: warmup, draws and chains may be among them.
  void choose_settings(bool counts) {
    settings_.clear();
    names_.clear();
    const borel_machine& machine = *program_.program->machine;
    for (int count = input_.below(3); count > 0; --count) {
      const int which = input_.below(machine.parameter_count + 2);
      std::string name = which < machine.parameter_count    ? machine.parameters[which].name
                         : which == machine.parameter_count ? std::string("warmup")
                                                            : input_.text(12);
      const bool is_count = name == "warmup" || name == "draws" || name == "chains";
      if (!counts && is_count) {
        continue;
      }
      names_.push_back(std::move(name));
      settings_.push_back({names_.back().c_str(), input_.real()});
    }
  }

  borel_start start() {
    borel_start out{};
    std::int64_t n = 0, size = 0;
    choose_settings(true);
    out.seed = input_.byte();
    out.chain = static_cast<std::uint64_t>(input_.below(4));
    out.initial_radius = input_.below(4) == 0 ? input_.real() : 0;
    if (input_.below(3) == 0 && sizes(n, size)) {
      initial_ = input_.reals(n);
      out.initial = initial_.data();
    }
    out.setting_count = static_cast<int>(settings_.size());
    out.settings = settings_.data();
    return out;
  }

  void make_chain() {
    if (chains_.size() >= 3) {
      return;
    }
    const borel_start from = start();
    borel_chain* made = nullptr;
    Told told;
    if (told.of(borel_chain_create(instance_, &from, &made, told)) == BOREL_SUCCESS) {
      chains_.push_back(made);
    }
  }

  borel_chain* chain() {
    return chains_.empty() ? nullptr
                           : chains_[static_cast<std::size_t>(input_.below(3)) % chains_.size()];
  }

  void restart() {
    borel_chain* on = chain();
    const borel_start from = start();
    Told told;
    told.of(borel_chain_restart(on, &from, told));
  }

  void step() {
    borel_chain* on = chain();
    Told told;
    told.of(borel_chain_step(on, input_.below(4) - 1, told));
    if (on == nullptr) {
      return;
    }
    std::int64_t n = 0, size = 0;
    if (!sizes(n, size)) {
      return;
    }
    std::vector<double> draw(static_cast<std::size_t>(size)),
        statistics(static_cast<std::size_t>(program_.program->machine->statistic_count));
    told.of(borel_chain_draw(on, draw.data(), told));
    told.of(borel_chain_statistics(on, statistics.data(), told));
    borel_chain_iteration(on);
    borel_chain_warmup(on);
  }

  void save() {
    borel_chain* on = chain();
    std::size_t size = 0;
    Told told;
    // Without room it says how much is wanted.
    const borel_code code = told.of(borel_chain_save(on, nullptr, 0, &size, told));
    if (code == BOREL_SUCCESS) {
      give_up("a chain of no bytes");
    }
    if (on == nullptr || size == 0 || size > memory_limit) {
      return;
    }
    std::string bytes(size, '\0');
    if (told.of(borel_chain_save(on, bytes.data(), bytes.size(), &size, told)) != BOREL_SUCCESS) {
      return;
    }
    saved_ = bytes;
    borel_chain* again = nullptr;
    if (told.of(borel_chain_resume(instance_, bytes.data(), bytes.size(), &again, told)) ==
        BOREL_SUCCESS) {
      std::string same(bytes.size(), '\0');
      if (told.of(borel_chain_save(again, same.data(), same.size(), &size, told)) ==
              BOREL_SUCCESS &&
          same != bytes) {
        give_up("a chain that resumes to another");
      }
      borel_chain_free(again);
    }
  }

  void resume() {
    if (chains_.size() >= 3) {
      return;
    }
    std::string bytes = input_.below(4) == 0 ? input_.text(1000) : saved_;
    input_.change(bytes);
    const std::vector<char> exact(bytes.begin(), bytes.end());
    borel_chain* made = nullptr;
    Told told;
    if (told.of(borel_chain_resume(instance_, exact.data(), exact.size(), &made, told)) ==
        BOREL_SUCCESS) {
      chains_.push_back(made);
    }
  }

  void run() {
    std::int64_t n = 0, size = 0;
    const bool known = sizes(n, size);
    borel_run_options options;
    borel_run_defaults(&options);
    options.seed = input_.byte();
    options.chains = input_.below(4) - 1;
    options.threads = input_.below(3);
    options.warmup = input_.below(5) - 1;
    options.draws = input_.below(5) - 1;
    options.save_warmup = input_.below(2);
    const bool fixed = known && options.chains > 0 && options.warmup >= 0 && options.draws >= 0;
    choose_settings(!fixed);
    options.settings = settings_.data();
    options.setting_count = static_cast<int>(settings_.size());
    if (input_.below(3) == 0 && known) {
      initial_ = input_.reals(n);
      options.initial = initial_.data();
    }
    Patience patience{{input_.below(40)}};
    options.context = &patience;
    options.on_iteration = take;
    options.cancelled = is_over;
    std::vector<double> draws, statistics;
    if (fixed) {
      const std::int64_t kept =
          options.chains * (options.draws + (options.save_warmup != 0 ? options.warmup : 0));
      draws.resize(static_cast<std::size_t>(kept * size));
      statistics.resize(
          static_cast<std::size_t>(kept * program_.program->machine->statistic_count));
      options.draw_values = draws.data();
      options.statistic_values = statistics.data();
    }
    std::vector<borel_chain_summary> summaries(8);
    Told told;
    told.of(borel_run(instance_, &options, fixed ? summaries.data() : nullptr, told));
  }

  void free_one() {
    if (input_.below(2) == 0 && !workers_.empty()) {
      borel_worker_free(workers_.back());
      workers_.pop_back();
    } else if (!chains_.empty()) {
      borel_chain_free(chains_.back());
      chains_.pop_back();
    }
  }

  void drop() {
    for (borel_worker* worker : workers_) {
      borel_worker_free(worker);
    }
    for (borel_chain* chain : chains_) {
      borel_chain_free(chain);
    }
    workers_.clear();
    chains_.clear();
    borel_instance_free(instance_);
    instance_ = nullptr;
  }

  Input& input_;
  const Program& program_;
  Memory memory_;
  double shift_ = 0.5;
  borel_library* library_ = nullptr;
  borel_data* data_ = nullptr;
  borel_instance* instance_ = nullptr;
  std::vector<borel_worker*> workers_;
  std::vector<borel_chain*> chains_;
  std::string saved_;
  std::deque<std::vector<double>> reals_;
  std::deque<std::vector<std::int64_t>> ints_;
  std::deque<std::string> names_;
  std::vector<borel_setting> settings_;
  std::vector<double> initial_;
};

}  // namespace

void play(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  Session session(input);
  for (int calls = 0; calls < most_calls && !input.at_end(); ++calls) {
    session.call();
  }
}

}  // namespace borel::fuzz

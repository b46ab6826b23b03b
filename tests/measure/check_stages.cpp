// Models through suspend: populations of particles against runs of the model.
#include <cmath>
#include <limits>
#include <set>

#include "compiler/dialect/prob.h"
#include "mlir/IR/Verifier.h"
#include "tests/measure/harness.h"
#include "tests/measure/stage_reference.h"

namespace borel::testing {
namespace {

constexpr const char* general_passes[] = {"structure", "simplify", "split", "fuse",    "simplify",
                                          "hoist",     "simplify", "fuse",  "flatten", "simplify"};
constexpr double never = -std::numeric_limits<double>::infinity();
/// Programs that come to more runs of particles are left out: there are enough others.
constexpr size_t most_particles = 4000;

bool close(double x, double y, double scale) {
  return std::fabs(x - y) <= 1e-10 * std::fabs(scale) + 1e-280;
}

struct Particle {
  std::vector<double> reals;
  std::vector<int64_t> ints;
  auto operator<=>(const Particle&) const = default;
};
/// Particles by what is known of them, with their weights.
using Population = std::map<Particle, double>;

class StageCheck {
 public:
  StageCheck(Harness& harness, const StageProgram& program, uint64_t seed, Tally* tally,
             const Fault* fault)
      : harness_(harness), program_(program), seed_(seed), tally_(tally), fault_(fault) {}

  CheckResult run() {
    if (!make_reference()) return result_;
    module_ = harness_.parse(with_derived());
    if (!module_) {
      fail("generator", "the program is not valid: " + harness_.reported);
      return result_;
    }
    drop("after");
    if (fault_ && fault_->on_input && !inject()) return result_;
    before_ = fault_ ? "" : print(*module_);
    if (fault_ && !fault_->on_input) mark_old();
    if (!harness_.run(*module_, "derive")) {
      fail("suspend", "failed: " + harness_.reported);
      return result_;
    }
    if (fault_ && !fault_->on_input && !inject()) return result_;
    bool keeps = population_agrees();
    if (tally_ && keeps && !result_.failure) ++(*tally_)["suspend"];
    if (!fault_ && seed_ % 4 == 1 && !result_.failure) check_paths();
    // Some programs also as the compiler would go on with them.
    if (fault_ || seed_ % 8 != 0 || result_.failure) return result_;
    for (const char* pass : general_passes) {
      before_ = print(*module_);
      if (!harness_.run(*module_, pass)) {
        fail(pass, "failed: " + harness_.reported);
        return result_;
      }
    }
    population_agrees();
    if (result_.failure) result_.failure->pass = "passes after suspend";
    return result_;
  }

 private:
  /// Goes through the stages at every point; true when particles keep something.
  bool population_agrees() {
    bool keeps = false;
    for (size_t i = 0; i < program_.points.size() && !result_.failure; ++i)
      if (!references_[i].stops.empty())
        keeps |= go_through(program_.points[i], references_[i].stops);
    return keeps;
  }

  void fail(const std::string& pass, const std::string& message) {
    if (result_.failure) return;
    result_.failure = Failure{pass, message, before_.empty() ? program_.text : before_,
                              module_ ? print(*module_) : ""};
  }

  bool inject() {
    Choice choose(seed_ ^ 0xFA17);
    result_.fault_applied = fault_->apply(*module_, choose);
    if (result_.fault_applied && mlir::failed(mlir::verify(*module_)))
      result_.fault_applied = false;
    return result_.fault_applied;
  }
  void mark_old() {
    module_->walk([&](mlir::Operation* op) {
      op->setDiscardableAttr(old_mark, mlir::UnitAttr::get(&harness_.context()));
    });
  }
  void drop(llvm::StringRef mark) {
    module_->walk([&](prob::StopOp stop) {
      if (stop->hasAttr(mark)) stop.erase();
    });
  }

  bool make_reference() {
    module_ = harness_.parse(program_.text);
    if (!module_) {
      fail("generator", "the program is not valid: " + harness_.reported);
      return false;
    }
    drop("inner");
    bool any = false;
    for (const Point& point : program_.points) {
      references_.emplace_back();
      const Evaluation done = guarded(
          [&](Evaluation&) { references_.back() = stage_reference(*module_, program_, point); });
      if (!done.refusal.empty()) {
        fail("generator", "the model is refused: " + done.refusal);
        return false;
      }
      any |= !references_.back().stops.empty();
    }
    return any;
  }

  //===- What a population does ---------------------------------------------------------------===//

  std::string with_derived(bool paths = false) const {
    std::string text = program_.text.substr(0, program_.text.rfind('}'));
    const auto declare = [&](const std::string& kind, const std::string& inputs,
                             const std::string& results) {
      text += "func.func private @d." + kind + "(i64, f64" + inputs + ") -> (" + results +
              ") attributes {prob.derive = {kind = \"" + kind + "\", of = @model}}\n";
    };
    const std::string frames = "tensor<?x?xf64>, tensor<?x?xi64>, tensor<?xf64>";
    declare("stage_count", "", "i64");
    declare("frame_reals", "", "i64");
    declare("frame_ints", "", "i64");
    declare("advance", ", i64, " + frames, frames);
    declare("check_stage", ", i64, tensor<?xf64>", "");
    std::string moments;
    for (const size_t i : known_sites(program_)) {
      const size_t rank = program_.sites[i].dims.size() - (program_.sites[i].moves ? 1 : 0);
      std::string type = "f64";
      if (rank > 0) {
        type = "tensor<";
        for (size_t d = 0; d < rank; ++d) type += "?x";
        type += "f64>";
      }
      for (int twice = 0; twice < 2; ++twice) moments += (moments.empty() ? "" : ", ") + type;
    }
    declare("stage_summary", ", " + frames, moments);
    if (!paths) return text + "}\n";
    const std::string path = "tensor<?x?xf64>, tensor<?x?xi64>";
    const auto sites = [&](bool derived) {
      std::string types;
      for (const size_t i : known_sites(program_)) {
        const auto& site = program_.sites[i];
        if (site.kind == "derived" && !derived) continue;
        std::string type = site.type == "real" ? "f64" : site.type == "int" ? "i64" : "i1";
        if (!site.dims.empty()) {
          std::string dims;
          for (size_t d = 0; d < site.dims.size(); ++d) dims += "?x";
          type = "tensor<" + dims + type + ">";
        }
        types += ", " + type;
      }
      return types;
    };
    declare("path_trace", ", " + path, sites(true).substr(2));
    declare("trace_path", sites(false), path);
    declare("follow", ", i64, " + frames + ", " + path, frames);
    declare("transition", ", i64, " + path + ", " + path + ", i64", "tensor<?xf64>");
    return text + "}\n";
  }

  /// True when particles keep something from one stage to the next.
  bool go_through(const Point& point, const std::vector<Moments>& reference) {
    bool keeps = false;
    const Evaluation done = guarded([&](Evaluation& out) {
      Interpreter run(*module_);
      run.slots = point.slots;
      run.step_limit = 20'000'000;
      run.bind();
      const auto size = [&](const char* function) {
        return as_int(run.call(function, point.arguments).at(0));
      };
      const int64_t count = size("d.stage_count");
      reals_ = size("d.frame_reals");
      ints_ = size("d.frame_ints");
      if (count != static_cast<int64_t>(reference.size()))
        return fail("suspend", "has " + std::to_string(count) + " stages, not " +
                                   std::to_string(reference.size()));
      if (reals_ < 0 || ints_ < 0 || reals_ + ints_ > 10'000)
        return fail("suspend", "particles keep a strange number of values");
      Population particles;
      particles[Particle{std::vector<double>(static_cast<size_t>(reals_), 0),
                         std::vector<int64_t>(static_cast<size_t>(ints_), 0)}] = 0;
      keys_.clear();
      for (int64_t s = 0; s < count && !particles.empty(); ++s) {
        Population next;
        if (!advance(run, point, s, particles, next)) return;
        out.fragile |= run.fragile;
        if (out.fragile || result_.failure) return;
        particles = std::move(next);
        compare(run, point, s, particles, reference[static_cast<size_t>(s)]);
        if (result_.failure) return;
      }
      after_the_last(run, point, count, particles);
      keeps = count > 1 && reals_ + ints_ > 0;
    });
    if (!done.refusal.empty() && !done.fragile) fail("suspend", "is refused: " + done.refusal);
    return keeps && !done.fragile;
  }

  /// A particle about to run, with the first of its choices.
  struct Run {
    const Population::value_type* parent;
    std::vector<int> made;
  };

  /// The frames and log weights of these particles as the functions take them.
  template <class Of>
  void add_population(std::vector<Datum>& arguments, size_t n, Of particle) const {
    const auto frame = [&](int64_t rows, auto member) {
      std::vector<Datum> values;
      for (size_t r = 0; r < static_cast<size_t>(rows); ++r)
        for (size_t e = 0; e < n; ++e) values.emplace_back((particle(e).first.*member)[r]);
      return make_array({rows, static_cast<int64_t>(n)}, std::move(values));
    };
    arguments.push_back(frame(reals_, &Particle::reals));
    arguments.push_back(frame(ints_, &Particle::ints));
    std::vector<double> weights;
    for (size_t e = 0; e < n; ++e) weights.push_back(particle(e).second);
    arguments.push_back(real_array(weights));
  }

  /// Runs every particle through a stage with all its choices. The runs of a wave differ from those
  /// of the waves before in their choices, and stand at other places than their parents.
  bool advance(Interpreter& run, const Point& point, int64_t stage, const Population& particles,
               Population& next) {
    std::vector<Run> wave;
    for (const auto& particle : particles) wave.push_back({&particle, {}});
    const Population::value_type dead{particles.begin()->first, never};
    bool first_wave = true;
    std::set<int64_t> used;
    size_t runs = 0;
    while (!wave.empty()) {
      runs += wave.size();
      if (runs > most_particles) return false;
      const size_t given = wave.size();
      if (first_wave) wave.push_back({&dead, {}});
      std::vector<std::map<std::pair<int64_t, int64_t>, double>> known(wave.size());
      std::vector<size_t> asked(wave.size(), 0);
      run.key = [&] { return (stage + 1) << 32; };
      run.uniform_at = [&](int64_t key, int64_t element, int64_t number) {
        if (element < 0 || element >= static_cast<int64_t>(wave.size()))
          throw Refused("a uniform for no particle");
        if (keys_.contains(key)) throw Refused("uniforms of an earlier stage");
        used.insert(key);
        const auto e = static_cast<size_t>(element);
        const auto [found, is_new] = known[e].try_emplace({key, number}, 0);
        if (is_new) {
          if (asked[e] == wave[e].made.size()) wave[e].made.push_back(0);
          found->second = (wave[e].made[asked[e]++] + .5) / program_.grid;
        }
        return found->second;
      };
      std::vector<size_t> prefix;
      for (const Run& one : wave) prefix.push_back(one.made.size());
      std::vector<Datum> arguments = point.arguments;
      arguments.emplace_back(stage);
      add_population(
          arguments, wave.size(), [&](size_t e) -> const auto& { return *wave[e].parent; });
      const auto results = run.call("d.advance", arguments);
      const Array &reals = as_array(results.at(0)), &ints = as_array(results.at(1)),
                  &weights = as_array(results.at(2));
      const auto n = wave.size();
      if (reals.shape != std::vector<int64_t>{reals_, static_cast<int64_t>(n)} ||
          ints.shape != std::vector<int64_t>{ints_, static_cast<int64_t>(n)} ||
          weights.elements.size() != n) {
        fail("suspend", "advance gives frames of another shape");
        return false;
      }
      std::vector<Run> later;
      for (size_t e = 0; e < n; ++e) {
        const double weight = as_real(weights.elements[e]);
        if (e >= given) {
          if (weight != never) fail("suspend", "an impossible particle becomes possible");
          continue;
        }
        const Run& one = wave[e];
        Particle now;
        for (size_t r = 0; r < static_cast<size_t>(reals_); ++r)
          now.reals.push_back(as_real(reals.elements[r * n + e]));
        for (size_t r = 0; r < static_cast<size_t>(ints_); ++r)
          now.ints.push_back(as_int(ints.elements[r * n + e]));
        const double total =
            weight - static_cast<double>(one.made.size()) * std::log(program_.grid);
        if (std::isnan(total)) fail("suspend", "a particle's weight is no number");
        if (total > never) {
          const auto [found, is_new] = next.try_emplace(std::move(now), total);
          if (!is_new) {
            const double high = std::max(found->second, total);
            found->second = high + std::log1p(std::exp(std::min(found->second, total) - high));
          }
        }
        for (size_t i = prefix[e]; i < one.made.size(); ++i)
          for (int other = 1; other < program_.grid; ++other) {
            Run again{one.parent, {one.made.begin(), one.made.begin() + static_cast<long>(i)}};
            again.made.push_back(other);
            later.push_back(std::move(again));
          }
      }
      wave = std::move(later);
      first_wave = false;
    }
    keys_.insert(used.begin(), used.end());
    run.uniform_at = nullptr;
    return true;
  }

  void compare(Interpreter& run, const Point& point, int64_t stage, const Population& particles,
               const Moments& reference) {
    const std::string where = "at stop " + std::to_string(stage) + " ";
    double mass = 0;
    std::vector<Particle> in_order;
    std::vector<double> weights;
    for (const auto& [particle, weight] : particles) {
      mass += std::exp(weight);
      in_order.push_back(particle);
      weights.push_back(std::exp(weight));
    }
    if (!close(mass, reference.mass, reference.mass))
      return fail("suspend", where + "the evidence is " + std::to_string(mass) + ", not " +
                                 std::to_string(reference.mass));
    check_alive(run, point, stage, particles);
    if (particles.empty() || reference.first.empty()) return;
    std::vector<Datum> arguments = point.arguments;
    add_population(arguments, in_order.size(), [&](size_t e) {
      return std::pair<const Particle&, double>(in_order[e], weights[e]);
    });
    std::vector<double> means, deviations;
    const auto results = run.call("d.stage_summary", arguments);
    for (size_t i = 0; i < results.size(); ++i)
      for (const Datum& d : scalars(results[i]))
        (i % 2 == 0 ? means : deviations).push_back(as_real(d));
    if (means.size() != reference.first.size() || deviations.size() != means.size())
      return fail("suspend", where + "the summary has another size");
    for (size_t i = 0; i < means.size(); ++i) {
      const double second = (means[i] * means[i] + deviations[i] * deviations[i]) * mass;
      const std::string value = where + "value " + std::to_string(i) + " of the sites has ";
      if (!close(means[i] * mass, reference.first[i], reference.magnitude[i]))
        return fail("suspend", value + "mean " + std::to_string(means[i]) + ", not " +
                                   std::to_string(reference.first[i] / mass));
      if (!close(second, reference.second[i], reference.second[i]))
        return fail("suspend", value + "another deviation");
    }
  }

  /// A fault where no particle is possible, and nowhere else.
  void check_alive(Interpreter& run, const Point& point, int64_t stage,
                   const Population& particles) {
    std::vector<double> weights{never};
    if (!particles.empty()) weights.push_back(particles.begin()->second);
    std::vector<Datum> arguments = point.arguments;
    arguments.emplace_back(stage + 1);
    arguments.push_back(real_array(weights));
    const Evaluation checked = guarded([&](Evaluation&) { run.call("d.check_stage", arguments); });
    if (checked.refusal.empty() == particles.empty())
      fail("suspend", "at stop " + std::to_string(stage) +
                          (particles.empty() ? " nobody misses the particles"
                                             : " particles are missed: " + checked.refusal));
  }

  /// Beyond the last stage nothing changes, and nothing is drawn.
  void after_the_last(Interpreter& run, const Point& point, int64_t count,
                      const Population& particles) {
    if (particles.empty()) return;
    std::vector<Datum> arguments = point.arguments;
    arguments.emplace_back(count);
    add_population(
        arguments, 1, [&](size_t) -> const auto& { return *particles.begin(); });
    run.uniform_at = nullptr;
    const auto results = run.call("d.advance", arguments);
    for (size_t i = 0; i < 3; ++i) {
      const auto was = scalars(arguments[arguments.size() - 3 + i]), is = scalars(results[i]);
      for (size_t k = 0; k < was.size(); ++k)
        if (as_number(was[k]) != as_number(is.at(k)))
          return fail("suspend", "particles change after the last stage");
    }
  }

  //===- Paths --------------------------------------------------------------------------------===//

  /// A run by its frames after each stage.
  struct History {
    std::vector<Particle> frames;
    double weight = 0;
  };

  /// Traces of paths have the model's own moments; a particle that is led along a path comes where
  /// it leads; and where draws are finite and frames tell them, what a transition is said to weigh
  /// is what it weighs.
  void check_paths() {
    // In a loop whose bounds are drawn a site is drawn several times between two stops.
    if (program_.text.find("{inner}") != std::string::npos) return;
    module_ = harness_.parse(with_derived(/*paths=*/true));
    before_ = print(*module_);
    if (!harness_.run(*module_, "derive")) {
      if (harness_.reported.find("depends on draws") == std::string::npos &&
          harness_.reported.find("between two stops") == std::string::npos)
        fail("suspend", "failed for paths: " + harness_.reported);
      return;
    }
    const size_t body = program_.text.find("@model(");
    bool finite = true;
    for (const char* name : {"@level", "@spread"})
      finite &= program_.text.find(name, body) == std::string::npos;
    // A frame has one value of each site, not several draws.
    std::map<uint64_t, int> draws;
    module_->lookupSymbol("model")->walk(
        [&](prob::SampleOp sample) { finite &= ++draws[sample.getSite()] == 1; });
    for (size_t i = 0; i < program_.points.size() && !result_.failure; ++i) {
      if (references_[i].stops.empty()) continue;
      const Evaluation done = guarded([&](Evaluation& out) {
        Interpreter run(*module_);
        run.slots = program_.points[i].slots;
        run.step_limit = 20'000'000;
        check_paths(run, program_.points[i], references_[i].stops.size(), references_[i].end,
                    finite);
        out.fragile = run.fragile;
      });
      if (!done.refusal.empty() && !done.fragile)
        fail("suspend", "is refused on paths: " + done.refusal);
    }
  }

  void check_paths(Interpreter& run, const Point& point, size_t count, const Moments& reference,
                   bool finite) {
    const auto size = [&](const char* function) {
      return as_int(run.call(function, point.arguments).at(0));
    };
    reals_ = size("d.frame_reals");
    ints_ = size("d.frame_ints");
    const Particle start{std::vector<double>(static_cast<size_t>(reals_), 0),
                         std::vector<int64_t>(static_cast<size_t>(ints_), 0)};
    std::vector<History> histories{{}};
    for (size_t s = 0; s < count; ++s) {
      std::vector<History> longer;
      for (const History& history : histories) {
        const Particle& from = s == 0 ? start : history.frames.back();
        Population next;
        keys_.clear();
        if (!advance(run, point, static_cast<int64_t>(s), {{from, history.weight}}, next)) return;
        for (const auto& [to, weight] : next) {
          if (finite) check_transition(run, point, s, from, to, weight - history.weight);
          longer.push_back(history);
          longer.back().frames.push_back(to);
          longer.back().weight = weight;
        }
      }
      histories = std::move(longer);
      if (histories.size() > 200 || run.fragile || result_.failure) return;
    }
    Moments traced;
    for (const History& history : histories) {
      std::vector<Datum> path;
      add_path(path, history.frames);
      std::vector<Datum> arguments = point.arguments;
      arguments.insert(arguments.end(), path.begin(), path.end());
      const auto trace = run.call("d.path_trace", arguments);
      std::vector<double> values;
      for (const Datum& d : trace)
        for (const Datum& x : scalars(d)) values.push_back(as_number(x));
      traced.add(std::exp(history.weight), values);
      follow(run, point, history, start, path, "its path");
      arguments = point.arguments;
      size_t latents = 0;
      for (const auto& site : program_.sites) latents += site.kind == "latent";
      arguments.insert(arguments.end(), trace.begin(), trace.begin() + static_cast<long>(latents));
      follow(run, point, history, start, run.call("d.trace_path", arguments), "its trace");
      if (result_.failure) return;
    }
    for (size_t i = 0; i < traced.first.size(); ++i)
      if (!close(traced.first[i], reference.first.at(i), reference.magnitude[i]) ||
          !close(traced.second[i], reference.second[i], reference.second[i]))
        return fail("suspend", "value " + std::to_string(i) + " of the traces of paths has mean " +
                                   std::to_string(traced.first[i] / traced.mass) + ", not " +
                                   std::to_string(reference.first[i] / reference.mass));
  }

  void add_path(std::vector<Datum>& arguments, const std::vector<Particle>& frames) const {
    add_population(arguments, frames.size(),
                   [&](size_t e) { return std::pair<const Particle&, double>(frames[e], 0); });
    arguments.pop_back();  // no weights
  }

  /// The last of two particles is led along the path.
  void follow(Interpreter& run, const Point& point, const History& history, const Particle& start,
              const std::vector<Datum>& path, const std::string& what) {
    Particle now = start;
    for (size_t s = 0; s < history.frames.size(); ++s) {
      std::vector<Datum> arguments = point.arguments;
      arguments.emplace_back(static_cast<int64_t>(s));
      add_population(arguments, 2,
                     [&](size_t) { return std::pair<const Particle&, double>(now, 0); });
      arguments.insert(arguments.end(), path.begin(), path.end());
      run.uniform_at = [](int64_t, int64_t, int64_t) { return .75; };
      const auto results = run.call("d.follow", arguments);
      const Array &reals = as_array(results.at(0)), &ints = as_array(results.at(1));
      for (size_t r = 0; r < now.reals.size(); ++r)
        now.reals[r] = as_real(reals.elements[2 * r + 1]);
      for (size_t r = 0; r < now.ints.size(); ++r) now.ints[r] = as_int(ints.elements[2 * r + 1]);
      bool same = now.ints == history.frames[s].ints;
      for (size_t r = 0; r < now.reals.size(); ++r)
        same &= close(now.reals[r], history.frames[s].reals[r], 1);
      if (!same)
        return fail("suspend",
                    "a particle led along " + what + " leaves it at stage " + std::to_string(s));
    }
  }

  void check_transition(Interpreter& run, const Point& point, size_t stage, const Particle& from,
                        const Particle& to, double weight) {
    std::vector<Datum> arguments = point.arguments;
    arguments.emplace_back(static_cast<int64_t>(stage));
    add_path(arguments, {from});
    add_path(arguments, {to});
    arguments.emplace_back(int64_t{0});
    run.uniform_at = [](int64_t, int64_t, int64_t) { return .75; };  // which nothing depends on
    const double said = as_real(as_array(run.call("d.transition", arguments).at(0)).elements.at(0));
    if (!close(said, weight, 1 + std::fabs(weight)))
      fail("suspend", "a transition at stage " + std::to_string(stage) + " is said to weigh " +
                          std::to_string(said) + ", not " + std::to_string(weight));
  }

  Harness& harness_;
  const StageProgram& program_;
  uint64_t seed_;
  Tally* tally_;
  const Fault* fault_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::vector<StageReference> references_;  // by point
  std::string before_;
  int64_t reals_ = 0, ints_ = 0;
  std::set<int64_t> keys_;
  CheckResult result_;
};

}  // namespace

CheckResult check_stages(Harness& harness, const StageProgram& program, uint64_t seed, Tally* tally,
                         const Fault* fault) {
  return StageCheck(harness, program, seed, tally, fault).run();
}

}  // namespace borel::testing

// Values of the parameters that a machine declares: defaults, overridden by flags or a host.
#ifndef BOREL_RUNTIME_CORE_PARAMETERS_H
#define BOREL_RUNTIME_CORE_PARAMETERS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/fault.h"
#include "runtime/include/borel/program.h"

namespace borel::runtime {

// `warmup`, `draws` and `chains` always exist (1000, 1000 and 4 unless the machine says otherwise),
// since the loop itself uses them; every other name is one that the machine declares.
class Parameters {
 public:
  // `steps`: of a machine that makes so many (see borel_machine::steps), else below 0. Its warm-up
  // is 0, its draws are its steps, neither can be set, and there is one chain unless it says
  // otherwise.
  explicit Parameters(const borel_machine& machine, std::int64_t steps = -1);

  // Sets a parameter. An unknown name, a value out of range or a fraction for an int is an error of
  // kind `parameter` whose span is the declaration.
  Failure set(std::string_view name, double value);
  // The same from text, as a command line gives it.
  Failure set(std::string_view name, std::string_view text);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  // The value; `fallback` when there is no such parameter.
  double get(std::string_view name, double fallback = 0) const;
  std::int64_t get_int(std::string_view name, std::int64_t fallback = 0) const;

  // parameter_count values in the machine's order, for borel_config.
  const double* values() const { return values_.data(); }

  struct Entry {
    std::string name;
    bool is_int;
    double lower, upper, fallback;
    SourceSpan span;
    bool changed;  // set() gave it a value
  };
  // The machine's, then those of the three above that it does not declare.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const double* find(std::string_view name) const;

  bool is_fixed(std::string_view name) const;

  std::vector<Entry> entries_;
  std::vector<double> values_;
  std::int64_t steps_;
};

}  // namespace borel::runtime

#endif

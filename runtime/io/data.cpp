#include "runtime/io/data.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "runtime/core/names.h"
#include "runtime/io/data_problem.h"
#include "runtime/io/layout.h"

namespace borel::io {

using runtime::AlignedBuffer;
using runtime::number_text;
using runtime::SourceSpan;

namespace {

bool has_error(const std::vector<DataProblem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const DataProblem& p) { return p.severity == Severity::error; });
}

// "an integer from 0 to 1", "a number above 0".
std::string bounds_text(std::string noun, double lower, bool lower_open, double upper,
                        bool upper_open) {
  const bool low = std::isfinite(lower), high = std::isfinite(upper);
  if (low && high && !lower_open && !upper_open) {
    return noun + " from " + number_text(lower) + " to " + number_text(upper);
  }
  if (low) {
    noun += (lower_open ? " above " : " of at least ") + number_text(lower);
  }
  if (high) {
    noun += (low ? " and " : " ") + std::string(upper_open ? "below " : "at most ") +
            number_text(upper);
  }
  if ((lower_open && lower == -INFINITY) || (upper_open && upper == INFINITY)) {
    noun = "finite " + noun;
  }
  return noun;
}

// Binds the inputs of one program. Sizes first, then values.
class DataReader {
 public:
  DataReader(const borel_program& program, const JsonDocument& document)
      : program_(program),
        document_(document),
        problems_(document),
        sizes_(static_cast<std::size_t>(program.size_count)),
        variables_(static_cast<std::size_t>(program.input_count)) {}

  DataResult read() {
    find_names();
    bind_sizes_by_name();
    for (int i = 0; i < program_.input_count; ++i) {
      if (variables_[index(i)] != nullptr) {
        bind_shape(i);
      }
    }
    bind_empty_sizes();
    DataResult result;
    for (int i = 0; i < program_.input_count; ++i) {
      result.data.arrays.push_back({});
      if (variables_[index(i)] != nullptr) {
        read_values(i, result.data);
      } else {
        result.data.arrays.back().data = input(i).fallback;
      }
    }
    for (const Size& size : sizes_) {
      result.data.sizes.push_back(size.value.value_or(0));
    }
    result.problems = problems_.take();
    return result;
  }

 private:
  struct Size {
    std::optional<std::int64_t> value;
    std::string bound_by;  // "`y`", for messages
    SourceSpan span;
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  const borel_input& input(int i) const { return program_.inputs[i]; }

  std::string dim_text(const borel_dim& dim) const {
    if (dim.symbol < 0) {
      return std::to_string(dim.offset);
    }
    std::string text = program_.sizes[dim.symbol].name;
    if (dim.offset != 0) {
      text += (dim.offset > 0 ? " + " : " - ") + std::to_string(std::abs(dim.offset));
    }
    return text;
  }
  std::optional<std::int64_t> dim_value(const borel_dim& dim) const {
    if (dim.symbol < 0) {
      return dim.offset;
    }
    const auto& value = sizes_[index(dim.symbol)].value;
    return value ? std::optional(*value + dim.offset) : std::nullopt;
  }
  // The type as the program spells it: "real[J]", "matrix[N, K]", "index[J][N] from 1".
  std::string declared_text(const borel_input& in) const {
    constexpr const char* nouns[] = {"bool", "int", "real", "index"};
    std::string text = nouns[in.type];
    if (in.type == BOREL_INDEX) {
      text += "[" + dim_text(in.index_bound) + "]";
    }
    const bool matrix = in.layout == BOREL_COLUMN_MAJOR && in.rank >= 2 && in.type == BOREL_REAL;
    int array_rank = in.rank;
    if (matrix) {
      array_rank -= 2;
      text = "matrix[" + dim_text(in.dims[array_rank]) + ", " + dim_text(in.dims[array_rank + 1]) +
             "]";
    }
    for (int d = 0; d < array_rank; ++d) {
      text += (d == 0 ? "[" : ", ") + dim_text(in.dims[d]);
    }
    text += array_rank > 0 ? "]" : "";
    if (in.type == BOREL_INDEX && in.index_base != 0) {
      text += " from " + std::to_string(in.index_base);
    }
    return text;
  }

  void find_names() {
    std::vector<std::string> wanted, missing;
    for (int i = 0; i < program_.input_count; ++i) {
      wanted.emplace_back(input(i).name);
      variables_[index(i)] = document_.find(input(i).name);
      if (variables_[index(i)] == nullptr) {
        missing.emplace_back(input(i).name);
      }
    }
    std::vector<std::string> known = wanted;
    for (int s = 0; s < program_.size_count; ++s) {
      known.emplace_back(program_.sizes[s].name);
    }
    const std::vector<std::string> unused = problems_.unused(known);
    for (int i = 0; i < program_.input_count; ++i) {
      const borel_input& in = input(i);
      if (variables_[index(i)] == nullptr && in.fallback != nullptr) {
        continue;
      }
      if (variables_[index(i)] == nullptr) {
        problems_.add_missing(in.name, in.span, declared_text(in), unused);
      } else if (!problems_.usable(*variables_[index(i)], in.span, declared_text(in))) {
        variables_[index(i)] = nullptr;
      }
    }
    warn_of_unused(unused, missing);
  }

  void warn_of_unused(const std::vector<std::string>& unused,
                      const std::vector<std::string>& missing) {
    if (unused.empty()) {
      return;
    }
    DataProblem problem;
    std::string list, near_text;
    for (const std::string& name : unused) {
      list += (list.empty() ? "`" : ", `") + name + "`";
      const std::string near = runtime::nearest_name(name, missing);
      if (!near.empty()) {
        near_text.append(near_text.empty() ? "`" : ", `").append(name);
        near_text.append("` for `").append(near).append("`");
      }
    }
    DataProblem& added = problems_.add(DataProblemKind::unused, unused.front(), {}, "", "");
    added.severity = Severity::warning;
    added.place = document_.place(document_.find(unused.front())->name_offset);
    added.found = list;
    added.text = "the program does not use " + list;
    if (!near_text.empty()) {
      added.suggestion = "is " + near_text + "?";
    }
  }

  // A size whose name is that of an int in the data: an input, or a name that the program does not
  // list but that says the size.
  void bind_sizes_by_name() {
    for (int s = 0; s < program_.size_count; ++s) {
      const borel_size& size = program_.sizes[s];
      const JsonVariable* variable = document_.find(size.name);
      if (variable == nullptr) {
        continue;
      }
      bool is_input = false;
      for (int i = 0; i < program_.input_count; ++i) {
        is_input = is_input || std::strcmp(input(i).name, size.name) == 0;
      }
      if (!is_input && !problems_.usable(*variable, size.span, "a size")) {
        continue;
      }
      const bool whole = variable->problem.empty() && variable->dims.empty() &&
                         !variable->is_real && variable->first_bool < 0;
      if (!whole) {
        if (!is_input) {
          problems_.add(
              DataProblemKind::type, *variable, -1, size.span,
              variable->dims.empty() ? number_text(variable->real(0)) : shape_text(variable->dims),
              "a size: an integer of at least 0");
        }
        continue;
      }
      const std::int64_t value = variable->ints[0];
      if (value < 0) {
        problems_.add(DataProblemKind::range, *variable, -1, size.span, std::to_string(value),
                      "a size: an integer of at least 0");
        continue;
      }
      sizes_[index(s)] = {value, "the value of `" + variable->name + "`", SourceSpan(size.span)};
    }
  }

  void bind_shape(int i) {
    const borel_input& in = input(i);
    const JsonVariable& v = *variables_[index(i)];
    const bool empty = v.count() == 0 && !v.dims.empty();
    if (static_cast<int>(v.dims.size()) != in.rank &&
        !(empty && static_cast<int>(v.dims.size()) < in.rank)) {
      DataProblem& problem = problems_.add(
          DataProblemKind::shape, v, -1, in.span, shape_text(v.dims),
          in.rank == 0 ? "a single number (" + declared_text(in) + ")" : declared_text(in));
      if (v.count() == 1 && in.rank == 0) {
        problem.suggestion = "write the number without brackets";
      } else if (v.dims.empty() && in.rank == 1) {
        problem.suggestion = "write an array of one element in brackets";
      }
      variables_[index(i)] = nullptr;
      return;
    }
    if (empty && static_cast<int>(v.dims.size()) < in.rank) {
      empties_.push_back(i);
      return;
    }
    for (int d = 0; d < in.rank; ++d) {
      bind_dim(i, d);
      if (variables_[index(i)] == nullptr) {
        return;
      }
    }
  }

  void bind_dim(int i, int d) {
    const borel_input& in = input(i);
    const JsonVariable& v = *variables_[index(i)];
    const borel_dim& dim = in.dims[d];
    const std::int64_t found = v.dims[index(d)];
    const std::optional<std::int64_t> wanted = dim_value(dim);
    if (!wanted && found >= dim.offset) {
      sizes_[index(dim.symbol)] = {found - dim.offset, "the shape of `" + v.name + "`",
                                   SourceSpan(in.span)};
      return;
    }
    if (wanted && *wanted == found) {
      return;
    }
    std::string expected = dim_text(dim);
    if (dim.symbol >= 0 && wanted) {
      expected += " = " + std::to_string(*wanted) + ", by " + sizes_[index(dim.symbol)].bound_by;
    } else if (!wanted) {
      expected += ", at least " + std::to_string(dim.offset);
    }
    std::string count = std::to_string(found) + (found == 1 ? " element" : " elements");
    if (in.rank > 1) {
      count += " in dimension " + std::to_string(d + 1) + " (shape " + shape_list(v.dims) + ")";
    }
    DataProblem& problem =
        problems_.add(dim.symbol >= 0 && wanted ? DataProblemKind::size : DataProblemKind::shape, v,
                      -1, in.span, std::move(count), std::move(expected));
    if (dim.symbol >= 0 && wanted) {
      const Size& size = sizes_[index(dim.symbol)];
      problem.related = "`" + std::string(program_.sizes[dim.symbol].name) + "` is " +
                        std::to_string(*size.value) + " by " + size.bound_by;
      problem.related_span = size.span;
    }
    variables_[index(i)] = nullptr;
  }

  static std::string shape_list(const std::vector<std::int64_t>& dims) {
    std::string text;
    for (const std::int64_t dim : dims) {
      text += (text.empty() ? "[" : ", ") + std::to_string(dim);
    }
    return text + "]";
  }

  // Arrays without elements that are written with fewer brackets than they have dimensions, as []
  // for a matrix: they must have a dimension of 0, and the first that nothing else binds is.
  void bind_empty_sizes() {
    for (const int i : empties_) {
      const borel_input& in = input(i);
      const JsonVariable& v = *variables_[index(i)];
      bool has_zero = false;
      for (int d = 0; d < in.rank; ++d) {
        has_zero = has_zero || dim_value(in.dims[d]) == 0;
      }
      for (int d = 0; d < in.rank && !has_zero; ++d) {
        if (!dim_value(in.dims[d]) && in.dims[d].offset <= 0) {
          sizes_[index(in.dims[d].symbol)] = {-in.dims[d].offset, "the shape of `" + v.name + "`",
                                              SourceSpan(in.span)};
          has_zero = true;
        }
      }
      if (!has_zero) {
        problems_.add(DataProblemKind::shape, v, -1, in.span, "an array with no elements",
                      declared_text(in) + " with sizes above 0");
        variables_[index(i)] = nullptr;
      }
    }
    for (int s = 0; s < program_.size_count; ++s) {
      if (sizes_[index(s)].value) {
        continue;
      }
      if (!is_size_of_input(s)) {
        const borel_size& size = program_.sizes[s];
        if (document_.find(size.name) == nullptr) {
          problems_.add_missing(size.name, size.span, "a size: an integer of at least 0", {});
        }
      } else {
        // Known only from inputs that are missing or wrong, or from those with no elements at all.
        sizes_[index(s)].value = empties_.empty() ? std::nullopt : std::optional<std::int64_t>(0);
      }
    }
  }

  bool is_size_of_input(int s) const {
    for (int i = 0; i < program_.input_count; ++i) {
      for (int d = 0; d < input(i).rank; ++d) {
        if (input(i).dims[d].symbol == s) {
          return true;
        }
      }
    }
    return false;
  }

  void read_values(int i, runtime::InputData& data) {
    const borel_input& in = input(i);
    const JsonVariable& v = *variables_[index(i)];
    borel_array& array = data.arrays.back();
    std::vector<std::int64_t> dims;
    for (int d = 0; d < in.rank; ++d) {
      array.dims[d] = dim_value(in.dims[d]).value_or(0);
      dims.push_back(array.dims[d]);
    }
    if (element_count(dims) != v.count()) {
      return;  // a size of it was reported
    }
    AlignedBuffer buffer(8 * static_cast<std::size_t>(v.count()));
    if (in.type == BOREL_REAL) {
      read_reals(in, v, dims, buffer.as<double>());
    } else if (is_integer(in, v)) {
      read_ints(in, v, dims, buffer.as<std::int64_t>());
    }
    array.data = buffer.data();
    data.storage.push_back(std::move(buffer));
  }

  void read_reals(const borel_input& in, const JsonVariable& v,
                  const std::vector<std::int64_t>& dims, double* out) {
    if (v.first_bool >= 0) {
      problems_.add(DataProblemKind::type, v, v.first_bool, in.span, "true or false", "a number");
      return;
    }
    // Bad elements are rare: count all, remember the first.
    std::int64_t nans = 0, outside = 0, first_nan = -1, first_outside = -1;
    visit_layout(dims, in.layout, [&](std::int64_t from, std::int64_t to) {
      const double x = v.real(from);
      out[to] = x;
      const bool inside = (in.lower_open != 0 ? x > in.lower : x >= in.lower) &&
                          (in.upper_open != 0 ? x < in.upper : x <= in.upper);
      if (inside) {
        return;
      }
      if (std::isnan(x)) {
        first_nan = nans++ == 0 ? from : first_nan;
      } else {
        first_outside = outside++ == 0 ? from : first_outside;
      }
    });
    const std::string expected =
        bounds_text("a number", in.lower, in.lower_open != 0, in.upper, in.upper_open != 0);
    if (nans > 0) {
      problems_.add(DataProblemKind::nan, v, first_nan, in.span, "NaN", expected, nans - 1);
    }
    if (outside > 0) {
      problems_.add(DataProblemKind::range, v, first_outside, in.span,
                    number_text(v.real(first_outside)), expected, outside - 1);
    }
  }

  bool is_integer(const borel_input& in, const JsonVariable& v) {
    const char* wanted = in.type == BOREL_BOOL ? "0, 1, true or false" : "an integer";
    if (v.is_real && v.count() > 0) {
      const double x = v.real(v.first_real);
      DataProblem& problem = problems_.add(
          std::isnan(x) ? DataProblemKind::nan : DataProblemKind::type, v, v.first_real, in.span,
          std::isnan(x) ? "NaN" : "the real number " + number_text(x), wanted);
      if (x == std::floor(x) && std::isfinite(x)) {
        problem.suggestion = "write it without a decimal point or exponent";
      }
      return false;
    }
    if (v.first_bool >= 0 && in.type != BOREL_BOOL) {
      problems_.add(DataProblemKind::type, v, v.first_bool, in.span, "true or false", wanted);
      return false;
    }
    return true;
  }

  void read_ints(const borel_input& in, const JsonVariable& v,
                 const std::vector<std::int64_t>& dims, std::int64_t* out) {
    double lower = in.lower, upper = in.upper;
    bool lower_open = in.lower_open != 0, upper_open = in.upper_open != 0;
    std::int64_t base = 0;
    std::string expected;
    if (in.type == BOREL_INDEX) {
      const std::optional<std::int64_t> bound = dim_value(in.index_bound);
      if (!bound) {
        return;  // a size of it was reported
      }
      base = in.index_base;
      lower = static_cast<double>(base);
      upper = static_cast<double>(base + *bound - 1);
      lower_open = upper_open = false;
      expected = *bound > 0 ? bounds_text("an index", lower, false, upper, false) + " (" +
                                  dim_text(in.index_bound) + " = " + std::to_string(*bound) + ")"
                            : "no index at all: " + dim_text(in.index_bound) + " = 0";
    } else if (in.type == BOREL_BOOL) {
      lower = 0;
      upper = 1;
      lower_open = upper_open = false;
      expected = "0, 1, true or false";
    } else {
      expected = bounds_text("an integer", lower, lower_open, upper, upper_open);
    }
    std::int64_t outside = 0, first_outside = -1;
    visit_layout(dims, in.layout, [&](std::int64_t from, std::int64_t to) {
      const std::int64_t value = v.ints[static_cast<std::size_t>(from)];
      const double x = static_cast<double>(value);
      out[to] = value - base;
      const bool inside =
          (lower_open ? x > lower : x >= lower) && (upper_open ? x < upper : x <= upper);
      if (!inside) {
        first_outside = outside++ == 0 ? from : first_outside;
      }
    });
    if (outside > 0) {
      problems_.add(DataProblemKind::range, v, first_outside, in.span,
                    std::to_string(v.ints[static_cast<std::size_t>(first_outside)]), expected,
                    outside - 1);
    }
  }

  const borel_program& program_;
  const JsonDocument& document_;
  ProblemList problems_;
  std::vector<Size> sizes_;
  std::vector<const JsonVariable*> variables_;  // null: missing or already reported
  std::vector<int> empties_;                    // inputs written as [] for a higher rank
};

}  // namespace

bool DataResult::ok() const { return !has_error(problems); }
bool LatentsResult::ok() const { return !has_error(problems); }

DataResult read_data(const borel_program& program, const JsonDocument& document) {
  return DataReader(program, document).read();
}

}  // namespace borel::io

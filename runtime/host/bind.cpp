// From data to the arrays and sizes that a program's bind takes: sizes first, then values. The
// first problem is the failure; runtime/io/data.cpp finds the same ones, in the same words.
#include <cmath>

#include "runtime/host/handles.h"
#include "runtime/host/words.h"

namespace borel::host {

namespace {

constexpr const char* size_wanted = "a size: an integer of at least 0";

// x + y, held within its range.
std::int64_t saturating_add(std::int64_t x, std::int64_t y) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(x, y, &sum)) {
    return y > 0 ? INT64_MAX : INT64_MIN;
  }
  return sum;
}

class Binder {
 public:
  Binder(borel_data& data, borel_instance& instance, const Reporter& report)
      : data_(data), instance_(instance), program_(*instance.program), report_(report) {}

  borel_code operator()() {
    const std::size_t inputs = static_cast<std::size_t>(program_.input_count);
    const std::size_t sizes = static_cast<std::size_t>(program_.size_count);
    const std::size_t functions = static_cast<std::size_t>(program_.external_count);
    if (!instance_.arrays.resize(inputs + functions) || !instance_.functions.resize(functions) ||
        !instance_.shares.resize(inputs) || !instance_.sizes.resize(sizes) ||
        !instance_.bound_sizes.resize(sizes)) {
      return report_.no_memory();
    }
    for (std::size_t s = 0; s < sizes; ++s) {
      instance_.bound_sizes[s] = {BoundSize::unknown, -1, 0};
    }
    for (const auto pass :
         {&Binder::require_functions, &Binder::require_inputs, &Binder::bind_sizes_by_name,
          &Binder::bind_shapes, &Binder::bind_empty_sizes, &Binder::read_values}) {
      if (const borel_code code = (this->*pass)()) {
        return code;
      }
    }
    for (std::size_t s = 0; s < sizes; ++s) {
      instance_.sizes[s] = instance_.bound_sizes[s].size;
    }
    return BOREL_SUCCESS;
  }

 private:
  const borel_input& input(std::int32_t i) const { return program_.inputs[i]; }
  // What the host gave, or else what the program says.
  Value value(std::int32_t i) const {
    Value given = data_.values[static_cast<std::size_t>(i)];
    if (given.source == Value::none && input(i).fallback != nullptr) {
      given = {};
      given.memory = input(i).fallback;
      given.count = 1;
    }
    return given;
  }
  BoundSize& size(std::int32_t s) { return instance_.bound_sizes[static_cast<std::size_t>(s)]; }

  borel_code bad(std::string_view name, const borel_span& span, const Text& text) {
    return report_(BOREL_BAD_DATA, text, name, &span);
  }

  borel_code require_functions() {
    for (std::int32_t i = 0; i < program_.external_count; ++i) {
      const borel_external& wanted = program_.externals[i];
      borel_function& function = instance_.functions[static_cast<std::size_t>(i)];
      function = data_.functions[static_cast<std::size_t>(i)];
      if (function.value == nullptr) {
        return bad(wanted.name, wanted.span,
                   Text() << "the host gives no function `" << wanted.name
                          << "`: borel_data_function supplies it");
      }
      borel_array& place =
          instance_
              .arrays[static_cast<std::size_t>(program_.input_count) + static_cast<std::size_t>(i)];
      place = {};
      place.data = &function;
    }
    return BOREL_SUCCESS;
  }

  bool dim_value(const borel_dim& dim, std::int64_t& out) {
    if (dim.symbol < 0) {
      out = dim.offset;
      return true;
    }
    out = saturating_add(size(dim.symbol).size, dim.offset);
    return size(dim.symbol).by != BoundSize::unknown;
  }

  void append_bound_by(Text& text, std::int32_t symbol) {
    const BoundSize& bound = size(symbol);
    if (bound.by == BoundSize::value) {
      text << "the value of `" << program_.sizes[symbol].name << "`";
    } else {
      text << "the shape of `" << input(bound.input).name << "`";
    }
  }

  borel_code missing(const char* name, const borel_span& span, std::string_view expected) {
    Text text;
    text << "`" << name << "` is missing: expected " << expected;
    NearestName nearest(name);
    for (const char* unused = data_.unused.begin(); unused != data_.unused.end();) {
      nearest.consider(unused);
      unused += std::string_view(unused).size() + 1;
    }
    if (!nearest.best().empty()) {
      text << "; the data has `" << nearest.best() << "`: is it meant?";
    }
    return bad(name, span, text);
  }

  borel_code require_inputs() {
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      if (value(i).source == Value::none && input(i).fallback == nullptr) {
        return missing(input(i).name, input(i).span, declared_text(program_, input(i)).view());
      }
    }
    return BOREL_SUCCESS;
  }

  // A size whose name is that of an int: an input, or given as a size.
  borel_code bind_sizes_by_name() {
    for (std::int32_t s = 0; s < program_.size_count; ++s) {
      const borel_size& symbol = program_.sizes[s];
      std::int64_t found = 0;
      if (const std::int32_t i = find_input(program_, symbol.name); i >= 0) {
        if (input(i).type == BOREL_REAL || value(i).rank > 0) {
          continue;
        }
        found = *static_cast<const std::int64_t*>(value(i).memory);
      } else if (const Value& given = data_.values[size_slot(program_, s)];
                 given.source != Value::none) {
        found = given.dims[0];
      } else {
        continue;
      }
      if (found < 0) {
        return bad(
            symbol.name, symbol.span,
            Text() << "`" << symbol.name << "`: found " << found << ", expected " << size_wanted);
      }
      size(s) = {BoundSize::value, -1, found};
    }
    return BOREL_SUCCESS;
  }

  // Whether an array without elements was written with fewer dimensions than it has.
  bool is_short_empty(std::int32_t i) const {
    const Value v = value(i);
    return v.count == 0 && v.rank > 0 && v.rank < input(i).rank;
  }

  borel_code bind_shapes() {
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      const borel_input& in = input(i);
      const Value v = value(i);
      if (is_short_empty(i)) {
        continue;
      }
      if (v.rank != in.rank) {
        Text text;
        text << "`" << in.name << "`: found " << shape_text(v.dims, v.rank).view() << ", expected ";
        const Text declared = declared_text(program_, in);
        if (in.rank == 0) {
          text << "a single number (" << declared.view() << ")";
        } else {
          text << declared.view();
        }
        return bad(in.name, in.span, text);
      }
      for (std::int32_t d = 0; d < in.rank; ++d) {
        if (const borel_code code = bind_dim(i, d)) {
          return code;
        }
      }
    }
    return BOREL_SUCCESS;
  }

  borel_code bind_dim(std::int32_t i, std::int32_t d) {
    const borel_input& in = input(i);
    const Value v = value(i);
    const borel_dim& dim = in.dims[d];
    const std::int64_t found = v.dims[d];
    std::int64_t wanted = 0;
    const bool is_known = dim_value(dim, wanted);
    if (!is_known && found >= dim.offset) {
      size(dim.symbol) = {BoundSize::shape, i, found - dim.offset};
      return BOREL_SUCCESS;
    }
    if (is_known && wanted == found) {
      return BOREL_SUCCESS;
    }
    Text text;
    text << "`" << in.name << "`: found " << found << (found == 1 ? " element" : " elements");
    if (in.rank > 1) {
      text << " in dimension " << d + 1 << " (shape [";
      for (std::int32_t k = 0; k < v.rank; ++k) {
        text << (k == 0 ? "" : ", ") << v.dims[k];
      }
      text << "])";
    }
    text << ", expected ";
    append_dim(text, program_, dim);
    if (dim.symbol >= 0 && is_known) {
      text << " = " << wanted << ", by ";
      append_bound_by(text, dim.symbol);
    } else if (!is_known) {
      text << ", at least " << dim.offset;
    }
    return bad(in.name, in.span, text);
  }

  // Arrays without elements that have fewer dimensions than declared, as [] for a matrix: they must
  // have a dimension of 0, and the first that nothing else binds is.
  borel_code bind_empty_sizes() {
    bool any = false;
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      if (!is_short_empty(i)) {
        continue;
      }
      any = true;
      const borel_input& in = input(i);
      bool has_zero = false;
      std::int64_t known = 0;
      for (std::int32_t d = 0; d < in.rank; ++d) {
        has_zero = has_zero || (dim_value(in.dims[d], known) && known == 0);
      }
      for (std::int32_t d = 0; d < in.rank && !has_zero; ++d) {
        if (!dim_value(in.dims[d], known) && in.dims[d].offset <= 0) {
          size(in.dims[d].symbol) = {BoundSize::shape, i, -in.dims[d].offset};
          has_zero = true;
        }
      }
      if (!has_zero) {
        return bad(in.name, in.span,
                   Text() << "`" << in.name << "`: found an array with no elements, expected "
                          << declared_text(program_, in).view() << " with sizes above 0");
      }
    }
    for (std::int32_t s = 0; s < program_.size_count; ++s) {
      // One of no array stays unknown; one of arrays is known by now, or 0 where all are [].
      if (size(s).by == BoundSize::unknown && !(any && is_size_of_input(s))) {
        return missing(program_.sizes[s].name, program_.sizes[s].span, size_wanted);
      }
    }
    return BOREL_SUCCESS;
  }

  bool is_size_of_input(std::int32_t s) const {
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      for (std::int32_t d = 0; d < input(i).rank; ++d) {
        if (input(i).dims[d].symbol == s) {
          return true;
        }
      }
    }
    return false;
  }

  static bool is_shifted(const borel_input& in) {
    return in.type == BOREL_INDEX && in.index_base != 0;
  }

  borel_code read_values() {
    std::size_t shifted = 0;
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      shifted += is_shifted(input(i)) ? 8 * static_cast<std::size_t>(value(i).count) : 0;
    }
    if (!instance_.shifted.reserve(shifted)) {
      return report_.no_memory();
    }
    std::int64_t* next = reinterpret_cast<std::int64_t*>(instance_.shifted.data());
    for (std::int32_t i = 0; i < program_.input_count; ++i) {
      const borel_input& in = input(i);
      const Value v = value(i);
      borel_array& array = instance_.arrays[static_cast<std::size_t>(i)];
      array = {};
      for (std::int32_t d = 0; d < in.rank; ++d) {
        dim_value(in.dims[d], array.dims[d]);
      }
      const borel_code code = in.type == BOREL_REAL ? check_reals(in, v) : check_ints(in, v);
      if (code != BOREL_SUCCESS) {
        return code;
      }
      if (is_shifted(in)) {
        const std::int64_t* from = static_cast<const std::int64_t*>(v.memory);
        for (std::int64_t e = 0; e < v.count; ++e) {
          next[e] = from[e] - in.index_base;
        }
        array.data = next;
        next += v.count;
        continue;
      }
      array.data = v.memory;
      if (v.source == Value::copied) {
        instance_.shares[static_cast<std::size_t>(i)].storage = v.storage->share();
      }
    }
    return BOREL_SUCCESS;
  }

  // Where element `i` in reading order (the last index fastest) lies in memory.
  static std::int64_t place(const borel_input& in, const Value& v, std::int64_t i) {
    if (in.layout != BOREL_COLUMN_MAJOR || v.rank < 2) {
      return i;
    }
    const std::int64_t rows = v.dims[v.rank - 2], columns = v.dims[v.rank - 1];
    const std::int64_t matrix = i / (rows * columns), within = i % (rows * columns);
    return matrix * rows * columns + within % columns * rows + within / columns;
  }

  // The first element in reading order of those that `is_bad`, and how many there are.
  template <class IsBad>
  static std::int64_t find_bad(const borel_input& in, const Value& v, IsBad is_bad,
                               std::int64_t& count) {
    std::int64_t first = -1;
    count = 0;
    for (std::int64_t i = 0; i < v.count; ++i) {
      if (is_bad(place(in, v, i))) {
        first = count++ == 0 ? i : first;
      }
    }
    return first;
  }

  borel_code bad_element(const borel_input& in, const Value& v, std::int64_t first,
                         const Text& found, const Text& expected, std::int64_t others) {
    Text text;
    text << element_text(in.name, v.dims, v.rank, first).view() << ": found " << found.view()
         << ", expected " << expected.view();
    if (others > 0) {
      text << "; the same of " << others << (others == 1 ? " more element" : " more elements");
    }
    return bad(in.name, in.span, text);
  }

  borel_code check_reals(const borel_input& in, const Value& v) {
    const double* x = static_cast<const double*>(v.memory);
    // Above an open bound is at or above the next number.
    const double lower = in.lower_open != 0 ? std::nextafter(in.lower, HUGE_VAL) : in.lower;
    const double upper = in.upper_open != 0 ? std::nextafter(in.upper, -HUGE_VAL) : in.upper;
    const auto is_inside = [&](double y) { return y >= lower && y <= upper; };  // not of NaN
    std::int64_t bad_count = 0;
    for (std::int64_t i = 0; i < v.count; ++i) {
      bad_count += is_inside(x[i]) ? 0 : 1;
    }
    if (bad_count == 0) {
      return BOREL_SUCCESS;
    }
    const Text expected =
        bounds_text("a number", in.lower, in.lower_open != 0, in.upper, in.upper_open != 0);
    std::int64_t count = 0;
    std::int64_t first = find_bad(
        in, v, [&](std::int64_t at) { return std::isnan(x[at]); }, count);
    if (count > 0) {
      return bad_element(in, v, first, Text("NaN"), expected, count - 1);
    }
    first = find_bad(
        in, v, [&](std::int64_t at) { return !is_inside(x[at]); }, count);
    return bad_element(in, v, first, Text() << x[place(in, v, first)], expected, count - 1);
  }

  Text expected_ints(const borel_input& in, std::int64_t bound) const {
    if (in.type == BOREL_BOOL) {
      return Text("0, 1, true or false");
    }
    if (in.type == BOREL_INT) {
      return bounds_text("an integer", in.lower, in.lower_open != 0, in.upper, in.upper_open != 0);
    }
    Text text;
    if (bound > 0) {
      const double lower = in.index_base;
      const double upper = static_cast<double>(saturating_add(bound, in.index_base) - 1);
      text << bounds_text("an index", lower, false, upper, false).view() << " (";
      append_dim(text, program_, in.index_bound);
      return text << " = " << bound << ")";
    }
    text << "no index at all: ";
    append_dim(text, program_, in.index_bound);
    return text << " = 0";
  }

  borel_code check_ints(const borel_input& in, const Value& v) {
    double lower = in.lower_open != 0 ? std::nextafter(in.lower, HUGE_VAL) : in.lower;
    double upper = in.upper_open != 0 ? std::nextafter(in.upper, -HUGE_VAL) : in.upper;
    std::int64_t bound = 0;
    if (in.type == BOREL_INDEX) {
      dim_value(in.index_bound, bound);
      lower = in.index_base;
      upper = static_cast<double>(saturating_add(saturating_add(bound, in.index_base), -1));
    } else if (in.type == BOREL_BOOL) {
      lower = 0;
      upper = 1;
    }
    const std::int64_t* x = static_cast<const std::int64_t*>(v.memory);
    const auto is_outside = [&](std::int64_t at) {
      const double y = static_cast<double>(x[at]);
      return !(y >= lower && y <= upper);
    };
    std::int64_t bad_count = 0;
    for (std::int64_t i = 0; i < v.count; ++i) {
      bad_count += is_outside(i) ? 1 : 0;
    }
    if (bad_count == 0) {
      return BOREL_SUCCESS;
    }
    const std::int64_t first = find_bad(in, v, is_outside, bad_count);
    return bad_element(in, v, first, Text() << x[place(in, v, first)], expected_ints(in, bound),
                       bad_count - 1);
  }

  borel_data& data_;
  borel_instance& instance_;
  const borel_program& program_;
  const Reporter& report_;
};

}  // namespace

borel_code bind_inputs(borel_data& data, borel_instance& instance, const Reporter& report) {
  drop_inputs(instance);
  return Binder(data, instance, report)();
}

void drop_inputs(borel_instance& instance) {
  for (Share& share : instance.shares) {
    Shared::drop(share.storage);
    share.storage = nullptr;
  }
}

}  // namespace borel::host

// Data from JSON: every member that is an input or a size is checked for its kind and copied; all
// become the data's values together, or none.
#include <cmath>

#include "runtime/host/handles.h"
#include "runtime/host/json.h"
#include "runtime/host/words.h"

namespace borel::host {

namespace {

class DataReader {
 public:
  DataReader(borel_data& data, const char* text, std::size_t length, const Reporter& report)
      : data_(data),
        program_(*data.library->program),
        report_(report),
        reader_(text, length, data.name, data.ints, data.reals) {}

  borel_code operator()() {
    for (Value& value : data_.staged) {
      value.source = Value::none;
    }
    Array<char> unused(data_.library->allocator);
    JsonReader::Step step = JsonReader::Step::end;
    while ((step = reader_.next()) == JsonReader::Step::member) {
      const std::int32_t input = find_input(program_, reader_.name());
      const std::int32_t size = find_size(program_, reader_.name());
      if (!reader_.read(input >= 0 || size >= 0)) {
        return syntax_error();
      }
      borel_code code = BOREL_SUCCESS;
      if (input >= 0) {
        code = read_input(input);
      } else if (size >= 0) {
        code = read_size(size);
      } else if (!add_unused(unused)) {
        return report_.no_memory();
      }
      if (code != BOREL_SUCCESS) {
        return code;
      }
    }
    if (step == JsonReader::Step::failed) {
      return syntax_error();
    }
    if (!copy_unused(unused)) {
      return report_.no_memory();
    }
    commit();
    warn();
    return BOREL_SUCCESS;
  }

 private:
  borel_code syntax_error() {
    return reader_.out_of_memory() ? report_.no_memory()
                                   : report_(BOREL_BAD_DATA, reader_.failure());
  }

  borel_code bad(const Text& found, const Text& expected, const borel_span& span) {
    return report_(BOREL_BAD_DATA,
                   Text() << "`" << reader_.name() << "`: found " << found.view() << ", expected "
                          << expected.view(),
                   reader_.name(), &span);
  }
  borel_code bad_element(std::int64_t i, const Text& found, const char* expected,
                         const borel_span& span, const char* advice = "") {
    const Text element = element_text(reader_.name(), reader_.dims(), reader_.rank(), i);
    return report_(BOREL_BAD_DATA,
                   Text() << element.view() << ": found " << found.view() << ", expected "
                          << expected << advice,
                   reader_.name(), &span);
  }
  borel_code given_twice(const borel_span& span) {
    return report_(BOREL_BAD_DATA, Text() << "`" << reader_.name() << "` is given twice",
                   reader_.name(), &span);
  }

  borel_code read_input(std::int32_t i) {
    const borel_input& input = program_.inputs[i];
    Value& staged = data_.staged[static_cast<std::size_t>(i)];
    if (staged.source != Value::none) {
      return given_twice(input.span);
    }
    if (!reader_.problem().empty()) {
      return bad(reader_.problem(), declared_text(program_, input), input.span);
    }
    if (const borel_code code = check_shape(input)) {
      return code;
    }
    if (const borel_code code = check_kind(input)) {
      return code;
    }
    staged.source = Value::copied;
    staged.rank = reader_.rank();
    staged.count = reader_.count();
    for (std::int32_t d = 0; d < staged.rank; ++d) {
      staged.dims[d] = reader_.dims()[d];
    }
    void* to = stage_value(data_.library->allocator, data_.values[static_cast<std::size_t>(i)],
                           staged.count);
    if (to == nullptr) {
      return report_.no_memory();
    }
    copy(input, staged, to);
    return BOREL_SUCCESS;
  }

  // What fails for every size; the sizes themselves are compared when the data are bound.
  borel_code check_shape(const borel_input& input) {
    const bool is_empty = reader_.count() == 0 && reader_.rank() > 0;
    if (reader_.rank() == input.rank || (is_empty && reader_.rank() < input.rank)) {
      return BOREL_SUCCESS;
    }
    const Text found = shape_text(reader_.dims(), reader_.rank());
    Text expected;
    if (input.rank == 0) {
      expected << "a single number (" << declared_text(program_, input).view() << ")";
    } else {
      expected << declared_text(program_, input).view();
    }
    if (reader_.count() == 1 && input.rank == 0) {
      expected << "; write the number without brackets";
    } else if (reader_.rank() == 0 && input.rank == 1) {
      expected << "; write an array of one element in brackets";
    }
    return bad(found, expected, input.span);
  }

  borel_code check_kind(const borel_input& input) {
    if (input.type == BOREL_REAL) {
      return reader_.first_bool() < 0
                 ? BOREL_SUCCESS
                 : bad_element(reader_.first_bool(), Text("true or false"), "a number", input.span);
    }
    const char* wanted = input.type == BOREL_BOOL ? "0, 1, true or false" : "an integer";
    if (reader_.is_real()) {
      const double x = reader_.real(reader_.first_real());
      const bool is_whole = x == std::floor(x) && std::isfinite(x);
      const char* advice = is_whole ? "; write it without a decimal point or exponent" : "";
      return bad_element(reader_.first_real(),
                         std::isnan(x) ? Text("NaN") : Text() << "the real number " << x, wanted,
                         input.span, advice);
    }
    if (reader_.first_bool() >= 0 && input.type != BOREL_BOOL) {
      return bad_element(reader_.first_bool(), Text("true or false"), wanted, input.span);
    }
    return BOREL_SUCCESS;
  }

  // From the text's order (last index fastest) to the input's.
  void copy(const borel_input& input, const Value& value, void* to) {
    const bool by_columns = input.layout == BOREL_COLUMN_MAJOR && value.rank >= 2;
    const std::int64_t rows = by_columns ? value.dims[value.rank - 2] : 1;
    const std::int64_t columns = by_columns ? value.dims[value.rank - 1] : value.count;
    std::int64_t from = 0;
    for (std::int64_t begin = 0; begin < value.count; begin += rows * columns) {
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t column = 0; column < columns; ++column, ++from) {
          const std::int64_t at = begin + column * rows + row;
          if (input.type == BOREL_REAL) {
            static_cast<double*>(to)[at] = reader_.real(from);
          } else {
            static_cast<std::int64_t*>(to)[at] = data_.ints[static_cast<std::size_t>(from)];
          }
        }
      }
    }
  }

  borel_code read_size(std::int32_t i) {
    const borel_size& size = program_.sizes[i];
    Value& staged = data_.staged[size_slot(program_, i)];
    if (staged.source != Value::none) {
      return given_twice(size.span);
    }
    if (!reader_.problem().empty()) {
      return bad(reader_.problem(), Text("a size"), size.span);
    }
    if (reader_.rank() > 0 || reader_.is_real() || reader_.first_bool() >= 0) {
      const Text found = reader_.rank() > 0 ? shape_text(reader_.dims(), reader_.rank())
                                            : Text() << reader_.real(0);
      return bad(found, Text("a size: an integer of at least 0"), size.span);
    }
    staged.source = Value::copied;
    staged.dims[0] = data_.ints[0];
    return BOREL_SUCCESS;
  }

  bool add_unused(Array<char>& unused) {
    for (const char c : reader_.name()) {
      if (!unused.push(c)) {
        return false;
      }
    }
    return unused.push('\0');
  }
  bool copy_unused(const Array<char>& unused) {
    if (!data_.unused.resize(unused.size())) {
      return false;
    }
    if (unused.size() > 0) {
      std::memcpy(data_.unused.data(), unused.data(), unused.size());
    }
    return true;
  }

  void commit() {
    for (std::size_t i = 0; i < data_.staged.size(); ++i) {
      const Value& staged = data_.staged[i];
      Value& value = data_.values[i];
      if (staged.source == Value::none) {
        continue;
      }
      if (i < static_cast<std::size_t>(program_.input_count)) {
        commit_value(value, staged.rank, staged.dims, staged.count);
      } else {
        value.source = Value::copied;
        value.dims[0] = staged.dims[0];
      }
    }
  }

  void warn() {
    const borel_logger& logger = data_.library->logger;
    if (logger.log == nullptr || data_.unused.size() == 0) {
      return;
    }
    Text text;
    text << "the program does not use ";
    bool is_first = true;
    for (const char* name = data_.unused.begin(); name != data_.unused.end();) {
      const std::string_view view(name);
      text << (is_first ? "`" : ", `") << view << "`";
      is_first = false;
      name += view.size() + 1;
    }
    char line[Text::capacity + 4];
    std::memcpy(line, text.view().data(), text.view().size());
    line[text.view().size()] = '\0';
    clean_line(line, text.view().size());
    logger.log(logger.context, BOREL_LOG_WARNING, line);
  }

  borel_data& data_;
  const borel_program& program_;
  const Reporter& report_;
  JsonReader reader_;
};

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" borel_code borel_data_json(borel_data* data, const char* text, size_t length,
                                      borel_error** error) {
  if (data == nullptr) {
    return null_handle(error, "the data handle");
  }
  const Reporter report = reporter(data->library, error);
  if (text == nullptr && length > 0) {
    return report.bad_argument("the text is null");
  }
  return DataReader(*data, text == nullptr ? "" : text, length, report)();
}

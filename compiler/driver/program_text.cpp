#include "compiler/driver/program_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "compiler/support/diagnostics.h"

namespace borel::driver {

const char* type_name(DataType type) {
  switch (type) {
    case DataType::Bool:
      return "bool";
    case DataType::Int:
      return "int";
    case DataType::Real:
      return "real";
    case DataType::Index:
      return "index";
  }
  throw InternalError("an unknown type of data");
}

std::string dim_text(const DimDescription& dim, const std::vector<std::string>& sizes) {
  if (dim.symbol < 0) return std::to_string(dim.offset);
  const std::string& name = sizes.at(static_cast<std::size_t>(dim.symbol));
  if (dim.offset == 0) return name;
  return name + (dim.offset > 0 ? " + " : " - ") + std::to_string(std::abs(dim.offset));
}

namespace {
std::string joined(const std::vector<std::string>& words, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i) out += (i > begin ? ", " : "") + words[i];
  return out;
}
}  // namespace

std::string shape_text(DataType type, bool matrix, const std::vector<std::string>& dims) {
  std::string out = type_name(type);
  if (dims.empty()) return out;
  const std::size_t outer = matrix ? dims.size() - 2 : dims.size();
  if (matrix) {
    out = (type == DataType::Real ? "matrix[" : "matrix of " + out + "[") +
          joined(dims, outer, dims.size()) + "]";
    if (outer == 0) return out;
    return "array[" + joined(dims, 0, outer) + "] of " + out;
  }
  return out + "[" + joined(dims, 0, outer) + "]";
}

std::string bounds_text(double lower, bool lower_open, double upper, bool upper_open) {
  std::string out;
  if (lower > -HUGE_VAL) out += (lower_open ? "above " : "at least ") + number_text(lower);
  if (upper < HUGE_VAL)
    out += (out.empty() ? "" : ", ") + std::string(upper_open ? "below " : "at most ") +
           number_text(upper);
  return out;
}

std::string layout_text(bool matrix, const std::vector<std::string>& dims) {
  if (dims.size() < 2) return "";
  if (!matrix) return "last index fastest";
  return dims.size() == 2 ? "column by column" : "matrix after matrix, each column by column";
}

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<long long>(value));
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

std::vector<std::string> arrays_of(const ProgramDescription& program, std::size_t size) {
  std::vector<std::string> out;
  for (const InputDescription& input : program.inputs)
    if (std::any_of(input.dims.begin(), input.dims.end(), [&](const DimDescription& dim) {
          return dim.symbol == static_cast<int32_t>(size);
        }))
      out.push_back(input.name);
  return out;
}

bool bound_by_shape(const ProgramDescription& program, std::size_t size) {
  return !arrays_of(program, size).empty();
}

const ModelDescription* model_of_draws(const ProgramDescription& program) {
  if (program.models.empty()) return nullptr;
  return &program.models.at(program.has_machine ? static_cast<std::size_t>(program.machine.model)
                                                : 0);
}

}  // namespace borel::driver

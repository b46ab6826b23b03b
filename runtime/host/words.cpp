#include "runtime/host/words.h"

#include <cmath>

#include "runtime/core/name_distance.h"

namespace borel::host {

void append_dim(Text& text, const borel_program& program, const borel_dim& dim) {
  if (dim.symbol < 0) {
    text << dim.offset;
    return;
  }
  text << program.sizes[dim.symbol].name;
  if (dim.offset != 0) {
    text << (dim.offset > 0 ? " + " : " - ") << (dim.offset > 0 ? dim.offset : -dim.offset);
  }
}

Text declared_text(const borel_program& program, const borel_input& input) {
  constexpr const char* nouns[] = {"bool", "int", "real", "index"};
  Text text;
  std::int32_t array_rank = input.rank;
  if (input.layout == BOREL_COLUMN_MAJOR && input.rank >= 2 && input.type == BOREL_REAL) {
    array_rank -= 2;
    text << "matrix[";
    append_dim(text, program, input.dims[array_rank]);
    text << ", ";
    append_dim(text, program, input.dims[array_rank + 1]);
    text << "]";
  } else {
    text << nouns[input.type];
    if (input.type == BOREL_INDEX) {
      text << "[";
      append_dim(text, program, input.index_bound);
      text << "]";
    }
  }
  for (std::int32_t d = 0; d < array_rank; ++d) {
    text << (d == 0 ? "[" : ", ");
    append_dim(text, program, input.dims[d]);
  }
  text << (array_rank > 0 ? "]" : "");
  if (input.type == BOREL_INDEX && input.index_base != 0) {
    text << " from " << input.index_base;
  }
  return text;
}

Text shape_text(const std::int64_t* dims, std::int32_t rank) {
  if (rank == 0) {
    return Text("a single number");
  }
  Text text;
  if (rank == 1) {
    return text << "an array of " << dims[0] << (dims[0] == 1 ? " element" : " elements");
  }
  text << "an array of shape [";
  for (std::int32_t d = 0; d < rank; ++d) {
    text << (d == 0 ? "" : ", ") << dims[d];
  }
  return text << "]";
}

Text bounds_text(const char* noun, double lower, bool lower_open, double upper, bool upper_open) {
  const bool low = std::isfinite(lower), high = std::isfinite(upper);
  Text text;
  if (low && high && !lower_open && !upper_open) {
    return text << noun << " from " << lower << " to " << upper;
  }
  if ((lower_open && lower == -HUGE_VAL) || (upper_open && upper == HUGE_VAL)) {
    text << "finite ";
  }
  text << noun;
  if (low) {
    text << (lower_open ? " above " : " of at least ") << lower;
  }
  if (high) {
    text << (low ? " and " : " ") << (upper_open ? "below " : "at most ") << upper;
  }
  return text;
}

Text element_text(std::string_view name, const std::int64_t* dims, std::int32_t rank,
                  std::int64_t i) {
  Text text;
  text << "`" << name;
  if (rank == 0) {
    return text << "`";
  }
  std::int64_t stride = 1;
  for (std::int32_t d = 1; d < rank; ++d) {
    stride *= dims[d];
  }
  for (std::int32_t d = 0; d < rank; ++d) {
    text << (d == 0 ? "[" : ",") << i / stride + 1;
    i %= stride;
    stride = d + 1 < rank ? stride / dims[d + 1] : 1;
  }
  return text << "]` (counting from 1)";
}

void NearestName::consider(std::string_view candidate) {
  constexpr std::size_t longest = 100;  // longer names are not looked at
  if (candidate.size() > longest || name_.size() > longest) {
    return;
  }
  int rows[3 * (longest + 1)];
  const int distance = runtime::name_distance(name_, candidate, rows);
  if (runtime::names_are_near(name_, candidate, distance) &&
      (best_.empty() || distance < distance_)) {
    best_ = candidate;
    distance_ = distance;
  }
}

}  // namespace borel::host

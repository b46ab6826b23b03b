/// A program's description in words, as the generated header and descriptor have them.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/description.h"

namespace borel::driver {

/// What the files that `borel build` writes beside the code are made from.
struct GeneratedFrom {
  const ProgramDescription& program;
  std::string name;     // prefix of the library's identifiers
  std::string library;  // the library's file, without folders and ending
  std::string source;   // name of the program's file, without folders
  std::string version;
};

const char* type_name(DataType type);

/// `J`, `J + 1` or `3`, with the names that `sizes` gives to size symbols.
std::string dim_text(const DimDescription& dim, const std::vector<std::string>& sizes);
/// `real[N, K]`, `matrix[N, K]`, `real`.
std::string shape_text(DataType type, bool matrix, const std::vector<std::string>& dims);
/// "at least 0, below 1"; empty where there is no bound.
std::string bounds_text(double lower, bool lower_open, double upper, bool upper_open);
/// How elements lie in memory, for two dimensions and more; else empty.
std::string layout_text(bool matrix, const std::vector<std::string>& dims);
/// A number as its shortest text: 0.8, 1000.
std::string number_text(double value);

/// Whether some input's shape says how large the size is; others are given as numbers.
bool bound_by_shape(const ProgramDescription& program, std::size_t size);
/// The names of the inputs whose shapes have this size.
std::vector<std::string> arrays_of(const ProgramDescription& program, std::size_t size);
/// The model whose draws the program makes; null when it has no model.
const ModelDescription* model_of_draws(const ProgramDescription& program);

}  // namespace borel::driver

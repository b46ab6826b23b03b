/// Names, types, shapes and supports: the syntax tree of a program, with the library files that it
/// uses, becomes a typed program in which every compile-time value has been specialised away.
///
/// `analyse` walks the chosen `infer` and whatever it reaches, as a template instantiation does:
/// a declaration that nothing uses is only parsed. User errors go to the diagnostics, several a
/// run; a compiler bug is an InternalError.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/sema/library.h"
#include "compiler/sema/typed.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"
#include "compiler/syntax/ast.h"

namespace borel::sema {

struct AnalyseOptions {
  /// Name of the infer to compile; empty: `main`, or the only one.
  std::string infer;
  /// Instead of an infer: the model of this name, conditioned on those of its sites that are in
  /// `data_names`. Its parameters are data.
  std::string model;
  /// Names that the data file has.
  std::set<std::string> data_names;
  /// For `model`: the machine, a def of one parameter; empty: no machine, only the model.
  std::string machine = "nuts";
  /// Also look for errors in models and functions that nothing uses, as far as their parameters
  /// have types; a file without any infer is then a program too, an empty one.
  bool everything = false;
};

/// Nothing when there were errors; they are in `diagnostics`.
std::optional<typed::Program> analyse(const ast::File& main, Library& library,
                                      const AnalyseOptions& options, Diagnostics& diagnostics);

}  // namespace borel::sema

/// From a .ppl file to a program that runs in this process: every stage, in order (pipeline.cpp).
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "borel/program.h"
#include "compiler/codegen/engine.h"
#include "compiler/lower/lower.h"
#include "compiler/support/description.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"

namespace borel::driver {

struct PipelineOptions {
  std::string file;
  std::string infer;  // name of the infer; empty: `main`, or the only one
  std::string model;  // instead: this model, conditioned on `data_names`
  std::set<std::string> data_names;
  std::string library;  // folder that replaces the built-in library; empty: the built-in one
  std::string cpu;      // as codegen::named_targets takes it; empty: this machine's
  LowerOptions functions;
  std::string dump_after;  // name of a stage whose result goes to `dump`
  std::ostream* dump = nullptr;
  bool verify_each = false;  // run MLIR's verifier after every pass
  bool address_sanitizer = false;
  std::string recorded_file;                  // what the program calls its source; empty: `file`
  std::string symbol = BOREL_PROGRAM_SYMBOL;  // of the descriptor
  std::vector<std::string> aliases;           // more symbols of the descriptor
};

/// What `compile` made, and what the files beside it tell of it.
struct CompiledProgram {
  codegen::ObjectBytes object;
  ProgramDescription description;
  std::string triple;
  std::vector<std::string> cpus;  // least demanding first
  std::string file_hash;          // SHA-256 of the file, in hexadecimal
  /// SHA-256 of all that decides what the program computes: every text that was read, the names of
  /// the infer, the model and its data, and the version of the compiler. Paths do not matter.
  std::string source_hash;
};

/// Seconds by stage, in order, for --time-passes.
using StageTimes = std::vector<std::pair<std::string, double>>;

/// Names that --dump-after takes, in order.
std::vector<std::string> stage_names();

/// Parses and checks a file. False when there are errors, which are in `diagnostics`.
bool check(const PipelineOptions& options, SourceManager& sources, Diagnostics& diagnostics,
           StageTimes& times);

/// Compiles to an object: what `build` writes and what the JIT loads. Nothing when there are errors
/// (in `diagnostics`) or when `dump_after` named a stage before code generation.
std::optional<CompiledProgram> compile(const PipelineOptions& options, SourceManager& sources,
                                       Diagnostics& diagnostics, StageTimes& times);

/// A compiled program in this process.
class LoadedProgram {
 public:
  const borel_program& operator*() const { return *program_; }
  const borel_program* operator->() const { return program_; }
  /// Of its machine code: where it differs, so may the last bits of what it computes.
  const std::string& code_hash() const { return code_hash_; }

 private:
  friend std::optional<LoadedProgram> load(const PipelineOptions&, SourceManager&, Diagnostics&,
                                           StageTimes&);
  std::unique_ptr<codegen::Jit> jit_;  // owns the code
  const borel_program* program_ = nullptr;
  std::string code_hash_;
};

std::optional<LoadedProgram> load(const PipelineOptions& options, SourceManager& sources,
                                  Diagnostics& diagnostics, StageTimes& times);

}  // namespace borel::driver

/// What the command prints to people, and its exit codes.
#pragma once

#include <iosfwd>
#include <span>

#include "compiler/driver/pipeline.h"
#include "runtime/core/fault.h"
#include "runtime/io/data.h"

namespace borel::driver {

/// Documented in docs/command.md.
enum ExitCode : int {
  exit_ok = 0,
  exit_program = 1,    // the .ppl file has errors
  exit_usage = 2,      // the command line has errors
  exit_data = 3,       // data, initial values or checkpoints have errors
  exit_run = 4,        // the program faulted, or no starting point was found
  exit_output = 5,     // results could not be written
  exit_internal = 70,  // a defect of Borel
  exit_interrupted = 130
};

void print_diagnostics(const Diagnostics& diagnostics, const SourceManager& sources);
/// Every problem with its place in the data file, and the declaration it contradicts with an
/// excerpt of the source.
void print_problems(std::span<const io::DataProblem> problems, const SourceManager& sources);
void print_error(const runtime::Error& error, const SourceManager& sources);
/// Returns the exit code that an error of a run deserves.
int exit_code(const runtime::Error& error);
void print_times(const StageTimes& times, std::ostream& out);

}  // namespace borel::driver

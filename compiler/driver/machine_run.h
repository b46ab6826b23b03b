/// Runs of a program's machine, whatever it is: data, settings, CSV files, checkpoints,
/// interruption. `sample` and `smc` differ in what they tell of the result.
#pragma once

#include <functional>
#include <string>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/run_record.h"
#include "runtime/core/parameters.h"
#include "runtime/loop/chains.h"

namespace borel::driver {

/// A run that has ended, be it whole or not.
struct MachineRun {
  const SampleArguments& arguments;
  const BoundProgram& bound;
  const runtime::Parameters& parameters;
  const runtime::SampleOptions& options;
  const runtime::SampleResult& result;
};

/// Prints and writes what a run gave; exit_ok, or exit_output where that could not be done.
using Report = std::function<int(const MachineRun&)>;

/// Runs the machine, anew or as `earlier` began it (null: anew), reports, and prints why the run
/// ended where it did not come to its end. The exit code of the command.
int run_machine(const SampleArguments& arguments, const RunRecord* earlier, const Report& report);

/// Replaces a file; exit_ok, or exit_output after a message.
int write_text(const std::string& path, const std::string& text);

/// What a command's arguments ask for, anew or as `earlier` began it.
int run_sample(const SampleArguments& arguments, const RunRecord* earlier);
int run_smc(const SampleArguments& arguments, const RunRecord* earlier);

}  // namespace borel::driver

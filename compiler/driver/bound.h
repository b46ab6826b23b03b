/// A program, compiled and bound to a data file: what `sample` and `logp` start from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/commands.h"
#include "compiler/driver/pipeline.h"
#include "runtime/core/instance.h"

namespace borel::driver {

/// What --set says, NAME=VALUE: numbers among the data, in place of what the file has, and
/// parameters of a machine that is to run, which come first where both have a name.
struct Settings {
  std::vector<std::string> given;
  bool of_machine = false;
};

struct BoundProgram {
  SourceManager sources;
  StageTimes times;
  std::optional<LoadedProgram> program;
  std::optional<runtime::Instance> instance;
  std::vector<std::string> settings;  // NAME=VALUE, those of the machine
};

/// Reads data and program, prints every problem of both, compiles and binds. exit_ok, or the exit
/// code with which the command ends.
int bind_program(const ProgramArguments& arguments, const std::string& data_file,
                 const LowerOptions& functions, BoundProgram& out, const Settings& settings = {});

/// Options for the pipeline that the arguments ask for.
PipelineOptions pipeline_options(const ProgramArguments& arguments);

}  // namespace borel::driver

/// A program, compiled and bound to a data file: what `sample` and `logp` start from.
#pragma once

#include <optional>
#include <string>

#include "compiler/driver/commands.h"
#include "compiler/driver/pipeline.h"
#include "runtime/core/instance.h"

namespace borel::driver {

struct BoundProgram {
  SourceManager sources;
  StageTimes times;
  std::optional<LoadedProgram> program;
  std::optional<runtime::Instance> instance;
};

/// Reads data and program, prints every problem of both, compiles and binds. exit_ok, or the exit
/// code with which the command ends.
int bind_program(const ProgramArguments& arguments, const std::string& data_file,
                 const LowerOptions& functions, BoundProgram& out);

/// Options for the pipeline that the arguments ask for.
PipelineOptions pipeline_options(const ProgramArguments& arguments);

}  // namespace borel::driver

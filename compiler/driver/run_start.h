/// Where the chains of a run start: what --init says.
#pragma once

#include <string>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "runtime/loop/chains.h"

namespace borel::driver {

/// --init: a radius, a file of params_r, or a file of values by name. exit_ok or an exit code.
int read_start(const SampleArguments& arguments, const BoundProgram& bound,
               runtime::SampleOptions& options);

/// The file that --init names; empty where it names none.
std::string initial_file(const SampleArguments& arguments);

}  // namespace borel::driver

/// What the folder of a checkpointed run keeps beside the checkpoints: run.json, from which
/// `borel resume` knows how the run was begun, and a lock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/driver/bound.h"
#include "compiler/driver/commands.h"
#include "runtime/core/parameters.h"
#include "runtime/io/checkpoint.h"

namespace borel::driver {

struct RunRecord {
  struct File {
    std::string path, hash;  // SHA-256, in hexadecimal
    bool operator==(const File&) const = default;
  };

  SampleArguments arguments;   // as they were given; paths are relative to `working_folder`
  std::string working_folder;  // absolute
  std::string version;         // of Borel
  std::vector<File> files;     // that the arguments name: the program, data, initial values
  std::vector<File> sources;   // all texts that were compiled, those of the library too
  io::RunIdentity identity;
};

/// The record of a run that is about to begin.
RunRecord describe_run(const SampleArguments& arguments, const BoundProgram& bound,
                       const runtime::Parameters& parameters, std::uint64_t seed);

/// Whether a folder holds a run.
bool holds_run(const std::string& folder);
/// Empty, or why the record could not be written.
std::string write_record(const std::string& folder, const RunRecord& record);
/// The record, or what is wrong with it.
std::variant<RunRecord, std::string> read_record(const std::string& folder);

/// Before anything is compiled, in the working folder: a file that is not as it was when the run
/// began, as a sentence with what to do; or empty.
std::string changed_file(const RunRecord& record);
/// The same for what is known once the program is compiled and bound.
std::string changed_run(const RunRecord& earlier, const RunRecord& now);

/// The right to be the only process at a folder's run, as long as it exists; the system takes it
/// back from a process that is killed.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(const FolderLock&) = delete;
  ~FolderLock();

  /// Empty, or why not.
  std::string take(const std::string& folder);

 private:
  int descriptor_ = -1;
};

}  // namespace borel::driver

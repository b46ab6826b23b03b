/// What `borel sample --checkpoint` and `borel resume` do beyond `borel sample`: the folder, the
/// record, what earlier chains left, and the writer of checkpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/driver/run_record.h"
#include "runtime/io/checkpoint.h"

namespace borel::driver {

/// Folder of the CSV files: --output, else that of the checkpoints; empty where none are written.
std::string output_folder(const SampleArguments& arguments);
/// CSV files are STEM_1.csv, STEM_2.csv …
std::string output_stem(const SampleArguments& arguments);

/// Each step prints its errors and returns exit_ok or the exit code with which the command ends; it
/// does nothing where no checkpoints were asked for.
class CheckpointedRun {
 public:
  /// Both arguments outlive it.
  CheckpointedRun(const SampleArguments& arguments, const RunRecord* earlier)
      : arguments_(arguments), earlier_(earlier) {}

  /// Before anything is compiled: makes and locks the folder; a new run wants one without a run.
  int prepare_folder();
  /// Compares the run with the record of an earlier one and reads what that left of each chain.
  int load(const BoundProgram& bound, const runtime::Parameters& parameters, std::uint64_t seed,
           std::vector<runtime::Chain>& from, std::vector<io::CsvMark>& kept);
  /// Writes the record of a new run, once its CSV files are there; says where an earlier one goes
  /// on.
  int begin(const runtime::Parameters& parameters, io::CsvWriter& csv);
  /// For SampleOptions.
  runtime::StateSink* states() { return writer_.get(); }
  /// How to go on with a run that was ended early, as a line; empty without checkpoints.
  std::string advice() const;

 private:
  bool enabled() const { return !arguments_.checkpoint.empty(); }

  const SampleArguments& arguments_;
  const RunRecord* earlier_;
  FolderLock lock_;
  RunRecord record_;
  std::vector<std::int64_t> iterations_;  // that chains of an earlier run have finished
  std::unique_ptr<io::CheckpointWriter> writer_;
};

}  // namespace borel::driver

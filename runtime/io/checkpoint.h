// Checkpoints: chains on disk, from which another process goes on bit for bit.
//
// A checkpoint is one file a chain: a magic number, the version of the format, what the run is of
// (RunIdentity), how far the chain is, how far its CSV file was written at that moment, the state's
// bytes, and a checksum of all that. It is written beside its name, sent to the disk and renamed,
// so that a file of that name is always whole, whatever ends the process or the machine.
#ifndef BOREL_RUNTIME_IO_CHECKPOINT_H
#define BOREL_RUNTIME_IO_CHECKPOINT_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/io/csv.h"
#include "runtime/loop/sink.h"

namespace borel::io {

// What a state means something to. The texts are compared, not read.
struct RunIdentity {
  std::string program;     // hash of the program's source
  std::string code;        // hash of the code that was made of it
  std::string target_cpu;  // that the code is for
  std::string data;        // hash of the bound data
  std::string settings;    // of the machine and of the run
  std::uint64_t seed = 0;

  bool operator==(const RunIdentity&) const = default;
};

// "the program", "the data" … : the first thing in which two runs differ; empty when they do not.
std::string difference(const RunIdentity& one, const RunIdentity& other);

// Writes a file that is whole or, on failure, as it was before. Empty, or what went wrong.
std::string replace_file(const std::string& path, const std::string& bytes);

// DIRECTORY/chain_1.checkpoint for chain 0.
std::string checkpoint_path(const std::string& directory, std::int64_t chain);

class CheckpointWriter : public runtime::StateSink {
 public:
  // `csv` outlives the writer. `warn` is told, on the chain's thread, of the first checkpoint of a
  // chain that cannot be written since the last that could.
  CheckpointWriter(std::string directory, RunIdentity identity,
                   const runtime::Parameters& parameters, std::chrono::duration<double> every,
                   CsvWriter& csv, std::function<void(const std::string&)> warn);

  // Writes a checkpoint when `every` has passed since the chain's last one, when the chain is at
  // the end of its warm-up and when it ends. One that cannot be written leaves the one before it
  // and the run as they are; only a CSV file that fails ends the run.
  runtime::Failure state(std::int64_t index, const runtime::Chain& chain, bool last) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct alignas(64) Slot {
    Clock::time_point written = Clock::now();
    bool failing = false;
  };

  std::string directory_;
  RunIdentity identity_;
  std::int64_t warmup_;
  std::chrono::duration<double> every_;
  CsvWriter& csv_;
  std::function<void(const std::string&)> warn_;
  std::vector<Slot> slots_;
};

// A chain as a checkpoint has it: all but draws and statistics, which are in the CSV file.
struct SavedChain {
  runtime::Chain chain;
  CsvMark csv;
};

// The checkpoint of a chain; nothing (state empty, iterations 0) where there is none. A file that
// is damaged, of another version, of another run or of another chain is refused with a sentence.
std::variant<SavedChain, std::string> read_checkpoint(const std::string& directory,
                                                      const RunIdentity& identity,
                                                      std::int64_t chain);

}  // namespace borel::io

#endif

// Draws as CmdStan writes them: one CSV file a chain, readable by rstan::read_stan_csv,
// cmdstanpy.from_csv and ArviZ.
//
// A file begins with comments that tell the configuration, then the header: statistics (names
// ending in two underscores, CmdStan's seven first and in its order), then quantities (`theta.1`,
// counted from 1, first index fastest). Before the first draw after warm-up come comments with the
// step size and the diagonal of the inverse metric, at the end the times. Numbers are the shortest
// that read back as the same double, so files hold draws without loss.
#ifndef BOREL_RUNTIME_IO_CSV_H
#define BOREL_RUNTIME_IO_CSV_H

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/instance.h"
#include "runtime/core/parameters.h"
#include "runtime/loop/chains.h"

namespace borel::io {

// How far a file was written at some moment.
struct CsvMark {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::uint64_t checksum = 0;  // of those bytes
};

struct CsvOptions {
  std::string directory;  // made if it is not there
  std::string stem;       // files are DIRECTORY/STEM_1.csv, STEM_2.csv …
  std::string model;      // for the comments, as are all that follow
  std::string version;    // of Borel
  std::string start_time;
  std::string data_file;
  std::string initial;  // "2" (the radius) or a file
  std::uint64_t seed = 0;
  bool save_warmup = false;
  const runtime::Parameters* parameters = nullptr;
  bool marked = false;  // mark() will be called: what is written goes into a checksum
  // Files to go on with, one a chain, or none: each is cut to its mark and not begun anew, unless
  // its mark says that it holds nothing.
  std::vector<CsvMark> kept;
};

class CsvWriter : public runtime::DrawSink {
 public:
  // Creates (or empties) the files of all chains and writes their beginnings, so that a folder that
  // cannot be written is known before anything is computed.
  static std::variant<std::unique_ptr<CsvWriter>, runtime::Error> open(
      const runtime::Instance& instance, const CsvOptions& options);
  ~CsvWriter() override;

  const std::vector<std::string>& paths() const { return paths_; }

  // Each draw goes to the file within a second. A failure says how many draws of the chain the file
  // holds; it is cut after the last whole one.
  runtime::Failure draw(std::int64_t chain, bool warmup, const double* statistics,
                        const double* draw) override;
  runtime::Failure adapted(std::int64_t chain, const runtime::Adaptation& adaptation) override;
  runtime::Failure finished(std::int64_t chain, const runtime::ChainTime& time) override;

  // Sends all that was written so far to the disk, so that it outlasts the machine, and tells how
  // much that is. On the chain's thread; wants CsvOptions::marked.
  runtime::Failure mark(std::int64_t chain, CsvMark& mark);

 private:
  class File;

  CsvWriter() = default;
  std::string beginning(const runtime::Instance& instance, const CsvOptions& options,
                        std::int64_t chain) const;

  std::vector<std::string> paths_;
  std::vector<std::unique_ptr<File>> files_;
  std::vector<std::int32_t> statistics_;  // columns, as positions among the machine's
  std::vector<std::int64_t> positions_;   // columns, as positions in a draw
  std::int64_t wanted_ = 0;               // rows a chain
  std::size_t dimension_ = 0;             // of u: values in a line of the inverse metric
};

// Columns of the machine's statistics in a file's order, as positions among them, and their names.
struct StatisticColumn {
  std::int32_t position;
  std::string name;
};
std::vector<StatisticColumn> statistic_columns(const borel_machine& machine);

// Reads what the file of a chain holds up to `mark` into the draws and statistics of `chain`, whose
// counts say how many rows that are. Empty, or what is wrong with the file.
std::string read_draws(const runtime::Instance& instance, const std::string& path,
                       const CsvMark& mark, runtime::Chain& chain);

}  // namespace borel::io

#endif

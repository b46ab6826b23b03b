#include "runtime/io/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "runtime/core/cpu.h"
#include "runtime/io/checksum.h"
#include "runtime/io/quantities.h"

namespace borel::io {

using runtime::Error;
using runtime::ErrorKind;
using runtime::Failure;
using runtime::number_text;

namespace {

constexpr std::size_t longest_number = 32;  // of a double with its separator, rounded up

std::string seconds_text(double seconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6f", seconds);  // readers do not know exponents here
  return text;
}

Error output_error(const std::string& path, int code, const std::string& rest) {
  return {ErrorKind::output, "cannot write `" + path + "`: " + std::strerror(code) + rest, {}, {}};
}

}  // namespace

// The file of one chain.
class CsvWriter::File {
 public:
  File(std::string path, std::int64_t chain, std::int64_t wanted, std::size_t columns, bool marked)
      : path_(std::move(path)),
        chain_(chain),
        wanted_(wanted),
        row_bytes_(longest_number * columns + 2),
        marked_(marked) {
    buffer_.resize(std::max<std::size_t>(1 << 17, 2 * row_bytes_));
  }
  ~File() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  Failure open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return descriptor_ >= 0 ? Failure() : Failure(output_error(path_, errno, ""));
  }

  // Cuts the file to what it held at the mark and goes on there.
  Failure reopen(const CsvMark& mark) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
      return output_error(path_, errno, "");
    }
    if (status.st_size < mark.bytes) {
      return Error{ErrorKind::output, "`" + path_ + "` is shorter than it was", {}, {}};
    }
    if (::ftruncate(descriptor_, mark.bytes) != 0 || ::lseek(descriptor_, 0, SEEK_END) < 0) {
      return output_error(path_, errno, "");
    }
    size_ = mark.bytes;
    rows_ = flushed_rows_ = mark.rows;
    checksum_ = Checksum(mark.checksum);
    return {};
  }

  Failure mark(CsvMark& mark) {
    if (Failure failure = flush()) {
      return failure;
    }
    // Devices and pipes cannot be sent to a disk.
    if (!usable() || (::fdatasync(descriptor_) != 0 && errno != EINVAL && errno != EROFS)) {
      return broken(usable() ? errno : EIO, flushed_rows_);
    }
    mark = {size_, rows_, checksum_.value()};
    return {};
  }

  void number(double value) {
    end_ = static_cast<std::size_t>(
        std::to_chars(buffer_.data() + end_, buffer_.data() + buffer_.size(), value).ptr -
        buffer_.data());
    buffer_[end_++] = ',';
  }
  Failure end_row() {
    buffer_[end_ > 0 && buffer_[end_ - 1] == ',' ? end_ - 1 : end_++] = '\n';
    ++rows_;
    const bool late = Clock::now() - flushed_ > std::chrono::seconds(1);
    return late || end_ + row_bytes_ > buffer_.size() ? flush() : Failure();
  }

  // Text that holds no draws; goes to the file at once.
  Failure comment(const std::string& text) {
    if (Failure failure = flush()) {
      return failure;
    }
    return write(text.data(), text.size());
  }

  Failure flush() {
    Failure failure = write(buffer_.data(), end_);
    end_ = 0;
    flushed_ = Clock::now();
    if (!failure) {
      flushed_rows_ = rows_;
    }
    return failure;
  }

  Failure close() {
    Failure failure = flush();
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor >= 0 && ::close(descriptor) != 0 && !failure) {
      failure = broken(errno, flushed_rows_);
    }
    return failure;
  }

  bool usable() const { return descriptor_ >= 0 && !broken_; }

 private:
  using Clock = std::chrono::steady_clock;

  Failure write(const char* text, std::size_t size) {
    if (!usable()) {
      return {};  // told already
    }
    std::size_t done = 0;
    while (done < size) {
      const ssize_t written = ::write(descriptor_, text + done, size - done);
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written <= 0) {
        const int code = written == 0 ? ENOSPC : errno;
        return broken(code, flushed_rows_ + cut_after_last_line(text, done));
      }
      done += static_cast<std::size_t>(written);
    }
    size_ += static_cast<::off_t>(done);
    if (marked_) {
      checksum_.add(text, done);
    }
    return {};
  }

  // Takes the half row at the end away and returns how many whole ones of `text` were written.
  std::int64_t cut_after_last_line(const char* text, std::size_t written) {
    std::int64_t rows = 0;
    std::size_t whole = 0;
    for (std::size_t i = 0; i < written; ++i) {
      if (text[i] == '\n') {
        rows += text[whole] != '#' && rows_ > flushed_rows_ ? 1 : 0;
        whole = i + 1;
      }
    }
    // Devices cannot be cut; the error tells the rest.
    const int ignored = ::ftruncate(descriptor_, size_ + static_cast<::off_t>(whole));
    static_cast<void>(ignored);
    return rows;
  }

  Failure broken(int code, std::int64_t rows) {
    broken_ = true;
    return output_error(path_, code,
                        "; the file holds " + std::to_string(rows) + " of " +
                            std::to_string(wanted_) + " iterations of chain " +
                            std::to_string(chain_ + 1));
  }

  std::string path_;
  std::int64_t chain_, wanted_;
  std::size_t row_bytes_;
  int descriptor_ = -1;
  bool broken_ = false;
  ::off_t size_ = 0;
  bool marked_;
  Checksum checksum_;  // of the file
  std::vector<char> buffer_;
  std::size_t end_ = 0;
  std::int64_t rows_ = 0, flushed_rows_ = 0;
  Clock::time_point flushed_ = Clock::now();
};

std::vector<StatisticColumn> statistic_columns(const borel_machine& machine) {
  constexpr const char* first[] = {"lp",         "accept_stat", "stepsize", "treedepth",
                                   "n_leapfrog", "divergent",   "energy"};
  std::vector<StatisticColumn> columns;
  const auto add = [&](std::int32_t position) {
    std::string name = machine.statistics[position];
    name += name.ends_with("__") ? "" : "__";
    columns.push_back({position, std::move(name)});
  };
  std::vector<bool> taken(static_cast<std::size_t>(machine.statistic_count));
  for (const char* name : first) {
    if (const std::int32_t position = runtime::find_statistic(machine, name); position >= 0) {
      add(position);
      taken[static_cast<std::size_t>(position)] = true;
    }
  }
  for (std::int32_t i = 0; i < machine.statistic_count; ++i) {
    if (!taken[static_cast<std::size_t>(i)]) {
      add(i);
    }
  }
  return columns;
}

namespace {
bool is_dense(const runtime::Instance& instance) {
  const borel_machine& machine = instance.machine();
  return machine.metric != nullptr &&
         machine.metric_size(instance.get()) != instance.machine_model().dimension(instance.get());
}
}  // namespace

CsvWriter::~CsvWriter() = default;

std::variant<std::unique_ptr<CsvWriter>, Error> CsvWriter::open(const runtime::Instance& instance,
                                                                const CsvOptions& options) {
  std::error_code code;
  if (!options.directory.empty()) {
    std::filesystem::create_directories(options.directory, code);
    if (code) {
      return Error{ErrorKind::output,
                   "cannot make the folder `" + options.directory + "`: " + code.message(),
                   {},
                   {}};
    }
  }
  std::unique_ptr<CsvWriter> writer(new CsvWriter);
  const std::int64_t warmup = options.save_warmup ? options.parameters->get_int("warmup") : 0;
  writer->wanted_ = warmup + options.parameters->get_int("draws");
  writer->dimension_ = static_cast<std::size_t>(instance.machine_model().dimension(instance.get()));
  std::string header;
  for (StatisticColumn& column : statistic_columns(instance.machine())) {
    writer->statistics_.push_back(column.position);
    header += (header.empty() ? "" : ",") + column.name;
  }
  for (Quantity& quantity : list_quantities(instance, instance.machine_model())) {
    writer->positions_.push_back(quantity.position);
    header += (header.empty() ? "" : ",") + quantity.file_name;
  }
  const std::size_t columns = writer->statistics_.size() + writer->positions_.size();
  const std::int64_t chains = options.parameters->get_int("chains");
  for (std::int64_t c = 0; c < chains; ++c) {
    const std::filesystem::path path = std::filesystem::path(options.directory) /
                                       (options.stem + "_" + std::to_string(c + 1) + ".csv");
    writer->paths_.push_back(path.string());
    writer->files_.push_back(
        std::make_unique<File>(path.string(), c, writer->wanted_, columns, options.marked));
    File& file = *writer->files_.back();
    const std::size_t i = static_cast<std::size_t>(c);
    const CsvMark kept = i < options.kept.size() ? options.kept[i] : CsvMark();
    Failure failure = kept.bytes > 0 ? file.reopen(kept) : file.open();
    if (!failure && kept.bytes == 0) {
      failure = file.comment(writer->beginning(instance, options, c) + header + "\n");
    }
    if (failure) {
      return std::move(*failure);
    }
  }
  return writer;
}

// CmdStan's names and nesting where it has them, since readers look for those.
std::string CsvWriter::beginning(const runtime::Instance& instance, const CsvOptions& options,
                                 std::int64_t chain) const {
  const runtime::Parameters& parameters = *options.parameters;
  std::string text;
  const auto line = [&](int indent, const std::string& name, const std::string& value) {
    text += "# " + std::string(static_cast<std::size_t>(indent), ' ') + name +
            (value.empty() ? "" : " = " + value) + "\n";
  };
  const auto number = [&](const char* name) { return number_text(parameters.get(name)); };
  const borel_program& program = instance.program();
  line(0, "borel_version", options.version);
  line(0, "model", options.model);
  line(0, "start_datetime", options.start_time);
  if (const std::int64_t steps = instance.steps(); steps >= 0) {
    line(0, "method", "smc");
    line(2, "smc", "");
    line(4, "num_steps", std::to_string(steps));
  } else {
    line(0, "method", "sample");
    line(2, "sample", "");
    line(4, "num_samples", number("draws"));
    line(4, "num_warmup", number("warmup"));
    line(4, "save_warmup", options.save_warmup ? "1" : "0");
    line(4, "thin", "1");
  }
  const bool is_nuts = std::string_view(instance.machine().name) == "nuts";
  if (is_nuts) {
    line(4, "adapt", "");
    line(6, "engaged", parameters.get("warmup") > 0 ? "1" : "0");
    if (parameters.has("target_accept")) {
      line(6, "delta", number("target_accept"));
    }
    line(4, "algorithm", "hmc");
    line(6, "hmc", "");
    line(8, "engine", "nuts");
    line(10, "nuts", "");
    if (parameters.has("max_depth")) {
      line(12, "max_depth", number("max_depth"));
    }
    line(8, "metric", is_dense(instance) ? "dense_e" : "diag_e");
  } else {
    line(4, "algorithm", instance.machine().name);
  }
  line(4, "machine", "");
  for (const auto& entry : parameters.entries()) {
    const bool written = entry.name == "warmup" || entry.name == "draws" ||
                         entry.name == "chains" || entry.name == "max_depth";
    if (!written) {
      line(6, entry.name, number(entry.name.c_str()));
    }
  }
  line(0, "id", std::to_string(chain + 1));
  line(0, "data", "");
  line(2, "file", options.data_file);
  line(0, "init", options.initial);
  line(0, "random", "");
  line(2, "seed", std::to_string(options.seed));
  line(0, "output", "");
  line(2, "file", paths_.back());
  const char* target = program.target_cpu != nullptr ? program.target_cpu : "";
  line(0, "target_cpu", std::string(runtime::taken_cpu(target)));
  line(0, "source_hash", program.source_hash != nullptr ? program.source_hash : "");
  return text;
}

Failure CsvWriter::draw(std::int64_t chain, bool, const double* statistics, const double* draw) {
  File& file = *files_[static_cast<std::size_t>(chain)];
  if (!file.usable()) {
    return {};
  }
  for (const std::int32_t position : statistics_) {
    file.number(statistics[position]);
  }
  for (const std::int64_t position : positions_) {
    file.number(draw[position]);
  }
  return file.end_row();
}

Failure CsvWriter::adapted(std::int64_t chain, const runtime::Adaptation& adaptation) {
  std::string text = "# Adaptation terminated\n";
  if (!std::isnan(adaptation.step_size)) {
    text += "# Step size = " + number_text(adaptation.step_size) + "\n";
  }
  const std::vector<double>& metric = adaptation.inverse_metric;
  if (!metric.empty()) {
    const bool diagonal = metric.size() == dimension_;
    text += diagonal ? "# Diagonal elements of inverse mass matrix:\n"
                     : "# Elements of inverse mass matrix:\n";
    for (std::size_t i = 0; i < metric.size(); ++i) {
      text += (i % dimension_ == 0 ? "# " : ", ") + number_text(metric[i]);
      if ((i + 1) % dimension_ == 0) {
        text += "\n";
      }
    }
  }
  return files_[static_cast<std::size_t>(chain)]->comment(text);
}

Failure CsvWriter::finished(std::int64_t chain, const runtime::ChainTime& time) {
  File& file = *files_[static_cast<std::size_t>(chain)];
  const std::string text =
      "# \n#  Elapsed Time: " + seconds_text(time.warmup_seconds) + " seconds (Warm-up)\n" +
      "#                " + seconds_text(time.sampling_seconds) + " seconds (Sampling)\n" +
      "#                " + seconds_text(time.warmup_seconds + time.sampling_seconds) +
      " seconds (Total)\n# \n";
  if (Failure failure = file.comment(text)) {
    return failure;
  }
  return file.close();
}

Failure CsvWriter::mark(std::int64_t chain, CsvMark& mark) {
  return files_[static_cast<std::size_t>(chain)]->mark(mark);
}

}  // namespace borel::io

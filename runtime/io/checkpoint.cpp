#include "runtime/io/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "runtime/core/instance.h"
#include "runtime/io/checksum.h"

namespace borel::io {

using runtime::Chain;
using runtime::Failure;

namespace {

constexpr std::string_view magic = "borelchk";
constexpr std::uint32_t format_version = 1;

class Packer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void block(const void* bytes, std::size_t size) {
    number<std::uint64_t>(size);
    bytes_.append(static_cast<const char*>(bytes), size);
  }
  void text(std::string_view text) { block(text.data(), text.size()); }
  void checksum() {
    Checksum sum;
    sum.add(bytes_.data(), bytes_.size());
    number(sum.value());
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_{magic};
};

// Reads back what a Packer wrote; past the end everything is 0 and ok() is false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void number(T& value) {
    value = T();
    if (const std::string_view bytes = take(sizeof value); ok_) {
      std::memcpy(&value, bytes.data(), bytes.size());
    }
  }
  std::string_view block() {
    std::uint64_t size = 0;
    number(size);
    return take(size);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view take(std::uint64_t size) {
    ok_ = ok_ && size <= bytes_.size();
    const std::string_view taken = bytes_.substr(0, ok_ ? size : 0);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

// The numbers before the metric, written by a Packer and read by an Unpacker.
template <class Either>
void numbers(Either& p, auto& seed, auto& index, auto& chain) {
  p.number(seed);
  p.number(index);
  p.number(chain.iterations);
  p.number(chain.warmup_count);
  p.number(chain.draw_count);
  p.number(chain.warmup_rejections);
  p.number(chain.rejections);
  p.number(chain.first_rejection.kind);
  p.number(chain.first_rejection.place);
  p.number(chain.first_rejection.index);
  p.number(chain.first_rejection.value);
  p.number(chain.time.warmup_seconds);
  p.number(chain.time.sampling_seconds);
  p.number(chain.adaptation.step_size);
}

std::string pack(const RunIdentity& identity, std::int64_t index, const Chain& chain,
                 const CsvMark& csv) {
  Packer p;
  p.number(format_version);
  p.number<std::uint32_t>(BOREL_ABI_VERSION);
  for (const std::string* text : {&identity.program, &identity.code, &identity.target_cpu,
                                  &identity.data, &identity.settings}) {
    p.text(*text);
  }
  numbers(p, identity.seed, index, chain);
  const std::vector<double>& metric = chain.adaptation.inverse_metric;
  p.block(metric.data(), metric.size() * sizeof(double));
  p.number(csv.bytes);
  p.number(csv.rows);
  p.number(csv.checksum);
  p.block(chain.state.data(), chain.state.size());
  p.checksum();
  return p.take();
}

// False where the fields do not fill the bytes.
bool unpack(Unpacker& p, RunIdentity& identity, std::int64_t& index, SavedChain& saved) {
  for (std::string* text : {&identity.program, &identity.code, &identity.target_cpu, &identity.data,
                            &identity.settings}) {
    *text = p.block();
  }
  Chain& chain = saved.chain;
  numbers(p, identity.seed, index, chain);
  const std::string_view metric = p.block();
  chain.adaptation.inverse_metric.resize(metric.size() / sizeof(double));
  if (!metric.empty()) {
    std::memcpy(chain.adaptation.inverse_metric.data(), metric.data(),
                chain.adaptation.inverse_metric.size() * sizeof(double));
  }
  p.number(saved.csv.bytes);
  p.number(saved.csv.rows);
  p.number(saved.csv.checksum);
  const std::string_view state = p.block();
  chain.state = runtime::AlignedBuffer(state.size());
  if (!state.empty()) {
    std::memcpy(chain.state.data(), state.data(), state.size());
  }
  return p.at_end();
}

bool write_all(int descriptor, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      errno = written == 0 ? ENOSPC : errno;
      return false;
    }
    done += static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

std::string difference(const RunIdentity& one, const RunIdentity& other) {
  if (one.program != other.program) {
    return "the program";
  }
  if (one.target_cpu != other.target_cpu) {
    return "the processor";
  }
  if (one.data != other.data) {
    return "the data";
  }
  if (one.settings != other.settings) {
    return "the settings";
  }
  if (one.seed != other.seed) {
    return "the seed";
  }
  return one.code != other.code ? "the code that the compiler makes of the program" : "";
}

std::string replace_file(const std::string& path, const std::string& bytes) {
  const std::string beside = path + ".new";
  const auto failed = [&](const std::string& what) {
    std::string text = "cannot write `" + what + "`: " + std::strerror(errno);
    ::unlink(beside.c_str());
    return text;
  };
  const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return failed(beside);
  }
  // The bytes are on the disk before the name is.
  const bool written = write_all(descriptor, bytes) && ::fsync(descriptor) == 0;
  const int code = errno;
  if (::close(descriptor) != 0 || !written) {
    errno = written ? errno : code;
    return failed(beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return failed(path);
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  // Without it the old file may come back after a power cut: as whole as the new one.
  if (const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
    ::fsync(opened);
    ::close(opened);
  }
  return {};
}

std::string checkpoint_path(const std::string& directory, std::int64_t chain) {
  return directory + "/chain_" + std::to_string(chain + 1) + ".checkpoint";
}

CheckpointWriter::CheckpointWriter(std::string directory, RunIdentity identity,
                                   const runtime::Parameters& parameters,
                                   std::chrono::duration<double> every, CsvWriter& csv,
                                   std::function<void(const std::string&)> warn)
    : directory_(std::move(directory)),
      identity_(std::move(identity)),
      warmup_(parameters.get_int("warmup")),
      every_(every),
      csv_(csv),
      warn_(std::move(warn)),
      slots_(static_cast<std::size_t>(parameters.get_int("chains"))) {}

Failure CheckpointWriter::state(std::int64_t index, const Chain& chain, bool last) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  if (!last && chain.iterations != warmup_ && Clock::now() - slot.written < every_) {
    return {};
  }
  // The file's rows are on the disk before the checkpoint that counts on them.
  CsvMark mark;
  if (Failure failure = csv_.mark(index, mark)) {
    return failure;
  }
  const std::string problem =
      replace_file(checkpoint_path(directory_, index), pack(identity_, index, chain, mark));
  if (!problem.empty() && !slot.failing) {
    warn_(problem);
  }
  slot.failing = !problem.empty();
  slot.written = Clock::now();  // the time that writing takes does not count
  return {};
}

std::variant<SavedChain, std::string> read_checkpoint(const std::string& directory,
                                                      const RunIdentity& identity,
                                                      std::int64_t chain) {
  const std::string path = checkpoint_path(directory, chain);
  const std::string named = "`" + path + "`";
  SavedChain saved;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
      return saved;
    }
    return named + " cannot be read: " + std::strerror(errno);
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!std::string_view(bytes).starts_with(magic)) {
    return named + " is no checkpoint, or is damaged";
  }
  Unpacker p(std::string_view(bytes).substr(magic.size()));
  std::uint32_t format = 0, abi = 0;
  p.number(format);
  p.number(abi);
  if (p.ok() && format != format_version) {
    return named + " has version " + std::to_string(format) + " of the format; this is version " +
           std::to_string(format_version) + ", or the file is damaged";
  }
  Checksum sum;
  std::uint64_t written = 0;
  const std::size_t end = bytes.size() - std::min(bytes.size(), sizeof written);
  sum.add(bytes.data(), end);
  Unpacker(std::string_view(bytes).substr(end)).number(written);
  if (!p.ok() || sum.value() != written) {
    return named + " is damaged";
  }
  if (abi != BOREL_ABI_VERSION) {
    return named + " was made by version " + std::to_string(abi) +
           " of the runtime's interface; this is version " + std::to_string(BOREL_ABI_VERSION);
  }
  RunIdentity own;
  std::int64_t index = -1;
  Unpacker rest(std::string_view(bytes).substr(magic.size() + sizeof format + sizeof abi,
                                               end - magic.size() - sizeof format - sizeof abi));
  if (!unpack(rest, own, index, saved)) {
    return named + " is damaged";
  }
  if (const std::string what = difference(own, identity); !what.empty()) {
    return named + " belongs to another run; what differs: " + what;
  }
  if (index != chain) {
    return named + " is of chain " + std::to_string(index + 1);
  }
  return saved;
}

}  // namespace borel::io

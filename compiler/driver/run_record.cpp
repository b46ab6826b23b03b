#include "compiler/driver/run_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "compiler/driver/run_start.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

namespace borel::driver {
namespace {

using Json = nlohmann::json;

constexpr int record_version = 2;
constexpr const char* put_back =
    ": put back what was there, or begin anew with `borel sample` or `borel smc` and another "
    "folder";

class Digest {
 public:
  // Lengths before contents: no two different lists give the same bytes.
  void add(std::string_view text) {
    hash_.update(llvm::StringRef(std::to_string(text.size()) + ":"));
    hash_.update(llvm::StringRef(text.data(), text.size()));
  }
  std::string hexadecimal() {
    const auto digest = hash_.final();
    return llvm::toHex(llvm::toStringRef(digest), /*LowerCase=*/true);
  }

 private:
  llvm::SHA256 hash_;
};

std::string hash_text(std::string_view text) {
  const auto digest =
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(llvm::StringRef(text.data(), text.size())));
  return llvm::toHex(llvm::toStringRef(digest), /*LowerCase=*/true);
}

/// Nothing where the file cannot be read.
std::optional<std::string> hash_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return hash_text(
      std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
}

/// Every input as bind took it.
std::string hash_data(const borel_program& program, const runtime::InputData& data) {
  Digest digest;
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    const borel_array& array = data.arrays[static_cast<std::size_t>(i)];
    std::size_t bytes = sizeof(double);
    for (std::int32_t d = 0; d < program.inputs[i].rank; ++d) {
      bytes *= static_cast<std::size_t>(array.dims[d]);
      digest.add(std::to_string(array.dims[d]));
    }
    digest.add({bytes > 0 ? static_cast<const char*>(array.data) : "", bytes});
  }
  for (const std::int64_t size : data.sizes) digest.add(std::to_string(size));
  return digest.hexadecimal();
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
template <class T>
void read_optional(const Json& json, std::optional<T>& value) {
  if (!json.is_null()) value = json.get<T>();
}

Json to_json(const SampleArguments& a) {
  return {{"smc", a.smc},
          {"file", a.program.file},
          {"infer", a.program.infer},
          {"model", a.program.model},
          {"library", a.program.library},
          {"cpu", a.program.cpu},
          {"data", a.data},
          {"initial", a.initial},
          {"output", a.output},
          {"summary", a.summary},
          {"settings", a.settings},
          {"chains", optional_json(a.chains)},
          {"warmup", optional_json(a.warmup)},
          {"draws", optional_json(a.draws)},
          {"max_depth", optional_json(a.max_depth)},
          {"target_accept", optional_json(a.target_accept)},
          {"seed", optional_json(a.seed)},
          {"threads", a.threads},
          {"save_warmup", a.save_warmup},
          {"quiet", a.quiet},
          {"figure", a.figure},
          {"checkpoint", a.checkpoint},
          {"checkpoint_every", a.checkpoint_every}};
}

SampleArguments arguments_of(const Json& json) {
  SampleArguments a;
  json.at("smc").get_to(a.smc);
  json.at("file").get_to(a.program.file);
  json.at("infer").get_to(a.program.infer);
  json.at("model").get_to(a.program.model);
  json.at("library").get_to(a.program.library);
  json.at("cpu").get_to(a.program.cpu);
  json.at("data").get_to(a.data);
  json.at("initial").get_to(a.initial);
  json.at("output").get_to(a.output);
  json.at("summary").get_to(a.summary);
  json.at("settings").get_to(a.settings);
  read_optional(json.at("chains"), a.chains);
  read_optional(json.at("warmup"), a.warmup);
  read_optional(json.at("draws"), a.draws);
  read_optional(json.at("max_depth"), a.max_depth);
  read_optional(json.at("target_accept"), a.target_accept);
  read_optional(json.at("seed"), a.seed);
  json.at("threads").get_to(a.threads);
  json.at("save_warmup").get_to(a.save_warmup);
  json.at("quiet").get_to(a.quiet);
  json.at("figure").get_to(a.figure);
  json.at("checkpoint").get_to(a.checkpoint);
  json.at("checkpoint_every").get_to(a.checkpoint_every);
  return a;
}

Json to_json(const std::vector<RunRecord::File>& files) {
  Json json = Json::array();
  for (const auto& file : files) json.push_back({{"path", file.path}, {"sha256", file.hash}});
  return json;
}

std::vector<RunRecord::File> files_of(const Json& json) {
  std::vector<RunRecord::File> files;
  for (const Json& file : json) files.push_back({file.at("path"), file.at("sha256")});
  return files;
}

std::string record_path(const std::string& folder) { return folder + "/run.json"; }

}  // namespace

RunRecord describe_run(const SampleArguments& arguments, const BoundProgram& bound,
                       const runtime::Parameters& parameters, std::uint64_t seed) {
  const borel_program& program = **bound.program;
  RunRecord record;
  record.arguments = arguments;
  record.working_folder = std::filesystem::current_path().string();
  record.version = BOREL_VERSION;
  record.files.push_back({arguments.program.file, hash_text(bound.sources.file(FileId{0}).text())});
  for (const std::string& path : {arguments.data, initial_file(arguments)})
    if (!path.empty()) record.files.push_back({path, hash_file(path).value_or("")});

  for (std::size_t i = 0; i < bound.sources.file_count(); ++i) {
    const SourceFile& file = bound.sources.file(static_cast<FileId>(i));
    record.sources.push_back({file.path(), hash_text(file.text())});
  }
  io::RunIdentity& identity = record.identity;
  identity.program = program.source_hash != nullptr ? program.source_hash : "";
  identity.code = bound.program->code_hash();
  identity.target_cpu = program.target_cpu != nullptr ? program.target_cpu : "";
  identity.data = hash_data(program, bound.instance->data());
  for (const auto& entry : parameters.entries())
    identity.settings += entry.name + "=" + runtime::number_text(parameters.get(entry.name)) + "\n";
  identity.settings += "save_warmup=" + std::to_string(arguments.save_warmup) + "\n";
  identity.settings += "init=";
  identity.settings +=
      initial_file(arguments).empty() ? arguments.initial : record.files.back().hash;
  identity.seed = seed;
  return record;
}

bool holds_run(const std::string& folder) {
  return ::access(record_path(folder).c_str(), F_OK) == 0;
}

std::string write_record(const std::string& folder, const RunRecord& record) {
  const io::RunIdentity& identity = record.identity;
  const Json run{{"borel_version", record.version},
                 {"working_folder", record.working_folder},
                 {"arguments", to_json(record.arguments)},
                 {"files", to_json(record.files)},
                 {"sources", to_json(record.sources)},
                 {"identity",
                  {{"program", identity.program},
                   {"code", identity.code},
                   {"target_cpu", identity.target_cpu},
                   {"data", identity.data},
                   {"settings", identity.settings},
                   {"seed", identity.seed}}}};
  try {
    const Json all{{"format", record_version}, {"run", run}, {"sha256", hash_text(run.dump())}};
    return io::replace_file(record_path(folder), all.dump() + "\n");
  } catch (const Json::exception&) {
    return "a path or a setting is no text in UTF-8, which `" + record_path(folder) + "` has to be";
  }
}

std::variant<RunRecord, std::string> read_record(const std::string& folder) {
  const std::string named = "`" + record_path(folder) + "`";
  std::ifstream file(record_path(folder));
  if (!file) return named + " cannot be read";
  try {
    const Json all = Json::parse(file);
    if (const int version = all.at("format").get<int>(); version != record_version)
      return named + " has version " + std::to_string(version) +
             " of the format; this is version " + std::to_string(record_version) +
             ", or the file is damaged";
    const Json& run = all.at("run");
    if (all.at("sha256").get<std::string>() != hash_text(run.dump()))
      return named + " is damaged: it cannot be gone on from";
    RunRecord record;
    run.at("borel_version").get_to(record.version);
    run.at("working_folder").get_to(record.working_folder);
    record.arguments = arguments_of(run.at("arguments"));
    record.files = files_of(run.at("files"));
    record.sources = files_of(run.at("sources"));
    const Json& identity = run.at("identity");
    identity.at("program").get_to(record.identity.program);
    identity.at("code").get_to(record.identity.code);
    identity.at("target_cpu").get_to(record.identity.target_cpu);
    identity.at("data").get_to(record.identity.data);
    identity.at("settings").get_to(record.identity.settings);
    identity.at("seed").get_to(record.identity.seed);
    return record;
  } catch (const Json::exception&) {
    return named + " is damaged: it cannot be gone on from";
  }
}

std::string changed_file(const RunRecord& record) {
  if (record.version != BOREL_VERSION)
    return "the run was begun by Borel " + record.version +
           "; this is " BOREL_VERSION ": go on with that version, or begin anew";
  for (const RunRecord::File& file : record.files) {
    const auto hash = hash_file(file.path);
    if (!hash) return "`" + file.path + "`, which the run reads, cannot be read" + put_back;
    if (*hash != file.hash) return "`" + file.path + "` has changed since the run began" + put_back;
  }
  return {};
}

std::string changed_run(const RunRecord& earlier, const RunRecord& now) {
  const io::RunIdentity &was = earlier.identity, &is = now.identity;
  if (was.target_cpu != is.target_cpu)
    return "the run was begun for the processor `" + was.target_cpu + "`; this is `" +
           is.target_cpu +
           "`, which may round otherwise: go on there, or begin anew, with --cpu x86-64-v3 for a "
           "run that any recent processor can go on with";
  for (std::size_t i = 0; i < std::min(earlier.sources.size(), now.sources.size()); ++i)
    if (!(earlier.sources[i] == now.sources[i]))
      return "`" + now.sources[i].path + "` has changed since the run began" + put_back;
  if (const std::string what = io::difference(was, is); !what.empty())
    return what + " changed since the run began" + put_back;
  return {};
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return "cannot write `" + path + "`: " + std::strerror(errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return "another process is at the run in `" + folder + "`";
  return {};  // a file system without locks: nobody can be kept out
}

}  // namespace borel::driver

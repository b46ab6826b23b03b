#include "compiler/codegen/object.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Support/xxhash.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <optional>

namespace borel::codegen {
namespace {

EngineError user_error(std::string message) {
  return EngineError{EngineError::Kind::user, "link", std::move(message)};
}

// A file with a unique name, removed when it goes out of scope.
class TemporaryFile {
 public:
  static Result<TemporaryFile> create(const char* suffix) {
    llvm::SmallString<128> path;
    if (const std::error_code code = llvm::sys::fs::createTemporaryFile("borel", suffix, path)) {
      return user_error("cannot create a temporary file: " + code.message());
    }
    return TemporaryFile(path.str().str());
  }
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) {
      // What is left behind does no harm.
      [[maybe_unused]] const std::error_code ignored = llvm::sys::fs::remove(path_);
    }
  }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] Status write(llvm::StringRef bytes) const {
    std::error_code code;
    llvm::raw_fd_ostream stream(path_, code);
    if (!code) {
      stream << bytes;
      stream.close();
      code = stream.error();
      stream.clear_error();
    }
    if (code) {
      return user_error("cannot write '" + path_ + "': " + code.message());
    }
    return success();
  }

  [[nodiscard]] std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path_);
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<std::string> find_linker(const std::string& wanted) {
  if (!wanted.empty()) {
    if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName(wanted)) {
      return *path;
    }
    return user_error("no linker '" + wanted + "' on PATH");
  }
  for (const char* name : {"ld.lld", "ld.lld-19", "cc"}) {
    if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName(name)) {
      return *path;
    }
  }
  return user_error("no linker on PATH: looked for ld.lld, ld.lld-19 and cc");
}

// Where Linux distributions keep libc and libm: a bare linker has no folders of its own.
constexpr const char* system_folders[] = {"/lib/x86_64-linux-gnu",
                                          "/usr/lib/x86_64-linux-gnu",
                                          "/lib/aarch64-linux-gnu",
                                          "/lib64",
                                          "/usr/lib64",
                                          "/usr/lib"};

// The first place of a library of the system that exists; empty: none.
std::string system_library(const char* name) {
  for (const char* folder : system_folders) {
    std::string path = std::string(folder) + "/" + name;
    if (llvm::sys::fs::exists(path)) {
      return path;
    }
  }
  return {};
}

// Whether the object calls more than the functions of libc that copy and compare memory.
bool wants_libm(const ObjectBytes& bytes) {
  auto object = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(bytes.data(), bytes.size()), "object"));
  if (!object) {
    llvm::consumeError(object.takeError());
    return false;  // the linker says what is wrong with it
  }
  for (const llvm::object::SymbolRef& symbol : (*object)->symbols()) {
    llvm::Expected<std::uint32_t> flags = symbol.getFlags();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      continue;
    }
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) != 0 && !name->empty() &&
        !name->starts_with("mem") && !name->starts_with("_")) {
      return true;
    }
  }
  return false;
}

// A version script of these names: nothing else is exported.
std::string export_script(const std::vector<std::string>& names) {
  std::string text = "{ global:";
  for (const std::string& name : names) {
    text += " " + name + ";";
  }
  return text + " local: *; };\n";
}

std::vector<std::string> link_command(const std::string& linker, const std::string& input,
                                      bool with_libm, const std::string& script,
                                      const std::string& output, const LinkOptions& options) {
  const bool driver = llvm::StringRef(linker).rsplit('/').second.starts_with("ld") == false;
  const bool has_archives = !options.whole_archives.empty() || !options.archives.empty();
  std::vector<std::string> words{linker, "-shared", "-o", output, input};
  const auto pass_on = [&](const std::string& word) {
    words.push_back((driver ? "-Wl," : "") + word);
  };
  if (driver) {
    words.emplace_back("-nostartfiles");
  }
  if (has_archives) {
    pass_on("-Bsymbolic");
    pass_on("--gc-sections");
    pass_on("--no-undefined");
    pass_on("--whole-archive");
    words.insert(words.end(), options.whole_archives.begin(), options.whole_archives.end());
    pass_on("--no-whole-archive");
    words.insert(words.end(), options.archives.begin(), options.archives.end());
  }
  if (driver && (with_libm || has_archives)) {
    words.emplace_back("-lm");
  }
  if (!driver) {
    std::vector<std::string> places;
    if (with_libm || has_archives) {
      places.push_back(system_library("libm.so.6"));
    }
    if (has_archives) {
      places.push_back(system_library("libc.so.6"));
    }
    std::copy_if(places.begin(), places.end(), std::back_inserter(words),
                 [](const std::string& place) { return !place.empty(); });
  }
  if (!options.exports.empty()) {
    pass_on("--version-script=" + script);
  }
  if (!options.soname.empty()) {
    pass_on(driver ? "-soname," + options.soname : "-soname=" + options.soname);
  }
  return words;
}

}  // namespace

Result<ObjectBytes> emit_object(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager passes;
  // The IR was verified before optimisation; verifying it again here costs a tenth of the stage.
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                  /*DisableVerify=*/true)) {
    return EngineError{EngineError::Kind::internal, "emit", "the target cannot write object files"};
  }
  passes.run(module);
  return ObjectBytes(buffer.begin(), buffer.end());
}

Status link_shared(const ObjectBytes& object, std::string_view path, const LinkOptions& options) {
  Result<std::string> linker = find_linker(options.linker);
  if (!linker) {
    return linker.error();
  }
  Result<TemporaryFile> input = TemporaryFile::create("o");
  if (!input) {
    return input.error();
  }
  Result<TemporaryFile> messages = TemporaryFile::create("txt");
  if (!messages) {
    return messages.error();
  }
  if (Status written = input->write({object.data(), object.size()}); !written) {
    return written;
  }
  Result<TemporaryFile> script = TemporaryFile::create("map");
  if (!script) {
    return script.error();
  }
  if (Status written = script->write(export_script(options.exports)); !written) {
    return written;
  }
  const std::string output(path);
  const std::vector<std::string> words =
      link_command(*linker, input->path(), wants_libm(object), script->path(), output, options);
  const std::vector<llvm::StringRef> arguments(words.begin(), words.end());
  const std::array<std::optional<llvm::StringRef>, 3> redirects{
      llvm::StringRef(""), llvm::StringRef(""), llvm::StringRef(messages->path())};
  std::string failure;
  const int code = llvm::sys::ExecuteAndWait(*linker, arguments, std::nullopt, redirects,
                                             /*SecondsToWait=*/0, /*MemoryLimit=*/0, &failure);
  if (code != 0) {
    const std::string said = messages->read();
    return user_error("'" + *linker + "' could not make '" + output + "'" +
                      (failure.empty() ? "" : ": " + failure) + (said.empty() ? "" : "\n" + said));
  }
  return success();
}

std::string object_key(const llvm::Module& module, std::string_view target, std::string_view salt) {
  llvm::SmallVector<char, 0> bitcode;
  llvm::raw_svector_ostream stream(bitcode);
  llvm::WriteBitcodeToFile(module, stream);
  // Lengths before contents: no two different triples give the same bytes.
  stream << '\0' << target.size() << '\0' << llvm::StringRef(target.data(), target.size())
         << salt.size() << '\0' << llvm::StringRef(salt.data(), salt.size());
  const llvm::XXH128_hash_t hash = llvm::xxh3_128bits(
      llvm::ArrayRef(reinterpret_cast<const uint8_t*>(bitcode.data()), bitcode.size()));
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

}  // namespace borel::codegen

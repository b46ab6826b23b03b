#include "compiler/driver/runtime_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#ifndef BOREL_LIBRARY_FOLDER
#error "the build defines BOREL_LIBRARY_FOLDER"
#endif

namespace borel::driver {

namespace fs = std::filesystem;

std::optional<RuntimeFiles> find_runtime_files(std::vector<std::string>& searched) {
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code);
  if (code) return std::nullopt;
  const fs::path prefix = program.parent_path().parent_path();
  // The compiler and the runtime are packages of their own, whose folders may be a distribution's
  // or CMake's.
  for (const char* name :
       {BOREL_LIBRARY_FOLDER, "lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib64"}) {
    const fs::path folder = prefix / name;
    if (std::find(searched.begin(), searched.end(), folder.string()) != searched.end()) continue;
    searched.push_back(folder.string());
    const fs::path runtime = folder / "libborel_rt.a",
                   bridgestan = folder / "libborel_bridgestan.a";
    if (fs::exists(runtime, code) && fs::exists(bridgestan, code))
      return RuntimeFiles{runtime.string(), bridgestan.string()};
  }
  return std::nullopt;
}

}  // namespace borel::driver

/// The static libraries of the runtime, which `borel build` links into what wants them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace borel::driver {

struct RuntimeFiles {
  std::string runtime, bridgestan;  // paths of libborel_rt.a and libborel_bridgestan.a
};

/// Looks for both where the installation that this program belongs to has them, or the build folder
/// that it was built in. `searched` gets the folders where they were looked for.
std::optional<RuntimeFiles> find_runtime_files(std::vector<std::string>& searched);

}  // namespace borel::driver

// Writes a benchmark's table.
#ifndef BOREL_BENCH_WRITE_JSON_H
#define BOREL_BENCH_WRITE_JSON_H

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace borel::bench {

/// Nothing when `path` is empty; throws std::runtime_error when it cannot be written.
inline void write_json(const std::string& path, const nlohmann::json& table) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << table.dump(1) << "\n";
  file.close();
  if (!file) throw std::runtime_error("'" + path + "' could not be written");
}

}  // namespace borel::bench

#endif

// What the fuzzer found worth keeping (corpus/), and as many bytes of a fixed seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "host_calls.h"

namespace borel::fuzz {
namespace {

namespace fs = std::filesystem;

TEST(HostCalls, Kept) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(BOREL_CORPUS)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 20u);
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename());
    std::ifstream in(file, std::ios::binary);
    ASSERT_TRUE(in);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    play(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}

TEST(HostCalls, Random) {
  std::mt19937 random(20);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> bytes(random() % 600);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    play(bytes.data(), bytes.size());
  }
}

}  // namespace
}  // namespace borel::fuzz

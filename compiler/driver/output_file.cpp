#include "compiler/driver/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace borel::driver {
namespace {

std::string failure(const std::string& path, int code) {
  return "'" + path + "' could not be written: " + std::strerror(code);
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::optional<std::string> write_file(const std::string& path, std::string_view bytes) {
  // A device or a pipe has no file to take its place.
  struct stat found {};
  const bool special = ::stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode);
  const std::string beside = special ? path : path + "." + std::to_string(::getpid()) + ".part";
  const int file =
      ::open(beside.c_str(), O_WRONLY | O_CLOEXEC | (special ? 0 : O_CREAT | O_EXCL), 0666);
  if (file < 0) return failure(path, errno);
  int code = write_all(file, bytes) ? 0 : errno;
  // Some file systems say only here that there is no space.
  if (::close(file) != 0 && code == 0) code = errno;
  if (code == 0 && !special && ::rename(beside.c_str(), path.c_str()) != 0) code = errno;
  if (code == 0) return std::nullopt;
  if (!special) ::unlink(beside.c_str());
  return failure(path, code);
}

std::optional<std::string> replace_file(const std::string& path, std::string_view mark,
                                        std::string_view bytes) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored) &&
      std::filesystem::file_size(path, ignored) > 0) {
    std::ifstream file(path, std::ios::binary);
    std::string start(mark.size(), '\0');
    file.read(start.data(), static_cast<std::streamsize>(start.size()));
    if (start != mark)
      return "'" + path + "' is there and was not written by borel; move it, or give --output " +
             "another name";
  }
  return write_file(path, bytes);
}

}  // namespace borel::driver

// A program as Python holds it: borel::Library, with what its logger says kept until Python asks.
#ifndef BOREL_PYTHON_LIBRARY_H
#define BOREL_PYTHON_LIBRARY_H

#include <nanobind/nanobind.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "borel/borel.hpp"

namespace borel::python {

// Does not move: the runtime holds its address.
class Library {
 public:
  explicit Library(const std::string& path);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const borel::Library& handle() const { return *handle_; }
  const borel_program& program() const { return handle_->program(); }

  // Warnings since the last call, of any thread.
  std::vector<std::string> take_messages();

  // What program.h tells, as dicts and lists; see module.pyi.
  nanobind::dict describe() const;

 private:
  static void log(void* context, borel_log_level level, const char* message);

  std::mutex mutex_;
  std::vector<std::string> messages_;
  std::optional<borel::Library> handle_;
};

// {"file", "line", "column"}, or None where there is no place.
nanobind::object describe_span(const borel_span& span);

}  // namespace borel::python

#endif

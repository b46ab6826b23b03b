#include "runtime/bridgestan/failure.h"

#include <cstdlib>
#include <cstring>

namespace borel::bridgestan {

host::Text error_text(borel_error* error) {
  if (error == nullptr) {
    return host::Text("out of memory");
  }
  host::Text text(borel_error_message(error));
  const borel_span span = borel_error_span(error);
  if (span.file != nullptr) {
    text << " (" << span.file << ":" << span.line << ":" << span.column << ")";
  }
  borel_error_free(error);
  return text;
}

int Call::fail(std::string_view what) const {
  if (message_ == nullptr) {
    return -1;
  }
  constexpr std::string_view between = "() failed with exception: ";
  const std::string_view name = name_;
  const std::size_t size = name.size() + between.size() + what.size() + 2;
  char* text = static_cast<char*>(std::malloc(size));
  if (text != nullptr) {
    char* at = text;
    for (const std::string_view part : {name, between, what, std::string_view("\n")}) {
      std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
    *at = '\0';
  }
  *message_ = text;
  return -1;
}

}  // namespace borel::bridgestan

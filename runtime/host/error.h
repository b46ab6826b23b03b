// How a call of the host interface fails: a code, and an error for the caller if it wants one.
#ifndef BOREL_RUNTIME_HOST_ERROR_H
#define BOREL_RUNTIME_HOST_ERROR_H

#include <string_view>

#include "runtime/host/text.h"
#include "runtime/include/borel/borel.h"

namespace borel::host {

// malloc and free.
const borel_allocator& default_allocator();

// Where errors of one call go.
struct Reporter {
  const borel_allocator& allocator;
  borel_error** error;           // null: the caller wants none
  std::string_view prefix = {};  // of every message

  // Makes the error and returns its code, or BOREL_NO_MEMORY when there is none for the error.
  borel_code operator()(borel_code code, const Text& message, std::string_view subject = {},
                        const borel_span* span = nullptr) const;
  borel_code bad_argument(const Text& message, std::string_view subject = {}) const {
    return (*this)(BOREL_BAD_ARGUMENT, message, subject);
  }
  borel_code bad_argument(const char* message) const { return bad_argument(Text(message)); }
  // Never allocates.
  borel_code no_memory() const;
};

// A null handle: there is no allocator but the default one.
borel_code null_handle(borel_error** error, const char* what);

// A fault of `program` in words, in front of which stands `before`. `code` is that of the call.
borel_code report_fault(const Reporter& report, const borel_program& program,
                        const borel_fault& fault, borel_code code, std::string_view before = {});

}  // namespace borel::host

#endif

// How a bs_ function fails: a text for the caller, from malloc as bs_free_error_msg frees it.
#ifndef BOREL_RUNTIME_BRIDGESTAN_FAILURE_H
#define BOREL_RUNTIME_BRIDGESTAN_FAILURE_H

#include <string_view>

#include "runtime/host/text.h"
#include "runtime/include/borel/borel.h"

namespace borel::bridgestan {

// An error's message and place in the source; frees the error. Null is that of no memory.
host::Text error_text(borel_error* error);

// The call that is being served: its name as BridgeStan's messages have it, and where a message
// goes (null: nowhere).
class Call {
 public:
  Call(const char* name, char** message) : name_(name), message_(message) {}

  // -1, with "NAME() failed with exception: WHAT\n" for the caller; without memory no message.
  int fail(std::string_view what) const;
  int fail(const host::Text& what) const { return fail(what.view()); }
  int fail(borel_error* error) const { return fail(error_text(error)); }
  int fail_for_memory() const { return fail("out of memory"); }

 private:
  const char* name_;
  char** message_;
};

}  // namespace borel::bridgestan

#endif

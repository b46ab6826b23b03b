// Programs in shared libraries. Apart from library.cpp, so that a host which links its programs
// needs no dynamic loader.
#include <dlfcn.h>

#include "runtime/host/library.h"

using namespace borel::host;

extern "C" borel_code borel_library_load(const char* path, const borel_allocator* allocator,
                                         const borel_logger* logger, borel_library** library,
                                         borel_error** error) {
  if (path == nullptr) {
    return null_handle(error, "the path");
  }
  if (const borel_code code = check_services(allocator, logger, library, error)) {
    return code;
  }
  const Reporter report{allocator != nullptr ? *allocator : default_allocator(), error};
  void* file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) {
    const char* reason = dlerror();
    return report(BOREL_BAD_PROGRAM,
                  Text() << "cannot open `" << path << "`: " << text_or_empty(reason));
  }
  const borel_program* program =
      static_cast<const borel_program*>(dlsym(file, BOREL_PROGRAM_SYMBOL));
  if (program == nullptr) {
    dlclose(file);
    return report(BOREL_BAD_PROGRAM, Text() << "`" << path
                                            << "` holds no program of Borel: the symbol `"
                                            << BOREL_PROGRAM_SYMBOL << "` is missing");
  }
  borel_library* made = nullptr;
  const borel_code code = open_library(program, allocator, logger, &made, error);
  if (code != BOREL_SUCCESS) {
    dlclose(file);
    return code;
  }
  made->file = file;
  made->close = [](void* opened) { dlclose(opened); };
  *library = made;
  return BOREL_SUCCESS;
}

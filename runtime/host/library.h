// Opening a program that is in memory already, for the two ways to come by one.
#ifndef BOREL_RUNTIME_HOST_LIBRARY_H
#define BOREL_RUNTIME_HOST_LIBRARY_H

#include "runtime/host/handles.h"

namespace borel::host {

// BOREL_SUCCESS, or why a library cannot be made for these services.
borel_code check_services(const borel_allocator* allocator, const borel_logger* logger,
                          borel_library** library, borel_error** error);

borel_code open_library(const borel_program* program, const borel_allocator* allocator,
                        const borel_logger* logger, borel_library** library, borel_error** error);

}  // namespace borel::host

#endif

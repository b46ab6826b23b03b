// What the sanitizers are told, in every executable that is built with one of them.
extern "C" {

// LLVM's shared libraries are not instrumented, and change containers that instrumented code made:
// marks of which part of a container is in use would be out of date.
const char* __asan_default_options();
const char* __asan_default_options() { return "detect_container_overflow=0"; }

const char* __ubsan_default_options();
const char* __ubsan_default_options() { return "print_stacktrace=1"; }

}  // extern "C"

# Helpers that every folder's CMakeLists.txt uses.

find_package(Threads REQUIRED)
get_filename_component(BOREL_ROOT ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

# borel_library(NAME SOURCES… [DEPENDS targets…] [MLIR] [PROB]): a static library borel_NAME with the
# project's warnings; MLIR adds LLVM's and MLIR's headers (as system headers) and shared libraries;
# PROB says that nearly every file includes the dialect, whose header may then be precompiled.
function(borel_library name)
  cmake_parse_arguments(ARG "MLIR;PROB" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(borel_${name} STATIC ${ARG_SOURCES})
  borel_options(borel_${name})
  target_link_libraries(borel_${name} PUBLIC ${ARG_DEPENDS})
  if(ARG_MLIR)
    borel_use_mlir(borel_${name})
  endif()
  if(ARG_PROB AND BOREL_PRECOMPILE)
    target_precompile_headers(borel_${name} REUSE_FROM borel_dialect)
    # What ccache needs of GCC to keep files that use the precompiled header.
    target_compile_options(borel_${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
  endif()
endfunction()

if(BOREL_SANITIZE)
  add_library(borel_sanitizer_options OBJECT ${CMAKE_CURRENT_LIST_DIR}/sanitizer_options.cpp)
endif()

function(borel_options target)
  get_target_property(type ${target} TYPE)
  if(BOREL_SANITIZE AND type STREQUAL EXECUTABLE)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:borel_sanitizer_options>)
  endif()
  target_include_directories(${target} PUBLIC ${BOREL_ROOT} ${BOREL_ROOT}/runtime/include)
  # Generated headers (TableGen, ANTLR) are held to no warnings of ours.
  target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                         -Wno-sign-conversion -Werror
                         # GCC 12 warns of overlap in "a" + std::string (GCC bug 105651), and of
                         # the payload of an empty std::optional that is only moved.
                         $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>
                         $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
endfunction()

set(BOREL_LLVM_ROOT /usr/lib/llvm-19 CACHE PATH "LLVM 19 with MLIR")
function(borel_use_mlir target)
  target_include_directories(${target} SYSTEM PUBLIC ${BOREL_LLVM_ROOT}/include)
  # Debian's LLVM is built with NDEBUG; some of its classes change size without it.
  target_compile_definitions(${target} PRIVATE NDEBUG)
  target_link_libraries(${target} PUBLIC ${BOREL_LLVM_ROOT}/lib/libMLIR.so ${BOREL_LLVM_ROOT}/lib/libLLVM.so)
endfunction()

# borel_test(NAME SOURCES… DEPENDS…): a GoogleTest executable registered with ctest.
function(borel_test name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;DEPENDS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  borel_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gtest_main Threads::Threads)
  if(ARG_MLIR)
    borel_use_mlir(${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# Helpers that every folder's CMakeLists.txt uses.

find_package(Threads REQUIRED)
get_filename_component(BOREL_ROOT ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

# borel_library(NAME SOURCES… [DEPENDS targets…] [MLIR]): a static library borel_NAME with the
# project's warnings; MLIR adds LLVM's and MLIR's headers (as system headers) and shared libraries.
function(borel_library name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(borel_${name} STATIC ${ARG_SOURCES})
  borel_options(borel_${name})
  target_link_libraries(borel_${name} PUBLIC ${ARG_DEPENDS})
  if(ARG_MLIR)
    borel_use_mlir(borel_${name})
  endif()
endfunction()

function(borel_options target)
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

# Code for prob IR, against the interpreter of tests/measure.
add_library(borel_codegen_emit_support STATIC ${CMAKE_CURRENT_LIST_DIR}/codegen_emit_support.cpp)
borel_options(borel_codegen_emit_support)
borel_use_mlir(borel_codegen_emit_support)
find_package(GTest REQUIRED)
target_link_libraries(borel_codegen_emit_support PUBLIC borel_codegen borel_measure GTest::gtest)

foreach(area loops arrays program)
  borel_test(codegen_emit_${area}_test MLIR
             SOURCES ${CMAKE_CURRENT_LIST_DIR}/codegen_emit_${area}_test.cpp
             DEPENDS borel_codegen_emit_support)
endforeach()

borel_test(codegen_emit_random_test MLIR
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/codegen_emit_random_test.cpp
                   ${CMAKE_SOURCE_DIR}/tests/measure/function_expressions.cpp
                   ${CMAKE_SOURCE_DIR}/tests/measure/function_generator.cpp
                   ${CMAKE_SOURCE_DIR}/tests/measure/writer.cpp
           DEPENDS borel_codegen_emit_support)

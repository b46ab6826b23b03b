# Elementary functions and the engine. The references have 113 bits (libquadmath comes with gcc).
add_library(borel_codegen_elementary_support STATIC
            ${CMAKE_CURRENT_LIST_DIR}/codegen_elementary_support.cpp)
borel_options(borel_codegen_elementary_support)
borel_use_mlir(borel_codegen_elementary_support)
target_link_libraries(borel_codegen_elementary_support PUBLIC borel_codegen_engine quadmath)

foreach(area exp_log gamma normal power trigonometric)
  borel_test(codegen_elementary_${area}_test MLIR
             SOURCES ${CMAKE_CURRENT_LIST_DIR}/codegen_elementary_${area}_test.cpp
             DEPENDS borel_codegen_elementary_support)
endforeach()

borel_test(codegen_engine_test MLIR
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/codegen_engine_test.cpp
           DEPENDS borel_codegen_engine ${CMAKE_DL_LIBS})

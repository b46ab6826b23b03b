# The runtime: one test a folder, and the allocation test, which replaces operator new.
set(folder ${CMAKE_CURRENT_LIST_DIR}/runtime)

add_library(runtime_test_program STATIC ${folder}/toy_program.cpp)
borel_options(runtime_test_program)
target_link_libraries(runtime_test_program PUBLIC borel_runtime_io)

borel_test(runtime_core_test SOURCES ${folder}/core_test.cpp ${folder}/philox_test.cpp
           DEPENDS runtime_test_program)
borel_test(runtime_loop_test SOURCES ${folder}/loop_test.cpp DEPENDS runtime_test_program)
borel_test(runtime_io_test
           SOURCES ${folder}/summary_statistics_test.cpp
           DEPENDS runtime_test_program)
target_compile_definitions(runtime_io_test PRIVATE BOREL_RUNTIME_TEST_FOLDER="${folder}")

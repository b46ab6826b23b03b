# The runtime: one test a folder, and the allocation test, which replaces malloc.
set(runtime_tests ${CMAKE_CURRENT_LIST_DIR}/runtime)

add_library(runtime_test_program STATIC ${runtime_tests}/toy_program.cpp)
borel_options(runtime_test_program)
target_link_libraries(runtime_test_program PUBLIC borel_runtime_io)

borel_test(runtime_core_test SOURCES ${runtime_tests}/core_test.cpp ${runtime_tests}/density_test.cpp ${runtime_tests}/philox_test.cpp
           DEPENDS runtime_test_program)
borel_test(runtime_loop_test SOURCES ${runtime_tests}/loop_test.cpp ${runtime_tests}/states_test.cpp
           DEPENDS runtime_test_program)
borel_test(runtime_io_test
           SOURCES ${runtime_tests}/checkpoint_test.cpp ${runtime_tests}/csv_test.cpp ${runtime_tests}/data_test.cpp
                   ${runtime_tests}/filter_report_test.cpp ${runtime_tests}/report_test.cpp ${runtime_tests}/summary_statistics_test.cpp
           DEPENDS runtime_test_program)
target_compile_definitions(runtime_io_test PRIVATE BOREL_RUNTIME_TEST_FOLDER="${runtime_tests}")
borel_test(runtime_allocation_test
           SOURCES ${runtime_tests}/allocation_test.cpp
                   ${CMAKE_SOURCE_DIR}/tests/run/allocation_count.cpp
           DEPENDS runtime_test_program)

# The files as other programs read them.
add_executable(runtime_write_draws ${runtime_tests}/write_draws.cpp)
borel_options(runtime_write_draws)
target_link_libraries(runtime_write_draws PRIVATE runtime_test_program)
borel_reader_test(runtime_draws_in_rstan "${BOREL_RSCRIPT}" ${runtime_tests}/read_draws.R
                  $<TARGET_FILE:runtime_write_draws>)
borel_reader_test(runtime_draws_in_cmdstanpy "${BOREL_READERS_PYTHON}" ${runtime_tests}/read_draws.py
                  $<TARGET_FILE:runtime_write_draws>)

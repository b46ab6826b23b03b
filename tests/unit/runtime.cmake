# The runtime: one test a folder, and the allocation test, which replaces operator new.
set(folder ${CMAKE_CURRENT_LIST_DIR}/runtime)

add_library(runtime_test_program STATIC ${folder}/toy_program.cpp)
borel_options(runtime_test_program)
target_link_libraries(runtime_test_program PUBLIC borel_runtime_io)

borel_test(runtime_core_test SOURCES ${folder}/core_test.cpp ${folder}/density_test.cpp ${folder}/philox_test.cpp
           DEPENDS runtime_test_program)
borel_test(runtime_loop_test SOURCES ${folder}/loop_test.cpp DEPENDS runtime_test_program)
borel_test(runtime_io_test
           SOURCES ${folder}/csv_test.cpp ${folder}/data_test.cpp
                   ${folder}/report_test.cpp ${folder}/summary_statistics_test.cpp
           DEPENDS runtime_test_program)
target_compile_definitions(runtime_io_test PRIVATE BOREL_RUNTIME_TEST_FOLDER="${folder}")
borel_test(runtime_allocation_test SOURCES ${folder}/allocation_test.cpp
           DEPENDS runtime_test_program)

# The files as other programs read them.
add_executable(runtime_write_draws ${folder}/write_draws.cpp)
borel_options(runtime_write_draws)
target_link_libraries(runtime_write_draws PRIVATE runtime_test_program)
find_program(BOREL_RSCRIPT Rscript)
if(BOREL_RSCRIPT)
  add_test(NAME runtime_draws_in_rstan
           COMMAND ${BOREL_RSCRIPT} ${folder}/read_draws.R $<TARGET_FILE:runtime_write_draws>)
  set_tests_properties(runtime_draws_in_rstan PROPERTIES SKIP_RETURN_CODE 77)
endif()
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME runtime_draws_in_python
           COMMAND Python3::Interpreter ${folder}/read_draws.py $<TARGET_FILE:runtime_write_draws>)
  set_tests_properties(runtime_draws_in_python PROPERTIES SKIP_RETURN_CODE 77)
endif()

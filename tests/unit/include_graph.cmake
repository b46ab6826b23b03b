find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME include_graph
         COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/include_graph.py ${CMAKE_SOURCE_DIR})

borel_test(unit_syntax
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/syntax_parse.cpp ${CMAKE_CURRENT_LIST_DIR}/syntax_errors.cpp
          ${CMAKE_CURRENT_LIST_DIR}/syntax_files.cpp
  DEPENDS borel_syntax borel_support)
target_compile_definitions(unit_syntax PRIVATE BOREL_SOURCE_DIR="${BOREL_ROOT}")

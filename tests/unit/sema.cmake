borel_test(unit_sema
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/sema_files.cpp ${CMAKE_CURRENT_LIST_DIR}/sema_print.cpp
          ${CMAKE_CURRENT_LIST_DIR}/sema_options.cpp ${CMAKE_CURRENT_LIST_DIR}/sema_size.cpp
          ${CMAKE_CURRENT_LIST_DIR}/sema_validity.cpp
  DEPENDS borel_sema borel_syntax borel_support)
target_compile_definitions(unit_sema PRIVATE BOREL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

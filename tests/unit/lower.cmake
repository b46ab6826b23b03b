borel_test(unit_lower
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/lower_test.cpp ${CMAKE_CURRENT_LIST_DIR}/lower_derive_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/lower_machine_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/lower_support.cpp
  DEPENDS borel_lower borel_transform borel_measure MLIR)

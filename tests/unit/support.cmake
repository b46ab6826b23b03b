borel_test(unit_support
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/support_test.cpp
  DEPENDS borel_support)

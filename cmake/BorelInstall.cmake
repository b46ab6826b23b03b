# What is installed, in two components that are Debian packages too: `compiler` (package borel) and
# `dev` (package libborel-dev: headers, libborel_rt.a and what finds them). They need the targets borel
# and borel_rt, not all the tests: CMAKE_SKIP_INSTALL_ALL_DEPENDENCY.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
add_executable(Borel::borel ALIAS borel)
add_library(Borel::rt ALIAS borel_rt)

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Borel)

# The compiler.
set_target_properties(borel PROPERTIES INSTALL_RPATH "${BOREL_LLVM_ROOT}/lib")
foreach(kind INTERFACE_INCLUDE_DIRECTORIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES)
  set_property(TARGET borel PROPERTY ${kind})  # nobody includes what is a program's
endforeach()
install(TARGETS borel EXPORT BorelCompilerTargets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)
install(EXPORT BorelCompilerTargets NAMESPACE Borel:: DESTINATION ${package_folder}
        COMPONENT compiler)
# A copy of the library to read and to edit: the compiler has its own.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/stdlib/ DESTINATION ${CMAKE_INSTALL_DATADIR}/borel/stdlib
        COMPONENT compiler FILES_MATCHING PATTERN "*.ppl")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT compiler)

# The runtime. What its own build includes is no matter of those who link it.
foreach(kind INTERFACE_INCLUDE_DIRECTORIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES)
  get_target_property(folders borel_rt ${kind})
  if(folders)
    list(TRANSFORM folders REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")
    set_property(TARGET borel_rt PROPERTY ${kind} ${folders})
  endif()
endforeach()
set_target_properties(borel_rt PROPERTIES EXPORT_NAME rt)
target_link_libraries(borel_rt INTERFACE m Threads::Threads ${CMAKE_DL_LIBS})
install(TARGETS borel_rt EXPORT BorelRuntimeTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT BorelRuntimeTargets NAMESPACE Borel:: DESTINATION ${package_folder} COMPONENT dev)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/runtime/include/borel
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/BorelConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/package/BorelConfig.cmake
                              INSTALL_DESTINATION ${package_folder}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/BorelConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH back_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/borel.pc.in ${CMAKE_BINARY_DIR}/package/borel.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/BorelConfig.cmake
              ${CMAKE_BINARY_DIR}/package/BorelConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/BorelAddModel.cmake
        DESTINATION ${package_folder} COMPONENT dev)
install(FILES ${CMAKE_BINARY_DIR}/package/borel.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# Debian packages: cpack -G DEB
set(CPACK_PACKAGE_NAME borel)
set(CPACK_PACKAGE_CONTACT "The authors of Borel")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Compiler of probabilistic programs")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL compiler dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_COMPILER_PACKAGE_NAME borel)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SHLIBDEPS ON)
# By the path on which the library of MLIR lies there is a link to that of LLVM too, of the package
# for developers, which dpkg-shlibdeps does not follow.
set(CPACK_DEBIAN_COMPILER_PACKAGE_DEPENDS libllvm19)
set(CPACK_DEBIAN_COMPILER_PACKAGE_RECOMMENDS "lld | gcc")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libborel-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS borel)
set(CPACK_COMPONENT_COMPILER_DESCRIPTION "Compiles probabilistic programs (.ppl) to native code.")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Headers and static library for C and C++ applications with compiled probabilistic programs.")
include(CPack)

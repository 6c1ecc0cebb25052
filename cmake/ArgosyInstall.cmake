# `cmake --install build --prefix P`: the program, libargosy.so and libargosy_client.so with their headers, and what find_package(argosy) and
# pkg-config read.
# All of it can be moved: nothing names P.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# argosy_pkg_config(FILE LIBRARY DESCRIPTION)
function(argosy_pkg_config file library description)
  file(RELATIVE_PATH to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  file(CONFIGURE OUTPUT ${file}.pc @ONLY CONTENT [[
prefix=${pcfiledir}/@to_prefix@
libdir=${prefix}/@CMAKE_INSTALL_LIBDIR@
includedir=${prefix}/@CMAKE_INSTALL_INCLUDEDIR@

Name: @file@
Description: @description@
Version: @PROJECT_VERSION@
Libs: -L${libdir} -l@library@
Cflags: -I${includedir}
]])
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

function(argosy_install program library client)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/argosy)
  install(TARGETS ${program})
  if(TARGET argosy_cuda)
    install(TARGETS argosy_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)  # where the program looks for it
  endif()
  install(TARGETS ${library} ${client} EXPORT argosy)
  install(FILES library/argosy.h library/argosy.hpp client/argosy_client.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT argosy NAMESPACE argosy:: FILE argosyTargets.cmake DESTINATION ${package})

  file(CONFIGURE OUTPUT argosyConfig.cmake CONTENT "include(\"\${CMAKE_CURRENT_LIST_DIR}/argosyTargets.cmake\")\n" @ONLY)
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/argosyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/argosyConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/argosyConfigVersion.cmake DESTINATION ${package})

  argosy_pkg_config(argosy argosy "Search of a product retrieval store in the process of the program that asks")
  argosy_pkg_config(argosy_client argosy_client "Client of argosy serve, which searches a product retrieval store")
endfunction()

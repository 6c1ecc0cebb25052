# `cmake --install build --prefix P`: the program, libargosy.so with its headers, and what find_package(argosy) and pkg-config read.
# All of it can be moved: nothing names P.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(argosy_install program library)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/argosy)
  install(TARGETS ${program})
  if(TARGET argosy_cuda)
    install(TARGETS argosy_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)  # where the program looks for it
  endif()
  install(TARGETS ${library} EXPORT argosy)
  install(FILES library/argosy.h library/argosy.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT argosy NAMESPACE argosy:: FILE argosyTargets.cmake DESTINATION ${package})

  file(CONFIGURE OUTPUT argosyConfig.cmake CONTENT "include(\"\${CMAKE_CURRENT_LIST_DIR}/argosyTargets.cmake\")\n" @ONLY)
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/argosyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/argosyConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/argosyConfigVersion.cmake DESTINATION ${package})

  file(RELATIVE_PATH to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  file(CONFIGURE OUTPUT argosy.pc @ONLY CONTENT [[
prefix=${pcfiledir}/@to_prefix@
libdir=${prefix}/@CMAKE_INSTALL_LIBDIR@
includedir=${prefix}/@CMAKE_INSTALL_INCLUDEDIR@

Name: argosy
Description: Search of a product retrieval store in the process of the program that asks
Version: @PROJECT_VERSION@
Libs: -L${libdir} -largosy
Cflags: -I${includedir}
]])
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/argosy.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

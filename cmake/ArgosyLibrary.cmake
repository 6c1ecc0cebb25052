# argosy_shared_library(NAME ROOM room): libargosy.so of the room and all that it uses, whose only symbols are those of ROOM/exported.map,
# with the public headers <argosy.h> and <argosy.hpp>.
function(argosy_shared_library name)
  cmake_parse_arguments(ARG "" "ROOM" "" ${ARGN})
  set(exported ${CMAKE_SOURCE_DIR}/${ARG_ROOM}/exported.map)
  target_include_directories(argosy_${ARG_ROOM} PUBLIC ${CMAKE_SOURCE_DIR}/${ARG_ROOM})
  add_library(${name} SHARED $<TARGET_OBJECTS:argosy_${ARG_ROOM}>)
  target_link_libraries(${name} PRIVATE argosy_${ARG_ROOM})
  target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/${ARG_ROOM}> $<INSTALL_INTERFACE:include>)
  target_compile_features(${name} INTERFACE cxx_std_17)
  set_target_properties(${name} PROPERTIES OUTPUT_NAME argosy EXPORT_NAME argosy LINKER_LANGUAGE CXX LINK_DEPENDS ${exported}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_link_options(${name} PRIVATE LINKER:--version-script=${exported} LINKER:--exclude-libs,ALL)
  if(NOT ARGOSY_SANITIZE)
    target_link_options(${name} PRIVATE LINKER:--no-undefined)  # what the sanitisers add is the program's
  endif()
endfunction()

# argosy_shared_library(TARGET ROOM room NAMED name AS exported): libNAME.so of the room and all that it uses, which an installed Argosy has as
# argosy::EXPORTED. Its only symbols are those of ROOM/exported.map; its public headers stand in ROOM, and in `library`, whose they may include.
function(argosy_shared_library target)
  cmake_parse_arguments(ARG "" "ROOM;NAMED;AS" "" ${ARGN})
  set(exported ${CMAKE_SOURCE_DIR}/${ARG_ROOM}/exported.map)
  target_include_directories(argosy_${ARG_ROOM} PUBLIC ${CMAKE_SOURCE_DIR}/${ARG_ROOM})
  add_library(${target} SHARED $<TARGET_OBJECTS:argosy_${ARG_ROOM}>)
  target_link_libraries(${target} PRIVATE argosy_${ARG_ROOM})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/${ARG_ROOM}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/library> $<INSTALL_INTERFACE:include>)
  target_compile_features(${target} INTERFACE cxx_std_17)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${ARG_NAMED} EXPORT_NAME ${ARG_AS} LINKER_LANGUAGE CXX LINK_DEPENDS ${exported}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_link_options(${target} PRIVATE LINKER:--version-script=${exported} LINKER:--exclude-libs,ALL LINKER:--as-needed)
  if(NOT ARGOSY_SANITIZE)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)  # what the sanitisers add is the program's
  endif()
endfunction()

# argosy_room(NAME USES rooms... LINK libraries...): a static library `argosy_NAME` from NAME/**.cpp and NAME/*.fbs.
# Include paths: the root of the tree only, so that every include names its room.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED)
find_package(spdlog REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n data)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LibArchive REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CAF REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ArgosyLibraries REQUIRED)

find_program(ARGOSY_CCACHE ccache)
if(ARGOSY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ARGOSY_CCACHE})
endif()

add_library(argosy_options INTERFACE)
target_include_directories(argosy_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(argosy_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Werror
  -Wno-restrict   # GCC 12 sees overlapping copies inside std::string's operator+ where there are none (its bug 105651)
  -fno-math-errno $<$<BOOL:$<TARGET_PROPERTY:POSITION_INDEPENDENT_CODE>>:-fno-semantic-interposition> -march=${ARGOSY_ARCH})
if(ARGOSY_SANITIZE)
  # Only a check that may go on can be suppressed (tests/support/ubsan.supp); the tests' UBSAN_OPTIONS end the program after all others.
  target_compile_options(argosy_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined -fsanitize-recover=null
    -Wno-error)  # GCC warns of what the sanitisers themselves put in; the plain build decides
  target_link_options(argosy_options INTERFACE -fsanitize=address,undefined)
endif()

if(ARGOSY_FUZZ)
  target_compile_options(argosy_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined -Wno-error -Wno-unknown-warning-option)  # of warnings GCC decides
  target_link_options(argosy_options INTERFACE -fsanitize=address,undefined)
endif()

add_custom_target(argosy_generated)  # every header that flatc makes, without building anything else

function(argosy_room name)
  cmake_parse_arguments(ARG "" "" "USES;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/kernels/cuda/")  # a library of its own: cmake/ArgosyCuda.cmake
  file(GLOB fbs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.fbs)
  foreach(file ${fbs})
    get_filename_component(stem ${file} NAME_WE)
    set(out ${CMAKE_BINARY_DIR}/generated/${name}/${stem}_generated.h)
    add_custom_command(OUTPUT ${out}
      COMMAND ${ARGOSY_FLATC} --cpp --cpp-std c++17 -o ${CMAKE_BINARY_DIR}/generated/${name} ${file}
      DEPENDS ${file} COMMENT "flatc ${name}/${stem}.fbs")
    list(APPEND sources ${out})
    list(APPEND generated ${out})
  endforeach()
  if(generated)
    add_custom_target(argosy_${name}_generated DEPENDS ${generated})
    add_dependencies(argosy_generated argosy_${name}_generated)
  endif()
  if(NOT sources)
    add_library(argosy_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(argosy_${name} STATIC ${sources})
    set(scope PUBLIC)
  endif()
  target_link_libraries(argosy_${name} ${scope} argosy_options ${ARG_LINK})
  foreach(room ${ARG_USES})
    target_link_libraries(argosy_${name} ${scope} argosy_${room})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY ARGOSY_ROOMS ${name})
endfunction()

# argosy_program(NAME ROOM room): the executable from ROOM/main.cpp.
function(argosy_program name)
  cmake_parse_arguments(ARG "" "ROOM" "" ${ARGN})
  add_executable(${name} ${CMAKE_SOURCE_DIR}/${ARG_ROOM}/main.cpp)
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)  # for the plug-in
  target_link_libraries(${name} PRIVATE argosy_${ARG_ROOM})
endfunction()

# argosy_lone_headers(TARGET): every header compiled alone, so that each includes what it needs. One generated file a header, which includes
# nothing else; not part of a plain build.
function(argosy_lone_headers target)
  get_property(rooms GLOBAL PROPERTY ARGOSY_ROOMS)
  foreach(folder ${rooms} tests)
    file(GLOB_RECURSE headers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.hpp)
    foreach(header ${headers})
      set(alone ${CMAKE_BINARY_DIR}/headers/${header}.cpp)
      file(CONFIGURE OUTPUT ${alone} CONTENT "#include \"${header}\"\n")
      list(APPEND sources ${alone})
    endforeach()
  endforeach()
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${target} PRIVATE argosy_test_support)
  target_include_directories(${target} BEFORE PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/cuda_on_host)  # headers of kernels/cuda, without CUDA
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/library)  # <argosy.h>, as users include it
  target_compile_options(${target} PRIVATE -O0 -Wno-unknown-pragmas)
endfunction()

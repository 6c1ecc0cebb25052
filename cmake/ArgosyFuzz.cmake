# The fuzzers of tests/fuzz, one program a target, with clang's libFuzzer (preset `fuzz`). Built of the sources that read what strangers send
# and of what these need, not of whole rooms: neither models nor kernels nor actors.
set(fuzzed_rooms base schema index)
set(fuzzed_sources
  data/catalogue_fields.cpp data/catalogue_values.cpp data/normalise.cpp data/utf8.cpp kernels/operators/checks.cpp
  net/host_and_port.cpp net/http_server.cpp net/listening.cpp net/query_string.cpp net/secret_file.cpp net/tls_context.cpp search/product_edit.cpp tests/support/folders.cpp)
foreach(room ${fuzzed_rooms})
  file(GLOB sources CONFIGURE_DEPENDS ${room}/*.cpp)
  list(APPEND fuzzed_sources ${sources})
endforeach()

add_library(argosy_fuzzed STATIC EXCLUDE_FROM_ALL ${fuzzed_sources})
add_dependencies(argosy_fuzzed argosy_generated)
target_compile_definitions(argosy_fuzzed PUBLIC ARGOSY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(argosy_fuzzed PUBLIC argosy_options spdlog::spdlog argosy::flatbuffers argosy::xxhash ICU::uc ICU::i18n
  LibArchive::LibArchive OpenMP::OpenMP_CXX argosy::eigen argosy::roaring argosy::json argosy::boost OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

add_library(argosy_fuzz_driver OBJECT EXCLUDE_FROM_ALL tests/fuzz/driver/fuzzer.cpp)
target_link_libraries(argosy_fuzz_driver PRIVATE argosy_options)

add_custom_target(argosy_fuzzers)
file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/*.cpp)
list(FILTER fuzz_targets EXCLUDE REGEX "/replay\\.cpp$")
foreach(source ${fuzz_targets})
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${source} $<TARGET_OBJECTS:argosy_fuzz_driver>)
  target_link_libraries(fuzz_${name} PRIVATE argosy_fuzzed)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_dependencies(argosy_fuzzers fuzz_${name})
endforeach()

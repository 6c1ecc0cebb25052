# argosy_texts(ROOM HEADER files...): text files of a room in its library, each as the `std::string_view` that HEADER declares:
# search_page.html is search_page_html. The same file, run as a script, writes one of them:
#   cmake -DHEADER=actors/search_page.hpp -DFILE=.../search_page.html -DOUT=... -P cmake/ArgosyTexts.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  get_filename_component(name ${FILE} NAME)
  string(MAKE_C_IDENTIFIER ${name} name)
  file(READ ${FILE} text)
  string(FIND "${text}" ")argosy_text\"" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${FILE}: want a text without the end of a raw string, found one")
  endif()
  file(WRITE ${OUT} "#include \"${HEADER}\"\n\nconst std::string_view argosy::${name} = R\"argosy_text(${text})argosy_text\";\n")
  return()
endif()

set(ARGOSY_TEXTS_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(argosy_texts room header)
  foreach(file ${ARGN})
    set(from ${CMAKE_SOURCE_DIR}/${room}/${file})
    set(out ${CMAKE_BINARY_DIR}/generated/${room}/${file}.cpp)
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DHEADER=${room}/${header} -DFILE=${from} -DOUT=${out} -P ${ARGOSY_TEXTS_SCRIPT}
      DEPENDS ${from} ${ARGOSY_TEXTS_SCRIPT} COMMENT "embed ${room}/${file}")
    target_sources(argosy_${room} PRIVATE ${out})
  endforeach()
endfunction()

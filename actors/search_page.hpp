// The search page of a server: HTML, style and script in the program itself (cmake/ArgosyTexts.cmake), which load nothing from elsewhere.
//   /  /search.css  /search.js
// The script asks the server's own paths (actors/http_endpoint.hpp) and writes what they answer as text, never as HTML. The page's policy allows
// what comes from this server alone, and no script or style within the HTML. Of a server that wants a key it asks for one, which it keeps for as
// long as its window is open (sessionStorage).
#pragma once

#include <optional>
#include <string_view>

#include "net/http_server.hpp"

namespace argosy {

// None: no file of the page.
std::optional<http_reply> page_file(std::string_view path);

// Of search_page.html, .css and .js.
extern const std::string_view search_page_html, search_page_css, search_page_js;

}  // namespace argosy

#include "actors/search_page.hpp"

#include <string>

namespace argosy {
namespace {

constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'";

// Asked for anew each time: another program may be there after the next start.
http_reply file(std::string_view text, std::string_view type) {
  http_reply reply{200, std::string(text), type};
  reply.fields.emplace_back("Content-Security-Policy", std::string(policy));
  reply.fields.emplace_back("Referrer-Policy", "no-referrer");
  reply.fields.emplace_back("Cache-Control", "no-cache");
  return reply;
}

}  // namespace

std::optional<http_reply> page_file(std::string_view path) {
  if (path == "/") return file(search_page_html, "text/html; charset=utf-8");
  if (path == "/search.css") return file(search_page_css, "text/css; charset=utf-8");
  if (path == "/search.js") return file(search_page_js, "text/javascript; charset=utf-8");
  return std::nullopt;
}

}  // namespace argosy

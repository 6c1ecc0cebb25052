#include "actors/http_rights.hpp"

#include "actors/json_reply.hpp"
#include "actors/search_page.hpp"

namespace argosy {
namespace {

bool is_open(std::string_view path) { return path == "/healthz" || path == "/readyz" || page_file(path).has_value(); }

// The key of `Bearer KEY`, whose scheme is of any case (RFC 9110, 11.1); empty: there is none.
std::string_view key_of(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != scheme[i]) return {};
  }
  return authorization.substr(scheme.size());
}

http_reply unknown(const std::string& message, std::string challenge) {
  http_reply refused = error_reply(401, message);
  refused.fields.emplace_back("WWW-Authenticate", std::move(challenge));
  return refused;
}

}  // namespace

std::optional<http_reply> http_rights::refusal_of(const http_request& request, std::string_view path) {
  if (request.method == "GET" && is_open(path)) return std::nullopt;
  const std::string_view key = key_of(request.authorization);
  if (key.empty()) return unknown("want a key: Authorization: Bearer KEY", "Bearer realm=\"argosy\"");
  const known_client* who = known_.find_key(key);
  if (who == nullptr) return unknown("the key is not known", "Bearer realm=\"argosy\", error=\"invalid_token\"");
  const rights wanted = request.method == "GET" ? rights::read : rights::write;
  if (who->may >= wanted) return std::nullopt;
  return error_reply(403, "want a key that may write, got that of " + who->name + ", which may read");
}

}  // namespace argosy

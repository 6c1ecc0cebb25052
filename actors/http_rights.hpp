// Who may ask the HTTP endpoint what: `Authorization: Bearer KEY`, of a file of keys (net/access_file.hpp).
//   read     everything but what changes products: GET and HEAD
//   write    every method
//   nobody   /healthz, /readyz and the search page's own files need no key: they hold no data
// Refusals   401 with WWW-Authenticate for no key or one that is not known, 403 for one without the right.
// Threads    the server's.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "net/access_file.hpp"
#include "net/http_server.hpp"

namespace argosy {

class http_rights {
public:
  explicit http_rights(access_file known) : known_(std::move(known)) {}

  // None: it may be answered.
  std::optional<http_reply> refusal_of(const http_request&, std::string_view path);

private:
  access_file known_;
};

}  // namespace argosy

// What a node of a cluster proves itself with to the others, over TLS on both sides: a certificate signed by the cluster's own authority, or
// the secret that all nodes share. With certificates one node's key that was lost lets in no other's; a secret is one file for all.
#pragma once

#include <filesystem>

#include "net/tls_files.hpp"

namespace argosy {

// Files of PEM, all three, or the secret's, or none.
struct node_credentials {
  tls_files own = {};
  std::filesystem::path authority = {};
  std::filesystem::path secret = {};  // one line of at least 32 characters that nobody guesses: `openssl rand -hex 32`
  bool none() const noexcept { return own.certificate.empty() && own.key.empty() && authority.empty() && secret.empty(); }
};

}  // namespace argosy

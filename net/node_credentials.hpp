// What a node of a cluster proves itself with to the others: TLS on both sides, certificates signed by the cluster's own authority.
#pragma once

#include <filesystem>

#include "net/tls_files.hpp"

namespace argosy {

// PEM files: all or none.
struct node_credentials {
  tls_files own;
  std::filesystem::path authority;
  bool none() const noexcept { return own.certificate.empty() && own.key.empty() && authority.empty(); }
};

}  // namespace argosy

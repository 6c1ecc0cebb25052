// What a node of a cluster proves itself with to the others: TLS on both sides, certificates signed by the cluster's own authority.
#pragma once

#include <filesystem>

namespace argosy {

// PEM files: all or none.
struct node_credentials {
  std::filesystem::path certificate, key, authority;
  bool none() const noexcept { return certificate.empty() && key.empty() && authority.empty(); }
};

}  // namespace argosy

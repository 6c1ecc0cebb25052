// What a server shows who it is with: files of PEM.
#pragma once

#include <filesystem>

namespace argosy {

struct tls_files {
  std::filesystem::path certificate;  // and those that signed it, one after the other, but the last
  std::filesystem::path key;          // of the certificate, without a password
};

}  // namespace argosy

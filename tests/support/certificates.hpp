// An authority of a test's own, and what it signs: keys of P-256 and certificates of a day, as files of PEM.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

#include "net/tls_files.hpp"

namespace argosy::test {

class certificate_authority {
public:
  // Its own certificate is NAME.crt in that folder. Throws where OpenSSL fails.
  certificate_authority(std::filesystem::path folder, const std::string& name);
  const std::filesystem::path& certificate() const noexcept { return certificate_; }
  // NAME.crt and NAME.key; `hosts` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". A password encrypts the key.
  tls_files issue(const std::string& name, const std::string& hosts, const std::string& password = {}) const;

private:
  struct free_key {
    void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
  };
  struct free_certificate {
    void operator()(X509* one) const { X509_free(one); }
  };
  using key = std::unique_ptr<EVP_PKEY, free_key>;
  using signed_certificate = std::unique_ptr<X509, free_certificate>;
  static key new_key();
  signed_certificate sign(const std::string& name, EVP_PKEY* of, const std::string& extension, const std::string& value) const;
  std::filesystem::path write(const std::string& name, X509* one) const;
  std::filesystem::path folder_, certificate_;
  std::string name_;
  key key_;
};

}  // namespace argosy::test

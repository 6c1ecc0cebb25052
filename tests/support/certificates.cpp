#include "tests/support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace argosy::test {
namespace {

using file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

file opened(const std::filesystem::path& path) {
  file made(std::fopen(path.c_str(), "w"), &std::fclose);
  require(made != nullptr, path.c_str());
  return made;
}

}  // namespace

certificate_authority::certificate_authority(std::filesystem::path folder, const std::string& name)
    : folder_(std::move(folder)), name_(name), key_(new_key()) {
  certificate_ = write(name, sign(name, key_.get(), "basicConstraints", "critical,CA:TRUE").get());
}

certificate_authority::key certificate_authority::new_key() {
  key made(EVP_EC_gen("P-256"));
  require(made != nullptr, "EVP_EC_gen");
  return made;
}

certificate_authority::signed_certificate certificate_authority::sign(const std::string& name, EVP_PKEY* of, const std::string& extension,
                                                                      const std::string& value) const {
  static long serial = 0;
  signed_certificate one(X509_new());
  const auto named = [](X509_NAME* where, const std::string& text) {
    require(X509_NAME_add_entry_by_txt(where, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0) == 1,
            "X509_NAME_add_entry_by_txt");
  };
  X509_set_version(one.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(one.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(one.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(one.get()), 86'400);
  X509_set_pubkey(one.get(), of);
  named(X509_get_subject_name(one.get()), name);
  named(X509_get_issuer_name(one.get()), name_);
  const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> more(
      X509V3_EXT_conf_nid(nullptr, nullptr, OBJ_txt2nid(extension.c_str()), value.c_str()), &X509_EXTENSION_free);
  require(more != nullptr && X509_add_ext(one.get(), more.get(), -1) == 1, "X509_add_ext");
  require(X509_sign(one.get(), key_.get(), EVP_sha256()) > 0, "X509_sign");
  return one;
}

std::filesystem::path certificate_authority::write(const std::string& name, X509* one) const {
  const std::filesystem::path path = folder_ / (name + ".crt");
  require(PEM_write_X509(opened(path).get(), one) == 1, "PEM_write_X509");
  return path;
}

tls_files certificate_authority::issue(const std::string& name, const std::string& hosts, const std::string& password) const {
  const key own = new_key();
  const tls_files made{write(name, sign(name, own.get(), "subjectAltName", hosts).get()), folder_ / (name + ".key")};
  const EVP_CIPHER* const cipher = password.empty() ? nullptr : EVP_aes_128_cbc();
  require(PEM_write_PKCS8PrivateKey(opened(made.key).get(), own.get(), cipher, password.data(), static_cast<int>(password.size()), nullptr,
                                    nullptr) == 1,
          "PEM_write_PKCS8PrivateKey");
  ::chmod(made.key.c_str(), 0600);
  return made;
}

}  // namespace argosy::test

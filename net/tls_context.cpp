#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string>

#include "net/secret_file.hpp"

namespace argosy {
namespace {

namespace ssl = boost::asio::ssl;

// What OpenSSL said last; it forgets it.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "no reason" : text;
}

status refused(const std::filesystem::path& file, const std::string& wanted) {
  return {errc::invalid_argument, file.string() + ": want " + wanted + ", found: " + reason()};
}

int no_password(char*, int, int, void*) { return -1; }  // nobody is there to type it

tls_context made(ssl::context::method which) {
  ERR_clear_error();
  auto context = std::make_shared<ssl::context>(which);
  SSL_CTX* const it = context->native_handle();
  SSL_CTX_set_min_proto_version(it, TLS1_2_VERSION);
  SSL_CTX_set_options(it, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(it, SSL_MODE_RELEASE_BUFFERS);  // OpenSSL's own buffers go while a connection waits; Asio keeps 34 kB
  return context;
}

status show(ssl::context& in, const tls_files& files) {
  ARGOSY_TRY(check_mode(files.certificate, 0));
  ARGOSY_TRY(check_mode(files.key, for_others));
  SSL_CTX* const it = in.native_handle();
  SSL_CTX_set_default_passwd_cb(it, no_password);
  if (SSL_CTX_use_certificate_chain_file(it, files.certificate.c_str()) != 1) return refused(files.certificate, "a certificate in PEM");
  if (SSL_CTX_use_PrivateKey_file(it, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return refused(files.key, "the key of " + files.certificate.string() + " in PEM, without a password");
  return {};
}

status believe(ssl::context& in, const std::filesystem::path& authorities) {
  ARGOSY_TRY(check_mode(authorities, 0));
  if (SSL_CTX_load_verify_locations(in.native_handle(), authorities.c_str(), nullptr) != 1)
    return refused(authorities, "certificates in PEM");
  return {};
}

}  // namespace

result<tls_context> server_context(const tls_files& files) {
  tls_context context = made(ssl::context::tls_server);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  ARGOSY_TRY(show(*context, files));
  return context;
}

result<tls_context> client_context(const std::filesystem::path& authorities) {
  tls_context context = made(ssl::context::tls_client);
  SSL_CTX* const it = context->native_handle();
  SSL_CTX_set_verify(it, SSL_VERIFY_PEER, nullptr);
  if (!authorities.empty()) {
    ARGOSY_TRY(believe(*context, authorities));
  } else if (SSL_CTX_set_default_verify_paths(it) != 1) {
    return status(errc::unavailable, "the system's certificates: " + reason());
  }
  return context;
}

result<tls_context> node_context(const node_credentials& of) {
  if (of.own.certificate.empty() || of.own.key.empty() || of.authority.empty())
    return status(errc::invalid_argument, "want a node's certificate, its key and the authority that signs them, got some of the three");
  tls_context context = made(ssl::context::tls);
  ARGOSY_TRY(show(*context, of.own));
  ARGOSY_TRY(believe(*context, of.authority));
  SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

bool expect_name(SSL* of, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(of), host.c_str()) == 1) return true;
  if (SSL_set1_host(of, host.c_str()) != 1) return false;
  SSL_ctrl(of, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));  // its macro casts
  return true;
}

std::string mistrust_of(SSL* of) {
  const long found = SSL_get_verify_result(of);
  return found == X509_V_OK ? "" : std::string(": ") + X509_verify_cert_error_string(found);
}

}  // namespace argosy

#include "net/tls_context.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

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

// The nodes' secret is an external pre-shared key of TLS 1.3 (RFC 8446, section 2.2), beside a fresh exchange of keys: there is no certificate,
// so who does not prove that it has the key ends no handshake.
using shared_key = std::array<unsigned char, SHA256_DIGEST_LENGTH>;
constexpr std::size_t shortest_secret = 32;
constexpr std::string_view key_name = "argosy-node";
constexpr unsigned char key_cipher[] = {0x13, 0x01};  // TLS_AES_128_GCM_SHA256: the key is of its hash

const unsigned char* name_bytes() { return reinterpret_cast<const unsigned char*>(key_name.data()); }

void forget_key(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
  if (held == nullptr) return;
  OPENSSL_cleanse(held, sizeof(shared_key));
  delete static_cast<shared_key*>(held);
}

int place_of_key() {
  static const int place = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, forget_key);
  return place;
}

SSL_SESSION* session_of_key(SSL* of) {
  const auto* const key = static_cast<const shared_key*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(of), place_of_key()));
  const SSL_CIPHER* const cipher = SSL_CIPHER_find(of, key_cipher);
  SSL_SESSION* const made = SSL_SESSION_new();
  const bool whole = key != nullptr && cipher != nullptr && made != nullptr &&
                     SSL_SESSION_set1_master_key(made, key->data(), key->size()) == 1 && SSL_SESSION_set_cipher(made, cipher) == 1 &&
                     SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1 &&
                     SSL_SESSION_set1_id_context(made, name_bytes(), key_name.size()) == 1;
  if (whole) return made;
  SSL_SESSION_free(made);
  return nullptr;
}

int offer_key(SSL* of, const EVP_MD*, const unsigned char** name, std::size_t* name_size, SSL_SESSION** with) {
  *with = session_of_key(of);
  *name = name_bytes();
  *name_size = key_name.size();
  return *with != nullptr ? 1 : 0;
}

int find_key(SSL* of, const unsigned char* name, std::size_t name_size, SSL_SESSION** found) {
  const bool known = std::string_view(reinterpret_cast<const char*>(name), name_size) == key_name;
  *found = known ? session_of_key(of) : nullptr;
  return !known || *found != nullptr ? 1 : 0;
}

result<tls_context> secret_context(const std::filesystem::path& file) {
  ARGOSY_ASSIGN(std::string secret, read_secret(file));
  if (secret.size() < shortest_secret)
    return status(errc::invalid_argument, file.string() + ": want a secret of at least " + std::to_string(shortest_secret) +
                                              " characters, found " + std::to_string(secret.size()));
  constexpr std::string_view purpose = "argosy: TLS between nodes";
  auto key = std::make_unique<shared_key>();
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
       key->data(), &size);
  OPENSSL_cleanse(secret.data(), secret.size());
  tls_context context = made(ssl::context::tls);
  SSL_CTX* const it = context->native_handle();
  if (SSL_CTX_set_min_proto_version(it, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(it, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set_num_tickets(it, 0) != 1 || SSL_CTX_set_session_id_context(it, name_bytes(), key_name.size()) != 1 ||
      SSL_CTX_set_ex_data(it, place_of_key(), key.get()) != 1)
    return status(errc::unavailable, "OpenSSL without keys that are shared: " + reason());
  static_cast<void>(key.release());  // forget_key has it
  SSL_CTX_set_session_cache_mode(it, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_psk_use_session_callback(it, offer_key);
  SSL_CTX_set_psk_find_session_callback(it, find_key);
  SSL_CTX_set_verify(it, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);  // and no authority: no certificate is believed
  return context;
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
  const bool has_files = !of.own.certificate.empty() || !of.own.key.empty() || !of.authority.empty();
  if (has_files && !of.secret.empty()) return status(errc::invalid_argument, "want a node's certificate or the nodes' secret, got both");
  if (!of.secret.empty()) return secret_context(of.secret);
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

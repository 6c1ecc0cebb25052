#include "net/curve_keys.hpp"

#include <array>
#include <zmq.hpp>

#include "net/secret_file.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::size_t key_letters = 40;
using key_text = std::array<char, key_letters + 1>;

status check_curve() {
  if (zmq_has("curve") == 1) return {};
  return {errc::unavailable, "this machine's ZeroMQ has no CURVE"};
}

bool is_key(const std::string& text) {
  unsigned char bytes[32];
  return text.size() == key_letters && zmq_z85_decode(bytes, text.c_str()) != nullptr;
}

std::filesystem::path public_place(const std::filesystem::path& secret) { return secret.string() + ".pub"; }

}  // namespace

result<curve_pair> make_curve_pair() {
  ARGOSY_TRY(check_curve());
  key_text open{}, secret{};
  if (zmq_curve_keypair(open.data(), secret.data()) != 0) return status(errc::unavailable, zmq_strerror(zmq_errno()));
  return curve_pair{open.data(), secret.data()};
}

result<std::string> write_curve_pair(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(const curve_pair made, make_curve_pair());
  ARGOSY_TRY(write_new_file(path, made.secret_key, 0600));
  const status told = write_new_file(public_place(path), made.public_key, 0644);
  if (told.ok()) return made.public_key;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return told;
}

result<curve_pair> read_curve_secret(const std::filesystem::path& path) {
  ARGOSY_TRY(check_curve());
  ARGOSY_ASSIGN(std::string secret, read_secret(path));
  key_text open{};
  if (!is_key(secret) || zmq_curve_public(open.data(), secret.c_str()) != 0)
    return status(errc::invalid_argument, path.string() + ": want a secret key of 40 characters, as `argosy key curve` writes it, found " +
                                              std::to_string(secret.size()));
  return curve_pair{open.data(), std::move(secret)};
}

result<std::string> read_curve_public(const std::filesystem::path& path) {
  ARGOSY_TRY(check_curve());
  ARGOSY_ASSIGN(std::string key, read_file(path, 1024));
  if (key.ends_with('\n')) key.pop_back();
  if (is_key(key)) return key;
  return status(errc::invalid_argument, path.string() + ": want a public key of 40 characters, as `argosy key curve` writes it, found " +
                                            std::to_string(key.size()));
}

}  // namespace argosy

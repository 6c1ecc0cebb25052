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

status no_key(const std::string& place, std::string_view kind, const std::string& found) {
  return {errc::invalid_argument, place + ": want a " + std::string(kind) +
                                      " key of 40 characters, as `argosy key curve` writes it, found " + std::to_string(found.size())};
}

status check_public(const std::string& place, const std::string& key) { return is_key(key) ? status() : no_key(place, "public", key); }

result<curve_pair> pair_of(const std::string& place, std::string secret) {
  key_text open{};
  if (!is_key(secret) || zmq_curve_public(open.data(), secret.c_str()) != 0) return no_key(place, "secret", secret);
  return curve_pair{open.data(), std::move(secret)};
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
  return pair_of(path.string(), std::move(secret));
}

result<std::string> read_curve_public(const std::filesystem::path& path) {
  ARGOSY_TRY(check_curve());
  ARGOSY_ASSIGN(std::string key, read_file(path, 1024));
  if (key.ends_with('\n')) key.pop_back();
  ARGOSY_TRY(check_public(path.string(), key));
  return key;
}

result<curve_client_keys> read_curve_client(const curve_client_files& files) {
  curve_client_keys keys;
  if (files.server.empty()) return keys;
  ARGOSY_ASSIGN(keys.server, read_curve_public(files.server));
  ARGOSY_ASSIGN(keys.own, read_curve_secret(files.secret));
  return keys;
}

result<curve_client_keys> curve_client_of(std::string server, std::string secret) {
  ARGOSY_TRY(check_curve());
  curve_client_keys keys;
  ARGOSY_TRY(check_public("the server's key", server));
  ARGOSY_ASSIGN(keys.own, pair_of("the client's key", std::move(secret)));
  keys.server = std::move(server);
  return keys;
}

}  // namespace argosy

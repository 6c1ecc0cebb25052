#include "net/access_file.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <sstream>
#include <utility>
#include <zmq.hpp>

#include "base/log.hpp"
#include "net/secret_file.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t longest_file = 1u << 20;
constexpr std::size_t longest_name = 64;
constexpr std::chrono::seconds between_looks{1};
constexpr std::string_view key_prefix = "argosy-";  // a key that lies about is known for one
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string hex_of(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

std::string hash_of(std::string_view key) {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), sum);
  return hex_of(sum);
}

status check_name(const std::string& name) {
  if (!name.empty() && name.size() <= longest_name && name.find_first_not_of(letters) == std::string::npos) return {};
  return {errc::invalid_argument, "want a name of 1 to 64 letters, digits, `.`, `_` or `-`, found `" + name + "`"};
}

status check_proof(std::string& proof, proof_kind kind) {
  if (kind == proof_kind::public_key) {
    unsigned char key[32];
    if (proof.size() == 40 && zmq_z85_decode(key, proof.c_str()) != nullptr) return {};
    return {errc::invalid_argument, "want a public key of 40 characters, as `argosy key curve` writes it, found `" + proof + "`"};
  }
  std::transform(proof.begin(), proof.end(), proof.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (proof.size() == 2 * SHA256_DIGEST_LENGTH && proof.find_first_not_of("0123456789abcdef") == std::string::npos) return {};
  // Not shown: it may be a key, put there by mistake.
  return {errc::invalid_argument,
          "want the SHA-256 of a key, 64 hexadecimal digits, found " + std::to_string(proof.size()) + " characters"};
}

result<known_client> client_of(const std::string& line, proof_kind kind) {
  std::istringstream from(line);
  std::vector<std::string> words;
  for (std::string word; from >> word;) words.push_back(std::move(word));
  if (words.size() != 3)
    return status(errc::invalid_argument, std::string("want NAME RIGHTS ") + (kind == proof_kind::key_hash ? "SHA256" : "PUBLICKEY") +
                                              ", found " + std::to_string(words.size()) + (words.size() == 1 ? " word" : " words"));
  ARGOSY_TRY(check_name(words[0]));
  ARGOSY_ASSIGN(const rights may, rights_named(words[1]));
  ARGOSY_TRY(check_proof(words[2], kind));
  return known_client{std::move(words[0]), may, std::move(words[2])};
}

result<std::vector<known_client>> clients_of(const std::string& text, proof_kind kind) {
  std::vector<known_client> all;
  std::istringstream from(text);
  std::size_t number = 1;
  for (std::string line; std::getline(from, line); ++number) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    auto one = client_of(line, kind);
    if (!one.ok()) return one.failure().within(std::to_string(number));
    for (const known_client& before : all) {
      const bool named = before.name == one->name;
      if (named || before.proof == one->proof)
        return status(errc::invalid_argument,
                      std::to_string(number) + ": " + one->name + (named ? " is there twice" : " has the proof of " + before.name));
    }
    all.push_back(std::move(*one));
  }
  return all;
}

result<std::vector<known_client>> read_clients(const std::filesystem::path& path, proof_kind kind) {
  ARGOSY_TRY(check_mode(path, kind == proof_kind::key_hash ? for_group_and_others : written_by_group_or_others));
  ARGOSY_ASSIGN(const std::string text, read_file(path, longest_file));
  auto clients = clients_of(text, kind);
  if (clients.ok()) return clients;
  const status why = clients.failure();
  return status(why.code(), path.string() + ":" + why.message());
}

class descriptor {
public:
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const noexcept { return number_; }

private:
  int number_;
};

}  // namespace

std::string_view word_of(rights which) noexcept { return which == rights::write ? "write" : "read"; }

result<rights> rights_named(std::string_view word) {
  for (const rights one : {rights::read, rights::write})
    if (word == word_of(one)) return one;
  return status(errc::invalid_argument, "want read or write, found `" + std::string(word) + "`");
}

access_file::access_file(std::filesystem::path path, proof_kind kind, const clock_source& clock)
    : path_(std::move(path)), kind_(kind), clock_(&clock), looked_(clock.now()), read_(version_of(path_)) {}

result<access_file> access_file::open(const std::filesystem::path& path, proof_kind kind, const clock_source& clock) {
  access_file made(path, kind, clock);
  ARGOSY_ASSIGN(made.known_, read_clients(path, kind));
  return made;
}

access_file::version access_file::version_of(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  const auto ns = [](const timespec& at) { return at.tv_sec * std::int64_t{1'000'000'000} + at.tv_nsec; };
  return {found.st_ino, static_cast<std::uint64_t>(found.st_size), ns(found.st_mtim), ns(found.st_ctim)};
}

void access_file::look_again() {
  const steady_time now = clock_->now();
  if (now - looked_ < between_looks) return;
  looked_ = now;
  const version newest = version_of(path_);
  if (newest == read_) return;
  auto clients = read_clients(path_, kind_);
  // What could not be read now may be next time; of what is wrong once is told. Of the version before it was read: what changes meanwhile is another.
  const errc why = clients.failure().code();
  if (why != errc::io_error && why != errc::unavailable) read_ = newest;
  if (!clients.ok()) {
    if (std::string text = clients.failure().message(); text != refused_)
      log::warning((refused_ = std::move(text)) + "; who was known before goes on");
    return;
  }
  refused_.clear();
  known_ = std::move(*clients);
  log::info(path_.string() + ": read anew, known now: " + std::to_string(known_.size()));
}

const known_client* access_file::find(std::string_view proof) {
  look_again();
  const known_client* found = nullptr;
  for (const known_client& one : known_) {
    if (one.proof.size() == proof.size() && CRYPTO_memcmp(one.proof.data(), proof.data(), proof.size()) == 0) found = &one;
  }
  return found;
}

const known_client* access_file::find_key(std::string_view key) { return find(hash_of(key)); }

result<std::string> add_key(const std::filesystem::path& path, const std::string& name, rights may) {
  ARGOSY_TRY(check_name(name).within("--name"));
  const descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (file.number() < 0 || ::flock(file.number(), LOCK_EX) != 0) return status(errc::io_error, path.string() + ": " + std::strerror(errno));
  ARGOSY_ASSIGN(const std::vector<known_client> before, read_clients(path, proof_kind::key_hash));
  if (std::any_of(before.begin(), before.end(), [&](const known_client& one) { return one.name == name; }))
    return status(errc::invalid_argument, path.string() + ": " + name + " has a key already; take its line out to make another");
  ARGOSY_ASSIGN(const std::string text, read_file(path, longest_file));

  unsigned char secret[32];
  if (RAND_bytes(secret, sizeof secret) != 1) return status(errc::unavailable, "OpenSSL has no random bytes");
  std::string key = std::string(key_prefix) + hex_of(secret);
  const std::string line =
      (text.empty() || text.ends_with('\n') ? "" : "\n") + name + " " + std::string(word_of(may)) + " " + hash_of(key) + "\n";
  if (::write(file.number(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) || ::fsync(file.number()) != 0) {
    const status why(errc::io_error, path.string() + ": " + std::strerror(errno));
    static_cast<void>(!::ftruncate(file.number(), static_cast<off_t>(text.size())));  // half a line would be a wrong one
    return why;
  }
  return key;
}

}  // namespace argosy

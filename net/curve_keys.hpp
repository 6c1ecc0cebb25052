// CURVE, ZeroMQ's encryption (RFC 26): each side has a pair of keys, knows the other's public one, and takes messages from nobody else.
//     FILE       the secret key, 40 characters of Z85, which its owner alone may read
//     FILE.pub   the public one, for the other side
// Errors   name the file; unavailable: a ZeroMQ without it.
#pragma once

#include <filesystem>
#include <string>

#include "base/status.hpp"

namespace argosy {

// Of a server.
struct curve_server_files {
  std::filesystem::path secret;   // empty: no CURVE
  std::filesystem::path clients;  // who may ask: net/access_file.hpp, public keys
};

// Of a client.
struct curve_client_files {
  std::filesystem::path server;  // its public key; empty: no CURVE
  std::filesystem::path secret;  // the client's own
};

struct curve_pair {
  std::string public_key, secret_key;
};

// What is in a client's files.
struct curve_client_keys {
  std::string server;  // its public key; empty: no CURVE
  curve_pair own;
};

result<curve_pair> make_curve_pair();
// Two new files. The public key.
result<std::string> write_curve_pair(const std::filesystem::path&);
// Of a secret key's file: both.
result<curve_pair> read_curve_secret(const std::filesystem::path&);
result<std::string> read_curve_public(const std::filesystem::path&);
result<curve_client_keys> read_curve_client(const curve_client_files&);
// The same of keys as texts, which a failure does not repeat.
result<curve_client_keys> curve_client_of(std::string server, std::string secret);

}  // namespace argosy

// Who may ask a server, and what: a text file with a line for each,
//     NAME RIGHTS PROOF       a line that begins with # is a comment
//   NAME     1 to 64 letters, digits, `.`, `_` or `-`, each once; it may be told, in logs and errors
//   RIGHTS   read, or write, which includes it
//   PROOF    of HTTP the SHA-256 of a key, 64 hexadecimal digits; of messages a CURVE public key, 40 characters of Z85
// It holds no secret that one could ask with. Nobody but its owner may read it where it has hashes, or write it where it has public keys.
// It is looked at once a second: who is not in it any more is not known any more. What has become wrong is told to the log, and what was read
// before goes on.
// Threads   one an object.   Errors   invalid_argument: FILE:LINE, what was wanted and found; those of the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"

namespace argosy {

enum class rights : unsigned char { read, write };
enum class proof_kind : unsigned char { key_hash, public_key };

struct known_client {
  std::string name;
  rights may;
  std::string proof;
};

class access_file {
public:
  // The clock outlives it.
  static result<access_file> open(const std::filesystem::path&, proof_kind, const clock_source&);

  // Null: nobody. Takes as long whoever it is. Valid until the next call.
  const known_client* find(std::string_view proof);
  // The same of the key itself. REQUIRES key_hash.
  const known_client* find_key(std::string_view key);

private:
  struct version {  // of the file: another one is read anew
    std::uint64_t inode = 0, bytes = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    bool operator==(const version&) const = default;
  };
  access_file(std::filesystem::path path, proof_kind kind, const clock_source& clock);
  static version version_of(const std::filesystem::path&);
  void look_again();
  std::filesystem::path path_;
  proof_kind kind_;
  const clock_source* clock_;
  steady_time looked_;
  version read_;
  std::vector<known_client> known_;
  std::string refused_;  // why the file could not be taken up: told once
};

// The name of a right as the file has it; what it says.
std::string_view word_of(rights) noexcept;
result<rights> rights_named(std::string_view);

// Makes a key of 32 random bytes and appends its line, to a new file where there is none. The key, which is kept nowhere.
result<std::string> add_key(const std::filesystem::path&, const std::string& name, rights);

}  // namespace argosy

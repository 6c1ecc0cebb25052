// What `prepare` refused: a line of `file, line, reason, detail` (TSV, with a header) for each, counted by reason.
// Thread use: one thread.   Errors  io_error when the disk refuses; in strict mode the first refusal, as invalid_argument.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/status.hpp"
#include "data/records.hpp"

namespace argosy {

class refusal_log {
public:
  static result<refusal_log> create(const std::filesystem::path&, bool strict);
  status refuse(const std::filesystem::path& file, const refusal&);
  status close();
  const std::map<std::string, std::uint64_t>& counts() const noexcept { return counts_; }
  // "3 unknown product, 1 empty query"; "nothing" when nothing was.
  std::string summary() const;

private:
  std::filesystem::path path_;
  std::ofstream out_;
  bool strict_ = false;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace argosy

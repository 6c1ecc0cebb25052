// The first words between a coordinator and whoever connects: JSON, so that versions which understand nothing else of each other can still say
// who they are.   Threads  any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

struct job_facts {
  std::uint64_t job = 0, of = 0;
  std::uint64_t data_fingerprint = 0;
  std::string recipe;         // its text
  std::uint64_t initial = 0;  // fingerprint of the weights that its encoders start from; 0: none
};

enum class caller_wish : std::uint8_t { join, status };
struct caller {
  caller_wish wish = caller_wish::join;
  std::string name;                    // host and process
  std::uint64_t data_fingerprint = 0;  // of one that joins
};

std::string greeting_of(const caller&);
// version_mismatch names both; corrupt: no greeting of ours.
result<caller> read_greeting(std::string_view);

std::string welcome_of(const job_facts&);
std::string refusal_text(const status&);
// What was refused, as it was refused; version_mismatch; corrupt.
result<job_facts> read_welcome(std::string_view);

}  // namespace argosy

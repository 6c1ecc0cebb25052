// Which index a generation gets, and how hard it is searched unless a search says otherwise.
#pragma once

#include <filesystem>

#include "index/hc_index.hpp"

namespace argosy {

inline constexpr std::size_t exact_below = 10'000;
// automatic: exact below so many vectors, hierarchical from there on (method.md, section 6).
enum class index_kind : std::uint8_t { automatic, flat, hc };

struct index_choice {
  index_kind kind = index_kind::automatic;
  hc_settings hc = {};
  std::function<void(const hc_progress&)> show = {};
  std::stop_token stop = {};
};
status write_index(const std::filesystem::path&, const_view vectors, const index_choice&);

// What `argosy tune` found, `effort.argosy` in the generation's folder, a container of kind "search-effort".
struct tuned_effort {
  search_effort effort;
  std::uint64_t k = 10, queries = 0;  // of the measurement
  double wanted = 0, recall = 0;      // of the k exact answers
};
inline constexpr const char* effort_name = "effort.argosy";
status write_effort(const std::filesystem::path& folder, const tuned_effort&);
// not_found: never tuned.
result<tuned_effort> read_effort(const std::filesystem::path& folder);

}  // namespace argosy

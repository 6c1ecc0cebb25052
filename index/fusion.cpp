#include "index/fusion.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/check.hpp"

namespace argosy {
namespace {

constexpr double rank_offset = 60;  // of the paper

}  // namespace

std::vector<fused_hit> fuse(std::span<const channel_list> channels, std::size_t k) {
  ARGOSY_CHECK(channels.size() <= 32);
  std::unordered_map<std::uint32_t, fused_hit> found;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (!(channels[c].weight > 0)) continue;
    double rank = 0;
    for (const hit& one : channels[c].hits) {
      fused_hit& fused = found[one.row];
      fused.row = one.row;
      fused.score += channels[c].weight / (rank_offset + ++rank);
      fused.channels |= std::uint32_t{1} << c;
    }
  }
  std::vector<fused_hit> all;
  for (const auto& [row, fused] : found) all.push_back(fused);
  std::sort(all.begin(), all.end(),
            [](const fused_hit& a, const fused_hit& b) { return a.score > b.score || (a.score == b.score && a.row < b.row); });
  if (all.size() > k) all.resize(k);
  return all;
}

}  // namespace argosy

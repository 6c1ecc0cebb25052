// Several channels' lists in one: reciprocal rank fusion, each row once.
//     score(row) = sum over channels c that found it of weight_c / (60 + rank_c(row)), ranks from 1
// Cormack, Clarke, Buettcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009; weights are ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/vector_index.hpp"

namespace argosy {

struct channel_list {
  std::span<const hit> hits;  // best first
  double weight = 1;          // 0: not asked
};

struct fused_hit {
  std::uint32_t row = 0;
  double score = 0;
  std::uint32_t channels = 0;  // bit c: channel c found it
};

// The best k; of equal scores the smaller row first. REQUIRES at most 32 channels.
std::vector<fused_hit> fuse(std::span<const channel_list>, std::size_t k);

}  // namespace argosy

// Counter-based random numbers: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// A number is a pure function of (seed, step, pair, site, element), so it does not depend on the number of workers, on the
// layout of a batch or on the device (method.md, section 3). Key = seed; counter = (element / 4, pair, step, site).
#pragma once

#include <array>
#include <cstdint>

namespace argosy {

using philox_block = std::array<std::uint32_t, 4>;

constexpr philox_block philox(std::uint64_t key, philox_block counter) noexcept {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * counter[0], b = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

// Who draws. Numbers are stable: a checkpoint of one version is continued by the next. Append only.
enum class draw_site : std::uint32_t {
  parameter = 1,   // initial weights: step = index of the parameter, pair = row
  data_order = 2,  // the permutation of an epoch
  demo_shop = 3,
  query_mask = 4,     // words of queries: element = 4 * position + which draw
  title_mask = 5,     // of titles
  patch_mask = 6,     // patches of images: element = patch
  second_query = 7,   // keyword enhancement
  hard_negative = 8,  // of classification: element = place of the column
  dropout = 16,       // plus the ordinal of the dropout in the model
};

struct draw_key {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t site = 0;
};

constexpr std::uint32_t random_bits(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept {
  return philox(key.seed, {element / 4, pair, key.step, key.site})[element % 4];
}

// Uniform in [0, 1), 24 bits.
constexpr float random_uniform(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept {
  return static_cast<float>(random_bits(key, pair, element) >> 8) * 0x1.0p-24f;
}

// Standard Gumbel: the column with the largest of logit + Gumbel is drawn by the softmax of the logits.
double random_gumbel(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept;

// Standard normal by Box-Muller over elements 2*element and 2*element + 1.
double random_normal(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept;

}  // namespace argosy

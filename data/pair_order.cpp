#include <bit>

#include "base/check.hpp"
#include "base/random.hpp"
#include "data/batch.hpp"

namespace argosy {
namespace {

constexpr std::uint32_t feistel_rounds = 6;  // ours: four make a permutation that looks random (Luby and Rackoff 1988), two to spare

std::uint32_t round_function(std::uint64_t seed, std::uint64_t epoch, std::uint32_t round, std::uint32_t half) noexcept {
  const auto low = static_cast<std::uint32_t>(epoch), high = static_cast<std::uint32_t>(epoch >> 32);
  return philox(seed, {half, low, high ^ round << 24, static_cast<std::uint32_t>(draw_site::data_order)})[0];
}

std::uint64_t permute(std::uint64_t value, int half_bits, std::uint64_t seed, std::uint64_t epoch) noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  std::uint64_t left = value >> half_bits & mask, right = value & mask;
  for (std::uint32_t round = 0; round < feistel_rounds; ++round) {
    const std::uint64_t mixed = left ^ (round_function(seed, epoch, round, static_cast<std::uint32_t>(right)) & mask);
    left = right;
    right = mixed;
  }
  return left << half_bits | right;
}

}  // namespace

pair_order::pair_order(std::uint64_t pairs, std::uint64_t seed) noexcept
    : pairs_(pairs), seed_(seed), half_bits_((static_cast<int>(std::bit_width(pairs - 1)) + 1) / 2) {
  ARGOSY_CHECK(pairs >= 1);
}

std::uint64_t pair_order::at(std::uint64_t position) const noexcept {
  const std::uint64_t epoch = position / pairs_;
  std::uint64_t value = position % pairs_;
  do value = permute(value, half_bits_, seed_, epoch);
  while (value >= pairs_);
  return value;
}

}  // namespace argosy

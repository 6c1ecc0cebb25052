#include "kernels/cpu/dropout.hpp"

#include <bit>
#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

constexpr std::int64_t strip = 64;  // counters drawn at once, four elements each

// philox() of random.hpp for `strip` counters side by side; one loop a round, which vectorises where the whole function does not.
// Writes the bits of elements 4 * counter .. 4 * (counter + strip) of one pair.
void draw_strip(draw_key key, std::uint32_t pair, std::uint32_t counter, float* bits) {
  std::uint32_t a[strip], b[strip], c[strip], d[strip];
  for (std::uint32_t i = 0; i < strip; ++i) {
    a[i] = counter + i;
    b[i] = pair;
    c[i] = key.step;
    d[i] = key.site;
  }
  std::uint32_t k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (std::uint32_t i = 0; i < strip; ++i) {
      const std::uint64_t x = 0xD2511F53ull * a[i], y = 0xCD9E8D57ull * c[i];
      a[i] = static_cast<std::uint32_t>(y >> 32) ^ b[i] ^ k0;
      b[i] = static_cast<std::uint32_t>(y);
      c[i] = static_cast<std::uint32_t>(x >> 32) ^ d[i] ^ k1;
      d[i] = static_cast<std::uint32_t>(x);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (std::uint32_t i = 0; i < strip; ++i) {
    bits[4 * i] = std::bit_cast<float>(a[i]);
    bits[4 * i + 1] = std::bit_cast<float>(b[i]);
    bits[4 * i + 2] = std::bit_cast<float>(c[i]);
    bits[4 * i + 3] = std::bit_cast<float>(d[i]);
  }
}

}  // namespace

// A draw of 24 bits is compared as an integer, so that the mask is that of the reference for every rate.
cpu::row_dropout::row_dropout(const dropout_input& in)
    : in_(in), dropped_below_(static_cast<std::int32_t>(std::ceil(in.rate * 0x1.0p24))), kept_(static_cast<float>(1 / (1 - in.rate))) {}

void cpu::row_dropout::operator()(std::int64_t row, std::int64_t cols, const float* from, float* to) const {
  const auto drop = [below = dropped_below_, kept = kept_](vec value, vec bits) {
    const vec_int drawn = (std::bit_cast<vec_int>(bits) >> 8) & 0xFFFFFF;
    return value * (drawn < below ? vec{} : splat(kept));
  };
  const std::uint32_t pair = in_.pair[static_cast<std::size_t>(row)];
  const std::int64_t start = in_.position[static_cast<std::size_t>(row)] * cols;
  for (std::int64_t c = -(start % 4); c < cols; c += 4 * strip) {
    float bits[4 * strip];
    draw_strip(in_.key, pair, static_cast<std::uint32_t>(start + c) / 4, bits);
    const std::int64_t first = std::max<std::int64_t>(0, c), last = std::min(cols, c + 4 * strip);
    map(last - first, to + first, drop, from + first, bits + (first - c));
  }
}

status cpu_device::dropout(const dropout_input& in, view x) {
  const cpu::row_dropout drop(in);
  if (!drop.drops()) return {};
  cpu::for_rows(threads_, x.rows, x.cols * 8, [&](std::int64_t row) { drop(row, x.cols, x.row<float>(row), x.row<float>(row)); });
  return {};
}

}  // namespace argosy

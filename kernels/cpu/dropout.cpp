#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/elementwise.hpp"

namespace argosy {
namespace {

constexpr std::int64_t strip = 64;  // counters drawn at once, four elements each

// The bits of elements 4 * counter .. 4 * (counter + strip) of one pair: philox() of random.hpp, a lane a counter.
void draw_strip(draw_key key, std::uint32_t pair, std::uint32_t counter, std::uint32_t* bits) {
#pragma omp simd
  for (std::uint32_t i = 0; i < strip; ++i) {
    const philox_block block = philox(key.seed, {counter + i, pair, key.step, key.site});
    bits[4 * i] = block[0];
    bits[4 * i + 1] = block[1];
    bits[4 * i + 2] = block[2];
    bits[4 * i + 3] = block[3];
  }
}

}  // namespace

// A draw of 24 bits is compared as an integer, so that the mask is that of the reference for every rate.
status cpu_device::dropout(const dropout_input& in, view x) {
  const auto dropped_below = static_cast<std::uint32_t>(std::ceil(in.rate * 0x1.0p24));
  const float kept = static_cast<float>(1 / (1 - in.rate));
  cpu::for_rows(threads_, x.rows, x.cols * 8, [&](std::int64_t row) {
    const std::uint32_t pair = in.pair[static_cast<std::size_t>(row)];
    const std::int64_t start = in.position[static_cast<std::size_t>(row)] * x.cols, skipped = start % 4;
    float* const to = x.row<float>(row);
    for (std::int64_t c = -skipped; c < x.cols; c += 4 * strip) {
      std::uint32_t bits[4 * strip];
      draw_strip(in.key, pair, static_cast<std::uint32_t>(start + c) / 4, bits);
      const std::int64_t first = std::max<std::int64_t>(0, c), last = std::min(x.cols, c + 4 * strip);
#pragma omp simd
      for (std::int64_t i = first; i < last; ++i) to[i] = bits[i - c] >> 8 < dropped_below ? 0.f : to[i] * kept;
    }
  });
  return {};
}

}  // namespace argosy

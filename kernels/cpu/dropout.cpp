#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/elementwise.hpp"

namespace argosy {

// A draw of 24 bits is compared as an integer, so that the mask is that of the reference for every rate.
status cpu_device::dropout(const dropout_input& in, view x) {
  const auto dropped_below = static_cast<std::uint32_t>(std::ceil(in.rate * 0x1.0p24));
  const float kept = static_cast<float>(1 / (1 - in.rate));
  cpu::for_rows(threads_, x.rows, x.cols * 8, [&](std::int64_t row) {
    const std::uint32_t pair = in.pair[static_cast<std::size_t>(row)];
    const std::uint32_t start = static_cast<std::uint32_t>(in.position[static_cast<std::size_t>(row)] * x.cols);
    float* const to = x.row<float>(row);
    philox_block block{};
    for (std::int64_t c = 0; c < x.cols; ++c) {
      const std::uint32_t element = start + static_cast<std::uint32_t>(c);
      if (c == 0 || element % 4 == 0) block = philox(in.key.seed, {element / 4, pair, in.key.step, in.key.site});
      to[c] = block[element % 4] >> 8 < dropped_below ? 0.f : to[c] * kept;
    }
  });
  return {};
}

}  // namespace argosy

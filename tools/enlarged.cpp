#include "tools/enlarged.hpp"

#include <cmath>

#include "base/random.hpp"
#include "index/inner_product.hpp"
#include "index/vector_index.hpp"

namespace argosy {
namespace {

constexpr std::size_t neighbours = 16;
constexpr float most_of_other = 0.5f, noise = 0.2f;

void normalise(float* row, std::size_t columns) noexcept {
  const float length = std::sqrt(inner_product(row, row, columns));
  for (std::size_t i = 0; i < columns && length > 0; ++i) row[i] /= length;
}

}  // namespace

result<std::vector<float>> enlarged(const_view vectors, std::uint64_t count, std::uint64_t seed, int threads) {
  ARGOSY_ASSIGN(const auto exact, flat_index_over(vectors));
  ARGOSY_ASSIGN(const auto near, exact->search(vectors, {.k = neighbours + 1, .threads = threads}));
  const auto columns = static_cast<std::size_t>(vectors.cols);
  const auto stored = static_cast<std::uint32_t>(vectors.rows);
  std::vector<float> made(count * columns);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::uint64_t r = 0; r < count; ++r) {
    const draw_key key{.seed = seed};
    const auto pair = static_cast<std::uint32_t>(r);
    const std::uint32_t i = random_bits(key, pair, 0) % stored;
    const auto& around = near[i];
    const std::uint32_t j = around[random_bits(key, pair, 1) % around.size()].row;
    const float a = most_of_other * random_uniform(key, pair, 2);
    const float *x = vectors.row<float>(i), *y = vectors.row<float>(j);
    const float width = noise * std::sqrt(inner_product(x, x, columns) / static_cast<float>(columns));
    float* out = made.data() + r * columns;
    for (std::size_t c = 0; c < columns; ++c) {
      const auto normal = static_cast<float>(random_normal({.seed = seed, .step = 1}, pair, static_cast<std::uint32_t>(c)));
      out[c] = x[c] + a * (y[c] - x[c]) + width * normal;
    }
    normalise(out, columns);
  }
  return made;
}

}  // namespace argosy

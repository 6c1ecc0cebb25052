#include "index/inner_product.hpp"

#include "index/lanes.hpp"

namespace argosy {
namespace {

float sum_of(lanes of) noexcept { return ((of[0] + of[4]) + (of[2] + of[6])) + ((of[1] + of[5]) + (of[3] + of[7])); }

}  // namespace

float inner_product(const float* a, const float* b, std::size_t n) noexcept {
  lanes sum_0{}, sum_1{}, sum_2{}, sum_3{};
  std::size_t i = 0;
  for (; i + 4 * lane_count <= n; i += 4 * lane_count) {
    sum_0 = multiply_add(load(a + i), load(b + i), sum_0);
    sum_1 = multiply_add(load(a + i + lane_count), load(b + i + lane_count), sum_1);
    sum_2 = multiply_add(load(a + i + 2 * lane_count), load(b + i + 2 * lane_count), sum_2);
    sum_3 = multiply_add(load(a + i + 3 * lane_count), load(b + i + 3 * lane_count), sum_3);
  }
  for (; i + lane_count <= n; i += lane_count) sum_0 = multiply_add(load(a + i), load(b + i), sum_0);
  lanes tail{};
  for (std::size_t lane = 0; i < n; ++i, ++lane) tail[lane] = a[i] * b[i];
  return sum_of(((sum_0 + sum_1) + (sum_2 + sum_3)) + tail);
}

double inner_product_reference(const float* a, const float* b, std::size_t n) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace argosy

#include "kernels/cpu/product.hpp"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <atomic>
#include <string>

#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/thread_setting.hpp"
#include "kernels/linear.hpp"

namespace argosy {
namespace {

std::atomic<double> flops{0};

}  // namespace

double executed_product_flops() noexcept { return flops.load(std::memory_order_relaxed); }
void count_product_flops(double more) noexcept { flops.fetch_add(more, std::memory_order_relaxed); }

namespace cpu {

status multiply(int threads, product_shape shape, float alpha, factor a, factor b, bool add, float* c, std::int64_t c_stride) {
  const auto [m, n, k] = shape;
  if (m == 0 || n == 0) return {};
  if (k == 0) {
    if (!add)
      for (std::int64_t row = 0; row < m; ++row) std::fill_n(c + row * c_stride, n, 0.f);
    return {};
  }
  const thread_setting setting(threads);
  const dnnl_status_t done = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, alpha, a.data, a.stride, b.data,
                                        b.stride, add ? 1.f : 0.f, c, c_stride);
  if (done != dnnl_success) return {errc::internal, std::string("dnnl_sgemm: ") + dnnl_status2str(done)};
  count_product_flops(2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
  return {};
}

namespace {

constexpr std::int64_t copied_rows = 256;

bool clashes(const_view x) noexcept { return x.rows > 1 && x.stride % 256 == 0; }

std::int64_t copied_floats(const_view x) noexcept { return clashes(x) ? copied_rows * unclashing_stride(x.cols) : 0; }

factor block_of(int threads, const_view x, std::int64_t first, std::int64_t count, float* copy) {
  const const_view rows = x.row_range(first, count);
  if (!clashes(x)) return plain(rows);
  const std::int64_t stride = unclashing_stride(x.cols);
  for_rows(threads, count, x.cols, [&](std::int64_t row) { std::copy_n(rows.row<float>(row), x.cols, copy + row * stride); });
  return {copy, stride};
}

}  // namespace

std::int64_t gradient_product_floats(const_view a, const_view b) noexcept { return copied_floats(a) + copied_floats(b); }

status add_gradient_product(int threads, const_view a, const_view b, view c, float* scratch) {
  const std::int64_t step = clashes(a) || clashes(b) ? copied_rows : std::max<std::int64_t>(1, a.rows);
  for (std::int64_t first = 0; first < a.rows; first += step) {
    const std::int64_t count = std::min(step, a.rows - first);
    factor left = block_of(threads, a, first, count, scratch);
    left.transposed = true;
    ARGOSY_TRY(multiply(threads, count, 1.f, left, block_of(threads, b, first, count, scratch + copied_floats(a)), true, c));
  }
  return {};
}

}  // namespace cpu
}  // namespace argosy

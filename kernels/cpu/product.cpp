#include "kernels/cpu/product.hpp"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <atomic>
#include <string>

#include "kernels/linear.hpp"

namespace argosy {
namespace {

std::atomic<double> flops{0};

// oneDNN takes the number of threads from OpenMP's setting for the calling thread.
class thread_setting {
public:
  explicit thread_setting(int threads) noexcept : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~thread_setting() { omp_set_num_threads(before_); }
  thread_setting(const thread_setting&) = delete;
  thread_setting& operator=(const thread_setting&) = delete;

private:
  int before_;
};

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

}  // namespace cpu
}  // namespace argosy

// oneDNN's product of bfloat16, where the processor has one. It is exported but in no header of oneDNN 2.6; its arguments are those of
// dnnl_sgemm.
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <string>

#include "kernels/cpu/bfloat16.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/product.hpp"
#include "kernels/cpu/thread_setting.hpp"
#include "kernels/cpu/tile_product.hpp"
#include "kernels/linear.hpp"

extern "C" dnnl_status_t dnnl_gemm_bf16bf16f32(char, char, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, float, const std::uint16_t*, dnnl_dim_t,
                                               const std::uint16_t*, dnnl_dim_t, float, float*, dnnl_dim_t);

namespace argosy::cpu {
namespace {

struct sizes {
  std::int64_t m, n, k;
};

sizes sizes_of(const rounded_factor& a, const view& c) { return {c.rows, c.cols, a.transposed ? a.values.rows : a.values.cols}; }

char letter(const rounded_factor& f) { return f.transposed ? 'T' : 'N'; }

std::int64_t floats_of(const_view x) noexcept { return x.rows * unclashing_stride(x.cols); }

// Calls convert(cols, from, to) for every row of x.
template <class Number, class Convert>
void copy_rows(int threads, const_view x, Number* to, Convert convert) {
  const std::int64_t stride = unclashing_stride(x.cols);
  for_rows(threads, x.rows, x.cols, [&](std::int64_t row) { convert(x.cols, x.row<float>(row), to + row * stride); });
}

// With AVX-512 alone oneDNN would take bfloat16 too, and emulate it.
bool probe() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16") == 0) return false;
#endif
  const std::uint16_t one[] = {to_bfloat16(1.f)};
  float sum[] = {0};
  return dnnl_gemm_bf16bf16f32('N', 'N', 1, 1, 1, 1.f, one, 1, one, 1, 0.f, sum, 1) == dnnl_success && sum[0] == 1.f;
}

}  // namespace

// Here, for this file is compiled for every processor.
bool has_tiles() noexcept {
#if defined(__x86_64__)
  static const bool allowed = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned tiles_of_bfloat16 = 1u << 22, tiles = 1u << 24;
    constexpr long ask_for_state = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, which the headers of older kernels lack
    if (__builtin_cpu_supports("avx512bf16") == 0 || __builtin_cpu_supports("avx512bw") == 0) return false;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    return (d & tiles_of_bfloat16) != 0 && (d & tiles) != 0 && syscall(SYS_arch_prctl, ask_for_state, tile_data) == 0;
  }();
  return allowed;
#else
  return false;
#endif
}

bool multiplies_bfloat16() noexcept {
  static const bool itself = probe();
  return itself;
}

std::int64_t bfloat16_product_floats(const_view a, const_view b) noexcept { return floats_of(a) + floats_of(b); }

status multiply_bfloat16(int threads, rounded_factor a, rounded_factor b, bool add, view c, float* scratch) {
  const auto [m, n, k] = sizes_of(a, c);
  float* const second = scratch + floats_of(a.values);
  const std::int64_t a_stride = unclashing_stride(a.values.cols), b_stride = unclashing_stride(b.values.cols);
  if (!multiplies_bfloat16() || m == 0 || n == 0 || k == 0) {
    const auto round = [](std::int64_t count, const float* from, float* to) { round_to_bfloat16(count, from, to); };
    copy_rows(threads, a.values, scratch, round);
    copy_rows(threads, b.values, second, round);
    return multiply(threads, k, 1.f, {scratch, a_stride, a.transposed}, {second, b_stride, b.transposed}, add, c);
  }
  auto* const left = reinterpret_cast<std::uint16_t*>(scratch);
  auto* const right = reinterpret_cast<std::uint16_t*>(second);
  const auto halve = [](std::int64_t count, const float* from, std::uint16_t* to) { to_bfloat16(count, from, to); };
  copy_rows(threads, a.values, left, halve);
  copy_rows(threads, b.values, right, halve);
  const thread_setting setting(threads);
  const dnnl_status_t done = dnnl_gemm_bf16bf16f32(letter(a), letter(b), m, n, k, 1.f, left, a_stride, right, b_stride, add ? 1.f : 0.f,
                                                   c.as<float>(), std::max(c.stride, c.cols));
  if (done != dnnl_success) return {errc::internal, std::string("dnnl_gemm_bf16bf16f32: ") + dnnl_status2str(done)};
  count_product_flops(2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
  return {};
}

}  // namespace argosy::cpu

#include "kernels/peak.hpp"

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

// Best of runs for half a second, three at least, in seconds.
template <class Run>
double best_seconds(const Run& run) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  double best = 1e30;
  for (int i = 0; i < 3 || clock::now() - start < std::chrono::milliseconds(500); ++i) {
    const auto before = clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(clock::now() - before).count());
  }
  return best;
}

}  // namespace

double measure_product_peak(int threads, compute how) {
  using dnnl::memory;
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  constexpr memory::dim n = 2048;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const bool halves = how == compute::bfloat16 && cpu_multiplies_bfloat16();
  const memory::desc any({n, n}, halves ? memory::data_type::bf16 : memory::data_type::f32, memory::format_tag::any);
  const memory::desc sums({n, n}, memory::data_type::f32, memory::format_tag::any);
  const dnnl::matmul::primitive_desc wanted({any, any, sums}, engine);
  memory source(wanted.src_desc(), engine), weights(wanted.weights_desc(), engine), result(wanted.dst_desc(), engine);
  for (memory* each : {&source, &weights}) {
    std::fill_n(static_cast<std::uint16_t*>(each->get_data_handle()), each->get_desc().get_size() / 2, std::uint16_t{0x3F00});
  }
  const dnnl::matmul product(wanted);
  const double seconds = best_seconds([&] {
    product.execute(stream, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, result}});
    stream.wait();
  });
  omp_set_num_threads(before);
  return 2.0 * n * n * n / seconds * 1e-9;
}

double measure_read_bandwidth(int threads) {
  const std::vector<float> values(std::size_t{1} << 26, 1.f);
  const auto count = static_cast<std::int64_t>(values.size()), piece = cpu::pieces_of(count, threads);
  std::vector<float> sums(static_cast<std::size_t>(threads));
  volatile float kept = 0;
  const double seconds = best_seconds([&] {
    cpu::for_pieces(threads, count, piece, [&](std::int64_t thread, std::int64_t first, std::int64_t last) {
      const auto same = [](cpu::vec x) { return x; };
      sums[static_cast<std::size_t>(thread)] = cpu::map_sum(last - first, same, values.data() + first);
    });
    kept = sums[0];
  });
  return static_cast<double>(values.size() * sizeof(float)) / seconds * 1e-9;
}

}  // namespace argosy

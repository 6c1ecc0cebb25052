#include "kernels/peak.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "kernels/devices.hpp"
#include "kernels/linear.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"

namespace argosy {

// Random numbers, for products of zeros can be faster.
result<double> measure_product_peak(device& on, std::int64_t size) {
  using clock = std::chrono::steady_clock;
  tensor exact, x, y, weight;
  ARGOSY_TRY(exact.resize(on, size, size));
  ARGOSY_TRY(weight.resize(on, size, size));
  ARGOSY_TRY(x.resize_rows(on, size, size));
  ARGOSY_TRY(y.resize_rows(on, size, size));
  std::vector<float> numbers(static_cast<std::size_t>(size * size));
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = random_uniform({.seed = 1}, static_cast<std::uint32_t>(i >> 32), static_cast<std::uint32_t>(i)) - .5f;
  ARGOSY_TRY(upload(on, numbers, exact));
  ARGOSY_TRY(upload(on, numbers, weight));
  ARGOSY_TRY(move_rows(on, {exact, {}, {}, false}, x));
  const auto run = [&](int times) -> result<double> {
    const auto start = clock::now();
    for (int i = 0; i < times; ++i) ARGOSY_TRY(linear_forward(on, {x, weight, {}}, y));
    ARGOSY_TRY(numbers_of(on, exact.all().row_range(0, 1).column_range(0, 1)).failure());
    return std::chrono::duration<double>(clock::now() - start).count() / times;
  };
  ARGOSY_ASSIGN(const double first, run(2));
  const int times = std::clamp(static_cast<int>(.1 / first), 1, 1000);
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    ARGOSY_ASSIGN(const double seconds, run(times));
    best = std::min(best, seconds);
  }
  const auto n = static_cast<double>(size);
  return 2 * n * n * n / best * 1e-9;
}

result<double> measure_product_peak(std::string_view device_name, int threads, compute how) {
  constexpr std::int64_t of_a_gpu = 8192;
  const int all = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (device_name == "cpu") return measure_product_peak(threads > 0 ? threads : all, how);
  // What 8-bit products gain shows beside the rate of bfloat16.
  ARGOSY_ASSIGN(const auto on, open_device(device_name, threads, how == compute::fp8 ? compute::bfloat16 : how));
  return measure_product_peak(*on, of_a_gpu);
}

}  // namespace argosy

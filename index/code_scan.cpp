#include "index/code_scan.hpp"

#include <vector>

namespace argosy {
namespace {

void scan(const std::uint8_t* codes, std::size_t blocks, const std::uint8_t* table, std::size_t parts, int threshold, std::uint16_t* sums,
          std::uint32_t* hits) noexcept {
  for (std::size_t b = 0; b < blocks; ++b, codes += block_bytes(parts), sums += block_vectors) {
    std::fill_n(sums, block_vectors, std::uint16_t{0});
    for (std::size_t m = 0; m < parts; ++m) {
      for (std::size_t j = 0; j < part_bytes; ++j) {
        const std::uint8_t both = codes[m * part_bytes + j];
        sums[j] = static_cast<std::uint16_t>(sums[j] + table[m * part_entries + (both & 15)]);
        sums[part_bytes + j] = static_cast<std::uint16_t>(sums[part_bytes + j] + table[m * part_entries + (both >> 4)]);
      }
    }
    hits[b] = 0;
    for (std::size_t j = 0; j < block_vectors; ++j) hits[b] |= sums[j] > threshold ? std::uint32_t{1} << j : 0u;
  }
}

template <class T>
std::int32_t dot(const std::int16_t* query, const T* row, std::size_t columns) noexcept {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < columns; ++i) sum += static_cast<std::int32_t>(query[i]) * row[i];
  return sum;
}

std::vector<scan_kernels> found_here() {
  std::vector<scan_kernels> found;
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) found.push_back(avx512_scan);
  if (__builtin_cpu_supports("avx2")) found.push_back(avx2_scan);
#endif
  found.push_back(plain_scan);
  return found;
}

}  // namespace

const scan_kernels plain_scan{"plain", scan, dot<std::int8_t>, dot<std::int16_t>};

std::span<const scan_kernels> available_scan_kernels() {
  static const std::vector<scan_kernels> found = found_here();
  return found;
}

}  // namespace argosy
